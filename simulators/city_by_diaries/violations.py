"""(P) Violations laid over honest households: who leaves, who lives there instead, by what means; and the true label.

Shares of kinds and their ways after `detection.md` 3 (60–70 % of vacancies with token visits, 10–15 % used by day,
8–12 % of sublets enrolled as family, 30–40 % running at the start), the kinds after the rules V, S, C, H, O, P and U of
`law_and_practice.md` 4.1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simulators.city_by_diaries.absences import visit_empty_home
from simulators.city_by_diaries.arrays import DAY_MIN, NEVER
from simulators.city_by_diaries.means import equip, give_means
from simulators.city_by_diaries.person import GUEST_ROLES, Person, make_person
from simulators.city_by_diaries.town import Lease, Town, Violation

KINDS = {
    "vacancy": 0.34,
    "sublet_whole": 0.27,
    "sublet_part": 0.14,
    "lent": 0.09,
    "visitor_abuse": 0.08,
    "over_occupancy": 0.045,
    "enrolment_fraud": 0.035,
}
"""Kinds with their shares, which differ a little from city to city. `vacant_used` is apart: nobody let the home."""

USED_BY_DAY = 0.125  # of vacancies
Means = dict[str, float]  # with shares


class Plan(NamedTuple):
    """What a household will do, from a day to a day."""

    kind: str
    first: int
    last: int


def draw_plans(town: Town, let: list[int]) -> dict[int, Plan]:
    """Which of the dwellings let for the whole history are in violation, `World.prevalence` of all dwellings."""
    rng, world, days = town.rng, town.world, town.days
    count = round(world.prevalence * town.dwellings)
    chosen = rng.choice(let, count, replace=False)
    shares = np.array(list(KINDS.values())) * rng.lognormal(0, 0.15, len(KINDS))
    plans: dict[int, Plan] = {}
    for dwelling in chosen:
        kind = str(rng.choice(list(KINDS), p=shares / shares.sum()))
        if rng.random() < world.running:
            first = -int(rng.exponential(200)) - 1
            goes_on = rng.random() < world.goes_on + 0.05
            last = NEVER if goes_on else int(rng.uniform(40, days))
        else:
            first = int(rng.uniform(12, days - 15))
            if kind == "vacancy" and rng.random() < 0.2:  # leaves for the festival and stays away
                leaves = town.calendar.festival - rng.uniform(0, 14)
                first = int(np.clip(leaves, 5, days - 10))
            goes_on = rng.random() < world.goes_on
            last = NEVER if goes_on else first + int(rng.uniform(90, 260))
        plans[int(dwelling)] = Plan(kind, first, last)
    return plans


def violate(town: Town, dwelling: int, household: list[Person], plan: Plan) -> None:
    """Carries out a plan on this household, which may gain people, and writes down the truth."""
    deed = _Deed(town, dwelling, household, plan)
    deeds: dict[str, Callable[[], None]] = {
        "vacancy": deed.vacancy,
        "sublet_whole": deed.sublet_whole,
        "sublet_part": deed.sublet_part,
        "lent": deed.lent,
        "visitor_abuse": deed.visitor_abuse,
        "over_occupancy": deed.over_occupancy,
        "enrolment_fraud": deed.enrolment_fraud,
    }
    deeds[plan.kind]()
    _tell_truth(town, dwelling, plan)


def _tell_truth(town: Town, dwelling: int, plan: Plan) -> None:
    text = town.calendar.text
    until = text(plan.last) if plan.last < town.days else None
    town.truth.append(Violation(dwelling, plan.kind, text(plan.first), until))


class _Deed:
    """One household's violation while it is drawn."""

    def __init__(self, town: Town, dwelling: int, household: list[Person], plan: Plan) -> None:
        self.town = town
        self.rng = town.rng
        self.dwelling = dwelling
        self.household = household
        self.members = [person for person in household if person.member >= 0]
        self.first = plan.first
        self.last = plan.last
        self.last_shown = min(plan.last, town.days)

    def leave(self, people: list[Person]) -> None:
        """These are away as long as it goes on; their guests come no more."""
        for person in people:
            unregistered = person.member < 0
            if unregistered and person.role in GUEST_ROLES:
                person.until = min(person.until, self.first)
            elif unregistered and person.since > -NEVER:
                person.until = min(person.until, max(self.first, person.since))
            before = [absence for absence in person.away if absence[1] < self.first - 1]
            person.away = [*before, (self.first, self.last)]

    def others(
        self, count: int, means: Means, first: float | None = None, roles: list[str] | None = None
    ) -> list[Person]:
        """So many strangers who live here, from `first` on; mostly all pass by the same means."""
        rng, days = self.rng, self.town.days
        first = self.first if first is None else first
        names, shares = list(means), list(means.values())
        mostly = rng.choice(names, p=shares)
        cards = [person.card for person in self.members if person.card >= 0]
        strangers = []
        for index in range(count):
            role = roles[index % len(roles)] if roles else self.stranger_role()
            is_child = role == "pupil"
            person = make_person(rng, self.dwelling, role, 10 if is_child else 30, 0.7 if is_child else 1.0)
            person.since, person.until = first + rng.uniform(0, 3), self.last
            by = mostly if rng.random() < 0.75 else rng.choice(names, p=shares)
            give_means(self.town, person, self.members, by)
            if by == "card" and index < len(cards):
                person.card = cards[index]
            if rng.random() < 0.3:
                leaves, returns = rng.uniform(0, days), rng.uniform(0, days)
                if returns > leaves:
                    person.away.append((leaves, min(returns, leaves + 12)))
            strangers.append(person)
        return strangers

    def stranger_role(self) -> str:
        return str(self.rng.choice(["worker", "gig", "home", "shift", "pupil"], p=[0.5, 0.17, 0.13, 0.12, 0.08]))

    def enrol_as_family(self, people: list[Person], since: float, earliest: float, latest: float) -> None:
        """Registers strangers as members, some days (from `earliest` to `latest`) after `since`."""
        for person in people:
            equip(self.town, person, person.tailgates, enrolled=True, let_from=0)
            registered = int(since) + int(self.rng.uniform(earliest, latest))
            self.town.members[person.member].since = registered

    def visit(self, people: list[Person], a_day: float, by_relative: float = 0.0) -> None:
        visit_empty_home(self.town, people, self.first, self.last, a_day, by_relative)

    def vacancy(self) -> None:
        rng, world = self.rng, self.town.world
        self.leave(self.household)
        u = rng.random()
        if u < world.token_visits:
            a_day = rng.lognormal(np.log(1.6 / 30), 0.6)
            self.visit(self.household, a_day, 0.4)
        elif u < world.token_visits + USED_BY_DAY:
            share = rng.uniform(0.3, 0.75)
            for day in range(max(0, int(self.first) + 3), int(self.last_shown)):
                if rng.random() < share:
                    minute = day * DAY_MIN + rng.uniform(8 * 60, 14 * 60)
                    self.members[0].visits.append((minute, minute + rng.uniform(120, 480)))

    def sublet_whole(self) -> None:
        rng = self.rng
        self.leave(self.household)
        at_once = rng.random() < 0.4
        moved_in = self.first + (0 if at_once else rng.uniform(1, 25))
        if rng.random() < 0.1:
            strangers = self.others(int(rng.integers(1, 4)), {"card": 1.0}, moved_in)
            self.enrol_as_family(strangers, moved_in, -6, 30)
        else:
            count = int(rng.choice([1, 2, 3, 4], p=[0.25, 0.4, 0.25, 0.1]))
            means = {"card": 0.56, "unknown": 0.30, "visitor": 0.07, "stay": 0.07}
            strangers = self.others(count, means, moved_in)
        self.household += strangers
        if rng.random() < 0.45:
            self.visit(self.members, rng.lognormal(np.log(1 / 30), 0.5))

    def sublet_part(self) -> None:
        count = int(self.rng.choice([1, 2], p=[0.7, 0.3]))
        means = {"card": 0.25, "spare": 0.25, "unknown": 0.32, "visitor": 0.1, "stay": 0.08}
        self.household += self.others(count, means, roles=["worker", "gig"])

    def lent(self) -> None:
        rng = self.rng
        if rng.random() >= 0.6:  # only the card: somebody from outside goes in and out with it
            self.household += self.others(1, {"card": 1.0}, roles=["worker"])
            self.household[-1].weight = rng.uniform(0, 0.3)
            return
        if rng.random() < 0.7:  # the home is lent to kin or friends
            self.leave(self.household)
            self.visit(self.members, 2 / 30)
        else:
            for person in self.members:
                self.come_and_go(person)
        self.household += self.others(int(rng.integers(1, 3)), {"card": 0.85, "unknown": 0.15})

    def come_and_go(self, person: Person) -> None:
        """Away for one or two weeks, again and again."""
        leaves: float = self.first
        while leaves < self.last_shown:
            length = self.rng.uniform(5, 18)
            person.away.append((leaves, leaves + length))
            leaves += length + self.rng.uniform(2, 9)

    def visitor_abuse(self) -> None:
        rng = self.rng
        if rng.random() >= 0.45:
            roles = ["worker", "gig", "home"]
            self.household += self.others(int(rng.integers(1, 3)), {"visitor": 1.0}, roles=roles)
            return
        day = self.first
        while day < self.last_shown:  # short lets: new people every few days
            length = int(rng.geometric(0.35)) + 1
            if rng.random() < 0.85 and day + length > 0:
                for _ in range(int(rng.integers(1, 4))):
                    guest = make_person(rng, self.dwelling, "tourist", 30, 0.7)
                    give_means(self.town, guest, self.members, "visitor")
                    guest.since, guest.until = day, day + length
                    self.household.append(guest)
            day += length + int(rng.integers(0, 3))
        if rng.random() < 0.6:
            self.leave(self.members)

    def over_occupancy(self) -> None:
        means = {"card": 0.35, "unknown": 0.25, "spare": 0.2, "tail": 0.2}
        roles = ["worker", "gig", "shift", "worker"]
        self.household += self.others(int(self.rng.integers(3, 7)), means, roles=roles)

    def enrolment_fraud(self) -> None:
        rng = self.rng
        if rng.random() < 0.6:
            self.leave(self.household)
            self.visit(self.members, 1 / 30)
        strangers = self.others(int(rng.integers(1, 3)), {"card": 1.0})
        self.enrol_as_family(strangers, self.first, -15, 20)
        self.household += strangers


def keep_vacant(town: Town, dwelling: int) -> None:
    """A home recorded vacant: staff look in; now and then somebody lives there (`vacant_used`)."""
    rng = town.rng
    town.leases[dwelling].append(Lease(None, None))
    for _ in range(rng.poisson(3)):
        town.staff_visits.append((dwelling, rng.uniform(0, town.days)))
    if rng.random() >= town.world.vacant_used:
        return
    first = int(rng.uniform(-100, town.days - 60))
    goes_on = rng.random() < 0.6
    last = NEVER if goes_on else first + int(rng.uniform(60, 200))
    card = town.new_card(-1)  # an old card of the last tenant, or a key of the staff's
    for _ in range(int(rng.integers(1, 4))):
        person = make_person(rng, dwelling, str(rng.choice(["worker", "gig", "home"])), 35)
        person.since, person.until = first, last
        person.tailgates = rng.uniform(0.2, 0.6)
        person.uses_pin, person.rings = 0.5, 0.3
        if rng.random() < 0.7:
            person.card = card
        town.people.append(person)
    _tell_truth(town, dwelling, Plan("vacant_used", max(first, -100), last))
