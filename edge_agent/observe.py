"""When could a device observe? Each change goes into the journal; what no interval covers was not observed.

A mark on disk says until when observation is certain, so that a power cut leaves a hole and not a quiet zero. A device that
replays its own records saw on while we did not: no hole, unless it was away so long that it may have been without power.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from device_drivers.contract.events import ObservationChanged
from device_drivers.contract.words import DoorState, ObservationState
from edge_agent.box import Box
from edge_agent.state import Mark

GRACE = timedelta(seconds=60)  # a replaying device that is back by then was not away
BRIDGE = timedelta(hours=6)  # longer, and silence is no proof of an empty dwelling: the hole stays
CLOCK_LIMIT_S = 10.0
PROPPED_AFTER = timedelta(minutes=10)
PROPPED = f"door open for more than {PROPPED_AFTER.seconds // 60} minutes"


class Observation:
    """One device. `declared` is what the journal last said; None before anything was said."""

    def __init__(self, device: str, replays: bool, box: Box) -> None:
        self.device, self.replays, self.box = device, replays, box
        self.declared: ObservationState | None = None
        self.seen_at: datetime | None = None  # last proof that it observes
        self.gap_from: datetime | None = None  # since when there is none
        self.here = False
        self._sighted_at: datetime | None = None  # since when, at the latest, it can be observed again
        self._open: dict[str, datetime] = {}
        self._propped: set[str] = set()
        self._unlocked: set[str] = set()

    async def resume(self) -> None:
        """At start: an interval that was open when this box went away is closed where the mark stands."""
        mark = await asyncio.to_thread(self.box.state.mark, self.device)
        self._propped = await asyncio.to_thread(self.box.state.propped, self.device)
        if mark is None:
            return
        until = min(mark.until, self.box.clock.now())  # a clock that was ahead may have marked days that have not come
        self.declared, self.gap_from = mark.state, until
        if mark.state is not ObservationState.DOWN and not self.replays:
            self._declare(ObservationState.DOWN, until, "edge was off", late=True)

    def connected(self, now: datetime) -> None:
        gap, self.gap_from = self.gap_from, None
        self.here, self.seen_at, self._sighted_at = True, now, now
        bridged = self.replays and gap is not None and now - gap <= BRIDGE
        if self.declared in (ObservationState.OK, ObservationState.CLOCK):
            if bridged or gap is None:
                return
            self._declare(ObservationState.DOWN, gap, "away too long to be sure", late=True)
        if bridged and gap is not None:
            self._declare(ObservationState.OK, gap, "records kept by the device", late=True)
        else:
            self._declare(ObservationState.OK, now, "connected")

    def lost(self, now: datetime, reason: str) -> None:
        if not self.here:
            return
        self.here = False
        self._open.clear()
        self.gap_from = self.seen_at or now
        if not self.replays and self.declared is not ObservationState.DOWN:
            self._declare(ObservationState.DOWN, self.gap_from, reason)

    def observing(self, able: bool, last_seen: datetime | None, reason: str, now: datetime) -> None:
        """Connected, but is anything observed? What is not ends where it was last observed, not where we noticed."""
        if not self.here:
            return
        if not able and self.declared is not ObservationState.DOWN:
            began = self._sighted_at or now
            self._declare(ObservationState.DOWN, max(began, last_seen or began), reason)
        elif able and self.declared is ObservationState.DOWN:
            self._sighted_at = now
            self._declare(ObservationState.OK, now, "observed again")

    async def stopped(self, now: datetime) -> None:
        """A clean end of this box or of the device's service: certain until now."""
        if self.here:
            self.seen_at = now
            self.lost(now, "edge stopped")
        await self.box.settled()
        if mark := self.mark():
            await asyncio.to_thread(self.box.state.set_marks, {self.device: mark})

    def seen(self, at: datetime) -> None:
        if self.seen_at is None or at > self.seen_at:
            self.seen_at = at

    def set_back(self, now: datetime) -> None:
        """The clock had been ahead."""
        self.seen_at, self.gap_from, self._sighted_at = (
            min(at, now) if at else None for at in (self.seen_at, self.gap_from, self._sighted_at)
        )
        self._open = {point: min(since, now) for point, since in self._open.items()}

    def mark(self) -> Mark | None:
        at = self.seen_at if self.here else self.gap_from
        return Mark(self.declared, at) if self.declared and at else None

    def tick(self, now: datetime) -> None:
        """Called every few seconds, connected or not."""
        away = not self.here and self.gap_from is not None and now - self.gap_from > GRACE
        if away and self.gap_from and self.declared not in (None, ObservationState.DOWN):
            self._declare(ObservationState.DOWN, self.gap_from, "no connection; its own records may follow")
        for point, since in list(self._open.items()):
            if now - since > PROPPED_AFTER and point not in self._propped:
                self._prop(point, now, True)

    def clock(self, offset_s: float | None, now: datetime) -> None:
        if offset_s is None or not self.here:
            return
        wrong = abs(offset_s) > CLOCK_LIMIT_S
        if wrong and self.declared is ObservationState.OK:
            self._declare(ObservationState.CLOCK, now, f"device clock is {offset_s:+.0f} s off")
        elif not wrong and self.declared is ObservationState.CLOCK:
            self._declare(ObservationState.OK, now, "device clock is right again")

    def door(self, point: str, state: DoorState, now: datetime) -> None:
        """A door that stands open lets people pass unseen."""
        if state is DoorState.OPEN:
            self._open.setdefault(point, now)
        elif state is DoorState.CLOSED:
            self._open.pop(point, None)
            if point in self._propped and point not in self._unlocked:
                self._prop(point, now, False)

    def unlocked(self, point: str, on: bool, now: datetime) -> None:
        """A door that is held unlocked lets people pass unseen, whatever its leaf does."""
        (self._unlocked.add if on else self._unlocked.discard)(point)
        if on and point not in self._propped:
            self._prop(point, now, True)
        elif not on and point in self._propped and point not in self._open:
            self._prop(point, now, False)

    def _prop(self, point: str, now: datetime, on: bool) -> None:
        (self._propped.add if on else self._propped.discard)(point)
        body = ObservationChanged(
            ObservationState.PROPPED if on else ObservationState.OK,
            ("door closed" if not on else "door held unlocked" if point in self._unlocked else PROPPED),
            point,
        )
        self.box.record(self.device, body, now, then=lambda: self.box.state.set_propped(self.device, point, on))

    def _declare(self, state: ObservationState, at: datetime, reason: str, *, late: bool = False) -> None:
        self.declared = state
        # The mark follows the event to the disk: the other way round a crash between them would hide a hole.
        mark = {self.device: Mark(state, at)}
        self.box.record(
            self.device,
            ObservationChanged(state, reason),
            at,
            late=late,
            then=lambda: self.box.state.set_marks(mark),
        )
