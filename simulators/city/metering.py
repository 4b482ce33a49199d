"""(P) Water and electricity of all metered dwellings, a day at a time, with leaks, gaps and meters that lie.

Units: water m³ a day, electricity kWh a day. An empty home still runs its fridge, unless its household is one that
switches it off when away, and a visit to an empty home may use some water, whatever the reason it is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulators.city.crowd import Crowd
from simulators.city.doors import Layout
from simulators.city.faults import MeterFault
from simulators.city.model import Household
from simulators.city.world import World

Array = NDArray[np.float64]
FRIDGE_OFF_AFTER = 4  # days away until a fridge that is switched off counts


@dataclass(frozen=True, slots=True)
class MeterDay:
    """Readings of one day. NaN: none came. `ok` false: the system knows that the value is not to be trusted."""

    dwelling: NDArray[np.int32]
    water: NDArray[np.bool_]
    value: Array
    ok: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spells:
    """Days `first`..`last` of one peculiarity by dwelling (first > last: none)."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def on(self, day: int) -> NDArray[np.bool_]:
        """Which dwellings have it on this day."""
        return (self.first <= day) & (day <= self.last)


@dataclass(frozen=True, slots=True)
class Meters:
    """All meters of the city, by dwelling."""

    crowd: Crowd
    layout: Layout
    world: World
    seed: int
    first_day_of_year: int
    has_water: NDArray[np.bool_]
    has_power: NDArray[np.bool_]
    person_water: Array
    base_water: Array
    base_power: Array
    person_power: Array
    fridge: Array
    fridge_off: NDArray[np.bool_]
    visit_water: NDArray[np.bool_]
    empty: NDArray[np.bool_]  # never let
    leak: Spells
    leak_rate: Array
    backwards: Spells
    estimated: Spells
    shared: NDArray[np.bool_]
    faults: tuple[MeterFault, ...]
    away_since: NDArray[np.int64]  # changes day by day: days the home has been empty

    def day(self, day: int, there: NDArray[np.bool_]) -> MeterDay:
        """The readings of `day`; must be asked for one day after the other, from day 0 on."""
        rng = np.random.default_rng([self.seed, 21, day])
        count, crowd = len(self.layout.dwellings), self.crowd
        used = np.bincount(crowd.dwelling[there], crowd.weight[there], minlength=count).astype(np.float64)
        visits = np.bincount(crowd.dwelling[there & crowd.looks_after], minlength=count) > 0
        lived = used > 0
        self.away_since[:] = np.where(lived, 0, self.away_since + 1)
        water = self._water(rng, day, used, visits)
        power = self._power(rng, day, used, visits)
        gaps, marked = rng.random((2, count)) < self.world.meters.gap, rng.random((2, count)) < 0.5
        silent = np.isin(self.layout.dwelling_estate, [f.estate for f in self.faults if f.first <= day <= f.last])
        parts = []
        for k, (has, value) in enumerate(((self.has_water, water), (self.has_power, power))):
            lost = gaps[k] | silent
            # half of the gaps stand as a row without a value, the others have no row at all
            row = has & (~lost | (marked[k] & gaps[k]) | (silent & (k == 0)))
            parts.append((row, np.where(lost, np.nan, value), ~lost))
        dwellings = np.arange(count, dtype=np.int32)
        return MeterDay(
            dwelling=np.concatenate([dwellings[row] for row, _, _ in parts]),
            water=np.concatenate([np.full(int(row.sum()), k == 0) for k, (row, _, _) in enumerate(parts)]),
            value=np.concatenate([value[row] for row, value, _ in parts]),
            ok=np.concatenate([ok[row] for row, _, ok in parts]),
        )

    def _water(self, rng: np.random.Generator, day: int, used: Array, visits: NDArray[np.bool_]) -> Array:
        count, step = len(used), self.world.meters.water_step
        noise, visit, cleaning = rng.gamma(7, 1 / 7, count), rng.uniform(0.002, 0.06, count), rng.random(count)
        usual = self.base_water + self.person_water * 1.8
        water = np.where(used > 0, self.base_water + self.person_water * used, 0.0) * noise
        water = np.where(self.estimated.on(day), usual, water)
        water += np.where(visits & self.visit_water, visit, 0.0)
        water += np.where(self.empty & (cleaning < 0.006), visit, 0.0)
        water += np.where(self.leak.on(day), self.leak_rate, 0.0)
        water = np.where(self.shared, water + np.roll(water, 1), water)
        water = np.where(self.backwards.on(day), -water, water)
        return np.round(water / step) * step

    def _power(self, rng: np.random.Generator, day: int, used: Array, visits: NDArray[np.bool_]) -> Array:
        count = len(used)
        noise, visit = rng.gamma(14, 1 / 14, count), rng.uniform(0.1, 1.2, count)
        of_year = (self.first_day_of_year + day) % 365
        season = 1.0 + 0.7 * np.exp(-(((of_year - 205) / 32) ** 2))
        season += 0.45 * np.exp(-(((min(of_year, 365 - of_year) - 10) / 35) ** 2))
        off = self.fridge_off & (self.away_since >= FRIDGE_OFF_AFTER)
        idle = np.where(off, 0.06, 1.0) * self.fridge
        power = np.where(used > 0, self.fridge + (self.base_power + self.person_power * used) * season, idle)
        return np.asarray(np.round((power * noise + np.where(visits, visit, 0.0)) * 100) / 100)


def make_meters(
    seed: int,
    households: list[Household],
    crowd: Crowd,
    layout: Layout,
    world: World,
    days: int,
    first_day_of_year: int,
    faults: list[MeterFault],
) -> Meters:
    """The meters of all dwellings. What a meter is like never depends on who lives behind it."""
    rng, meters, count = np.random.default_rng([seed, 22]), world.meters, len(households)
    empty = np.array([h.kind == "not_let" for h in households])
    frugal = np.array([h.frugal for h in households])
    spells = Random(f"{seed}:meters")
    return Meters(
        crowd=crowd,
        layout=layout,
        world=world,
        seed=seed,
        first_day_of_year=first_day_of_year,
        has_water=rng.random(count) < meters.water,
        has_power=rng.random(count) < meters.electricity,
        person_water=rng.uniform(*meters.person_water, count) * frugal,
        base_water=rng.uniform(*meters.base_water, count) * frugal,
        base_power=rng.uniform(0.8, 2.4, count),
        person_power=rng.uniform(0.6, 1.5, count),
        fridge=np.where(empty, 0.02, rng.uniform(0.45, 1.1, count)),
        fridge_off=np.array([h.style.fridge_off for h in households]),
        visit_water=np.array([h.style.uses_water for h in households]),
        empty=empty,
        leak=_spells(spells, count, meters.leak * days / 365, meters.leak_days, days),
        leak_rate=rng.lognormal(np.log(0.05), 1.0, count).clip(0.004, 1.5),
        backwards=_spells(spells, count, meters.backwards, (10, 120), days),
        estimated=_spells(spells, count, meters.estimated, (27, 62), days),
        shared=rng.random(count) < meters.shared,
        faults=tuple(faults),
        away_since=np.full(count, FRIDGE_OFF_AFTER, np.int64),
    )


def _spells(rng: Random, count: int, share: float, length: tuple[int, int], days: int) -> Spells:
    first, last = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    for number in range(count):
        if rng.random() < share:
            first[number] = rng.randint(-length[0], days)
            last[number] = first[number] + rng.randint(*length)
    return Spells(first, last)
