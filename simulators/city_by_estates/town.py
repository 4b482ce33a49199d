"""The city while it is drawn: its places and people, what is known of them and what is true.

A range of days is [first, end); it may begin or end outside the history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from simulators.city_by_estates.calendar import Calendar, Weather
from simulators.city_by_estates.dice import NOBODY, Dice
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.people import Actor
from simulators.city_by_estates.world import World

VACANT = "vacant"  # the kind of a home that is recorded so


class AccessPoint(NamedTuple):
    """A reader. `block` is empty and `dwelling` NOBODY where it has none."""

    name: str
    estate: int
    scope: str
    block: str
    dwelling: int


class Credential(NamedTuple):
    """A card, a PIN or a QR code; whom it names, if anybody."""

    letter: str
    holder: int


@dataclass(slots=True)
class Member:
    """A registered person; `until` None while nobody ended it."""

    person: int
    dwelling: int
    since: int
    until: int | None
    consents: bool


class Changed(NamedTuple):
    """Something about a home's use of power or water on days [first, end)."""

    first: float
    end: float
    amount: float  # a factor for what is plugged in, m³ a day for leaks


class Declared(NamedTuple):
    """An absence as the household told it; `end` None when it told none."""

    dwelling: int
    first: int
    end: int | None
    reason: str
    declared_on: int


class Violation(NamedTuple):
    """What is truly wrong in a home on days [first, end)."""

    dwelling: int
    kind: str
    first: int
    end: int


class Case(NamedTuple):
    """A closed case."""

    dwelling: int
    kind: str
    closed_on: int
    outcome: str


@dataclass(slots=True, eq=False)
class Home:
    """A dwelling: its equipment, its lease, and who goes in and out."""

    number: int
    name: str
    estate: Estate
    block: str
    block_number: int  # within the estate
    block_door: int  # the access point, NOBODY without a reader
    lock: int  # the access point, NOBODY without
    has_water_meter: bool
    has_electricity_meter: bool
    has_faces: bool  # the household was enrolled by face
    kind: str = VACANT
    let_from: int | None = None
    let_to: int | None = None
    expected_members: int | None = None
    is_stable: bool = False  # one household all the time: it may break the rules
    longest_absence: int = 0  # days, of the whole household and for honest reasons
    actors: list[Actor] = field(default_factory=list)  # everybody
    residents: list[Actor] = field(default_factory=list)  # the household
    adults: list[Actor] = field(default_factory=list)  # of the household
    enrolled: list[tuple[Actor, Member]] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)  # also those who live elsewhere
    cards: list[int] = field(default_factory=list)  # credentials
    codes: list[int] = field(default_factory=list)  # credentials: QR codes
    pin: int = NOBODY  # credential
    partner: Actor | None = None  # not registered
    unplugged: list[Changed] = field(default_factory=list)
    leaks: list[Changed] = field(default_factory=list)

    @property
    def is_vacant(self) -> bool:
        """Recorded as vacant."""
        return self.kind == VACANT


@dataclass(slots=True)
class Town:
    """A city. Everything is listed by its number."""

    dice: Dice
    calendar: Calendar
    weather: Weather
    world: World
    estates: list[Estate] = field(default_factory=list)
    points: list[AccessPoint] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    subgroups: list[tuple[int, str]] = field(default_factory=list)

    @property
    def days(self) -> int:
        """Of the history."""
        return self.calendar.days

    def issue(self, letter: str, holder: int = NOBODY) -> int:
        """A new credential; its number."""
        self.credentials.append(Credential(letter, holder))
        return len(self.credentials) - 1

    def issue_card(self, home: Home, holder: int = NOBODY) -> int:
        """A new card of the household; its number."""
        card = self.issue("C", holder)
        home.cards.append(card)
        return card

    def issue_pin(self, home: Home) -> None:
        """The household's PIN, if it has none yet."""
        if home.pin == NOBODY:
            home.pin = self.issue("K")
