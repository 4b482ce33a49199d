"""(P) The words of a simulated city: households, the bodies that walk for them, spells, violations.

Days are whole numbers counted from the first day of the history; negative days lie before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

FAR = 10_000  # a day that never comes
BEFORE = -300  # habits are drawn from here on, so that absences already run on the first day
LONG_ABSENCE = 10  # days: from here on an empty home is looked after now and then


class Routine(IntEnum):
    """How a body spends its day."""

    WORKER = 0
    NIGHT = 1
    STUDENT = 2
    HOME = 3
    ELDER = 4
    INFANT = 5
    CARER = 6
    VISIT = 7
    HOUSEBOUND = 8


COMES_FIRST = (Routine.CARER, Routine.VISIT)
"""Bodies that live elsewhere: they come in first and leave later on the same day."""


@dataclass(frozen=True, slots=True)
class Habits:
    """P of showing each kind of credential at a door that takes it; what is left walks in behind others."""

    face: float = 0.0
    card: float = 0.0
    qr: float = 0.0
    pin: float = 0.0
    visitor: float = 0.0


@dataclass(slots=True)
class Spell:
    """Days `first`..`last` (both inside) the household is not there; what it told the office, and when."""

    first: int
    last: int
    cause: str
    declared: int | None = None
    declared_to: int | None = None


@dataclass(slots=True)
class Member:
    """A registered member: `first`..`last` on the register, face consent (b) until `consent_until`."""

    first: int
    last: int = FAR
    face: bool = True
    consent_until: int = FAR


@dataclass(slots=True)
class Body:
    """One who walks. `shows` is the number of the member whose face and card are shown (-1: nobody's).

    `card` 0 is that member's own card, 1 a spare one. `visitor` numbers the visitor whose passes it uses.
    """

    role: str
    routine: Routine
    habits: Habits
    shows: int = -1
    card: int = 0
    visitor: int = 0
    first: int = -FAR
    last: int = FAR
    chance: float = 1.0  # of being there on any day between first and last
    weight: float = 1.0  # of water and power against one adult at home
    follows: bool = True  # away when the household is
    missed: float = 0.0  # P that a face is not recognised
    recorded: float = 1.0  # factor on the chance that a pass is recorded
    away: list[tuple[int, int]] = field(default_factory=list)
    days: list[int] | None = None  # there on just these days


@dataclass(slots=True)
class AwayStyle:
    """How this home is looked after while empty; drawn before it is known why it will ever be empty."""

    every: float  # days between visits; 0: never
    jitter: float
    visitor: str  # member, relative, unseen
    uses_water: bool
    fridge_off: bool


@dataclass(frozen=True, slots=True)
class Violation:
    """The true label: `kind` as in the history format, days `first`..`last`."""

    kind: str
    first: int
    last: int


@dataclass(slots=True)
class Household:
    """A let dwelling's household, or (kind `not_let`) a dwelling recorded vacant."""

    index: int
    kind: str
    members: list[Member]
    bodies: list[Body]
    away: list[Spell]
    style: AwayStyle
    let_from: int = -FAR
    let_to: int = FAR
    moved_in: int = -FAR
    groups: set[str] = field(default_factory=set)
    works: list[tuple[int, int]] = field(default_factory=list)  # builders there
    violation: Violation | None = None
    frugal: float = 1.0
