"""All passes of an estate as its system exports them: doubled, with wrong clocks, with or without directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.dice import DAY_S, Bools, Generator
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.movement import draw_moves
from simulators.city_by_estates.passes import Direction, Passes, joined, replaced
from simulators.city_by_estates.readers import Readers
from simulators.city_by_estates.scene import Doors, Scene
from simulators.city_by_estates.strangers import Strangers


def record_estate(scene: Scene, estate: Estate, is_occupied: Bools) -> Passes:
    """In no order of time; `is_occupied` is (dwellings, days) of the city."""
    town, crowd = scene.town, scene.crowd
    actors = np.flatnonzero(scene.places.estate[crowd.dwelling] == estate.number)
    moves = draw_moves(town.dice, crowd, town.calendar, town.weather, actors)
    parts = Readers(scene, estate, moves, _members(scene, estate)).record()
    strangers = Strangers(scene, estate)
    if estate.has_visitor_passes:
        parts.append(strangers.visitors(is_occupied))
    parts.append(strangers.staff())
    if estate.face_share > 0:
        parts.append(strangers.faces())
    return export(town.dice.rng, estate, Doors(scene, estate), joined(parts), town.days)


def _members(scene: Scene, estate: Estate) -> NDArray[np.int32]:
    """(n, 2) persons and dwellings."""
    members = scene.town.members
    here = [(one.person, one.dwelling) for one in members if scene.places.estate[one.dwelling] == estate.number]
    return np.array(here or [(members[0].person, members[0].dwelling)], np.int32)


def export(rng: Generator, estate: Estate, doors: Doors, passes: Passes, days: int) -> Passes:
    """What the estate's system tells of passes; all within the `days` of the history."""
    last = days * DAY_S - 1
    if estate.doubled:
        twice = np.flatnonzero(rng.random(len(passes.second)) < estate.doubled)
        later = passes.second[twice] + rng.integers(0, 3, len(twice)).astype(np.int32)
        passes = joined([passes, replace(passes.take(twice), second=later)])
    second = np.clip(passes.second, 0, last)
    second = np.clip(second + doors.clock_error(passes.point, second), 0, last).astype(np.int32)
    is_lost = np.ones(len(second), bool)
    if estate.knows_direction:
        is_lost = rng.random(len(second)) < estate.direction_lost
    return replace(passes, second=second, direction=replaced(passes.direction, is_lost, Direction.UNKNOWN))
