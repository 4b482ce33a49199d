"""Legs past the doors on their way: the gate, the block's door, the dwelling's own; which of them notices somebody."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulators.city_by_schedules.access_points import Doors
from simulators.city_by_schedules.arrays import HOUR_MIN, NOBODY, Bools, Floats, Ints, Numbers
from simulators.city_by_schedules.faults import Faults, State
from simulators.city_by_schedules.legs import Legs
from simulators.city_by_schedules.town import Town

FAVOURITE_GATE = 0.85  # share of legs
BASEMENT = 0.2  # share of legs: by the second door of the block
FOLLOWS_NOTICED = 0.4  # of who goes behind another of the household
PROPPED_NOTICED = 0.12  # of passes at an open door
LOCK_UNSEEN = 0.03  # share of ways in


@dataclass(frozen=True, slots=True)
class Noticed:
    """(passes,) each: somebody stands at an access point with a device that works."""

    person: Ints
    minute: Floats
    point: Ints
    inward: Bools

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: Numbers) -> Noticed:
        """Some of these."""
        return Noticed(**{one.name: getattr(self, one.name)[rows] for one in fields(Noticed)})


def joined(parts: list[Noticed]) -> Noticed:
    """All of the parts, one part after the other."""
    return Noticed(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Noticed)})


def walk(town: Town, doors: Doors, faults: Faults, legs: Legs) -> Noticed:
    """Everybody past all doors on the way: minutes apart at the gate, at the leg's own time at the block."""
    rng, people = town.rng, town.people
    eyes = _Eyes(town, doors, faults, legs)
    count = len(legs.person)
    dwelling = np.array([person.dwelling for person in people])[legs.person]
    favourite = np.array([person.favourite_gate for person in people])[legs.person]
    side_ways = np.array([person.side_ways for person in people])[legs.person]
    estate = town.places.estate_of[dwelling]

    gate_count = np.array([len(gates) for gates in doors.gates])
    gates = np.full((len(doors.gates), max(1, gate_count.max())), NOBODY)
    for number, of_estate in enumerate(doors.gates):
        gates[number, : len(of_estate)] = of_estate
    chosen = np.where(rng.random(count) < FAVOURITE_GATE, favourite, rng.integers(0, 8, count))
    gate = gates[estate, chosen % np.maximum(1, gate_count[estate])]
    past_gate = np.flatnonzero((gate_count[estate] > 0) & (rng.random(count) > side_ways))
    apart = rng.uniform(1, 5, count)
    apart = np.where(legs.inward, -apart, apart)
    at_gate = eyes.notice(past_gate, gate[past_gate], apart[past_gate])

    block_doors = _block_doors(town, doors)
    second = (rng.random(count) < BASEMENT).astype(int) % block_doors.shape[1]
    block_door = block_doors[town.places.block_of[dwelling], second]
    past_block = np.flatnonzero(block_door >= 0)
    at_block = eyes.notice(past_block, block_door[past_block], np.zeros(len(past_block)))

    lock = doors.lock_of(town.places.dwellings)[dwelling]
    past_lock = np.flatnonzero(lock >= 0)
    at_lock = eyes.notice(past_lock, lock[past_lock], rng.uniform(0.6, 2.5, len(past_lock)))
    return joined([at_gate, at_block, at_lock])


def _block_doors(town: Town, doors: Doors) -> Ints:
    """(blocks, doors) access points; a block of one door has it in all places."""
    most = max([len(of_block) for of_block in doors.block_doors.values()] + [1])
    points = np.full((town.places.blocks, most), NOBODY)
    for block, of_block in doors.block_doors.items():
        points[block] = of_block * most if len(of_block) == 1 else of_block
    return points


class _Eyes:
    """What devices see of legs."""

    def __init__(self, town: Town, doors: Doors, faults: Faults, legs: Legs) -> None:
        self.rng = town.rng
        self.faults = faults
        self.legs = legs
        points = doors.points
        self.is_lock = np.array([point.is_lock for point in points])
        self.exits = np.array([point.exits for point in points])
        self.tailgates = np.array([point.tailgates for point in points])
        self.person_tailgates = np.array([person.tailgates for person in town.people])
        hour = (legs.minute // HOUR_MIN).astype(int) % 24
        is_rush = np.isin(hour, (7, 8, 17, 18))
        is_night = (hour >= 22) | (hour < 5)
        self.busy = np.where(is_rush, 1.35, np.where(is_night, 0.55, 0.95))

    def notice(self, rows: Ints, point: Ints, later: Floats) -> Noticed:
        """Those of these legs that are recorded at these access points, `later` minutes after their own time."""
        legs = self.legs
        person, minute, inward = legs.person[rows], legs.minute[rows], legs.inward[rows]
        is_lock = self.is_lock[point]
        recorded = np.where(inward, 1.0, self.exits[point])
        of_person = np.where(is_lock, LOCK_UNSEEN, self.person_tailgates[person])
        of_door = np.clip(self.tailgates[point] * np.where(is_lock, 1, self.busy[rows]), 0, 0.9)
        unseen = 1 - (1 - of_person) * (1 - of_door)
        shares = recorded * (1 - unseen) * np.where(legs.follows[rows], FOLLOWS_NOTICED, 1)
        state = self.faults.true[point, self.faults.hour(minute)]
        is_off = (state == State.DOWN) | (state == State.NONE)
        shares *= np.where(is_off, 0, np.where(state == State.PROPPED, PROPPED_NOTICED, 1))
        seen = self.rng.random(len(rows)) < shares
        return Noticed(person[seen], minute[seen] + later[seen], point[seen], inward[seen])
