"""A device's list made equal to the desired one, and said honestly: confirmed is what was read back afterwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

import msgspec

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import Capabilities, DeviceConfig, DeviceInventory, HeldCredential
from device_drivers.contract.messages import CredentialRefusal
from device_drivers.driver import (
    Applied,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    Driver,
    Operation,
    Remove,
    Upsert,
)
from device_drivers.plan import Plan, RefusedBefore, photo_of, plan, without_photo
from edge_agent.box import Box
from edge_agent.clock import wait_event
from edge_agent.lists import HeldList
from edge_agent.report import ListReport, without
from edge_agent.state import Refusal
from edge_agent.urgent import Removals

log = logging.getLogger(__name__)
PERIOD_S = 300.0
RETRY_S = 30.0  # while something is still pending
REFUSED_SHOWN, PENDING_SHOWN = 200, 50


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
    """`changed` wakes it, also in the middle of a bulk load: a new list must not wait for 5,000 photographs.

    Revocations do not come this way: `removals` works beside it, and what is done here pauses for it.
    """

    def __init__(
        self, config: DeviceConfig, capabilities: Capabilities, box: Box, report: Callable[[ListReport], None]
    ) -> None:
        self.config, self.capabilities, self.box, self.report = config, capabilities, box, report
        self.device = config.device
        self.changed = asyncio.Event()
        self.pending = 0
        self.removals = Removals(config.device, capabilities, self._tell_revoked, self._taken_off)
        self._actual: _Actual | None = None
        self._taken: set[str] = set()  # taken off since the last look at the device began
        self._last: tuple[ListReport, Plan] | None = None  # of the last whole round, while no other is under way
        self._reported_at = 0.0
        self._asked: list[asyncio.Future[None]] = []

    async def run(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Until cancelled; DriverErrors other than refusals end the session."""
        async with asyncio.TaskGroup() as group:
            if self.capabilities.holds_list:
                group.create_task(self.removals.run(driver, busy))
            group.create_task(self._rounds(driver, busy))

    async def _rounds(self, driver: Driver, busy: asyncio.Lock) -> NoReturn:
        while True:
            self.changed.clear()
            await self._answering(driver, busy)
            if self._asked:  # during a bulk load, after its first look at the device
                continue
            await wait_event(self.changed, RETRY_S if self.pending else PERIOD_S)

    async def read_back(self) -> None:
        """A whole round that begins now or after the one in hand, and its report. Raises DeviceUnreachable."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
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

    async def once(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Inventory, plan, apply, read back, report."""
        if not self.capabilities.holds_list:
            self._report_edge()
            await self._forget_revoked()
            return
        self._last = None
        actual = await self._inventory(driver, busy)
        wrote = False
        while (held := self._wanted()) is not None:
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
        await self._forget_refused(held)
        await self._forget_revoked()
        if wrote:
            actual = await self._inventory(driver, busy)
        await self._report_plan(self._without_revoked(held), actual)

    # --- revocations -----------------------------------------------------------------------------------------------
    def _wanted(self) -> HeldList | None:
        held = self.box.lists.current(self.device)
        return self._without_revoked(held) if held else None

    def _without_revoked(self, held: HeldList) -> HeldList:
        """A revoked credential is not wanted, whatever the list says."""
        if not (revoked := self.box.lists.revoked(self.device)):
            return held
        left = tuple(c for c in held.access_list.credentials if c.token not in revoked)
        return replace(held, access_list=msgspec.structs.replace(held.access_list, credentials=left))

    def _tell_revoked(self, tokens: Iterable[str], state: str, text: str) -> None:
        self.box.tell_revoked(self.device, tokens, state, text)

    def _taken_off(self, token: str) -> None:
        """The device was told and took it. What is known of the device, and what was last reported, says so at once."""
        self._taken.add(token)
        if self._actual:
            self._actual.held.pop(token, None)
        self.box.later(self.box.state.end_apply, self.device, {}, (token,), {}, self.box.clock.now())
        if self._last:
            self._last = without(*self._last, token)
            self.report(self._last[0])

    async def _forget_revoked(self) -> None:
        """What no kept list names any more cannot come back."""
        lists = self.box.lists
        past = lists.revoked(self.device) - lists.tokens(self.device) - self.removals.owed.keys()
        if past:
            await asyncio.to_thread(self.box.state.forget_revoked, self.device, past)
            lists.forget_revoked(self.device, past)

    def _report_edge(self) -> None:
        """The edge holds the list and decides; nothing has to be written anywhere."""
        held = self._wanted()
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
        self._taken.clear()
        if not self.capabilities.reads_back:
            # Also what was begun and not answered: it may be there, and must go when nobody wants it.
            self._actual = _Actual({t: f or None for t, f in applied.items()}, frozenset(), None)
            return self._actual
        await self.removals.quiet.wait()
        async with busy:
            inventory = await driver.inventory()
        held: dict[str, str | None] = {h.token: h.fingerprint for h in inventory.held if h.token not in self._taken}
        proved = frozenset(held)
        if not inventory.complete:  # what it did not name may still be there
            for token in (t for t, f in applied.items() if f and t not in held and t not in self._taken):
                held[token] = None
        self._actual = _Actual(held, proved, self.box.clock.now())  # the device's driver may not know of a clock that jumped
        return self._actual

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
            refused={t: RefusedBefore(r.fingerprint, r.photo) for t, r in refused.items()},
        )

    async def _work(self, driver: Driver, busy: asyncio.Lock, held: HeldList, work: Plan, actual: _Actual) -> bool:
        """Removals, then upserts batch by batch. False when a new list came in between: plan again."""
        begun = [u.credential.token for u in work.upserts]
        applied = await asyncio.to_thread(self.box.state.applied, self.device)
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
                    results = await self._apply(driver, busy, batch)
                    refusals = 0
                    await self._settle(results, actual)
                    if rest := self._without_photos(results, held.access_list, actual, applied):
                        await self._settle(await self._apply(driver, busy, rest), actual)
                except DeviceRefused as error:
                    log.warning("device %s refused a batch of %d: %s", self.device, len(batch), error)
                    refusals += 1
                    if refusals >= 3:
                        return True  # what is missing shows in the read-back
                    continue
                left -= len(batch)
                await self._report_progress(held, work, left)
        return True

    async def _apply(self, driver: Driver, busy: asyncio.Lock, batch: Sequence[Operation]) -> tuple[Applied, ...]:
        """One batch, after what is urgent, and without what was revoked since it was planned."""
        await self.removals.quiet.wait()
        async with busy:
            revoked = self.box.lists.revoked(self.device)
            owed = self.removals.owed
            left = tuple(
                o
                for o in batch
                if (o.token not in owed if isinstance(o, Remove) else o.credential.token not in revoked)
            )
            self.removals.in_hand = frozenset(o.credential.token for o in left if isinstance(o, Upsert))
            try:
                return await driver.apply(left) if left else ()
            finally:
                self.removals.in_hand = frozenset()

    def _without_photos(
        self, results: Sequence[Applied], wanted: AccessList, actual: _Actual, applied: Mapping[str, str]
    ) -> tuple[Operation, ...]:
        """Cards of those whose photo was refused, at once: nobody stands outside because of a picture."""
        found: list[Operation] = []
        for result in results:
            operation = result.operation
            if not isinstance(operation, Upsert) or operation.partial or not (result.error and result.error.of_photo):
                continue
            rest = without_photo(operation.credential, wanted, self.capabilities)
            token = operation.credential.token
            if rest and not (token in actual.held and applied.get(token) == rest.fingerprint):
                found.append(rest)
        return tuple(found)

    async def _settle(self, results: Sequence[Applied], actual: _Actual) -> None:
        state, now = self.box.state, self.box.clock.now()
        written: dict[str, Upsert] = {}
        removed: list[str] = []
        refused: dict[str, Refusal] = {}
        before: dict[str, Refusal] = {}
        if any(isinstance(r.operation, Upsert) and r.operation.partial and r.error for r in results):
            before = await asyncio.to_thread(state.refused, self.device, now)
        for result in results:
            match result:
                case Applied(Upsert() as op, None):
                    written[op.credential.token] = op
                case Applied(Remove() as op, None):
                    removed.append(op.token)
                case Applied(Upsert() as op, error) if error and not error.retry:
                    refused[op.credential.token] = _remember(op, error, before.get(op.credential.token))
                case Applied(_, error):
                    log.warning("device %s: %s, will be tried again", self.device, error)
        actual.held |= dict.fromkeys(written)
        for token in removed:
            actual.held.pop(token, None)
        fingerprints = {t: op.fingerprint for t, op in written.items()}
        partial = {t for t, op in written.items() if op.partial}
        await asyncio.to_thread(state.end_apply, self.device, fingerprints, removed, refused, now, partial)

    async def _report_progress(self, held: HeldList, work: Plan, left: int) -> None:
        """What was planned is confirmed, still waits, or is refused; what was written since shows with the read-back."""
        if time.monotonic() - self._reported_at < 1.0:
            return
        self._reported_at = time.monotonic()
        self.report(
            ListReport(
                held.access_list.generation,
                held.digest,
                wanted=sum(not c.blocked for c in held.access_list.credentials),
                confirmed=len(work.confirmed) + len(work.at_edge),
                assumed=len(work.assumed),
                pending=left + max(0, len(work.skipped) - REFUSED_SHOWN),
                foreign=len(work.foreign),
                refused=await self._refusals(work),
            )
        )

    async def _report_plan(self, held: HeldList, actual: _Actual) -> None:
        final = await self._plan(held, actual)
        todo = [r.token for r in final.removals] + [u.credential.token for u in final.upserts]
        proved = {t.casefold() for t in actual.proved}  # terminals may change the case of the ids they keep
        confirmed = sum(t.casefold() in proved for t in final.confirmed)
        self.pending = len(todo) if self.config.in_service else 0
        # A refusal that does not fit into the message must not look held.
        unsaid = max(0, len(final.skipped) - REFUSED_SHOWN)
        report = ListReport(
            held.access_list.generation,
            held.digest,
            wanted=sum(not c.blocked for c in held.access_list.credentials),
            confirmed=confirmed + len(final.at_edge),
            assumed=len(final.assumed) + len(final.confirmed) - confirmed,
            pending=len(todo) + unsaid,
            foreign=len(final.foreign),
            refused=await self._refusals(final),
            pending_tokens=tuple(todo[:PENDING_SHOWN]),
            read_back_at=actual.read_at,
        )
        for token in self._taken:  # also while this was worked out
            report, final = without(report, final, token)
        self._last = report, final
        self.report(report)

    async def _refusals(self, work: Plan) -> tuple[CredentialRefusal, ...]:
        refused = await asyncio.to_thread(self.box.state.refused, self.device, self.box.clock.now())
        partial = set(work.partial)
        return tuple(_refusal(t, why, refused.get(t), partial=t in partial) for t, why in work.skipped[:REFUSED_SHOWN])

    async def _forget_refused(self, held: HeldList) -> None:
        """Of credentials that nobody wants any more: the file must not grow."""
        refused = await asyncio.to_thread(self.box.state.refused, self.device, self.box.clock.now())
        if stale := refused.keys() - {c.token for c in held.access_list.credentials}:
            await asyncio.to_thread(self.box.state.forget_refused, self.device, stale)


def _remember(operation: Upsert, error: CredentialRefused, before: Refusal | None) -> Refusal:
    """A refused photo is remembered by its digest, also when the rest is refused after it."""
    if not operation.partial:
        photo = photo_of(operation.credential) if error.of_photo else ""
        return Refusal(operation.fingerprint, error.code, error.text, photo)
    if before is None:
        return Refusal(operation.fingerprint, error.code, error.text)
    # A device that takes nobody without a photo says so; the clerk needs to know what was wrong with the photo.
    code, text = (before.code, before.text) if error.of_photo else (error.code, error.text)
    return Refusal(operation.fingerprint, code, text, before.photo)


def _refusal(token: str, why: str, refusal: Refusal | None, *, partial: bool = False) -> CredentialRefusal:
    if refusal is None:
        return CredentialRefusal(token, "unsupported", why)
    return CredentialRefusal(token, refusal.code, refusal.text, partial)
