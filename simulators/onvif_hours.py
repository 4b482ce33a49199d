"""Whether a device's schedule holds at a moment: the weekly recurrences of iCalendar, and special days. Pure.

As ONVIF's Schedule Service asks of a device: DTSTART, DTEND and RRULE:FREQ=DAILY or WEEKLY;BYDAY in local time without a zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FORMAT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Event:
    """One VEVENT: begin, end, and on which weekdays it comes again (empty: never)."""

    begin: datetime
    end: datetime
    weekdays: frozenset[int]

    def covers(self, now: datetime) -> bool:
        """Whether an occurrence runs at this naive local time."""
        length = self.end - self.begin
        if not self.weekdays:
            return self.begin <= now < self.end
        for day in (now.date(), now.date() - timedelta(days=1)):
            start = datetime.combine(day, self.begin.time())
            if day.weekday() in self.weekdays and start >= self.begin and start <= now < start + length:
                return True
        return False


def events(calendar: str) -> Iterator[Event]:
    """Of an iCalendar text. Raises ValueError for what this device does not understand."""
    for block in calendar.split("BEGIN:VEVENT")[1:]:
        lines = dict(line.split(":", 1) for line in block.split("END:VEVENT")[0].split() if ":" in line)
        begin, end = (datetime.strptime(lines[name], _FORMAT) for name in ("DTSTART", "DTEND"))  # noqa: DTZ007 - local
        if end <= begin:
            raise ValueError("an event ends after it begins")
        yield Event(begin, end, _weekdays(lines.get("RRULE", "")))


def _weekdays(rule: str) -> frozenset[int]:
    if not rule:
        return frozenset()
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    if parts["FREQ"] == "DAILY":
        return frozenset(range(7))
    if parts["FREQ"] != "WEEKLY":
        raise ValueError(f"recurrence {rule}")
    return frozenset(_DAYS.index(day) for day in parts["BYDAY"].split(","))


@dataclass(frozen=True, slots=True)
class Hours:
    """A schedule: its calendar, and for groups of special days the spans that hold instead."""

    calendar: str
    special: tuple[tuple[str, tuple[tuple[time, time], ...]], ...] = ()

    def covers(self, now: datetime, groups: Mapping[str, str]) -> bool:
        """``groups``: the calendar of each special day group, by token."""
        for group, spans in self.special:
            if now.date() in _dates(groups[group]):
                return any(begin <= now.time() < end for begin, end in spans)
        return any(event.covers(now) for event in events(self.calendar))


def _dates(calendar: str) -> Sequence[date]:
    return [event.begin.date() for event in events(calendar)]
