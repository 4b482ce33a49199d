"""A city's tables in the back-test history format, in the form of its vendor's export.

Columns come in an order of chance, and identifiers are shuffled: neither tells anything. (Typed Parquet in one fixed form
is what `simulators.city` writes; here readers are to meet what vendors send.)
"""

from __future__ import annotations

from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulators.city_by_diaries import identifiers
from simulators.city_by_diaries.arrays import DAY_MIN, Ints
from simulators.city_by_diaries.diaries import Presence
from simulators.city_by_diaries.faults import Covered
from simulators.city_by_diaries.metering import read_meters
from simulators.city_by_diaries.passes import KIND_WORDS, Kind, Passes
from simulators.city_by_diaries.town import Lease, Town
from simulators.history_tables.columns import COLUMNS, Words
from simulators.history_tables.texts import TextTables

CREDENTIAL_KEY = 10**12  # more than the credentials of any kind


def write_tables(
    directory: Path, town: Town, presence: Presence, passes: Passes, covered: list[Covered], *, parquet: bool
) -> None:
    """Writes all tables into `directory`, replacing those that stand there in either form.

    Chance plays a part in some (order of columns, lost numbers), so that the order of the tables is part of a seed.
    """
    export = _Export(directory, town, parquet)
    export.dwellings()
    export.members()
    export.access_points()
    export.coverage(covered)
    export.passes(passes)
    export.meters(presence)
    export.absences()
    export.cases()
    export.subgroups()
    export.truth()


