"""(P) Households as they are recorded, and who lawfully comes besides: carers, grandparents, partners, a birth.

Sizes after `law_and_practice.md` 5.2 (mean 2.6, size mix [A]), who is there without enrolment after `detection.md` 3.1
(households in which the fixed rule errs) and the innocent explanations IE13–IE15, IE27.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulators.city_by_diaries.means import equip, give_means
from simulators.city_by_diaries.person import Person, make_person
from simulators.city_by_diaries.town import Member, Town

KINDS = {
    "lone_old": 0.15,
    "old_couple": 0.13,
    "lone_worker": 0.10,
    "couple": 0.13,
    "family1": 0.21,
    "single_parent": 0.06,
    "three_gen": 0.08,
    "family2": 0.08,
    "siblings": 0.03,
    "disabled": 0.03,
}
"""Kinds of household with their shares; `family1` and `family2` by the number of children."""

Someone = tuple[str, int, float]  # role, age, weight in meters


def draw_household(town: Town, dwelling: int, let_from: float) -> tuple[str, list[Person]]:
    """A household's kind and people, registered from about the day `let_from` on."""
    rng, world = town.rng, town.world
    shares = np.array(list(KINDS.values()))
    kind = list(KINDS)[rng.choice(len(KINDS), p=shares / shares.sum())]
    tailgates = rng.uniform(0.45, 0.75) if rng.random() < world.tailgating_homes else rng.uniform(0.05, 0.25)
    household: list[Person] = []
    for role, age, weight in _Cast(town).of(kind):
        person = make_person(rng, dwelling, role, age, weight)
        equip(town, person, tailgates, enrolled=True, let_from=let_from)
        household.append(person)
    if kind in ("lone_old", "old_couple") and rng.random() < 0.15:
        household[0].role = "frail"
    _assign_school_run(town, household)
    _share_cards(town, household)
    expected = len(household)
    unenrolled = rng.random() < world.unenrolled
    if unenrolled and kind != "disabled":
        expected += _add_unenrolled(town, dwelling, household, tailgates, let_from)
    if rng.random() < world.lives_elsewhere:  # a student, a soldier
        town.new_member(Member(dwelling, let_from, None, False))
        expected += 1
    town.expected[dwelling] = expected
    return kind, household


class _Cast:
    """Who makes up a household."""

    def __init__(self, town: Town) -> None:
        self.rng = town.rng
        self.night_shift = town.world.night_shift

    def of(self, kind: str) -> list[Someone]:
        casts: dict[str, Callable[[], list[Someone]]] = {
            "lone_old": lambda: [self.old()],
            "old_couple": lambda: [self.old(), self.old()],
            "lone_worker": lambda: [self.adult()],
            "couple": lambda: [self.adult(), self.at_home()],
            "family1": lambda: [self.adult(), self.at_home(), self.child()],
            "single_parent": lambda: [self.adult(), *self.children()],
            "three_gen": lambda: [self.adult(), self.at_home(), self.child(), self.old(), *self.perhaps(self.old)],
            "family2": lambda: [self.adult(), self.at_home(), self.child(), self.child()],
            "siblings": lambda: [self.adult(), self.adult()],
            "disabled": lambda: [self.frail(), *self.perhaps(self.at_home, 0.6)],
        }
        return casts[kind]()

    def work(self) -> str:
        u = self.rng.random()
        if u < self.night_shift:
            return "shift"
        if u < self.night_shift + 0.1:
            return "gig"
        return "traveller" if u < self.night_shift + 0.14 else "worker"

    def adult(self, role: str | None = None) -> Someone:
        return (role or self.work(), int(self.rng.integers(22, 58)), 1.0)

    def at_home(self) -> Someone:
        return self.adult("home" if self.rng.random() < 0.4 else None)

    def old(self) -> Someone:
        return ("old", int(self.rng.integers(62, 88)), 0.95)

    def frail(self) -> Someone:
        return ("frail", int(self.rng.integers(40, 85)), 1.0)

    def child(self) -> Someone:
        age = int(self.rng.integers(0, 22))
        weight = 0.55 if age < 5 else 0.8
        if age < 5:
            role = "toddler"
        elif age < 15:
            role = "pupil"
        elif age < 19:
            role = "boarder" if self.rng.random() < 0.4 else "teen"
        else:
            role = "uni" if self.rng.random() < 0.7 else "worker"
        return (role, age, weight)

    def children(self) -> list[Someone]:
        return [self.child() for _ in range(int(self.rng.integers(1, 3)))]

    def perhaps(self, somebody: Callable[[], Someone], share: float = 0.5) -> list[Someone]:
        return [somebody()] if self.rng.random() < share else []


