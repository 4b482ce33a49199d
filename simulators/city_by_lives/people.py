"""People: who comes and goes, and who stands in the register."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from simulators.city_by_lives.basics import Bytes, Floats
from simulators.city_by_lives.jobs import Job


class Age(IntEnum):
    """As far as it matters to doors and water."""

    ADULT = 0
    PUPIL = 1
    TODDLER = 2


class Role(IntEnum):
    """In the household."""

    GUEST = 0  # not of it
    ADULT = 1
    GROWN_CHILD = 2
    CHILD = 3
    ELDER = 4


class HouseholdKind(StrEnum):
    """Who lives together."""

    ELDER_ALONE = "elder alone"
    ELDER_COUPLE = "elder couple"
    FAMILY = "family"
    SINGLE_PARENT = "single parent"
    YOUNG_ALONE = "young and alone"
    YOUNG_COUPLE = "young couple"
    THREE_GENERATIONS = "three generations"
    PARENTS_OF_GROWN = "parents of a grown child"
    OLDER_ALONE = "older and alone"


@dataclass(slots=True)
class Member:
    """A person in the register; days."""

    dwelling: int
    since: int
    until: int | None
    consents: bool


@dataclass(slots=True)
class Actor:
    """Somebody who comes and goes in one manner; who comes to go in another one is two actors, never here on the same day."""

    dwelling: int
    where: Bytes  # (days,) of Where
    job: Job
    role: Role
    means: Floats  # (Kind.UNSEEN + 1,) shares, see `means`
    member: int
    face: int  # the member whose face it is
    card: int  # credential
    card_member: int  # to whom the register books the card
    code: int  # QR credential
    visitor_pass: int  # credential
    runs_late: float  # hours
    phase: int  # days, of whoever works in turns
    works_saturdays: bool
    side_way: float  # share of ways by a gate without a reader
    is_refused: float  # chance that the face is not recognised at first
    water: float  # m³ a day at home
    visit_hours: float
    mobility: float  # 1 goes out like others
    gate: int  # access point most used
