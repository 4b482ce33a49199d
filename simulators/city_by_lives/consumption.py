"""Water and electricity that homes use, day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_lives.basics import Bools, Floats, Generator, Singles, gamma_days, happens, pick, spans, whole
from simulators.city_by_lives.crowd import Crowd
from simulators.city_by_lives.jobs import TIME_AT_HOME
from simulators.city_by_lives.town import Home, Town
from simulators.city_by_lives.whereabouts import Where

USE = {Where.LIVES: 1.0, Where.LEAVES: 0.35, Where.ARRIVES: 0.45, Where.STAYS_IN: 1.2}
"""Of a day's water, before it is known how much somebody is at home."""

MOST_OF_VISIT = 0.7
STANDBY = 0.05  # kWh a day of a home in which nobody lives yet, or any more


@dataclass(frozen=True, slots=True)
class Use:
    """(dwellings, days)"""

    persons: Singles  # at home, as parts of a day
    water: Floats  # m³
    power: Floats  # kWh


def draw_use(rng: Generator, town: Town, crowd: Crowd, temperature: Floats) -> Use:
    """What is used by who is there, what leaks, and what runs in an empty home. `temperature`: (days,) in °C."""
    shape = len(town.homes), town.days
    water, persons = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    use = np.array([USE.get(where, 0.0) for where in Where], np.float32)
    at_home = TIME_AT_HOME[crowd.job]
    for actor, (where, dwelling) in enumerate(zip(crowd.where, crowd.dwelling, strict=True)):
        visits = (where == Where.DAY_VISIT) | (where == Where.EVENING_VISIT)
        there = use[where] * at_home[actor] + visits * min(MOST_OF_VISIT, 0.06 + 0.06 * crowd.visit_hours[actor])
        persons[dwelling] += there
        water[dwelling] += there * crowd.water[actor]
    return Use(persons, _water(rng, water, persons, temperature), _power(rng, town, persons, temperature))


def _water(rng: Generator, water: Singles, persons: Singles, temperature: Floats) -> Floats:
    shape = homes, days = water.shape
    used: Floats = water * rng.gamma(9, 1 / 9, shape) * (1 + 0.12 * np.clip((temperature - 20) / 10, -1, 1.3))
    washes = (rng.random(shape) < np.minimum(0.8, 0.22 * persons)) & (persons > 0.4)
    used += washes * rng.uniform(0.035, 0.085, shape)
    for home in np.flatnonzero(rng.random(homes) < 0.06).tolist():  # drips and leaks
        first = whole(rng, -100, days)
        end = first + 5 + gamma_days(rng, 1.2, 72)
        leak = pick(rng, (0.003, 0.012, 0.05, 0.18), (0.4, 0.3, 0.2, 0.1)) * rng.uniform(0.6, 1.5)
        used[home, max(first, 0) : max(end, 0)] += leak
    used[(used > 0) & (rng.random(shape) < 0.002)] += 0.2
    return used


def _power(rng: Generator, town: Town, persons: Singles, temperature: Floats) -> Floats:
    shape = homes, _ = persons.shape
    base = np.array([_base_load(rng, home, persons[home.number] > 0) for home in town.homes])
    household = np.array([home.power for home in town.homes])[:, None]
    heating = 0.06 if town.habits.has_district_heating else 0.3
    cold, hot = np.maximum(0, 9 - temperature) * heating, np.maximum(0, temperature - 26) * 0.42
    cools = rng.choice((0.0, 0.5, 1.0, 1.6), homes, p=(0.12, 0.33, 0.4, 0.15))[:, None]
    heats = rng.choice((0.1, 0.6, 1.3), homes)[:, None]
    is_there = persons > 0.3
    by_persons = 1.15 * persons * rng.gamma(8, 1 / 8, shape) + 0.55 * is_there
    by_weather = np.minimum(1.8, 0.55 + 0.35 * persons) * is_there * (hot * cools + cold * heats)
    used: Floats = (base + household * (by_persons + by_weather)) * rng.uniform(0.97, 1.03, shape)
    return used


def _base_load(rng: Generator, home: Home, is_there: Bools) -> Floats:
    """(days,) kWh of what runs always; who is long away may switch it off."""
    days, rest = len(is_there), rng.uniform(0.05, 0.3)
    usual = rng.uniform(0.45, 1.25) if home.kind is not None else pick(rng, (0.0, 0.05, 0.15))
    base = np.full(days, usual)
    if home.kind is None and not is_there.any():
        return base
    base[: min(max(home.lived_in_from(), 0), days)] = STANDBY
    base[max(0, min(home.moves_out, days)) :] = STANDBY
    switches_off_if_long, leaves_nothing_on = happens(rng, 0.3), happens(rng, 0.2)
    for first, end in spans(~is_there):
        absent = end - first
        if (absent > 18 and home.switches_off) or (absent > 70 and switches_off_if_long):
            base[first + 1 : end] = 0 if leaves_nothing_on else rest
    return base
