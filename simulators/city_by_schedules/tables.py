"""A city's tables in the back-test history format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulators.city_by_schedules.access_points import AccessPoint
from simulators.city_by_schedules.arrays import Ints
from simulators.city_by_schedules.faults import STATE_WORDS, Coverage
from simulators.city_by_schedules.metering import METER_WORDS, Readings
from simulators.city_by_schedules.passes import DIRECTION_WORDS, KIND_WORDS
from simulators.city_by_schedules.records import Names, Written
from simulators.city_by_schedules.town import Town
from simulators.history_tables.columns import Words
from simulators.history_tables.texts import TextTables

HOUR_S = 3600


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, names: Names, *, parquet: bool) -> None:
        self.tables = TextTables(directory, town.calendar.start, parquet=parquet)
        self.town = town
        self.names = names
        self.homes = names.dwellings

    def dwellings(self) -> None:
        places, names = self.town.places, self.names
        rows = (
            (home, names.estates[estate], names.blocks[block], lease.first, lease.last, expected)
            for home, estate, block, lease, expected in zip(
                self.homes, places.estate_of, places.block_of, self.town.leases, self.town.expected, strict=True
            )
        )
        self.tables.rows("dwellings", rows)

    def members(self, withdraws: Ints) -> None:
        """A member who takes back the consent within the history has two rows, one after the other."""
        rows: list[tuple[str, str, int, int | None, int]] = []
        for number, member in enumerate(self.town.members):
            who = self.names.members[number], self.homes[member.dwelling]
            day = int(withdraws[number])
            is_member_then = member.since < day and (member.until is None or member.until > day)
            if day < self.town.days and is_member_then:
                rows += [(*who, member.since, day - 1, 1), (*who, day, member.until, 0)]
            else:
                rows.append((*who, member.since, member.until, int(member.consents)))
        self.tables.rows("members", rows)

    def access_points(self, points: Sequence[AccessPoint]) -> None:
        names = self.names
        rows = (
            (
                name,
                names.estates[point.estate],
                point.scope,
                names.blocks[point.block] if point.block >= 0 else None,
                self.homes[point.dwelling] if point.dwelling >= 0 else None,
            )
            for name, point in zip(names.points, points, strict=True)
        )
        self.tables.rows("access_points", rows)

    def passes(self, written: Written) -> None:
        passes, names = written.passes, self.names
        columns = {
            "ts": written.second,
            "access_point_id": Words(passes.point, names.points),
            "person_id": Words(passes.member, names.members),
            "credential_id": Words(passes.credential, names.credentials),
            "credential_kind": Words(passes.kind, KIND_WORDS),
            "dwelling_id": Words(passes.dwelling, self.homes),
            "granted": passes.granted,
            "direction": Words(passes.direction, DIRECTION_WORDS),
        }
        self.tables.put("passes", columns)

    def coverage(self, coverage: Coverage) -> None:
        columns = {
            "access_point_id": Words(coverage.point, self.names.points),
            "from": coverage.begin * HOUR_S,
            "to": coverage.end * HOUR_S,
            "state": Words(coverage.state, STATE_WORDS),
        }
        self.tables.put("coverage", columns)

    def meters(self, readings: Readings) -> None:
        """Where no home has a meter, there is no table."""
        if not len(readings.value):
            return
        columns = {
            "dwelling_id": Words(readings.dwelling, self.homes),
            "date": Words(readings.day, self.tables.dates(self.town.days)),
            "kind": Words(readings.kind, METER_WORDS),
            "value": readings.value,
            "ok": readings.ok,
        }
        self.tables.put("meters", columns)

    def absences(self, shuffled: Ints) -> None:
        """In an order that tells nothing."""
        rows = [self.town.declared[number] for number in shuffled]
        self.tables.rows(
            "absences", ((self.homes[row.dwelling], row.first, row.last, row.reason, row.declared_on) for row in rows)
        )

    def cases(self) -> None:
        rows = self.town.cases
        self.tables.rows("cases", ((self.homes[row.dwelling], row.kind, row.closed_on, row.outcome) for row in rows))

    def subgroups(self) -> None:
        self.tables.rows("subgroups", ((self.homes[dwelling], group) for dwelling, group in self.town.groups))

    def truth(self) -> None:
        rows = self.town.truth
        self.tables.rows("truth", ((self.homes[row.dwelling], row.kind, row.first, row.last) for row in rows))
