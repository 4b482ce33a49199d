"""Columns of a history's tables as numbers: codes into vocabularies, times, days. Wrong values are named, never a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = date(1970, 1, 1).toordinal()
BAD = np.iinfo(np.int64).min
"""Stands for a value that could not be read; an empty one too."""

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

    def copy(self) -> Problems:
        """As it stands now."""
        return Problems(dict(self.counts), {what: list(places) for what, places in self.examples.items()})

    def become(self, other: Problems) -> None:
        """As `other` was: what was noted since then is told again."""
        self.counts, self.examples = other.counts, other.examples

    def note(self, what: str, where: str, times: int = 1) -> None:
        """`what` is the class of the problem, `where` one place: table, row, column, value."""
        self.counts[what] = self.counts.get(what, 0) + times
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES:
            shown.append(where)

    def note_rows(self, what: str, chunk: Chunk, which: NDArray[np.bool_]) -> None:
        """Rows of a chunk, by a mask."""
        rows = np.nonzero(which)[0]
        if len(rows):
            self.note(what, chunk.where(int(rows[0])), len(rows))

    def note_words(self, what: str, chunk: Chunk, which: NDArray[np.bool_], column: Coded) -> None:
        """As `note_rows`, with the word that stands there: each one once."""
        rows = np.nonzero(which)[0]
        _, places = np.unique(column.codes[rows], return_index=True)
        times = len(rows)
        for row in rows[np.sort(places)].tolist()[:EXAMPLES]:
            word = column.words[column.codes[row]][:40] if column.codes[row] >= 0 else ""
            self.note(what, f"{chunk.where(row)}: {word!r}", times)
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
    """Some rows of a table; `numbers` are theirs in the file, from 1, the header not counted."""

    def __init__(self, table: str, columns: dict[str, Any], numbers: Sequence[int], problems: Problems) -> None:
        self.table, self._columns, self._numbers, self._problems = table, columns, numbers, problems

    @property
    def length(self) -> int:
        return len(self._numbers)

    def where(self, row: int) -> str:
        """What a person finds a row of this chunk by."""
        return f"{self.table} row {self._numbers[row]}"

    def coded(self, name: str) -> Coded:
        """A column of words."""
        column = self._columns[name]
        if isinstance(column, list):
            return _stripped(_encode(column))
        import pyarrow as pa

        encoded = self._cast(name, pa.string()).dictionary_encode()
        words = [word if word is not None else "" for word in encoded.dictionary.to_pylist()]
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return _stripped(Coded(codes, words))

    def _cast(self, name: str, kind: Any) -> Any:
        """A Parquet column as another type; HistoryInvalid where its values can be none."""
        import pyarrow as pa

        column = self._columns[name]
        try:
            made = column.cast(kind)
            made.validate(full=True)  # what is no UTF-8 is found here, not where it is first used
        except (pa.ArrowException, UnicodeDecodeError) as error:
            what = f"a column of {column.type} cannot be read as {'text' if kind == pa.string() else kind}"
            raise HistoryInvalid(f"{self.table}.{name}: {what}: {str(error).splitlines()[0]}") from error
        return made

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
            column = self._cast(name, pa.string()).to_pylist()
        return self._parsed(name, column, _Times())

    def days(self, name: str) -> Ints:
        """Days since 1970-01-01; BAD where empty or unreadable (noted)."""
        column = self._columns[name]
        if not isinstance(column, list):
            import pyarrow as pa

            if pa.types.is_date32(column.type):
                return np.asarray(column.cast(pa.int32()).cast(pa.int64()).fill_null(BAD).to_numpy(), np.int64)
            column = self._cast(name, pa.string()).to_pylist()
        return self._parsed(name, column, _Days())

    def numbers(self, name: str) -> NDArray[np.float64]:
        """NaN where empty or unreadable (noted)."""
        column = self._columns[name]
        if not isinstance(column, list):
            import pyarrow as pa

            if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
                return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
            column = self._cast(name, pa.string()).to_pylist()
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
                where = f"{self.where(row)}, column {name}: {text[:40]!r}"
                self._problems.note(f"unreadable value in {self.table}.{name}", where)
            found[row] = BAD if value is None else value
        return found

    def _note_bad(self, name: str, bad: NDArray[np.bool_], coded: Coded) -> None:
        for row in np.nonzero(bad)[0].tolist():
            where = f"{self.where(row)}, column {name}: {coded.words[coded.codes[row]][:40]!r}"
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


def day_of(number: int) -> date:
    """The date of days since 1970-01-01."""
    return date(1970, 1, 1) + timedelta(days=number)
