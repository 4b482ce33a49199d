"""One night of an estate: yesterday of each dwelling, judged on from what its earlier days have taught.

The usual case needs one day's rows a dwelling, however long the history: of a home of which something may be found the judged
days are held beside its memory. A dwelling goes the long way round (`analyse_batch`, the whole record) when something late
touched it, its household changed, or more must be known of it than is held.

Nothing is written here (`night_write` does): many pieces are judged at once, by other processes, while nobody is kept from
writing. What each was judged from is told with it, so that what changed meanwhile is noticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.occupancy.detect import detect
from hub.occupancy.estate_view import EstateView
from hub.occupancy.finding import Finding
from hub.occupancy.former import former_of, without_former
from hub.occupancy.life import LATELY_DAYS, Life, LifeKind, life_of
from hub.occupancy.likely import Model
from hub.occupancy.load import uses_of
from hub.occupancy.memory import HELD_DAYS, Kept, NeedsHistory, RecentDays, unpack
from hub.occupancy.night_write import Judged, Known, Night, Standing, known, memory_row
from hub.occupancy.outside import Sign
from hub.occupancy.outside_rows import signs_of
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.presence import MAX_METER_GAP, Reading, daily_use, judge
from hub.occupancy.quiet import one_more, quiet, rest_key
from hub.occupancy.readings import readings_of
from hub.occupancy.recognised import HEALTH_DAYS, WITHIN_DAYS, Count, Recognition, counted, recognition, shares
from hub.occupancy.rows import presence_row
from hub.occupancy.values import (
    LOOK_BACK_DAYS,
    ByDay,
    CredentialUse,
    DwellingRecord,
    Household,
    ObservedDay,
    PresenceDay,
)
from hub.tables import LifeFactRow

Uses = Mapping[date, tuple[CredentialUse, ...]]


@dataclass(slots=True)
class _One:
    """A dwelling whose yesterday can be judged from its memory. `total`: days of its record."""

    dwelling: str
    standing: Standing
    kept: Kept
    first_day: date
    total: int
    meters: Mapping[str, str]
    judged: PresenceDay
    outside: tuple[Sign, ...] = ()

    @property
    def household(self) -> Household | None:
        return self.standing.household

    @property
    def whole(self) -> bool:
        """All days of the record are held."""
        return len(self.kept) >= self.total

    @property
    def since(self) -> date:
        """The first day of its record."""
        return self.judged.day - timedelta(days=self.total - 1)


def spend(session: Session, view: EstateView, dwellings: Sequence[str], calendar: Calendar, model: Model) -> Night:
    """Judge `view.last` of dwellings that were judged up to the day before, and ask the rules. Reads only."""
    last = view.last
    now = known(session, view, dwellings)
    every = uses_of(session, view, dwellings)
    uses = without_former(session, now.households, every)
    outside = signs_of(session, dwellings, last - timedelta(days=LOOK_BACK_DAYS), last)
    meters, readings = readings_of(session, view, dwellings, last - timedelta(days=MAX_METER_GAP))
    left, long_way, ones = list[str](), dict[str, date](), list[_One]()
    leaving = _leaving(session, now, dwellings, last)
    kept_of = {id: kept for id, row in now.rows.items() if (kept := unpack(row.body)) is not None}
    for dwelling in dwellings:
        standing, kept = now.standing(dwelling), kept_of.get(dwelling)
        own = meters.get(dwelling, {})
        series = {quantity: readings[dwelling, quantity] for quantity in own}
        if not now.only_last(dwelling, last):
            left.append(dwelling)
        elif kept is None or not _same(now.rows[dwelling], standing.household):
            long_way[dwelling] = last
        elif any(_after_gap(one, last) for one in series.values()):
            long_way[dwelling] = last - timedelta(days=MAX_METER_GAP)
        elif dwelling in leaving:
            long_way[dwelling] = last
        else:
            observed = _observed(view, dwelling, uses.get(dwelling, {}), series, standing.household)
            day = judge(observed, view.way_home(dwelling), kept.memory)
            kept.add(day)
            first = now.rows[dwelling].first_day
            total, said = min((last - first).days + 1, LOOK_BACK_DAYS), outside.get(dwelling, ())
            ones.append(_One(dwelling, standing, kept, first, total, own, day, said))
    seen, counts = _seen(session, view, kept_of, now.households, every)
    by_day = _by_day(session, view, ones, counts)
    settled = _settled(session, [one.household.tenancy_id for one in ones if one.household is not None])
    moving = {one.household.tenancy_id for one in ones if one.household is not None and _life_open(one, settled)}
    former = former_of(session, moving)
    spent = list[Judged]()
    for one in ones:
        record = _record(seen, one, by_day)
        try:
            asked = one.household is None or one.household.tenancy_id in moving
            life = life_of(record, former.get(one.dwelling, frozenset())) if asked else None
            found = _found(record, one, life, view, calendar, model)
        except NeedsHistory:
            long_way[one.dwelling] = last
            continue
        day_row = presence_row(one.dwelling, one.judged, one.outside)
        memory = memory_row(one.dwelling, one.household, one.kept, one.first_day, last)
        spent.append(Judged(one.dwelling, one.standing, day_row, memory, found, life))
    return Night(spent, long_way, left, counts)


def _found(
    record: DwellingRecord, one: _One, life: Life | None, view: EstateView, calendar: Calendar, model: Model
) -> tuple[Finding, ...]:
    """NeedsHistory: the whole record must be asked."""
    kept, household = one.kept, one.household
    if not view.pack.measured or household is None:
        found = detect(record, view.pack, calendar, model, view.outcomes)
        if not needs_all(record, kept, found, life, view.pack, model):
            kept.trim()
        return found
    key = rest_key(household, view.pack, model)
    one_more(kept.rest, record.days, household)
    if _quiet(record, household, kept, key):
        if life is None:
            kept.trim()
        return ()
    if not one.whole:
        raise NeedsHistory
    found = detect(record, view.pack, calendar, model, view.outcomes)
    kept.rest.key = "" if found else key
    return found


def needs_all(
    record: DwellingRecord, kept: Kept, found: Sequence[Finding], life: Life | None, pack: PolicyPack, model: Model
) -> bool:
    """After a judgement: whether the next night will ask more than the last days of this home."""
    household = record.household
    if found or not isinstance(record.days, RecentDays):
        return True
    if household is None or not pack.measured:
        return record.days.asked > HELD_DAYS
    moving = household.handover is not None and (record.first_day or household.handover) < household.handover
    if moving and life is not None and not any(fact.kind is LifeKind.MOVED_IN for fact in life.facts):
        return True
    return not _quiet(record, household, kept, rest_key(household, pack, model))


def _quiet(record: DwellingRecord, household: Household, kept: Kept, key: str) -> bool:
    still = quiet(kept.rest, key, record.days, household, kept.memory.identified_days, record.recognised)
    return still and not record.under_repair


def _same(row: Any, household: Household | None) -> bool:
    if household is None:
        return row.tenancy_id is None
    return bool(row.tenancy_id == household.tenancy_id and row.begins == household.first)


def _after_gap(readings: Sequence[Reading], last: date) -> bool:
    """Yesterday's reading fills days before it, which were judged without."""
    return len(readings) > 1 and readings[-1].day == last and (last - readings[-2].day).days > 1


