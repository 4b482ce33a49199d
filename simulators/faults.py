"""One vocabulary of faults for all simulated devices, and the book that says which are active now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What a device can do wrong. Which ones a simulator knows stands in its ``supported_faults``."""

    SILENT = "silent"
    SLOW = "slow"
    LATE_REPLY = "late_reply"
    CUT = "cut"
    RESTART = "restart"
    RESTART_EMPTY = "restart_empty"
    EXCEPTION = "exception"
    OUT_OF_RANGE = "out_of_range"
    CLOCK_SKEW = "clock_skew"
    LOST_REPLY = "lost_reply"
    DUPLICATE_RECORD = "duplicate_record"
    REORDERED_RECORD = "reordered_record"
    LOSES_RECORD = "loses_record"
    WRONG_TYPES = "wrong_types"
    BIG_PICTURE = "big_picture"
    PHOTO_REFUSED = "photo_refused"
    GARBAGE = "garbage"
    BUSY = "busy"
    LIST_FULL = "list_full"
    STORAGE_FAILS = "storage_fails"
    STUCK = "stuck"
    BACKWARDS = "backwards"
    JUMP = "jump"
    HTTP_500 = "http_500"
    HTML = "html"
    EMPTY_BODY = "empty_body"
    HANG = "hang"
    WRONG_XADDR = "wrong_xaddr"
    DROP_SUBSCRIPTIONS = "drop_subscriptions"


DESCRIPTIONS: dict[Fault, str] = {
    Fault.SILENT: "the connection stands, nothing is answered and nothing is sent",
    Fault.SLOW: "every answer comes after `value` seconds (default 0.5)",
    Fault.LATE_REPLY: "answers come after `value` seconds (default 3), other requests are served meanwhile",
    Fault.CUT: "connections are torn without a farewell, new ones are not made or taken until the fault ends",
    Fault.RESTART: "power loss and start: connections torn, outputs off, what is stored stays (momentary)",
    Fault.RESTART_EMPTY: "as restart, but the memory came back empty: list, records and settings are gone (momentary)",
    Fault.EXCEPTION: "every request is answered with an exception of code `value` (default 4, device failure)",
    Fault.OUT_OF_RANGE: "the registers are not where they should be: illegal data address",
    Fault.CLOCK_SKEW: "the device clock is `value` seconds fast (default 3600)",
    Fault.LOST_REPLY: "commands are carried out, the answer never arrives",
    Fault.DUPLICATE_RECORD: "every record is sent twice",
    Fault.REORDERED_RECORD: "every second record is held back and sent after the next one",
    Fault.LOSES_RECORD: "records are numbered and kept and never sent by themselves",
    Fault.WRONG_TYPES: "records carry numbers, lists and objects where texts should stand",
    Fault.BIG_PICTURE: "records carry a picture of `value` bytes (default 5,000,000)",
    Fault.PHOTO_REFUSED: "no face is found in any photo",
    Fault.GARBAGE: "answers are not in the protocol: broken JSON, broken frames",
    Fault.BUSY: "person commands are refused as busy (410)",
    Fault.LIST_FULL: "no new person fits (467/474)",
    Fault.STORAGE_FAILS: "nothing can be written to the device's memory (465/469)",
    Fault.STUCK: "the counter shows what it showed when the fault began",
    Fault.BACKWARDS: "the counter shows `value` less than it should (default 10)",
    Fault.JUMP: "the counter shows `value` more than it should (default 10000)",
    Fault.HTTP_500: "every request is answered 500 with an HTML page",
    Fault.HTML: "every request is answered 200 with the HTML page of a login",
    Fault.EMPTY_BODY: "every request is answered 200 with no body",
    Fault.HANG: "requests are read and never answered",
    Fault.WRONG_XADDR: "service addresses name another host (192.0.2.10), as behind NAT",
    Fault.DROP_SUBSCRIPTIONS: "all event subscriptions are forgotten (momentary)",
}

MOMENTARY = frozenset({Fault.RESTART, Fault.RESTART_EMPTY, Fault.DROP_SUBSCRIPTIONS})


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """One fault in force. ``until`` is a reading of the book's clock in seconds, None for "until cleared"."""

    fault: Fault
    until: float | None = None
    value: float | None = None
    unit: int | None = None


@dataclass(slots=True)
class FaultBook:
    """The faults in force on one device. ``clock`` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    _active: dict[tuple[Fault, int | None], ActiveFault] = field(default_factory=dict)

    def begin(self, fault: Fault, seconds: float | None, value: float | None, unit: int | None) -> ActiveFault:
        """Put a fault in force for ``seconds`` (None: until cleared), for one Modbus unit or (None) for all."""
        until = None if seconds is None else self.clock() + seconds
        entry = ActiveFault(fault, until, value, unit)
        self._active[(fault, unit)] = entry
        return entry

    def clear(self, fault: Fault | None = None) -> None:
        """End one fault (on every unit), or all of them."""
        self._active = {} if fault is None else {key: v for key, v in self._active.items() if key[0] is not fault}

    def get(self, fault: Fault, unit: int | None = None) -> ActiveFault | None:
        """The fault's entry for this unit (or for all units), None when it is not in force."""
        for key in ((fault, unit), (fault, None)):
            entry = self._active.get(key)
            if entry is None:
                continue
            if entry.until is None or entry.until > self.clock():
                return entry
            del self._active[key]
        return None

    def on(self, fault: Fault, unit: int | None = None) -> bool:
        """Whether the fault is in force."""
        return self.get(fault, unit) is not None

    def value(self, fault: Fault, default: float, unit: int | None = None) -> float:
        """The fault's value while in force or ``default`` when it was given none. 0.0 when not in force."""
        entry = self.get(fault, unit)
        if entry is None:
            return 0.0
        return default if entry.value is None else entry.value

    def listing(self) -> list[dict[str, object]]:
        """What is in force, for the control page: fault, seconds left (None: until cleared), value, unit."""
        now = self.clock()
        live = [entry for entry in self._active.values() if entry.until is None or entry.until > now]
        return [
            {
                "fault": entry.fault.value,
                "seconds_left": None if entry.until is None else round(entry.until - now, 3),
                "value": entry.value,
                "unit": entry.unit,
            }
            for entry in live
        ]
