"""An uploaded file as rows of cells: XLSX with merged cells filled, or CSV in UTF-8, UTF-16 or GB 18030."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterable
from contextlib import closing
from typing import IO, TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.parsers import expat

from hub.tenancy.fields import Refused

if TYPE_CHECKING:
    from openpyxl.worksheet.cell_range import CellRange

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 200 * 1024 * 1024  # a small file may unpack to gigabytes
MAX_ROWS = 50_000
MAX_COLUMNS = 60
MAX_CELLS, MAX_IN_ROW = 3_000_000, 1_000  # as they stand in the file, before any column is left out
MAX_OTHER_PART = 4 * 1024 * 1024  # unpacked: styles and themes, of which a list needs next to none
_MERGED = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}mergeCell"
MAX_MERGED = 5_000  # areas; a list merges house codes, a hostile file names millions of cells in a few bytes
# What openpyxl, lxml and zipfile raise at a damaged file: it has no error of its own for that.
_XLSX_ERRORS = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, SyntaxError, AttributeError, AssertionError,
    LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, expat.ExpatError,
)  # fmt: skip
Rows = list[list[object]]


def rows_of(name: str, content: bytes) -> Rows:
    """Rows from the top, first sheet only. Raises Refused with what to do."""
    if len(content) > MAX_BYTES:
        raise Refused("file_too_large")
    suffix = name.rpartition(".")[2].lower()
    if suffix == "xlsx":
        return _xlsx(content)
    if suffix == "csv":
        return _csv(content)
    raise Refused("file_type", suffix[:10])


def _xlsx(content: bytes) -> Rows:
    """Read as a stream: neither the size a sheet says it has nor its merged areas are ever unfolded in memory."""
    from openpyxl import load_workbook  # here: few starts of the hub come to read a workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise Refused("file_too_large")
            _small(packed)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        with closing(book):
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            rows: Rows = []
            for row in sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True):
                rows.append(list(row))
                if len(rows) > MAX_ROWS:
                    raise Refused("file_too_large")
            _fill(rows, _merged(sheet))
    except Refused:
        raise
    except (InvalidFileException, *_XLSX_ERRORS) as error:
        raise Refused("file_unreadable", type(error).__name__) from error
    return rows


def _small(packed: zipfile.ZipFile) -> None:
    """24 KB of a hostile file hold four million cells in one row, or as many fonts, and openpyxl keeps all. Raises Refused."""
    for entry in packed.infolist():
        if entry.filename.startswith("xl/worksheets/"):
            with packed.open(entry) as part:
                _count_cells(part)
        elif not entry.filename.endswith("sharedStrings.xml") and entry.file_size > MAX_OTHER_PART:
            raise Refused("file_too_large")


def _count_cells(part: IO[bytes]) -> None:
    cells = in_row = 0

    def start(name: str, _attributes: object) -> None:
        nonlocal cells, in_row
        tag = name.rpartition(":")[2]
        if tag == "row":
            in_row = 0
        elif tag == "c":
            cells, in_row = cells + 1, in_row + 1
            if in_row > MAX_IN_ROW or cells > MAX_CELLS:
                raise Refused("file_too_large")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.ParseFile(part)


def _merged(sheet: Any) -> list[CellRange]:
    """A streamed sheet does not tell its merged areas: they are read from its own part of the file."""
    from openpyxl.worksheet.cell_range import CellRange

    areas: list[CellRange] = []
    with sheet._get_source() as source:
        for _, element in ElementTree.iterparse(source):
            if element.tag == _MERGED:
                areas.append(CellRange(element.get("ref", "")))
            if len(areas) > MAX_MERGED:
                raise Refused("file_too_large")
            element.clear()
    return areas


def _fill(rows: Rows, areas: Iterable[CellRange]) -> None:
    left = MAX_ROWS * MAX_COLUMNS  # areas of a sound sheet do not overlap
    for area in areas:
        top = rows[area.min_row - 1 : area.max_row]
        if not top or area.min_col > len(top[0]):
            continue
        left -= len(top) * (min(area.max_col, MAX_COLUMNS) - area.min_col + 1)
        if left < 0:
            raise Refused("file_too_large")
        value = top[0][area.min_col - 1]
        for row in top:
            for column in range(area.min_col - 1, min(area.max_col, len(row))):
                row[column] = value


def _csv(content: bytes) -> Rows:
    text = _text(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",\t;", key=first.count)  # a spreadsheet that saves "Unicode text" separates by tabs
    try:
        rows: Rows = [list(row[:MAX_COLUMNS]) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise Refused("file_unreadable", str(error)) from error
    if len(rows) > MAX_ROWS:
        raise Refused("file_too_large")
    return rows


def _text(content: bytes) -> str:
    """UTF-16 says so by its first two bytes; GB 18030 is what is not UTF-8."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("file_unreadable", "encoding")