def _observed(
    view: EstateView, dwelling: str, uses: Uses, series: Mapping[str, Sequence[Reading]], household: Household | None
) -> ObservedDay:
    used = {quantity: daily_use(quantity, readings).get(view.last) for quantity, readings in series.items()}
    gaps = view.gaps(dwelling)[-1]
    return ObservedDay(
        view.last,
        gaps,
        uses.get(view.last, ()),
        used.get("water"),
        used.get("electricity"),
        withheld=household is not None and household.withheld_on(view.last),
        unlooked=household is not None and view.last < household.looked_from,
    )


def _seen(
    session: Session,
    view: EstateView,
    kept_of: Mapping[str, Kept],
    households: Mapping[str, Household],
    uses: Mapping[str, Uses],
) -> tuple[EstateView, dict[tuple[str, date], Count]]:
    """Whom the doors recognised yesterday: as it was counted already because something came late, or from the memories (told
    then, to be kept)."""
    blocks = set(view.points)
    counts = counted(session, view.id, view.last - timedelta(days=HEALTH_DAYS - 1), view.last)
    fresh: dict[tuple[str, date], Count] = {}
    if not all((block, view.last) in counts for block in blocks):
        fresh = _counted(view, kept_of, households, uses)
    return replace(view, recognition=shares(counts | fresh, blocks, view.last, view.last)), fresh


