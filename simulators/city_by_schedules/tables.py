"""A city's tables in the back-test history format, as Parquet or CSV.

Every column is text, a whole number or a decimal one; times and dates are text as the format says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_by_schedules.access_points import AccessPoint
from simulators.city_by_schedules.arrays import Ints
from simulators.city_by_schedules.faults import STATE_WORDS, Coverage
from simulators.city_by_schedules.metering import METER_WORDS, Readings
from simulators.city_by_schedules.passes import DIRECTION_WORDS, KIND_WORDS
from simulators.city_by_schedules.records import Names, Written
from simulators.city_by_schedules.town import Town

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


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, names: Names, *, parquet: bool) -> None:
        self.directory = directory
        self.town = town
        self.names = names
        self.parquet = parquet

    def open(self) -> None:
        """Makes the directory and removes old tables: one in the other form would win or confuse."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):
                (self.directory / f"{name}.{ending}").unlink(missing_ok=True)

    def put(self, name: str, columns: dict[str, Any]) -> None:
        """Writes one table."""
        table = pa.table(columns)
        if self.parquet:
            pq.write_table(table, self.directory / f"{name}.parquet", compression="zstd")
        else:
            options = pa_csv.WriteOptions(quoting_style="needed")
            pa_csv.write_csv(table, self.directory / f"{name}.csv", options)

    def homes(self, dwellings: Iterable[int]) -> Any:
        return _texts(self.names.dwellings[dwelling] for dwelling in dwellings)

    def dates(self, days: Iterable[int | None]) -> Any:
        return _texts(None if day is None else self.town.calendar.text(day) for day in days)

    def dwellings(self) -> None:
        places, names = self.town.places, self.names
        columns = {
            "dwelling_id": _texts(names.dwellings),
            "estate_id": _texts(names.estates[estate] for estate in places.estate_of),
            "block_id": _texts(names.blocks[block] for block in places.block_of),
            "let_from": self.dates(lease.first for lease in self.town.leases),
            "let_to": self.dates(lease.last for lease in self.town.leases),
            "expected_members": pa.array(self.town.expected, pa.int64()),
        }
        self.put("dwellings", columns)

    def members(self, withdraws: Ints) -> None:
        """A member who takes back the consent within the history has two rows, one after the other."""
        rows: list[tuple[int, int, int | None, bool]] = []
        for number, member in enumerate(self.town.members):
            day = int(withdraws[number])
            is_member_then = member.since < day and (member.until is None or member.until > day)
            if day < self.town.days and is_member_then:
                rows += [(number, member.since, day - 1, True), (number, day, member.until, False)]
            else:
                rows.append((number, member.since, member.until, member.consents))
        columns = {
            "person_id": _texts(self.names.members[number] for number, _, _, _ in rows),
            "dwelling_id": self.homes(self.town.members[number].dwelling for number, _, _, _ in rows),
            "from": self.dates(since for _, since, _, _ in rows),
            "to": self.dates(until for _, _, until, _ in rows),
            "face_consent_b": pa.array([int(consents) for _, _, _, consents in rows], pa.int8()),
        }
        self.put("members", columns)

    def access_points(self, points: Sequence[AccessPoint]) -> None:
        names = self.names
        columns = {
            "access_point_id": _texts(names.points),
            "estate_id": _texts(names.estates[point.estate] for point in points),
            "scope": _texts(point.scope for point in points),
            "block_id": _texts(names.blocks[point.block] if point.block >= 0 else None for point in points),
            "dwelling_id": _texts(names.dwellings[point.dwelling] if point.dwelling >= 0 else None for point in points),
        }
        self.put("access_points", columns)

    def passes(self, written: Written) -> None:
        passes, names = written.passes, self.names
        midnight = np.datetime64(self.town.calendar.start.isoformat()).astype("datetime64[s]")
        moments = midnight + written.second.astype("timedelta64[s]")
        clock = pc.strftime(pa.array(moments), format="%Y-%m-%dT%H:%M:%S")
        columns = {
            "ts": pc.binary_join_element_wise(clock, ZONE, ""),
            "access_point_id": _words(passes.point, names.points),
            "person_id": _words(passes.member, names.members),
            "credential_id": _words(passes.credential, names.credentials),
            "credential_kind": _words(passes.kind, KIND_WORDS),
            "dwelling_id": _words(passes.dwelling, names.dwellings),
            "granted": pa.array(passes.granted.astype(np.int8)),
            "direction": _words(passes.direction, DIRECTION_WORDS),
        }
        self.put("passes", columns)

    def coverage(self, coverage: Coverage) -> None:
        columns = {
            "access_point_id": _words(coverage.point, self.names.points),
            "from": self.hours(coverage.begin),
            "to": self.hours(coverage.end),
            "state": _words(coverage.state, STATE_WORDS),
        }
        self.put("coverage", columns)

    def hours(self, hours: Ints) -> Any:
        """Hours of the history as ISO 8601."""
        start = self.town.calendar.start
        return _texts(f"{start + timedelta(hour // 24)}T{hour % 24:02d}:00:00{ZONE}" for hour in hours.tolist())

    def meters(self, readings: Readings) -> None:
        """Where no home has a meter, there is no table."""
        if not len(readings.value):
            return
        dates = [self.town.calendar.text(day) for day in range(self.town.days)]
        columns = {
            "dwelling_id": _words(readings.dwelling, self.names.dwellings),
            "date": _words(readings.day, dates),
            "kind": _words(readings.kind, METER_WORDS),
            "value": pa.array(readings.value, pa.float64(), mask=np.isnan(readings.value)),
            "ok": pa.array(readings.ok.astype(np.int8)),
        }
        self.put("meters", columns)

    def absences(self, shuffled: Ints) -> None:
        """In an order that tells nothing."""
        rows = [self.town.declared[number] for number in shuffled]
        columns = {
            "dwelling_id": self.homes(row.dwelling for row in rows),
            "from": self.dates(row.first for row in rows),
            "to": self.dates(row.last for row in rows),
            "reason": _texts(row.reason for row in rows),
            "declared_on": self.dates(row.declared_on for row in rows),
        }
        self.put("absences", columns)

    def cases(self) -> None:
        rows = self.town.cases
        columns = {
            "dwelling_id": self.homes(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "closed_on": self.dates(row.closed_on for row in rows),
            "outcome": _texts(row.outcome for row in rows),
        }
        self.put("cases", columns)

    def subgroups(self) -> None:
        rows = self.town.groups
        columns = {
            "dwelling_id": self.homes(dwelling for dwelling, _ in rows),
            "group": _texts(group for _, group in rows),
        }
        self.put("subgroups", columns)

    def truth(self) -> None:
        rows = self.town.truth
        columns = {
            "dwelling_id": self.homes(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "from": self.dates(row.first for row in rows),
            "to": self.dates(row.last for row in rows),
        }
        self.put("truth", columns)


def _texts(values: Iterable[str | None]) -> Any:
    return pa.array(list(values), pa.string())


def _words(numbers: Any, vocabulary: Sequence[str]) -> Any:
    """A column of words given as numbers into a vocabulary; below 0 is empty."""
    codes = np.asarray(numbers, np.int64)
    indices: pa.Int64Array = pa.array(codes, pa.int64(), mask=codes < 0)
    return _texts(vocabulary).take(indices)
