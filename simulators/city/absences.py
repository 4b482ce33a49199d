"""(P) Honest absences: of the whole household, of one member, and what the household tells the office of them."""

from __future__ import annotations

from math import exp, log
from random import Random

from simulators.city.model import BEFORE, Body, Household, Routine, Spell
from simulators.city.world import Long, World

SUMMER_FROM, SUMMER_TO = 182, 228  # days of the year between which school holidays begin
OLD = ("single_old", "old_couple")
WITH_CHILDREN = ("family", "three_generations")


def away_spells(
    rng: Random, household: Household, world: World, days: int, festival: int | None
) -> tuple[list[Spell], list[tuple[int, int]]]:
    """All absences of the household from long before the history to its end, and the spells with builders at work.

    `festival` is the day of Spring Festival (None: there is none); the draws are the same with and without it.
    """
    spells = _trips(rng, household, world, days)
    spells += _seasonal(rng, household, world, days)
    spells += _festival(rng, household, world, festival)
    absences = world.absences
    spells += _long(rng, absences.generic, "other", days)
    if household.kind in OLD:
        spells += _long(rng, absences.hospital, "hospital", days)
        spells += _long(rng, absences.care_stay, "care", days)
        spells += _long(rng, absences.minding_children, "home_visit", days)
    elif household.kind in WITH_CHILDREN and rng.random() < absences.summer:
        for year in (-365, 0, 365):
            first = year + rng.randint(0, 364)
            spells.append(Spell(first, first + rng.randint(10, 35), "travel"))
    works = _long(rng, absences.renovation, "renovation", days)
    spells += works
    for spell in spells:
        _declare(rng, spell, world)
    return spells, [(s.first + 1, s.last - 1) for s in works]


def _trips(rng: Random, household: Household, world: World, days: int) -> list[Spell]:
    rate = world.absences.trips[household.kind]
    if rate <= 0:
        return []
    found, day = [], BEFORE + rng.expovariate(rate / 365)
    while day < days:
        length = rng.randint(*world.absences.trip_days)
        found.append(Spell(int(day), int(day) + length - 1, "travel"))
        day += length + 2 + rng.expovariate(rate / 365)
    return found


def _seasonal(rng: Random, household: Household, world: World, days: int) -> list[Spell]:
    if household.kind != "seasonal":
        return []
    found, day = [], BEFORE + rng.randint(0, 365)
    while day < days:
        length = rng.randint(*world.absences.seasonal_days)
        found.append(Spell(day, day + length - 1, "work"))
        day += max(length + 30, 365 + rng.randint(-60, 60))
    return found


def _festival(rng: Random, household: Household, world: World, festival: int | None) -> list[Spell]:
    goes = rng.random() < world.absences.festival[household.kind]
    before, after = rng.randint(1, 12), rng.randint(3, 14)
    far = rng.randint(8, 24) if rng.random() < world.absences.festival_far else 0
    if festival is None or not goes:
        return []
    return [Spell(festival - before, festival + after + far, "home_visit")]


def _long(rng: Random, long: Long, cause: str, days: int) -> list[Spell]:
    if long.rate <= 0:
        return []
    found, day = [], BEFORE + rng.expovariate(long.rate / 365)
    while day < days:
        length = int(exp(rng.gauss(log(long.median), long.sigma)))
        length = min(max(length, long.shortest), long.longest)
        found.append(Spell(int(day), int(day) + length - 1, cause))
        day += length + 20 + rng.expovariate(long.rate / 365)
    return found


def _declare(rng: Random, spell: Spell, world: World) -> None:
    length = spell.last - spell.first + 1
    tells, late, guess = rng.random() < world.register.declares, rng.random(), rng.gauss(1.0, 0.25)
    if not tells or length < 15:
        return
    spell.declared = spell.first + (-2 if late < 0.55 else int(late * 25))
    if spell.declared > spell.last:
        spell.declared = spell.first
    spell.declared_to = spell.first + max(5, int(length * max(0.5, guess))) if late < 0.8 else None


def body_absences(rng: Random, household: Household, body: Body, world: World, days: int) -> None:
    """Absences of one member while the others stay: boarding school, business trips, hospital."""
    overlays, routine = world.overlays, body.routine
    if body.role != "member":
        return
    if routine is Routine.STUDENT and rng.random() < overlays.boarding:
        start = rng.randint(0, 6)
        body.away += [(day, day + 4) for day in range(BEFORE + start, days, 7)]
    if routine is Routine.WORKER and rng.random() < overlays.business_trips:
        for _ in range(int((days - BEFORE) / 30)):
            first = rng.randint(BEFORE, days)
            body.away.append((first, first + rng.randint(2, 14)))
    stays = 0.45 if routine in (Routine.ELDER, Routine.HOUSEBOUND) else 0.12
    day = BEFORE + rng.expovariate(stays / 365)
    while day < days:
        length = 1 + int(rng.expovariate(1 / 8.8))
        body.away.append((int(day), int(day) + length))
        day += length + rng.expovariate(stays / 365)


def without_overlap(spells: list[Spell]) -> list[Spell]:
    """By first day; a spell that begins inside another (or the day after) is dropped: the longer story holds."""
    kept: list[Spell] = []
    for spell in sorted(spells, key=lambda s: (s.first, -s.last)):
        if kept and spell.first <= kept[-1].last + 1:
            if spell.last - spell.first > 2 * (kept[-1].last - kept[-1].first):
                kept[-1] = spell
            continue
        kept.append(spell)
    return kept
