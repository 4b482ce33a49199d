"""Members of households, and everybody who goes through doors because of one dwelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.dice import NEVER, NOBODY, Bools, Generator, Singles, pick
from simulators.city_by_nights.world import World


class Role(IntEnum):
    """Whose days somebody has."""

    ELDER = 0
    WORKER = 1
    TEEN = 2
    CHILD = 3
    NIGHT = 4  # works by night
    AT_HOME = 5


class Means(IntEnum):
    """Of passing a door, by the place in `Actor.means`."""

    FACE = 0
    CARD = 1
    QR = 2
    PIN = 3
    SPARE = 4  # a spare card of the household
    BORROWED = 5  # a member's card
    VISITOR = 6
    FOLLOWS = 7  # in behind others: leaves no record


Weights = Mapping[Means, float]
LITTLE = 0.01  # of following, where nothing is said of it

WALKS = {
    Role.ELDER: 1.0,
    Role.WORKER: 0.22,
    Role.TEEN: 0.2,
    Role.CHILD: 0.3,
    Role.NIGHT: 0.3,
    Role.AT_HOME: 0.85,
}
"""Mean short trips a day."""

OUTINGS = {
    Role.ELDER: 0.0,
    Role.WORKER: 0.93,
    Role.TEEN: 0.95,
    Role.CHILD: 0.9,
    Role.NIGHT: 0.75,
    Role.AT_HOME: 0.0,
}
"""P of going to work or to school on a day that is not off."""

HOURS = {
    Role.ELDER: (8.0, 1.5),
    Role.WORKER: (7.9, 10.0),
    Role.TEEN: (7.1, 11.0),
    Role.CHILD: (7.6, 9.0),
    Role.NIGHT: (20.2, 11.0),
    Role.AT_HOME: (9.0, 2.0),
}
"""Usual hour of leaving and hours out."""

SHIFTS = (5.5, 11.0, 14.0)  # hours of leaving


@dataclass(slots=True)
class Member:
    """A person in the register of a household, from a day up to a day."""

    dwelling: int
    since: int
    until: int | None
    consents: bool  # (b): face passes may be used for the occupancy check
    has_card: bool
    has_face: bool  # enrolled at the doors


class Visit(NamedTuple):
    """Somebody comes by day and leaves again."""

    day: int
    hour: float
    hours: float
    litres: float | None  # None: no water is drawn


class Carried(NamedTuple):
    """By what means a guest gets in: weights, and the member whose card is borrowed."""

    means: Weights
    borrows: int


@dataclass(slots=True, eq=False)
class Actor:
    """Somebody who sleeps in a dwelling on some nights, or comes to it by day."""

    dwelling: int
    role: Role
    member: int  # NOBODY for who is not in the register
    nights: Bools  # (days + 1,): [d] is the night before day d, so that who slept here and stays has [d] and [d + 1]
    means: Singles  # (8,) weights of Means
    walks: float  # mean short trips a day
    outings: float  # P of going to work or school
    leaves_at: float  # usual hour
    hours_out: float
    litres: float  # of water a day
    usual_gate: float  # 0..1 over the gates of the estate
    seen: float  # factor on P that a pass is recorded
    missed: float  # P that the face is not recognised
    face_from: int  # day
    face_until: int
    borrows: int  # member whose card is borrowed
    pass_days: int  # a visitor's pass is valid for
    by_evening: bool  # comes in the evening, leaves in the morning
    is_staff: bool = False
    visits: list[Visit] = field(default_factory=list)


def draw_actor(
    rng: Generator,
    world: World,
    dwelling: int,
    role: Role,
    nights: Bools,
    carried: Carried,
    *,
    member: int = NOBODY,
    seen: float = 1.0,
    missed: float = 0.0,
    face_from: int = -NEVER,
    face_until: int = NEVER,
    pass_days: int = 1,
    by_evening: bool = False,
) -> Actor:
    """Somebody with habits of his own."""
    activity = float(np.exp(rng.normal(0, 0.3))) * world.walks
    if role == Role.ELDER and rng.random() < 0.1:  # hardly leaves the home
        activity *= 0.2
    outings = min(0.99, OUTINGS[role] * rng.uniform(0.85, 1.03))
    leaves_at, hours_out = HOURS[role]
    if role == Role.WORKER and rng.random() < 0.25:
        leaves_at, hours_out = pick(rng, SHIFTS), 9.0
    # keyword arguments are evaluated, and so drawn, as they stand here
    return Actor(
        dwelling=dwelling,
        role=role,
        member=member,
        nights=nights,
        means=_as_array(carried.means),
        walks=WALKS[role] * activity,
        outings=outings,
        leaves_at=leaves_at + rng.normal(0, 0.5),
        hours_out=max(0.5, hours_out + rng.normal(0, 0.8)),
        litres=float(np.exp(rng.normal(-0.08, 0.4))) * world.litres,
        usual_gate=rng.random(),
        seen=seen,
        missed=missed,
        face_from=face_from,
        face_until=face_until,
        borrows=carried.borrows,
        pass_days=pass_days,
        by_evening=by_evening,
    )


def _as_array(weights: Weights) -> Singles:
    means = np.zeros(len(Means), np.float32)
    means[Means.FOLLOWS] = LITTLE
    for kind, weight in weights.items():
        means[kind] = max(weight, 0)
    return means
