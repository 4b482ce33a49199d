"""(P) The days that are drawn, and which of them are free: weekends, public holidays, school and university holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulators.spring_festivals import spring_festivals

WARM_UP = 280  # days drawn before the history, so that spells already run on its first day
SPRING_FESTIVALS = spring_festivals(2024, 2028)
NATIONAL_DAYS = ((10, 1), (10, 7))  # first and last
HOLIDAYS = ((1, 1), (4, 4), (4, 5), (5, 1), (5, 2), (5, 3), (5, 4))
SCHOOL_SUMMER = ((7, 5), (8, 30))
CAMPUS_SUMMER = ((7, 5), (8, 31))


@dataclass(frozen=True, slots=True)
class Calendar:
    """`days` days of history from `start`, and what was drawn before and after; arrays have one entry a day drawn."""

    start: date
    days: int
    total: int  # days drawn
    dates: tuple[date, ...]
    weekday: NDArray[np.int64]  # 0 is Monday
    day_of_year: NDArray[np.int64]
    holiday: NDArray[np.bool_]
    school: NDArray[np.bool_]
    campus_closed: NDArray[np.bool_]
    free: NDArray[np.bool_]  # weekend or holiday
    spring_festivals: tuple[int, ...]

    @property
    def end(self) -> int:
        """The day after the last of the history."""
        return WARM_UP + self.days

    def each(self, month: int, day: int) -> list[int]:
        """The days drawn that have this date in the year."""
        return [number for number, on in enumerate(self.dates) if (on.month, on.day) == (month, day)]


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of a history of `days` days from `start`."""
    total = WARM_UP + days + 2
    dates = tuple(start + timedelta(days=number - WARM_UP) for number in range(total))
    holiday = np.zeros(total, np.bool_)
    school = np.ones(total, np.bool_)
    campus_closed = np.zeros(total, np.bool_)
    festivals = tuple(number for number, on in enumerate(dates) if on in SPRING_FESTIVALS)
    for festival in festivals:
        holiday[max(0, festival - 2) : festival + 6] = True
        school[max(0, festival - 25) : festival + 17] = False
        campus_closed[max(0, festival - 30) : festival + 14] = True
    for number, on in enumerate(dates):
        in_year = (on.month, on.day)
        if NATIONAL_DAYS[0] <= in_year <= NATIONAL_DAYS[1] or in_year in HOLIDAYS:
            holiday[number] = True
        if SCHOOL_SUMMER[0] <= in_year <= SCHOOL_SUMMER[1]:
            school[number] = False
        if CAMPUS_SUMMER[0] <= in_year <= CAMPUS_SUMMER[1]:
            campus_closed[number] = True
    weekday = np.array([on.weekday() for on in dates])
    day_of_year = np.array([on.timetuple().tm_yday for on in dates])
    return Calendar(
        start=start,
        days=days,
        total=total,
        dates=dates,
        weekday=weekday,
        day_of_year=day_of_year,
        holiday=holiday,
        school=school,
        campus_closed=campus_closed,
        free=(weekday >= 5) | holiday,
        spring_festivals=festivals,
    )
