"""A schedule as ONVIF devices keep it: iCalendar in the device's own local time, and special days in groups. Pure.

ONVIF Schedule Service Specification: weekly recurrence, and for each group of special days the spans that hold instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from device_drivers.contract.access import Schedule, TimeSpan

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MONDAY = date(1970, 1, 5)
_LAST = time(23, 59, 59)  # ONVIF writes times of day: the end of the day has no name of its own
Spans = tuple[TimeSpan, ...]


class CannotSay(ValueError):
    """Hours that a device of this kind cannot keep."""


def weekly(schedule: Schedule) -> str:
    """Every range as a weekly event; it belongs to the day on which it begins."""
    events = []
    for number, hours in enumerate(schedule.ranges):
        begin = datetime.combine(_MONDAY + timedelta(days=min(hours.weekdays) - 1), hours.start)
        days = ",".join(_DAYS[d - 1] for d in sorted(hours.weekdays))
        events.append(_event(number, begin, hours.end, f"RRULE:FREQ=WEEKLY;BYDAY={days}"))
    return _calendar(events)


def dates(days: Iterable[date]) -> str:
    """Special days: an event of a whole day each."""
    begins = (datetime.combine(day, time()) for day in days)
    return _calendar(_event(n, begin, time(), "") for n, begin in enumerate(begins))


def special(schedule: Schedule) -> dict[Spans, tuple[date, ...]]:
    """Days by the spans that hold on them. Raises CannotSay for a span that runs over midnight."""
    found: dict[Spans, list[date]] = {}
    for one in schedule.special_days:
        if any(s.end <= s.start and s.end != time() for s in one.spans):
            raise CannotSay("a special day whose hours run over midnight")
        found.setdefault(one.spans, []).append(one.day)
    return {spans: tuple(sorted(days)) for spans, days in found.items()}


def until(span: TimeSpan) -> time:
    return _LAST if span.end == time() else span.end


def named(text: str) -> str:
    """A short name of a content: the same content is found again, another one gets another name."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _event(number: int, begin: datetime, end: time, rule: str) -> str:
    last = begin.date() if end > begin.time() else begin.date() + timedelta(days=1)
    lines = (
        "BEGIN:VEVENT",
        f"SUMMARY:{number}",
        f"DTSTART:{begin:%Y%m%dT%H%M%S}",
        f"DTEND:{datetime.combine(last, end):%Y%m%dT%H%M%S}",
        *((rule,) if rule else ()),
        f"UID:estate-hub-{begin:%Y%m%dT%H%M%S}-{number}",
        "END:VEVENT",
    )
    return "".join(f"{line}\r\n" for line in lines)


def _calendar(events: Iterable[str]) -> str:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//estate-hub//EN\r\n"
    return f"{head}{''.join(events)}END:VCALENDAR\r\n"
