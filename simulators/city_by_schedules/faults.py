"""When access points are down, propped open or wrong in their clocks, hour by hour, and what of it the coverage says.

Rates are assumptions around `law_and_practice.md` section 5.3 (3-20 days down a year); a hidden outage is one that no
device reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulators.city_by_schedules.access_points import AccessPoint, Doors
from simulators.city_by_schedules.arrays import HOUR_MIN, YEAR_DAYS, Ints, Numbers
from simulators.city_by_schedules.town import Town

DAY_H = 24
OUTAGE_H = 1.2 * DAY_H  # mean
LONGEST_CUT_H = 16 * DAY_H  # of a whole estate


class State(IntEnum):
    """Of an access point; the first four are words of the coverage table."""

    OK = 0
    DOWN = 1
    PROPPED = 2
    CLOCK = 3
    NONE = 4  # no row: not observed


STATE_WORDS = ("ok", "down", "propped", "clock")


class Coverage(NamedTuple):
    """(rows,) each, in order of access points and time; hours from the begin of the history."""

    point: Ints
    begin: Ints
    end: Ints
    state: Ints


@dataclass(frozen=True, slots=True)
class Faults:
    """(access points, hours) each."""

    true: Numbers  # State
    told: Numbers  # State, as the coverage says
    clock_error: Numbers  # minutes added to times

    def hour(self, minute: Numbers) -> Ints:
        """The hour of the history that holds a minute; of one outside, the nearest."""
        hours: Ints = np.clip((minute // HOUR_MIN).astype(int), 0, self.true.shape[1] - 1)
        return hours

    def happen(self, point: int, first: float, hours: float, state: State, told: State | None, error: int = 0) -> None:
        """From hour `first` on the point is in this state; `told` None: the coverage says what it said."""
        begin = int(max(0, first))
        end = int(min(self.true.shape[1], first + max(1, hours)))
        if end <= begin:
            return
        self.true[point, begin:end] = state
        self.clock_error[point, begin:end] = error
        if told is not None:
            self.told[point, begin:end] = told

    def coverage(self) -> Coverage:
        """What the coverage says, in runs of one state."""
        begins = np.ones(self.told.shape, bool)
        begins[:, 1:] = self.told[:, 1:] != self.told[:, :-1]
        point, begin = np.nonzero(begins)
        end = np.append(begin[1:], 0)
        is_last = np.append(point[1:] != point[:-1], True)
        end[is_last] = self.told.shape[1]
        state = self.told[point, begin].astype(np.int64)
        rows = state != State.NONE
        return Coverage(point[rows], begin[rows], end[rows], state[rows])


def draw_faults(town: Town, doors: Doors) -> Faults:
    """Faults of devices, of whole estates, and doors of estates that go live in the history; what comes later here
    hides what was before."""
    shape = len(doors.points), town.days * DAY_H
    faults = Faults(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(shape, np.int16))
    for number, point in enumerate(doors.points):
        _draw_point(town, faults, number, point)
    for estate in range(len(town.places.estates)):
        inside = [number for number, point in enumerate(doors.points) if point.estate == estate]
        _draw_cuts(town, faults, doors.points, inside)
        live_from = town.places.estates[estate].live_from
        if live_from:
            for number in inside:
                if not doors.points[number].is_lock:
                    hours = (live_from + int(town.rng.integers(0, 20))) * DAY_H
                    faults.happen(number, 0, hours, State.NONE, State.NONE)
    return faults


def _draw_point(town: Town, faults: Faults, number: int, point: AccessPoint) -> None:
    rng, record, hours = town.rng, town.record, town.days * DAY_H
    down_days = rng.gamma(1.2, record.down_days / 1.2) * (0.5 if point.is_lock else 1) * town.days / YEAR_DAYS
    for _ in range(rng.poisson(down_days / 1.2)):
        lasts = rng.exponential(OUTAGE_H)
        told = _told_of_outage(town, record.hidden, 0.25)
        faults.happen(number, rng.uniform(0, hours), lasts, State.DOWN, told)
    if not point.is_lock:
        _draw_propped(town, faults, number, point)
    for _ in range(rng.poisson(record.clock_wrong * town.days / YEAR_DAYS)):
        first, lasts = rng.uniform(0, hours), rng.uniform(1, 16) * DAY_H
        told_state = State.CLOCK if town.chance(0.6) else None
        error = int(rng.choice([-1, 1]) * np.exp(rng.uniform(np.log(3), np.log(900))))
        faults.happen(number, first, lasts, State.CLOCK, told_state, error)


def _draw_propped(town: Town, faults: Faults, number: int, point: AccessPoint) -> None:
    """A door stands open: for a day or so, or for weeks."""
    rng, record, hours = town.rng, town.record, town.days * DAY_H
    factor = 1 if point.scope == "block" else 0.5
    for _ in range(rng.poisson(record.propped * factor * town.days / YEAR_DAYS)):
        first, lasts = rng.uniform(0, hours), np.exp(rng.normal(2.9, 1.3))
        faults.happen(number, first, lasts, State.PROPPED, State.PROPPED if town.chance(0.7) else None)
    if town.chance(record.propped_for_long):
        first, lasts = rng.uniform(-0.3, 0.9) * hours, rng.uniform(25, 160) * DAY_H
        faults.happen(number, first, lasts, State.PROPPED, State.PROPPED if town.chance(0.55) else None)


def _draw_cuts(town: Town, faults: Faults, points: Sequence[AccessPoint], inside: list[int]) -> None:
    """Cuts of power or network that take the doors of an estate, and a part of its locks."""
    rng, hours = town.rng, town.days * DAY_H
    for _ in range(rng.poisson(1.8 * town.days / YEAR_DAYS)):
        first, lasts = rng.uniform(0, hours), min(LONGEST_CUT_H, np.exp(rng.normal(2.6, 1.3)))
        told = _told_of_outage(town, town.record.hidden * 0.6, 0.3)
        for number in inside:
            if not points[number].is_lock or town.chance(0.3):
                faults.happen(number, first, lasts, State.DOWN, told)


def _told_of_outage(town: Town, hidden: float, unobserved: float) -> State | None:
    """Hidden, or a row that is missing, or `down`."""
    if town.chance(hidden):
        return None
    return State.NONE if town.chance(unobserved) else State.DOWN
