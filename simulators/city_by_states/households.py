"""Dwellings one by one: who lives there, when they moved in and out, which are in breach of their lease."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.absences import declare, leave_home, planned_absences
from simulators.city_by_states.calendar import WARM_UP, Calendar
from simulators.city_by_states.company import add_company
from simulators.city_by_states.layout import Layout
from simulators.city_by_states.model import (
    AWAY,
    BY_DAY,
    NOT_ADULT,
    Home,
    Planned,
    Spell,
    Town,
    Violation,
    one_of,
    skewed_days,
)
from simulators.city_by_states.people import add_others, add_person, own_days, some_adult, some_child
from simulators.city_by_states.violations import HAPPENS
from simulators.city_by_states.world import World

BREACH_WEIGHTS = {
    "lone_elderly": 1.3,
    "old_couple": 1,
    "family": 0.6,
    "single_parent": 0.7,
    "young_single": 1.6,
    "young_couple": 1.2,
    "night": 1,
    "traveller": 1.2,
    "seasonal": 1.4,
    "three_gen": 0.25,
}
"""How likely a kind of household is in breach, against each other."""

ENOUGH_VIOLATIONS = 30  # from here on the rare kinds have a least number
LEAST = {"visitor_abuse": 3, "sublet_part": 4}


def build_town(rng: Generator, world: World, layout: Layout, calendar: Calendar, dwellings: int) -> Town:
    """Everybody of the city and all their days."""
    town = Town(world, rng, layout, calendar, dwellings)
    town.let_from = [None] * dwellings
    town.let_to = [None] * dwellings
    town.expected = [None] * dwellings
    town.members = [[] for _ in range(dwellings)]
    not_let = rng.random(dwellings) < world.not_let
    change = rng.random(dwellings)
    kinds = list(world.households)
    shares = np.array(list(world.households.values()))
    shares /= shares.sum()
    town.kinds = [kinds[number] for number in rng.choice(len(kinds), dwellings, p=shares)]
    new_let = ~not_let & (change < world.new_lets)
    ended = ~not_let & ~new_let & (change > 1 - world.ended_lets)
    steady = np.flatnonzero(~not_let & ~new_let & ~ended)
    town.violations = _violators(town, steady, round(int((~not_let).sum()) * world.prevalence))
    for dwelling in range(dwellings):
        if not_let[dwelling]:
            _not_let(town, dwelling)
        else:
            _let(town, dwelling, bool(new_let[dwelling]), bool(ended[dwelling]))
    for dwelling in np.flatnonzero(~not_let).tolist():  # plans that came to nothing
        if rng.random() < 0.01 * world.declared:
            first = WARM_UP + int(rng.integers(0, calendar.days))
            length = int(rng.integers(10, 40))
            declare(town, dwelling, first, length, one_of(rng, ("travel", "work", "home_visit")), 30)
    return town


def _violators(town: Town, steady: NDArray[np.int64], wanted: int) -> dict[int, str]:
    """Which of the dwellings let all the time are in breach, and how: shares of kinds by largest remainder."""
    rng, mix = town.rng, town.world.violations
    weights = np.array([0.3 + 0.7 * BREACH_WEIGHTS[town.kinds[dwelling]] for dwelling in steady])
    chosen = rng.choice(steady, min(wanted, len(steady)), replace=False, p=weights / weights.sum())
    exact = np.array(list(mix.values())) * wanted
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact)[: max(0, wanted - counts.sum())]] += 1
    if wanted >= ENOUGH_VIOLATIONS:
        least = np.array([LEAST.get(kind, 0) for kind in mix])
        counts = np.maximum(counts, least)
    kinds = rng.permutation(np.repeat(np.arange(len(mix)), counts))[:wanted]
    names = list(mix)
    return {int(dwelling): names[kind] for dwelling, kind in zip(rng.permutation(chosen), kinds, strict=False)}


def _not_let(town: Town, dwelling: int) -> None:
    """A dwelling recorded vacant: a caretaker looks in; a few are used all the same (rule U of law_and_practice.md 4.1)."""
    rng, calendar = town.rng, town.calendar
    if rng.random() < 0.12:
        town.expected[dwelling] = 0
    if rng.random() < town.world.not_let_used:
        first = int(rng.integers(-100, calendar.days - 20)) + WARM_UP
        end = calendar.total if rng.random() < 0.6 else first + int(rng.integers(30, 250))
        if end <= WARM_UP:
            end = calendar.total
        only = None
        if rng.random() >= 0.6:
            chances = rng.random(calendar.total)
            only = chances < rng.uniform(0.3, 0.8)
        count = int(rng.integers(1, 4))
        add_others(town, dwelling, count, "squatter", first, end, only=only, tag="vacant_used")
        town.truth.append(Violation(dwelling, "vacant_used", first, end))
    chances = rng.random(calendar.total)
    rounds = chances < rng.choice([1 / 60, 1 / 25, 1 / 120])
    add_person(town, dwelling, "staff", rounds.astype(np.uint8) * BY_DAY, profile="staff", tag="staff")


def _let(town: Town, dwelling: int, new_let: bool, ended: bool) -> None:
    rng, calendar = town.rng, town.calendar
    let_from = int(-rng.integers(WARM_UP + 30, 3000)) + WARM_UP
    let_to = None
    move_in, move_out = 0, calendar.total
    if new_let:
        let_from = WARM_UP + int(rng.integers(5, calendar.days - 5))
        move_in = let_from + int(rng.integers(0, 46))
    if ended:
        let_to = WARM_UP + int(rng.integers(10, calendar.days - 5))
        move_out = let_to - int(rng.integers(0, 21))
    town.let_from[dwelling], town.let_to[dwelling] = let_from, let_to
    home = Home(dwelling, town.kinds[dwelling], town.members[dwelling], move_in, move_out)
    _move_in(town, home, let_from, let_to)
    _live(town, home)


def _roles(rng: Generator, kind: str) -> list[str]:
    """The members of a household of a kind; detection.md section 3 names the kinds."""
    if kind == "lone_elderly":
        return ["elder"]
    if kind == "old_couple":
        return ["elder", "elder"]
    if kind == "family":
        parents = [some_adult(rng), one_of(rng, ("adult", "homemaker", "night"), (0.6, 0.33, 0.07))]
        children = _children(rng, 0.33)
        return parents + children + (["elder"] if rng.random() < 0.1 else [])
    if kind == "single_parent":
        return [some_adult(rng), *_children(rng, 0.2)]
    if kind == "young_single":
        return ["adult"]
    if kind == "young_couple":
        return ["adult", some_adult(rng)]
    if kind == "night":
        partner = [one_of(rng, ("adult", "night", "homemaker"))] if rng.random() < 0.5 else []
        return ["night", *partner] + ([some_child(rng)] if rng.random() < 0.25 else [])
    if kind == "traveller":
        return ["traveller"] + (["homemaker"] if rng.random() < 0.35 else [])
    if kind == "seasonal":
        return ["adult"] + (["adult"] if rng.random() < 0.4 else [])
    elders = ["elder"] + (["elder"] if rng.random() < 0.5 else [])
    return [*elders, "adult", some_adult(rng), *_children(rng, 0.4)]


def _children(rng: Generator, second: float) -> list[str]:
    """One child, with P `second` two."""
    return [some_child(rng)] + ([some_child(rng)] if rng.random() < second else [])


def _move_in(town: Town, home: Home, let_from: int, let_to: int | None) -> None:
    """The members and what the register says of them."""
    rng, calendar, dwelling = town.rng, town.calendar, home.dwelling
    roles = _roles(rng, home.kind)
    for role in roles:
        days = own_days(town, role, single=len(roles) == 1)
        number = add_person(town, dwelling, role, days, registered=True)
        person = town.people[number]
        person.since, person.until = let_from, let_to
        home.members.append(number)
        days[: home.move_in] = AWAY
        days[home.move_out :] = AWAY
        if role == "infant" and rng.random() < 0.5:  # born in the year, registered late
            born = WARM_UP + int(rng.integers(-100, calendar.days))
            days[: max(0, born)] = AWAY
            person.since = max(let_from, born + int(rng.integers(5, 90)))
            if let_to is not None:
                person.since = min(person.since, let_to)
    if not home.move_in and home.move_out == calendar.total:
        _joins(town, home, let_from)
    home.adults = [person for person in home.members if town.people[person].role not in NOT_ADULT] or home.members
    town.expected[dwelling] = len(home.members) if rng.random() < 0.92 else None


def _joins(town: Town, home: Home, let_from: int) -> None:
    """A new member, lawful and duly registered."""
    rng = town.rng
    if rng.random() >= town.world.joins * (0.4 if home.kind in ("lone_elderly", "traveller") else 1.2):
        return
    joined = int(rng.integers(-100, town.calendar.total - 10))
    role = one_of(rng, ("adult", "homemaker", "elder", "teen", "uni"), (0.4, 0.15, 0.25, 0.15, 0.05))
    days = own_days(town, role)
    number = add_person(town, home.dwelling, role, days, registered=True)
    days[: max(0, joined)] = AWAY
    town.people[number].since = max(let_from, joined - int(rng.integers(0, 20)))
    home.members.append(number)


def _live(town: Town, home: Home) -> None:
    """The household's absences, its violation, its lawful company."""
    rng, dwelling = town.rng, home.dwelling
    planned = planned_absences(town, home.kind, len(home.members))
    if home.kind == "seasonal":
        town.subgroups.append((dwelling, "seasonal_worker"))
    if home.kind == "lone_elderly":
        town.subgroups.append((dwelling, "lone_elderly"))
    if rng.random() < town.world.lives_at_childrens and home.kind in ("lone_elderly", "old_couple", "young_single"):
        _half_elsewhere(town, home)
    violation = town.violations.get(dwelling)
    breach = _breach_days(town) if violation else None
    gone = breach if violation in ("vacancy", "sublet_whole") else None
    for absence in planned:
        _absence(town, home, absence, gone)
    if violation and breach:
        HAPPENS[violation](town, home, *breach)
    if violation != "over_occupancy":
        add_company(town, home)


