"""(P) Honest absences of whole households, what of them is declared, and who looks in meanwhile.

Lengths and shares after `detection.md` 2.1 (11.6 % of honest homes away 30 days or more) and 3, hospital stays after
`law_and_practice.md` 5.3; reasons are the classes of the history format. Most long absences are honest (`detection.md`
section 0): Shiyan found 16 of 22 long empty homes simply working away.
"""

from __future__ import annotations

import numpy as np

from simulators.city_by_diaries.arrays import DAY_MIN, NEVER, Floats, Generator
from simulators.city_by_diaries.means import give_means
from simulators.city_by_diaries.person import GUEST_ROLES, Person, make_person
from simulators.city_by_diaries.town import Absence, Declared, Town

LEAVES_OFTEN = {
    "lone_old": 1.25,
    "old_couple": 1.1,
    "lone_worker": 1.6,
    "couple": 1.1,
    "family1": 0.75,
    "single_parent": 0.8,
    "three_gen": 0.45,
    "family2": 0.6,
    "siblings": 1.0,
    "disabled": 1.1,
}
"""Factor on long absences by kind of household: the smaller, the sooner nobody is there."""

REASONS_OLD = {"care": 0.3, "hospital": 0.25, "home_visit": 0.3, "travel": 0.07, "other": 0.08}
REASONS_OTHERS = {
    "work": 0.38,
    "home_visit": 0.24,
    "care": 0.14,
    "renovation": 0.07,
    "travel": 0.07,
    "other": 0.06,
    "hospital": 0.04,
}
REASONS_SHORT = ["travel", "home_visit", "hospital", "work", "other"]
STAYS_FOR_FESTIVAL = ("lone_old", "disabled")


def household_absences(town: Town, kind: str, seasonal: bool) -> list[Absence]:
    """Absences of a household of this kind, in order and apart; a seasonal one is away for work for long."""
    rng, world = town.rng, town.world
    drawn: list[Absence] = []
    if seasonal or rng.random() < world.away_30_days * LEAVES_OFTEN[kind] * 0.82:
        drawn += _long_absences(town, kind, seasonal)
    if rng.random() < world.away_at_festival * (0.7 if kind in STAYS_FOR_FESTIVAL else 1):
        festival = town.calendar.festival
        leaves = festival - rng.gamma(2, 2.5) - 1
        returns = leaves + float(np.clip(rng.gamma(3.2, 4.2), 3, 45))
        drawn.append(Absence(leaves, max(festival + 1, returns), "home_visit"))
    for _ in range(rng.poisson(world.short_trips)):
        leaves = rng.uniform(0, town.days)
        reason = str(rng.choice(REASONS_SHORT))
        length = float(np.clip(rng.lognormal(1.7, 0.75), 2, 29))
        drawn.append(Absence(leaves, leaves + length, reason))
    apart: list[Absence] = []
    for absence in sorted(drawn):
        if not apart or absence.first > apart[-1].last + 4:
            apart.append(absence)
    return apart


def _season_length(rng: Generator) -> float:
    return float(np.clip(rng.lognormal(4.35, 0.55), 32, 210))


def _long_length(rng: Generator) -> float:
    """Days, 30 and more: a heavy tail (half are away longer than 51)."""
    return float(min(330.0, 30 * (1 - rng.random()) ** (-1 / 1.3)))


def _long_absences(town: Town, kind: str, seasonal: bool) -> list[Absence]:
    """One of 30 days or more, and now and then another after it."""
    rng = town.rng
    length = _season_length(rng) if seasonal else _long_length(rng)
    leaves = rng.uniform(-0.45 * length, town.days - 8)
    reason = "work"
    if not seasonal:
        reasons = REASONS_OLD if kind in ("lone_old", "old_couple", "disabled") else REASONS_OTHERS
        reason = str(rng.choice(list(reasons), p=list(reasons.values())))
    drawn = [Absence(leaves, leaves + length, reason)]
    if rng.random() < 0.25:
        again = leaves + length + rng.uniform(20, 120)
        drawn.append(Absence(again, again + rng.uniform(8, 60), reason))
    return drawn


