"""Passes as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.dice import NOBODY, Bools

KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "staff")
"""In the order of Means."""

DIRECTION_WORDS = ("in", "out", "unknown")


class Direction(IntEnum):
    """Places in DIRECTION_WORDS."""

    IN = 0
    OUT = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Passes:
    """(passes,) each. NOBODY where there is no person, credential or dwelling."""

    second: NDArray[np.int32]
    point: NDArray[np.int32]
    person: NDArray[np.int32]
    credential: NDArray[np.int64]
    kind: NDArray[np.int8]  # of Means
    home: NDArray[np.int32]
    granted: NDArray[np.int8]
    direction: NDArray[np.int8]

    def take(self, which: Any) -> Passes:
        """Those at these places, or where a mask is true."""
        return Passes(*(getattr(self, column.name)[which] for column in fields(self)))


def make_passes(
    second: NDArray[Any],
    point: NDArray[Any],
    kind: Any,
    *,
    person: Any = NOBODY,
    credential: Any = NOBODY,
    home: Any = NOBODY,
    granted: Any = 1,
    direction: Any = Direction.IN,
) -> Passes:
    """Passes from arrays, or single numbers that hold for all of them."""

    def column(values: Any, kind_of_number: type[Any]) -> NDArray[Any]:
        return np.broadcast_to(np.asarray(values), second.shape).astype(kind_of_number)

    return Passes(
        column(second, np.int32),
        column(point, np.int32),
        column(person, np.int32),
        column(credential, np.int64),
        column(kind, np.int8),
        column(home, np.int32),
        column(granted, np.int8),
        column(direction, np.int8),
    )


def joined(parts: Sequence[Passes]) -> Passes:
    """All of them in one; a column after the other, to save memory."""
    return Passes(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Passes)))


def in_order(passes: Passes) -> Passes:
    """By time; those of one second stay as they were."""
    return passes.take(np.argsort(passes.second, kind="stable"))


def replaced(values: NDArray[Any], where: Bools, by: Any) -> NDArray[Any]:
    """A copy with other values at some places."""
    return np.where(where, by, values).astype(values.dtype)
