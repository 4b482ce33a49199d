"""The people of a city: who is on record, who really comes and goes, and what each carries.

A `Member` is a row of the office's list. An `Actor` is somebody who lives in or visits a home, on record or not. Members
and credentials are known by their numbers, which only `tables` turns into identifiers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simulators.city_of_lookalikes.calendar import Calendar, Weather
from simulators.city_of_lookalikes.dice import NOBODY, Bools, Bytes, Dice
from simulators.city_of_lookalikes.estates import EstateKind, Places
from simulators.city_of_lookalikes.world import World

OLDEST_LEASE = -2600  # days before the history
ALWAYS_ENROLLED = -9999  # day
FACE_FROM_AGE = 14  # no face is enrolled before (law_and_practice.md 3.1)


class Rhythm(IntEnum):
    """When somebody leaves the home and comes back."""

    WORKER = 0
    HOMEBODY = 1
    NIGHT = 2
    COURIER = 3
    STUDENT = 4
    CARER = 5
    CALLER = 6  # lives elsewhere


@dataclass(slots=True)
class Member:
    """A person on the office's list."""

    home: int
    since: int  # day
    until: int | None
    consents: bool  # face may be used for the occupancy check


@dataclass(eq=False, slots=True)
class Actor:
    """Somebody who passes doors; -1 for what he does not have."""

    number: int
    home: int
    rhythm: Rhythm
    errands: float  # factor on ways out beside work
    present: Bools  # (days,) lives there, sleeps there
    visits: Bytes  # (days,) calls there by day; counts on days when he does not live there
    visit_hours: float
    face: int  # member whose face he shows
    member: int
    card: int  # credential
    card_holder: int  # member on the card
    code: int  # credential: QR
    code_holder: int
    knows_number: bool  # of the home's PIN
    visitor_pass: int  # credential
    unknown_face: float  # inclination to be let in without anything
    recognised: float  # of tries with the face
    seen: float  # of passes: recorded at all; above 1 as 1
    water: float  # m³ a day
    electricity: float  # kWh a day
    role: str
    lodges: bool  # belongs to a violation
    is_staff: bool
    likes_face: float  # inclinations to use each credential
    likes_card: float
    likes_number: float
    likes_code: float
    age: int | None = None  # of members
    next_card: int = NOBODY  # credentials from `changes_on` on
    next_code: int = NOBODY
    changes_on: int = 0
    enrolled_on: int = ALWAYS_ENROLLED

    @property
    def is_grown(self) -> bool:
        return self.age is None or self.age >= 18


@dataclass(slots=True)
class Household:
    """What a home is besides a place."""

    kind: str
    base_load: float  # kWh a day
    fridge: float  # kWh a day
    cooling: float  # factor
    heating: float  # factor
    has_number: bool  # a PIN
    let_from: int | None  # day; None is recorded vacant
    let_to: int | None = None
    family_card: int = NOBODY  # credential: the first card of the home
    family_card_holder: int = NOBODY
    actors: list[Actor] = field(default_factory=list)
    members: list[Actor] = field(default_factory=list)  # of the actors
    groups: set[str] = field(default_factory=set)  # subgroups of the format
    fridge_off: list[tuple[int, int]] = field(default_factory=list)  # (first day, day after)
    leaks: list[tuple[int, int, float]] = field(default_factory=list)  # (first day, day after, m³ a day)
    empty: list[tuple[int, int, bool]] = field(default_factory=list)  # (first day, day after, is it a violation)
    long_absence: int | None = None  # first day
    moved_in: int = 0  # day
    fridge_on: bool = False  # in a vacant home

    @property
    def is_old(self) -> bool:
        return "old" in self.kind


@dataclass(frozen=True, slots=True)
class Violation:
    """What is truly wrong in a home."""

    kind: str
    begin: int  # day of the history
    began: int  # real first day, perhaps before the history
    end: int  # beyond the last day where it goes on


@dataclass(frozen=True, slots=True)
class Declared:
    """A declared absence."""

    home: int
    begin: int
    end: int | None
    reason: str
    declared_on: int


@dataclass(frozen=True, slots=True)
class Case:
    """A closed case."""

    home: int
    kind: str
    closed_on: int
    outcome: str


