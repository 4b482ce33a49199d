"""What a device's relays are told to hold, open or shut: on disk before it is sent, and whether the device said yes.

What holds a relay is sent again until the device says yes: it is no pulse, repeating it does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Collection

import msgspec

from device_drivers.contract.words import CommandKind, CommandOutcome, DoorMode
from device_drivers.driver import CommandRequest, DeviceRefused, DeviceUnreachable, Driver
from edge_agent.box import Box, read_kept

log = logging.getLogger(__name__)
COMMAND_S = 10.0
Answer = tuple[CommandOutcome, str]
SHUT = {DoorMode.LOCKED_DOWN: CommandKind.LOCK_DOWN, DoorMode.BLOCKED: CommandKind.BLOCK}
SHUTS = frozenset(SHUT.values())


class Relays:
    """Of one device, by the names it has for its doors."""

    def __init__(self, device: str, box: Box) -> None:
        self.device, self.box = device, box
        self.latched: set[str] = set()  # points whose relay is, or may be, held open; on disk before it is sent
        self.sure: set[str] = set()  # of those, which said yes on this connection
        self.shut: set[str] = set()  # points locked down or blocked at the device itself; on disk before it is sent
        self.shut_sure: dict[str, DoorMode] = {}  # which of them said yes on this connection

    async def load(self, points: Collection[str]) -> None:
        latched = await asyncio.to_thread(self.box.state.kept, f"latched:{self.device}")
        # A box that knows nothing of its relays (a new disk) switches them off once.
        self.latched = set(read_kept(latched, list[str], list(points)))
        shut = await asyncio.to_thread(self.box.state.kept, f"shut:{self.device}")
        self.shut = set(read_kept(shut, list[str], []))

    def connected(self) -> None:
        """Anew: nothing is sure."""
        self.sure.clear()
        self.shut_sure.clear()

    async def shut_now(self, driver: Driver, point: str, mode: DoorMode) -> Answer:
        if point not in self.shut:
            self.shut.add(point)
            await self._keep_set("shut", self.shut)
        answer = await self.order(driver, SHUT[mode], point)
        if answer[0] is CommandOutcome.DONE:
            self.shut_sure[point] = mode
        return answer

    async def release_shut(self, driver: Driver, point: str) -> CommandOutcome:
        self.shut_sure.pop(point, None)
        outcome, _ = await self.order(driver, CommandKind.RELEASE, point)
        if outcome in (CommandOutcome.DONE, CommandOutcome.UNSUPPORTED):
            self.shut.discard(point)
            await self._keep_set("shut", self.shut)
        return outcome

    async def hold(self, driver: Driver, point: str) -> Answer:
        if point not in self.latched:
            self.latched.add(point)
            await self._keep_latched()
        outcome, text = await self.order(driver, CommandKind.LOCK_OPEN, point)
        if outcome is CommandOutcome.DONE:
            self.sure.add(point)
        elif outcome in (CommandOutcome.UNSUPPORTED, CommandOutcome.REFUSED):
            self.latched.discard(point)
            await self._keep_latched()
        return outcome, text

    async def let_go(self, driver: Driver, point: str) -> Answer:
        self.sure.discard(point)
        outcome, text = await self.order(driver, CommandKind.RELEASE, point)
        if outcome in (CommandOutcome.DONE, CommandOutcome.UNSUPPORTED):
            self.latched.discard(point)
            await self._keep_latched()
        return outcome, text

    async def order(self, driver: Driver, kind: CommandKind, point: str, text: str = "") -> Answer:
        try:
            async with asyncio.timeout(COMMAND_S):
                return await driver.command(CommandRequest(kind, point, text=text))
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        except DeviceRefused as error:
            return CommandOutcome.REFUSED, str(error)
        except TimeoutError:
            return CommandOutcome.UNCERTAIN, f"设备 {COMMAND_S:.0f} 秒内未应答，是否已执行无法确认"

    async def _keep_latched(self) -> None:
        await self._keep_set("latched", self.latched)

    async def _keep_set(self, name: str, points: set[str]) -> None:
        await self.keep(f"{name}:{self.device}", msgspec.json.encode(sorted(points)).decode())

    async def keep(self, key: str, value: str) -> str:
        try:
            await asyncio.to_thread(self.box.state.keep, key, value)
        except sqlite3.Error as error:  # a full disk must not keep a door shut or open
            log.error("device %s: %s not kept: %s", self.device, key, error)
            return "（边缘机磁盘已满，重启后不保留）"
        return ""
