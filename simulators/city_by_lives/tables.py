"""A city's tables in the back-test history format, as Parquet or CSV, piece by piece.

Every column is text, a whole number or a decimal one; times and dates are text as the format says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_by_lives.basics import DAY_H, DAY_S, HOUR_S, NOBODY, Generator
from simulators.city_by_lives.faults import STATE_WORDS, Covered
from simulators.city_by_lives.means import KIND_WORDS
from simulators.city_by_lives.metering import Readings
from simulators.city_by_lives.passes import DIRECTION_WORDS, Passes
from simulators.city_by_lives.register import Register
from simulators.city_by_lives.town import Town

TABLES = (
    "dwellings",
    "members",
    "access_points",
    "passes",
    "coverage",
    "meters",
    "absences",
    "cases",
    "subgroups",
    "truth",
)
ZONE = "+08:00"
PASSES_AT_ONCE, DAYS_AT_ONCE = 400_000, 60
TEXT, WHOLE, DECIMAL = pa.string(), pa.int64(), pa.float64()

Columns = dict[str, Any]


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, rng: Generator, *, parquet: bool) -> None:
        self.directory, self.town, self.rng, self.parquet = directory, town, rng, parquet
        self.register = Register(town)
        self.homes = [f"h{home.number:05d}" for home in town.homes]
        self.points = [point.name for point in town.places.points]
        self.persons = [f"p{serial + 1:06d}" for serial in rng.permutation(len(town.members)).tolist()]
        self.days = [town.calendar.text(day) for day in range(town.days)]

    def open(self) -> None:
        """Makes the directory and removes old tables: one in the other form would win or confuse."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):
                (self.directory / f"{name}.{ending}").unlink(missing_ok=True)

    def put(self, name: str, schema: Any, pieces: Iterable[Columns]) -> None:
        """Writes one table from pieces with the columns of `schema`."""
        if self.parquet:
            writer: Any = pq.ParquetWriter(self.directory / f"{name}.parquet", schema, compression="zstd")
        else:
            options = pa_csv.WriteOptions(quoting_style="needed")
            writer = pa_csv.CSVWriter(self.directory / f"{name}.csv", schema, write_options=options)
        with writer:
            for columns in pieces:
                arrays = [_array(columns[field.name], field.type) for field in schema]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    def _rows(self, name: str, schema: Any, rows: Iterable[Sequence[Any]]) -> None:
        listed = list(rows)
        values = list(zip(*listed, strict=True)) if listed else [()] * len(schema)
        self.put(name, schema, [dict(zip(schema.names, values, strict=True))])

    def _date(self, day: int | None) -> str | None:
        return None if day is None else self.town.calendar.text(day)

    def _hour(self, hour: int) -> str:
        return f"{self.town.calendar.text(hour // DAY_H)}T{hour % DAY_H:02d}:00:00{ZONE}"

    def dwellings(self) -> None:
        """One row each: a home is let to one household at most in a history."""
        places = self.town.places
        rows = [
            (
                self.homes[home.number],
                f"e{home.estate.number:02d}",
                f"b{places.block_of[home.number]:03d}",
                self._date(home.let_from),
                self._date(self.register.let_to(home)),
                home.expected_members,
            )
            for home in self.town.homes
        ]
        names = ("dwelling_id", "estate_id", "block_id", "let_from", "let_to")
        self._rows("dwellings", pa.schema([*_texts(*names), ("expected_members", WHOLE)]), rows)

    def members(self) -> None:
        """In an order that tells nothing."""
        members = self.register.members()
        order = self.rng.permutation(len(members)).tolist()
        rows = [
            (
                self.persons[members[row].number],
                self.homes[members[row].dwelling],
                self._date(members[row].since),
                self._date(members[row].until),
                int(members[row].consents),
            )
            for row in order
        ]
        schema = pa.schema([*_texts("person_id", "dwelling_id", "from", "to"), ("face_consent_b", WHOLE)])
        self._rows("members", schema, rows)

    def access_points(self) -> None:
        """Gates, block doors and locks."""
        rows = [
            (
                point.name,
                f"e{point.estate:02d}",
                point.scope,
                None if point.block == NOBODY else f"b{point.block:03d}",
                None if point.dwelling == NOBODY else self.homes[point.dwelling],
            )
            for point in self.town.places.points
        ]
        names = ("access_point_id", "estate_id", "scope", "block_id", "dwelling_id")
        self._rows("access_points", pa.schema(_texts(*names)), rows)

    def coverage(self, covered: Iterable[Covered]) -> None:
        """By access point and time."""
        rows = [
            (self.points[row.point], self._hour(row.first_hour), self._hour(row.end_hour), STATE_WORDS[row.state])
            for row in covered
        ]
        self._rows("coverage", pa.schema(_texts("access_point_id", "from", "to", "state")), rows)

    def passes(self, passes: Passes) -> None:
        """`passes` by time. Names of credentials tell nothing of their order or kind."""
        used, credential = np.unique(passes.credential, return_inverse=True)
        serials = self.rng.permutation(len(used)).tolist()
        names = [None if one < 0 else f"c{serials[row]:07d}" for row, one in enumerate(used.tolist())]
        clock = [f"T{s // HOUR_S:02d}:{s // 60 % 60:02d}:{s % 60:02d}{ZONE}" for s in range(DAY_S)]

        def pieces() -> Iterator[Columns]:
            for first in range(0, len(passes), PASSES_AT_ONCE):
                rows = slice(first, first + PASSES_AT_ONCE)
                some = passes.take(rows)
                day, second = np.divmod(some.second, DAY_S)
                yield {
                    "ts": _joined(_words(day, self.days), _words(second, clock)),
                    "access_point_id": _words(some.point, self.points),
                    "person_id": _words(some.member, self.persons),
                    "credential_id": _words(credential[rows], names),
                    "credential_kind": _words(some.kind, KIND_WORDS),
                    "dwelling_id": _words(some.home, self.homes),
                    "granted": some.granted,
                    "direction": _words(some.direction, DIRECTION_WORDS),
                }

        texts = ("ts", "access_point_id", "person_id", "credential_id", "credential_kind", "dwelling_id")
        self.put("passes", pa.schema([*_texts(*texts), ("granted", WHOLE), ("direction", TEXT)]), pieces())

    def meters(self, readings: Sequence[Readings]) -> None:
        """By kind, day and dwelling; failed days have no value or no row."""

        def pieces() -> Iterator[Columns]:
            for one in readings:
                for first in range(0, self.town.days, DAYS_AT_ONCE):
                    day, home = np.nonzero(one.is_there[:, first : first + DAYS_AT_ONCE].T)
                    day = day + first
                    is_ok = one.is_ok[home, day]
                    yield {
                        "dwelling_id": _words(home, self.homes),
                        "date": _words(day, self.days),
                        "kind": [one.kind] * len(day),
                        "value": pa.array(one.value[home, day].round(3), DECIMAL, mask=~is_ok),
                        "ok": is_ok,
                    }

        schema = pa.schema([*_texts("dwelling_id", "date", "kind"), ("value", DECIMAL), ("ok", WHOLE)])
        self.put("meters", schema, pieces())

    def absences(self) -> None:
        """By the day on which they were declared."""
        rows = [
            (
                self.homes[row.dwelling],
                self._date(row.first),
                self._date(row.end),
                row.reason,
                self._date(row.declared_on),
            )
            for row in self.register.declared()
        ]
        self._rows("absences", pa.schema(_texts("dwelling_id", "from", "to", "reason", "declared_on")), rows)

    def cases(self) -> None:
        """By the day on which they were closed."""
        rows = [
            (self.homes[row.dwelling], row.kind, self._date(row.closed_on), row.outcome)
            for row in self.register.cases()
        ]
        self._rows("cases", pa.schema(_texts("dwelling_id", "kind", "closed_on", "outcome")), rows)

    def subgroups(self) -> None:
        """By dwelling."""
        rows = [(self.homes[dwelling], group) for dwelling, group in sorted(self.town.subgroups)]
        self._rows("subgroups", pa.schema(_texts("dwelling_id", "group")), rows)

    def truth(self) -> None:
        """Violations that were true on a day of the history; those that outlast it have no end."""
        rows = [
            (self.homes[number], one.kind, self._date(one.first), self._date(self.register.end(one.end)))
            for number, one in self.register.violations()
        ]
        self._rows("truth", pa.schema(_texts("dwelling_id", "kind", "from", "to")), rows)


def _texts(*names: str) -> list[tuple[str, Any]]:
    return [(name, TEXT) for name in names]


def _array(values: Any, kind: Any) -> Any:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    if isinstance(values, np.ndarray):
        return pa.array(values.astype(np.int64))
    return pa.array(list(values), kind)


def _joined(first: Any, second: Any) -> Any:
    join: Any = pc.binary_join_element_wise
    return join(first.cast(TEXT), second.cast(TEXT), "")


def _words(numbers: Any, words: Sequence[str | None]) -> Any:
    """A column of words given by their numbers, NOBODY where it is empty."""
    indices: Any = pa.array(numbers.astype(np.int32), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(words), TEXT))
