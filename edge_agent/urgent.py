"""Of one device: revoked credentials are taken off ahead of everything else, and each is looked for afterwards.

Also in the middle of a bulk load: what is written or read meanwhile pauses at its next batch or page.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import NoReturn

from device_drivers.contract.device import Capabilities
from device_drivers.driver import Applied, DeviceRefused, DeviceUnreachable, Driver, Remove, RevokesSingly
from edge_agent.clock import wait_event

log = logging.getLogger(__name__)
RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
SINGLY = 50  # more at once are removed and read back together

Tell = Callable[[Iterable[str], str, str], None]


class Removals:
    """`tell(tokens, state, text)` answers the hub; `taken_off(token)` says that it does not open any more."""

    def __init__(self, device: str, capabilities: Capabilities, tell: Tell, taken_off: Callable[[str], object]) -> None:
        self.device, self.capabilities, self.tell, self.taken_off = device, capabilities, tell, taken_off
        self.owed: dict[str, str] = {}  # token -> the last text about why it still waits
        self.in_hand: frozenset[str] = frozenset()  # being written in this moment
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._wake = asyncio.Event()
        self._connected = False

    def add(self, tokens: Iterable[str]) -> None:
        """From now on. Where the edge decides, that was all: it knows them no more."""
        tokens = list(tokens)
        if not self.capabilities.holds_list:
            for token in tokens:
                self.taken_off(token)
            self.tell(tokens, "gone", "")
            return
        for token in tokens:
            self.owed.setdefault(token, "")
        self.quiet.clear()
        self._wake.set()
        if not self._connected:
            self.quiet.set()
            self._wait("设备离线，恢复连接后立即删除")

    async def run(self, driver: Driver, busy: asyncio.Lock) -> NoReturn:
        """While connected. Raises DeviceUnreachable."""
        self._connected, failures = True, 0
        try:
            while True:
                self._wake.clear()
                if self.owed:
                    await self._round(driver, busy)
                failures = failures + 1 if self.owed else 0
                self.quiet.set()
                await wait_event(self._wake, RETRY_S[min(failures, len(RETRY_S)) - 1] if failures else 3600.0)
                self.quiet.clear()
        except DeviceUnreachable as error:
            self._wait(f"设备无应答，恢复连接后立即删除：{error}")
            raise
        finally:
            self._connected = False
            self.quiet.set()

    async def _round(self, driver: Driver, busy: asyncio.Lock) -> None:
        self.quiet.clear()
        try:
            if isinstance(driver, RevokesSingly) and len(self.owed) <= SINGLY:
                for token in list(self.owed):
                    await self._one(driver, busy, token)
            else:
                await self._together(driver, busy)
        except DeviceRefused as error:
            log.warning("device %s: revocations: %s", self.device, error)
            self._wait(f"设备暂不接受删除，正在重试：{error}")

    async def _one(self, driver: RevokesSingly, busy: asyncio.Lock, token: str) -> None:
        if token in self.in_hand:
            async with busy:  # its write is over then, and no later batch has it
                pass
        result = await driver.revoke(token)
        try:
            held = await driver.holds(token)
        except DeviceRefused as error:
            log.info("device %s cannot be asked for one credential (%s): its whole list is read", self.device, error)
            await self._look((token,), {token: result}, driver, busy)  # type: ignore[arg-type]
            return
        self._settle(token, result, held)

    async def _together(self, driver: Driver, busy: asyncio.Lock) -> None:
        tokens, done = tuple(self.owed), dict[str, Applied]()
        size = max(1, self.capabilities.batch)
        for start in range(0, len(tokens), size):
            chunk = tuple(Remove(t) for t in tokens[start : start + size])
            async with busy:
                done |= {r.operation.token: r for r in await driver.apply(chunk) if isinstance(r.operation, Remove)}
        await self._look(tokens, done, driver, busy)

    async def _look(self, tokens: Iterable[str], done: dict[str, Applied], driver: Driver, busy: asyncio.Lock) -> None:
        if not self.capabilities.reads_back:
            for token in tokens:
                self._settle(token, done[token], None)
            return
        async with busy:
            inventory = await driver.inventory()
        held = {h.token.casefold() for h in inventory.held}
        for token in tokens:
            there = token.casefold() in held
            self._settle(token, done[token], there if there or inventory.complete else None)

    def _settle(self, token: str, result: Applied, held: bool | None) -> None:
        """`held`: as read back afterwards; None when that cannot be known."""
        if held is False:
            self._done(token, "gone")
        elif result.error:
            self._wait(f"设备拒绝删除，正在重试：{result.error.text or result.error.code}", token)
        elif held is None:
            self._done(token, "assumed")
        else:
            self._wait("已发出删除，但读回时设备上仍有，正在重试", token)

    def _done(self, token: str, state: str) -> None:
        self.owed.pop(token, None)
        self.taken_off(token)
        self.tell((token,), state, "" if state == "gone" else "设备已接受删除，但无法读回核对")

    def _wait(self, text: str, *tokens: str) -> None:
        """Say why it still waits, once for each reason."""
        news = [t for t in tokens or self.owed if self.owed.get(t) not in (None, text)]
        self.owed |= dict.fromkeys(news, text)
        if news:
            self.tell(news, "pending", text)
