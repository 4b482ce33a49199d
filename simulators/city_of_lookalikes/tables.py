"""A city's tables in the back-test history format. Identifiers of persons are shuffled: they tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simulators.city_of_lookalikes.dice import Ints
from simulators.city_of_lookalikes.faults import Covered
from simulators.city_of_lookalikes.metering import METER_WORDS, Readings
from simulators.city_of_lookalikes.passes import DIRECTION_WORDS, KIND_WORDS, Passes
from simulators.city_of_lookalikes.people import Town
from simulators.history_tables.columns import Words
from simulators.history_tables.texts import TextTables, texts

LONG_PAST = -30  # days: absences that ended before are not exported


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, shuffled: Ints, *, parquet: bool) -> None:
        """`shuffled`: a permutation of the members' numbers, of which their identifiers are made."""
        self.tables = TextTables(directory, town.calendar.start, parquet=parquet)
        self.town = town
        self.homes = [dwelling.id for dwelling in town.places.dwellings]
        self.points = [point.id for point in town.places.points]
        self.persons = [f"P{serial + 1:06d}" for serial in shuffled.tolist()]

    def passes(self, passes: Passes) -> None:
        columns = {
            "ts": passes.second,
            "access_point_id": Words(passes.point, self.points),
            "person_id": Words(passes.member, self.persons),
            "credential_id": self._credentials(passes),
            "credential_kind": Words(passes.kind, KIND_WORDS),
            "dwelling_id": Words(passes.home, self.homes),
            "granted": passes.granted,
            "direction": Words(passes.direction, DIRECTION_WORDS),
        }
        self.tables.put("passes", columns)

    def _credentials(self, passes: Passes) -> Any:
        """Some visitors' passes have another number every day."""
        credentials = Words(passes.credential, self.town.credentials)
        of_one_day = np.flatnonzero(passes.day_of_pass > 0)
        if not len(of_one_day):
            return credentials
        names: list[str | None] = [name or None for name in credentials.texts()]
        for row in of_one_day.tolist():
            names[row] = f"{names[row]}-{passes.day_of_pass[row]:03d}"
        return texts(names)

    def dwellings(self, expected: Sequence[int | None]) -> None:
        places, households = self.town.places, self.town.households
        rows = (
            (
                home.id,
                places.estates[home.estate].id,
                places.blocks[home.block].id,
                household.let_from,
                household.let_to,
                members,
            )
            for home, household, members in zip(places.dwellings, households, expected, strict=True)
        )
        self.tables.rows("dwellings", rows)

    def members(self) -> None:
        members = self.town.members
        order = sorted(range(len(members)), key=lambda number: (members[number].home, number))
        rows = (
            (self.persons[number], self.homes[one.home], one.since, one.until, int(one.consents))
            for number, one in ((number, members[number]) for number in order)
        )
        self.tables.rows("members", rows)

    def access_points(self) -> None:
        places = self.town.places
        rows = (
            (
                point.id,
                places.estates[point.estate].id,
                point.scope,
                places.blocks[point.block].id if point.block >= 0 else None,
                self.homes[point.dwelling] if point.dwelling >= 0 else None,
            )
            for point in places.points
        )
        self.tables.rows("access_points", rows)

    def coverage(self, covered: Sequence[Covered]) -> None:
        self.tables.rows("coverage", ((self.points[row.point], row.begin, row.end, row.state) for row in covered))

    def meters(self, readings: Readings | None) -> None:
        if readings is None:
            return
        columns = {
            "dwelling_id": Words(readings.home, self.homes),
            "date": Words(readings.day, self.tables.dates(self.town.calendar.days)),
            "kind": Words(readings.kind, METER_WORDS),
            "value": readings.value,
            "ok": readings.ok,
        }
        self.tables.put("meters", columns)

    def absences(self) -> None:
        days = self.town.calendar.days
        rows = [row for row in self.town.declared if row.begin < days and (row.end is None or row.end > LONG_PAST)]
        rows.sort(key=lambda row: row.declared_on)
        self.tables.rows(
            "absences", ((self.homes[row.home], row.begin, row.end, row.reason, row.declared_on) for row in rows)
        )

    def cases(self) -> None:
        rows = sorted(self.town.cases, key=lambda row: row.closed_on)
        self.tables.rows("cases", ((self.homes[row.home], row.kind, row.closed_on, row.outcome) for row in rows))

    def truth(self) -> None:
        self.tables.rows("truth", ((self.homes[home], *rest) for home, *rest in self.town.truth))

    def subgroups(self) -> None:
        households = zip(self.homes, self.town.households, strict=True)
        self.tables.rows("subgroups", ((home, group) for home, one in households for group in sorted(one.groups)))
