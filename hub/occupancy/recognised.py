"""How many of a block's consenting members its doors recognise, day by day: whether somebody who is not seen could have been.

Kept as one row a block and day (`RecognitionDay`): counted once, and read by every night, by judging anew and by trials.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from hub.consents import Given, spans
from hub.db import upsert
from hub.occupancy.moved_out import left_on
from hub.tables import Block, Consent, Dwelling, HouseholdMember, PassDay, RecognitionDay, Tenancy

WITHIN_DAYS = 30
MEMBERS_KNOWN = 20
"""Of fewer members no share is told: one family on holiday would be half of it."""

IDENTIFICATION_DROP = 0.5
RECENT_DAYS = 14
USUAL_DAYS = 46
HEALTH_DAYS = RECENT_DAYS + USUAL_DAYS

_table: Table = RecognitionDay.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Count:
    """Of a block on a day: `members` with consent (b); whom of them and of those before them doors `identified` within the last
    30 days; `passes`: identified passes of the day."""

    members: int = 0
    identified: int = 0
    passes: int = 0


@dataclass(frozen=True, slots=True)
class Recognition:
    """By day of a record: whether the estate's terminals go on recognising people as before, and each block's share."""

    healthy: Sequence[bool] = ()
    share: Mapping[str, Sequence[float | None]] = field(default_factory=dict)

    def of(self, block: str) -> Sequence[float | None]:
        return self.share.get(block) or [None] * len(self.healthy)


def share(identified: int, members: int) -> float | None:
    """(P) 0..1; None where too few members consent."""
    return min(1.0, identified / members) if members >= MEMBERS_KNOWN else None


def healthy(counts: Sequence[int]) -> list[bool]:
    """(P) From identified passes a day; one answer a day from the sixtieth on."""
    found = []
    for index in range(HEALTH_DAYS, len(counts) + 1):
        old = sum(counts[index - HEALTH_DAYS : index - RECENT_DAYS]) / USUAL_DAYS
        new = sum(counts[index - RECENT_DAYS : index]) / RECENT_DAYS
        found.append(new >= IDENTIFICATION_DROP * old)
    return found


def recognition(
    session: Session,
    estate_id: str,
    zone: ZoneInfo,
    first: date,
    last: date,
    fresh: Mapping[tuple[str, date], Count] | None = None,
) -> Recognition:
    """Of the days `first`..`last`, from what was counted (`fresh`: and is not kept yet); where a day was not, all are counted
    from the records."""
    begin = first - timedelta(days=HEALTH_DAYS - 1)
    counts = {**counted(session, estate_id, begin, last), **(fresh or {})}
    blocks = set(session.scalars(select(Block.id).where(Block.estate_id == estate_id)))
    needed = {(block, first + timedelta(days=n)) for block in blocks for n in range((last - first).days + 1)}
    if not needed <= counts.keys():
        counts = count_days(session, estate_id, zone, begin, last)
    return shares(counts, blocks, first, last)


def shares(counts: Mapping[tuple[str, date], Count], blocks: Iterable[str], first: date, last: date) -> Recognition:
    """(P) (block, day) → count, as two rows of days."""
    passes = [0] * ((last - first).days + HEALTH_DAYS)
    for (_block, day), count in counts.items():
        at = (day - first).days + HEALTH_DAYS - 1
        if 0 <= at < len(passes):
            passes[at] += count.passes
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    none = Count()
    of = {block: [counts.get((block, day), none) for day in days] for block in blocks}
    return Recognition(
        healthy(passes), {block: [share(c.identified, c.members) for c in row] for block, row in of.items()}
    )


def counted(session: Session, estate_id: str, first: date, last: date) -> dict[tuple[str, date], Count]:
    """What is kept of these days."""
    rows = session.execute(
        select(
            RecognitionDay.block_id,
            RecognitionDay.day,
            RecognitionDay.members,
            RecognitionDay.identified,
            RecognitionDay.passes,
        )
        .join(Block, Block.id == RecognitionDay.block_id)
        .where(Block.estate_id == estate_id, RecognitionDay.day.between(first, last))
    )
    return {(block, day): Count(*counts) for block, day, *counts in rows}


def keep(session: Session, counts: Mapping[tuple[str, date], Count]) -> None:
    """Counted anew: the later count of a day is the better one, for what came late is in it."""
    if not counts:
        return
    statement = upsert(session, _table)
    names = ("members", "identified", "passes")
    statement = statement.on_conflict_do_update(
        index_elements=["block_id", "day"], set_={name: statement.excluded[name] for name in names}
    )
    rows = [
        {
            "block_id": block,
            "day": day,
            "members": count.members,
            "identified": count.identified,
            "passes": count.passes,
        }
        for (block, day), count in sorted(counts.items())
    ]
    session.connection().execute(statement, rows)


def count_days(
    session: Session, estate_id: str, zone: ZoneInfo, first: date, last: date
) -> dict[tuple[str, date], Count]:
    """From the registers and the daily passes: members as they were registered and consented on each day."""
    length = (last - first).days + 1
    members: dict[str, list[int]] = defaultdict(lambda: [0] * (length + 1))
    for block, begin, end in _spans(session, estate_id, zone):
        _step(members[block], max(0, (begin - first).days), length if end is None else (end - first).days + 1)
    seen: dict[str, list[int]] = defaultdict(lambda: [0] * (length + 1))
    passes: dict[str, list[int]] = defaultdict(lambda: [0] * length)
    before: tuple[Any, ...] | None = None
    for block, home, credential, day, count in _identified(session, estate_id, first, last):
        again = before is not None and before[:2] == (home, credential)
        since = max((day - first).days, (before[2] - first).days + WITHIN_DAYS if again and before else 0, 0)
        _step(seen[block], since, (day - first).days + WITHIN_DAYS)
        if day >= first:
            passes[block][(day - first).days] += count
        before = (home, credential, day)
    found: dict[tuple[str, date], Count] = {}
    for block in session.scalars(select(Block.id).where(Block.estate_id == estate_id)):
        columns = zip(_sums(members[block]), _sums(seen[block]), passes[block], strict=True)
        for number, counts in enumerate(columns):
            found[block, first + timedelta(days=number)] = Count(*counts)
    return found


def _identified(session: Session, estate_id: str, first: date, last: date) -> Iterable[Any]:
    return session.execute(
        select(Dwelling.block_id, PassDay.dwelling_id, PassDay.credential, PassDay.day, PassDay.face_consented)
        .join(Dwelling, Dwelling.id == PassDay.dwelling_id)
        .where(
            Dwelling.estate_id == estate_id,
            PassDay.day > first - timedelta(days=WITHIN_DAYS),
            PassDay.day <= last,
            PassDay.face_consented > 0,
            PassDay.holder_class == "resident",
        )
        .order_by(PassDay.dwelling_id, PassDay.credential, PassDay.day)
    )


def _spans(session: Session, estate_id: str, zone: ZoneInfo) -> Iterable[tuple[str, date, date | None]]:
    """(block, first, last day) of each member's time in the household with a live consent (b)."""
    rows: Sequence[Any] = session.execute(
        select(
            Dwelling.block_id,
            Tenancy.from_date,
            Tenancy.state,
            Tenancy.ended_at,
            Tenancy.end_decision,
            HouseholdMember.from_date.label("since"),
            HouseholdMember.to_date.label("until"),
            Consent.id.label("consent"),
            Consent.person_id,
            Consent.granted_at,
            Consent.withdrawn_at,
            Consent.recorded_at,
        )
        .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .join(Consent, Consent.person_id == HouseholdMember.person_id)
        .where(Dwelling.estate_id == estate_id, Consent.purpose == "b")
    ).all()

    def local(at: datetime) -> date:
        return at.astimezone(zone).date()

    given: dict[str, dict[str, Given]] = {}
    for row in rows:
        one = Given(row.granted_at, row.withdrawn_at, row.recorded_at)
        given.setdefault(row.person_id, {})[row.consent] = one
    begins = {
        consent: since
        for mine in given.values()
        for consent, (since, _) in zip(mine, spans(mine.values()), strict=True)
    }
    for row in rows:
        left = left_on(row.end_decision, row.ended_at, zone) if row.state == "ended" else None
        if row.state == "ended" and left is None:
            continue
        ends = [row.until, left]
        ends.append(None if row.withdrawn_at is None else local(row.withdrawn_at) - timedelta(days=1))
        end = min((day for day in ends if day is not None), default=None)
        begin = max(row.from_date, row.since, local(begins[row.consent]))
        if end is None or begin <= end:
            yield row.block_id, begin, end


def _step(change: list[int], begin: int, end: int) -> None:
    """One more in [begin, end) of a list of differences."""
    end = min(end, len(change) - 1)
    if begin < end:
        change[begin] += 1
        change[end] -= 1


def _sums(change: list[int]) -> list[int]:
    return list(accumulate(change))[:-1]
