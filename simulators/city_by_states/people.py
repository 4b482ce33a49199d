"""People one by one: their habits, and the days on which each of them is away on their own."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from simulators.city_by_states.model import AWAY, SLEPT, Flags, Person, Presence, Town, one_of

AT_HOME, WORKS_BY_DAY, WORKS_BY_NIGHT, WORKS_IN_TURNS, AT_SCHOOL = 0, 1, 2, 3, 4
PATTERNS = {
    "adult": WORKS_BY_DAY,
    "sub": WORKS_BY_DAY,
    "night": WORKS_BY_NIGHT,
    "rot": WORKS_IN_TURNS,
    "teen": AT_SCHOOL,
    "child": AT_SCHOOL,
    "board": AT_SCHOOL,
    "traveller": WORKS_BY_DAY,
}
"""How a role spends its day; all others are at home."""

SHORT_TRIPS = {
    "elder": (1.35, 1.3),
    "adult": (0.45, 1.2),
    "sub": (0.45, 1.2),
    "homemaker": (1.4, 1.3),
    "night": (0.5, 0.9),
    "rot": (0.5, 1),
    "teen": (0.25, 0.9),
    "child": (0.3, 0.8),
    "infant": (0.5, 0.6),
    "board": (0.4, 0.9),
    "uni": (0.9, 1),
    "traveller": (0.5, 1),
}
"""Mean short trips a day, on workdays and on free days: with work about 2-2.5 passes (law_and_practice.md section 5.3)."""

OTHER_SHORT_TRIPS = (0.7, 0.9)
ACCOMPANIED = {"child": 0.8, "infant": 0.99, "teen": 0.3}
"""P that a child shows nothing at a door."""

SCHOOL_DAYS = np.array([1, 1, 1, 1, 1, 0, 0], np.bool_)
WORK_DAYS = np.array([0.97] * 5 + [0.3, 0.12])
WATER = {0: 0.7, 1: 1.0, 2: 0.8}  # by age: child, adult, old


def add_person(
    town: Town,
    dwelling: int,
    role: str,
    presence: Presence,
    *,
    registered: bool = False,
    profile: str | None = None,
    tag: str = "",
) -> int:
    """A person with habits of their own; returns their number. `presence` (calendar.total,) is kept, not copied."""
    rng, world = town.rng, town.world
    age = {"elder": 2, "child": 0, "infant": 0, "teen": 0}.get(role, 1)
    pattern = PATTERNS.get(role, AT_HOME)
    if role in ("sub", "adult") and rng.random() < 0.12:
        pattern = int(rng.choice([AT_HOME, WORKS_BY_NIGHT, WORKS_IN_TURNS]))
    on_workday, on_free_day = SHORT_TRIPS.get(role, OTHER_SHORT_TRIPS)
    lively = rng.lognormal(-0.1, 0.45)
    if role == "elder" and rng.random() < 0.03:
        lively = 0.02  # housebound
    workdays = SCHOOL_DAYS if role in ("teen", "child", "board") else rng.random(7) < WORK_DAYS
    tailing = float(np.clip(rng.normal(world.tailing + 0.03, 0.07), 0.02, 0.7))
    person = Person(
        dwelling=dwelling,
        role=role,
        registered=registered,
        pattern=pattern,
        trips_workday=on_workday * lively,
        trips_free=on_free_day * lively,
        workdays=workdays,
        tailing=ACCOMPANIED.get(role, tailing),
        leaves_at=rng.normal(7.8, 0.7),
        hours_out=rng.normal(9.8, 1.0),
        by_car=age == 1 and rng.random() < world.by_car,
        water=WATER[age] * rng.lognormal(0, 0.15),
        usual_gate=rng.random(),
        profile=profile,
        tag=tag,
    )
    town.people.append(person)
    town.presence.append(presence)
    return len(town.people) - 1


def own_days(town: Town, role: str, *, single: bool = False) -> Presence:
    """(calendar.total,) where someone of this role sleeps, but for the absences of the whole household."""
    rng, calendar = town.rng, town.calendar
    days = np.full(calendar.total, SLEPT, np.uint8)
    if role == "elder":
        _away(rng, days, 0.3, 7, 0.7, (2, 60))  # in hospital
    elif role in ("adult", "sub", "homemaker", "night", "rot"):
        weekends = town.world.weekend_rate * (1.2 if single else 0.8)
        _away(rng, days, 0.08, 5, 0.6, (1, 30))
        _away(rng, days, weekends, 1.6, 0.5, (1, 5))
        if not single:
            _away(rng, days, 0.09, 75, 0.6, (30, 220))
            _away(rng, days, 0.35, 8, 0.6, (3, 40))
    elif role == "traveller":
        _away(rng, days, 17, 4, 0.5, (1, 16))
    elif role == "board":
        days[(calendar.weekday < 4) & calendar.school] = AWAY
        if rng.random() < 0.3:
            days[(calendar.weekday == 4) & calendar.school] = AWAY
    elif role == "uni":
        days[~calendar.campus_closed] = AWAY
        fridays = np.flatnonzero((calendar.weekday == 4) & ~calendar.campus_closed)
        chances = rng.random(len(fridays))
        home = fridays[chances < rng.uniform(0, 0.5)]
        days[home] = SLEPT
        days[np.minimum(home + 1, calendar.total - 1)] = SLEPT
    return days


def _away(rng: Generator, days: Presence, a_year: float, median: float, spread: float, limits: tuple[int, int]) -> None:
    """Takes spells of about `median` days out of `days`."""
    total = len(days)
    for _ in range(rng.poisson(a_year * (total / 365))):
        length = int(np.clip(rng.lognormal(np.log(median), spread), *limits))
        first = int(rng.integers(-length, total))
        days[max(0, first) : max(0, first + length)] = AWAY


def add_others(
    town: Town,
    dwelling: int,
    count: int,
    profile: str | None,
    first: int,
    end: int,
    *,
    tag: str,
    role: str = "sub",
    registered: bool = False,
    only: Flags | None = None,
    every_day: bool = False,
) -> list[int]:
    """People who live in the dwelling on days [first, end), `only` on these, away on their own unless `every_day`.

    Returns their numbers. They too go home for the Spring Festival.
    """
    rng, calendar = town.rng, town.calendar
    added = []
    for _ in range(count):
        days = np.full(calendar.total, SLEPT, np.uint8) if every_day else own_days(town, role)
        for festival in calendar.spring_festivals:
            if rng.random() < 0.45:
                length = int(rng.integers(4, 16))
                days[max(0, festival - length // 2) : festival + length // 2 + 2] = AWAY
        if only is not None:
            days = np.where(only, days, AWAY).astype(np.uint8)
        days[: max(0, first)] = AWAY
        days[max(0, min(calendar.total, end)) :] = AWAY
        known_by = None if registered else profile
        added.append(add_person(town, dwelling, role, days, registered=registered, profile=known_by, tag=tag))
    return added


def some_child(rng: Generator) -> str:
    """The role of a child of any age."""
    return one_of(rng, ("child", "child", "teen", "infant", "board", "uni"), (0.36, 0.1, 0.2, 0.1, 0.16, 0.08))


def some_adult(rng: Generator) -> str:
    """The role of an adult."""
    return one_of(rng, ("adult", "rot", "homemaker"), (0.78, 0.1, 0.12))
