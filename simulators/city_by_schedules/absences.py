"""People away from home: who looks in meanwhile, what is switched off, and what the office is told.

Empty homes are made here alone, honest or not; only some rates differ (`honest`).
"""

from __future__ import annotations

import numpy as np

from simulators.city_by_schedules.arrays import HOUR_MIN, one_of
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.people import Household, Person, Presence
from simulators.city_by_schedules.town import Declared, Town

DECLARED = {
    "hospital": 1.0,
    "care": 0.9,
    "work": 1.3,
    "travel": 0.45,
    "home_visit": 0.5,
    "renovation": 1.6,
    "other": 0.4,
}
"""How willingly absences are declared, by reason, times the estate's share."""

LOOKS_IN = ("self", "night", "other")
"""How somebody looks in: one of the household by day, for one to three nights, or a relative by day."""

LONG_SPELL = 50  # days: an empty home that somebody may take for a vacancy


def leave(town: Town, people: list[Person], first: float, end: float) -> None:
    """These are away from day `first` up to, not with, `end`."""
    for person in people:
        person.presence[town.calendar.span(first, end)] = Presence.AWAY


def stay_away(
    town: Town,
    household: Household,
    first: int,
    end: int,
    reason: str,
    *,
    honest: bool = True,
    who: list[Person] | None = None,
) -> None:
    """The household, or some of it, is away from day `first` up to, not with, `end`."""
    dwelling, days = household.dwelling, end - first
    people = household.residents if who is None else who
    span = town.calendar.span(first, end)
    if length(span) == 0:
        return
    leave(town, people, first, end)
    if not set(people) >= set(household.residents):
        if days > 12 and honest and town.chance(0.15 * town.life.declares):
            declare(town, dwelling, first, end, reason)
        return
    if honest and days > LONG_SPELL:
        town.honest_spells.append((dwelling, first))
    if days >= 5:  # most guests stay away too
        others = [person for person in town.by_dwelling[dwelling] if person not in people and town.chance(0.85)]
        leave(town, others, first, end)
    if days >= 12 and town.chance(_off_share(town, days, honest)):
        town.off[dwelling, span] = True
    if days >= 13 and town.chance(_token_share(town, days, honest)):
        _look_in(town, household, people, first, end, honest)
    if days >= 18 and town.chance(town.life.sitter):
        _have_a_sitter(town, dwelling, first, end, honest)
    if honest:
        willing = DECLARED[reason] * (1 if days >= 25 else (0.5 if days >= 10 else 0.08))
        if town.chance(min(0.9, willing * town.places.estate(dwelling).declares)):
            declare(town, dwelling, first, end, reason)
    elif town.chance(town.life.declares_falsely):
        _declare_falsely(town, dwelling, first)


def _off_share(town: Town, days: int, honest: bool) -> float:
    life = town.life
    if not honest:
        return life.off_if_long + life.off_if_vacant
    return life.off_if_short if days < 45 else life.off_if_long


def _token_share(town: Town, days: int, honest: bool) -> float:
    life = town.life
    return life.honest_token_visits * (1 if days > 25 else 0.7) if honest else life.vacant_token_visits


def _look_in(town: Town, household: Household, people: list[Person], first: int, end: int, honest: bool) -> None:
    """Somebody comes every two weeks or so, mostly in the same manner and at the same hour."""
    rng, dwelling = town.rng, household.dwelling
    apart = np.exp(rng.normal(2.82 if honest else 2.88, 0.55))
    manner = one_of(rng, LOOKS_IN, (0.45, 0.22, 0.33) if honest else (0.47, 0.21, 0.32))
    able = [person for person in people if person.age not in ("school", "infant", "bound")] or people
    visitor = able[int(rng.integers(len(able)))]
    if manner == "other":
        visitor = town.add_stranger(dwelling, "relative", "home")
    visitor.calls_at = rng.uniform(9.5, 19.5) * HOUR_MIN
    uses_water = town.chance(0.65)
    time = first + rng.exponential(apart) + 2
    while time < end - 1:
        day = int(time)
        if 0 <= day < town.days:
            if manner == "night":
                nights = int(rng.integers(1, 4))
                visitor.presence[day : min(day + nights, town.calendar.span(first, end).stop)] = Presence.LIVES
            else:
                visitor.presence[day] = Presence.BY_DAY
                if uses_water and town.chance(0.6):
                    town.extra_litres[dwelling, day] += rng.gamma(1.2, 22)
        time += max(1.5, rng.gamma(2.5, apart / 2.5))


def _have_a_sitter(town: Town, dwelling: int, first: int, end: int, honest: bool) -> None:
    """Somebody lives there for a while: who vacated a home has one for four weeks at most."""
    rng = town.rng
    sitter = town.add_stranger(dwelling, "sitter", one_of(rng, ("worker", "home", "elder")))
    comes = first + rng.uniform(0, 0.4) * (end - first if honest else 45)
    goes = comes + (rng.uniform(0.3, 1) * (end - comes) if honest else rng.uniform(4, 28))
    sitter.presence[town.calendar.span(comes, goes)] = Presence.LIVES


def declare(town: Town, dwelling: int, first: int, end: int, reason: str) -> None:
    """Tells the office of an absence: mostly before, some late, some when it is over; the end may be open or off."""
    rng = town.rng
    when = rng.random()
    if when < 0.58:
        declared_on = first - rng.integers(0, 12)
    elif when < 0.9:
        declared_on = first + rng.integers(1, 26)
    else:
        declared_on = end + rng.integers(0, 10)
    last = None if town.chance(0.18) else int(end + (rng.integers(-6, 8) if town.chance(0.5) else 0))
    if last is not None:
        last = max(last, first)
    if declared_on < town.days:
        town.declared.append(Declared(dwelling, first, last, reason, int(declared_on)))


def _declare_falsely(town: Town, dwelling: int, first: int) -> None:
    rng = town.rng
    says_from, says_until = first + int(rng.integers(-3, 25)), first + int(rng.integers(50, 170))
    declare(
        town,
        dwelling,
        says_from,
        says_until,
        one_of(rng, ("work", "care", "home_visit", "other"), (0.5, 0.25, 0.15, 0.1)),
    )
