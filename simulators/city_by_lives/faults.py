"""Doors that record nothing, or not all, or by a wrong clock; and how much of it the coverage tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_lives.basics import DAY_H, Generator, happens, pick, whole
from simulators.city_by_lives.town import Town


class State(IntEnum):
    """What the coverage says of an hour; where several hold, the greatest."""

    OK = 0
    CLOCK = 1
    PROPPED = 2
    DOWN = 3
    UNTOLD = 4  # no row: the door was not heard of


STATE_WORDS = ("ok", "clock", "propped", "down", "")


@dataclass(frozen=True, slots=True)
class Covered:
    """A row of the coverage; hours of the history."""

    point: int
    first_hour: int
    end_hour: int
    state: State


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A door's clock is wrong from one hour to another."""

    point: int
    first_hour: int
    end_hour: int
    offset: int  # s


@dataclass(slots=True)
class Faults:
    """Of all doors."""

    recorded: NDArray[np.float16]  # (access points, hours): the share of passes that is recorded
    told: NDArray[np.int8]  # (access points, hours) of State
    clocks: list[WrongClock]

    def coverage(self) -> list[Covered]:
        """Rows by access point and time."""
        rows = list[Covered]()
        hours = self.told.shape[1]
        for point, told in enumerate(self.told):
            cuts = [0, *(np.flatnonzero(np.diff(told)) + 1).tolist(), hours]
            rows += [Covered(point, first, end, State(told[first])) for first, end in pairwise(cuts)]
        return [row for row in rows if row.state != State.UNTOLD]

    def tell(self, point: int, first: int, end: int, state: State) -> None:
        """The coverage says so, unless it has worse to say."""
        hours = self.told[point, first:end]
        np.maximum(hours, state, out=hours)


def draw_faults(rng: Generator, town: Town) -> Faults:
    """Faults of every door by itself, and power cuts of whole estates."""
    points, hours = town.places.points, town.days * DAY_H
    faults = Faults(np.ones((len(points), hours), np.float16), np.zeros((len(points), hours), np.int8), [])
    for number, point in enumerate(points):
        _fail(rng, faults, number, point.scope, town.years)
    for estate in town.places.estates:
        if happens(rng, 0.35):
            first = whole(rng, 0, hours)
            end = first + whole(rng, 10, 130)
            is_told = happens(rng, 0.7)
            for number, point in enumerate(points):
                if point.estate == estate.number and point.scope != "dwelling":
                    faults.recorded[number, first:end] = 0
                    if is_told:
                        faults.tell(number, first, end, State.DOWN)
    return faults


def _fail(rng: Generator, faults: Faults, point: int, scope: str, years: float) -> None:
    is_lock, recorded = scope == "dwelling", faults.recorded[point]
    hours = len(recorded)

    def times(a_year: float, shape: float, scale: float, least: int) -> list[tuple[int, int]]:
        """(first, end) hours of what happens so often and lasts about so long."""
        firsts = [whole(rng, 0, hours) for _ in range(rng.poisson(a_year * years))]
        return [(first, min(hours, first + least + int(rng.gamma(shape, scale)))) for first in firsts]

    for first, end in times(0.35 if is_lock else rng.uniform(1.0, 4.0), 1.1, 50, 2):
        recorded[first:end] = 0
        faults.tell(point, first, end, State.DOWN)
    if not is_lock:  # a door that is held open
        for first, end in times(0.6 if scope == "estate" else 1.3, 0.9, 110, 6):
            recorded[first:end] *= rng.uniform(0.08, 0.35)
            if happens(rng, 0.6):
                faults.tell(point, first, end, State.PROPPED)
    for first, end in times(0.05 if is_lock else 0.5, 1.2, 200, 12):  # records are lost, and nobody tells
        recorded[first:end] *= pick(rng, (0.0, rng.uniform(0.1, 0.7)), (0.35, 0.65))
    for first, end in times(0.1 if is_lock else 0.35, 1.2, 150, 12):
        error = pick(rng, (90, 600, 3600, 28_800, 43_000), (0.3, 0.3, 0.2, 0.1, 0.1)) * rng.uniform(0.6, 1.4)
        faults.clocks.append(WrongClock(point, first, end, int(pick(rng, (-1, 1)) * error)))
        if happens(rng, 0.5):
            faults.tell(point, first, end, State.CLOCK)
    if not is_lock and happens(rng, 0.15 * years):  # not heard of, but the door is fine
        first = whole(rng, 0, hours)
        faults.tell(point, first, min(hours, first + whole(rng, 6, 200)), State.UNTOLD)
