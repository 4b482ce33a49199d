"""The words of this city: people, what they do each day, spells of absence, what the estate office was told.

A day is a whole number counted from the first day that is drawn; the history begins at day `WARM_UP`, so that spells already
run on its first day. A range of days is `first` (in it) to `end` (the day after). The presence of one person is an array of one
byte a day: `AWAY`, `SLEPT` or `BY_DAY`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.calendar import Calendar
from simulators.city_by_states.layout import Layout
from simulators.city_by_states.world import World

Flags = NDArray[np.bool_]
Presence = NDArray[np.uint8]

AWAY, SLEPT, BY_DAY = 0, 1, 2
NOT_ADULT = ("child", "infant", "teen")


@dataclass(slots=True)
class Person:
    """Someone with states of presence in a dwelling: a member, a guest, a subtenant, a caretaker of an empty home."""

    dwelling: int
    role: str  # a member's part in life, or what a guest is here for
    registered: bool  # an enrolled member of the household
    pattern: int  # of the day: 0 at home, 1 works by day, 2 by night, 3 in turns, 4 school
    trips_workday: float  # mean short trips on a day of work
    trips_free: float  # mean short trips on a weekend or a holiday
    workdays: Flags  # (7,) Monday first
    tailing: float  # P of walking in behind others, shown at no reader
    leaves_at: float  # usual hour
    hours_out: float  # usual hours at work
    by_car: bool  # passes most gates in a car
    water: float  # use of water, adults about 1
    usual_gate: float  # 0..1 over the gates of the estate
    profile: str | None = None  # of the credentials used by someone not registered (credentials.PROFILES)
    tag: str = ""  # why someone who is no member is here
    listed: bool = False  # named in the register, without a credential of their own
    since: int | None = None  # first day in the register
    until: int | None = None  # last day in the register
    pass_days: int = 0  # a visitor's credential is renewed after so many days; 0 as the estate does it
    visits: tuple[float, float] | None = None  # hour of arrival and hours here of a person who comes by day
    consents: bool = False  # face passes may be used for the occupancy check


class Planned(NamedTuple):
    """A whole household is away on days [first, end); sorted by time."""

    first: int
    end: int
    reason: str
    cause: str


class Spell(NamedTuple):
    """The tenants of a dwelling are away on days [first, end); `honest` unless in breach of the lease."""

    dwelling: int
    first: int
    end: int
    cause: str
    honest: bool


class Quiet(NamedTuple):
    """A home left with its refrigerator off on days [first, end)."""

    dwelling: int
    first: int
    end: int
    standby: float  # share of the stand-by load that stays on
    water_shut: bool


class Declared(NamedTuple):
    """An absence as the household told it; `end` None when it told none."""

    dwelling: int
    first: int
    end: int | None
    reason: str
    declared_on: int


class Violation(NamedTuple):
    """The truth: a violation of a kind of the history format on days [first, end)."""

    dwelling: int
    kind: str
    first: int
    end: int


@dataclass(slots=True)
class Home:
    """A household while it is drawn. `members` is the register: who is enrolled by fraud joins it."""

    dwelling: int
    kind: str
    members: list[int]
    move_in: int  # 0 before the first day drawn
    move_out: int  # the number of days when still there
    adults: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Town:
    """Everybody and everything that happens, as far as it is drawn. Lists by dwelling have one entry a dwelling."""

    world: World
    rng: Generator
    layout: Layout
    calendar: Calendar
    dwellings: int
    people: list[Person] = field(default_factory=list)
    presence: list[Presence] = field(default_factory=list)  # of each person, (calendar.total,)
    spells: list[Spell] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    truth: list[Violation] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    subgroups: list[tuple[int, str]] = field(default_factory=list)
    let_from: list[int | None] = field(default_factory=list)  # None is recorded vacant
    let_to: list[int | None] = field(default_factory=list)
    expected: list[int | None] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)  # of household
    members: list[list[int]] = field(default_factory=list)
    violations: dict[int, str] = field(default_factory=dict)

    def is_let(self) -> Flags:
        """(dwellings,) whether ever let."""
        return np.array([day is not None for day in self.let_from])


def skewed(rng: Generator, log_median: float, spread: float, low: float, high: float) -> int:
    """A whole number with a long tail, within [low, high]."""
    return int(np.clip(rng.lognormal(log_median, spread), low, high))


def skewed_days(rng: Generator, median: float, spread: float, low: float, high: float) -> int:
    """As `skewed`, by its median."""
    return skewed(rng, float(np.log(median)), spread, low, high)


def one_of(rng: Generator, words: Sequence[Any], odds: Sequence[float] | None = None) -> str:
    """A word drawn by its odds, alike without."""
    return str(rng.choice(words, p=odds))


def some_days(rng: Generator, least: float, most: float) -> Flags:
    """(7,) the days of the week on which someone comes, each with one P drawn from [least, most]."""
    chances = rng.random(7)
    return chances < rng.uniform(least, most)
