"""A city's tables in the back-test history format, as Parquet or CSV.

Every column is text, a whole number or a decimal one; times and dates are text as the format says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_by_estates.credentials import Names
from simulators.city_by_estates.dice import NOBODY
from simulators.city_by_estates.faults import Covered
from simulators.city_by_estates.metering import Readings
from simulators.city_by_estates.pass_table import PassTable, Times, worded
from simulators.city_by_estates.passes import Passes
from simulators.city_by_estates.town import Town

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

    def __init__(self, directory: Path, town: Town, names: Names, *, parquet: bool) -> None:
        self._directory = directory
        self._parquet = parquet
        self._town = town
        self._names = names
        self._homes = [home.name for home in town.homes]
        self._points = [point.name for point in town.points]
        self._times = Times(town.calendar.start, town.days + 1)

    def open(self) -> None:
        """Makes the directory and removes old tables: one in the other form would win or confuse."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):
                (self._directory / f"{name}.{ending}").unlink(missing_ok=True)

    def _put(self, name: str, columns: dict[str, Any]) -> None:
        table = pa.table(columns)
        if self._parquet:
            pq.write_table(table, self._directory / f"{name}.parquet", compression="zstd", store_schema=False)
        else:
            plain = [
                column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.columns
            ]
            options = pa_csv.WriteOptions(quoting_style="needed")
            pa_csv.write_csv(pa.table(plain, names=table.column_names), self._directory / f"{name}.csv", options)

    def _home_ids(self, homes: Iterable[int]) -> Any:
        return _texts(None if home == NOBODY else self._homes[home] for home in homes)

    def _dates(self, days: Iterable[int | None]) -> Any:
        return _texts(None if day is None else self._town.calendar.text(day) for day in days)

    def dwellings(self) -> None:
        """All dwellings with their leases."""
        homes = self._town.homes
        columns = {
            "dwelling_id": _texts(self._homes),
            "estate_id": _texts(home.estate.name for home in homes),
            "block_id": _texts(home.block for home in homes),
            "let_from": self._dates(home.let_from for home in homes),
            "let_to": self._dates(None if home.is_vacant else home.let_to for home in homes),
            "expected_members": pa.array([home.expected_members for home in homes], pa.int32()),
        }
        self._put("dwellings", columns)

    def members(self) -> None:
        """By dwelling; those of one dwelling in no order."""
        persons = self._names.persons
        rows = sorted(self._town.members, key=lambda member: (member.dwelling, persons[member.person]))
        columns = {
            "person_id": _texts(persons[member.person] for member in rows),
            "dwelling_id": self._home_ids(member.dwelling for member in rows),
            "from": self._dates(member.since for member in rows),
            "to": self._dates(None if member.until is None else max(member.until, member.since) for member in rows),
            "face_consent_b": pa.array([int(member.consents) for member in rows], pa.int8()),
        }
        self._put("members", columns)

    def access_points(self) -> None:
        """All readers."""
        points = self._town.points
        columns = {
            "access_point_id": _texts(self._points),
            "estate_id": _texts(self._town.estates[point.estate].name for point in points),
            "scope": _texts(point.scope for point in points),
            "block_id": _texts(point.block or None for point in points),
            "dwelling_id": self._home_ids(point.dwelling for point in points),
        }
        self._put("access_points", columns)

    def passes(self, passes: Passes) -> None:
        """In order of time."""
        numbers, names = self._names.of_credentials(passes.credential)
        table = PassTable(self._times, self._points, self._names.persons, names, self._homes)
        stem = self._directory / "passes"
        table.write(replace(passes, credential=numbers.astype(np.int64)), stem, parquet=self._parquet)

    def coverage(self, covered: Sequence[Covered]) -> None:
        """By access point."""
        columns = {
            "access_point_id": _texts(self._points[row.point] for row in covered),
            "from": self._times.texts(np.array([row.first for row in covered], np.int32)),
            "to": self._times.texts(np.array([row.end for row in covered], np.int32)),
            "state": _texts(row.state for row in covered),
        }
        self._put("coverage", columns)

    def meters(self, readings: Iterable[Readings]) -> None:
        """By estate, kind and dwelling."""
        homes = _texts(self._homes)
        dates = _texts(self._town.calendar.text(day) for day in range(self._town.days))
        kinds = ("water", "electricity")
        parts = [_no_readings(homes, dates, _texts(kinds))]
        for one in readings:
            kind = np.full(len(one.home), kinds.index(one.kind))
            columns = {
                "dwelling_id": worded(one.home, homes),
                "date": worded(one.day, dates),
                "kind": worded(kind, _texts(kinds)),
                "value": pa.array(one.value, mask=one.is_missing),
                "ok": pa.array(one.is_ok.astype(np.int8)),
            }
            parts.append(pa.table(columns))
        table = pa.concat_tables(parts)
        self._put("meters", {name: table[name] for name in table.column_names})

    def absences(self) -> None:
        """By the day they were declared."""
        rows = sorted(self._town.declared, key=lambda row: (row.declared_on, row.dwelling))
        columns = {
            "dwelling_id": self._home_ids(row.dwelling for row in rows),
            "from": self._dates(row.first for row in rows),
            "to": self._dates(row.end for row in rows),
            "reason": _texts(row.reason for row in rows),
            "declared_on": self._dates(row.declared_on for row in rows),
        }
        self._put("absences", columns)

    def cases(self) -> None:
        """By the day they were closed."""
        rows = sorted(self._town.cases, key=lambda row: (row.closed_on, row.dwelling))
        columns = {
            "dwelling_id": self._home_ids(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "closed_on": self._dates(row.closed_on for row in rows),
            "outcome": _texts(row.outcome for row in rows),
        }
        self._put("cases", columns)

    def subgroups(self) -> None:
        """A dwelling may be of several."""
        rows = sorted(set(self._town.subgroups))
        columns = {"dwelling_id": self._home_ids(row[0] for row in rows), "group": _texts(row[1] for row in rows)}
        self._put("subgroups", columns)

    def truth(self) -> None:
        """By dwelling. Violations that outlast the history have no end."""
        rows = sorted(self._town.violations)
        columns = {
            "dwelling_id": self._home_ids(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "from": self._dates(row.first for row in rows),
            "to": self._dates(row.end if row.end < self._town.days else None for row in rows),
        }
        self._put("truth", columns)


def _texts(values: Iterable[str | None]) -> Any:
    return pa.array(list(values), pa.string())


def _no_readings(homes: Any, dates: Any, kinds: Any) -> Any:
    """So that the table has its columns in a city without meters."""
    none = np.zeros(0, np.int32)
    return pa.table(
        {
            "dwelling_id": worded(none, homes),
            "date": worded(none, dates),
            "kind": worded(none, kinds),
            "value": pa.array([], pa.float64()),
            "ok": pa.array([], pa.int8()),
        }
    )
