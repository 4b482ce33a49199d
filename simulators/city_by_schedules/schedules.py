"""The weekly schedules that people keep, by what they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.arrays import HOUR_MIN, Floats, Generator

MINORS = ("school", "infant")
CHILDREN = ("school", "infant", "teen")


@dataclass(slots=True)
class Schedule:
    """Of one person; times are minutes of a day, above 1440 of the next."""

    works: Floats  # (7,) share of these weekdays, Monday first: at work or school
    leaves: float
    returns: float
    spread: float  # minutes, standard deviation of leaving
    errands: float  # ways out a day, beside work
    water: float  # share of a grown-up person's


def draw_schedule(rng: Generator, age: str) -> Schedule:
    """Of a `worker`, somebody in the `service` trades, of the `night` shift, a `school` child, `teen` or `infant`, an
    `elder`, somebody at `home`, or housebound (`bound`)."""
    between, normal = rng.uniform, rng.normal
    works = np.zeros(7)
    spread, errands = between(10, 40), between(0.3, 0.8)
    leaves, returns, water = 8.0 * HOUR_MIN, 18.5 * HOUR_MIN, 1.0
    match age:
        case "worker":
            works[:5] = between(0.85, 0.98)
            works[5], works[6] = between(0, 0.6), between(0, 0.25)
            leaves, returns = normal(7.7, 0.8) * HOUR_MIN, normal(18.6, 1.3) * HOUR_MIN
            errands = between(0.2, 0.7)
        case "service":
            works[:] = between(0.6, 0.85)
            leaves, returns = between(8.5, 14) * HOUR_MIN, between(20, 23) * HOUR_MIN
            spread, errands = between(20, 90), between(0.2, 0.6)
        case "night":
            works[:] = between(0.6, 0.78)
            leaves, returns = between(19, 22.3) * HOUR_MIN, between(29.5, 32.5) * HOUR_MIN
            errands = between(0.3, 0.7)
        case "school" | "teen":
            works[:5] = 0.97
            works[5] = between(0, 0.4)
            leaves, returns = normal(7.3, 0.25) * HOUR_MIN, normal(17.2, 0.8) * HOUR_MIN
            spread, errands, water = between(6, 20), between(0.1, 0.6), 0.8
        case "infant":
            errands, water = 0.0, 0.6
        case "elder":
            errands, water = max(0.15, rng.gamma(4, 0.33)), between(0.6, 1.0)
        case "home":
            errands = max(0.3, rng.gamma(5, 0.27))
        case "bound":
            errands, water = between(0, 0.06), between(0.6, 1)
    return Schedule(works, leaves, returns, spread, errands, water)
