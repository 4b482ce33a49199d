"""The true use of water and electricity of every home and day, before the meters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulators.city_by_estates.calendar import DayKind
from simulators.city_by_estates.crowd import Crowd
from simulators.city_by_estates.dice import Bools, Singles
from simulators.city_by_estates.people import Presence
from simulators.city_by_estates.town import Changed, Town

AT_HOME = (0.85, 0.85, 1.1, 1.1, 0.7, 0.8, 0.9, 0.95, 0.85)
"""Factors on the use of water by Role: who is at home by day uses more."""

FRUGAL = 0.03  # of homes
COOLING_ABOVE_C, HEATING_BELOW_C = 25, 9
VISIT_M3, VISIT_KWH = 0.12, 0.25  # at most; about


@dataclass(frozen=True, slots=True)
class Use:
    """(dwellings, days) each."""

    water: Singles  # m³
    electricity: Singles  # kWh
    is_occupied: Bools  # somebody sleeps there


def draw_use(town: Town, crowd: Crowd) -> Use:
    """What is used, leaks included."""
    rng, count, days = town.dice.rng, len(town.homes), town.days
    water, people, visitors = _by_presence(town, crowd)
    is_occupied = people > 0
    thrift = np.exp(rng.normal(0, 0.25, count)).astype(np.float32)
    thrift[rng.random(count) < FRUGAL] *= 0.4
    season = (1 + 0.012 * (town.weather.temperature - 16)).astype(np.float32)
    washing = (1 + 0.15 * (town.calendar.kind > DayKind.WORKDAY)).astype(np.float32)
    water *= thrift[:, None] * season * washing * rng.gamma(3.2, 1 / 3.2, (count, days)).astype(np.float32)
    water += is_occupied * rng.gamma(1.2, 0.012, (count, days)).astype(np.float32)

    plugged_in = rng.uniform(0.5, 1.6, count).astype(np.float32)
    climate = np.exp(rng.normal(0, 0.5, count)).astype(np.float32)[:, None] * _climate(town)
    standing = np.repeat(plugged_in[:, None], days, 1)
    for home in town.homes:
        for first, end, share in _within(home.unplugged, days):
            standing[home.number, first:end] *= share
        for first, end, leak in _within(home.leaks, days):
            water[home.number, first:end] += leak * rng.uniform(0.8, 1.2, end - first)
    of_people = thrift[:, None] * (1.15 * people**0.75) * rng.gamma(5, 0.2, (count, days)).astype(np.float32)
    of_climate = is_occupied * climate * people**0.3 * rng.gamma(3, 1 / 3, (count, days)).astype(np.float32)
    return Use(water, standing + of_people + of_climate + visitors * VISIT_KWH, is_occupied)


def _by_presence(town: Town, crowd: Crowd) -> tuple[Singles, Singles, Singles]:
    """(dwellings, days) each: m³ of a mean day, people who sleep there, and visitors."""
    rng, shape = town.dice.rng, (len(town.homes), town.days)
    water, people, visitors = (np.zeros(shape, np.float32) for _ in range(3))
    a_day = crowd.litres * np.array(AT_HOME, np.float32)[crowd.role] * crowd.water_share
    a_visit = np.minimum(VISIT_M3, crowd.litres * 0.25 * np.minimum(1.5, 0.3 + crowd.visit_hours / 4))
    for actor, home in enumerate(crowd.dwelling.tolist()):
        lives = (crowd.presence[actor] == Presence.HOME).astype(np.float32)
        water[home] += lives * a_day[actor]
        people[home] += lives
        comes = np.flatnonzero(crowd.presence[actor] == Presence.VISIT)
        if len(comes):
            water[home, comes] += a_visit[actor] * (rng.random(len(comes)) < 0.7)
            visitors[home, comes] += 1
    return water, people, visitors


def _climate(town: Town) -> Singles:
    """(days,) kWh of cooling and heating for one who is at home."""
    temperature = town.weather.temperature
    cooling = np.maximum(0, temperature - COOLING_ABOVE_C).astype(np.float32)
    heating = np.maximum(0, HEATING_BELOW_C - temperature).astype(np.float32)
    climate: Singles = (0.45 * cooling + 0.28 * heating).astype(np.float32)
    return climate


def _within(changes: list[Changed], days: int) -> Iterator[tuple[int, int, float]]:
    for first, end, amount in changes:
        begins, until = int(max(0, first)), int(min(days, end))
        if until > begins:
            yield begins, until, amount