def _half_elsewhere(town: Town, home: Home) -> None:
    """Lives much with the children, lawfully: a week there, a week here."""
    rng, total = town.rng, town.calendar.total
    first = int(rng.integers(-10, 10))
    while first < total:
        length = skewed_days(rng, 9, 0.6, 2, 40)
        for person in home.members[:2]:
            town.presence[person][max(0, first) : max(0, first + length)] = AWAY
        first += length + skewed_days(rng, 8, 0.6, 1, 30)


def _breach_days(town: Town) -> tuple[int, int]:
    """Days [first, end) of a violation: some run already, some begin at the Spring Festival, most do not end."""
    rng, calendar = town.rng, town.calendar
    if rng.random() < town.world.running:
        first = WARM_UP - int(rng.integers(5, WARM_UP - 10))
    else:
        chance = rng.random()
        first = WARM_UP + int(rng.integers(5, max(6, calendar.days - 20)))
        festivals = [day for day in calendar.spring_festivals if WARM_UP < day < calendar.end - 20]
        if chance < 0.22 and festivals:
            near = festivals[0] - rng.integers(-2, 12)
            first = int(np.clip(near, WARM_UP + 3, calendar.end - 10))
    end = calendar.total if rng.random() < town.world.ongoing else first + int(rng.integers(100, 320))
    if end <= WARM_UP + 20:
        end = calendar.total
    return first, min(end, calendar.total)


def _absence(town: Town, home: Home, absence: Planned, gone: tuple[int, int] | None) -> None:
    """An honest absence, unless the tenants have then left for good (`gone`) or do not live here yet or any more."""
    rng, world, total = town.rng, town.world, town.calendar.total
    if gone and absence.first < gone[1] and absence.end > gone[0]:
        if absence.first >= gone[0]:
            return
        absence = absence._replace(end=min(absence.end, gone[0]))
    if absence.first < home.move_in or (absence.end > home.move_out and home.move_out < total):
        return
    length = absence.end - absence.first
    if length < 1:
        return
    town.spells.append(Spell(home.dwelling, absence.first, absence.end, absence.cause, True))
    leave_home(town, home.dwelling, home.members, absence, honest=True, looked_after=world.honest_visits)
    if length >= 14 and rng.random() < world.sitters * 0.6:  # a relative stays here meanwhile, lawfully
        stay = min(length - 4, int(rng.integers(4, 25)))
        first = absence.first + 2 + int(rng.integers(0, max(1, length - stay - 2)))
        count = int(rng.integers(1, 3))
        add_others(town, home.dwelling, count, "grand", first, first + stay, tag="sitter", every_day=True)
