"""Who lives where at first: leases, households, and how the register came to know them, or not."""

from __future__ import annotations

import numpy as np

from simulators.city_by_lives.basics import NOBODY, Bytes, Floats, happens, pick, whole
from simulators.city_by_lives.jobs import Job, draw_job
from simulators.city_by_lives.means import Manner, add_actor, add_guest
from simulators.city_by_lives.people import Actor, Age, HouseholdKind, Role
from simulators.city_by_lives.town import Home, Town
from simulators.city_by_lives.whereabouts import Where, stay

SHARES = {
    HouseholdKind.ELDER_ALONE: 0.12,
    HouseholdKind.ELDER_COUPLE: 0.11,
    HouseholdKind.FAMILY: 0.32,
    HouseholdKind.SINGLE_PARENT: 0.06,
    HouseholdKind.YOUNG_ALONE: 0.13,
    HouseholdKind.YOUNG_COUPLE: 0.08,
    HouseholdKind.THREE_GENERATIONS: 0.075,
    HouseholdKind.PARENTS_OF_GROWN: 0.07,
    HouseholdKind.OLDER_ALONE: 0.045,
}
PERSONS: dict[HouseholdKind, list[tuple[Role, int]]] = {
    HouseholdKind.ELDER_ALONE: [(Role.ELDER, 72)],
    HouseholdKind.ELDER_COUPLE: [(Role.ELDER, 70), (Role.ELDER, 68)],
    HouseholdKind.FAMILY: [(Role.ADULT, 36), (Role.ADULT, 35), (Role.CHILD, 9)],
    HouseholdKind.SINGLE_PARENT: [(Role.ADULT, 38), (Role.CHILD, 11)],
    HouseholdKind.YOUNG_ALONE: [(Role.ADULT, 27)],
    HouseholdKind.YOUNG_COUPLE: [(Role.ADULT, 29), (Role.ADULT, 28)],
    HouseholdKind.THREE_GENERATIONS: [(Role.ADULT, 38), (Role.ADULT, 37), (Role.CHILD, 8), (Role.ELDER, 66)],
    HouseholdKind.PARENTS_OF_GROWN: [(Role.ADULT, 51), (Role.ADULT, 50), (Role.GROWN_CHILD, 23)],
    HouseholdKind.OLDER_ALONE: [(Role.ADULT, 52)],
}
"""With their ages in the mean."""

AGE_SPREAD = 7  # years
SMALL_CHILD, GROWN, BOARDS_FROM = 6, 16, 15  # years of age
OF_GROWN_CHILDREN = (Job.REGULAR, Job.GIGS, Job.STUDENT, Job.SHIFTS, Job.LATE)


def populate(town: Town) -> None:
    """Fills the city's homes; nothing happens in them yet."""
    rng, habits = town.rng, town.habits
    by_estate = rng.uniform(0.5, 1.6, len(town.places.estates))[town.places.estate_of]
    is_vacant = rng.random(len(by_estate)) < habits.vacant * by_estate
    shares: Floats = np.array(list(SHARES.values())) * rng.uniform(0.75, 1.3, len(SHARES))
    for number, vacant in enumerate(is_vacant.tolist()):
        home = _draw_home(town, number)
        town.homes.append(home)
        _draw_lease(town, home, vacant)
        if home.let_from is not None:
            home.kind = pick(rng, list(SHARES), shares.tolist())
            _move_in(town, home)


def _draw_home(town: Town, number: int) -> Home:
    rng, habits = town.rng, town.habits
    is_unseen = happens(rng, habits.follows_others)
    return Home(
        number=number,
        estate=town.places.estates[town.places.estate_of[number]],
        pin=town.issue(),
        kind=None,
        mostly_unseen=rng.uniform(0.5, 0.92) if is_unseen else rng.beta(1.4, 9),
        has_faces=happens(rng, 0.88),
        consents=happens(rng, habits.consents),
        swaps_cards=happens(rng, habits.swaps_cards),
        water=rng.lognormal(0, 0.22),
        power=rng.lognormal(0, 0.25),
        switches_off=happens(rng, habits.switches_off),
        friends=pick(rng, (0.0, 0.004, 0.015, 0.05), (0.3, 0.4, 0.22, 0.08)),
    )


def _draw_lease(town: Town, home: Home, is_vacant: bool) -> None:
    """Nobody is known to have had a vacant home before: it is let for the first time in the history, or not at all."""
    rng, days = town.rng, town.days
    if is_vacant and not happens(rng, 0.35):
        return
    home.is_let_late = is_vacant
    is_recent = not is_vacant and happens(rng, 0.06)
    if is_vacant:
        home.let_from = whole(rng, 15, days - 10)
    else:
        home.let_from = -whole(rng, 0, 60) if is_recent else -whole(rng, 60, 1900)
    if is_vacant or is_recent:  # works in the home, or the old lease elsewhere runs on
        delay = pick(rng, (whole(rng, 0, 12), whole(rng, 12, 45), whole(rng, 45, 120)), (0.55, 0.3, 0.15))
        delay = -whole(rng, 2, 15) if happens(rng, 0.03) else delay  # before the register knew of it
        home.moves_in = home.let_from + delay
    elif happens(rng, town.habits.moves_out):
        home.lease_ends = whole(rng, 20, days + 40)
        notice = pick(rng, (whole(rng, 0, 12), whole(rng, 12, 60), -whole(rng, 1, 20)), (0.6, 0.3, 0.1))
        home.moves_out = home.lease_ends - notice
        home.lease_ends = max(home.lease_ends, home.moves_out)  # who is not out in time is let to until then


