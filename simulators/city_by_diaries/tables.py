"""A city's tables in the back-test history format, in the form of its vendor's export.

Every column is text, a whole number or a decimal one; times and dates are text as the format says. Columns come in an
order of chance, and identifiers are shuffled: neither tells anything. (Typed Parquet in one fixed form is what
`simulators.city` writes; here readers are to meet what vendors send.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from simulators.city_by_diaries import identifiers
from simulators.city_by_diaries.arrays import DAY_MIN, Ints
from simulators.city_by_diaries.diaries import Presence
from simulators.city_by_diaries.faults import Covered
from simulators.city_by_diaries.metering import read_meters
from simulators.city_by_diaries.passes import KIND_WORDS, Kind, Passes
from simulators.city_by_diaries.town import Lease, Town

LIFE_OFFSET_S = 8 * 3600  # the life is lived at +08:00
CREDENTIAL_KEY = 10**12  # more than the credentials of any kind

TABLES = (
    "dwellings",
    "members",
    "access_points",
    "coverage",
    "passes",
    "meters",
    "absences",
    "cases",
    "subgroups",
    "truth",
)


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


def _texts(values: Iterable[str | None]) -> Any:
    return pa.array(list(values), pa.string())


def _words(numbers: Any, vocabulary: Sequence[str]) -> Any:
    """A column of words given as numbers into a vocabulary; below 0 is empty."""
    codes = np.asarray(numbers, np.int32)
    indices: pa.Int32Array = pa.array(codes, pa.int32(), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, _texts(vocabulary)).cast(pa.string())


class _Export:
    """Writes one table after the other."""

    def __init__(self, directory: Path, town: Town, parquet: bool) -> None:
        self.directory = directory
        self.parquet = parquet
        self.town = town
        self.form = town.form
        self.rng = town.rng
        self.places = town.places
        self.persons: list[str] = []  # identifiers of members
        directory.mkdir(parents=True, exist_ok=True)
        for name in TABLES:
            for ending in ("csv", "parquet"):  # an old table in the other form would win or confuse
                (directory / f"{name}.{ending}").unlink(missing_ok=True)

    def put(self, name: str, columns: dict[str, Any]) -> None:
        order = list(columns)
        self.rng.shuffle(order)
        table = pa.table({column: columns[column] for column in order})
        if self.parquet:
            pq.write_table(table, self.directory / f"{name}.parquet", compression="zstd")
        else:
            options = pa_csv.WriteOptions(quoting_style="needed")
            pa_csv.write_csv(table, self.directory / f"{name}.csv", options)

    def dwelling_ids(self, dwellings: Iterable[int]) -> Any:
        return _texts(self.places.dwelling_ids[dwelling] for dwelling in dwellings)

    def day(self, day: float | None) -> str | None:
        return None if day is None else self.town.calendar.text(day)

    def times(self, minutes: Any) -> Any:
        """Minutes of the history as ISO 8601 with the vendor's offset."""
        offset = self.form.offset_h
        midnight = datetime.combine(self.town.calendar.start, datetime.min.time(), UTC)
        begins = int(midnight.timestamp()) - LIFE_OFFSET_S + offset * 3600
        seconds = begins + np.round(np.asarray(minutes, np.float64) * 60)
        clock = pa.array(seconds.astype(np.int64), pa.timestamp("s"))
        return pc.strftime(clock, format=f"%Y-%m-%dT%H:%M:%S+0{offset}:00").cast(pa.string())

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
        columns = {
            "dwelling_id": self.dwelling_ids(dwelling for dwelling, _, _ in rows),
            "estate_id": _texts(places.estate_ids[places.estate_of[dwelling]] for dwelling, _, _ in rows),
            "block_id": _texts(places.block_ids[places.block_of[dwelling]] for dwelling, _, _ in rows),
            "let_from": _texts(self.day(lease.since) for _, lease, _ in rows),
            "let_to": _texts(self.day(lease.until) for _, lease, _ in rows),
            "expected_members": pa.array([expected for _, _, expected in rows], pa.int64()),
        }
        if self.form.extra_columns:
            columns["floor_area_m2"] = pa.array(np.round(self.rng.uniform(32, 62, len(rows)), 1))
        self.put("dwellings", columns)

    def members(self) -> None:
        members = self.town.members
        serials = self.rng.permutation(len(members)).tolist()
        self.persons = [identifiers.person_id(self.form.id_style, serial) for serial in serials]
        columns = {
            "person_id": _texts(self.persons),
            "dwelling_id": self.dwelling_ids(member.dwelling for member in members),
            "from": _texts(self.day(member.since) for member in members),
            "to": _texts(self.day(member.until) for member in members),
            "face_consent_b": pa.array([int(member.consents) for member in members], pa.int8()),
        }
        self.put("members", columns)

    def access_points(self) -> None:
        places = self.places
        block_ids = [None if point.block is None else places.block_ids[point.block] for point in places.points]
        dwelling_ids = [
            None if point.dwelling is None else places.dwelling_ids[point.dwelling] for point in places.points
        ]
        columns = {
            "access_point_id": _texts(point.id for point in places.points),
            "estate_id": _texts(places.estate_ids[point.estate] for point in places.points),
            "scope": _texts(point.scope.name.lower() for point in places.points),
            "block_id": _texts(block_ids),
            "dwelling_id": _texts(dwelling_ids),
        }
        self.put("access_points", columns)

    def coverage(self, covered: list[Covered]) -> None:
        columns = {
            "access_point_id": _texts(self.places.points[row.point].id for row in covered),
            "from": self.times([row.begin for row in covered]),
            "to": self.times([row.end for row in covered]),
            "state": _texts(row.state for row in covered),
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
        columns = {
            "ts": self.times(passes.minute),
            "access_point_id": _words(passes.point, [point.id for point in self.places.points]),
            "person_id": _words(member, self.persons),
            "credential_id": _words(numbers, names),
            "credential_kind": _words(kind, KIND_WORDS),
            "dwelling_id": _words(passes.dwelling, self.places.dwelling_ids),
            "granted": pa.array(passes.granted.astype(np.int8)),
            "direction": _words(self.directions(passes), ["in", "out", "unknown"]),
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
        calendar = self.town.calendar
        dates = [calendar.text(day) for day in range(calendar.days)]
        kinds = ("water", "electricity")
        columns = {
            "dwelling_id": _words(np.repeat([one.dwelling for one in readings], lengths), self.places.dwelling_ids),
            "date": _words(np.concatenate([one.day for one in readings]), dates),
            "kind": _words(np.repeat([kinds.index(one.kind) for one in readings], lengths), kinds),
            "value": pa.array(np.concatenate([one.value for one in readings]), pa.float64(), from_pandas=True),
            "ok": pa.array(np.concatenate([one.ok for one in readings]), pa.int8()),
        }
        self.put("meters", columns)

    def absences(self) -> None:
        rows = sorted(self.town.declared, key=lambda row: row.declared_on)
        columns = {
            "dwelling_id": self.dwelling_ids(row.dwelling for row in rows),
            "from": _texts(row.since for row in rows),
            "to": _texts(row.until for row in rows),
            "reason": _texts(row.reason for row in rows),
            "declared_on": _texts(row.declared_on for row in rows),
        }
        self.put("absences", columns)

    def cases(self) -> None:
        rows = sorted(self.town.cases, key=lambda row: row.closed_on)
        columns = {
            "dwelling_id": self.dwelling_ids(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "closed_on": _texts(row.closed_on for row in rows),
            "outcome": _texts(row.outcome for row in rows),
        }
        self.put("cases", columns)

    def subgroups(self) -> None:
        rows = sorted(set(self.town.subgroups))
        columns = {
            "dwelling_id": self.dwelling_ids(dwelling for dwelling, _ in rows),
            "group": _texts(group for _, group in rows),
        }
        self.put("subgroups", columns)

    def truth(self) -> None:
        rows = self.town.truth
        columns = {
            "dwelling_id": self.dwelling_ids(row.dwelling for row in rows),
            "kind": _texts(row.kind for row in rows),
            "from": _texts(row.since for row in rows),
            "to": _texts(row.until for row in rows),
        }
        self.put("truth", columns)
