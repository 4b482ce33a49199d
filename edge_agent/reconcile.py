"""A device's list made equal to the desired one, and said honestly: confirmed is what was read back afterwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from device_drivers.contract.device import Capabilities, DeviceConfig, DeviceInventory, HeldCredential
from device_drivers.contract.messages import CredentialRefusal
from device_drivers.driver import Applied, DeviceRefused, Driver, Operation, Remove, Upsert
from device_drivers.plan import Plan, plan
from edge_agent.box import Box
from edge_agent.clock import wait_event
from edge_agent.lists import HeldList
from edge_agent.state import Refusal

log = logging.getLogger(__name__)
PERIOD_S = 300.0
RETRY_S = 30.0  # while something is still pending
REFUSED_SHOWN, PENDING_SHOWN = 200, 50


class ListReport(msgspec.Struct, frozen=True):
    """The list's part of a `DeviceReported`."""

    generation: int = 0
    digest: str = ""
    wanted: int = 0
    confirmed: int = 0
    assumed: int = 0
    pending: int = 0
    foreign: int = 0
    refused: tuple[CredentialRefusal, ...] = ()
    pending_tokens: tuple[str, ...] = ()
    decided_at_edge: bool = False
    read_back_at: datetime | None = None


@dataclass(slots=True)
class _Actual:
    """What the device holds as far as we know: `proved` was read from it, the rest is what it said yes to."""

    held: dict[str, str | None]
    proved: frozenset[str]
    read_at: datetime | None

    def inventory(self, now: datetime) -> DeviceInventory:
        held = tuple(HeldCredential(t, f) for t, f in self.held.items())
        return DeviceInventory(held, self.read_at or now)


