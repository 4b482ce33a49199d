"""What a device tells without end is kept in measure: the journal is that of all devices, and passes wait behind it. Pure.

A door's alarms, a camera's topics, a terminal's raw alarms: so many an hour one by one, then how it stands once a minute, with
how many were left out. The first and the last always stand there. Passes, readings, fire and observation are never left out.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import msgspec

from device_drivers.contract.events import CameraEvent, DoorEvent, EventBody, Unreadable
from device_drivers.contract.words import DoorAlarm, DoorMode
from edge_agent.store import Row

ALARMS = 60
OTHERS = 3600  # more than people can make a door turn, or a picture move
HOUR_S, LATEST_S = 3600.0, 60.0
MAX_SOURCES = 100  # a camera that makes up sources without end is one source from there on
ANY = "any"
Key = tuple[str, Hashable]


@dataclass(slots=True)
class _Source:
    """`alarming`: how a door stood last was an alarm, so what comes next ends it. `latest`: left out, kept when it is due."""

    since: float
    alarms: int = 0
    others: int = 0
    alarming: bool = False
    mode: DoorMode | None = None
    left_out: int = 0
    latest: Row | None = None
    latest_at: float = 0.0


class Flood:
    """Of one device; `now` is in seconds."""

    def __init__(self) -> None:
        self._sources: dict[Key, _Source] = {}
        self._since = 0.0
        self._left_out = self._said = 0

    def takes(self, row: Row, now: float) -> bool:
        """Whether this one is kept by itself; else it is counted, and kept later where it is the last."""
        key = self._key(row.event.body)
        if key is None:
            return True
        source = self._sources.setdefault(key, _Source(now))
        if now - source.since > HOUR_S:
            source.since, source.alarms, source.others = now, 0, 0
        of_alarms = _of_alarms(source, row.event.body)
        kept, limit = (source.alarms, ALARMS) if of_alarms else (source.others, OTHERS)
        if kept >= limit:
            self._leave_out(source, row, now)
            return False
        if of_alarms:
            source.alarms += 1
        else:
            source.others += 1
        source.latest = None  # of before: it is not the last
        return True

    def _leave_out(self, source: _Source, row: Row, now: float) -> None:
        if source.latest is None:
            source.latest_at = now
        source.latest = row
        source.left_out += 1
        if now - self._since > HOUR_S:
            self._since, self._left_out = now, 0
        self._left_out += 1

    def due(self, now: float, *, all_of_them: bool = False) -> list[Row]:
        """How it stands where something was left out a minute ago; at the end of the work, wherever something was."""
        self._said = self._left_out if now - self._since <= HOUR_S else 0
        found: list[Row] = []
        for source in self._sources.values():
            if source.latest and (all_of_them or now - source.latest_at >= LATEST_S):
                found.append(_with_count(source.latest, source.left_out - 1))
                source.latest, source.left_out = None, 0
        return found

    def told(self) -> str:
        """For the device's page."""
        return f"{self._said} alarms in an hour were not kept one by one" if self._said else ""

    def _key(self, body: EventBody) -> Key | None:
        match body:
            case DoorEvent():
                key: Key = ("door", body.point)
            case CameraEvent():
                key = (body.topic, tuple(sorted(body.source.items())))
            case Unreadable(channel="Alarm"):
                key = ("alarm", "")
            case _:
                return None
        return key if key in self._sources or len(self._sources) < MAX_SOURCES else (ANY, "")


def _of_alarms(source: _Source, body: EventBody) -> bool:
    """An alarm, or its end. Who presses the exit button, and what a door is told to do, is none."""
    match body:
        case DoorEvent(request_to_exit=True):
            return False
        case DoorEvent():
            alarm, ended, moved = (
                body.alarm is not DoorAlarm.NORMAL,
                source.alarming,
                source.mode not in (None, body.mode),
            )
            source.alarming, source.mode = alarm, body.mode
            return not moved and (alarm or ended)
        case CameraEvent():
            return "tamper" in body.topic.casefold()
    return True


def _with_count(row: Row, others: int) -> Row:
    """Says how many more there were."""
    text = f"{others} more were not kept one by one"
    body = row.event.body
    if others and isinstance(body, DoorEvent):
        body = msgspec.structs.replace(body, text="; ".join(filter(None, (body.text, text))))
    elif others and isinstance(body, Unreadable):
        body = msgspec.structs.replace(body, error="; ".join(filter(None, (body.error, text))))
    return replace(row, event=msgspec.structs.replace(row.event, body=body))
