"""What a box does for itself every few seconds and hours: marks what it observed until now, watches its clock, throws away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from device_drivers.contract.events import EdgeNote
from edge_agent.box import Box
from edge_agent.clock import HighWaterClock, boot_id
from edge_agent.photos import expire
from edge_agent.state import Mark

log = logging.getLogger(__name__)
MARK_S = 10.0
FIRST_PRUNE_S, PRUNE_S = 60.0, 3_600.0
JUMP_S = 10.0


class Upkeep:
    """`observed`: until when each device was observed. `moved` is told what the hub and the box's own page should know."""

    def __init__(
        self,
        box: Box,
        clock: HighWaterClock,
        photos: Path,
        observed: Callable[[], dict[str, Mark]],
        moved: Callable[[], None],
        alive: Callable[[], None],
    ) -> None:
        self.box, self.clock, self.photos = box, clock, photos
        self._observed, self._moved, self._alive = observed, moved, alive
        self._trusted = True
        self._volatile = False

    async def mark(self) -> None:
        while True:
            await asyncio.sleep(MARK_S)
            self._alive()
            self.tell_damage()
            await self.look_at_clock()  # before: between looking for a jump and settling nothing may wait
            if abs(jump := self.clock.jump_s) > JUMP_S:
                log.warning("the clock jumped by %+.0f s", jump)
                self.box.record("", EdgeNote("clock_jump", f"{jump:+.0f} s"))
                self._moved()
            await self.mark_once()

    async def look_at_clock(self) -> None:
        """Said when it begins and when it is over; the boot is remembered only while the time is right."""
        trusted = self.clock.trusted
        if trusted:
            with contextlib.suppress(sqlite3.Error):
                await asyncio.to_thread(self.box.state.keep, "boot", boot_id())
        if trusted is self._trusted:
            return
        self._trusted = trusted
        if trusted:
            self.box.record("", EdgeNote("clock_sure", "时间已可信，访客等限时凭证恢复正常判定"))
        else:
            log.warning("the clock cannot be trusted: residents pass, others wait")
            self.box.record(
                "", EdgeNote("clock_unsure", "边缘机时间不可信（重启后未对时）：居民照常通行，访客等限时凭证暂不放行")
            )
        self._moved()

    def tell_damage(self) -> None:
        """Once for each file that was set aside, and when the disk takes nothing and again something."""
        while self.box.state.set_aside:
            aside = self.box.state.set_aside.pop(0)
            self.box.record("", EdgeNote("gap", f"state was damaged, set aside as {aside.name}"))
        if self.box.state.volatile is not self._volatile:
            self._volatile = self.box.state.volatile
            if self._volatile:
                self.box.record(
                    "", EdgeNote("disk", "边缘机的磁盘不能写入：门照常，记录和命令暂存内存，断电即失；请检查磁盘")
                )
            else:
                self.box.record("", EdgeNote("disk", "边缘机的磁盘恢复写入，暂存的内容已写入"))
            self._moved()

    async def mark_once(self) -> None:
        try:
            await asyncio.to_thread(self.box.state.set_marks, self._observed(), self.clock.settle())
        except sqlite3.Error as error:
            log.error("marks not kept: %s", error)

    async def prune(self) -> None:
        await asyncio.sleep(FIRST_PRUNE_S)
        while True:
            try:
                await self.box.journal.prune(self.clock.now())
                await asyncio.to_thread(expire, self.photos)
            except (sqlite3.Error, OSError) as error:
                log.error("clean-up failed: %s", error)
            await asyncio.sleep(PRUNE_S)
