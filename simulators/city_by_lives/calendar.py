"""The days of a history: weekdays, holidays, school, terms, the Spring Festival; and the weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulators.city_by_lives.basics import YEAR_DAYS, Bools, Floats, Generator, Ints, spans
from simulators.city_by_lives.habits import Habits
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2022, 2032)
COLDEST_DAY = 18  # of the year
NEAR_DAYS = 20  # a festival this close outside the history still moves people in it


@dataclass(frozen=True, slots=True)
class Calendar:
    """(days,) arrays; spans are (first day, day after the last)."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    day_of_year: Ints
    is_holiday: Bools
    is_school: Bools
    is_term: Bools  # of universities
    festivals: tuple[int, ...]
    summers: tuple[tuple[int, int], ...]
    golden_weeks: tuple[tuple[int, int], ...]

    def text(self, day: int) -> str:
        """A day as YYYY-MM-DD."""
        return (self.start + timedelta(days=day)).isoformat()


def make_calendar(start: date, days: int) -> Calendar:
    """Calendar of `days` days from `start` on."""
    dates = [start + timedelta(days=day) for day in range(days)]
    weekday = np.array([one.weekday() for one in dates])
    is_summer = np.array([(one.month == 7 and one.day >= 4) or one.month == 8 for one in dates])
    is_october = np.array([one.month == 10 and one.day <= 7 for one in dates])
    is_may = np.array([one.month == 5 and one.day <= 5 for one in dates])
    is_new_year = np.array([(one.month, one.day) == (1, 1) for one in dates])
    is_holiday = is_october | is_may | is_new_year
    is_school, is_term = (weekday < 5) & ~is_summer, ~is_summer
    festivals = [(one - start).days for one in SPRING_FESTIVALS]
    festivals = [one for one in festivals if -NEAR_DAYS < one < days + NEAR_DAYS]
    for one in festivals:
        is_holiday[max(0, one - 1) : max(0, one + 7)] = True
        is_school[max(0, one - 18) : max(0, one + 13)] = False
        is_term[max(0, one - 28) : max(0, one + 18)] = False
    return Calendar(
        start=start,
        days=days,
        weekday=weekday,
        day_of_year=np.array([one.timetuple().tm_yday for one in dates]),
        is_holiday=is_holiday,
        is_school=is_school & ~is_holiday,
        is_term=is_term,
        festivals=tuple(festivals),
        summers=tuple(spans(is_summer)),
        golden_weeks=tuple(spans(is_october)),
    )


def draw_weather(rng: Generator, habits: Habits, calendar: Calendar) -> Floats:
    """Mean temperature of each day, in °C."""
    swing = np.cos(2 * np.pi * (calendar.day_of_year - COLDEST_DAY) / YEAR_DAYS)
    surprise, wander = rng.normal(0, 1.6, calendar.days), np.zeros(calendar.days)
    for day in range(1, calendar.days):
        wander[day] = 0.75 * wander[day - 1] + surprise[day]
    temperature: Floats = habits.mean_temperature - habits.temperature_swing * swing + wander
    return temperature
