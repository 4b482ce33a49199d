"""Watches whether the hub is there, and says in the journal when this box began to decide alone and for how long it did."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from device_drivers.contract.events import EdgeNote
from edge_agent.authority import Absence, Authority, lasted
from edge_agent.box import Box, read_kept
from edge_agent.clock import synchronised
from edge_agent.connections import Dates, dates_refused, of_dates
from edge_agent.status import ListLine

log = logging.getLogger(__name__)
LOOK_S = 2.0
KEEP_EVERY = timedelta(seconds=60)


class HubWatch:
    """`ask` makes the hub say a word if it is there; `changed` is called when an absence begins or ends."""

    def __init__(
        self,
        box: Box,
        linked: Callable[[], bool],
        ask: Callable[[], None],
        changed: Callable[[], None],
        lists: Callable[[], tuple[ListLine, ...]] = tuple,
        failure: Callable[[], BaseException | None] = lambda: None,
    ) -> None:
        self.box, self.linked, self.ask, self.changed, self.lists = box, linked, ask, changed, lists
        self.failure, self.refused = failure, ""
        self._dates: Dates = ""
        self.authority = Authority(box.clock.now())
        self._kept_at: datetime | None = None
        self._asked_at = box.clock.now()

    async def load(self) -> None:
        kept = await asyncio.to_thread(self.box.state.kept, "hub")
        self.authority.kept = read_kept(kept, Absence, Absence())

    def heard(self) -> None:
        """A message of the hub came, or a list was served."""
        ended = self.authority.heard(self.box.clock.now())
        if ended is None:
            return
        log.warning("the hub is back after %s of offline authority", lasted(ended))
        text = f"中心恢复联系；此前 {lasted(ended)} 由边缘机按签名名单独立判定（自 {self.authority.told[0]:%Y-%m-%d %H:%M} UTC）"
        self._tell("authority_over", text)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            await self.keep()

    def look(self) -> None:
        now, linked = self.box.clock.now(), self.linked()
        self._look_at_dates()
        if self.authority.look(now, linked=linked):
            held = "，".join(
                f"{line.device} 第 {line.generation} 代 {line.issued_at:%Y-%m-%d}" for line in self.lists()
            )
            log.warning("the hub is away: offline authority since %s", self.authority.since)
            self._tell("authority", f"与中心失去联系，门继续按已签名的名单判定：{held or '尚无名单'}")
        if linked and self.authority.should_ask(now) and abs(now - self._asked_at) >= KEEP_EVERY:
            self._asked_at = now
            self.ask()

    def _look_at_dates(self) -> None:
        """A wrong clock ends TLS to the hub until somebody sets it: said here, for the hub cannot be told."""
        dates = dates_refused(self.failure())
        if dates == self._dates:
            return
        wall = datetime.now(UTC)
        self.refused = of_dates(dates, wall, synchronised=synchronised())
        if dates:
            log.warning("%s", self.refused)
            self._tell(
                "hub_dates",
                f"按边缘机时间 {wall:%Y-%m-%d %H:%M} UTC，中心的证书不在有效期内，无法安全连接；请核对边缘机时间",
            )
        elif self._dates:
            self._tell("hub_dates_over", "与中心的安全连接已恢复")
        self._dates = dates

    def _tell(self, what: str, text: str) -> None:
        self._kept_at = None
        self.box.record("", EdgeNote(what, text))
        self.changed()

    async def keep(self) -> None:
        """At once when an absence began or ended, else once a minute: a restart must not forget since when."""
        now = self.box.clock.now()
        if self._kept_at and abs(now - self._kept_at) < KEEP_EVERY:
            return
        self._kept_at = now
        try:
            text = msgspec.json.encode(self.authority.kept).decode()
            await asyncio.to_thread(self.box.state.keep, "hub", text)
        except sqlite3.Error as error:
            log.error("contact with the hub not kept: %s", error)
