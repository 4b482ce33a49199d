"""(P) Days of deadlines: working days as the State Council's yearly notice arranges them, make-up days (调休) included.

The notice of a year comes out in the November before. Of a year without one Monday to Friday are counted, but for the holidays
that have the same date every year, and it is said so: our own deadlines are then rather too early than too late.
"""

from __future__ import annotations

from datetime import date, timedelta

import chinese_calendar

SATURDAY = 5
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""(month, day) by the State Council's regulation on holidays; the others follow the moon or the sun."""


def published(day: date) -> bool:
    """Whether the arrangement of this day's year is known."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def is_workday(day: date) -> bool:
    """Monday to Friday but for holidays, and the Saturdays and Sundays that make up for them."""
    if published(day):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < SATURDAY and (day.month, day.day) not in FIXED_HOLIDAYS


def doubt(*days: date) -> str:
    """What to say beside a deadline that rests on these days; empty when all are arranged."""
    years = sorted({day.year for day in days if not published(day)})
    return f"（{'、'.join(map(str, years))}年放假安排尚未公布，暂按周一至周五计）" if years else ""


def workdays_after(start: date, count: int) -> date:
    """The last of `count` working days after `start`."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day


def household_day(start: date, days: int) -> date:
    """The last day of a household's term: `days` after `start`, and never a day of rest (Civil Code art. 203)."""
    return _not_of_rest(start + timedelta(days=days))


def household_months(start: date, months: int) -> date:
    """The same of a term of months."""
    return _not_of_rest(months_after(start, months))


def _not_of_rest(day: date) -> date:
    while not is_workday(day):
        day += timedelta(days=1)
    return day


def months_after(start: date, months: int) -> date:
    """The same day `months` later; the last of the month where that has no such day."""
    whole = start.year * 12 + start.month - 1 + months
    year, month = divmod(whole, 12)
    first_of_next = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=start.day - 1), first_of_next - timedelta(days=1))