def _assign_school_run(town: Town, household: list[Person]) -> None:
    if not any(person.role in ("toddler", "pupil") for person in household):
        return
    for person in household:
        if person.role in ("home", "old") and town.rng.random() < 0.75:
            person.habits.school_run = True
            return


def _share_cards(town: Town, household: list[Person]) -> None:
    """Cards lent inside the family (innocent), above all to children without one."""
    rng = town.rng
    for person in household:
        others = [one for one in household if one is not person and one.card >= 0]
        if others and rng.random() < town.world.shares_card:
            person.second_card = others[rng.integers(len(others))].card
            person.uses_second = rng.uniform(0.08, 0.5)
        elif 5 < person.age < 14 and person.card < 0 and others:
            person.second_card, person.uses_second = others[0].card, 0.6


def _add_unenrolled(town: Town, dwelling: int, household: list[Person], tailgates: float, let_from: float) -> int:
    """Somebody lawful who never enrolled; returns by how many the office expects more."""
    rng = town.rng
    is_old = rng.random() < 0.35
    role = "old" if is_old else _Cast(town).work()
    person = make_person(rng, dwelling, role, int(rng.integers(20, 75)))
    equip(town, person, tailgates, enrolled=False, let_from=let_from)
    registered = rng.random() < 0.35
    if registered:
        person.member = town.new_member(Member(dwelling, let_from, None, False))
    give_means(town, person, household, rng.choice(["card", "unknown", "tail"], p=[0.45, 0.3, 0.25]))
    household.append(person)
    town.subgroups.append((dwelling, "unenrolled_member"))
    return int(registered or rng.random() < 0.55)


def add_company(town: Town, dwelling: int, kind: str, household: list[Person]) -> None:
    """Adds who lawfully comes besides, and single members' absences, to a household."""
    rng, world = town.rng, town.world
    if kind == "lone_old":
        town.subgroups.append((dwelling, "lone_elderly"))
    needs_care = any(person.age >= 65 or person.role == "frail" for person in household)
    if kind == "disabled" or rng.random() < world.carer * (2.6 if needs_care else 0.15):
        _add_carer(town, dwelling, household)
    with_children = ("family1", "family2", "single_parent", "couple")
    if rng.random() < world.grandparent and kind in with_children:
        _add_grandparents(town, dwelling, household)
    if rng.random() < world.partner and kind in ("lone_worker", "single_parent", "siblings"):
        _add_partner(town, dwelling, household)
    if rng.random() < world.drops_in:
        person = make_person(rng, dwelling, "dropin", 45, 0.1)
        means = rng.choice(["card", "spare", "visitor", "unknown", "tail"], p=[0.25, 0.2, 0.2, 0.2, 0.15])
        give_means(town, person, household, means)
        household.append(person)
    if any(person.role in ("teen", "pupil") for person in household) and rng.random() < 0.08:
        friend = make_person(rng, dwelling, "dropin", 15, 0.1)
        give_means(town, friend, household, "unknown")
        household.append(friend)
    if kind in ("couple", "family1"):
        _perhaps_birth(town, dwelling, household)
    for person in list(household):
        if person.member >= 0 or person.role not in ("carer", "dropin"):
            _single_absences(town, person, alone=len(household) == 1)