class _Export:
    """Writes one table after the other."""

    def __init__(self, directory: Path, town: Town, parquet: bool) -> None:
        self.tables = TextTables(directory, town.calendar.start, parquet=parquet, offset_h=town.form.offset_h)
        self.town = town
        self.form = town.form
        self.rng = town.rng
        self.places = town.places
        self.homes = town.places.dwelling_ids
        self.persons: list[str] = []  # identifiers of members

    def put(self, name: str, columns: dict[str, Any]) -> None:
        order = list(columns)
        self.rng.shuffle(order)
        self.tables.put(name, {column: columns[column] for column in order})

    def rows(self, name: str, rows: list[tuple[Any, ...]], **more: Any) -> None:
        """With columns beyond the format's."""
        values = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS[name])
        self.put(name, {column: some for (column, _), some in zip(COLUMNS[name], values, strict=True)} | more)

    def dwellings(self) -> None:
        places = self.places
        rows: list[tuple[int, Lease, int | None]] = []
        for dwelling, leases in enumerate(self.town.leases):
            known = self.rng.random() < self.town.world.members_known
            expected = self.town.expected[dwelling] if known else None
            shown = leases
            if len(leases) > 1 and not self.form.relet_in_two_rows:
                shown = [Lease(leases[0].since, leases[-1].until)]
            rows += [(dwelling, lease, expected) for lease in shown]
        more = {}
        if self.form.extra_columns:
            more["floor_area_m2"] = pa.array(np.round(self.rng.uniform(32, 62, len(rows)), 1))
        listed = [
            (
                self.homes[dwelling],
                places.estate_ids[places.estate_of[dwelling]],
                places.block_ids[places.block_of[dwelling]],
                _day(lease.since),
                _day(lease.until),
                expected,
            )
            for dwelling, lease, expected in rows
        ]
        self.rows("dwellings", listed, **more)

    def members(self) -> None:
        members = self.town.members
        serials = self.rng.permutation(len(members)).tolist()
        self.persons = [identifiers.person_id(self.form.id_style, serial) for serial in serials]
        rows = [
            (person, self.homes[one.dwelling], _day(one.since), _day(one.until), int(one.consents))
            for person, one in zip(self.persons, members, strict=True)
        ]
        self.rows("members", rows)

    def access_points(self) -> None:
        places = self.places
        rows = [
            (
                point.id,
                places.estate_ids[point.estate],
                point.scope.name.lower(),
                None if point.block is None else places.block_ids[point.block],
                None if point.dwelling is None else self.homes[point.dwelling],
            )
            for point in places.points
        ]
        self.rows("access_points", rows)

    def coverage(self, covered: list[Covered]) -> None:
        times = _seconds([row.begin for row in covered]), _seconds([row.end for row in covered])
        columns = {
            "access_point_id": [self.places.points[row.point].id for row in covered],
            "from": times[0],
            "to": times[1],
            "state": [row.state for row in covered],
        }
        self.put("coverage", columns)

    def passes(self, passes: Passes) -> None:
        passes = passes.take(self.order_of(passes))
        numbers, names = self.credentials(passes)
        member, kind = passes.member.copy(), passes.kind
        if self.form.identity == "credential":
            member[kind != Kind.FACE] = -1
        if self.form.identity == "person":
            nobody_known = (kind == Kind.QR) & (passes.member < 0)
            numbers = np.where((kind == Kind.VISITOR) | (kind == Kind.STAFF) | nobody_known, numbers, -1)
        columns: dict[str, Any] = {
            "ts": _seconds(passes.minute),
            "access_point_id": Words(passes.point, [point.id for point in self.places.points]),
            "person_id": Words(member, self.persons),
            "credential_id": Words(numbers, names),
            "credential_kind": Words(kind, KIND_WORDS),
            "dwelling_id": Words(passes.dwelling, self.homes),
            "granted": passes.granted,
            "direction": Words(self.directions(passes), ["in", "out", "unknown"]),
        }
        if self.form.extra_columns:
            columns["temperature"] = pa.nulls(len(passes), pa.float64())
        self.put("passes", columns)

    def order_of(self, passes: Passes) -> Ints:
        """In which order the vendor writes; by `device` each one's journal after the other's."""
        if self.form.order == "time":
            return np.argsort(passes.minute, kind="stable")
        if self.form.order == "device":
            return np.lexsort((passes.minute, passes.point))
        return np.lexsort((passes.point, (passes.minute // DAY_MIN).astype(np.int64)))

    def credentials(self, passes: Passes) -> tuple[Ints, list[str]]:
        """(number of each pass's credential, -1 without; identifiers of the numbers)."""
        key = passes.numbered.astype(np.int64) * CREDENTIAL_KEY + passes.credential
        known, numbers = np.unique(np.where(passes.credential >= 0, key, -1), return_inverse=True)
        serials = self.rng.permutation(len(known)).tolist()
        names = [
            "" if one < 0 else identifiers.credential_id(self.form.id_style, one // CREDENTIAL_KEY, serial)
            for one, serial in zip(known.tolist(), serials, strict=True)
        ]
        return np.where(known[numbers] < 0, -1, numbers), names

    def directions(self, passes: Passes) -> Ints:
        """Of each pass 0 in, 1 out, 2 unknown."""
        scope = np.array([point.scope for point in self.places.points])[passes.point]
        estate = np.array([point.estate for point in self.places.points])[passes.point]
        writes = np.array([one.writes_direction for one in self.places.estates])[estate, scope]
        is_written = writes & (self.rng.random(len(passes)) < 0.995)
        return np.where(is_written, np.where(passes.inward, 0, 1), 2)

    def meters(self, presence: Presence) -> None:
        readings = read_meters(self.town, presence)
        if not readings:
            return
        lengths = [len(one.day) for one in readings]
        dates = self.tables.dates(self.town.calendar.days)
        kinds = ("water", "electricity")
        columns = {
            "dwelling_id": Words(np.repeat([one.dwelling for one in readings], lengths), self.homes),
            "date": Words(np.concatenate([one.day for one in readings]), dates),
            "kind": Words(np.repeat([kinds.index(one.kind) for one in readings], lengths), kinds),
            "value": np.concatenate([one.value for one in readings]),
            "ok": np.concatenate([one.ok for one in readings]),
        }
        self.put("meters", columns)

    def absences(self) -> None:
        rows = sorted(self.town.declared, key=lambda row: row.declared_on)
        listed = [(self.homes[row.dwelling], row.since, row.until, row.reason, row.declared_on) for row in rows]
        self.rows("absences", listed)

    def cases(self) -> None:
        rows = sorted(self.town.cases, key=lambda row: row.closed_on)
        self.rows("cases", [(self.homes[row.dwelling], row.kind, row.closed_on, row.outcome) for row in rows])

    def subgroups(self) -> None:
        rows = sorted(set(self.town.subgroups))
        self.rows("subgroups", [(self.homes[dwelling], group) for dwelling, group in rows])

    def truth(self) -> None:
        self.rows("truth", [(self.homes[row.dwelling], row.kind, row.since, row.until) for row in self.town.truth])


def _day(day: float | None) -> int | None:
    return None if day is None else floor(day)


def _seconds(minutes: Any) -> Ints:
    seconds: Ints = np.round(np.asarray(minutes, np.float64) * 60).astype(np.int64)
    return seconds
