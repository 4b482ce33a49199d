"""Homes that stand empty: one generator for honest absences and for vacancies, and what is declared of them.

Only the rates of `Manner` differ, and little: tapering off, a relative who looks in, sleeping there now and then, a
fridge left on are found in both (`law_and_practice.md` 4.1, IE01-IE12; `detection.md` 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_of_lookalikes.calendar import length
from simulators.city_of_lookalikes.people import Actor, Declared, Town

REASONS = ("work", "care", "hospital", "home_visit", "travel", "other", "renovation")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a home is left, as shares of absences."""

    used_by_day: float  # somebody is there on many days
    token_visits: float  # somebody looks in every few days or weeks
    tapers: float  # fewer and fewer days at home before


HONEST = Manner(used_by_day=0.07, token_visits=0.52, tapers=0.14)
RENOVATION = Manner(used_by_day=0.6, token_visits=0.3, tapers=0.05)


def vacancy_manner(town: Town) -> Manner:
    """That of the homes left for good."""
    return Manner(used_by_day=0.10, token_visits=town.world.token_visits, tapers=0.18)


def leave_home(town: Town, home: int, begin: int, end: int, manner: Manner, *, violates: bool = False) -> None:
    """Nobody of the household lives in the home from day `begin` up to `end`, but for what `manner` allows."""
    dice, calendar, household = town.dice, town.calendar, town.households[home]
    members = list(household.members)
    if end - begin >= 5:
        household.empty.append((begin, end, violates))
    if dice.chance(manner.tapers):
        _taper(town, members, begin)
    delays = [dice.whole(0, 6) if dice.chance(0.25) else 0 for _ in members]  # not all leave on one day
    for actor, delay in zip(members, delays, strict=True):
        actor.present[calendar.span(begin + delay, end)] = False
    if dice.chance(town.world.fridge_off * (0.75 if end - begin < 15 else 1.05)):
        household.fridge_off.append((begin + 2, end))
    if end - begin < 12 and dice.chance(0.8):
        return
    _look_after(town, home, begin, end, manner)


def _taper(town: Town, members: list[Actor], begin: int) -> None:
    dice, calendar = town.dice, town.calendar
    before = calendar.span(begin - dice.whole(14, 60), begin)
    at_home = np.ones(calendar.days, bool)
    at_home[before] = dice.days_at(length(before), 0.3, 0.75)
    for actor in members:
        actor.present &= at_home


def _look_after(town: Town, home: int, begin: int, end: int, manner: Manner) -> None:
    """Visits to the empty home, and a return in between."""
    dice, calendar, members = town.dice, town.calendar, list(town.households[home].members)
    mode = dice.rng.random()
    caller = dice.pick([actor for actor in members if actor.is_grown] or members)
    if dice.chance(0.25):
        means = [["family_card"], ["number", "family_card"], ["visitor_pass"], ["family_card", "let_in"]]
        caller = town.add_caller(home, dice.pick(means), "token", water=0.04)
    empty = calendar.span(begin + 2, end)
    count = length(empty)
    if count <= 0:
        return
    if mode < manner.used_by_day:
        caller.visits[empty] |= dice.days_at(count, 0.25, 0.75)
        caller.visit_hours = dice.between(2, 6)
    elif mode < manner.used_by_day + manner.token_visits:
        gap = dice.between(4, 30)
        caller.visits[empty] |= dice.shares(count, 1 / gap)
        caller.visit_hours = dice.rng.gamma(2, 0.5) + 0.2
        if dice.chance(0.12):  # sleeps there now and then
            caller.present[empty] |= dice.days_at(count, 0.02, 0.08)
    if count > 50 and dice.chance(0.4):
        _come_back(town, members, begin, end, empty)


def _come_back(town: Town, members: list[Actor], begin: int, end: int, empty: slice) -> None:
    """For the festival, or to sort something out."""
    dice, calendar, festivals = town.dice, town.calendar, town.calendar.festivals
    for_festival = len(festivals) > 0 and dice.chance(0.6) and any(begin < day < end for day in festivals)
    chosen = dice.pick(festivals) if for_festival else dice.whole(empty.start + 10, empty.stop - 5)
    for actor in members:
        first, last = chosen - dice.whole(0, 4), chosen + dice.whole(1, 9)
        actor.present[calendar.span(first, last)] = chosen > begin


def declare(town: Town, home: int, begin: int, end: int, reason: str, share: float) -> None:
    """Tells the office, in `share` of all cases: before or after the first day, with or without a last one."""
    dice = town.dice
    if not dice.chance(share):
        return
    declared_on = begin + (dice.whole(-10, 0) if dice.chance(0.6) else dice.whole(1, 25))
    last = None if dice.chance(0.35) else end + (0 if dice.chance(0.6) else dice.whole(-10, 20))
    if last is not None and last <= begin:
        last = begin + 3
    town.declared.append(Declared(home, begin, last, reason, min(declared_on, town.calendar.days - 1)))


def declare_without_going(town: Town) -> None:
    """Absences that were declared and did not come about."""
    dice, days, let = town.dice, town.calendar.days, town.let
    rows = int(0.006 * len(town.households) * town.world.honest_declares * 2)
    for _ in range(rows):
        home = dice.pick(let)
        begin = dice.whole(0, days - 10)
        end = begin + dice.whole(10, 60)
        reason = dice.pick(REASONS)
        town.declared.append(Declared(home, begin, end, reason, max(0, begin - dice.whole(0, 9))))


def first_day(town: Town, absence: int) -> int:
    """When an absence of `absence` days begins: any time, around the festival, or in early autumn."""
    dice, days, festivals = town.dice, town.calendar.days, town.calendar.festivals
    if 150 < absence < 1.2 * days:
        return dice.whole(-int(absence * 0.35), days - int(absence * 0.6))
    begins = [
        dice.whole(-int(absence * 0.5), days - 20),
        (festivals[0] if festivals else 100) + dice.whole(-12, 25),
        62 + dice.whole(-20, 40),
        dice.whole(-int(absence * 0.5), days - 20),
    ]
    return dice.pick(begins)
