"""The days of a history: holidays and school terms in China, the weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

import numpy as np

from simulators.city_by_estates.dice import YEAR_DAYS, Bools, Dice, Floats, Ints
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2023, 2030)
HOLIDAYS = {(10, 1): 7, (5, 1): 4, (1, 1): 1, (4, 4): 2}
"""Days off from a (month, day) on, about; beside Spring Festival."""

SUMMER_BEGINS = (7, 5)  # (month, day) of the school holidays
SUMMER = (7, 8)  # months without school


class DayKind(IntEnum):
    """What a day is to those who work."""

    WORKDAY = 0
    WEEKEND = 1
    HOLIDAY = 2


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a history; arrays are (days,)."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    month: Ints
    is_holiday: Bools
    kind: Ints  # of DayKind
    is_term: Bools
    festivals: list[int]  # New Year's days by the moon, some beyond the history
    golden_weeks: list[int]  # first days of the National Day holidays, some beyond the history
    summers: list[int]  # first days of school holidays, of all years about

    def text(self, day: int) -> str:
        """The date of a day, as the format writes it."""
        return (self.start + timedelta(day)).isoformat()


@dataclass(frozen=True, slots=True)
class Weather:
    """(days,) each."""

    temperature: Floats  # °C
    tempts_out: Floats  # factor on errands


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of `days` days from `start`."""
    dates = [start + timedelta(day) for day in range(days)]
    years = range(start.year, dates[-1].year + 2)
    weekday = np.array([one.weekday() for one in dates])
    month = np.array([one.month for one in dates])
    is_holiday = np.zeros(days, bool)
    for year in years:
        for month_day, length in HOLIDAYS.items():
            first = (date(year, *month_day) - start).days
            is_holiday[max(0, first) : max(0, first + length)] = True
    festivals = [(first - start).days for first in SPRING_FESTIVALS]
    for first in festivals:
        is_holiday[max(0, first - 1) : max(0, first + 7)] = True
    is_term = ~np.isin(month, SUMMER) & ~is_holiday
    for first in festivals:
        is_term[max(0, first - 14) : max(0, first + 14)] = False
    golden_weeks = [(date(year, 10, 1) - start).days for year in years]
    return Calendar(
        start=start,
        days=days,
        weekday=weekday,
        month=month,
        is_holiday=is_holiday,
        kind=np.where(is_holiday, DayKind.HOLIDAY, np.where(weekday >= 5, DayKind.WEEKEND, DayKind.WORKDAY)),
        is_term=is_term,
        festivals=[first for first in festivals if -20 < first < days + 20],
        golden_weeks=[first for first in golden_weeks if -8 < first < days + 8],
        summers=[
            (date(year, *SUMMER_BEGINS) - start).days
            for year in range(start.year - 1, (start + timedelta(days)).year + 1)
        ],
    )


def draw_weather(dice: Dice, calendar: Calendar) -> Weather:
    """Temperatures about a yearly wave, each day near that of the day before; rain, cold and heat keep people in."""
    days = calendar.days
    day_of_year = np.array([(calendar.start + timedelta(day)).timetuple().tm_yday for day in range(days)])
    change = dice.rng.normal(0, 1, days)
    departure = np.zeros(days)
    current = 0.0
    for day in range(days):
        current = 0.75 * current + change[day]
        departure[day] = current
    temperature = 16.5 - 11.5 * np.cos(2 * np.pi * (day_of_year - 20) / YEAR_DAYS) + departure * 2.5 * 0.66
    is_wet = dice.rng.random(days) < 0.25
    tempts_out = np.where(is_wet, 0.85, 1.03) * np.where(temperature < 2, 0.85, 1) * np.where(temperature > 33, 0.9, 1)
    return Weather(temperature, tempts_out)