def live_through(town: Town, dwelling: int, household: list[Person], absences: list[Absence]) -> None:
    """Sends a household away as drawn; somebody may look in, and some of it is declared."""
    rng, world = town.rng, town.world
    for absence in absences:
        first, last, reason = absence
        if last < 0:
            continue
        for person in household:
            _send_away(town, person, absence, alone=len(household) == 1)
        if last - first > 8 and rng.random() < world.honest_token_visits:
            a_day = rng.lognormal(np.log(1.5 / 30), 0.65)
            visit_empty_home(town, household, first, last, a_day)
        if last - first > 25 and rng.random() < 0.06:
            _somebody_looks_in(town, dwelling, household, absence)
        share = world.honest_declares if last - first > 14 else world.short_declared
        declare(town, dwelling, first, last, reason, share)


def _send_away(town: Town, person: Person, absence: Absence, *, alone: bool) -> None:
    rng = town.rng
    unregistered = person.member < 0
    if unregistered and person.role in ("carer", "dropin"):
        person.away.append((absence.first, absence.last))
        return
    if unregistered and person.since > -NEVER and person.since > absence.first:
        return  # a guest who comes only later
    apart = not alone and rng.random() < 0.2
    shift = rng.uniform(-0.5, 0.5) if apart else 0.0
    person.away.append((absence.first + shift, absence.last + shift))


def _somebody_looks_in(town: Town, dwelling: int, household: list[Person], absence: Absence) -> None:
    """A relative waters the plants every other day."""
    rng = town.rng
    relative = make_person(rng, dwelling, "dropin", 45, 0.15)
    relative.habits.often = rng.uniform(0.6, 0.95)
    give_means(town, relative, household, rng.choice(["card", "unknown", "visitor"], p=[0.6, 0.2, 0.2]))
    relative.since, relative.until = max(0.0, absence.first) + 2, absence.last - 1
    town.people.append(relative)


def spend_days_only(town: Town, household: list[Person]) -> None:
    """Old people who sleep at their grandchildren's for months and come home by day."""
    rng, days = town.rng, town.days
    first = rng.uniform(-40, days - 40)
    last = first + rng.uniform(40, 200)
    for person in household:
        person.away.append((first, last))
    for day in range(max(0, int(first) + 1), int(min(last, days))):
        if rng.random() < 0.6:
            minute = day * DAY_MIN + rng.uniform(8 * 60, 13 * 60)
            household[0].visits.append((minute, minute + rng.uniform(90, 420)))


def declare(town: Town, dwelling: int, first: float, last: float, reason: str, share: float) -> None:
    """With probability `share`, a declared absence, with the errors that people and clerks make."""
    rng, text = town.rng, town.calendar.text
    if rng.random() >= share:
        return
    delays = [rng.uniform(-12, 0), rng.uniform(0, 12), rng.uniform(10, 40)]
    declared_on = first + rng.choice(delays, p=[0.5, 0.33, 0.17])
    if declared_on >= min(last, town.days) or declared_on < -120:
        return
    length = last - first if last < NEVER / 2 else rng.choice([30, 60, 90, 120, 180])
    open_ended = rng.random() < 0.22
    until = None if open_ended else first + length * rng.uniform(0.75, 1.2)
    if until is not None and until < declared_on:
        until = declared_on + 5
    since = text(first + rng.integers(-2, 3))
    row = Declared(dwelling, since, None if until is None else text(until), reason, text(declared_on))
    town.declared.append(row)


def visit_empty_home(
    town: Town, household: list[Person], first: float, last: float, a_day: float, by_relative: float = 0.4
) -> None:
    """Short visits to an empty home between two days, the same in honest absence and in vacancy.

    A member comes, or (share `by_relative`) a relative with that member's card; `a_day` times a day. Water and power
    are used in either case: that only violators' visits used water was a leak once (`detection.md` 3, rev. 2).
    """
    rng = town.rng
    begin, end = max(0.0, first + 2), min(float(town.days), last - 2)
    if end <= begin or not household:
        return
    adults = [one for one in household if one.age >= 16 and one.role not in GUEST_ROLES] or household
    who = adults[rng.integers(len(adults))]
    if rng.random() < by_relative and who.card >= 0:
        relative = make_person(rng, who.dwelling, "none", 40, 0.0)
        relative.card, relative.tailgates, relative.uses_pin = who.card, 0.2, 0.5
        town.people.append(relative)
        who = relative
    days: Floats = begin + rng.random(rng.poisson(a_day * (end - begin))) * (end - begin)
    for day in days:
        minute = np.floor(day) * DAY_MIN + rng.uniform(8.5 * 60, 20.5 * 60)
        short = rng.random() < 0.85
        length = rng.lognormal(4.3, 0.8) if short else rng.uniform(9 * 60, 16 * 60)
        who.visits.append((minute, minute + length))
