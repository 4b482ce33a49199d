"""Columns of pass records, as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from simulators.city_of_lookalikes.dice import NOBODY, Floats, Ints


class Kind(IntEnum):
    """Of a credential, by its place in the format's words."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3
    VISITOR = 4
    STAFF = 5


KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "staff")


class Direction(IntEnum):
    """Of a pass, by its place in the format's words."""

    IN = 0
    OUT = 1
    UNKNOWN = 2


DIRECTION_WORDS = ("in", "out", "unknown")


@dataclass(slots=True)
class Passes:
    """(passes,) each; NOBODY where a record names none."""

    second: Floats | Ints  # of the history
    point: Ints  # access point
    member: Ints
    credential: Ints
    kind: Ints
    home: Ints
    granted: Ints  # 0 or 1
    direction: Ints
    day_of_pass: Ints  # above 0: the credential is a visitor's pass of this day alone, days from 1

    def __len__(self) -> int:
        return len(self.second)

    def take(self, rows: Ints) -> Passes:
        """Some of the passes, in the order of `rows`."""
        return Passes(**{one.name: getattr(self, one.name)[rows] for one in fields(Passes)})


def passes_of(
    second: Floats,
    point: Ints,
    kind: Kind,
    *,
    credential: Ints | None = None,
    home: Ints | None = None,
    granted: Ints | None = None,
    direction: Ints | None = None,
) -> Passes:
    """Passes of one kind, without a member; by default granted inward passes of nobody in particular."""
    count = len(second)
    nobody = np.full(count, NOBODY)
    zeros = np.zeros(count, np.int64)
    return Passes(
        second=second,
        point=point,
        member=nobody,
        credential=nobody if credential is None else credential,
        kind=np.full(count, int(kind)),
        home=nobody if home is None else home,
        granted=np.ones(count, np.int64) if granted is None else granted,
        direction=zeros if direction is None else direction,
        day_of_pass=zeros,
    )


def joined(parts: Sequence[Passes]) -> Passes:
    """All passes of the parts, one part after the other."""
    return Passes(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Passes)})
