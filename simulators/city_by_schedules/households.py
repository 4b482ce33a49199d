"""Households by kinds, and who comes and goes lawfully without being on record."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulators.city_by_schedules.absences import stay_away
from simulators.city_by_schedules.arrays import HOUR_MIN, one_of
from simulators.city_by_schedules.calendar import length
from simulators.city_by_schedules.people import Household, Kind, Presence
from simulators.city_by_schedules.town import Town

OLD = ("single_old", "old_couple", "disabled", "three_gen")
WITH_CHILDREN = ("family", "single_parent", "young_couple")
COURTED = ("single_worker", "single_parent", "night_shift", "traveller", "weekender")


def draw_household(town: Town, dwelling: int, kind: str, since: int) -> Household:
    """The members of a household, on record since day `since`, as if nothing ever happened to them."""
    rng, life = town.rng, town.life
    ages = _draw_ages(town, kind)
    if town.chance(life.housebound):
        ages = ["bound" if age == "elder" and town.chance(0.6) else age for age in ages]
    household = Household(dwelling, kind, rng.lognormal(0, 0.5), town.chance(life.migrants))
    for age in ages:
        household.residents.append(town.add_member(dwelling, age, since))
    if kind == "traveller":
        household.traveller, household.travels_every = household.residents[0], rng.uniform(3, 15)
    if kind == "weekender":
        household.weekender = household.residents[0]
    for person in household.residents:
        if person.age == "teen" and town.chance(0.3):
            if town.chance(0.55):
                household.boarder = person
            else:
                household.student = person
    usual = town.record.litres * rng.lognormal(0, 0.33)
    household.litres = usual * (rng.uniform(0.25, 0.5) if town.chance(life.frugal) else 1)
    household.lawful = len(ages)
    if kind == "single_old":
        household.groups.add("lone_elderly")
    if kind == "seasonal":
        household.groups.add("seasonal_worker")
    return household


def _draw_ages(town: Town, kind: str) -> list[str]:
    """What the members of a household of this kind do (see `schedules`)."""
    rng, chance = town.rng, town.chance

    def worker() -> str:
        return one_of(rng, ("worker", "service"), (0.72, 0.28))

    def child() -> str:
        return one_of(rng, ("infant", "school", "teen"), (0.3, 0.45, 0.25))

    def perhaps(share: float, draw: Callable[[], str]) -> list[str]:
        return [draw()] if chance(share) else []

    def or_worker(share: float, age: str) -> str:
        return age if chance(share) else worker()

    # lists are evaluated, and so drawn, from left to right
    match kind:
        case "single_old":
            return ["elder"]
        case "old_couple":
            return ["elder", "elder"]
        case "single_worker":
            return [worker()]
        case "young_couple":
            return [worker(), or_worker(0.25, "home")]
        case "family":
            return [worker(), or_worker(0.35, "home"), child(), *perhaps(0.4, child)]
        case "single_parent":
            return [worker(), child(), *perhaps(0.25, child)]
        case "three_gen":
            return [worker(), worker(), "elder", *perhaps(0.45, lambda: "elder"), child(), *perhaps(0.3, child)]
        case "night_shift":
            partner = perhaps(0.5, lambda: one_of(rng, ("worker", "home", "night")))
            return ["night", *partner, *perhaps(0.25, child)]
        case "traveller":
            return [worker(), *perhaps(0.4, lambda: or_worker(0.5, "home"))]
        case "seasonal":
            return [worker(), *perhaps(0.45, worker), *perhaps(0.15, child)]
        case "weekender":
            return [worker(), *perhaps(0.2, worker)]
        case _:  # disabled
            first = "bound" if chance(0.5) else "home"
            return [first, *perhaps(0.45, lambda: or_worker(0.5, "elder"))]


def add_company(town: Town, household: Household) -> None:
    """What lawful life adds to a register, also in homes that will break rules."""
    is_old = household.kind in OLD
    life, kind, chance = town.life, household.kind, town.chance
    if chance(life.unenrolled * (1.2 if household.lawful < 4 else 0.8)):
        _live_unenrolled(town, household)
    if chance(life.carer * (2.6 if is_old else 0.4)):
        _be_cared_for(town, household)
    if chance(life.grandparents * (2 if kind in WITH_CHILDREN else 0.4)):
        _host_grandparents(town, household)
    if chance(life.partner * (2.2 if kind in COURTED else 0.35)):
        _have_a_partner(town, household)
    if chance(life.friends * 2) and any(person.age == "teen" for person in household.residents):
        _have_a_friend(town, household)
    if chance(life.relatives):
        _have_relatives(town, household)
    if chance(life.follower):
        for person in household.residents:
            person.tailgates = town.rng.uniform(0.5, 0.92)
    if chance(life.cards_mixed):
        _mix_cards(town, household)
    if chance(life.changes_means):
        _change_means(town, household)


def _live_unenrolled(town: Town, household: Household) -> None:
    """One or two who live there, some from a day in the history on; the office expects half of them."""
    rng, chance = town.rng, town.chance
    for _ in range(2 if chance(0.25) else 1):
        age = one_of(rng, ("worker", "home", "elder", "service"))
        person = town.add_stranger(household.dwelling, "unenrolled", age, presence=Presence.LIVES)
        if chance(0.35):
            person.presence[: int(rng.uniform(0, town.days))] = Presence.AWAY
        household.residents.append(person)
        household.lawful += int(chance(0.5))
    household.groups.add("unenrolled_member")


def _be_cared_for(town: Town, household: Household) -> None:
    """By somebody who lives there six days a week, or who comes on most days."""
    rng, days = town.rng, town.days
    household.groups.add("carer")
    comes = int(rng.uniform(-200, days - 20)) if town.chance(0.7) else -300
    span = town.calendar.span(comes, comes + rng.uniform(30, 420))
    if town.chance(0.3):
        carer = town.add_stranger(household.dwelling, "carer", "home")
        carer.presence[span] = Presence.LIVES
        carer.presence[(town.calendar.weekday == rng.integers(7)) & (carer.presence > 0)] = Presence.AWAY
        return
    calls_at = rng.uniform(7, 17) * HOUR_MIN
    calls_for = rng.uniform(50, 420)
    carer = town.add_stranger(
        household.dwelling, "carer", "home", calls_at=calls_at, calls_for=calls_for, water_by_day=0.3
    )
    comes_on = rng.random(days) < rng.uniform(0.35, 0.95)
    carer.presence[span][comes_on[span]] = Presence.BY_DAY


def _host_grandparents(town: Town, household: Household) -> None:
    rng = town.rng
    for _ in range(2 if town.chance(0.45) else 1):
        person = town.add_stranger(household.dwelling, "grandparent", "elder")
        comes = rng.uniform(-40, town.days)
        stays = rng.uniform(40, 90) * (2 if town.chance(0.15) else 1)
        person.presence[town.calendar.span(comes, comes + stays)] = Presence.LIVES


def _have_a_partner(town: Town, household: Household) -> None:
    """Who stays overnight on some days of a time."""
    rng, days = town.rng, town.days
    person = town.add_stranger(household.dwelling, "partner", one_of(rng, ("worker", "service")))
    span = town.calendar.span(rng.uniform(-200, days), rng.uniform(60, days + 200))
    stays = rng.random(length(span)) < rng.uniform(0.15, 0.75)
    person.presence[span][stays] = Presence.LIVES


def _have_a_friend(town: Town, household: Household) -> None:
    """A youth's, after school."""
    rng = town.rng
    by = "tail" if town.chance(0.5) else None
    calls_at = rng.uniform(16, 18) * HOUR_MIN
    friend = town.add_stranger(
        household.dwelling, "friend", "teen", by, calls_at=calls_at, calls_for=120, water_by_day=0.05
    )
    friend.presence[rng.random(town.days) < rng.uniform(0.1, 0.45)] = Presence.BY_DAY