def _add_carer(town: Town, dwelling: int, household: list[Person]) -> None:
    rng = town.rng
    carer = make_person(rng, dwelling, "carer", 45, 0.15)
    means = rng.choice(["visitor", "stay", "spare", "unknown", "tail"], p=[0.25, 0.25, 0.2, 0.15, 0.15])
    give_means(town, carer, household, means)
    if rng.random() < 0.25:  # lives in
        carer.role, carer.weight = "home", 1.0
    if rng.random() < 0.4:
        carer.since = int(rng.integers(0, town.days - 30))
    household.append(carer)
    town.subgroups.append((dwelling, "carer"))


def _add_grandparents(town: Town, dwelling: int, household: list[Person]) -> None:
    """One or two for 40–90 days."""
    rng = town.rng
    first = int(rng.integers(-30, town.days - 20))
    length = int(rng.uniform(40, 90))
    means = rng.choice(["card", "stay", "unknown", "tail"], p=[0.4, 0.2, 0.2, 0.2])
    both = rng.random() < 0.5
    for _ in range(2 if both else 1):
        person = make_person(rng, dwelling, "old", 64, 0.9)
        give_means(town, person, household, means)
        person.since, person.until = first, first + length
        household.append(person)


def _add_partner(town: Town, dwelling: int, household: list[Person]) -> None:
    rng = town.rng
    partner = make_person(rng, dwelling, "partner", 30, 1.0)
    means = rng.choice(["card", "visitor", "unknown", "tail"], p=[0.45, 0.15, 0.2, 0.2])
    give_means(town, partner, household, means)
    if rng.random() < 0.5:
        partner.since = int(rng.integers(0, town.days - 40))
    household.append(partner)


def _perhaps_birth(town: Town, dwelling: int, household: list[Person]) -> None:
    """A new member, registered weeks later, and a nurse for a month."""
    rng = town.rng
    for parent in list(household):
        if not (22 <= parent.age <= 40 and rng.random() < 0.03):
            continue
        born = int(rng.integers(5, town.days - 5))
        baby = make_person(rng, dwelling, "toddler", 0, 0.6)
        baby.member = town.new_member(Member(dwelling, born + int(rng.uniform(20, 90)), None, False))
        baby.since = born
        nurse = make_person(rng, dwelling, "home", 45, 1.0)
        give_means(town, nurse, household, rng.choice(["stay", "unknown", "card"]))
        nurse.since, nurse.until = born, born + int(rng.uniform(26, 60))
        household += [baby, nurse]
        return


def _single_absences(town: Town, person: Person, *, alone: bool) -> None:
    """One person away: in hospital (`law_and_practice.md` 5.3: 0.214 a year), at work elsewhere; or dead."""
    rng, days = town.rng, town.days
    for _ in range(rng.poisson(0.2 * (1.8 if person.age > 65 else 0.8))):
        first = rng.uniform(0, days)
        person.away.append((first, first + max(1, rng.lognormal(1.9, 0.7))))
    if not alone and person.role in ("worker", "gig") and rng.random() < 0.04:
        first = rng.uniform(-60, days)
        person.away.append((first, first + rng.uniform(30, 190)))
    if not alone and person.age > 70 and person.member >= 0 and rng.random() < 0.025:
        died = int(rng.uniform(5, days))
        person.until = died
        town.members[person.member].until = died + int(rng.uniform(0, 60))


def is_seasonal(town: Town, kind: str) -> tuple[bool, bool]:
    """Whether a household works elsewhere for a season: (somebody of it, all of it)."""
    rng = town.rng
    working = ("lone_worker", "couple", "siblings", "family1", "family2", "single_parent")
    if not (kind in working and rng.random() < town.world.seasonal * 1.35):
        return False, False
    all_go = {"lone_worker": 0.95, "couple": 0.4, "siblings": 0.35}
    return True, rng.random() < all_go.get(kind, 0.12)


def send_one_for_season(town: Town, household: list[Person]) -> None:
    """One worker of a household away for a season (30–230 days)."""
    rng = town.rng
    workers = (person for person in household if person.role in ("worker", "gig", "shift", "traveller"))
    person = next(workers, household[0])
    first = rng.uniform(-60, town.days - 30)
    length = float(np.clip(rng.lognormal(4.6, 0.5), 30, 230))
    person.away.append((first, first + length))
