"""Passes of people whose lives are not drawn: friends, couriers, staff, and strangers whose face no door knows."""

from __future__ import annotations

import numpy as np

from simulators.city_by_lives.basics import DAY_S, HOUR_S, Bools, Generator, Ints
from simulators.city_by_lives.estates import Estate
from simulators.city_by_lives.faults import Faults
from simulators.city_by_lives.means import Kind
from simulators.city_by_lives.passes import Direction, Passes, passes_of
from simulators.city_by_lives.town import Town

FRIENDS_PASSES, FRIENDS = 10**13, 4
COURIERS_PASSES, SINGLE_PASSES = 2 * 10**13, 3 * 10**13
"""Numbers of visitors' passes, beyond all others; a household has so many friends."""

COMES_IN_VAIN = {"friend": 0.02, "courier": 0.06}  # to a let home in which nobody is, of the usual
STAFF, BLOCKS_OF_STAFF = 6, 3
ON_DUTY = 0.78
STAFF_SEEN = 0.8


def callers_passes(rng: Generator, town: Town, faults: Faults, sleeps: Bools) -> list[Passes]:
    """Friends and couriers at homes where somebody sleeps; seldom, at homes that are let and empty. `sleeps`: (homes, days)."""
    homes, estates = town.homes, town.places.estates
    is_let = np.zeros_like(sleeps)
    for home in homes:
        if home.let_from is not None:
            is_let[home.number, max(home.let_from, 0) : max(min(home.moves_out, town.days), 0)] = True
    estate_of = town.places.estate_of
    renewed = np.array([one.visitor_pass_days > 0 for one in estates])
    needed = np.array([one.visitors_need_pass for one in estates])[estate_of]
    friends = np.array([home.friends for home in homes]) * needed
    couriers = np.array([one.couriers for one in estates])[estate_of]
    parts = list[Passes]()
    for name, usual in (("friend", friends), ("courier", couriers)):
        chance = usual[:, None] * np.where(sleeps, 1.0, COMES_IN_VAIN[name] * is_let)
        dwelling, day = np.nonzero(rng.random(sleeps.shape) < chance)
        second = day * DAY_S + (rng.uniform(9, 21, len(day)) * HOUR_S).astype(np.int64)
        single = (SINGLE_PASSES if name == "friend" else COURIERS_PASSES) + np.arange(len(day))
        own = FRIENDS_PASSES + dwelling * FRIENDS + rng.integers(0, FRIENDS, len(day))
        credential = np.where(renewed[estate_of[dwelling]] | (name == "courier"), single, own)
        gate = _any_gate(rng, estates, estate_of[dwelling])
        kept = rng.random(len(day)) < faults.recorded[gate, second // HOUR_S]
        second, gate, dwelling, credential = second[kept], gate[kept], dwelling[kept], credential[kept]
        parts.append(_visits(second, gate, credential, dwelling))
        if name == "friend":
            goes_up = rng.random(len(second)) < 0.4
            door = np.array([block.doors[0] for block in town.places.blocks])[town.places.block_of[dwelling]]
            parts.append(_visits(second[goes_up] + 120, door[goes_up], credential[goes_up], dwelling[goes_up]))
    return parts


def _visits(second: Ints, point: Ints, credential: Ints, home: Ints) -> Passes:
    return passes_of(second, point, kind=Kind.VISITOR, credential=credential, home=home, direction=Direction.IN)


def _any_gate(rng: Generator, estates: list[Estate], estate: Ints) -> Ints:
    """Access points, for estates by their numbers; the gates of an estate follow each other."""
    first, count = np.array([one.gates[0] for one in estates]), np.array([len(one.gates) for one in estates])
    gates: Ints = first[estate] + rng.integers(0, 10**6, len(estate)) % count[estate]
    return gates


def staff_passes(rng: Generator, town: Town, faults: Faults, estate: Estate) -> list[Passes]:
    """Guards, cleaners and repairers of one estate, several times a day; and faces that are refused."""
    days = town.days
    doors = [block.doors[0] for block in town.places.blocks if block.estate == estate.number]
    parts = list[Passes]()
    for _ in range(STAFF + len(doors) // BLOCKS_OF_STAFF):
        card = town.issue()
        on_duty = np.flatnonzero(rng.random(days) < ON_DUTY)
        day = np.repeat(on_duty, rng.poisson(5, len(on_duty)))
        second = day * DAY_S + (rng.uniform(6.5, 20, len(day)) * HOUR_S).astype(np.int64)
        point = rng.choice(estate.gates + doors, len(day))
        kept = rng.random(len(day)) < STAFF_SEEN * faults.recorded[point, second // HOUR_S]
        parts.append(passes_of(second[kept], point[kept], credential=card, kind=Kind.STAFF))
    checks = (estate.gates if estate.gates_check_faces else []) + (doors if estate.blocks_check_faces else [])
    if checks:
        count = rng.poisson(days * len(doors) * estate.refused_strangers * 0.8)
        hour = np.clip(rng.normal(14.5, 4, count), 5, 23.5)
        second = rng.integers(0, days, count) * DAY_S + (hour * HOUR_S).astype(np.int64)
        point = rng.choice(checks, count)
        parts.append(passes_of(second, point, kind=Kind.FACE, granted=0, direction=Direction.IN))
    return parts
