"""Faults of doors hour by hour: outages, propped doors, wrong clocks, gaps; and what the coverage tells of them.

Rates after `detection.md` section 3 and `law_and_practice.md` section 5.3; a few faults are in no record.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.dice import (
    DAY_H,
    HOUR_S,
    YEAR_DAYS,
    Bytes,
    Ints,
    Singles,
    skewed_days,
)
from simulators.city_by_nights.estates import Doors
from simulators.city_by_nights.town import Town


class State(IntEnum):
    """Of a door in one hour, by its place in STATE_WORDS; a gap is in no row."""

    OK = 0
    DOWN = 1
    PROPPED = 2
    CLOCK = 3
    GAP = 4


STATE_WORDS = ("ok", "down", "propped", "clock")
SEVERITY = (State.CLOCK, State.PROPPED, State.DOWN, State.GAP)  # of two faults at once the later one here counts
LEAST_SHIFT_S, MOST_SHIFT_S = 240, 9 * HOUR_S  # of a wrong clock
PROPPED_UNRECORDED = 1.6  # times as often as other faults
CLOCK_RECORDED = 0.75  # of wrong clocks


class Fault(NamedTuple):
    """Of one access point, in hours [first, end) of the history."""

    first: int
    end: int
    state: State
    is_recorded: bool


class Covered(NamedTuple):
    """A row of the coverage, in seconds of the history."""

    point: int
    first: int
    end: int
    state: str


@dataclass(frozen=True, slots=True)
class Faults:
    """Of gates and blocks' doors (the first access points) by hour, and of locks by dwelling and day."""

    records: Singles  # (shared points, hours): factor on P that a pass is recorded
    shift: Ints  # (shared points, hours): seconds by which the clock is ahead
    lock_records: Singles  # (dwellings, days)
    covered: list[Covered]


def draw_faults(town: Town, doors: Doors) -> Faults:
    """All faults of a city, in an order of draws that is part of what a seed means."""
    hours = town.days * DAY_H
    faults = Faults(
        records=np.ones((doors.shared, hours), np.float32),
        shift=np.zeros((doors.shared, hours), np.int64),
        lock_records=np.ones((town.dwellings, town.days), np.float32),
        covered=[],
    )
    outages = _big_outages(town, hours)
    for point in range(doors.shared):
        drawn = _draw_point(town, hours)
        if outage := outages.get(doors.points[point].estate):
            drawn.append(outage)
        if town.rng.random() < town.world.late_fit:
            drawn.append(Fault(0, int(town.rng.integers(10, 100)) * DAY_H, State.GAP, True))
        told = _suffer(town, faults, point, drawn)
        faults.covered.extend(_rows(point, told, HOUR_S))
    for home in np.flatnonzero(town.has_lock).tolist():
        told = _draw_lock(town, faults.lock_records[home])
        faults.covered.extend(_rows(int(doors.lock[home]), told, DAY_H * HOUR_S))
    return faults


def _big_outages(town: Town, hours: int) -> dict[int, Fault]:
    """By estate: all its doors are down for up to two weeks."""
    rng = town.rng
    outages: dict[int, Fault] = {}
    for estate in town.places.estates:
        if estate.big_outage:
            first = int(rng.integers(10 * DAY_H, max(11 * DAY_H, hours - 16 * DAY_H)))
            end = first + int(rng.integers(30, 14 * DAY_H))
            outages[estate.number] = Fault(first, end, State.DOWN, rng.random() > 0.1)
    return outages


def _draw_point(town: Town, hours: int) -> list[Fault]:
    """Of one gate or block's door."""
    rng, world, days = town.rng, town.world, town.days
    years = days / YEAR_DAYS
    hidden = world.unrecorded
    faults: list[Fault] = []
    for _ in range(rng.poisson(world.outages * years)):
        first = int(rng.integers(0, hours))
        faults.append(Fault(first, first + skewed_days(rng, 2.9, 1.1, 1, 240), State.DOWN, rng.random() > hidden))
    hidden_prop = hidden * PROPPED_UNRECORDED
    for _ in range(rng.poisson(world.propped * years)):
        first = int(rng.integers(0, days)) * DAY_H + int(rng.integers(7, 20))
        end = first + skewed_days(rng, 2.6, 1.2, 2, 300)
        faults.append(Fault(first, end, State.PROPPED, rng.random() > hidden_prop))
    if rng.random() < world.always_propped:
        first = int(rng.integers(0, hours))
        end = first + int(rng.integers(20, 140)) * DAY_H
        faults.append(Fault(first, end, State.PROPPED, rng.random() > hidden_prop))
    for _ in range(rng.poisson(world.clock_wrong * years)):
        first = int(rng.integers(0, hours))
        end = first + skewed_days(rng, 4.0, 1.0, 6, 700)
        faults.append(Fault(first, end, State.CLOCK, rng.random() > 1 - CLOCK_RECORDED))
    for _ in range(rng.poisson(world.gaps * years)):
        first = int(rng.integers(0, hours))
        faults.append(Fault(first, first + skewed_days(rng, 3.2, 0.8, 2, 240), State.GAP, True))
    return faults


def _suffer(town: Town, faults: Faults, point: int, drawn: list[Fault]) -> Bytes:
    """Writes the faults of a point into `faults`; (hours,) states as they are told."""
    rng, records, shift = town.rng, faults.records[point], faults.shift[point]
    state, told = np.zeros(len(records), np.int8), np.zeros(len(records), np.int8)
    for fault in sorted(drawn, key=lambda one: SEVERITY.index(one.state)):
        hours = slice(fault.first, fault.end)
        state[hours] = fault.state
        if fault.is_recorded:
            told[hours] = fault.state
        if fault.state == State.PROPPED:
            records[hours] = rng.uniform(0.08, 0.35)
        elif fault.state == State.CLOCK:
            ahead = int(rng.choice([-1, 1]))
            shift[hours] = ahead * int(np.exp(rng.uniform(np.log(LEAST_SHIFT_S), np.log(MOST_SHIFT_S))))
    records[(state == State.DOWN) | (state == State.GAP)] = 0
    shift[state != State.CLOCK] = 0
    return told


def _draw_lock(town: Town, records: Singles) -> Bytes:
    """Battery flat, so that the key is used, or dead for good; (days,) states as they are told."""
    rng, days = town.rng, town.days
    told = np.zeros(days, np.int8)
    for _ in range(rng.poisson(0.5 * days / YEAR_DAYS)):
        first = int(rng.integers(0, days))
        end = min(days, first + int(1 + rng.exponential(5)))
        records[first:end] = 0
        if rng.random() < 0.7:
            told[first:end] = State.DOWN
    if rng.random() < 0.03:
        first = int(rng.integers(0, days))
        records[first:] = 0
        told[first:] = State.GAP if rng.random() < 0.6 else State.OK
    return told


def _rows(point: int, told: Bytes, step_s: int) -> list[Covered]:
    """Spells of one told state; a gap has no row."""
    changes = (np.flatnonzero(np.diff(told)) + 1).tolist()
    return [
        Covered(point, first * step_s, end * step_s, STATE_WORDS[told[first]])
        for first, end in zip([0, *changes], [*changes, len(told)], strict=True)
        if told[first] != State.GAP
    ]
