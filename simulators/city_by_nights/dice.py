"""Types of arrays, units of time, and the draws that are made everywhere.

The order of all draws is part of what a seed means: do not change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.int8]

DAY_S, HOUR_S, DAY_H = 86_400, 3_600, 24
"""Days are numbers and times are seconds from the midnight the history begins with."""

YEAR_DAYS = 365

NOBODY = -1
"""No member, no credential, no access point, no dwelling: where others have a number from 0 on."""

NEVER = 10**6
"""A day that no history reaches."""

Some = TypeVar("Some")


def pick(rng: Generator, choices: Sequence[Some], shares: Sequence[float] | None = None) -> Some:
    """One of the choices, all alike or by their shares."""
    return choices[int(rng.choice(len(choices), p=shares))]


def skewed(rng: Generator, log_median: float, spread: float, low: float, high: float) -> float:
    """A number with a long tail, within [low, high]."""
    return float(np.clip(np.exp(rng.normal(log_median, spread)), low, high))


def skewed_days(rng: Generator, log_median: float, spread: float, low: float, high: float) -> int:
    """As `skewed`, in whole days."""
    return int(skewed(rng, log_median, spread, low, high))
