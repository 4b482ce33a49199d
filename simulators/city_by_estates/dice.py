"""Types of arrays, units of time, and the draws that are made everywhere.

The order of all draws is part of what a seed means: do not change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

DAY_S, HOUR_S, DAY_H = 86_400, 3_600, 24
"""Days are numbers and times are seconds from the midnight the history begins with."""

YEAR_DAYS, MONTH_DAYS = 365, 30

NOBODY = -1
"""No person, no credential, no access point, no dwelling: where others have a number from 0 on."""

NEVER = 10**6
"""A day that no history reaches."""

SEED_FACTOR, SEED_SHIFT = 7919, 13  # keep this simulator's draws apart from those of its sisters

Some = TypeVar("Some")


class Dice:
    """All chance of one city."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed * SEED_FACTOR + SEED_SHIFT)

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.rng.random()

    def whole(self, low: float, high: float) -> int:
        """A whole number from `low` on and below `high`, cut towards 0."""
        return int(self.between(low, high))

    def chance(self, share: float) -> bool:
        """True in `share` of cases."""
        return self.rng.random() < share

    def pick(self, weights: Mapping[Some, float]) -> Some:
        """One of the keys by their weights, which need not add up to 1."""
        left = self.rng.random() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return choice

    def one_of(self, choices: Sequence[Some]) -> Some:
        """One of the choices, all alike."""
        return choices[int(self.rng.integers(len(choices)))]

    def skewed(self, median: float, spread: float, low: float = 1, high: float = 1e9) -> float:
        """A number with a long tail, within [low, high]; `spread` is that of its logarithm."""
        return float(min(high, max(low, median * np.exp(self.rng.normal(0, spread)))))

    def delay(self, mean: float) -> int:
        """Days until something happens that may happen at any time."""
        return int(self.rng.exponential(mean))
