"""Passes of people who belong to no home: one-off visitors and couriers, staff on their rounds, unknown faces."""

from __future__ import annotations

import numpy as np

from simulators.city_of_lookalikes.days import Days
from simulators.city_of_lookalikes.dice import DAY_S, HOUR_S, NOBODY, Floats, Ints
from simulators.city_of_lookalikes.doors import STAFF_CARDS, Carried, Ways
from simulators.city_of_lookalikes.estates import Reader
from simulators.city_of_lookalikes.passes import Direction, Kind, Passes, passes_of
from simulators.city_of_lookalikes.people import Town


def strangers_passes(town: Town, days: Days, carried: Carried, ways: Ways) -> list[Passes]:
    """All their passes of the history."""
    return [*_visitors(town, days, ways), _staff(town, carried), *_unknown_faces(town)]


def _visitors(town: Town, days: Days, ways: Ways) -> list[Passes]:
    """Visitors and deliveries with a pass for once, at the gate and then at the block's door."""
    rng, shape = town.dice.rng, days.residents.shape
    by_estate = np.array([estate.visitors for estate in town.places.estates])
    own: Floats = rng.gamma(1.2, 0.05, len(town.households))
    likely = own[:, None] * by_estate[ways.estate][:, None] * np.where(days.residents > 0, 1, 0.08)
    likely[sorted(town.vacant)] *= 0.1
    home, day = np.nonzero(rng.random(shape) < likely)
    count = len(home)
    hour = np.clip(rng.normal(15, 3.5, count), 6, 23)
    second = day * DAY_S + hour * HOUR_S
    first_credential = len(town.credentials)
    drawn = rng.integers(16**8, size=count).tolist()
    town.credentials += [f"V{value:08x}x{number:x}" for number, value in enumerate(drawn)]

    has_gate = ways.gate_count[ways.estate[home]] > 0
    rows = np.flatnonzero((rng.random(count) < 0.75) & has_gate)
    gates = ways.gates[ways.estate[home[rows]], 0]
    at_gates = _visits(town, second[rows], gates, first_credential + rows, home[rows])
    rows = np.flatnonzero(rng.random(count) < 0.75)
    doors = ways.block_door[home[rows]]
    return [at_gates, _visits(town, second[rows] + 150, doors, first_credential + rows, home[rows])]


def _visits(town: Town, second: Floats, point: Ints, credential: Ints, home: Ints) -> Passes:
    granted = town.dice.shares(len(second), 0.97).astype(np.int64)
    return passes_of(second, point, Kind.VISITOR, credential=credential, home=home, granted=granted)


def _staff(town: Town, carried: Carried) -> Passes:
    """A round through most blocks a day."""
    rng, days = town.dice.rng, town.calendar.days
    doors = np.array([block.door for block in town.places.blocks])
    estates = np.array([block.estate for block in town.places.blocks])
    rounds = np.flatnonzero(rng.random(len(doors) * days) < 0.8)
    block, day = rounds // days, rounds % days
    count = len(rounds)
    second = day * DAY_S + rng.uniform(6.5, 19, count) * HOUR_S
    card = carried.staff_cards[estates[block] * STAFF_CARDS + rng.integers(0, STAFF_CARDS, count)]
    direction = np.where(rng.random(count) < 0.5, int(Direction.IN), int(Direction.UNKNOWN))
    return passes_of(second, doors[block], Kind.STAFF, credential=card, direction=direction)


def _unknown_faces(town: Town) -> list[Passes]:
    """Faces of passers-by that a camera tried to match."""
    rng, days = town.dice.rng, town.calendar.days
    cameras = [
        number
        for number, point in enumerate(town.places.points)
        if point.reader == Reader.FACE and point.scope != "dwelling"
    ]
    if not cameras:
        return []
    count = int(len(cameras) * days * town.dice.between(0.2, 1.5))
    day = rng.integers(0, days, count)
    hour = np.clip(rng.normal(14.5, 4, count), 5, 23.5)
    point = rng.choice(np.array(cameras), count)
    refused = np.zeros(count, np.int64)
    direction = np.where(rng.random(count) < 0.7, int(Direction.IN), int(Direction.UNKNOWN))
    second = day * DAY_S + hour * HOUR_S
    nobody = np.full(count, NOBODY)
    return [passes_of(second, point, Kind.FACE, home=nobody, granted=refused, direction=direction)]
