"""A city's tables in the back-test history format, as Parquet or CSV.

Every column is text, a whole number or a decimal one; times and dates are text as the format says. Identifiers of
persons are shuffled: they tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_of_lookalikes.dice import Ints
from simulators.city_of_lookalikes.faults import Covered
from simulators.city_of_lookalikes.metering import METER_WORDS, Readings
from simulators.city_of_lookalikes.passes import DIRECTION_WORDS, KIND_WORDS, Passes
from simulators.city_of_lookalikes.people import Town

LONG_PAST = -30  # days: absences that ended before are not exported

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

    def __init__(self, directory: Path, town: Town, *, parquet: bool) -> None:
        self.directory = directory
        self.parquet = parquet
        self.town = town
        self.calendar = town.calendar
        self.homes = [dwelling.id for dwelling in town.places.dwellings]
        self.points = [point.id for point in town.places.points]
        self.persons: list[str] = []

    def open(self) -> None:
        """Makes the directory and removes old tables: one in the other form would win or confuse."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):
                (self.directory / f"{name}.{ending}").unlink(missing_ok=True)

    def name_persons(self, shuffled: Ints) -> None:
        """Gives members their identifiers by a permutation of their numbers."""
        self.persons = [f"P{serial + 1:06d}" for serial in shuffled.tolist()]

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
        return _texts(None if day is None else self.calendar.text(day) for day in days)

    def times(self, seconds: Any) -> Any:
        """Seconds of the history as ISO 8601."""
        midnight = np.datetime64(self.calendar.start.isoformat()).astype("datetime64[s]")
        moments = midnight + np.asarray(seconds, np.int64).astype("timedelta64[s]")
        clock = pc.strftime(pa.array(moments), format="%Y-%m-%dT%H:%M:%S")
        return pc.binary_join_element_wise(clock, "+08:00", "")

    def passes(self, passes: Passes) -> None:
        credentials = _words(passes.credential, self.town.credentials)
        of_one_day = np.flatnonzero(passes.day_of_pass > 0)
        if len(of_one_day):
            names = credentials.to_pylist()
            for row in of_one_day.tolist():
                names[row] = f"{names[row]}-{passes.day_of_pass[row]:03d}"
            credentials = _texts(names)
        columns = {
            "ts": self.times(passes.second),
            "access_point_id": _words(passes.point, self.points),
            "person_id": _words(passes.member, self.persons),
            "credential_id": credentials,
            "credential_kind": _words(passes.kind, KIND_WORDS),
            "dwelling_id": _words(passes.home, self.homes),
            "granted": pa.array(passes.granted.astype(np.int8)),
            "direction": _words(passes.direction, DIRECTION_WORDS),
        }
        self.put("passes", columns)

    def dwellings(self, expected: Sequence[int | None]) -> None:
        places, households = self.town.places, self.town.households
        columns = {
            "dwelling_id": _texts(self.homes),
            "estate_id": _texts(places.estates[dwelling.estate].id for dwelling in places.dwellings),
            "block_id": _texts(places.blocks[dwelling.block].id for dwelling in places.dwellings),
            "let_from": self.dates(household.let_from for household in households),
            "let_to": self.dates(household.let_to for household in households),
            "expected_members": pa.array(expected, pa.int64()),
        }
        self.put("dwellings", columns)

    def members(self) -> None:
        members = self.town.members
        order = sorted(range(len(members)), key=lambda number: (members[number].home, number))
        rows = [members[number] for number in order]
        columns = {
            "person_id": _texts(self.persons[number] for number in order),
            "dwelling_id": self.home_ids(member.home for member in rows),
            "from": self.dates(member.since for member in rows),
            "to": self.dates(member.until for member in rows),
            "face_consent_b": pa.array([int(member.consents) for member in rows], pa.int8()),
        }
        self.put("members", columns)

    def access_points(self) -> None:
        places = self.town.places
        columns = {
            "access_point_id": _texts(self.points),
            "estate_id": _texts(places.estates[point.estate].id for point in places.points),
            "scope": _texts(point.scope for point in places.points),
            "block_id": _texts(places.blocks[point.block].id if point.block >= 0 else None for point in places.points),
            "dwelling_id": _texts(
                self.homes[point.dwelling] if point.dwelling >= 0 else None for point in places.points
            ),
        }
        self.put("access_points", columns)

    def coverage(self, covered: Sequence[Covered]) -> None:
        columns = {
            "access_point_id": _texts(self.points[row.point] for row in covered),
            "from": self.times([row.begin for row in covered]),
            "to": self.times([row.end for row in covered]),
            "state": _texts(row.state for row in covered),
        }
        self.put("coverage", columns)

    def meters(self, readings: Readings | None) -> None:
        if readings is None:
            return
        dates = [self.calendar.text(day) for day in range(self.calendar.days)]
        columns = {
            "dwelling_id": _words(readings.home, self.homes),
            "date": _words(readings.day, dates),
            "kind": _words(readings.kind, METER_WORDS),
            "value": pa.array(readings.value, mask=np.isnan(readings.value)),
            "ok": pa.array(readings.ok.astype(np.int8)),
        }
        self.put("meters", columns)

    def absences(self) -> None:
        rows = [
            row
            for row in self.town.declared
            if row.begin < self.calendar.days and (row.end is None or row.end > LONG_PAST)
        ]
        rows.sort(key=lambda row: row.declared_on)
        columns = {
            "dwelling_id": self.home_ids(row.home for row in rows),
            "from": self.dates(row.begin for row in rows),
            "to": self.dates(row.end for row in rows),
            "reason": _texts(row.reason for row in rows),
            "declared_on": self.dates(row.declared_on for row in rows),
        }
        self.put("absences", columns)

    def cases(self) -> None:
        rows = sorted(self.town.cases, key=lambda row: row.closed_on)
        columns = {
            "dwelling_id": self.home_ids(row.home for row in rows),
            "kind": _texts(row.kind for row in rows),
            "closed_on": self.dates(row.closed_on for row in rows),
            "outcome": _texts(row.outcome for row in rows),
        }
        self.put("cases", columns)

    def truth(self) -> None:
        rows = self.town.truth
        columns = {
            "dwelling_id": self.home_ids(home for home, _, _, _ in rows),
            "kind": _texts(kind for _, kind, _, _ in rows),
            "from": self.dates(begin for _, _, begin, _ in rows),
            "to": self.dates(end for _, _, _, end in rows),
        }
        self.put("truth", columns)

    def subgroups(self) -> None:
        households = self.town.households
        rows = [(home, group) for home, household in enumerate(households) for group in sorted(household.groups)]
        columns = {
            "dwelling_id": self.home_ids(home for home, _ in rows),
            "group": _texts(group for _, group in rows),
        }
        self.put("subgroups", columns)


def _texts(values: Iterable[str | None]) -> Any:
    return pa.array(list(values), pa.string())


def _words(numbers: Any, vocabulary: Sequence[str]) -> Any:
    """A column of words given as numbers into a vocabulary; below 0 is empty."""
    codes = np.asarray(numbers, np.int64)
    indices: pa.Int64Array = pa.array(codes, pa.int64(), mask=codes < 0)
    return _texts(vocabulary).take(indices)
