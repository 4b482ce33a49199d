"""(P) What doors and meters prove of a tenancy's life: handed over, moved in, moved out, ready to be let again.

For everybody's good and nobody's harm: each fact has its day, what proves it and how well that time was observed. A fact
that late records change is told again, corrected; nothing here is a lead, and none of it touches access.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from hub.occupancy.values import KNOWN_COVERAGE, DayState, DwellingRecord, Household, PresenceDay

READY_DAYS = 3
"""Observed days without use after which a home whose tenancy has ended is ready to be let again."""

READY_WATER, READY_POWER = 0.01, 0.5
"""m³ and kWh a day up to which nobody uses the home: a tap tried, a router left on."""

LATELY_DAYS = 40
"""Of a home that was let long ago only so many days are looked at: fewer than are held of it."""

SETTLED_DAYS = 7
"""Two days lived in within so many make a move; a single one is a look at the rooms or the furniture."""

NOT_SO = "此后的记录不再支持。"
GOES_ON = "租约仍在履行，退租未发生或已撤回。"
LET_AGAIN = "房屋已由另一租约配租。"
UNDER_REPAIR = "房屋正在维修。"
"""Why something that was told is taken back."""


class LifeKind(StrEnum):
    """`handed_over`: the new household came in by its own credentials. `moved_out`: no use after the tenancy's end."""

    HANDED_OVER = "handed_over"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    READY_TO_RELET = "ready_to_relet"


@dataclass(frozen=True, slots=True)
class LifeFact:
    """One fact of a tenancy. `proof`: families of signals that say so (F1 doors, F2 meters). `coverage` 0..1 of the days
    that decide it. `because` in Chinese."""

    kind: LifeKind
    tenancy_id: str
    day: date
    proof: tuple[str, ...]
    coverage: float
    because: tuple[str, ...]


NOTHING: Mapping[LifeKind, str] = MappingProxyType({})
OVER = frozenset({LifeKind.MOVED_OUT, LifeKind.READY_TO_RELET})
AS_IT_GOES_ON: Mapping[LifeKind, str] = MappingProxyType(dict.fromkeys(OVER, GOES_ON))


@dataclass(frozen=True, slots=True)
class Life:
    """`facts` that stand now. `decided`: kinds on which this record can speak at all; of others an earlier fact stays.
    `against`: why a decided kind is no fact (Chinese), where there is more to say than NOT_SO."""

    tenancy_id: str | None
    facts: tuple[LifeFact, ...]
    decided: frozenset[LifeKind]
    against: Mapping[LifeKind, str] = field(default_factory=lambda: NOTHING)


def life_of(record: DwellingRecord, former: frozenset[str] = frozenset()) -> Life:
    """What the record proves of the present tenancy, or of the one that ended last. `former`: residents' credentials that are
    not the present household's."""
    if not record.days:
        return Life(None, (), frozenset())
    if record.household is not None:
        return _begun(record, former)
    if record.ended_tenancy is not None and record.vacant_since is not None:
        return _ended(record, record.ended_tenancy, record.vacant_since)
    return Life(None, (), frozenset())


def _begun(record: DwellingRecord, former: frozenset[str]) -> Life:
    household = record.household
    assert household is not None
    tenancy, start = household.tenancy_id, household.handover or household.first
    if household.handover is None or start <= (record.first_day or start):
        return Life(tenancy, (), OVER, AS_IT_GOES_ON)  # begun before the record: neither proved nor taken back
    days = record.since(start)
    handed = _handed_over(tenancy, days, former)
    came = handed.day if handed else date.max
    lived = [i for i, day in enumerate(days) if _lived(day, household, came) and not _only_former(day, former)]
    facts = tuple(fact for fact in (handed, _moved_in(tenancy, days, lived)) if fact)
    return Life(tenancy, facts, frozenset(LifeKind), AS_IT_GOES_ON)


