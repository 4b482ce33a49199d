"""Types of arrays, and units of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.int8]
Numbers = NDArray[Any]  # of more than one type: narrow where a city has one for every person and day

HOUR_MIN = 60
DAY_MIN = 1440
"""Minutes of a day. Times are minutes, and days are numbers, from the midnight the history begins with."""

YEAR_DAYS = 365
NOBODY = -1
"""No person, no credential, no access point, no dwelling: where others have a number from 0 on."""

NEVER = 10**6
"""A day after all days."""


def one_of(rng: Generator, choices: tuple[str, ...], shares: tuple[float, ...] | None = None) -> str:
    """One of the words, all alike or by shares of sum 1."""
    return str(rng.choice(choices, p=shares))
