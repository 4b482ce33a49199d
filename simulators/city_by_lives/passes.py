"""Columns of pass records, as numbers, and what goes wrong between a door and the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulators.city_by_lives.basics import DAY_S, HOUR_S, NOBODY, Bools, Bytes, Generator, Ints
from simulators.city_by_lives.estates import Places
from simulators.city_by_lives.faults import WrongClock
from simulators.city_by_lives.means import Kind

UPLOADED_TWICE = 0.0008  # of records
TAKEN_FOR_NEIGHBOUR = 0.0004  # of recognised faces


class Direction(IntEnum):
    """Of a pass, by its place in DIRECTION_WORDS."""

    IN = 0
    OUT = 1
    UNKNOWN = 2


DIRECTION_WORDS = ("in", "out", "unknown")

COLUMN_TYPES = {
    "second": np.int32,
    "point": np.int32,
    "member": np.int32,
    "credential": np.int64,
    "kind": np.int8,
    "home": np.int32,
    "granted": np.int8,
    "direction": np.int8,
}
"""Some 30 bytes a pass."""


@dataclass(slots=True)
class Passes:
    """(passes,) each; NOBODY where a record names none."""

    second: Ints  # of the history
    point: Ints  # access point
    member: Ints
    credential: Ints
    kind: Bytes  # of Kind
    home: Ints
    granted: Bytes  # 0 or 1
    direction: Bytes

    def __len__(self) -> int:
        return len(self.second)

    def take(self, rows: ArrayLike | slice) -> Passes:
        """Some of the passes, by their numbers or by flags."""
        return Passes(**{name: getattr(self, name)[rows] for name in COLUMN_TYPES})


def passes_of(
    second: Ints,
    point: Ints,
    *,
    kind: ArrayLike,
    member: ArrayLike = NOBODY,
    credential: ArrayLike = NOBODY,
    home: ArrayLike = NOBODY,
    granted: ArrayLike = 1,
    direction: ArrayLike = Direction.UNKNOWN,
) -> Passes:
    """Passes by columns, or by what is alike in all of them."""
    given = {
        "second": second, "point": point, "member": member, "credential": credential,
        "kind": kind, "home": home, "granted": granted, "direction": direction,
    }  # fmt: skip
    columns: dict[str, Any] = {
        name: np.broadcast_to(np.asarray(values), len(second)).astype(COLUMN_TYPES[name])
        for name, values in given.items()
    }
    return Passes(**columns)


def upload(rng: Generator, parts: list[Passes], clocks: Sequence[WrongClock], places: Places, days: int) -> Passes:
    """All passes by time as the doors told it: some twice, some by a wrong clock, a few under a neighbour's name.

    Empties `parts`: the passes of a large city would not fit in twice.
    """
    columns: dict[str, Any] = {}
    for name in COLUMN_TYPES:
        columns[name] = np.concatenate([getattr(part, name) for part in parts])
        for part in parts:
            setattr(part, name, None)
    parts.clear()
    again = np.flatnonzero(rng.random(len(columns["second"])) < UPLOADED_TWICE)
    passes = Passes(**{name: np.concatenate([column, column[again]]) for name, column in columns.items()})
    _tell_by_wrong_clocks(passes, clocks)
    inside: Bools = (passes.second >= 0) & (passes.second < days * DAY_S)
    order = np.argsort(np.where(inside, passes.second, days * DAY_S), kind="stable")[: int(inside.sum())]
    passes = passes.take(order)
    _take_for_neighbours(rng, passes, places)
    return passes


def _tell_by_wrong_clocks(passes: Passes, clocks: Sequence[WrongClock]) -> None:
    by_point = np.argsort(passes.point, kind="stable")
    points = passes.point[by_point]
    for clock in clocks:
        first, end = np.searchsorted(points, [clock.point, clock.point + 1])
        rows = by_point[first:end]
        second = passes.second[rows]
        wrong = (second >= clock.first_hour * HOUR_S) & (second < clock.end_hour * HOUR_S)
        passes.second[rows[wrong]] += clock.offset


def _take_for_neighbours(rng: Generator, passes: Passes, places: Places) -> None:
    """A face is taken for the next one's that is, if both are of one estate."""
    faces = np.flatnonzero((passes.kind == Kind.FACE) & (passes.member != NOBODY))
    faces = faces[rng.random(len(faces)) < TAKEN_FOR_NEIGHBOUR]
    estate = places.estate_of[passes.home[faces]]
    alike = np.flatnonzero(estate[:-1] == estate[1:])
    wrong, taken_for = faces[alike], faces[alike + 1]
    passes.member[wrong], passes.home[wrong] = passes.member[taken_for], passes.home[taken_for]
