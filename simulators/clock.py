"""The estate's own clock: local time that runs `speed` times as fast as real time, and can be kept over a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

NIGHT_ENDS, NIGHT_BEGINS = 6, 22


@dataclass(slots=True)
class EstateClock:
    """`now()` = `begin` + real seconds since the start × `speed`. `monotonic` is in seconds."""

    begin: datetime
    speed: float
    monotonic: Callable[[], float] = time.monotonic
    _zero: float = 0.0

    def __post_init__(self) -> None:
        if self.speed <= 0:
            raise ValueError("speed must be more than 0")
        self._zero = self.monotonic()

    def now(self) -> datetime:
        """The estate's time now."""
        return self.begin + timedelta(seconds=(self.monotonic() - self._zero) * self.speed)

    def change_speed(self, speed: float) -> None:
        """Runs faster or slower from now on."""
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        self.begin, self._zero, self.speed = self.now(), self.monotonic(), speed

    def real_seconds_until(self, at: datetime) -> float:
        """Real seconds from now until the estate's clock shows `at` (0 when it is past)."""
        return max(0.0, (at - self.now()).total_seconds() / self.speed)


def first_moment(now: datetime, kept: datetime | None, speed: float) -> datetime:
    """Where the estate's clock begins.

    In real time (speed 1) it is the time that it is. A faster estate goes on where it stopped; the first time it
    begins now, or, when it is night, with the morning of the coming day: a demo shall not open with an empty house.
    """
    if speed == 1:
        return now
    if kept is not None:
        return kept
    if NIGHT_ENDS <= now.hour < NIGHT_BEGINS:
        return now
    morning = now.replace(hour=NIGHT_ENDS, minute=50, second=0, microsecond=0)
    return morning if now.hour < NIGHT_ENDS else morning + timedelta(days=1)
