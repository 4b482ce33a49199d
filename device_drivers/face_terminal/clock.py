"""The clock of one terminal: measured, set, and doubted when a live record tells another time.

One that does not tell its time was set all the same, so what fits our time is of now. What does not fit may be old, or the
terminal took no time: two records that come as far apart as they were made came at once, and tell its clock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, tzinfo

from device_drivers.driver import DeviceRefused, DeviceUnreachable
from device_drivers.face_terminal import envelope
from device_drivers.face_terminal.channel import NoAnswer

log = logging.getLogger(__name__)
TOLERANCE_S = 2.0  # the protocol gives whole seconds, and an answer takes a moment
CHECK_S = 86_400.0
DOUBT_S = 30.0  # a live record this far from our time: the terminal's clock is looked at
APART_S, IN_STEP_S = 3.0, 2.0  # what was held up comes all at once
DOUBT_EVERY_S = 60.0  # a record that was merely slow does not cost a question each
Ask = Callable[[str, object], Awaitable[envelope.Message]]


class TerminalClock:
    """`offset_s`: device minus edge as measured last; None where the terminal does not tell."""

    def __init__(self, device: str, zone: tzinfo, ask: Ask) -> None:
        self.device, self.zone, self._ask = device, zone, ask
        self.offset_s: float | None = None
        self._before: float | None = None  # the offset before the clock was last set: records may carry it yet
        self._by_records: float | None = None  # the offset of a terminal that does not tell its time
        self._last: tuple[datetime, datetime] | None = None  # when its last record was made, and came
        self._checked = 0.0
        self._doubted = -DOUBT_EVERY_S

    @property
    def due(self) -> bool:
        return time.monotonic() - self._checked > CHECK_S

    async def check(self) -> None:
        """At every connection and once a day: set what is wrong, or cannot be read. Raises DeviceUnreachable, DeviceRefused."""
        self._checked = time.monotonic()
        offset = await self._measure()
        if offset is None or abs(offset) > TOLERANCE_S:
            log.info("%s: clock is %s, set", self.device, "not told" if offset is None else f"{offset:.0f} s off")
            try:
                await self._ask("SetSysTime", {"SysTime": envelope.local_text(datetime.now(UTC), self.zone)})
            except NoAnswer:
                if offset is not None:
                    raise
            self._before = offset
            offset = await self._measure() if offset is not None else None
        self.offset_s = offset

    async def _measure(self) -> float | None:
        """Device minus edge in seconds, to the second the protocol gives; None when the terminal does not tell."""
        before = datetime.now(UTC)
        try:
            answer = await self._ask("GetSysTime", {})
        except NoAnswer as error:
            log.info("%s: %s", self.device, error)
            return None
        at = envelope.parse_time(answer.info.text("SysTime", "time"), self.zone)
        middle = before + (datetime.now(UTC) - before) / 2
        return None if at is None else round((at - middle).total_seconds() + 0.5, 1)

    async def of_record(self, at: datetime, arrived: datetime) -> float | None:
        """The offset a live record was made with. If it fits none that we know, the clock is measured and set now."""
        off = (at - arrived).total_seconds()
        if self.offset_s is None:
            self._learn(at, arrived)
            return self._by_records
        fits = self._fitting(off)
        if fits is None and time.monotonic() - self._doubted >= DOUBT_EVERY_S:
            self._doubted = time.monotonic()
            try:
                await self.check()
            except (DeviceUnreachable, DeviceRefused) as error:  # the record is worth more than its second
                log.warning("%s: a record is %+.0f s off and the clock cannot be read: %s", self.device, off, error)
            fits = self._fitting(off)
        return self.offset_s if fits is None else fits

    async def age_s(self, at: datetime, now: datetime) -> float | None:
        """How long ago that was by what is known of the clock; 0 for what fits it, None where nobody can know."""
        offset = await self.of_record(at, now)
        off = (at - now).total_seconds()
        if self.offset_s is None:
            return 0.0 if abs(off - (offset or 0.0)) <= DOUBT_S else None
        return 0.0 if offset is None or self._fitting(off) is not None else offset - off

    def _learn(self, at: datetime, arrived: datetime) -> None:
        if self._last:
            apart = (arrived - self._last[1]).total_seconds()
            if apart >= APART_S and abs((at - self._last[0]).total_seconds() - apart) <= IN_STEP_S:
                self._by_records = (at - arrived).total_seconds()
        self._last = at, arrived

    def _fitting(self, off: float) -> float | None:
        known = [o for o in (self.offset_s, self._before) if o is not None and abs(off - o) <= DOUBT_S]
        return min(known, key=lambda o: abs(off - o), default=None)
