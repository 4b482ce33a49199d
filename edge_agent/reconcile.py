"""A device's list made equal to the desired one, and said honestly: confirmed is what was read back afterwards."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import msgspec

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import Capabilities, DeviceConfig
from device_drivers.contract.messages import CredentialRefusal
from device_drivers.driver import (
    Applied,
    DeviceRefused,
    Driver,
    Operation,
    ReadsContents,
    Upsert,
)
from device_drivers.plan import Parts, Plan, RefusedBefore, parts_of, plan
from device_drivers.valid import in_force, next_change, over_at
from edge_agent import refusals
from edge_agent.batch import needs_before, ready, settled, without_refused
from edge_agent.box import Box
from edge_agent.contents import differing
from edge_agent.drift import Drift
from edge_agent.heavy import heavy
from edge_agent.held_list import HeldList
from edge_agent.pace import Pace
from edge_agent.report import REFUSED_SHOWN, ListReport, progress, waiting, whole, with_ended, without
from edge_agent.rounds import Rounds
from edge_agent.seen import OTHER, Seen, emptied, off, read, stale, unread
from edge_agent.state import Refusal
from edge_agent.urgent import Removals

log = logging.getLogger(__name__)
REFUSED_IN_A_ROW = 3
PROGRESS_S = 2.0  # fifty devices that are being loaded tell how far they are: it must not be what the hub is busy with


class Reconciler:
    """`changed` wakes it, also in the middle of a bulk load: a new list must not wait for 5,000 photographs.

    Revocations do not come this way: `removals` works beside it, and what is done here pauses for it.
    """

    def __init__(
        self, config: DeviceConfig, capabilities: Capabilities, box: Box, report: Callable[[ListReport], None]
    ) -> None:
        self.config, self.capabilities, self.box, self.report = config, capabilities, box, report
        self.device = config.device
        self.rounds = Rounds(box, self.once)
        self.changed, self.read_back = self.rounds.changed, self.rounds.read_back
        self.removals = Removals(config.device, capabilities, self._tell_revoked, self._taken_off)
        self.drift = Drift(config.device, box.state)
        self.pace = Pace(capabilities.batch)
        self._parts: tuple[HeldList, Parts] | None = None
        self._seen: Seen | None = None
        self._taken: set[str] = set()  # taken off since the last look at the device began
        self._last: tuple[ListReport, Plan] | None = None  # of the last whole round, while no other is under way
        self._otherwise: set[str] = set()  # entries that said something else when last looked into
        self._rewritten: set[str] = set()  # of them, written anew since
        self._reported_at = 0.0
        self._stood: int | None = None  # entries in the device, as far as this box knows
        self._emptied = False  # nothing of ours stood in it at the last look

    # --- when ------------------------------------------------------------------------------------------------------
    async def run(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Until cancelled; DriverErrors other than refusals end the session."""
        self.rounds.thorough = True
        async with asyncio.TaskGroup() as group:
            if self.capabilities.holds_list:
                group.create_task(self.removals.run(driver, busy))
            group.create_task(self.rounds.run(driver, busy))

    # --- a round ---------------------------------------------------------------------------------------------------
    async def once(self, driver: Driver, busy: asyncio.Lock) -> None:
        """Look, plan, apply, read back, report."""
        if not self.capabilities.holds_list:
            self._report_edge()
            await self._forget_revoked()
            return
        self._last = None
        seen = await self._look(driver, busy)
        wrote = False
        while (held := self._list()) is not None:
            self.changed.clear()
            work = await self._plan(held, seen)
            if not wrote:
                self._notice(held, work, seen)
            if work.in_step or not self.config.in_service:
                break
            wrote = True
            if await self._work(driver, busy, held, work, seen):
                break
        if held is None:
            self.rounds.pending = 0
            self.report(self._heading(None, 0, seen.read_at, foreign=len(seen.held)))
            return
        if wrote:
            self.rounds.thorough = self.rounds.thorough or bool(self._rewritten)
            seen = await self._look(driver, busy)
            work = await self._plan(held, seen)
        await self._forget(held, work, seen)
        await self._finish(held, work, seen)

    def _list(self) -> HeldList | None:
        """A list that is behind what this box once took would bring back who is gone: it is written nowhere."""
        held = self.box.lists.current(self.device)
        return None if held and held.behind else held

    async def _look(self, driver: Driver, busy: asyncio.Lock) -> Seen:
        applied = await asyncio.to_thread(self.box.state.applied, self.device)
        self._taken.clear()
        if not self.capabilities.reads_back:
            self._seen = unread(applied)
            return self._seen
        await self.removals.quiet.wait()
        async with busy:
            inventory = await driver.inventory()
        seen = read(inventory, applied, self._taken, await asyncio.to_thread(self.box.state.once, self.device))
        seen.read_at = self.box.clock.now()  # of one clock with everything else that is reported
        before, self._emptied = self._emptied, emptied(seen)
        if self._emptied and not before:
            await asyncio.to_thread(self.box.state.forget_refusals, self.device)
        if self.rounds.thorough and isinstance(driver, ReadsContents):
            await self._look_into(driver, busy, seen)
        self.rounds.thorough = False
        if self._stood is None or len(inventory.held) < self._stood:
            await asyncio.to_thread(self.box.state.room_again, self.device)
        self._stood = len(inventory.held)
        # What is known to say something else is not confirmed by its mere presence.
        seen.held |= dict.fromkeys(self._otherwise & seen.held.keys(), OTHER)
        self._seen = seen
        return seen

    async def _look_into(self, driver: ReadsContents, busy: asyncio.Lock, seen: Seen) -> None:
        """What each entry says. One that says something else again after it was written anew is refused, with the reason."""
        written = await asyncio.to_thread(self.box.state.contents, self.device)
        self._otherwise = await differing(self.device, driver, written, self.removals.quiet, busy)
        if again := self._otherwise & self._rewritten & seen.applied.keys():
            stubborn = {t: Refusal(seen.applied[t], "reads_back_otherwise", "") for t in again}
            now = self.box.clock.now()
            await asyncio.to_thread(self.box.state.end_apply, self.device, {}, (), stubborn, now)
        self._rewritten.clear()

    def _notice(self, held: HeldList, work: Plan, seen: Seen) -> None:
        """Drift, before anything is mended."""
        if self.capabilities.reads_back and self.config.in_service:
            wanted = work.wanted
            parts = self._parts[1].by_token if self._parts else {}
            ours = self.box.lists.tokens(self.device) | seen.once
            self.drift.see(off(seen, parts, ours, wanted, self.box.clock.now()) - self.removals.owed.keys())

    async def _plan(self, held: HeldList, seen: Seen) -> Plan:
        now, state = self.box.clock.now(), self.box.state
        refused = await asyncio.to_thread(state.refused, self.device, now)
        before = {t: refusals.before(r) for t, r in refused.items()}
        # A copy: a revocation may take somebody off while the thread plans.
        return await heavy(
            self._plan_now, held, replace(seen, held=dict(seen.held), applied=dict(seen.applied)), before, now
        )

    def _plan_now(self, held: HeldList, seen: Seen, refused: dict[str, RefusedBefore], now: datetime) -> Plan:
        # Tokens of our last lists are ours even if this box forgot having written them; so is what it took off, should a
        # terminal that was set back have it again.
        ours = dict.fromkeys(self.box.lists.tokens(self.device) | seen.once, "") | seen.applied
        dates = self.capabilities.validity_dates
        if self._parts is None or self._parts[0] is not held:
            before = self._parts[1] if self._parts else None
            self._parts = held, parts_of(held.access_list, self.capabilities, before)
        self.rounds.next_at = next_change(held.access_list.credentials, now, dates=dates)
        found = plan(
            self._in_force(held, now),
            seen.inventory(now),
            ours,
            self.capabilities,
            remove_foreign=self.config.remove_foreign,
            refused=refused,
            parts=self._parts[1],
            points={b.access_point: b.point for b in self.config.access_points},
        )
        # The list still names them: until it does not, the hub is told that they are over by this box's clock.
        ended = self.box.lists.revoked(self.device)
        over = [(t, refusals.OVER) for t in over_at(held.access_list.credentials, now) if t not in ended]
        return replace(found, skipped=tuple(sorted((*found.skipped, *over)))) if over else found

    def _in_force(self, held: HeldList, now: datetime) -> AccessList:
        return in_force(
            held.access_list,
            now,
            dates=self.capabilities.validity_dates,
            clock_trusted=self.box.clock.trusted,
            ended=self.box.lists.revoked(self.device),
        )

    async def _work(self, driver: Driver, busy: asyncio.Lock, held: HeldList, work: Plan, seen: Seen) -> bool:
        """Removals, then upserts batch by batch. False when a new list came in between: plan again."""
        left, refused = len(work.upserts), 0
        for kind in (work.removals, work.upserts):
            at = 0
            while at < len(kind):
                if kind is work.upserts and self.changed.is_set():
                    return False
                batch: Sequence[Operation] = kind[at : at + self.pace.size]
                at += len(batch)
                try:
                    results = await self._apply(driver, busy, batch)
                    refused = 0
                    await self._settle(results, seen)
                    if rest := self._without_refused(results, held.access_list, seen):
                        await self._settle(await self._apply(driver, busy, rest), seen)
                except DeviceRefused as error:
                    log.warning("device %s refused a batch of %d: %s", self.device, len(batch), error)
                    refused += 1
                    if refused >= REFUSED_IN_A_ROW:
                        return True  # what is missing shows in the read-back
                    continue
                left -= len(batch) if kind is work.upserts else 0
                await self._report_progress(held, work, left)
        return True

    async def _apply(self, driver: Driver, busy: asyncio.Lock, batch: Sequence[Operation]) -> tuple[Applied, ...]:
        """One batch, after what is urgent, and without what was revoked since it was planned."""
        if begun := [o.credential.token for o in batch if isinstance(o, Upsert)]:
            await asyncio.to_thread(self.box.state.begin_apply, self.device, begun)
        await self.removals.quiet.wait()
        async with busy:
            ready = self._ready(batch)
            self.removals.in_hand = frozenset(o.credential.token for o in ready if isinstance(o, Upsert))
            began = time.monotonic()
            try:
                return await driver.apply(ready) if ready else ()
            finally:
                self.pace.took(len(ready), time.monotonic() - began)
                self.removals.in_hand = frozenset()

    def _ready(self, batch: Sequence[Operation]) -> tuple[Operation, ...]:
        revoked, clock = self.box.lists.revoked(self.device), self.box.clock
        return ready(batch, revoked, self.removals.owed, clock.now(), clock_trusted=clock.trusted)

    def _without_refused(self, results: Sequence[Applied], wanted: AccessList, seen: Seen) -> tuple[Operation, ...]:
        if not any(r.error and (r.error.of_photo or r.error.of_card) for r in results):
            return ()
        parts = self._parts[1].by_token if self._parts else {}
        tokens = [r.operation.credential.token for r in results if isinstance(r.operation, Upsert)]
        listed = {token: parts[token].credential for token in tokens if token in parts}
        stands = {token: seen.applied[token] for token in tokens if token in seen.held and token in seen.applied}
        return without_refused(results, wanted, listed, stands, self.capabilities)

    async def _settle(self, results: Sequence[Applied], seen: Seen) -> None:
        state, now = self.box.state, self.box.clock.now()
        before = await asyncio.to_thread(state.refused, self.device, now) if needs_before(results) else {}
        done = settled(results, before)
        for error in done.retry:
            log.warning("device %s: %s, will be tried again", self.device, error)
        seen.held |= dict.fromkeys(done.written)
        seen.applied |= done.fingerprints
        for token in done.removed:
            seen.held.pop(token, None)
            seen.applied.pop(token, None)
        self._stood = len(seen.held)
        self.drift.touch((*done.written, *done.removed))
        self._rewritten |= self._otherwise & done.written.keys()
        unchanged = {t: seen.applied[t] for t in done.failed if t in seen.applied}
        await asyncio.to_thread(
            state.end_apply,
            self.device,
            done.fingerprints,
            done.removed,
            done.refused,
            now,
            done.partial,
            done.contents,
            unchanged,
        )

    # --- revocations -----------------------------------------------------------------------------------------------
    def _tell_revoked(self, tokens: Iterable[str], state: str, text: str) -> None:
        self.box.tell_revoked(self.device, tokens, state, text)

    def _taken_off(self, token: str) -> None:
        """The device was told and took it. What is known of the device, and what was last reported, says so at once."""
        if not self.capabilities.holds_list:
            self.changed.set()  # the report counts whom the edge lets in
            return
        self._taken.add(token)
        # To take off who was not there makes no room: whom a full device refused would be asked again in vain.
        room = not self.capabilities.reads_back or bool(self._seen and token in self._seen.held)
        self._stood = self._stood - room if self._stood else None
        if self._seen:
            self._seen.held.pop(token, None)
            self._seen.applied.pop(token, None)
        taken = partial(self.box.state.end_apply, room=room)
        self.box.later(taken, self.device, {}, (token,), {}, self.box.clock.now())
        listed = self._parts is not None and token in self._parts[1].by_token
        ended = token in self.box.lists.revoked(self.device)
        if self._last and (token in self._last[0].strays or (listed and not ended)):
            self.changed.set()  # the hub knew it and this box did not: what it says next it has seen
        elif self._last:
            report, final = without(*self._last, token)
            self._last = with_ended(report, (token,) if listed else ()), final
            self.report(self._last[0])

    async def _forget_revoked(self) -> None:
        """What no list can bring back."""
        if past := self.box.lists.past(self.device) - self.removals.owed.keys():
            await asyncio.to_thread(self.box.state.forget_revoked, self.device, past)
            self.box.lists.forget_revoked(self.device, past)

    # --- what is told ----------------------------------------------------------------------------------------------
    def _heading(self, held: HeldList | None, wanted: int, read_at: datetime | None, foreign: int = 0) -> ListReport:
        counted = self.drift.counted
        mine = self.box.lists.current(self.device)
        taken = mine.newer.generation if mine and mine.newer else 0  # the hub counts on from there
        return ListReport(
            held.access_list.generation if held else taken,
            held.digest if held else "",
            wanted=wanted,
            foreign=foreign,
            read_back_at=read_at,
            drift=counted.count,
            drift_at=counted.at,
        )

    def _report_edge(self) -> None:
        """The edge holds the list and decides; nothing has to be written anywhere."""
        held, now = self.box.lists.current(self.device), self.box.clock.now()
        if held is None:
            self.report(ListReport(decided_at_edge=self.capabilities.cards))  # a camera or a meter decides nothing
            return
        if held.behind:
            self.report(msgspec.structs.replace(self._heading(None, 0, now), decided_at_edge=True))
            return
        revoked = self.box.lists.revoked(self.device)
        count = sum([not c.blocked and c.token not in revoked for c in held.access_list.credentials])
        heading = self._heading(held, count, now)
        report = msgspec.structs.replace(heading, confirmed=count, decided_at_edge=True)
        self.report(with_ended(report, self.box.lists.ended_here(self.device)))

    async def _report_progress(self, held: HeldList, work: Plan, left: int) -> None:
        if time.monotonic() - self._reported_at < PROGRESS_S:
            return
        self._reported_at = time.monotonic()
        ended = self.box.lists.revoked(self.device)
        heading = self._heading(held, len(work.wanted - ended), None)
        self.report(progress(heading, work, left, await self._refusals(work), ended))

    async def _finish(self, held: HeldList, final: Plan, seen: Seen) -> None:
        if self.drift.mended:
            right, wanted = set(final.confirmed) | set(final.partial), final.wanted
            await asyncio.to_thread(
                self.drift.settle,
                lambda t: t in right or (t not in wanted and t not in seen.held),
                self.box.clock.now(),
            )
        report = self._heading(held, len(final.wanted), seen.read_at)
        report = whole(report, final, seen.proved, await self._refusals(final))
        for token in self._taken:  # also while this was worked out
            report, final = without(report, final, token)
        planned = final.wanted - self._taken
        report = with_ended(report, [t for t in self.box.lists.ended_here(self.device) if t not in planned])
        self.rounds.pending = len(waiting(final)) if self.config.in_service else 0
        self._last = report, final
        self.report(report)

    async def _refusals(self, work: Plan) -> tuple[CredentialRefusal, ...]:
        if not work.skipped:
            return ()
        refused = await asyncio.to_thread(self.box.state.refused, self.device, self.box.clock.now())
        partial, old = set(work.partial), set(work.outdated)
        return tuple(
            refusals.told(t, why, refused.get(t), partial=t in partial, outdated=t in old)
            for t, why in work.skipped[:REFUSED_SHOWN]
        )

    async def _forget(self, held: HeldList, work: Plan, seen: Seen) -> None:
        """What is remembered of credentials that nobody wants any more: the file must not grow."""
        state = self.box.state
        over = {t for t, why in work.skipped if why == refusals.OVER}
        if old := stale(seen, work.wanted - over):
            await asyncio.to_thread(state.forget_applied, self.device, old, self.box.clock.now())
        refused = await asyncio.to_thread(state.refused, self.device, self.box.clock.now())
        if refused and (past := refused.keys() - {c.token for c in held.access_list.credentials}):
            await asyncio.to_thread(state.forget_refused, self.device, past)
        await self._forget_revoked()
