"""The true use of water and electricity of every home and day, before the meters.

Levels are assumptions (105 to 165 litres a grown-up and day, 1 kWh a person beside the standing load); that honest homes run
dry for weeks follows `detection.md` section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.calendar import Weather
from simulators.city_by_nights.crowd import Crowd
from simulators.city_by_nights.dice import Bools, Floats, Singles
from simulators.city_by_nights.people import Role
from simulators.city_by_nights.town import Town

BEFORE_LEAVING, AFTER_COMING = 0.45, 0.55  # of a day's use: after a night at home, before one
CHILDS_SHARE, ELDERS_SHARE = 0.6, 0.95
OFF_SHARE = 0.28  # of days
COOLING_ABOVE_C, HEATING_BELOW_C = 26, 8


@dataclass(frozen=True, slots=True)
class Use:
    """(dwellings, days) each."""

    litres: Floats
    kwh: Floats


def draw_use(town: Town, weather: Weather, crowd: Crowd) -> Use:
    """What is used, leaks included."""
    night: Singles = crowd.nights.astype(np.float32)
    presence = BEFORE_LEAVING * night[:, :-1] + AFTER_COMING * night[:, 1:]
    people = np.zeros((town.dwellings, town.days), np.float32)
    np.add.at(people, crowd.dwelling, presence)
    return Use(_litres(town, weather, crowd, presence, people), _kwh(town, weather, crowd, people))


def _litres(town: Town, weather: Weather, crowd: Crowd, presence: Singles, people: Singles) -> Floats:
    """(dwellings, days); `people` is how many are at home, in parts of a day."""
    rng, world, count, days = town.rng, town.world, town.dwellings, town.days
    by_age = np.where(crowd.role == Role.CHILD, CHILDS_SHARE, np.where(crowd.role == Role.ELDER, ELDERS_SHARE, 1.0))
    living = np.zeros((count, days), np.float32)
    np.add.at(living, crowd.dwelling, presence * (crowd.litres * by_age)[:, None])
    is_shared = people > 1
    living[is_shared] *= people[is_shared] ** -0.25  # a household uses less a head
    living *= np.where(town.is_frugal, rng.uniform(0.12, 0.4, count), 1.0)[:, None]

    spread = np.clip(np.exp(rng.normal(np.log(0.43), 0.26, count)), 0.22, 1.0)  # of the days of one home
    shape = 1 / spread**2
    of_day = rng.gamma(np.repeat(shape[:, None], days, 1)) / shape[:, None]
    drift = np.zeros((count, days))
    current = rng.normal(0, 0.2, count)
    for day in range(days):
        current = 0.93 * current + rng.normal(0, 0.07, count)
        drift[:, day] = current
    washing = 1 + 0.25 * (np.where(town.calendar.is_off, 1, 0)[None] - OFF_SHARE) * rng.uniform(0, 1, (count, 1))
    warmth = (1 + 0.012 * (weather.temperature - weather.temperature.mean()))[None].clip(0.75, 1.3)
    litres: Floats = living * of_day * np.exp(drift) * washing * warmth
    for actor, visit in crowd.visits:
        if visit.litres is not None:
            litres[crowd.dwelling[actor], visit.day] += visit.litres
    for home in np.flatnonzero(rng.random(count) < world.leak):  # drips, running cisterns, broken pipes
        first = int(rng.integers(-30, days))
        end = first + int(np.clip(np.exp(rng.normal(3.2, 1)), 4, 300))
        litres[home, max(0, first) : max(0, end)] += float(np.exp(rng.normal(np.log(35), 1.2)))
    return litres


def _kwh(town: Town, weather: Weather, crowd: Crowd, people: Singles) -> Floats:
    rng, count, days = town.rng, town.dwellings, town.days
    standing = np.exp(rng.normal(np.log(0.9), 0.45, count))
    a_person = np.exp(rng.normal(np.log(1.05), 0.35, count))
    plugged = np.repeat(standing[:, None], days, 1)
    for home, first, end in town.fridges_off:
        plugged[home, max(0, first) : max(0, min(days, end))] = standing[home] * rng.uniform(0.02, 0.2)
    climate = _climate(town, weather)
    at_home = a_person[:, None] * people**0.75 + climate * (people > 0) * np.sqrt(np.maximum(people, 0.2))
    kwh: Floats = plugged + at_home * rng.gamma(9, 1 / 9, (count, days))
    for actor, visit in crowd.visits:
        if visit.litres is not None:
            kwh[crowd.dwelling[actor], visit.day] += 0.15 * rng.random() + 0.004 * visit.litres
    is_off: Bools = town.leases.recorded_vacant & (rng.random(count) < 0.6)
    is_off[list(town.violations)] = False
    kwh[is_off] *= rng.uniform(0.0, 0.1, is_off.sum())[:, None]
    return kwh


def _climate(town: Town, weather: Weather) -> Floats:
    """(dwellings, days) kWh of cooling and heating while somebody is at home; the north heats by district."""
    rng, count = town.rng, town.dwellings
    cooling = np.exp(rng.normal(np.log(0.28), 0.6, count)) * (rng.random(count) < 0.85)
    has_heater = 0.25 if town.world.north else 0.65
    heating = np.exp(rng.normal(np.log(0.2), 0.6, count)) * (rng.random(count) < has_heater)
    hot = np.maximum(0, weather.temperature - COOLING_ABOVE_C)
    cold = np.maximum(0, HEATING_BELOW_C - weather.temperature)
    climate: Floats = cooling[:, None] * hot[None] + heating[:, None] * cold[None]
    return climate
