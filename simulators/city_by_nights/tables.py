"""A city's tables in the back-test history format. Identifiers are shuffled: they tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulators.city_by_nights.credentials import name_credentials
from simulators.city_by_nights.dice import NOBODY
from simulators.city_by_nights.estates import Doors
from simulators.city_by_nights.faults import Covered
from simulators.city_by_nights.metering import METER_WORDS, Readings
from simulators.city_by_nights.passes import DIRECTION_WORDS, KIND_WORDS, Passes
from simulators.city_by_nights.people import Member
from simulators.city_by_nights.town import Town
from simulators.history_tables.columns import Words
from simulators.history_tables.texts import TextTables

ROW_LOST = 0.25  # of failed readings


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, doors: Doors, *, parquet: bool) -> None:
        self.tables = TextTables(
            directory, town.calendar.start, parquet=parquet, whole={"expected_members": pa.int32()}
        )
        self.town = town
        self.rng = town.rng
        self.doors = doors
        self.points = [point.name for point in doors.points]
        self.homes: list[str] = []
        self.persons: list[str] = []
        self.credentials: list[str] = []

    def name_credentials(self, passes: Passes) -> Passes:
        """Gives credentials their identifiers; the passes with numbers of these."""
        numbers, self.credentials = name_credentials(self.rng, passes.credential)
        return replace(passes, credential=np.where(passes.credential == NOBODY, NOBODY, numbers))

    def name_all(self) -> None:
        """Gives dwellings and members their identifiers."""
        self.homes = [f"d{serial + 1:05d}" for serial in self.rng.permutation(self.town.dwellings).tolist()]
        self.persons = [f"p{serial + 1:06d}" for serial in self.rng.permutation(len(self.town.members)).tolist()]

    def _end(self, day: int) -> int | None:
        """None beyond the history."""
        return day if day < self.town.days else None

    def dwellings(self, expected: Sequence[int | None]) -> None:
        places, leases = self.town.places, self.town.leases
        rows = (
            (
                home,
                places.estates[places.estate_of[number]].name,
                places.blocks[places.block_of[number]].name,
                None if leases.recorded_vacant[number] else leases.let_from[number],
                None if leases.recorded_vacant[number] else self._end(leases.let_to[number]),
                expected[number],
            )
            for number, home in enumerate(self.homes)
        )
        self.tables.rows("dwellings", rows)

    def members(self) -> None:
        order = self.rng.permutation(len(self.town.members)).tolist()
        rows = (
            (self.persons[number], self.homes[one.dwelling], one.since, self._last_day(one), int(one.consents))
            for number, one in ((number, self.town.members[number]) for number in order)
        )
        self.tables.rows("members", rows)

    def _last_day(self, member: Member) -> int | None:
        """A member leaves the register with the lease."""
        until = int(self.town.leases.let_to[member.dwelling]) if member.until is None else member.until
        return self._end(until if until >= self.town.days else max(until, member.since))

    def access_points(self) -> None:
        estates, blocks = self.town.places.estates, self.town.places.blocks
        rows = (
            (
                point.name,
                estates[point.estate].name,
                point.scope,
                None if point.block == NOBODY else blocks[point.block].name,
                None if point.dwelling == NOBODY else self.homes[point.dwelling],
            )
            for point in self.doors.points
        )
        self.tables.rows("access_points", rows)

    def passes(self, passes: Passes) -> None:
        columns = {
            "ts": passes.second,
            "access_point_id": Words(passes.point, self.points),
            "person_id": Words(passes.member, self.persons),
            "credential_id": Words(passes.credential, self.credentials),
            "credential_kind": Words(passes.kind, KIND_WORDS),
            "dwelling_id": Words(passes.home, self.homes),
            "granted": passes.granted,
            "direction": Words(passes.direction, DIRECTION_WORDS),
        }
        self.tables.put("passes", columns)

    def coverage(self, covered: Sequence[Covered]) -> None:
        self.tables.rows("coverage", ((self.points[row.point], row.first, row.end, row.state) for row in covered))

    def meters(self, readings: Sequence[Readings]) -> None:
        """By day and dwelling; some failed days have no row at all."""
        parts = [self._rows(one) for one in readings]
        home, day, kind, value, ok = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((kind, home, day))
        columns = {
            "dwelling_id": Words(home[order], self.homes),
            "date": Words(day[order], self.tables.dates(self.town.days)),
            "kind": Words(kind[order], METER_WORDS),
            "value": np.where(ok, value, np.nan)[order],
            "ok": ok[order],
        }
        self.tables.put("meters", columns)

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
        self.tables.rows(
            "absences", ((self.homes[row.dwelling], row.first, row.end, row.reason, row.declared_on) for row in rows)
        )

    def cases(self) -> None:
        rows = [row for row in self.town.cases if 0 < row.closed_on < self.town.days]
        rows.sort(key=lambda row: row.closed_on)
        self.tables.rows("cases", ((self.homes[row.dwelling], row.kind, row.closed_on, row.outcome) for row in rows))

    def subgroups(self) -> None:
        self.tables.rows(
            "subgroups", sorted({(self.homes[dwelling], group) for dwelling, group in self.town.subgroups})
        )

    def truth(self) -> None:
        """Violations that were true on a day of the history; those that outlast it have no end."""
        drawn = [(dwelling, one) for dwelling, one in self.town.violations.items() if one.end > 0]
        rows = [drawn[number] for number in self.rng.permutation(len(drawn)).tolist()]
        self.tables.rows(
            "truth", ((self.homes[dwelling], one.kind, one.first, self._end(one.end)) for dwelling, one in rows)
        )
