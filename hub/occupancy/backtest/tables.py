"""Reads the tables of a history, CSV or Parquet, a chunk at a time, as columns of codes into vocabularies.

Wrong values are named and counted, never a crash; a missing table or column is `HistoryInvalid`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from importlib.util import find_spec
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = date(1970, 1, 1).toordinal()
BAD = np.iinfo(np.int64).min
"""Stands for a value that could not be read; an empty one too."""

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
EXAMPLES = 5
BOOLEANS = {"true": 1.0, "false": 0.0}
"""As some exports write 1 and 0."""

Ints = NDArray[np.int64]


class HistoryInvalid(ValueError):
    """The directory is no history that can be replayed: correct what the message names."""


@dataclass
class Problems:
    """What was found wrong in the input and kept out: how often, and where first. Picklable and mergeable."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, where: str, times: int = 1) -> None:
        """`what` is the class of the problem, `where` one place: table, row, column, value."""
        self.counts[what] = self.counts.get(what, 0) + times
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES:
            shown.append(where)

    def note_rows(self, what: str, table: str, rows: Ints) -> None:
        """Rows of a table (numbered from 1, the header not counted)."""
        if len(rows):
            self.note(what, f"{table} row {int(rows[0]) + 1}", len(rows))

    def note_words(self, what: str, table: str, rows: Ints, column: Coded, first: int) -> None:
        """As `note_rows`, with the word that stands there: each one once. `first`: the number of the column's first row."""
        codes = column.codes[rows - first]
        _, places = np.unique(codes, return_index=True)
        times = len(rows)
        for place in sorted(places.tolist())[:EXAMPLES]:
            word = column.words[codes[place]][:40] if codes[place] >= 0 else ""
            self.note(what, f"{table} row {int(rows[place]) + 1}: {word!r}", times)
            times = 0


@dataclass(frozen=True)
class Coded:
    """A column as codes into `words`; -1 is empty."""

    codes: Ints
    words: Sequence[str]

    def texts(self) -> list[str]:
        """The words themselves, empty ones as ''."""
        return [self.words[c] if c >= 0 else "" for c in self.codes.tolist()]

    def mapped(self, values: dict[str, int], missing: int = -1) -> Ints:
        """Each word's number in `values`; `missing` for a word not in it, and for an empty one."""
        table = np.array([*(values.get(word, missing) for word in self.words), missing], np.int64)
        return table[self.codes]


class Chunk:
    """Some rows of a table; `first` is the number of the first one (from 0)."""

    def __init__(self, table: str, first: int, columns: dict[str, Any], length: int, problems: Problems) -> None:
        self.table, self.first, self._columns, self.length, self._problems = table, first, columns, length, problems

    def rows(self, which: NDArray[np.bool_]) -> Ints:
        """Row numbers chosen by a mask."""
        return np.nonzero(which)[0] + self.first

    def coded(self, name: str) -> Coded:
        """A column of words."""
        column = self._columns[name]
        if isinstance(column, list):
            return _stripped(_encode(column))
        import pyarrow as pa

        encoded = column.cast(pa.string()).dictionary_encode()
        words = [word if word is not None else "" for word in encoded.dictionary.to_pylist()]
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return _stripped(Coded(codes, words))

    def filled(self, name: str) -> NDArray[np.bool_]:
        """Whether anything stands there: what cannot be read is another thing than what is not told."""
        column = self._columns[name]
        if isinstance(column, list):
            return np.array([bool(text and text.strip()) for text in column], np.bool_)
        return np.array([bool(str(v).strip()) if v is not None else False for v in column.to_pylist()], np.bool_)

    def times(self, name: str) -> Ints:
        """Local seconds since 1970-01-01T00:00 in the estate's zone; BAD where empty or unreadable (noted)."""
        column = self._columns[name]
        if not isinstance(column, list):
            import pyarrow as pa

            if pa.types.is_timestamp(column.type):
                if column.type.tz is None:
                    raise HistoryInvalid(f"{self.table}.{name}: the times have no zone; write them with an offset")
                plain = column.cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64())
                seconds = plain.fill_null(BAD).to_numpy().astype(np.int64)
                return np.where(seconds == BAD, BAD, seconds + _offsets(seconds))
            column = column.cast(pa.string()).to_pylist()
        return self._parsed(name, column, _Times())

    def days(self, name: str) -> Ints:
        """Days since 1970-01-01; BAD where empty or unreadable (noted)."""
        column = self._columns[name]
        if not isinstance(column, list):
            import pyarrow as pa

            if pa.types.is_date32(column.type):
                return np.asarray(column.cast(pa.int32()).cast(pa.int64()).fill_null(BAD).to_numpy(), np.int64)
            column = column.cast(pa.string()).to_pylist()
        return self._parsed(name, column, _Days())

    def numbers(self, name: str) -> NDArray[np.float64]:
        """NaN where empty or unreadable (noted)."""
        column = self._columns[name]
        if not isinstance(column, list):
            import pyarrow as pa

            if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
                return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
            column = column.cast(pa.string()).to_pylist()
        coded = _encode([text or "" for text in column])
        values = np.full(len(coded.words) + 1, np.nan)
        bad = np.zeros(len(coded.words) + 1, np.bool_)
        for number, word in enumerate(coded.words):
            try:
                values[number] = BOOLEANS.get(word.strip().lower()) or float(word)
            except ValueError:
                bad[number] = word.strip().lower() not in BOOLEANS
                values[number] = np.nan if bad[number] else 0.0
        self._note_bad(name, bad[coded.codes], coded)
        return values[coded.codes]

    def _parsed(self, name: str, column: list[str | None], parser: _Days | _Times) -> Ints:
        found = np.empty(len(column), np.int64)
        for row, text in enumerate(column):
            if not text:
                found[row] = BAD
                continue
            value = parser.read(text)
            if value is None:
                where = f"{self.table} row {self.first + row + 1}, column {name}: {text[:40]!r}"
                self._problems.note(f"unreadable value in {self.table}.{name}", where)
            found[row] = BAD if value is None else value
        return found

    def _note_bad(self, name: str, bad: NDArray[np.bool_], coded: Coded) -> None:
        for row in np.nonzero(bad)[0].tolist():
            where = f"{self.table} row {self.first + row + 1}, column {name}: {coded.words[coded.codes[row]][:40]!r}"
            self._problems.note(f"unreadable value in {self.table}.{name}", where)


