"""The box's clock: never behind what it has already seen, and honest when it cannot be trusted.

A box without a battery clock boots in the past. A naive wall clock would then admit a tenant whose lease has ended
(reference/reliability.md 2.5), so the time is the larger of the wall clock and the persisted mark plus monotonic time.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

BEHIND = timedelta(seconds=5)  # a wall clock this far behind the mark is not trusted
SAME_TIME = timedelta(seconds=30)  # a clock this near to the hub's is right
LEAP = timedelta(days=7)  # further ahead while the box runs: believed once the hub or a source of time says the same
AHEAD = timedelta(days=400)  # a box that was off longer than this, or a bogus clock: not trusted, not remembered


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...

    @property
    def trusted(self) -> bool: ...


def _wall() -> datetime:
    return datetime.now(UTC)


class HighWaterClock:
    """`mark` is the last time this box is known to have seen (persisted), or None on a new box."""

    def __init__(
        self,
        mark: datetime | None,
        wall: Callable[[], datetime] = _wall,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self.doubtful: Callable[[], bool] = lambda: False
        self.confirmed: Callable[[], bool] = lambda: False  # whether a source of time keeps the wall clock
        self._base = mark or wall()
        self._base_at = monotonic()
        self._settled_off = 0.0  # what was known at the last settle: a jump is told once
        self._checked = mark is not None
        self._running = False  # since a settle: how much time has gone by is known
        self._agreed: datetime | None = None  # the last time on which hub and wall clock agreed

    def _floor(self) -> datetime:
        return self._base + timedelta(seconds=self._monotonic() - self._base_at)

    def now(self) -> datetime:
        wall, floor = self._wall(), self._floor()
        return max(wall, floor) if self._plausible(wall, floor) else floor

    @property
    def trusted(self) -> bool:
        wall, floor = self._wall(), self._floor()
        return self._plausible(wall, floor) and wall >= floor - BEHIND and not self.doubtful()

    def _plausible(self, wall: datetime, floor: datetime) -> bool:
        if not self._checked or wall <= floor + LEAP:
            return True
        return wall <= floor + AHEAD and (not self._running or self.confirmed())

    def confirm(self, told: datetime) -> bool:
        """The hub says what time it is. Where the wall clock says the same it is right, though it leapt or is behind the mark: a
        wrong clock may have set that ahead, and who may pass until then would stand outside for as long. True where time went
        back, never behind what was agreed on before.
        """
        wall, floor = self._wall(), self._floor()
        if abs(told - wall) > SAME_TIME or (self._agreed and wall < self._agreed):
            return False
        self._agreed = wall
        back = wall < floor - BEHIND
        if back or not self._plausible(wall, floor):
            self._base, self._base_at, self._settled_off = wall, self._monotonic(), 0.0
        return back

    @property
    def jump_s(self) -> float:
        """How far the wall clock went off its course since the last `settle`, in seconds."""
        return self._off_s() - self._settled_off

    def _off_s(self) -> float:
        return (self._wall() - self._floor()).total_seconds()

    def settle(self) -> datetime:
        """Take the present time as the new floor and return it: the mark to persist."""
        self._base = self.now()
        self._base_at = self._monotonic()
        self._checked = self._running = True
        self._settled_off = self._off_s()
        return self._base


TIME_ERROR = 5  # adjtimex(2): the kernel's clock is not synchronised


def synchronised() -> bool:
    """Whether the kernel's clock is disciplined by a time source, as it says itself."""
    return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))) != TIME_ERROR


def has_battery_clock() -> bool:
    return any(Path("/sys/class/rtc").glob("rtc*"))


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(slots=True)
class BootDoubt:
    """After a boot, a machine without a battery clock goes on from the time it last saved: it looks right and is behind.

    `known_boot`: the boot in which the time was last known to be right, None on a new box. Over once a time source is there.
    """

    known_boot: str | None
    boot: Callable[[], str] = boot_id
    battery: Callable[[], bool] = has_battery_clock
    synchronised: Callable[[], bool] = synchronised
    over: bool = False

    def __call__(self) -> bool:
        if not self.over:
            self.over = self.known_boot in (None, self.boot()) or self.battery() or self.synchronised()
        return not self.over


async def wait_event(event: asyncio.Event, timeout_s: float) -> bool:
    """True when the event was set in time. Not `asyncio.wait_for`: in Python 3.11 that can swallow a cancellation."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
