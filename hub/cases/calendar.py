"""(P) Days of deadlines. Public holidays are not known here: our own deadlines are so rather too early than too late."""

from __future__ import annotations

from datetime import date, timedelta

SATURDAY = 5


def workdays_after(start: date, count: int) -> date:
    """The last of `count` working days (Monday to Friday) after `start`."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day


def household_day(start: date, days: int) -> date:
    """The last day of a household's term: `days` after `start`, and never a Saturday or Sunday (Civil Code art. 203)."""
    day = start + timedelta(days=days)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


def months_after(start: date, months: int) -> date:
    """The same day `months` later; the last of the month where that has no such day."""
    whole = start.year * 12 + start.month - 1 + months
    year, month = divmod(whole, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=start.day - 1), first_of_next - timedelta(days=1))
