"""The city while it is drawn: its dwellings and leases, its people, what is known of them and what is true."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.calendar import Calendar
from simulators.city_by_nights.dice import NEVER, Bools, Generator, Ints
from simulators.city_by_nights.estates import Places
from simulators.city_by_nights.people import Actor, Member
from simulators.city_by_nights.world import HOUSEHOLD_SHARES, World

HOUSEHOLD_KINDS = tuple(HOUSEHOLD_SHARES)


class Violation(NamedTuple):
    """What is truly wrong in a home on days [first, end); perhaps from before the history, perhaps beyond it."""

    kind: str
    first: int
    end: int


class Looks(NamedTuple):
    """An honest life that looks like a violation of `kind` on days [first, end)."""

    dwelling: int
    kind: str
    first: int
    end: int


class Declared(NamedTuple):
    """An absence as the household told it; `end` None when it told none."""

    dwelling: int
    first: int
    end: int | None
    reason: str
    declared_on: int


class Case(NamedTuple):
    """A closed case."""

    dwelling: int
    kind: str
    closed_on: int
    outcome: str


class FridgeOff(NamedTuple):
    """A home left with hardly anything plugged in on days [first, end)."""

    dwelling: int
    first: int
    end: int


@dataclass(slots=True)
class Leases:
    """(dwellings,) each. Days; NEVER where a lease does not end."""

    recorded_vacant: Bools
    let_from: Ints  # of no meaning where recorded vacant
    let_to: Ints
    move_in: Ints  # later than the lease for some; below 0 who lives there from the start


@dataclass(slots=True)
class Town:
    """A city. Its people are listed by dwelling."""

    rng: Generator
    world: World
    calendar: Calendar
    places: Places
    household: Ints  # (dwellings,) place in HOUSEHOLD_KINDS
    has_lock: Bools  # (dwellings,)
    leases: Leases
    is_frugal: Bools  # (dwellings,)
    registered: Ints  # (dwellings,) members from the start
    members: list[Member] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    violations: dict[int, Violation] = field(default_factory=dict)  # by dwelling
    declared: list[Declared] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    subgroups: list[tuple[int, str]] = field(default_factory=list)
    looks: list[Looks] = field(default_factory=list)
    fridges_off: list[FridgeOff] = field(default_factory=list)

    @property
    def dwellings(self) -> int:
        return len(self.household)

    @property
    def days(self) -> int:
        return self.calendar.days


def draw_town(rng: Generator, world: World, calendar: Calendar, places: Places) -> Town:
    """Dwellings with their leases, nobody in them yet."""
    count = len(places.estate_of)
    household = rng.choice(len(HOUSEHOLD_KINDS), count, p=world.household_shares)
    has_lock = np.array([rng.random() < places.estates[estate].lock_share for estate in places.estate_of])
    leases = _draw_leases(rng, world, count, calendar.days)
    nobody = np.zeros(count, bool)
    return Town(rng, world, calendar, places, household, has_lock, leases, nobody, np.zeros(count, np.int64))


def _draw_leases(rng: Generator, world: World, count: int, days: int) -> Leases:
    recorded_vacant = rng.random(count) < world.recorded_vacant
    let_from = -rng.integers(20, 3200, count)
    is_new = ~recorded_vacant & (rng.random(count) < world.let_in_year)
    let_from[is_new] = rng.integers(5, max(6, days - 20), is_new.sum())
    let_to = np.full(count, NEVER)
    leaves = ~recorded_vacant & ~is_new & (rng.random(count) < world.left_in_year)
    let_to[leaves] = rng.integers(10, days, leaves.sum())
    is_late = rng.random(count) < 0.25
    delay = np.where(is_late, rng.integers(20, 90, count), rng.integers(0, 15, count))
    return Leases(recorded_vacant, let_from, let_to, np.where(is_new, let_from + delay, -NEVER))
