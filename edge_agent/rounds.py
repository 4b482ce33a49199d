"""When a device's list is looked at: as it changes, as something begins or ends by itself, on a period, when somebody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NoReturn

from device_drivers.driver import DeviceUnreachable, Driver
from edge_agent.box import Box
from edge_agent.clock import wait_event

RETRY_S = 30.0  # while something is still pending
LOOK_APART_S = 5.0  # a device at which entries change all the time is looked into no more often
CLOCK_S = 1.0  # how often the clock is looked at for what begins or ends by itself: it may have been set


class Rounds:
    """`once` is one round of the work. It says in `pending` how much is left, and in `next_at` when something begins or ends by
    itself; `thorough`: the next look goes into what each entry says.
    """

    def __init__(self, box: Box, once: Callable[[Driver, asyncio.Lock], Awaitable[None]]) -> None:
        self.box, self.once = box, once
        self.changed = asyncio.Event()
        self.pending = 0
        self.next_at: datetime | None = None
        self.thorough = True
        self._touched, self._looked_at = False, float("-inf")
        self._asked: list[asyncio.Future[None]] = []

    async def run(self, driver: Driver, busy: asyncio.Lock) -> NoReturn:
        while True:
            self.changed.clear()
            await self._answering(driver, busy)
            if self._asked:  # during a bulk load, after its first look at the device
                continue
            await self._rest()

    async def _rest(self) -> None:
        """Until the list changes, something begins or ends by itself, or it is time to look again."""
        due = time.monotonic() + (RETRY_S if self.pending else self.box.policy.read_back_s)
        while not self.changed.is_set():
            if (left := due - time.monotonic()) <= 0:
                self.thorough = self.thorough or not self.pending
                return
            if self._touched and time.monotonic() - self._looked_at >= LOOK_APART_S:
                self._touched, self._looked_at = False, time.monotonic()
                self.thorough = True
                return
            if self.next_at:
                ahead = (self.next_at - self.box.clock.now()).total_seconds()
                if ahead <= 0:
                    return
                left = min(left, ahead)
            await wait_event(self.changed, max(0.01, min(left, CLOCK_S)))

    def look(self) -> None:
        """Somebody touched the list at the device: looked into within a second, and no more often than that is worth."""
        self._touched = True

    async def read_back(self) -> None:
        """A whole round that begins now or after the one in hand, and its report. Raises DeviceUnreachable."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self.thorough = True
        self.changed.set()
        await asked

    async def _answering(self, driver: Driver, busy: asyncio.Lock) -> None:
        asked, self._asked = self._asked, []
        try:
            await self.once(driver, busy)
            for one in asked:
                if not one.done():
                    one.set_result(None)
        finally:
            for one in asked:
                if not one.done():
                    one.set_exception(DeviceUnreachable("the link was lost during the read-back"))
