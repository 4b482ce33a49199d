"""(P) Values of the occupancy room: one day as observed, and what is known of the household besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from hub.occupancy.outside import Sign

KNOWN_COVERAGE = 0.95
"""A day (and a window) counts as observed from this share of its time on (rule catalogue 4.0, coverage gate)."""

LOOK_BACK_DAYS = 400
"""How far back a day's judgement looks; daily rows are kept as long."""

NO_GAPS: Mapping[str, float] = MappingProxyType({})


EVENING_HOUR, NIGHT_END_HOUR, MORNING_HOUR = 17, 4, 8
"""Who sleeps there comes home from the evening on until the night's end, or leaves between it and the morning (local hours)."""


def is_late(hour: int, side: str) -> bool:
    """Whether a pass at this local hour is one of somebody who sleeps there. `side` of the access point: in, out or unknown."""
    if hour >= EVENING_HOUR or hour < NIGHT_END_HOUR:
        return side != "out"
    return hour < MORNING_HOUR and side != "in"


class DayState(StrEnum):
    """What a day looked like. `UNKNOWN` is a value: what could not be observed is never absence."""

    PRESENT = "present"
    ABSENT = "absent"
    OTHER_USE = "other_use"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """Granted passes of one credential on a day.

    `identified`: passes at which the person's face was compared, and whose consent (b) to that use was live that day.
    `other`: card, PIN, QR and id card passes. Face passes without that consent have no place here.
    `late`: those of `other` that came home in the evening or left in the early morning, as people do who sleep there.
    `hours`: bit h is set when one of the passes lay in local hour h; 0: not known.
    `attends`: a pass for somebody who looks after the household or the home (carer, repair, viewing): the home is in use, and
    nobody else lives there for it.
    """

    credential: str
    resident: bool
    identified: int = 0
    other: int = 0
    late: int = 0
    hours: int = 0
    attends: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ObservedDay:
    """What was recorded of a dwelling on a local day.

    `gaps`: device id → share of the day (0..1] in which it could not observe; devices without a gap are left out.
    `water` m³ and `electricity` kWh used that day; None: no meter, or it could not be read.
    `withheld`: somebody of the household had taken consent (b) back: whoever comes by face may come and go, and nobody looks.
    `unlooked`: doors may not look at the face of anybody of the household yet.
    """

    day: date
    gaps: Mapping[str, float] = field(default_factory=lambda: NO_GAPS)
    uses: tuple[CredentialUse, ...] = ()
    water: float | None = None
    electricity: float | None = None
    withheld: bool = False
    unlooked: bool = False


@dataclass(frozen=True, slots=True)
class PresenceDay:
    """A day judged: `coverage` 0..1, counts of passes, and what each family said.

    `usual_water`, `usual_electricity`: the household's own median on lived-in days before this one; None until known.
    `identified_by`, `cards_of`: credentials used with and without the person's face compared. `late_others`: passes of
    visitors as of people who sleep there. `visit`: somebody passed, but the meters say that nobody lived there that day.
    `hours`: local hours (bits) in which the household's credentials or its visitors passed; 0: nobody did, or not known.
    """

    day: date
    state: DayState
    coverage: float
    gaps: Mapping[str, float]
    identified: int = 0
    passes: int = 0
    others: int = 0
    water: float | None = None
    electricity: float | None = None
    usual_water: float | None = None
    usual_electricity: float | None = None
    identified_by: tuple[str, ...] = ()
    cards_of: tuple[str, ...] = ()
    late_others: int = 0
    visit: bool = False
    hours: int = 0


@dataclass(frozen=True, slots=True)
class DeclaredAbsence:
    """A declared absence (离家报备); `last` None: no end given."""

    id: str
    first: date
    last: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class Contact:
    """An attempt of a person of the office to reach the household. `off_hours`: in the evening or at a weekend."""

    id: str
    day: date
    in_person: bool
    off_hours: bool
    reached: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """People looked into a lead on this household and found it wrong, or its cause a good one. `on`: the day its case was closed;
    `family`: of leads (`outcomes.OTHERS`, `VACANCY`); `case`: its number, empty where none is known."""

    on: date
    family: str
    good_cause: bool = False
    case: str = ""


SOMEBODY = "M:?"
"""Stands among the members where cards do not name their holders: one of them, nobody more."""


