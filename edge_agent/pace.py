"""How many entries go into one batch: as many as a device takes in about half a second, measured while it works.

A batch in flight cannot be stopped, and a revocation has to wait for it.
"""

from __future__ import annotations

TARGET_S = 0.5
START = 4


class Pace:
    """`cap`: the most a device takes at once. A device that slows down gets smaller batches at once, larger ones by degrees."""

    def __init__(self, cap: int, target_s: float = TARGET_S) -> None:
        self.cap, self.target_s = max(1, cap), target_s
        self.size = min(START, self.cap)

    def took(self, count: int, seconds: float) -> None:
        """A batch of `count` was in flight for `seconds`."""
        if count < 1:
            return
        fits = int(self.target_s * count / max(seconds, 1e-6))
        # A short last batch says little about large ones: it may shrink the next, not make it grow.
        grown = min(2 * self.size, fits) if count >= self.size else self.size
        self.size = max(1, min(self.cap, fits if fits < self.size else grown))