def life_before(record: DwellingRecord, tenancy: str, left: date) -> Life:
    """Whether the household before the present one was gone, by the days between `left` (its completed move-out) and the next
    hand-over: late news of an end is often followed by a new tenancy at once. Too few such days take nothing back. Where no day
    of the hand-over is known (allotted, no keys yet), the days count until somebody uses the home in the next one's time."""
    household, nothing = record.household, Life(tenancy, (), frozenset())
    if household is None or left <= (record.first_day or left):
        return nothing
    after = record.since(left + timedelta(days=1))
    start = household.handover or next(
        (day.day for day in after if day.day >= household.first and _used(day)), date.max
    )
    runs = _idle_runs([day for day in after if day.day < start])
    if not runs:
        return nothing
    return Life(tenancy, (_moved_out(record, tenancy, left, runs[0]),), frozenset({LifeKind.MOVED_OUT}))


def _only_former(day: PresenceDay, former: frozenset[str]) -> bool:
    """Who lived there before carries the last boxes down; nobody of the household passed."""
    return bool(day.passes) and former.issuperset({*day.identified_by, *day.cards_of} or {""})


def _handed_over(tenancy: str, days: Sequence[PresenceDay], former: frozenset[str]) -> LifeFact | None:
    """The first pass by one of the household's own credentials."""
    index = next((i for i, day in enumerate(days) if day.passes and not _only_former(day, former)), None)
    if index is None:
        return None
    day = days[index]
    mixed = not former.isdisjoint({*day.identified_by, *day.cards_of})
    often = f"{day.day:%Y-%m-%d}本户凭证首次通行（共{day.passes}次）。"
    proof, because = ["F1"], [f"{day.day:%Y-%m-%d}本户凭证首次通行。" if mixed else often]
    if day.water is not None and day.water > READY_WATER:
        proof.append("F2")
        because.append(f"当日用水{day.water:.3f}立方米。")
    return LifeFact(LifeKind.HANDED_OVER, tenancy, day.day, tuple(proof), _coverage(days[: index + 1]), tuple(because))


def _lived(day: PresenceDay, household: Household, came: date) -> bool:
    """Water alone is builders' until somebody of the household has passed a door (`came`), unless no door could show that."""
    shown = day.coverage >= KNOWN_COVERAGE and day.day >= household.looked_from and not household.withheld_on(day.day)
    return day.state is DayState.PRESENT and not day.visit and (day.day >= came or not shown)


def _moved_in(tenancy: str, days: Sequence[PresenceDay], lived: Sequence[int]) -> LifeFact | None:
    """The first of two days lived in within a week."""
    found = next((pair for pair in pairwise(lived) if pair[1] - pair[0] <= SETTLED_DAYS), None)
    if found is None:
        return None
    first, second = days[found[0]], days[found[1]]
    proof, because = list[str](), [f"{first.day:%Y-%m-%d}起有人居住，{second.day:%Y-%m-%d}再次有居住迹象。"]
    if first.passes or second.passes:
        proof.append("F1")
    water = [day.water for day in (first, second) if day.water is not None and day.water > READY_WATER]
    power = [
        day.electricity for day in (first, second) if day.electricity is not None and day.electricity > READY_POWER
    ]
    if water or power:
        proof.append("F2")
        because.append(f"两日用水{sum(water):.3f}立方米，用电{sum(power):.2f}千瓦时。")
    return LifeFact(
        LifeKind.MOVED_IN, tenancy, first.day, tuple(proof), _coverage(days[: found[1] + 1]), tuple(because)
    )


def _ended(record: DwellingRecord, tenancy: str, since: date) -> Life:
    first = record.first_day or since
    if since <= first:
        return _long_ended(record, tenancy)
    after = record.since(since + timedelta(days=1))
    runs = _idle_runs(after)
    ready, against = _ready(record, tenancy, after, runs)
    gone = (_moved_out(record, tenancy, since, runs[0]),) if runs else ()
    return Life(tenancy, (*gone, *ready), OVER, against)


def _long_ended(record: DwellingRecord, tenancy: str) -> Life:
    """The end lies before the record: only a use of late decides anything, and the days since."""
    recent = record.days[-LATELY_DAYS:]
    if not any(_used(day) for day in recent):
        return Life(tenancy, (), frozenset())
    ready, against = _ready(record, tenancy, recent, _idle_runs(recent))
    return Life(tenancy, ready, frozenset({LifeKind.READY_TO_RELET}), against)


