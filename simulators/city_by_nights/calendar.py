"""The days of a history: holidays and school terms in China, the weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from simulators.city_by_nights.dice import YEAR_DAYS, Bools, Floats, Generator, Ints
from simulators.city_by_nights.world import World
from simulators.spring_festivals import spring_festivals

SPRING_FESTIVALS = spring_festivals(2024, 2030)
HOLIDAYS = {*((10, day) for day in range(1, 8)), *((5, day) for day in range(1, 6)), (1, 1), (4, 5), (6, 19)}
"""(month, day) of the others, about."""

SUMMER = (7, 8)  # months without school
SCHOOL_ENDS = (7, 3)  # (month, day) from which families travel
COLD_C = 2


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of a history; arrays are (days,)."""

    start: date
    days: int
    weekday: Ints  # 0 is Monday
    is_off: Bools  # a weekend or a holiday
    is_term: Bools
    festivals: list[int]  # first days of Spring Festival, some beyond the history
    summers: list[int]  # first days of school holidays, of all years about

    def text(self, day: int) -> str:
        """The date of a day, as the format writes it."""
        return (self.start + timedelta(day)).isoformat()


@dataclass(frozen=True, slots=True)
class Weather:
    """(days,) each."""

    temperature: Floats  # °C
    is_wet: Bools
    is_cold: Bools


def make_calendar(start: date, days: int) -> Calendar:
    """The calendar of `days` days from `start`."""
    dates = [start + timedelta(day) for day in range(days)]
    weekday = np.array([one.weekday() for one in dates])
    is_off = weekday >= 5
    is_term = np.array([one.month not in SUMMER for one in dates])
    is_off |= np.array([(one.month, one.day) in HOLIDAYS for one in dates])
    festivals = [(first - start).days for first in SPRING_FESTIVALS]
    for first in festivals:
        is_off[max(0, first - 1) : max(0, first + 7)] = True
        is_term[max(0, first - 18) : max(0, first + 14)] = False
    return Calendar(
        start=start,
        days=days,
        weekday=weekday,
        is_off=is_off,
        is_term=is_term,
        festivals=[first for first in festivals if -40 < first < days + 30],
        summers=[(date(year, *SCHOOL_ENDS) - start).days for year in range(start.year - 1, start.year + 3)],
    )


def draw_weather(rng: Generator, world: World, calendar: Calendar) -> Weather:
    """Temperatures about a yearly wave, each day near that of the day before; most rain falls in summer."""
    day_of_year = np.array([(calendar.start + timedelta(day)).timetuple().tm_yday for day in range(calendar.days)])
    departure = np.zeros(calendar.days)
    current = 0.0
    for day in range(calendar.days):
        current = 0.75 * current + rng.normal(0, 2.0)
        departure[day] = current
    wave = np.cos(2 * np.pi * (day_of_year - 20) / YEAR_DAYS)
    temperature = world.mean_temperature - world.temperature_swing * wave + departure
    rainy = world.rain * (1 + 0.5 * np.sin(2 * np.pi * (day_of_year - 100) / YEAR_DAYS))
    return Weather(temperature, rng.random(calendar.days) < rainy, temperature < COLD_C)
