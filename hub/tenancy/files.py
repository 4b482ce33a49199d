"""An uploaded file as rows of cells: XLSX with merged cells filled, or CSV in UTF-8 or GB 18030."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from hub.tenancy.fields import Refused

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 200 * 1024 * 1024  # a small file may unpack to gigabytes
MAX_ROWS = 50_000
MAX_COLUMNS = 60
_XLSX_ERRORS = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, ParseError)
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
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(entry.file_size for entry in packed.infolist()) > MAX_UNPACKED:
                raise Refused("file_too_large")
        book = load_workbook(io.BytesIO(content), data_only=True)
        sheet = book.worksheets[0]
        if sheet.max_row > MAX_ROWS:
            raise Refused("file_too_large")
        rows: Rows = [
            list(row) for row in sheet.iter_rows(max_col=min(sheet.max_column, MAX_COLUMNS), values_only=True)
        ]
        for area in sheet.merged_cells.ranges:
            value = rows[area.min_row - 1][area.min_col - 1]
            for row in rows[area.min_row - 1 : area.max_row]:
                for column in range(area.min_col - 1, min(area.max_col, len(row))):
                    row[column] = value
    except Refused:
        raise
    except (*_XLSX_ERRORS, IndexError) as error:
        raise Refused("file_unreadable", type(error).__name__) from error
    return rows


def _csv(content: bytes) -> Rows:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            rows: Rows = [list(row[:MAX_COLUMNS]) for row in csv.reader(io.StringIO(text, newline=""))]
        except csv.Error as error:
            raise Refused("file_unreadable", str(error)) from error
        if len(rows) > MAX_ROWS:
            raise Refused("file_too_large")
        return rows
    raise Refused("file_unreadable", "encoding")
