"""A city while its people's lives are drawn: homes, the people in them, and what offices know of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.city_by_lives.basics import NEVER, YEAR_DAYS, Generator, happens
from simulators.city_by_lives.calendar import Calendar
from simulators.city_by_lives.estates import Estate, Places
from simulators.city_by_lives.habits import Habits
from simulators.city_by_lives.people import Actor, HouseholdKind, Member, Role


@dataclass(slots=True)
class Violation:
    """What is wrong in a home from day `first` to `end` (may lie outside the history)."""

    kind: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Declared:
    """An absence that the household declared; days."""

    dwelling: int
    first: int
    end: int | None
    reason: str
    declared_on: int


@dataclass(frozen=True, slots=True)
class Case:
    """A closed case."""

    dwelling: int
    kind: str
    closed_on: int  # day
    outcome: str


@dataclass(slots=True)
class Home:
    """A dwelling and its household, if one has it or is going to have it; days, chances 0..1."""

    number: int
    estate: Estate
    pin: int  # credential
    kind: HouseholdKind | None  # None: not let in this history
    mostly_unseen: float  # share of ways behind others
    has_faces: bool  # the household enrols faces at all
    consents: bool
    swaps_cards: bool
    water: float  # factor
    power: float  # factor
    switches_off: bool
    friends: float  # visits a day
    let_from: int | None = None
    lease_ends: int = NEVER  # let no more from this day on
    moves_in: int | None = None  # None: long ago
    moves_out: int = NEVER
    is_let_late: bool = False  # stands empty at the beginning of the history
    expected_members: int | None = None
    spare_card: int | None = None  # None: not drawn yet
    actors: list[Actor] = field(default_factory=list)
    empty: list[tuple[int, int]] = field(default_factory=list)  # (first, end) of absences of all
    has_lawful_others: bool = False  # who may be taken for subtenants
    violation: Violation | None = None

    @property
    def residents(self) -> list[Actor]:
        """Of the household, as it moved in."""
        return [actor for actor in self.actors if actor.role != Role.GUEST]

    def lived_in_from(self) -> int:
        """The first day on which somebody of the household may be here; before the history if it always lived here."""
        return -NEVER if self.moves_in is None else self.moves_in


@dataclass(slots=True)
class Town:
    """All that is drawn of a city before anybody passes a door."""

    rng: Generator
    habits: Habits
    calendar: Calendar
    places: Places
    homes: list[Home] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    subgroups: set[tuple[int, str]] = field(default_factory=set)
    credentials: int = 0  # issued so far

    @property
    def days(self) -> int:
        """Length of the history."""
        return self.calendar.days

    @property
    def years(self) -> float:
        """Length of the history."""
        return self.calendar.days / YEAR_DAYS

    @property
    def actors(self) -> list[Actor]:
        """Everybody, home by home."""
        return [actor for home in self.homes for actor in home.actors]

    def issue(self) -> int:
        """A new credential."""
        self.credentials += 1
        return self.credentials - 1

    def register(self, home: Home, since: int, until: int | None = None) -> int:
        """A new member; their number. A person who consents is rare in a household that does not."""
        consents = happens(self.rng, 0.85 if home.consents else 0.18)
        self.members.append(Member(home.number, since, until, consents))
        return len(self.members) - 1
