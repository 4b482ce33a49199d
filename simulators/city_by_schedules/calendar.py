"""The days of a history: week, holidays of workers and schools, festivals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulators.city_by_schedules.arrays import Bools, Floats, Ints
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2023, 2030)
"""Histories of other years have no festival."""

HOLIDAYS = ((5, 1, 5), (10, 1, 7), (6, 10, 3), (4, 4, 3))
"""(month, day, days) of Labour Day, National Day, about the Dragon Boat Festival, Qingming."""

SCHOOL_ENDS = (7, 3)


@dataclass(frozen=True, slots=True)
class Holiday:
    """Public holidays in a row."""

    first: int  # day
    days: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Arrays are (days,), by day of the history."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    schooling: Floats  # 1, or 0 in school holidays
    free: Bools  # public holiday
    holidays: list[Holiday]
    festivals: list[int]  # days on which a lunar year begins, also up to 40 days outside the history
    summers: list[int]  # days on which the school year ends, also up to 50 days before the history

    @property
    def years(self) -> float:
        return self.days / 365

    @property
    def day_of_year(self) -> int:
        """Of the first day."""
        return self.start.timetuple().tm_yday

    def text(self, day: int) -> str:
        """YYYY-MM-DD of a day, which may lie outside the history."""
        return (self.start + timedelta(day)).isoformat()

    def span(self, first: float, end: float) -> slice:
        """The days of the history from `first` up to, not with, `end`; may end before it begins, where there are none."""
        return slice(max(0, int(first)), max(0, min(self.days, int(end))))


def length(days: slice) -> int:
    """How many days a span has."""
    return max(0, int(days.stop - days.start))


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of the `days` days from `start` on."""
    dates = [start + timedelta(number) for number in range(days)]
    festivals = [(on - start).days for on in SPRING_FESTIVALS if -40 < (on - start).days < days + 40]
    years = range(start.year, start.year + 3)
    holidays = []
    for year in years:
        for month, day, count in HOLIDAYS:
            first = (date(year, month, day) - start).days
            if 0 <= first < days:
                holidays.append(Holiday(first, count))
    free = np.zeros(days, bool)
    for holiday in holidays:
        free[holiday.first : holiday.first + holiday.days] = True
    for festival in festivals:
        free[max(0, festival - 1) : max(0, festival + 7)] = True
    schooling = np.ones(days)
    for number, on in enumerate(dates):
        if on.month in (7, 8) or any(-24 <= number - festival <= 14 for festival in festivals):
            schooling[number] = 0
    summers = [(date(year, *SCHOOL_ENDS) - start).days for year in years[:2]]
    return Calendar(
        start=start,
        days=days,
        weekday=np.array([on.weekday() for on in dates]),
        schooling=schooling,
        free=free,
        holidays=holidays,
        festivals=festivals,
        summers=[day for day in summers if -50 < day < days],
    )
