"""When doors could not be trusted, hour by hour: what was so, and what the coverage table says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.layout import DWELLING_LOCK, Layout
from simulators.city_by_states.model import skewed
from simulators.city_by_states.world import World

COVERED = ("ok", "down", "propped", "clock")
OK, DOWN, PROPPED, CLOCK = 0, 1, 2, 3
NOT_TOLD = 4  # no row of coverage


@dataclass(frozen=True, slots=True)
class DoorHours:
    """Of every access point and hour of the history."""

    state: NDArray[np.uint8]  # (points, hours) OK, DOWN, PROPPED or CLOCK as it was
    told: NDArray[np.uint8]  # (points, hours) as the coverage has it; NOT_TOLD where it has nothing
    clock_off_s: NDArray[np.int64]  # (points,) error of the clock while it is wrong


def draw_faults(rng: Generator, world: World, layout: Layout, days: int) -> DoorHours:
    """The faults of all doors; rates are those of `world`, lengths have long tails."""
    hours = days * 24
    shape = (layout.points, hours)
    doors = DoorHours(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(layout.points, np.int64))
    for point in range(layout.points):
        _faults_of(rng, world, doors, point, bool(layout.scope[point] == DWELLING_LOCK), days / 365)
    if world.estate_outage:
        estate = int(rng.integers(0, layout.estates))
        first = int(rng.integers(0, max(1, hours - 400)))
        length = int(rng.integers(36, 240))
        common = (layout.estate == estate) & (layout.scope != DWELLING_LOCK)
        doors.state[common, first : first + length] = DOWN
        doors.told[common, first : first + length] = DOWN if rng.random() < 0.8 else OK
    return doors


def _faults_of(rng: Generator, world: World, doors: DoorHours, point: int, lock: bool, years: float) -> None:
    state, told = doors.state[point], doors.told[point]
    hours = len(state)
    left = world.outage_days * (0.35 if lock else 1) * years * rng.gamma(1.5, 1 / 1.5) * 24
    if rng.random() < world.late_install:
        installed = int(rng.integers(0, hours // 2))
        state[:installed] = DOWN
        told[:installed] = NOT_TOLD
    while left > 0:
        length = skewed(rng, 2.7, 1.1, 1, 24 * 12)
        first = int(rng.integers(0, hours))
        left -= length
        known = rng.random() < world.outage_known
        lost = rng.random() > 0.15  # some outages are of the network alone: the passes come later
        if lost:
            state[first : first + length] = DOWN
        if known:
            told[first : first + length] = DOWN
    if not lock:
        for _ in range(rng.poisson(world.propped_rate * 2 * years)):
            length = skewed(rng, 2.5, 1.1, 1, 24 * 20)
            first = int(rng.integers(0, hours))
            state[first : first + length] = PROPPED
            if rng.random() < world.propped_known:
                told[first : first + length] = PROPPED
    for _ in range(rng.poisson(world.clock_rate * years)):
        length = skewed(rng, 4, 0.9, 6, 24 * 30)
        first = int(rng.integers(0, hours))
        state[first : first + length] = CLOCK
        sign = rng.choice([-1, 1])
        doors.clock_off_s[point] = int(sign * np.clip(rng.lognormal(6.5, 1.3), 30, 9 * 3600))
        if rng.random() < world.clock_known:
            told[first : first + length] = CLOCK
    for _ in range(rng.poisson(world.heartbeat_gaps * years)):
        length = skewed(rng, 2, 1, 1, 100)
        first = int(rng.integers(0, hours))
        told[first : first + length] = NOT_TOLD
