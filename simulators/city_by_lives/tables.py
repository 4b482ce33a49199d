"""A city's tables in the back-test history format, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulators.city_by_lives.basics import HOUR_S, NOBODY, Generator
from simulators.city_by_lives.faults import STATE_WORDS, Covered
from simulators.city_by_lives.means import KIND_WORDS
from simulators.city_by_lives.metering import Readings
from simulators.city_by_lives.passes import DIRECTION_WORDS, Passes
from simulators.city_by_lives.register import Register
from simulators.city_by_lives.town import Town
from simulators.history_tables.columns import Words
from simulators.history_tables.texts import WHOLE, TextTables

DAYS_AT_ONCE = 60
KINDS_OF_METERS = ("water", "electricity")


class Export:
    """Writes the tables of one city into a directory, replacing those that stand there in either form."""

    def __init__(self, directory: Path, town: Town, rng: Generator, *, parquet: bool) -> None:
        whole = dict.fromkeys(WHOLE, pa.int64())
        self.tables = TextTables(directory, town.calendar.start, parquet=parquet, whole=whole)
        self.town, self.rng = town, rng
        self.register = Register(town)
        self.homes = [f"h{home.number:05d}" for home in town.homes]
        self.points = [point.name for point in town.places.points]
        self.persons = [f"p{serial + 1:06d}" for serial in rng.permutation(len(town.members)).tolist()]

    def dwellings(self) -> None:
        """One row each: a home is let to one household at most in a history."""
        rows = (
            (
                self.homes[home.number],
                f"e{home.estate.number:02d}",
                f"b{self.town.places.block_of[home.number]:03d}",
                home.let_from,
                self.register.let_to(home),
                home.expected_members,
            )
            for home in self.town.homes
        )
        self.tables.rows("dwellings", rows)

    def members(self) -> None:
        """In an order that tells nothing."""
        members = self.register.members()
        order = self.rng.permutation(len(members)).tolist()
        rows = (
            (self.persons[one.number], self.homes[one.dwelling], one.since, one.until, int(one.consents))
            for one in (members[row] for row in order)
        )
        self.tables.rows("members", rows)

    def access_points(self) -> None:
        """Gates, block doors and locks."""
        rows = (
            (
                point.name,
                f"e{point.estate:02d}",
                point.scope,
                None if point.block == NOBODY else f"b{point.block:03d}",
                None if point.dwelling == NOBODY else self.homes[point.dwelling],
            )
            for point in self.town.places.points
        )
        self.tables.rows("access_points", rows)

    def coverage(self, covered: Iterable[Covered]) -> None:
        """By access point and time."""
        rows = (
            (self.points[row.point], row.first_hour * HOUR_S, row.end_hour * HOUR_S, STATE_WORDS[row.state])
            for row in covered
        )
        self.tables.rows("coverage", rows)

    def passes(self, passes: Passes) -> None:
        """`passes` by time. Names of credentials tell nothing of their order or kind."""
        used, credential = np.unique(passes.credential, return_inverse=True)
        serials = self.rng.permutation(len(used)).tolist()
        columns = {
            "ts": passes.second,
            "access_point_id": Words(passes.point, self.points),
            "person_id": Words(passes.member, self.persons),
            "credential_id": Words(
                np.where(passes.credential < 0, NOBODY, credential), [f"c{one:07d}" for one in serials]
            ),
            "credential_kind": Words(passes.kind, KIND_WORDS),
            "dwelling_id": Words(passes.home, self.homes),
            "granted": passes.granted,
            "direction": Words(passes.direction, DIRECTION_WORDS),
        }
        self.tables.put("passes", columns)

    def meters(self, readings: Sequence[Readings]) -> None:
        """By kind, day and dwelling; failed days have no value or no row."""
        dates = self.tables.dates(self.town.days)

        def pieces() -> Iterator[dict[str, Any]]:
            for one in readings:
                for first in range(0, self.town.days, DAYS_AT_ONCE):
                    day, home = np.nonzero(one.is_there[:, first : first + DAYS_AT_ONCE].T)
                    day = day + first
                    is_ok = one.is_ok[home, day]
                    yield {
                        "dwelling_id": Words(home, self.homes),
                        "date": Words(day, dates),
                        "kind": Words(np.full(len(day), KINDS_OF_METERS.index(one.kind)), KINDS_OF_METERS),
                        "value": np.where(is_ok, one.value[home, day].round(3), np.nan),
                        "ok": is_ok,
                    }

        self.tables.pieces("meters", pieces())

    def absences(self) -> None:
        """By the day on which they were declared."""
        rows = self.register.declared()
        self.tables.rows(
            "absences", ((self.homes[row.dwelling], row.first, row.end, row.reason, row.declared_on) for row in rows)
        )

    def cases(self) -> None:
        """By the day on which they were closed."""
        rows = self.register.cases()
        self.tables.rows("cases", ((self.homes[row.dwelling], row.kind, row.closed_on, row.outcome) for row in rows))

    def subgroups(self) -> None:
        """By dwelling."""
        rows = sorted(self.town.subgroups)
        self.tables.rows("subgroups", ((self.homes[dwelling], group) for dwelling, group in rows))

    def truth(self) -> None:
        """Violations that were true on a day of the history; those that outlast it have no end."""
        rows = (
            (self.homes[number], one.kind, one.first, self.register.end(one.end))
            for number, one in self.register.violations()
        )
        self.tables.rows("truth", rows)
