"""A city's tables in the back-test history format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulators.city_by_estates.credentials import Names
from simulators.city_by_estates.dice import NOBODY
from simulators.city_by_estates.faults import Covered
from simulators.city_by_estates.metering import Readings
from simulators.city_by_estates.passes import DIRECTION_WORDS, KIND_WORDS, Passes
from simulators.city_by_estates.town import Town
from simulators.history_tables.columns import Words
from simulators.history_tables.texts import TextTables

METER_WORDS = ("water", "electricity")
NOTHING = np.zeros(0, np.int32)
NO_READINGS = {
    **{column: Words(NOTHING, ()) for column in ("dwelling_id", "date", "kind")},
    "value": NOTHING,
    "ok": NOTHING,
}
"""So that the table has its columns in a city without meters."""


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, names: Names, *, parquet: bool) -> None:
        self._tables = TextTables(
            directory, town.calendar.start, parquet=parquet, whole={"expected_members": pa.int32()}
        )
        self._town = town
        self._names = names
        self._homes = [home.name for home in town.homes]
        self._points = [point.name for point in town.points]

    def dwellings(self) -> None:
        """All dwellings with their leases."""
        rows = (
            (
                home.name,
                home.estate.name,
                home.block,
                home.let_from,
                None if home.is_vacant else home.let_to,
                home.expected_members,
            )
            for home in self._town.homes
        )
        self._tables.rows("dwellings", rows)

    def members(self) -> None:
        """By dwelling; those of one dwelling in no order."""
        persons = self._names.persons
        members = sorted(self._town.members, key=lambda member: (member.dwelling, persons[member.person]))
        rows = (
            (
                persons[one.person],
                self._homes[one.dwelling],
                one.since,
                None if one.until is None else max(one.until, one.since),
                int(one.consents),
            )
            for one in members
        )
        self._tables.rows("members", rows)

    def access_points(self) -> None:
        """All readers."""
        rows = (
            (
                point.name,
                self._town.estates[point.estate].name,
                point.scope,
                point.block or None,
                None if point.dwelling == NOBODY else self._homes[point.dwelling],
            )
            for point in self._town.points
        )
        self._tables.rows("access_points", rows)

    def passes(self, passes: Passes) -> None:
        """In order of time."""
        credentials, names = self._names.of_credentials(passes.credential)
        columns = {
            "ts": passes.second,
            "access_point_id": Words(passes.point, self._points),
            "person_id": Words(passes.person, self._names.persons),
            "credential_id": Words(credentials, names),
            "credential_kind": Words(passes.kind, KIND_WORDS),
            "dwelling_id": Words(passes.home, self._homes),
            "granted": passes.granted,
            "direction": Words(passes.direction, DIRECTION_WORDS),
        }
        self._tables.put("passes", columns)

    def coverage(self, covered: Sequence[Covered]) -> None:
        """By access point."""
        self._tables.rows("coverage", ((self._points[row.point], row.first, row.end, row.state) for row in covered))

    def meters(self, readings: Iterable[Readings]) -> None:
        """By estate, kind and dwelling."""
        dates = self._tables.dates(self._town.days)

        def pieces() -> Iterator[dict[str, Any]]:
            for one in readings:
                yield {
                    "dwelling_id": Words(one.home, self._homes),
                    "date": Words(one.day, dates),
                    "kind": Words(np.full(len(one.home), METER_WORDS.index(one.kind)), METER_WORDS),
                    "value": np.where(one.is_missing, np.nan, one.value),
                    "ok": one.is_ok,
                }

        self._tables.pieces("meters", chain(pieces(), [NO_READINGS]))

    def absences(self) -> None:
        """By the day they were declared."""
        rows = sorted(self._town.declared, key=lambda row: (row.declared_on, row.dwelling))
        self._tables.rows(
            "absences", ((self._homes[row.dwelling], row.first, row.end, row.reason, row.declared_on) for row in rows)
        )

    def cases(self) -> None:
        """By the day they were closed."""
        rows = sorted(self._town.cases, key=lambda row: (row.closed_on, row.dwelling))
        self._tables.rows("cases", ((self._homes[row.dwelling], row.kind, row.closed_on, row.outcome) for row in rows))

    def subgroups(self) -> None:
        """A dwelling may be of several."""
        rows = sorted(set(self._town.subgroups))
        self._tables.rows("subgroups", ((self._homes[dwelling], group) for dwelling, group in rows))

    def truth(self) -> None:
        """By dwelling. Violations that outlast the history have no end."""
        rows = (
            (self._homes[row.dwelling], row.kind, row.first, row.end if row.end < self._town.days else None)
            for row in sorted(self._town.violations)
        )
        self._tables.rows("truth", rows)
