"""The tables of a history, CSV or Parquet, read a chunk at a time. A missing table or column is `HistoryInvalid`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

from hub.occupancy.backtest.chunk import Chunk, HistoryInvalid, Problems

COLUMNS: dict[str, tuple[str, ...]] = {
    "dwellings": ("dwelling_id", "estate_id", "block_id", "let_from", "let_to", "expected_members"),
    "members": ("person_id", "dwelling_id", "from", "to", "face_consent_b"),
    "access_points": ("access_point_id", "estate_id", "scope", "block_id", "dwelling_id"),
    "passes": (
        "ts",
        "access_point_id",
        "person_id",
        "credential_id",
        "credential_kind",
        "dwelling_id",
        "granted",
        "direction",
    ),
    "coverage": ("access_point_id", "from", "to", "state"),
    "meters": ("dwelling_id", "date", "kind", "value", "ok"),
    "absences": ("dwelling_id", "from", "to", "reason", "declared_on"),
    "cases": ("dwelling_id", "kind", "closed_on", "outcome"),
    "subgroups": ("dwelling_id", "group"),
    "truth": ("dwelling_id", "kind", "from", "to"),
}
REQUIRED = ("dwellings", "members", "access_points", "passes", "coverage")
CHUNK_ROWS = 250_000
LIKE = 0.8
"""A file whose name is so like a table's is a slip of the pen."""

TABLE_FILES = (".csv", ".parquet", ".xlsx", ".xls", ".tsv", ".txt")
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", "，": "，"}


