"""The people of a city: who is on record, who really lives in or visits a home, and what each passes doors with.

A `Member` is a row of the office's list. A `Person` passes doors, on record or not. Members and cards are known by
their numbers, which only `tables` turns into identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simulators.city_by_schedules.arrays import NEVER, NOBODY, Bytes, Floats
from simulators.city_by_schedules.schedules import CHILDREN, Schedule


class Kind(IntEnum):
    """Of a credential, by its place in the format's words."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3
    VISITOR = 4
    STAFF = 5


MEANS = 5
"""Kinds that residents and their guests pass with."""


class Presence(IntEnum):
    """Of a person in a home on a day."""

    AWAY = 0
    LIVES = 1  # sleeps there
    BY_DAY = 2


def inclined(**weights: float) -> Floats:
    """(MEANS,) inclinations to pass with each kind; 0 is not at hand."""
    inclinations = np.zeros(MEANS)
    for kind, weight in weights.items():
        inclinations[Kind[kind.upper()]] = weight
    return inclinations


@dataclass(slots=True)
class Member:
    """A person on the office's list."""

    dwelling: int
    since: int  # day
    until: int | None
    consents: bool  # face may be used for the occupancy check
    enrolled: bool  # face on record at the doors


@dataclass(slots=True)
class Card:
    """Of a dwelling."""

    dwelling: int
    holder: int  # member whom it names


@dataclass(eq=False, slots=True)
class Person:
    """Somebody who passes doors; times are minutes of a day."""

    dwelling: int
    role: str
    age: str
    member: int  # on record as
    schedule: Schedule
    presence: Bytes  # (days,) of Presence
    errands_am: float  # favourite hours of errands
    errands_pm: float
    tailgates: float  # share of passes unseen behind another
    face_missed: float  # share of tries
    calls_at: float  # hour of visits by day
    calls_for: float  # minutes
    one_day_pass: bool  # visitor's pass is another one each `pass_days`
    side_ways: float  # share of legs past no gate
    favourite_gate: int
    water_by_day: float = 0.0  # share of a grown-up person's who lives there
    pass_days: int = 1
    card: int = NOBODY
    means: Floats = field(default_factory=inclined)
    changes_on: int = NEVER  # day
    later_means: Floats = field(default_factory=inclined)  # from then on

    @property
    def is_child(self) -> bool:
        return self.age in CHILDREN


@dataclass(eq=False, slots=True)
class Household:
    """Who lives together, lawfully or not."""

    dwelling: int
    kind: str
    mobility: float  # factor on trips
    is_migrant: bool  # spends the festival elsewhere
    residents: list[Person] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)  # subgroups of the format
    lawful: int = 0  # people whom the office should expect
    litres: float = 0.0  # a person and day
    traveller: Person | None = None
    travels_every: float = 0.0  # days
    weekender: Person | None = None  # is there from Friday to Sunday
    boarder: Person | None = None  # is at school from Monday to Thursday
    student: Person | None = None  # is there in the holidays
    lease_ends: int | None = None  # day

    @property
    def grown_up(self) -> list[Person]:
        return [person for person in self.residents if not person.is_child]

    @property
    def children(self) -> list[Person]:
        return [person for person in self.residents if person.is_child]
