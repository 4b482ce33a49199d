"""A city while it is drawn: its places and people, and what the office has written down."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from simulators.city_by_schedules.arrays import HOUR_MIN, NOBODY, Bools, Generator, Numbers, one_of
from simulators.city_by_schedules.calendar import Calendar
from simulators.city_by_schedules.estates import Places
from simulators.city_by_schedules.people import Card, Household, Member, Person, Presence, inclined
from simulators.city_by_schedules.schedules import MINORS, draw_schedule
from simulators.city_by_schedules.world import Life, Record, World

STRANGERS_MEANS = ("card", "spare", "pin", "visitor", "qr", "tail")
"""How those pass who are not on record: a card of the household, one more card, its PIN, as its visitor, with its QR
code, or behind others."""


@dataclass(frozen=True, slots=True)
class Declared:
    """An absence that the household told the office; days."""

    dwelling: int
    first: int
    last: int | None
    reason: str
    declared_on: int


@dataclass(frozen=True, slots=True)
class Case:
    """An inspected case."""

    dwelling: int
    kind: str
    closed_on: int  # day
    outcome: str


@dataclass(frozen=True, slots=True)
class Violation:
    """What is truly wrong in a home."""

    dwelling: int
    kind: str
    first: int  # day
    last: int | None  # None: still so on the last day


@dataclass(slots=True)
class Lease:
    """Of a dwelling; None is not let, or still let."""

    first: int | None = None  # day
    last: int | None = None


@dataclass(slots=True)
class Town:
    """All of a city. Its draws come from one generator; their order is part of what a seed means: do not change it."""

    rng: Generator
    world: World
    calendar: Calendar
    places: Places
    people: list[Person] = field(default_factory=list)
    by_dwelling: list[list[Person]] = field(init=False)
    members: list[Member] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    cards_of: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # by dwelling
    households: list[Household] = field(default_factory=list)  # by dwelling
    leases: list[Lease] = field(init=False)  # by dwelling
    expected: list[int | None] = field(init=False)  # by dwelling: members whom the office expects
    honest_spells: list[tuple[int, int]] = field(default_factory=list)  # (dwelling, first day), empty over 50 days
    declared: list[Declared] = field(default_factory=list)
    truth: list[Violation] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    groups: list[tuple[int, str]] = field(default_factory=list)  # (dwelling, subgroup)
    extra_litres: Numbers = field(init=False)  # (dwellings, days) used by who looks in
    off: Bools = field(init=False)  # (dwellings, days) nothing is left on

    def __post_init__(self) -> None:
        count, days = self.places.dwellings, self.calendar.days
        self.by_dwelling = [[] for _ in range(count)]
        self.leases = [Lease() for _ in range(count)]
        self.expected = [None] * count
        self.extra_litres = np.zeros((count, days), np.float32)
        self.off = np.zeros((count, days), bool)

    @property
    def days(self) -> int:
        return self.calendar.days

    @property
    def life(self) -> Life:
        return self.world.life

    @property
    def record(self) -> Record:
        return self.world.record

    def chance(self, share: float) -> bool:
        """True in `share` (0..1) of all cases."""
        return bool(self.rng.random() < share)

    def some_days(self, count: int, share: float) -> Bools:
        """(count,) flags, each true in `share` of all cases."""
        flags: Bools = self.rng.random(count) < share
        return flags

    def add_person(
        self,
        dwelling: int,
        role: str,
        age: str,
        *,
        member: int = NOBODY,
        presence: Presence = Presence.AWAY,
        calls_at: float | None = None,
        calls_for: float | None = None,
        water_by_day: float = 0.0,
    ) -> Person:
        """Somebody who comes and goes, with a drawn schedule; each draw is made whether or not its value is given."""
        rng, estate = self.rng, self.places.estate(dwelling)
        between = rng.uniform
        schedule = draw_schedule(rng, age)
        errands_am, errands_pm = between(6.2, 11) * HOUR_MIN, between(15, 20.5) * HOUR_MIN
        tailgates = float(np.clip(rng.beta(2, 6) * 0.6, 0, 0.9))
        face_missed = self.record.face_missed * between(0.3, 2)
        drawn_at, drawn_for = between(9, 19) * HOUR_MIN, between(20, 170)
        person = Person(
            dwelling=dwelling,
            role=role,
            age=age,
            member=member,
            schedule=schedule,
            presence=np.full(self.days, presence, np.int8),
            errands_am=errands_am,
            errands_pm=errands_pm,
            tailgates=tailgates,
            face_missed=face_missed,
            calls_at=drawn_at if calls_at is None else calls_at,
            calls_for=drawn_for if calls_for is None else calls_for,
            one_day_pass=estate.one_day_passes,
            side_ways=estate.side_ways * between(0, 2),
            favourite_gate=int(rng.random() * 8),
            water_by_day=water_by_day,
        )
        self.people.append(person)
        self.by_dwelling[dwelling].append(person)
        return person

    def add_card(self, dwelling: int, holder: int) -> int:
        """A card of a dwelling; where the estate's cards are personal, it names its holder."""
        names_holder = self.places.estate(dwelling).cards_name_holder
        self.cards.append(Card(dwelling, holder if names_holder else NOBODY))
        self.cards_of[dwelling].append(len(self.cards) - 1)
        return len(self.cards) - 1

    def add_member(self, dwelling: int, age: str, since: int, until: int | None = None, role: str = "member") -> Person:
        """A registered person who lives there from the first day, with credentials."""
        rng, estate = self.rng, self.places.estate(dwelling)
        is_minor = age in MINORS
        consents = not is_minor and self.chance(estate.consents)
        enrolled = not is_minor and self.chance(estate.enrolled)
        if not consents and estate.without_consent == "card":
            enrolled = False
        self.members.append(Member(dwelling, since, until, consents, enrolled))
        number = len(self.members) - 1
        person = self.add_person(dwelling, role, age, member=number, presence=Presence.LIVES)
        face = card = code = 0.0
        if enrolled:
            face = rng.beta(6, 1.3) if rng.random() > estate.prefers_card else rng.beta(1, 4)
        if self.chance(0.55 if is_minor else estate.owns_card):
            person.card = self.add_card(dwelling, number)
            card = max(0.05, 1 - face)
        has_phone = age in ("worker", "service", "teen", "home", "night")
        if estate.has_qr and has_phone and self.chance(0.4):
            code = rng.uniform(0.05, 0.7)
        person.means = inclined(face=face, card=card, pin=rng.uniform(0.05, 0.6), qr=code)
        if is_minor:
            person.tailgates = rng.uniform(0.35, 0.85)
        if self.chance(0.5 * self.life.badly_recognised):
            person.face_missed = rng.uniform(0.12, 0.5)
        return person

    def add_stranger(
        self,
        dwelling: int,
        role: str,
        age: str,
        passes_by: str | None = None,
        *,
        presence: Presence = Presence.AWAY,
        calls_at: float | None = None,
        calls_for: float | None = None,
        water_by_day: float = 0.0,
    ) -> Person:
        """Somebody who is not on record: lodger, carer, relative, partner; the same means (of STRANGERS_MEANS) for the
        honest and the dishonest."""
        rng, estate = self.rng, self.places.estate(dwelling)
        person = self.add_person(
            dwelling,
            role,
            age,
            presence=presence,
            calls_at=calls_at,
            calls_for=calls_for,
            water_by_day=water_by_day,
        )
        by = passes_by or one_of(rng, STRANGERS_MEANS, (0.30, 0.18, 0.17, 0.12, 0.05, 0.18))
        cards = self.cards_of[dwelling]
        if by == "card" and cards:
            person.card = cards[int(rng.integers(len(cards)))]
            person.means = inclined(card=1, pin=0.15)
        elif by in ("spare", "card"):
            is_new = self.chance(0.6) or not cards
            person.card = self.add_card(dwelling, NOBODY) if is_new else cards[0]
            person.means = inclined(card=1, pin=0.15)
        elif by == "pin":
            person.means = inclined(pin=1, visitor=0.1)
            if cards and self.chance(0.4):
                person.card = cards[0]
                person.means = inclined(pin=1, visitor=0.1, card=0.4)
        elif by == "visitor":
            person.means = inclined(visitor=1, pin=0.1)
        elif by == "qr" and estate.has_qr:
            person.means = inclined(qr=1, pin=0.2)
        else:
            person.tailgates = rng.uniform(0.55, 0.9)
            person.means = inclined(pin=0.3, visitor=0.2)
            if cards:
                person.card = cards[0]
                person.means = inclined(pin=0.3, visitor=0.2, card=0.5)
        if by != "tail":
            person.tailgates = float(np.clip(person.tailgates + rng.uniform(0, 0.25), 0, 0.9))
        return person
