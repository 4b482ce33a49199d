"""Passers whose presence is not drawn: deliveries, rounds of staff, passers-by whose faces no door knows."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.calendar import WARM_UP
from simulators.city_by_states.faults import CLOCK, DOWN, DoorHours
from simulators.city_by_states.layout import DWELLING_LOCK, FACE, FACE_AND_CARD, Layout
from simulators.city_by_states.model import SLEPT, Town
from simulators.city_by_states.movement import Crowd
from simulators.city_by_states.passes import (
    DAY_S,
    DELIVERY_PASS,
    IN,
    KINDS,
    STAFF_CARD,
    UNKNOWN,
    Passes,
    Streets,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def deliveries(town: Town, crowd: Crowd, streets: Streets, doors: DoorHours) -> Passes:
    """Visitors' passes for couriers: mostly to homes where someone is, at the first gate or the block's door."""
    rng, world, layout, days = town.rng, town.world, town.layout, town.calendar.days
    someone = np.zeros((town.dwellings, days), np.bool_)
    np.logical_or.at(someone, crowd.dwelling, crowd.presence[:, WARM_UP : WARM_UP + days] == SLEPT)
    of_home = rng.gamma(1.2, 1 / 1.2, town.dwellings)[:, None]
    a_day = world.deliveries * world.delivery_recorded * of_home * np.where(someone, 1, 0.08) * town.is_let()[:, None]
    dwelling, day = _each(rng.poisson(a_day))
    count = len(dwelling)
    second = day * float(DAY_S) + np.clip(rng.normal(14.5, 3.2, count), 7.5, 21.5) * 3600
    gate = streets.gates[layout.dwelling_estate[dwelling], 0]
    at_gate = (rng.random(count) < 0.5) & (gate >= 0)
    point = np.where(at_gate, gate, streets.block_doors[layout.dwelling_block[dwelling], 0])
    works = np.flatnonzero(_state(doors, point, second) != DOWN)
    return _recorded(
        rng,
        layout,
        doors,
        point[works],
        second[works],
        kind="visitor",
        credential=DELIVERY_PASS + works,
        dwelling=dwelling[works],
    )


def staff_and_strangers(town: Town, doors: DoorHours) -> list[Passes]:
    """Staff with their cards at every gate and block door; faces refused at those that check one."""
    rng, layout = town.rng, town.layout
    points = np.flatnonzero(layout.scope != DWELLING_LOCK)
    checks_faces = np.isin(layout.check[points], [FACE, FACE_AND_CARD])
    staff_a_day = rng.gamma(1.5, 1.2, len(points))
    strangers_a_day = np.where(checks_faces, rng.gamma(1, 1.5, len(points)), 0)
    found = []
    for a_day, kind in ((staff_a_day, "staff"), (strangers_a_day, "face")):
        at, day = _each(rng.poisson(np.repeat(a_day[:, None], town.calendar.days, 1)))
        second = day * float(DAY_S) + np.clip(rng.normal(13, 3.5, len(day)), 5.5, 22.5) * 3600
        point = points[at]
        works = _state(doors, point, second) != DOWN
        point, second = point[works], second[works]
        card = STAFF_CARD + layout.estate[point] * 10 + rng.integers(0, 6, len(point))
        nothing = np.full(len(point), -1)
        credential = card if kind == "staff" else nothing
        found.append(_recorded(rng, layout, doors, point, second, kind=kind, credential=credential, dwelling=nothing))
    return found


def _each(counts: Ints) -> tuple[Ints, Ints]:
    """Row and column of each one counted in a table."""
    row, column = np.nonzero(counts)
    times = counts[row, column]
    return np.repeat(row, times), np.repeat(column, times)


def _state(doors: DoorHours, point: Ints, second: Floats) -> NDArray[np.uint8]:
    state: NDArray[np.uint8] = doors.state[point, (second // 3600).astype(int)]
    return state


def _recorded(
    rng: Generator,
    layout: Layout,
    doors: DoorHours,
    point: Ints,
    second: Floats,
    *,
    kind: str,
    credential: Ints,
    dwelling: Ints,
) -> Passes:
    """Passes in, in nobody's name; a face alone is refused."""
    count = len(point)
    told = rng.random(count) < layout.direction_told[point]
    return Passes(
        second=second,
        clock_wrong=_state(doors, point, second) == CLOCK,
        point=point,
        person=np.full(count, -1),
        credential=credential,
        kind=np.full(count, KINDS.index(kind)),
        dwelling=dwelling,
        granted=np.full(count, int(kind != "face")),
        direction=np.where(told, IN, UNKNOWN),
    )