def _ready(
    record: DwellingRecord, tenancy: str, after: Sequence[PresenceDay], runs: Sequence[_Idle]
) -> tuple[tuple[LifeFact, ...], Mapping[LifeKind, str]]:
    """The fact, or why it is none. A meter that still runs says that somebody uses the home, whatever the doors saw."""
    if record.under_repair:
        return (), {LifeKind.READY_TO_RELET: UNDER_REPAIR}
    if runs and runs[-1].last == after[-1].day:
        idle = runs[-1]
        proof, said = _idle_proof(idle.days)
        because = (f"自{idle.first:%Y-%m-%d}起{len(idle.days)}个可观测日无人使用。", said)
        return (LifeFact(LifeKind.READY_TO_RELET, tenancy, idle.first, proof, idle.coverage, because),), NOTHING
    last = next((day for day in reversed(after) if _used(day)), None)
    if last is None:
        return (), NOTHING
    said = f"{last.day:%Y-%m-%d}仍有使用迹象。"
    if last.water is not None and last.water > READY_WATER:
        said = f"{last.day:%Y-%m-%d}仍有使用迹象，当日用水{last.water:.3f}立方米。"
    return (), {LifeKind.READY_TO_RELET: said}


def _moved_out(record: DwellingRecord, tenancy: str, since: date, idle: _Idle) -> LifeFact:
    """Gone since the day after the last use, though not before the tenancy's end. Who cleans later does not undo it."""
    before = [day.day for day in record.days if day.day < idle.first and _used(day)]
    proof, said = _idle_proof(idle.days)
    last = f"最后一次使用迹象为{before[-1]:%Y-%m-%d}。" if before else "记录期内没有使用迹象。"
    gone = max(before[-1] + timedelta(days=1), since) if before else since
    return LifeFact(LifeKind.MOVED_OUT, tenancy, gone, proof, idle.coverage, (last, said))


@dataclass(frozen=True, slots=True)
class _Idle:
    """`days`: observed ones. `last`: the run reaches to this day."""

    first: date
    last: date
    days: tuple[PresenceDay, ...]
    coverage: float


def _idle_runs(days: Sequence[PresenceDay]) -> list[_Idle]:
    """Runs without use of at least READY_DAYS observed days; days that could not be seen neither count nor end one."""
    found: list[_Idle] = []
    whole: list[PresenceDay] = []
    for day in (*days, None):
        if day is not None and not _used(day):
            whole.append(day)
            continue
        seen = tuple(one for one in whole if one.state is not DayState.UNKNOWN)
        if len(seen) >= READY_DAYS:
            found.append(_Idle(seen[0].day, whole[-1].day, seen, _coverage(whole)))
        whole = []
    return found


def _used(day: PresenceDay) -> bool:
    by_meter = (day.water or 0.0) > READY_WATER or (day.electricity or 0.0) > READY_POWER * 4
    return by_meter or day.state in (DayState.PRESENT, DayState.OTHER_USE)


def _idle_proof(days: Sequence[PresenceDay]) -> tuple[tuple[str, ...], str]:
    water = [day.water for day in days if day.water is not None]
    if len(water) * 2 >= len(days):
        return ("F1", "F2"), f"同期用水共{sum(water):.3f}立方米。"
    return ("F1",), "没有可用的水表读数，仅由门禁佐证。"


def _coverage(days: Sequence[PresenceDay]) -> float:
    return round(sum(day.coverage for day in days) / len(days), 4) if days else 0.0


def changes(life: Life, known: Sequence[tuple[LifeKind, date]]) -> Iterator[tuple[LifeKind, LifeFact | None]]:
    """What differs from what was told (kind, day): (kind, the fact as it is now; None: it is taken back)."""
    now = {fact.kind: fact for fact in life.facts}
    told = dict(known)
    for kind, fact in now.items():
        if told.get(kind) != fact.day:
            yield kind, fact
    for kind in told:
        if kind in life.decided and kind not in now:
            yield kind, None
