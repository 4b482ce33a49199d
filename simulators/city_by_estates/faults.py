"""What is wrong with doors and when: outages, gaps, doors that stand open, clocks; and what the coverage says of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.dice import DAY_H, HOUR_S, YEAR_DAYS, Singles
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.town import Town

STATES = ("ok", "down", "propped", "clock")
OK, DOWN, PROPPED, CLOCK, GAP = range(5)  # places in STATES; of a gap no row of the coverage tells

PROPPED_SEEN = {"propped": 0.05, "propped_untold": 0.06}  # of passes by a door that stands open
SUMMER_MONTHS = (6, 7, 8, 9)
CLOCK_ERRORS = {-480: 0.2, 480: 0.15, -60: 0.1, 12: 0.2, 35: 0.2, -1440: 0.05, 5: 0.1}
"""Minutes with their shares; most of a wrong zone."""


class Event(NamedTuple):
    """Something is wrong in hours [first, end): down, silent, gap, propped, propped_untold, clock or clock_untold."""

    first: int
    end: int
    kind: str


class Covered(NamedTuple):
    """A row of the coverage; seconds [first, end)."""

    point: int
    first: int
    end: int
    state: str


@dataclass(frozen=True, slots=True)
class Faults:
    """Of one estate's access points, in the order of `Estate.points`; (points, hours) each."""

    recorded: Singles  # of the passes that the door would record: this share
    clock_error: NDArray[np.int16]  # minutes
    covered: list[Covered]


def draw_faults(town: Town, estate: Estate) -> Faults:
    """All faults of an estate's doors in the history."""
    hours = town.days * DAY_H
    recorded = np.ones((len(estate.points), hours), np.float32)
    clock_error = np.zeros((len(estate.points), hours), np.int16)
    covered: list[Covered] = []
    common = _common_outages(town)
    for place, point in enumerate(estate.points):
        events = _draw_events(town, estate, town.points[point].scope, common)
        state = _suffer(town, events, recorded[place], clock_error[place])
        covered += _tell(point, state)
    return Faults(recorded, clock_error, covered)


def _common_outages(town: Town) -> list[Event]:
    """Outages of a whole estate: its network, its server."""
    dice, hours = town.dice, town.days * DAY_H
    common = []
    for _ in range(dice.rng.poisson(0.9 * town.days / YEAR_DAYS)):
        first = dice.whole(0, hours)
        end = min(hours, first + int(dice.skewed(50, 0.9, 4, 400)))
        common.append(Event(first, end, dice.pick({"down": 0.4, "gap": 0.25, "silent": 0.2, "buffered": 0.15})))
    return common


def _draw_events(town: Town, estate: Estate, scope: str, common: list[Event]) -> list[Event]:
    dice, days, hours = town.dice, town.days, town.days * DAY_H
    events: list[Event] = []
    rate = estate.outages * (0.25 if scope == "dwelling" else 1) * (4 if dice.chance(0.05) else 1)
    for _ in range(dice.rng.poisson(rate * days / YEAR_DAYS)):
        first = dice.whole(0, hours)
        end = min(hours, first + int(dice.skewed(20, 1.2, 1, 900)))
        told = dice.chance(estate.outages_told)
        events.append(Event(first, end, "down" if told else dice.pick({"silent": 0.7, "gap": 0.3})))
    if scope != "dwelling":  # what was buffered in an outage comes in later, all of it
        events += [event for event in common if event.kind != "buffered"]
    if scope == "block" or (scope == "estate" and dice.chance(0.15)):
        events += _stand_open(town, estate)
    for _ in range(dice.rng.poisson(0.25 * days / YEAR_DAYS)):
        first = dice.whole(0, hours)
        end = min(hours, first + int(dice.skewed(60, 1.0, 5, 900)))
        events.append(Event(first, end, "clock" if dice.chance(0.6) else "clock_untold"))
    return events


def _stand_open(town: Town, estate: Estate) -> list[Event]:
    """Propped open in summer, and now and then: for days on end, or by day."""
    dice, days = town.dice, town.days
    events: list[Event] = []
    usual = "propped" if estate.has_door_sensors else "propped_untold"
    day = 0
    while day < days:
        likely = estate.propped * (1.0 if town.calendar.month[day] in SUMMER_MONTHS else 0.12)
        length = int(dice.skewed(6, 1.0, 1, 45))
        if dice.chance(likely * 0.5):
            if dice.chance(0.5):
                events.append(Event(day * DAY_H, min(days, day + length) * DAY_H, usual))
            else:
                for one in range(day, min(days, day + length)):
                    first = one * DAY_H + 8
                    end = first + dice.whole(4, 13)
                    told = estate.has_door_sensors and dice.chance(0.9)
                    events.append(Event(first, end, "propped" if told else "propped_untold"))
        day += length + dice.whole(2, 12)
    return events


def _suffer(town: Town, events: list[Event], recorded: Singles, clock_error: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Writes into (hours,) rows of one door what the events do to it; the state that the coverage tells, by hour."""
    dice = town.dice
    state = np.zeros(len(recorded), np.uint8)
    for first, end, kind in events:
        if kind in PROPPED_SEEN:
            recorded[first:end] *= PROPPED_SEEN[kind]
        elif kind.startswith("clock"):
            clock_error[first:end] = dice.pick(CLOCK_ERRORS)
        if kind in ("propped", "clock"):
            told = PROPPED if kind == "propped" else CLOCK
            state[first:end] = np.where(state[first:end] == OK, told, state[first:end])
    for first, end, kind in events:
        if kind in ("down", "gap", "silent"):
            recorded[first:end] = 0 if dice.chance(0.9) else 0.3
        if kind in ("down", "gap"):
            state[first:end] = DOWN if kind == "down" else GAP
    return state


def _tell(point: int, state: NDArray[np.uint8]) -> list[Covered]:
    """Rows of the coverage of one door from its (hours,) states."""
    changes = np.flatnonzero(np.diff(state)) + 1
    bounds = [0, *changes.tolist(), len(state)]
    return [
        Covered(point, first * HOUR_S, end * HOUR_S, STATES[state[first]])
        for first, end in pairwise(bounds)
        if state[first] != GAP
    ]
