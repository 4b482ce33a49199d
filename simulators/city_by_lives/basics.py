"""Types of arrays, units of time, and the draws that are made everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]
Bools = NDArray[np.bool_]

DAY_S, HOUR_S, DAY_H = 86_400, 3_600, 24
"""Days are numbers and times are seconds from the midnight the history begins with."""

YEAR_DAYS = 365

NOBODY = -1
"""No member, no credential, no access point, no dwelling: where others have a number from 0 on."""

NEVER = 10**6
"""A day that no history reaches."""

Some = TypeVar("Some")


def happens(rng: Generator, chance: float) -> bool:
    """True with this chance (0..1)."""
    return float(rng.random()) < chance


def whole(rng: Generator, low: int, end: int) -> int:
    """A whole number from `low` up to, but not, `end`."""
    return int(rng.integers(low, end))


def gamma_days(rng: Generator, shape: float, mean: float) -> int:
    """Whole days with this mean; the smaller the shape, the longer the tail."""
    return int(rng.gamma(shape, mean / shape))


def pick(rng: Generator, choices: Sequence[Some], shares: Sequence[float] | None = None) -> Some:
    """One of the choices, all alike or by shares of any sum."""
    if shares is None:
        return choices[int(rng.integers(0, len(choices)))]
    weights = np.asarray(shares, float)
    return choices[int(rng.choice(len(choices), p=weights / weights.sum()))]


def spans(flags: Bools) -> list[tuple[int, int]]:
    """(first, end) of each run of True in (days,)."""
    steps = np.diff(np.concatenate([[0], flags.astype(int), [0]]))
    firsts, ends = np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist()
    return list(zip(firsts, ends, strict=True))