class Tables:
    """The tables of one directory."""

    def __init__(self, directory: Path, problems: Problems) -> None:
        if not directory.is_dir():
            raise HistoryInvalid(f"{directory} is no directory")
        self.problems = problems
        self.read = dict.fromkeys(COLUMNS, 0)
        """Bytes read of each table so far, for a progress bar."""
        self.files: dict[str, Path] = {}
        for name in COLUMNS:
            for ending in ("parquet", "csv"):
                file = directory / f"{name}.{ending}"
                if name not in self.files and file.is_file():
                    self.files[name] = file
        self._look_alikes(directory)
        if absent := [name for name in REQUIRED if name not in self.files]:
            raise HistoryInvalid(f"{directory}: required table {absent[0]!r} is missing ({absent[0]}.csv or .parquet)")
        if any(file.suffix == ".parquet" for file in self.files.values()) and find_spec("pyarrow") is None:
            raise HistoryInvalid("the history holds Parquet tables; install pyarrow to read them, or give CSV")

    def _look_alikes(self, directory: Path) -> None:
        """A table that is not read because its file has another name, or that stands twice, would be missed in silence."""
        for file in sorted(directory.iterdir()):
            meant = get_close_matches(file.stem.lower(), COLUMNS, 1, LIKE)
            if not meant or file.suffix.lower() not in TABLE_FILES or file in self.files.values():
                continue
            stands = (
                self.files[meant[0]].name if meant[0] in self.files else f"only {meant[0]}.csv or {meant[0]}.parquet"
            )
            self.problems.note("file that is not read", f"{file.name}: {stands} is")

    def has(self, name: str) -> bool:
        """Whether the optional table stands."""
        return name in self.files

    def size(self, name: str) -> int:
        """Bytes of the table's file; 0 where it does not stand."""
        return self.files[name].stat().st_size if name in self.files else 0

    def chunks(self, name: str) -> Iterator[Chunk]:
        """The table's rows in chunks; nothing for an optional table that does not stand."""
        file = self.files.get(name)
        if file is None:
            return
        yield from (self._parquet if file.suffix == ".parquet" else self._csv)(name, file)

    def _check(self, name: str, file: Path, header: Sequence[str]) -> None:
        for column in COLUMNS[name]:
            if column not in header:
                raise HistoryInvalid(f"{file.name}: column {column!r} is missing{_separated(header)}")
            if list(header).count(column) > 1:
                raise HistoryInvalid(f"{file.name}: column {column!r} stands there twice")
        for column in header:
            if column not in COLUMNS[name]:
                self.problems.counts.setdefault("unknown column, ignored", 0)
                where = f"{name}.{column}"
                if where not in self.problems.examples.get("unknown column, ignored", []):
                    self.problems.note("unknown column, ignored", where)

    def _csv(self, name: str, file: Path) -> Iterator[Chunk]:
        try:
            with file.open("rb") as raw, TextIOWrapper(raw, encoding="utf-8-sig", newline="") as opened:
                reader = csv.reader(opened)
                header = [column.strip() for column in next(reader, [])]
                self._check(name, file, header)
                places = {column: header.index(column) for column in COLUMNS[name]}
                first, width = 1, len(header)
                while rows := list(islice(reader, CHUNK_ROWS)):
                    fit = [_fits(row, width) for row in rows]
                    if not all(fit):
                        self._note_odd(name, width, first, rows, fit)
                    kept = {first + place: row for place, (row, fits) in enumerate(zip(rows, fit, strict=True)) if fits}
                    if name == "coverage":
                        odd = (place for place, fits in enumerate(fit) if not fits)
                        kept |= {first + place: _of_no_time(rows[place], places, width) for place in odd}
                    turned = list(zip(*(row[:width] for row in kept.values()), strict=True)) or [()] * width
                    columns = {column: list(turned[place]) for column, place in places.items()}
                    self.read[name] = raw.tell()
                    yield Chunk(name, columns, list(kept), self.problems)
                    first += len(rows)
        except UnicodeDecodeError as error:
            raise HistoryInvalid(f"{file.name}: no UTF-8 CSV: {error}{_written_in(file)}") from error
        except csv.Error as error:
            raise HistoryInvalid(f"{file.name}: no UTF-8 CSV: {error}") from error

    def _note_odd(self, name: str, fields: int, first: int, rows: Sequence[Sequence[str]], fit: Sequence[bool]) -> None:
        odd = fit.index(False)
        what = f"{name} row {first + odd}: {len(rows[odd])} fields, not {fields}"
        self.problems.note(f"row of another length in {name}", what, len(fit) - sum(fit))

    def _parquet(self, name: str, file: Path) -> Iterator[Chunk]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        first = 1
        try:
            with pq.ParquetFile(file) as opened:
                self._check(name, file, opened.schema_arrow.names)
                for batch in opened.iter_batches(CHUNK_ROWS * 4, columns=list(COLUMNS[name])):
                    columns = {column: batch.column(column) for column in COLUMNS[name]}
                    numbers = range(first, first + batch.num_rows)
                    self.read[name] = self.size(name) * (numbers.stop - 1) // opened.metadata.num_rows
                    yield Chunk(name, columns, numbers, self.problems)
                    first = numbers.stop
        except (pa.ArrowException, OSError) as error:
            raise HistoryInvalid(f"{file.name}: no readable Parquet file: {error}") from error


def _fits(row: Sequence[str], fields: int) -> bool:
    """Empty fields at its end are a slip of the export; others would stand in the wrong column."""
    return len(row) == fields or (len(row) > fields and not any(text.strip() for text in row[fields:]))


def _of_no_time(row: Sequence[str], places: Mapping[str, int], fields: int) -> list[str]:
    """A row of coverage whose fields stand in wrong columns: an outage may stand there, nobody knows of when."""
    made = [""] * fields
    made[places["access_point_id"]] = row[places["access_point_id"]] if places["access_point_id"] < len(row) else ""
    made[places["state"]] = "ok" if "ok" in (text.strip() for text in row) else "down"
    return made


def _separated(header: Sequence[str]) -> str:
    """What to do about a header that is one column."""
    found = [mark for mark in SEPARATORS if len(header) == 1 and mark in header[0]]
    return f": its columns are separated by {SEPARATORS[found[0]]}; write commas" if found else ""


def _written_in(file: Path) -> str:
    """What to do about a file in the encoding of spreadsheets in China."""
    with file.open("rb") as raw:
        beginning = raw.read(100_000)
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "; it is written in UTF-16: save it as CSV UTF-8"
    try:
        beginning.decode("gb18030")
    except UnicodeDecodeError as error:
        if error.start < len(beginning) - 4:  # else it is cut within a character
            return ""
    return "; it seems to be written in GBK: save it as CSV UTF-8"
