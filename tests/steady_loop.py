"""The event loop of the tests: while this process is not let run, or computes, its clock stands still.

Driver and simulator mostly run in one loop. On a busy machine the process gets no turn for a second, and with an ordinary clock
every limit between the two is then over at once, though nobody was slow. Here a limit ends only when it was really waited for.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable

TURN_S = 0.005
"""So much counts of what passes between two waits, at most: what must run out does so also in a loop that never waits."""


class SteadySelector(selectors.DefaultSelector):
    """Counts the seconds that were waited, never more than asked for. `clock`: monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._waited, self._since = clock(), clock()

    def now(self) -> float:
        return self._waited + min(self._clock() - self._since, TURN_S)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._waited, began = self.now(), self._clock()
        ready = super().select(timeout)
        passed = self._clock() - began
        self._waited += passed if timeout is None else min(passed, max(timeout, 0.0))
        self._since = self._clock()
        return ready


class SteadyLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._steady = SteadySelector(clock)
        super().__init__(self._steady)

    def time(self) -> float:
        return self._steady.now()


class SteadyPolicy(asyncio.DefaultEventLoopPolicy):
    """`asyncio.run` of every test takes it."""

    _loop_factory = SteadyLoop