@dataclass(slots=True)
class Town:
    """A city while it is drawn."""

    dice: Dice
    world: World
    calendar: Calendar
    weather: Weather
    places: Places
    households: list[Household] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    vacant: set[int] = field(default_factory=set)  # recorded vacant homes
    violations: dict[int, Violation] = field(default_factory=dict)  # by home
    truth: list[tuple[int, str, int, int | None]] = field(default_factory=list)  # (home, kind, from, to)
    declared: list[Declared] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    @property
    def let(self) -> list[int]:
        """Homes with a lease."""
        return [home for home, household in enumerate(self.households) if household.let_from is not None]

    @property
    def steady(self) -> list[int]:
        """Homes let before the history begins and still let after it."""
        return [
            home for home in self.let if (self.households[home].let_from or 0) <= 0 and not self.households[home].let_to
        ]

    def add_member(self, home: int, since: int, *, has_face: bool = True) -> int:
        """Puts a person on the list; the number."""
        consents = has_face and self.dice.chance(self.world.consent_b)
        self.members.append(Member(home, since, None, consents))
        return len(self.members) - 1

    def add_credential(self, prefix: str) -> int:
        """Issues a credential; the number."""
        drawn = int(self.dice.rng.integers(16**8))
        self.credentials.append(f"{prefix}{drawn:08x}{len(self.credentials):x}")
        return len(self.credentials) - 1

    def add_actor(
        self,
        home: int,
        rhythm: Rhythm,
        errands: float,
        present: Bools | None = None,
        *,
        face: int = NOBODY,
        member: int = NOBODY,
        card: int = NOBODY,
        card_holder: int = NOBODY,
        code: int = NOBODY,
        code_holder: int = NOBODY,
        knows_number: bool = False,
        visitor_pass: int = NOBODY,
        unknown_face: float = 0.0,
        seen: float | None = None,
        water: float | None = None,
        role: str = "resident",
        lodges: bool = False,
    ) -> Actor:
        """Somebody new who comes and goes, by default every day."""
        days, rng = self.calendar.days, self.dice.rng
        actor = Actor(
            number=len(self.actors),
            home=home,
            rhythm=rhythm,
            errands=errands,
            present=np.ones(days, bool) if present is None else present.copy(),
            visits=np.zeros(days, np.uint8),
            visit_hours=1.2,
            face=face,
            member=member,
            card=card,
            card_holder=card_holder,
            code=code,
            code_holder=code_holder,
            knows_number=knows_number,
            visitor_pass=visitor_pass,
            unknown_face=unknown_face,
            recognised=float(np.clip(rng.beta(30, 1.2), 0.8, 0.995)),
            seen=float(np.clip(rng.normal(0.85, 0.2), 0.25, 1.1)) if seen is None else seen,
            water=rng.lognormal(np.log(0.085), 0.35) if water is None else water,
            electricity=rng.lognormal(np.log(1.0), 0.4),
            role=role,
            lodges=lodges,
            is_staff=role == "staff",
            likes_face=rng.lognormal(0, 1.0),
            likes_card=rng.lognormal(0, 0.9),
            likes_number=rng.lognormal(0, 0.9),
            likes_code=rng.lognormal(0, 1.2),
            changes_on=days + 9,
        )
        self.actors.append(actor)
        self.households[home].actors.append(actor)
        return actor

    def add_resident(self, home: int, rhythm: Rhythm, errands: float, age: int) -> Actor:
        """A lawful member who lives in the home."""
        dice, household = self.dice, self.households[home]
        has_face = age >= FACE_FROM_AGE
        since = max(household.let_from, OLDEST_LEASE) if household.let_from else 0
        member = self.add_member(home, since, has_face=has_face)
        estate = self.places.estates[self.places.dwellings[home].estate]
        is_enrolled = has_face and dice.chance(0.90 if estate.kind == EstateKind.FACES else 0.6)
        if household.family_card >= 0 and dice.chance(self.world.family_card):
            card, card_holder = household.family_card, household.family_card_holder
        else:
            has_card = age >= 10 and dice.chance(0.7 if is_enrolled else 0.93)
            card = self.add_credential("C") if has_card else NOBODY
            card_holder = member
        if card >= 0 and household.family_card < 0:
            household.family_card, household.family_card_holder = card, member
        has_code = 16 <= age < 68 and dice.chance(0.6)
        actor = self.add_actor(
            home,
            rhythm,
            errands,
            face=member if is_enrolled else NOBODY,
            member=member,
            card=card,
            card_holder=card_holder,
            code=self.add_credential("Q") if has_code else NOBODY,
            code_holder=member,
            knows_number=household.has_number,
            water=None if age >= 5 else 0.05,
        )
        actor.age = age
        household.members.append(actor)
        if age < 7:
            actor.seen = 0.0  # goes along with a grown-up
        elif age < FACE_FROM_AGE:
            actor.seen *= 0.6
        return actor

    def add_outsider(
        self,
        home: int,
        rhythm: Rhythm,
        errands: float,
        present: Bools,
        means: Sequence[str],
        role: str,
        *,
        unknown_face: float | None = None,
        water: float | None = None,
        lodges: bool = False,
    ) -> Actor:
        """Somebody without a face on record.

        `means` says how he gets in: with the `family_card`, a `members_card` or `members_code` (of any of them), the
        home's `number`, a `visitor_pass`, or `let_in` by somebody; without any, now and then behind another.
        """
        dice, household = self.dice, self.households[home]
        card, card_holder, code, code_holder = NOBODY, NOBODY, NOBODY, NOBODY
        if "family_card" in means and household.family_card >= 0:
            card, card_holder = household.family_card, household.family_card_holder
        if "members_card" in means:
            lenders = [actor for actor in household.members if actor.card >= 0]
            if lenders:
                lender = dice.pick(lenders)
                card, card_holder = lender.card, lender.card_holder
        if "members_code" in means:
            lenders = [actor for actor in household.members if actor.code >= 0]
            if lenders:
                lender = dice.pick(lenders)
                code, code_holder = lender.code, lender.code_holder
        visitor_pass = self.add_credential("V") if "visitor_pass" in means else NOBODY
        let_in = dice.between(0.5, 1.5) if "let_in" in means else 0.15
        return self.add_actor(
            home,
            rhythm,
            errands,
            present,
            card=card,
            card_holder=card_holder,
            code=code,
            code_holder=code_holder,
            knows_number="number" in means,
            visitor_pass=visitor_pass,
            unknown_face=let_in if unknown_face is None else unknown_face,
            water=water,
            role=role,
            lodges=lodges,
        )

    def add_caller(
        self, home: int, means: Sequence[str], role: str, *, water: float | None = None, rhythm: Rhythm = Rhythm.CALLER
    ) -> Actor:
        """An outsider who does not sleep there, and calls on no day yet."""
        return self.add_outsider(home, rhythm, 0, self.calendar.never(), means, role, water=water)