def _counted(
    view: EstateView,
    kept_of: Mapping[str, Kept],
    households: Mapping[str, Household],
    uses: Mapping[str, Uses],
) -> dict[tuple[str, date], Count]:
    members: Counter[str] = Counter()
    identified: Counter[str] = Counter()
    passes: Counter[str] = Counter()
    since = view.last - timedelta(days=WITHIN_DAYS)
    for dwelling, household in households.items():
        members[view.dwelling_block[dwelling]] += sum(member.consent_b for member in household.members)
    for dwelling, kept in kept_of.items():
        block = view.dwelling_block[dwelling]
        known = _known(kept, households.get(dwelling), since)
        today = [use for use in uses.get(dwelling, {}).get(view.last, ()) if use.resident and use.identified]
        passes[block] += sum(use.identified for use in today)  # also where it is judged later tonight
        known |= {use.credential for use in today}
        identified[block] += len(known)
    return {(block, view.last): Count(members[block], identified[block], passes[block]) for block in view.points}


def _known(kept: Kept, household: Household | None, since: date) -> set[str]:
    """Credentials identified after `since`; of who lived there before them too."""
    if household is None or household.first <= since:
        return {token for token, day in kept.memory.identified_last.items() if day > since}
    return kept.identified_since(since.toordinal())


def _by_day(
    session: Session, view: EstateView, ones: Iterable[_One], counts: Mapping[tuple[str, date], Count]
) -> Recognition:
    """Whom the doors recognised on each day of the records that are held whole."""
    first = min((one.since for one in ones if one.whole and one.household is not None), default=None)
    return Recognition() if first is None else recognition(session, view.id, view.zone, first, view.last, counts)


def _record(view: EstateView, one: _One, by_day: Recognition) -> DwellingRecord:
    block, days = view.dwelling_block[one.dwelling], slice(-one.total, None)
    held = one.whole and one.household is not None
    return DwellingRecord(
        dwelling_id=one.dwelling,
        household=one.household,
        days=RecentDays.of(one.kept, one.total),
        points=view.way_home(one.dwelling),
        meters=one.meters,
        vacant_since=None if one.household else max(one.standing.ended[0], one.since),
        ended_tenancy=None if one.household else one.standing.ended[1],
        under_repair=one.dwelling in view.under_repair,
        identification_ok=view.recognition.healthy[-1],
        recognised=view.recognition.of(block)[-1],
        by_day=ByDay(by_day.healthy[days], by_day.of(block)[days]) if held else None,
        outside=one.outside,
    )


def _leaving(session: Session, now: Known, dwellings: Sequence[str], last: date) -> set[str]:
    """Homes that are let again, with no keys handed over yet, and whose last household is not told yet to be gone."""
    found: dict[str, str] = {}
    for dwelling in dwellings:
        standing = now.standing(dwelling)
        household, (left, tenancy) = standing.household, standing.ended
        waits = household is not None and (household.handover is None or last < household.handover)
        if waits and tenancy is not None and left < last <= left + timedelta(days=LATELY_DAYS):
            found[tenancy] = dwelling
    told = select(LifeFactRow.tenancy_id).where(
        LifeFactRow.tenancy_id.in_(found), LifeFactRow.kind == LifeKind.MOVED_OUT, LifeFactRow.standing
    )
    gone = set(session.scalars(told)) if found else set()
    return {dwelling for tenancy, dwelling in found.items() if tenancy not in gone}


def _settled(session: Session, tenancies: Sequence[str]) -> set[str]:
    """Tenancies whose moving in was told: without late records nothing about it changes."""
    told = select(LifeFactRow.tenancy_id).where(
        LifeFactRow.tenancy_id.in_(tenancies), LifeFactRow.kind == LifeKind.MOVED_IN, LifeFactRow.standing
    )
    return set(session.scalars(told))


def _life_open(one: _One, settled: set[str]) -> bool:
    """Handed over within the record, and not told yet to have moved in."""
    household = one.household
    if household is None or household.handover is None or household.tenancy_id in settled:
        return False
    return one.since < household.handover
