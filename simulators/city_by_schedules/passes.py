"""Columns of pass records, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from simulators.city_by_schedules.arrays import Floats, Ints, Numbers

KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "staff")
"""By `people.Kind`."""


class Direction(IntEnum):
    """Of a pass, by its place in DIRECTION_WORDS."""

    IN = 0
    OUT = 1
    UNKNOWN = 2


DIRECTION_WORDS = ("in", "out", "unknown")


class Credential(IntEnum):
    """Where the numbers of each kind of credential begin; cards have their own, from 0 on."""

    PINS = 1_000_000_000  # by dwelling
    QR_CODES = 2_000_000_000  # by member
    VISITOR_PASSES = 3_000_000_000  # by person and period
    STAFF = 4_000_000_000  # by estate
    CALLERS = 5_000_000_000  # by dwelling and call


@dataclass(slots=True)
class Passes:
    """(passes,) each; NOBODY where a record names none."""

    minute: Floats
    point: Ints  # access point
    member: Ints
    credential: Ints
    kind: Ints
    dwelling: Ints
    granted: Numbers  # 0 or 1
    direction: Ints

    def __len__(self) -> int:
        return len(self.minute)

    def take(self, rows: Numbers) -> Passes:
        """Some of the passes: those flagged, or in the order of their numbers."""
        return Passes(**{one.name: getattr(self, one.name)[rows] for one in fields(Passes)})


def joined(parts: Sequence[Passes]) -> Passes:
    """All passes of the parts, one part after the other."""
    return Passes(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Passes)})
