"""Columns of pass records, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from simulators.city_by_nights.dice import NOBODY, Ints


class Kind(IntEnum):
    """Of a credential, by its place in KIND_WORDS."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3
    VISITOR = 4
    STAFF = 5


KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "staff")


class Direction(IntEnum):
    """Of a pass, by its place in DIRECTION_WORDS."""

    IN = 0
    OUT = 1
    UNKNOWN = 2


DIRECTION_WORDS = ("in", "out", "unknown")


@dataclass(frozen=True, slots=True)
class Passes:
    """(passes,) each; NOBODY where a record names none."""

    second: Ints  # of the history, as the door's clock has it
    point: Ints  # access point
    member: Ints
    credential: Ints  # see `credentials`
    kind: Ints
    home: Ints
    granted: Ints  # 0 or 1
    direction: Ints

    def __len__(self) -> int:
        return len(self.second)

    def take(self, rows: ArrayLike) -> Passes:
        """Some of the passes, by their numbers or by flags."""
        return Passes(**{one.name: getattr(self, one.name)[rows] for one in fields(Passes)})


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

    def column(values: ArrayLike) -> Ints:
        return np.broadcast_to(np.asarray(values, np.int64), len(second))

    return Passes(
        second=column(second),
        point=column(point),
        member=column(member),
        credential=column(credential),
        kind=column(kind),
        home=column(home),
        granted=column(granted),
        direction=column(direction),
    )


def joined(parts: Sequence[Passes]) -> Passes:
    """All passes of the parts, one part after the other."""
    return Passes(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Passes)})


def in_order(passes: Passes, seconds: int) -> Passes:
    """Those within the first `seconds`, by time."""
    inside = passes.take((passes.second >= 0) & (passes.second < seconds))
    return inside.take(np.argsort(inside.second, kind="stable"))
