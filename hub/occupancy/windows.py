"""(P) Sums over windows that end at each day of a record, for all its days at once. Causal: day d looks at days up to d."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

RECENT, SHORT, LAG = 30, 14, 45
USUAL_DAYS = 20
"""Of fewer days nothing is called usual."""


class Windows:
    """Sums over windows that end at each day."""

    def __init__(self, count: int) -> None:
        at = np.arange(count)
        self.at = at
        self._end = at + 1
        self._from = {w: np.maximum(0, at + 1 - w) for w in (RECENT, SHORT)}
        self._usual = np.maximum(0, at + 1 - LAG)

    def recent(self, x: NDArray[np.generic], window: int = RECENT) -> Floats:
        """Sum over the last `window` days."""
        c = self._sum(x)
        return c[..., self._end] - c[..., self._from[window]]

    def usual(self, x: NDArray[np.generic]) -> Floats:
        """Sum over all days up to LAG days before."""
        return self._sum(x)[..., self._usual]

    def total(self, x: NDArray[np.generic]) -> Floats:
        """Sum up to the day."""
        return self._sum(x)[..., self._end]

    def since(self, seen: Bools, known: Bools) -> Floats:
        """Observed days since the last day on which `seen` held (from the first day if never)."""
        c = self._sum(known)
        return np.asarray(c[self._end] - c[self.last(seen) + 1], np.float64)

    def last(self, seen: Bools) -> Ints:
        """The last day on which `seen` held; -1 if never."""
        return np.asarray(np.maximum.accumulate(np.where(seen, self.at, -1), axis=-1), np.int64)

    def usual_mean(self, x: Floats) -> Floats:
        """Mean over the usual days on which it is not 0."""
        return self.usual(x) / np.maximum(self.usual(x != 0), 1)

    def between(self, x: NDArray[np.generic], begin: Ints) -> Floats:
        """Sum from `begin` up to the day."""
        c = self._sum(x)
        return np.asarray(c[..., self._end] - c[..., begin], np.float64)

    def before(self, x: NDArray[np.generic], begin: Ints) -> Floats:
        """Sum of the days before `begin`."""
        return np.asarray(self._sum(x)[..., begin], np.float64)

    @staticmethod
    def _sum(x: NDArray[np.generic]) -> Floats:
        shape = (*x.shape[:-1], x.shape[-1] + 1)
        c = np.zeros(shape)
        np.cumsum(x, axis=-1, out=c[..., 1:])
        return c