def withheld_of(given: Sequence[tuple[date, date | None]], last: date) -> tuple[tuple[date, date | None], ...]:
    """Spans of days up to `last` on which a consent that had been given was taken back. The day of the withdrawal is one of them,
    that of a new consent is not. `given`: (given on, taken back on; None: it lives), in order of giving."""
    found: list[tuple[date, date | None]] = []
    until: date | None = None
    for number, (at, back) in enumerate(given):
        if at > last:
            break
        if number and until is not None and at > until:
            found.append((until, at - timedelta(days=1)))
        until = back if back is not None and back <= last else None
        if until is None:
            return tuple(found)
    return tuple(found) if until is None else (*found, (until, None))


@dataclass(frozen=True, slots=True)
class Member:
    """A registered member. `credentials`: tokens that are theirs; `consent_b`: live on the day of the analysis;
    `since`: first day on the register (None: from the tenancy's beginning); `withheld`: spans of days (None: still) on which a
    consent (b) that had been given was taken back. `looked_from`: first day on which doors could show them, by face with
    consent (b), or because no door knows their face and they come by card; None: they may come by face, and nobody looks."""

    id: str
    adult: bool
    consent_b: bool
    credentials: frozenset[str] = frozenset()
    since: date | None = None
    withheld: tuple[tuple[date, date | None], ...] = ()
    looked_from: date | None = date.min


@dataclass(frozen=True, slots=True)
class Household:
    """The tenancy of a dwelling as detection needs it. No name, age, health or origin: they are not evidence.

    `registered`: first day on which anybody, also of those who left, was registered; None: not known. `expected`: how many
    people the home was let to; None: not told. `left`: how many were registered and have left since. `cleared`: leads on this
    tenancy that people looked into, and that were none.
    """

    tenancy_id: str
    first: date
    handover: date | None
    members: tuple[Member, ...] = ()
    absences: tuple[DeclaredAbsence, ...] = ()
    contacts: tuple[Contact, ...] = ()
    registered: date | None = None
    expected: int | None = None
    left: int = 0
    cleared: tuple[Cleared, ...] = ()

    @property
    def begun(self) -> date:
        """From which day on the home is theirs."""
        return self.handover or self.first

    @property
    def settled(self) -> date:
        """From which day on somebody who is registered later has joined: registers are often begun long after a lease."""
        return self.first if self.registered is None else max(self.first, self.registered)

    @property
    def size(self) -> int:
        """How many people are registered."""
        return sum(member.id != SOMEBODY for member in self.members)

    def withheld_on(self, day: date) -> bool:
        """Somebody had taken consent (b) back: that must never be a sign against the household."""
        return any(first <= day and (last is None or day <= last) for m in self.members for first, last in m.withheld)

    @property
    def looked_from(self) -> date:
        """First day on which doors could show anybody of the household."""
        return min((m.looked_from or date.max for m in self.members), default=date.min)

    @property
    def unnamed(self) -> int:
        """How many people the home was let to whom the register never named: not enrolled yet, not strangers (IE27)."""
        return max(0, (self.expected or 0) - self.size - self.left)


@dataclass(frozen=True, slots=True)
class ByDay:
    """By day of a record: whether the estate's terminals went on recognising people, and what share of the block's members."""

    healthy: Sequence[bool]
    recognised: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class DwellingRecord:
    """Everything detection looks at. `household` None: the dwelling is recorded as vacant since `vacant_since`,
    after `ended_tenancy` if there was one.

    `points`: devices at the access points on the household's way home; empty: nothing can be concluded from doors.
    `meters`: quantity → meter id. `identification_ok`: the estate's terminals go on recognising people as before.
    `recognised`: share of the block's consenting members whom its doors identified in the last 30 days; None: not known.
    `by_day`: both as they were on each day; None: as on the last.
    `contacts_kept`: attempts to reach households are on record (a replayed history keeps none). `traced`: findings carry
    the hash of their inputs. `outside`: what other offices and people say of it.
    """

    dwelling_id: str
    household: Household | None
    days: tuple[PresenceDay, ...]
    points: frozenset[str]
    meters: Mapping[str, str]
    vacant_since: date | None = None
    ended_tenancy: str | None = None
    under_repair: bool = False
    identification_ok: bool = True
    recognised: float | None = None
    by_day: ByDay | None = None
    contacts_kept: bool = True
    traced: bool = True
    outside: tuple[Sign, ...] = ()

    @property
    def first_day(self) -> date | None:
        """The record's first day, of a row of days that ends with the last."""
        return self.days[-1].day - timedelta(days=len(self.days) - 1) if self.days else None

    def since(self, start: date) -> tuple[PresenceDay, ...]:
        """The days from `start` on."""
        first = self.first_day
        if first is None:
            return ()
        return self.days if start <= first else self.days[(start - first).days :]
