"""(P) Water and electricity of a dwelling day by day, from who is really there.

Units: water m³ a day, electricity kWh a day. An empty dwelling still runs its fridge (unless its household switches
it off), and some dwellings leak: a meter alone proves neither absence nor presence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulators.movement import Crowd
from simulators.people import Household, Routine

SUMMER, WINTER = (6, 7, 8), (12, 1, 2)


@dataclass(frozen=True, slots=True)
class Consumption:
    """Per metered dwelling (rows as `dwellings`) and day (columns): water m³ and electricity kWh of that day."""

    dwellings: tuple[str, ...]
    water: NDArray[np.float64]
    electricity: NDArray[np.float64]
    start_water: NDArray[np.float64]
    start_electricity: NDArray[np.float64]


def consumption(crowd: Crowd, days: list[date], there: NDArray[np.bool_]) -> Consumption:
    """`there` is bodies × days. Dwellings that are not let use next to nothing."""
    population = crowd.population
    dwellings = tuple(sorted(population.metered))
    row = {code: i for i, code in enumerate(dwellings)}
    present = np.zeros((len(dwellings), len(days)))
    for index, body in enumerate(crowd.bodies):
        if body.dwelling in row:
            weight = 0.3 if body.routine is Routine.CARER else 0.6 if body.routine is Routine.INFANT else 1.0
            present[row[body.dwelling]] += weight * there[index]
    households = {h.dwelling: h for h in population.households}
    water, power = np.zeros_like(present), np.zeros_like(present)
    starts = np.zeros((len(dwellings), 2))
    for code, i in row.items():
        rng = np.random.default_rng([population.seed, 5, i])
        starts[i] = rng.uniform(30, 900), rng.uniform(900, 30_000)
        water[i], power[i] = _dwelling(rng, households.get(code), days, present[i])
    return Consumption(dwellings, water, power, starts[:, 0], starts[:, 1])


def part_of_day(second: NDArray[np.int64] | float) -> NDArray[np.float64]:
    """How much of a day's use is done at this second of the day (0..1)."""
    hours = np.asarray(second) / 3600
    return np.interp(hours, (0, 6, 9, 12, 18, 22, 24), (0.0, 0.03, 0.2, 0.45, 0.62, 0.95, 1.0)).astype(np.float64)


def _dwelling(
    rng: np.random.Generator, household: Household | None, days: list[date], present: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count = len(days)
    person_water, base_water = rng.uniform(0.06, 0.13), rng.uniform(0.01, 0.05)
    fridge, base_power, person_power = rng.uniform(0.5, 1.1), rng.uniform(1.0, 2.5), rng.uniform(0.7, 1.5)
    # a stream each, so that a longer stretch of days begins with the same days
    noise_water, noise_power = (
        r.gamma(shape, 1 / shape, count) for r, shape in zip(rng.spawn(2), (9, 16), strict=True)
    )
    lived_in = present > 0
    water = np.where(lived_in, base_water + person_water * present, 0.0) * noise_water
    season = np.array([1.7 if d.month in SUMMER else 1.4 if d.month in WINTER else 1.0 for d in days])
    idle = fridge * (1.0 if household is not None else 0.02)
    away_idle = idle * (0.08 if household is not None and household.fridge_off_when_away else 1.0)
    power = np.where(lived_in, idle + (base_power + person_power * present) * season, away_idle) * noise_power
    if household is not None and household.leak is not None:
        leak = household.leak
        water += 0.06 * np.array([leak.first <= d <= leak.last for d in days])
    return water, power
