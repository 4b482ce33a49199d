"""A city's tables in the back-test history format, as Parquet or CSV.

Every column is text, a whole number or a decimal one; times and dates are text as the format says. Identifiers are shuffled:
they tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_by_nights.credentials import name_credentials
from simulators.city_by_nights.dice import NEVER, NOBODY, Ints
from simulators.city_by_nights.estates import Doors
from simulators.city_by_nights.faults import Covered
from simulators.city_by_nights.metering import METER_WORDS, Readings
from simulators.city_by_nights.passes import DIRECTION_WORDS, KIND_WORDS, Passes
from simulators.city_by_nights.people import Member
from simulators.city_by_nights.town import Town

ROW_LOST = 0.25  # of failed readings

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


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, doors: Doors, *, parquet: bool) -> None:
        self.directory = directory
        self.parquet = parquet
        self.town = town
        self.rng = town.rng
        self.doors = doors
        self.points = [point.name for point in doors.points]
        self.homes: list[str] = []
        self.persons: list[str] = []
        self.credentials: list[str] = []

    def open(self) -> None:
        """Makes the directory and removes old tables: one in the other form would win or confuse."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):
                (self.directory / f"{name}.{ending}").unlink(missing_ok=True)

    def name_credentials(self, passes: Passes) -> Passes:
        """Gives credentials their identifiers; the passes with numbers of these."""
        numbers, self.credentials = name_credentials(self.rng, passes.credential)
        return replace(passes, credential=np.where(passes.credential == NOBODY, NOBODY, numbers))

    def name_all(self) -> None:
        """Gives dwellings and members their identifiers."""
        self.homes = [f"d{serial + 1:05d}" for serial in self.rng.permutation(self.town.dwellings).tolist()]
        self.persons = [f"p{serial + 1:06d}" for serial in self.rng.permutation(len(self.town.members)).tolist()]

    def put(self, name: str, columns: dict[str, Any]) -> None:
        """Writes one table."""
        table = pa.table(columns)
        if self.parquet:
            pq.write_table(table, self.directory / f"{name}.parquet", compression="zstd")
        else:
            options = pa_csv.WriteOptions(quoting_style="needed")
            pa_csv.write_csv(table, self.directory / f"{name}.csv", options)

    def home_ids(self, homes: Iterable[int]) -> Any:
        return _texts(self.homes[home] for home in homes)

    def dates(self, days: Iterable[int | None]) -> Any:
        return _texts(None if day is None else self.town.calendar.text(int(day)) for day in days)

    def ends(self, days: Iterable[int]) -> Any:
        """Dates of ends; empty beyond the history."""
        return self.dates(day if day < self.town.days else None for day in days)

    def times(self, seconds: Any) -> Any:
        """Seconds of the history as ISO 8601."""
        midnight = np.datetime64(self.town.calendar.start.isoformat()).astype("datetime64[s]")
        moments = midnight + np.asarray(seconds, np.int64).astype("timedelta64[s]")
        clock = pc.strftime(pa.array(moments), format="%Y-%m-%dT%H:%M:%S")
        return pc.binary_join_element_wise(clock, "+08:00", "")

    def dwellings(self, expected: Sequence[int | None]) -> None:
        places, leases = self.town.places, self.town.leases
        let = ~leases.recorded_vacant
        columns = {
            "dwelling_id": _texts(self.homes),
            "estate_id": _texts(places.estates[estate].name for estate in places.estate_of),
            "block_id": _texts(places.blocks[block].name for block in places.block_of),
            "let_from": self.dates(day if one else None for one, day in zip(let, leases.let_from, strict=True)),
            "let_to": self.ends(day if one else NEVER for one, day in zip(let, leases.let_to, strict=True)),
            "expected_members": pa.array(expected, pa.int32()),
        }
        self.put("dwellings", columns)

    def members(self) -> None:
        order = self.rng.permutation(len(self.town.members)).tolist()
        rows = [self.town.members[number] for number in order]
        columns = {
            "person_id": _texts(self.persons[number] for number in order),
            "dwelling_id": self.home_ids(member.dwelling for member in rows),
            "from": self.dates(member.since for member in rows),
            "to": self.ends(self._last_day(member) for member in rows),
            "face_consent_b": pa.array([int(member.consents) for member in rows], pa.int8()),
        }
        self.put("members", columns)

    def _last_day(self, member: Member) -> int:
        """A member leaves the register with the lease."""
        until = int(self.town.leases.let_to[member.dwelling]) if member.until is None else member.until
        return until if until >= self.town.days else max(until, member.since)

    def access_points(self) -> None:
        estates, blocks, points = self.town.places.estates, self.town.places.blocks, self.doors.points
        columns = {
            "access_point_id": _texts(self.points),
            "estate_id": _texts(estates[point.estate].name for point in points),
            "scope": _texts(point.scope for point in points),
            "block_id": _texts(None if point.block == NOBODY else blocks[point.block].name for point in points),
            "dwelling_id": _texts(None if point.dwelling == NOBODY else self.homes[point.dwelling] for point in points),
        }
        self.put("access_points", columns)

    def passes(self, passes: Passes) -> None:
        columns = {
            "ts": self.times(passes.second),
            "access_point_id": _words(passes.point, self.points),
            "person_id": _words(passes.member, self.persons),
            "credential_id": _words(passes.credential, self.credentials),
            "credential_kind": _words(passes.kind, KIND_WORDS),
            "dwelling_id": _words(passes.home, self.homes),
            "granted": pa.array(passes.granted.astype(np.int8)),
            "direction": _words(passes.direction, DIRECTION_WORDS),
        }
        self.put("passes", columns)

    def coverage(self, covered: Sequence[Covered]) -> None:
        columns = {
            "access_point_id": _texts(self.points[row.point] for row in covered),
            "from": self.times([row.first for row in covered]),
            "to": self.times([row.end for row in covered]),
            "state": _texts(row.state for row in covered),
        }
        self.put("coverage", columns)

    def meters(self, readings: Sequence[Readings]) -> None:
        """By day and dwelling; some failed days have no row at all."""
        parts = [self._rows(one) for one in readings]
        home, day, kind, value, ok = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((kind, home, day))
        dates = [self.town.calendar.text(number) for number in range(self.town.days)]
        columns = {
            "dwelling_id": _words(home[order], self.homes),
            "date": _words(day[order], dates),
            "kind": _words(kind[order], METER_WORDS),
            "value": pa.array(value[order], mask=~ok[order]),
            "ok": pa.array(ok[order].astype(np.int8)),
        }
        self.put("meters", columns)

    def _rows(self, readings: Readings) -> tuple[Any, ...]:
        home, day = np.nonzero(np.repeat(readings.has_meter[:, None], self.town.days, 1))
        value, ok = readings.value[home, day], readings.ok[home, day]
        kept = ok | (self.rng.random(len(home)) >= ROW_LOST)
        return home[kept], day[kept], np.full(kept.sum(), readings.kind), value[kept], ok[kept]

    def absences(self) -> None:
        """What was declared within the history, of absences that ended in it or go on, by the day it was."""
        rows = [
            row
            for row in self.town.declared
            if row.declared_on < self.town.days
            and (row.end is None or row.end > 0)
            and self.town.leases.let_to[row.dwelling] >= row.first
        ]
        rows.sort(key=lambda row: row.declared_on)
        columns = {
            "dwelling_id": self.home_ids(row.dwelling for row in rows),
            "from": self.dates(row.first for row in rows),
            "to": self.dates(row.end for row in rows),
            "reason": _texts(row.reason for row in rows),
            "declared_on": self.dates(row.declared_on for row in rows),
        }
        self.put("absences", columns)

    def cases(self) -> None:
        rows = [row for row in self.town.cases if 0 < row.closed_on < self.town.days]
        rows.sort(key=lambda row: row.closed_on)
        columns = {
            "dwelling_id": self.home_ids(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "closed_on": self.dates(row.closed_on for row in rows),
            "outcome": _texts(row.outcome for row in rows),
        }
        self.put("cases", columns)

    def subgroups(self) -> None:
        rows = sorted({(self.homes[dwelling], group) for dwelling, group in self.town.subgroups})
        self.put("subgroups", {"dwelling_id": _texts(row[0] for row in rows), "group": _texts(row[1] for row in rows)})

    def truth(self) -> None:
        """Violations that were true on a day of the history; those that outlast it have no end."""
        drawn = [(dwelling, one) for dwelling, one in self.town.violations.items() if one.end > 0]
        rows = [drawn[number] for number in self.rng.permutation(len(drawn)).tolist()]
        columns = {
            "dwelling_id": self.home_ids(dwelling for dwelling, _ in rows),
            "kind": _texts(one.kind for _, one in rows),
            "from": self.dates(one.first for _, one in rows),
            "to": self.ends(one.end for _, one in rows),
        }
        self.put("truth", columns)


def _texts(values: Iterable[str | None]) -> Any:
    return pa.array(list(values), pa.string())


def _words(numbers: Ints, words: Sequence[str]) -> Any:
    """A column of words given by their numbers, NOBODY where it is empty."""
    indices: Any = pa.array(numbers.astype(np.int32), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, _texts(words)).cast(pa.string())
