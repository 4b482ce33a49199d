"""(P) What a day looked like, from lawful passes, meters and what could be observed at all.

Causal: a day is judged from itself and the days before it. The order of evidence: a resident's pass; use by a credential
whose holder has not been identified for two weeks; visitors; water against the household's own usual; and only then, when
every device on the way home was observing, absence. A single absent day is weak (people walk in behind others): what
detection counts is a run of them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby, pairwise

from hub.occupancy.values import KNOWN_COVERAGE, CredentialUse, DayState, ObservedDay, PresenceDay

UNSEEN_AFTER = timedelta(days=14)
"""So long after the last sign of a resident, use of the dwelling is no longer taken to be theirs."""

USE_SHARE = 0.6
"""Water from this share of the household's own usual means that somebody lives there (catalogue S1)."""

REGULAR_DAYS = 10
"""Identified on so many days, a credential's holder is known to be recognised by the terminals."""

OBSERVABLE_DAYS = 5
"""Seen at the doors on fewer days than this, the doors cannot speak for a household."""

VISIT_SHARE = 0.25
VISIT_POWER_SHARE = 0.5
VISIT_WATER = 0.008
"""Below a quarter of the own usual (m³ a day where that is not known) nobody lived there, even if somebody passed; the
water literature puts the line at 12 to 30 % of a home's own mean. Electricity speaks where water is not measured."""

USUAL_DAYS = 60
USUAL_MIN = 14
WATER_TRACE = 0.02
MAX_METER_GAP = 3
USE_DIGITS = 4
MOST_PER_DAY = {"water": 20.0, "electricity": 400.0}


@dataclass(frozen=True, slots=True)
class Reading:
    """The last good cumulative reading of a local day, m³ or kWh, of one of the home's meters."""

    day: date
    value: float
    meter: str = ""


WHOLE_MIN = 5
"""So many days with use, each of whole cubic metres, tell that a meter counts nothing smaller."""


def counts_whole(amounts: Iterable[float]) -> bool:
    """(P) Whether a water meter counts whole cubic metres only, by its days with use. It says nothing of a day: who uses a tenth
    of that moves it on one day of ten, and on the other nine it looks like nobody's."""
    used = [amount for amount in amounts if amount > 0]
    return len(used) >= WHOLE_MIN and all(amount == round(amount) for amount in used)


def daily_use(quantity: str, readings: Sequence[Reading]) -> dict[date, float]:
    """Use per day from the last cumulative readings of days, in order of days.

    A gap of up to three days is spread evenly; a longer one, a reading that runs backwards or an impossible jump gives
    no value: a meter that lied is not evidence. Nor has a water meter whose readings are all whole cubic metres on days on
    which it stands still (see `counts_whole`). Between two meters nothing was used.
    """
    found: dict[date, float] = {}
    for _meter, own in groupby(readings, key=lambda reading: reading.meter):
        found |= _use_by_one(quantity, tuple(own))
    return found


def _use_by_one(quantity: str, readings: Sequence[Reading]) -> dict[date, float]:
    whole = quantity == "water" and all(reading.value == round(reading.value) for reading in readings)
    most = MOST_PER_DAY.get(quantity, float("inf"))
    used: dict[date, float] = {}
    for before, now in pairwise(readings):
        days = (now.day - before.day).days
        amount = now.value - before.value
        if not 1 <= days <= MAX_METER_GAP or amount < 0 or amount / days > most or (whole and amount == 0):
            continue
        for back in range(days):
            used[now.day - timedelta(days=back)] = round(amount / days, USE_DIGITS)
    return used


@dataclass(slots=True)
class Usual:
    """A running median of lived-in days. `ordered`: the same values by size."""

    values: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)
    known: float | None = None

    def add(self, value: float | None) -> None:
        if value is None:
            return
        if len(self.values) == USUAL_DAYS:
            oldest = self.values.popleft()
            del self.ordered[bisect_left(self.ordered, oldest)]
        self.values.append(value)
        insort(self.ordered, value)
        self.known = self.median()

    def median(self) -> float | None:
        """None until enough days are known."""
        count = len(self.ordered)
        if count < USUAL_MIN:
            return None
        half = count // 2
        return self.ordered[half] if count % 2 else (self.ordered[half - 1] + self.ordered[half]) / 2


@dataclass(slots=True)
class Memory:
    """What earlier days taught about this household: all that the judgement of the next one needs of them."""

    last_identified: date | None = None
    last_seen: date | None = None
    seen_days: int = 0
    identified_days: dict[str, int] = field(default_factory=dict)
    identified_last: dict[str, date] = field(default_factory=dict)
    water: Usual = field(default_factory=Usual)
    electricity: Usual = field(default_factory=Usual)
    any_water: Usual = field(default_factory=Usual)

    def regular(self, credential: str) -> bool:
        return self.identified_days.get(credential, 0) >= REGULAR_DAYS

    def usual_water(self) -> float | None:
        """For a household that doors hardly see, days with water at all stand in for lived-in days."""
        return self.water.known if self.seen_days >= OBSERVABLE_DAYS else self.any_water.known


def presence(days: Iterable[ObservedDay], points: frozenset[str], memory: Memory | None = None) -> list[PresenceDay]:
    """Judge days in order. `points`: the devices on the way home; without any, the doors never speak of absence.

    `memory`: of the days before these, and goes on from there; None: they are the household's first.
    """
    memory = Memory() if memory is None else memory
    return [judge(day, points, memory) for day in days]


