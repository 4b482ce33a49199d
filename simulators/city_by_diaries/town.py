"""A city while it is drawn: its registers, and what is known about each dwelling. Days are numbers from the start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from simulators.city_by_diaries.arrays import Generator
from simulators.city_by_diaries.calendar import Calendar
from simulators.city_by_diaries.estates import Places
from simulators.city_by_diaries.person import Person
from simulators.city_by_diaries.world import ExportForm, World


@dataclass(slots=True)
class Member:
    """A row of the register of members."""

    dwelling: int
    since: float
    until: float | None
    consents: bool  # the face may be used for the occupancy check


class Lease(NamedTuple):
    """A letting, by day; `since` None is recorded vacant, `until` None still let."""

    since: int | None
    until: int | None


class Declared(NamedTuple):
    """A declared absence; dates are texts."""

    dwelling: int
    since: str
    until: str | None
    reason: str
    declared_on: str


class ClosedCase(NamedTuple):
    """A case that people closed."""

    dwelling: int
    kind: str
    closed_on: str
    outcome: str


class Violation(NamedTuple):
    """What is true: the label to score by."""

    dwelling: int
    kind: str
    since: str
    until: str | None


class Absence(NamedTuple):
    """A whole household away, truly: from a day to a day, and why."""

    first: float
    last: float
    reason: str


@dataclass
class Town:
    """Everything drawn so far. All chance comes from `rng`, in one order: that is what makes a seed a city."""

    rng: Generator
    world: World
    form: ExportForm
    calendar: Calendar
    places: Places
    leases: list[list[Lease]] = field(init=False)  # of each dwelling
    expected: list[int | None] = field(init=False)  # members that the office expects in each dwelling
    members: list[Member] = field(default_factory=list)
    card_holders: list[int] = field(default_factory=list)  # member of each card, -1 nobody
    people: list[Person] = field(default_factory=list)
    truth: list[Violation] = field(default_factory=list)
    subgroups: list[tuple[int, str]] = field(default_factory=list)  # (dwelling, group)
    declared: list[Declared] = field(default_factory=list)
    cases: list[ClosedCase] = field(default_factory=list)
    staff_visits: list[tuple[int, float]] = field(default_factory=list)  # (dwelling, day)

    def __post_init__(self) -> None:
        self.leases = [[] for _ in range(self.dwellings)]
        self.expected = [None] * self.dwellings

    @property
    def dwellings(self) -> int:
        """How many there are."""
        return len(self.places.dwelling_ids)

    @property
    def days(self) -> int:
        """How many the history has."""
        return self.calendar.days

    def new_member(self, member: Member) -> int:
        """Registers a member; its number."""
        self.members.append(member)
        return len(self.members) - 1

    def new_card(self, holder: int) -> int:
        """Issues a card to a member; its number."""
        self.card_holders.append(holder)
        return len(self.card_holders) - 1