def _have_relatives(town: Town, household: Household) -> None:
    """Somebody who calls, and may stay for up to two weeks."""
    rng = town.rng
    calls_for = rng.uniform(60, 400)
    person = town.add_stranger(household.dwelling, "relative", "home", calls_for=calls_for, water_by_day=0.12)
    person.presence[rng.random(town.days) < rng.uniform(0.03, 0.3)] = Presence.BY_DAY
    if town.chance(0.4):
        for _ in range(int(rng.integers(1, 4))):
            comes = int(rng.uniform(0, town.days))
            person.presence[comes : comes + int(rng.integers(2, 16))] = Presence.LIVES


def _mix_cards(town: Town, household: Household) -> None:
    """They take one another's cards."""
    cards = town.cards_of[household.dwelling]
    if len(cards) > 1:
        for person in household.residents:
            if town.chance(0.5):
                person.card = cards[int(town.rng.integers(len(cards)))]


def _change_means(town: Town, household: Household) -> None:
    """From face to card or back within a few days: a mask, a new card, a quarrel with the camera."""
    rng = town.rng
    day = int(rng.uniform(20, town.days))
    for person in household.residents:
        face, card = person.means[Kind.FACE], person.means[Kind.CARD]
        if face > 0 and card > 0:
            person.changes_on = day + int(rng.integers(0, 6))
            later = person.means.copy()
            later[Kind.FACE], later[Kind.CARD] = (0.02, 1.0) if face > card else (1.0, 0.05)
            person.later_means = later


def add_stale_member(town: Town, household: Household, since: int) -> None:
    """Somebody on record who is not there, and whom the office expects."""
    until = None if town.chance(0.7) else int(town.rng.uniform(0, town.days))
    person = town.add_member(household.dwelling, "worker", since, until)
    person.presence[:] = Presence.AWAY
    household.lawful += 1


def grow(town: Town, household: Household) -> None:
    """Lawful new members in the year; an old tenant then often goes to a home of care."""
    rng, days = town.rng, town.days
    day = int(rng.uniform(5, days))
    tenant = household.residents[0]
    for _ in range(2 if town.chance(0.3) else 1):
        age = one_of(rng, ("worker", "home", "elder", "service"))
        person = town.add_member(household.dwelling, age, day + int(rng.integers(-5, 40)))
        person.presence[:day] = Presence.AWAY
        household.lawful += int(town.chance(0.6))
        with_tenant = rng.random(days - day) < 0.95
        person.presence[day:] = np.where(with_tenant, tenant.presence[day:], Presence.LIVES)
    if household.kind in ("single_old", "old_couple") and town.chance(0.6):
        end = min(days + 100, day + int(rng.uniform(20, 250)))
        stay_away(town, household, day + 5, end, "care", who=[tenant])
