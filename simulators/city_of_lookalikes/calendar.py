"""The days of a history: week, holidays of workers and schools, festivals, and the weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulators.city_of_lookalikes.dice import Bools, Dice, Floats, Ints
from simulators.city_of_lookalikes.world import World
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2025, 2028)
"""Histories of other years have no festival."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """(days,) each, by day of the history."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    national_days: Bools  # the week from 1 October
    public_holiday: Bools
    school_holiday: Bools
    summer: Bools  # July and August
    workday: Bools
    day_of_year: Ints
    festivals: list[int]  # days on which a lunar year begins

    def text(self, day: int) -> str:
        """YYYY-MM-DD of a day, which may lie outside the history."""
        return (self.start + timedelta(int(day))).isoformat()

    def span(self, begin: int, end: int) -> slice:
        """The days of the history from `begin` up to, not with, `end`; empty where there are none."""
        first = max(0, int(begin))
        return slice(first, max(first, min(self.days, int(end))))

    def mask(self, begin: int, end: int) -> Bools:
        """(days,) true from `begin` up to, not with, `end`."""
        flags = np.zeros(self.days, bool)
        flags[self.span(begin, end)] = True
        return flags

    def never(self) -> Bools:
        """(days,) false."""
        return np.zeros(self.days, bool)


def length(days: slice) -> int:
    """How many days a span has."""
    return int(days.stop - days.start)


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of the `days` days from `start` on."""
    dates = [start + timedelta(number) for number in range(days)]
    weekday = np.array([one.weekday() for one in dates])
    from_festival = np.array([min(((one - first).days for first in SPRING_FESTIVALS), key=abs) for one in dates])
    national = [_within(one, (10, 1), (10, 8 if one.year == 2025 else 7)) for one in dates]
    short = [
        _within(one, (5, 1), (5, 5)) or _within(one, (4, 4), (4, 6)) or _within(one, (1, 1), (1, 3)) for one in dates
    ]
    public = np.array(national) | np.array(short) | ((from_festival >= -1) & (from_festival <= 6))
    summer = np.array([one.month in (7, 8) for one in dates])
    return Calendar(
        start=start,
        days=days,
        weekday=weekday,
        national_days=np.array(national),
        public_holiday=public,
        school_holiday=summer | ((from_festival >= -22) & (from_festival <= 12)) | public,
        summer=summer,
        workday=(weekday < 5) & ~public,
        day_of_year=np.array([one.timetuple().tm_yday for one in dates]),
        festivals=np.flatnonzero(from_festival == 0).tolist(),
    )


def _within(day: date, first: tuple[int, int], last: tuple[int, int]) -> bool:
    return first <= (day.month, day.day) <= last


@dataclass(frozen=True, slots=True)
class Weather:
    """(days,) each."""

    temperature: Floats  # °C
    rain: Bools
    goes_out: Floats  # factor on errands


def draw_weather(dice: Dice, world: World, calendar: Calendar) -> Weather:
    """A year's course with warm and cold spells, and days of rain without memory."""
    rng = dice.rng
    spells = np.zeros(calendar.days)
    for day in range(1, calendar.days):
        spells[day] = 0.75 * spells[day - 1] + rng.normal(0, 1.9)
    course = np.cos((calendar.day_of_year - 205) / 365.25 * 2 * np.pi)
    temperature = world.mean_temperature + world.summer_above_mean * course + spells
    rain = dice.shares(calendar.days, 0.22)
    wet = np.where(rain, dice.between(0.75, 0.92), 1.0)
    harsh = (temperature < -2) | (temperature > 33)
    return Weather(temperature, rain, wet * np.where(harsh, 0.85, 1.0))