def _offsets(seconds: Ints) -> Ints:
    """The zone's offset at each instant: looked up once an hour of the data, as zones change on whole hours."""
    hours, back = np.unique(seconds // 3600, return_inverse=True)
    found = [0 if abs(s) * 3600 > 10**11 else _offset(int(s) * 3600) for s in hours.tolist()]
    return np.array(found, np.int64)[back]


def _offset(second: int) -> int:
    offset = datetime.fromtimestamp(second, ZONE).utcoffset()
    return int(offset.total_seconds()) if offset else 0


class _Days:
    def __init__(self) -> None:
        self._known: dict[str, int | None] = {}

    def read(self, text: str) -> int | None:
        if text not in self._known:
            try:
                self._known[text] = date.fromisoformat(text.strip()).toordinal() - EPOCH
            except ValueError:
                self._known[text] = _day_of_time(text.strip())
        return self._known[text]


def _day_of_time(text: str) -> int | None:
    """A day written as its midnight, as spreadsheets and databases export it; else it is no day."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if at.time() != time() else at.toordinal() - EPOCH


class _Times:
    """Fast for the usual shape `2026-03-01T07:45:12+08:00`, whose date and offset repeat."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def read(self, text: str) -> int | None:
        key = (text[:10], text[19:])
        try:
            if key not in self._known:
                at = datetime.fromisoformat(text)
                if at.tzinfo is None:
                    return None
                local = at.astimezone(ZONE)
                second = (local.toordinal() - EPOCH) * 86_400 + local.hour * 3600 + local.minute * 60 + local.second
                if at.microsecond or len(text) < 19:
                    return second
                self._known[key] = second - _clock(text)
            return self._known[key] + _clock(text)
        except (ValueError, OverflowError):  # the first and last day of the calendar have no other zone
            return None


def _clock(text: str) -> int:
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    return hour * 3600 + minute * 60 + second


def _stripped(coded: Coded) -> Coded:
    """Without the blanks that exports of fixed width leave around words."""
    words = [word.strip() for word in coded.words]
    if words == list(coded.words) and "" not in words:
        return coded
    blank = np.array([not word for word in words] + [True])
    return Coded(np.where(blank[coded.codes], -1, coded.codes), words)


def _encode(column: Sequence[str | None]) -> Coded:
    known: dict[str, int] = {}
    codes = [known.setdefault(text, len(known)) if text else -1 for text in column]
    return Coded(np.array(codes, np.int64), list(known))


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
        if absent := [name for name in REQUIRED if name not in self.files]:
            raise HistoryInvalid(f"{directory}: required table {absent[0]!r} is missing ({absent[0]}.csv or .parquet)")
        if any(file.suffix == ".parquet" for file in self.files.values()) and find_spec("pyarrow") is None:
            raise HistoryInvalid("the history holds Parquet tables; install pyarrow to read them, or give CSV")

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
                raise HistoryInvalid(f"{file.name}: column {column!r} is missing")
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
                first = 0
                while rows := list(islice(reader, CHUNK_ROWS)):
                    kept = [row for row in rows if len(row) == len(header)]
                    if len(kept) < len(rows):
                        wrong = next(i for i, row in enumerate(rows) if len(row) != len(header))
                        what = f"{name} row {first + wrong + 1}: {len(rows[wrong])} fields, not {len(header)}"
                        self.problems.note(f"row of another length in {name}", what, len(rows) - len(kept))
                    turned = list(zip(*kept, strict=True)) if kept else [()] * len(header)
                    columns = {column: list(turned[place]) for column, place in places.items()}
                    self.read[name] = raw.tell()
                    yield Chunk(name, first, columns, len(kept), self.problems)
                    first += len(rows)
        except (UnicodeDecodeError, csv.Error) as error:
            raise HistoryInvalid(f"{file.name}: no UTF-8 CSV: {error}") from error

    def _parquet(self, name: str, file: Path) -> Iterator[Chunk]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        first = 0
        try:
            with pq.ParquetFile(file) as opened:
                self._check(name, file, opened.schema_arrow.names)
                for batch in opened.iter_batches(CHUNK_ROWS * 4, columns=list(COLUMNS[name])):
                    columns = {column: batch.column(column) for column in COLUMNS[name]}
                    self.read[name] = self.size(name) * (first + batch.num_rows) // opened.metadata.num_rows
                    yield Chunk(name, first, columns, batch.num_rows, self.problems)
                    first += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise HistoryInvalid(f"{file.name}: no readable Parquet file: {error}") from error


def day_of(number: int) -> date:
    """The date of days since 1970-01-01."""
    return date(1970, 1, 1) + timedelta(days=number)
