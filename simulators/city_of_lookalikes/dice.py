"""Types of arrays, units of time, and the draws that everything here is made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

DAY_S = 86_400
"""Seconds of a day. Times are seconds, and days are numbers, from the midnight the history begins with."""

HOUR_S = 3_600

NOBODY = -1
"""No person, no credential, no access point, no dwelling: where others have a number from 0 on."""

Some = TypeVar("Some")


class Dice:
    """Single draws from one generator. The order of all draws is part of what a seed means: do not change it."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng

    def between(self, least: float, most: float) -> float:
        """A number from `least` to `most`."""
        return float(self.rng.uniform(least, most))

    def whole(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return int(self.rng.integers(least, most + 1))

    def chance(self, share: float) -> bool:
        """True in `share` (0..1) of all cases."""
        return bool(self.rng.random() < share)

    def pick(self, choices: Sequence[Some], weights: Sequence[float] | None = None) -> Some:
        """One of the choices, all alike or by weights of any sum."""
        shares = None if weights is None else np.array(weights, float) / np.sum(weights)
        return choices[int(self.rng.choice(len(choices), p=shares))]

    def shares(self, count: int, share: float) -> Bools:
        """(count,) flags, each true in `share` of all cases."""
        flags: Bools = self.rng.random(count) < share
        return flags

    def days_at(self, count: int, least: float, most: float) -> Bools:
        """(count,) flags, true in a share that is itself drawn from `least` to `most`, after the flags."""
        drawn = self.rng.random(count)
        flags: Bools = drawn < self.between(least, most)
        return flags
