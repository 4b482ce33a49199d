"""Types of arrays, and the units of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]
Bools = NDArray[np.bool_]

DAY_MIN = 1440
"""Minutes of a day. Times are minutes, and days are numbers, from the midnight the history begins with."""

NEVER = 1_000_000
"""A day that never comes; -NEVER was always."""
