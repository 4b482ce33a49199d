"""Who goes in and out: roles, means of passing a door, and one actor with its days and habits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from simulators.city_by_estates.dice import NEVER, NOBODY, Bytes, Dice, Floats


class Role(IntEnum):
    """How somebody spends the day."""

    WORKER = 0
    SHIFT = 1
    ELDER = 2
    HOMEMAKER = 3
    STUDENT = 4
    CHILD = 5
    INFANT = 6
    FREE = 7
    NIGHT = 8


class Presence(IntEnum):
    """Where somebody is on a day."""

    AWAY = 0
    HOME = 1  # sleeps there
    VISIT = 2  # comes by day


class Means(IntEnum):
    """By what a door is passed; the places of weights."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3
    VISITOR = 4
    STAFF = 5
    UNSEEN = 6


MINORS = (Role.CHILD, Role.INFANT)


class Hours(NamedTuple):
    """When a role leaves and returns on its main way, and its errands a day."""

    leaves: float
    returns: float
    errands: float


HOURS = {
    Role.WORKER: Hours(7.8, 18.4, 0.4),
    Role.SHIFT: Hours(7, 15.5, 0.4),
    Role.ELDER: Hours(8.5, 10, 1.35),
    Role.HOMEMAKER: Hours(9, 10.5, 1.5),
    Role.STUDENT: Hours(7.4, 17.3, 0.35),
    Role.CHILD: Hours(7.8, 16.8, 0.45),
    Role.INFANT: Hours(9.5, 11, 0.6),
    Role.FREE: Hours(11, 18, 1.2),
    Role.NIGHT: Hours(20.2, 31.5, 0.5),
}


def weigh(
    *,
    face: float = 0.0,
    card: float = 0.0,
    pin: float = 0.0,
    qr: float = 0.0,
    visitor: float = 0.0,
    staff: float = 0.0,
    unseen: float = 0.0,
) -> Floats:
    """(7,) weights in the order of Means."""
    return np.array([face, card, pin, qr, visitor, staff, unseen], float)


def shares(weights: Floats) -> Floats:
    """(7,) the same as shares that add up to 1."""
    normed: Floats = weights / weights.sum()
    return normed


def habit(dice: Dice, weights: Floats) -> Floats:
    """(7,) weights after one means became the usual one."""
    if weights[: Means.UNSEEN].sum() <= 0:
        return weights + weigh(unseen=0.01)
    usual = dice.pick(dict(enumerate(weights[: Means.UNSEEN].tolist())))
    grown = weights.copy()
    grown[usual] *= dice.between(3, 12)
    return grown


@dataclass(slots=True, eq=False)
class Actor:
    """Somebody who goes in and out of one dwelling. Hours are of the day, weights are shares in the order of Means."""

    number: int
    dwelling: int
    role: Role
    presence: Bytes  # (days,) of Presence
    means: Floats  # (7,) at gates and doors of blocks
    means_at_lock: Floats  # (7,)
    errands: float  # a day
    leaves: float
    returns: float
    spread: float  # hours, of leaving
    follows: float  # of ways: behind somebody else, by no pass
    usual_gate: int
    visit_hour: float
    visit_hours: float
    litres: float  # m³ a day at home
    face_failures: float  # of tries
    later_means: Floats | None = None  # (7,) from `changes_on`
    changes_on: int = NEVER
    face_of: int = NOBODY  # the person that the readers take the face for
    card: int = NOBODY
    later_card: int = NOBODY  # from `card_changes_on`
    card_changes_on: int = NEVER
    card_of: int = NOBODY  # the person whom the cards name
    qr: int = NOBODY
    water_share: float = 1.0  # of what somebody who lives there uses
    minds_home: bool = False  # comes because the others are away

    def be_away(self, first: float, end: float) -> None:
        """Is elsewhere on days [first, end), which may lie outside the history."""
        self.presence[int(max(0, first)) : int(max(0, end))] = Presence.AWAY


def draw_actor(
    dice: Dice, number: int, dwelling: int, role: Role, presence: Bytes, means: Floats, means_at_lock: Floats,
    face_failures: float, median_litres: float,
) -> Actor:  # fmt: skip
    """Somebody with habits of the role's."""
    rng, hours = dice.rng, HOURS[role]
    # keyword arguments are evaluated, and so drawn, as they stand here
    return Actor(
        number=number,
        dwelling=dwelling,
        role=role,
        presence=presence,
        means=shares(means),
        means_at_lock=shares(means_at_lock),
        errands=hours.errands * float(rng.gamma(4, 0.25)),
        leaves=hours.leaves + rng.normal(0, 0.9),
        returns=hours.returns + rng.normal(0, 1.1),
        spread=dice.between(0.12, 0.9),
        follows=float(rng.beta(1.6, 5)),
        visit_hour=dice.between(9, 19),
        visit_hours=dice.between(0.3, 3),
        litres=dice.skewed(median_litres, 0.3, 0.02, 0.4) * (0.5 if role == Role.INFANT else 1),
        usual_gate=int(rng.integers(0, 8)),
        face_failures=face_failures,
    )