def _move_in(town: Town, home: Home) -> None:
    rng, persons = town.rng, _draw_persons(town, home)
    registered = 0
    for serial, (role, age) in enumerate(persons):
        where = stay(town.days, -1 if home.moves_in is None else home.moves_in, home.moves_out)
        registered += _settle(town, home, where, role, age, is_first=serial == 0)
    if happens(rng, 0.95):
        home.expected_members = len(persons) if happens(rng, 0.3) else registered
    if home.swaps_cards:
        _swap_cards(town, home)
    if home.kind == HouseholdKind.ELDER_ALONE:
        town.subgroups.add((home.number, "lone_elderly"))


def _draw_persons(town: Town, home: Home) -> list[tuple[Role, int]]:
    """(role, age) of everybody; who signed the lease comes first."""
    rng = town.rng
    assert home.kind is not None
    persons = [(role, age + whole(rng, -AGE_SPREAD, AGE_SPREAD + 1)) for role, age in PERSONS[home.kind]]
    if home.kind == HouseholdKind.FAMILY and happens(rng, 0.42):
        persons.append((Role.CHILD, whole(rng, 1, 15)))
    if home.kind == HouseholdKind.THREE_GENERATIONS and happens(rng, 0.5):
        persons.append((Role.ELDER, 68))
    if home.kind == HouseholdKind.ELDER_COUPLE and happens(rng, 0.15):
        persons.append((Role.GROWN_CHILD, 35))
    return persons


def _settle(town: Town, home: Home, where: Bytes, role: Role, age: int, *, is_first: bool) -> bool:
    """One person moves in; whether the register knows."""
    rng = town.rng
    job, size, mobility = _occupation(town, role, age)
    is_known = is_first or not happens(rng, 0.09 if role == Role.CHILD else 0.06)
    if is_known:
        assert home.let_from is not None
        since = home.let_from if happens(rng, 0.9) else min(home.let_from + whole(rng, 5, 90), town.days - 1)
        member = town.register(home, since)
        never_enrols = not is_first and size == Age.ADULT and happens(rng, 0.035)
        if never_enrols:
            add_actor(town, home, where, job, Manner.UNSEEN, role=role, member=member, face=NOBODY, mobility=mobility)
        else:
            enrols = None if home.has_faces else False
            add_actor(
                town, home, where, job, Manner.ENROLLED,
                role=role, member=member, age=size, mobility=mobility, enrols=enrols,
            )  # fmt: skip
    else:
        manner = Manner.UNSEEN if size == Age.TODDLER else None
        add_guest(town, home, where, job, manner, role=role, age=size, mobility=mobility)
    if not is_known or never_enrols:
        town.subgroups.add((home.number, "unenrolled_member"))
    _board(town, where, job, age)
    return is_known


def _occupation(town: Town, role: Role, age: int) -> tuple[Job, Age, float]:
    """(job, size, mobility)"""
    rng = town.rng
    match role:
        case Role.ELDER:
            mobility = pick(rng, (1.0, 0.6, 0.12), (0.68, 0.22, 0.10)) if age >= 70 else 1.0
            return Job.RETIRED, Age.ADULT, mobility
        case Role.CHILD if age < SMALL_CHILD:
            return Job.TODDLER, Age.TODDLER, 1.0
        case Role.CHILD:
            return Job.PUPIL, Age.PUPIL if age < GROWN else Age.ADULT, 1.0
        case Role.GROWN_CHILD:
            return pick(rng, OF_GROWN_CHILDREN, (0.4, 0.12, 0.25, 0.13, 0.1)), Age.ADULT, 1.0
        case _:
            return draw_job(rng, is_young=age < 45), Age.ADULT, 1.0


def _board(town: Town, where: Bytes, job: Job, age: int) -> None:
    """Some older pupils sleep at school, home at the weekend; most students are away in term."""
    calendar = town.calendar
    if job == Job.PUPIL and age >= BOARDS_FROM and happens(town.rng, 0.5):
        lives, school = where == Where.LIVES, calendar.is_school
        where[lives & school & (calendar.weekday < 4)] = Where.AWAY
        where[lives & school & (calendar.weekday == 4)] = Where.ARRIVES
        where[lives & (calendar.weekday == 6) & np.roll(school, -1)] = Where.LEAVES
    if job == Job.STUDENT and happens(town.rng, 0.7):
        where[calendar.is_term & (where == Where.LIVES)] = Where.AWAY


def _swap_cards(town: Town, home: Home) -> None:
    """Two residents carry each other's card, or both the same one."""
    holders = [actor for actor in home.residents if actor.card != NOBODY]
    if len(holders) < 2:
        return
    first, second = _two(town, holders)
    theirs = second.card, second.card_member
    if happens(town.rng, 0.5):
        second.card, second.card_member = first.card, first.card_member
    first.card, first.card_member = theirs


def _two(town: Town, actors: list[Actor]) -> tuple[Actor, Actor]:
    one, other = town.rng.choice(len(actors), 2, replace=False)
    return actors[one], actors[other]
