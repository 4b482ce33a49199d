"""(P) What goes wrong with doors, what of it is recorded, and what it does to passes.

Outages of doors after `law_and_practice.md` 5.3 (3–20 device days a year), propped doors and clocks after the rules D3
and D5 of its section 4.1; faults that nobody records after `detection.md` 3 ("outages visible and invisible").
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulators.city_by_diaries.arrays import DAY_MIN, Generator
from simulators.city_by_diaries.estates import Scope
from simulators.city_by_diaries.passes import Passes
from simulators.city_by_diaries.town import Town

SEEN_WHEN_PROPPED = 0.12  # of passes


class Fault(NamedTuple):
    """One fault of one door, from a minute to a minute."""

    begin: float
    end: float
    state: str  # `down`, `propped` or `clock`
    recorded: bool
    shift: float  # minutes that the clock is ahead


def draw_faults(town: Town) -> list[list[Fault]]:
    """The faults of each access point."""
    rng, world = town.rng, town.world
    minutes, years = town.days * DAY_MIN, town.days / 365
    faults: list[list[Fault]] = [[] for _ in town.places.points]
    for estate in range(len(town.places.estates)):
        if rng.random() < world.estate_outages * years:  # power, or a server
            begin = rng.uniform(0, minutes)
            end = begin + rng.uniform(1, 11) * DAY_MIN
            fault = Fault(begin, end, "down", rng.random() < 0.8, 0)
            for number, point in enumerate(town.places.points):
                if point.estate == estate and point.scope != Scope.DWELLING:
                    faults[number].append(fault)
    for number, point in enumerate(town.places.points):
        faults[number] += _of_door(town, point.scope == Scope.DWELLING, minutes, years)
    return faults


def _of_door(town: Town, is_lock: bool, minutes: float, years: float) -> list[Fault]:
    rng, world = town.rng, town.world
    faults = []
    for _ in range(rng.poisson(world.outages * years * (0.15 if is_lock else 1))):
        begin = rng.uniform(0, minutes)
        hours = rng.exponential(world.outage_hours * (3 if is_lock else 1))
        faults.append(Fault(begin, begin + hours * 60 + 10, "down", rng.random() > world.silent, 0))
    if not is_lock:
        for _ in range(rng.poisson(world.propped * years)):
            begin = rng.uniform(0, minutes)
            end = begin + rng.exponential(4.0) * DAY_MIN + 60
            faults.append(Fault(begin, end, "propped", rng.random() > world.silent + 0.25, 0))
    for _ in range(rng.poisson(world.clock_wrong * years * (0.3 if is_lock else 1))):
        begin = rng.uniform(0, minutes)
        end = begin + rng.exponential(9) * DAY_MIN + 200
        recorded = rng.random() > world.silent + 0.15
        faults.append(Fault(begin, end, "clock", recorded, _clock_shift(rng)))
    return faults


def _clock_shift(rng: Generator) -> float:
    """Minutes: a zone too early or late, a drift, days behind, hours off."""
    drift = rng.normal(0, 40)
    behind = -DAY_MIN * int(rng.integers(1, 20))
    hours_off = rng.normal(0, 400)
    return float(rng.choice(np.array([-480.0, 480.0, drift, behind, hours_off])))


def suffer(town: Town, passes: Passes, faults: list[list[Fault]]) -> Passes:
    """Takes away what a dead, propped or not yet installed door did not write, and shifts what wrong clocks wrote.

    Passes come back ordered by access point and true time.
    """
    passes = passes.take(np.lexsort((passes.minute, passes.point)))
    kept = np.ones(len(passes), np.bool_)
    shift = np.zeros(len(passes))
    bounds = np.searchsorted(passes.point, np.arange(len(town.places.points) + 1))
    for number, point in enumerate(town.places.points):
        begin = int(bounds[number])
        minute = passes.minute[begin : bounds[number + 1]]
        if point.first_day:
            kept[begin : begin + np.searchsorted(minute, point.first_day * DAY_MIN)] = False
        for fault in faults[number]:
            during = slice(
                begin + int(np.searchsorted(minute, fault.begin)), begin + int(np.searchsorted(minute, fault.end))
            )
            if fault.state == "down":
                kept[during] = False
            elif fault.state == "propped":
                kept[during] &= town.rng.random(during.stop - during.start) < SEEN_WHEN_PROPPED
            else:
                shift[during] = fault.shift
    shown = passes.minute + shift
    kept &= (shown >= 0) & (shown < town.days * DAY_MIN - 0.02)
    return replace(passes, minute=shown).take(kept)


class Covered(NamedTuple):
    """A row of the coverage: an access point's state from a minute to a minute."""

    point: int
    begin: float
    end: float
    state: str


def coverage(town: Town, faults: list[list[Fault]]) -> list[Covered]:
    """What the devices are recorded to have seen. One vendor leaves a hole for a dead gate instead of a row."""
    end = float(town.days * DAY_MIN)
    names_person = town.form.identity == "person"
    rows = []
    for number, point in enumerate(town.places.points):
        covered = float(point.first_day * DAY_MIN)
        for fault in sorted(faults[number]):
            begin, until = max(fault.begin, covered), min(fault.end, end)
            if not fault.recorded or until <= begin:
                continue
            if begin > covered:
                rows.append(Covered(number, covered, begin, "ok"))
            leaves_hole = fault.state == "down" and names_person and point.scope == Scope.ESTATE
            if not leaves_hole:
                rows.append(Covered(number, begin, until, fault.state))
            covered = until
        if covered < end:
            rows.append(Covered(number, covered, end, "ok"))
    return rows