def judge(day: ObservedDay, points: frozenset[str], memory: Memory) -> PresenceDay:
    """One day; `memory` learns from it."""
    coverage = max(0.0, 1.0 - sum(day.gaps.values())) if points and not _comes_unseen(day, memory) else 0.0
    residents, identified_by, cards_of, others = _used_by(day.uses) if day.uses else _NOBODY
    attended = any(use.attends for use in day.uses)
    seen = bool(identified_by) or any(
        day.withheld or _is_theirs(credential, day.day, memory) for credential in cards_of
    )
    state = _state(day, coverage, seen, bool(cards_of) or others > 0 or attended, memory)
    visit = (seen or bool(cards_of) or others > 0 or attended) and _only_a_visit(day, memory)
    judged = PresenceDay(
        day=day.day,
        state=state,
        coverage=round(coverage, 4),
        gaps=day.gaps,
        identified=sum([use.identified for use in residents]),
        passes=sum([use.identified + use.other for use in residents]),
        others=others,
        water=day.water,
        electricity=day.electricity,
        usual_water=memory.usual_water(),
        usual_electricity=memory.electricity.known,
        identified_by=identified_by,
        cards_of=cards_of,
        late_others=sum([use.late for use in day.uses if not (use.resident or use.attends)]),
        visit=visit,
        hours=_hours(day.uses),
    )
    _learn(memory, day, residents, seen, visit)
    return judged


def _comes_unseen(day: ObservedDay, memory: Memory) -> bool:
    """Somebody of the household may come by face, and nobody looks: because consent (b) was taken back; or because nobody gave
    it, while cards hardly ever showed them either and no water meter can speak in the doors' place."""
    if day.withheld or not day.unlooked:
        return day.withheld
    speaks = day.water is not None and (day.water < WATER_TRACE or memory.usual_water() is not None)
    return memory.seen_days < OBSERVABLE_DAYS and not speaks


def _used_by(
    uses: Sequence[CredentialUse],
) -> tuple[list[CredentialUse], tuple[str, ...], tuple[str, ...], int]:
    """(uses of residents; their credentials with, and without, the person's face compared, in order; passes of others, without
    those who look after the household: IE14, IE24)."""
    residents = [use for use in uses if use.resident and (use.identified or use.other)]
    identified_by = tuple(sorted({use.credential for use in residents if use.identified}))
    cards_of = tuple(sorted({use.credential for use in residents if use.other and not use.identified}))
    others = sum([use.identified + use.other for use in uses if not (use.resident or use.attends)])
    return residents, identified_by, cards_of, others


_NOBODY: tuple[list[CredentialUse], tuple[str, ...], tuple[str, ...], int] = ([], (), (), 0)


def _hours(uses: Sequence[CredentialUse]) -> int:
    """Those of all passes; half of them would look like other habits."""
    found = 0
    for use in uses:
        if use.attends:
            continue
        if not use.hours:
            return 0
        found |= use.hours
    return found


def _only_a_visit(day: ObservedDay, memory: Memory) -> bool:
    """The meters say that whoever passed did not live there that day; without meters: False."""
    if day.water is not None:
        usual = memory.water.known
        return day.water < (VISIT_WATER if usual is None else max(VISIT_SHARE * usual, WATER_TRACE / 4))
    usual = memory.electricity.known
    return day.electricity is not None and usual is not None and day.electricity < VISIT_POWER_SHARE * usual


def _is_theirs(credential: str, day: date, memory: Memory) -> bool:
    """A card pass counts for the household unless its holder used to be identified and nobody has been for two weeks."""
    if not memory.regular(credential) or memory.last_identified is None:
        return True
    return day - memory.last_identified <= UNSEEN_AFTER


def _state(day: ObservedDay, coverage: float, seen: bool, other_use: bool, memory: Memory) -> DayState:
    if seen:
        return DayState.PRESENT
    if other_use:
        return DayState.OTHER_USE
    if in_use_by_water(day.water, memory.usual_water()):
        if day.withheld:
            return DayState.PRESENT
        hardly_seen = memory.seen_days < OBSERVABLE_DAYS or memory.last_seen is None
        recent = memory.last_seen is not None and day.day - memory.last_seen <= UNSEEN_AFTER
        return DayState.PRESENT if hardly_seen or recent else DayState.OTHER_USE
    return DayState.ABSENT if coverage >= KNOWN_COVERAGE else DayState.UNKNOWN


def in_use_by_water(water: float | None, usual: float | None) -> bool:
    """Whether a day's water says that somebody lives there. Without an own usual it says nothing."""
    return water is not None and usual is not None and water >= WATER_TRACE and water >= USE_SHARE * usual


def _learn(memory: Memory, day: ObservedDay, residents: list[CredentialUse], seen: bool, visit: bool) -> None:
    for use in residents:
        if use.identified:
            memory.identified_days[use.credential] = memory.identified_days.get(use.credential, 0) + 1
            memory.identified_last[use.credential] = memory.last_identified = day.day
    if day.water is not None and day.water >= WATER_TRACE:
        memory.any_water.add(day.water)
    if seen:
        memory.last_seen = day.day
        memory.seen_days += 1
        if not visit:
            memory.water.add(day.water)
            memory.electricity.add(day.electricity)
