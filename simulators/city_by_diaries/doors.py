"""(P) From crossings of homes' doors to the doors passed on the way, and which of these passages a reader notices."""

from __future__ import annotations

import numpy as np

from simulators.city_by_diaries.arrays import Bools, Ints
from simulators.city_by_diaries.diaries import Crossings
from simulators.city_by_diaries.estates import Estate, Scope
from simulators.city_by_diaries.passes import Carried, Noticed, Passes, carried, written
from simulators.city_by_diaries.town import Town

MINUTES_FROM_GATE = {Scope.ESTATE: 0.0, Scope.BLOCK: 3.2, Scope.DWELLING: 5.0}


def residents_passes(town: Town, crossings: Crossings) -> list[Passes]:
    """What the doors of each scope write of everybody's crossings."""
    people = carried(town.people, town.card_holders, len(town.members))
    ways = _Ways(town, people)
    return [_of_scope(town, people, ways, crossings, scope) for scope in Scope]


class _Ways:
    """Which doors each person takes: a gate liked most and another, a front and a rear door, a lock."""

    def __init__(self, town: Town, people: Carried) -> None:
        places = town.places
        self.rng = town.rng
        self.estate = places.estate_of[people.dwelling]
        self.gate = self._gates(places.estates)
        self.other_gate = self._gates(places.estates)
        block_doors = [places.estate(d).block_doors[int(places.block_of[d])] for d in people.dwelling.tolist()]
        self.front: Ints = np.array([front for front, _ in block_doors], np.int64)
        self.rear: Ints = np.array([rear for _, rear in block_doors], np.int64)
        self.lock = places.lock_of[people.dwelling]

    def _gates(self, estates: list[Estate]) -> Ints:
        gates = [estates[number].gates for number in self.estate]
        return np.array([self.rng.choice(ones) if ones else -1 for ones in gates], np.int64)

    def doors(self, scope: Scope, person: Ints) -> Ints:
        """The door that each crossing goes through; -1 is none."""
        if scope == Scope.ESTATE:
            usual = self.rng.random(len(person)) < 0.82
            return np.where(usual, self.gate[person], self.other_gate[person])
        if scope == Scope.BLOCK:
            usual = self.rng.random(len(person)) < 0.85
            return np.where(usual, self.front[person], self.rear[person])
        return self.lock[person]


def _of_scope(town: Town, people: Carried, ways: _Ways, crossings: Crossings, scope: Scope) -> Passes:
    rng, person = town.rng, crossings.person
    noticed = _noticed(town, people, ways.estate, crossings, scope)
    point = ways.doors(scope, person)
    noticed &= point >= 0
    which = np.nonzero(noticed)[0]
    inward = crossings.inward[which]
    from_gate = MINUTES_FROM_GATE[scope]
    minute = crossings.minute[which] + np.where(inward, from_gate, -from_gate) + rng.normal(0, 0.5, len(which))
    modes = np.array([one.mode for one in town.places.points], np.int64)
    taken = point[which]
    return written(town, people, Noticed(person[which], minute, taken, inward, modes[taken]), scope)


def _noticed(town: Town, people: Carried, estate: Ints, crossings: Crossings, scope: Scope) -> Bools:
    """Of each crossing whether the reader at a door of this scope would notice it."""
    rng, person = town.rng, crossings.person
    estates = town.places.estates
    seen_in = np.array([one.seen_in[scope] for one in estates])[estate]
    seen_out = np.array([one.seen_out[scope] for one in estates])[estate]
    behind_others = people.tailgates[person]
    if scope == Scope.DWELLING:
        behind_others = behind_others * 0.1
    u = rng.random(len(person))
    seen = np.where(crossings.inward, seen_in[person], seen_in[person] * seen_out[person])
    noticed: Bools = u < seen * (1 - behind_others)
    if scope == Scope.ESTATE:
        noticed &= ~crossings.near
    if scope != Scope.DWELLING:  # children slip through
        noticed &= ~(people.is_child[person] & (rng.random(len(person)) < 0.45))
    return noticed