class Reconciler:
    """`changed` wakes it, also in the middle of a bulk load: a revocation must not wait for 5,000 photographs."""

    def __init__(
        self, config: DeviceConfig, capabilities: Capabilities, box: Box, report: Callable[[ListReport], None]
    ) -> None:
        self.config, self.capabilities, self.box, self.report = config, capabilities, box, report
        self.device = config.device
        self.changed = asyncio.Event()
        self.pending = 0
        self._reported_at = 0.0

    async def run(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Until cancelled; DriverErrors other than refusals end the session."""
        while True:
            self.changed.clear()
            await self.once(driver, busy)
            await wait_event(self.changed, RETRY_S if self.pending else PERIOD_S)

    async def once(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Inventory, plan, apply, read back, report."""
        if not self.capabilities.holds_list:
            self._report_edge()
            return
        actual = await self._inventory(driver, busy)
        wrote = False
        while (held := self.box.lists.current(self.device)) is not None:
            self.changed.clear()
            work = await self._plan(held, actual)
            if work.in_step or not self.config.in_service:
                break
            wrote = True
            if await self._work(driver, busy, held, work, actual):
                break
        if held is None:
            self.pending = 0
            self.report(ListReport(foreign=len(actual.held), read_back_at=actual.read_at))
            return
        if wrote:
            actual = await self._inventory(driver, busy)
        await self._report_plan(held, actual)

    def _report_edge(self) -> None:
        """The edge holds the list and decides; nothing has to be written anywhere."""
        held = self.box.lists.current(self.device)
        if held is None:
            self.report(ListReport(decided_at_edge=self.capabilities.cards))  # a camera or a meter decides nothing
            return
        count = sum(not c.blocked for c in held.access_list.credentials)
        self.report(
            ListReport(
                held.access_list.generation,
                held.digest,
                wanted=count,
                confirmed=count,
                decided_at_edge=True,
                read_back_at=self.box.clock.now(),
            )
        )

    async def _inventory(self, driver: Driver, busy: asyncio.Lock) -> _Actual:
        applied = await asyncio.to_thread(self.box.state.applied, self.device)
        if not self.capabilities.reads_back:
            return _Actual({t: f for t, f in applied.items() if f}, frozenset(), None)
        async with busy:
            inventory = await driver.inventory()
        held: dict[str, str | None] = {h.token: h.fingerprint for h in inventory.held}
        proved = frozenset(held)
        if not inventory.complete:  # what it did not name may still be there
            for token in (t for t, f in applied.items() if f and t not in held):
                held[token] = None
        return _Actual(held, proved, inventory.read_at)

    async def _plan(self, held: HeldList, actual: _Actual) -> Plan:
        now, state = self.box.clock.now(), self.box.state
        applied = await asyncio.to_thread(state.applied, self.device)
        refused = await asyncio.to_thread(state.refused, self.device, now)
        # Tokens of our last lists are ours even if this box forgot having written them.
        ours = dict.fromkeys(self.box.lists.tokens(self.device), "") | applied
        return await asyncio.to_thread(
            plan,
            held.access_list,
            actual.inventory(now),
            ours,
            self.capabilities,
            remove_foreign=self.config.remove_foreign,
            refused={t: r.fingerprint for t, r in refused.items()},
        )

    async def _work(self, driver: Driver, busy: asyncio.Lock, held: HeldList, work: Plan, actual: _Actual) -> bool:
        """Removals, then upserts batch by batch. False when a new list came in between: plan again."""
        begun = [u.credential.token for u in work.upserts]
        await asyncio.to_thread(self.box.state.begin_apply, self.device, begun)
        size = max(1, self.capabilities.batch)
        left = len(work.removals) + len(work.upserts)
        refusals = 0
        for kind in (work.removals, work.upserts):
            for start in range(0, len(kind), size):
                if kind is work.upserts and self.changed.is_set():
                    return False
                batch: Sequence[Operation] = kind[start : start + size]
                try:
                    async with busy:
                        results = await driver.apply(tuple(batch))
                    refusals = 0
                except DeviceRefused as error:
                    log.warning("device %s refused a batch of %d: %s", self.device, len(batch), error)
                    refusals += 1
                    if refusals >= 3:
                        return True  # what is missing shows in the read-back
                    continue
                await self._settle(results, actual)
                left -= len(batch)
                self._report_progress(held, work, left)
        return True

    async def _settle(self, results: Sequence[Applied], actual: _Actual) -> None:
        written: dict[str, str] = {}
        removed: list[str] = []
        refused: dict[str, Refusal] = {}
        for result in results:
            match result:
                case Applied(Upsert() as op, None):
                    written[op.credential.token] = op.fingerprint
                case Applied(Remove() as op, None):
                    removed.append(op.token)
                case Applied(Upsert() as op, error) if error and not error.retry:
                    refused[op.credential.token] = Refusal(op.fingerprint, error.code, error.text)
                case Applied(_, error):
                    log.warning("device %s: %s, will be tried again", self.device, error)
        actual.held |= dict.fromkeys(written)
        for token in removed:
            actual.held.pop(token, None)
        await asyncio.to_thread(self.box.state.end_apply, self.device, written, removed, refused, self.box.clock.now())

    def _report_progress(self, held: HeldList, work: Plan, left: int) -> None:
        if time.monotonic() - self._reported_at < 1.0:
            return
        self._reported_at = time.monotonic()
        self.report(
            ListReport(
                held.access_list.generation,
                held.digest,
                wanted=sum(not c.blocked for c in held.access_list.credentials),
                confirmed=len(work.confirmed),
                assumed=len(work.assumed),
                pending=left,
                foreign=len(work.foreign),
            )
        )

    async def _report_plan(self, held: HeldList, actual: _Actual) -> None:
        final = await self._plan(held, actual)
        refused = await asyncio.to_thread(self.box.state.refused, self.device, self.box.clock.now())
        todo = [r.token for r in final.removals] + [u.credential.token for u in final.upserts]
        confirmed = sum(t in actual.proved for t in final.confirmed)
        self.pending = len(todo) if self.config.in_service else 0
        self.report(
            ListReport(
                held.access_list.generation,
                held.digest,
                wanted=sum(not c.blocked for c in held.access_list.credentials),
                confirmed=confirmed,
                assumed=len(final.assumed) + len(final.confirmed) - confirmed,
                pending=len(todo),
                foreign=len(final.foreign),
                refused=tuple(_refusal(t, why, refused.get(t)) for t, why in final.skipped[:REFUSED_SHOWN]),
                pending_tokens=tuple(todo[:PENDING_SHOWN]),
                read_back_at=actual.read_at,
            )
        )


def _refusal(token: str, why: str, refusal: Refusal | None) -> CredentialRefusal:
    return (
        CredentialRefusal(token, refusal.code, refusal.text)
        if refusal
        else CredentialRefusal(token, "unsupported", why)
    )
