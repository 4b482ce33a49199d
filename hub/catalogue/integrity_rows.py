"""What the rules about devices (D) and data (N) look at, read for one estate."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.catalogue.entrances import (
    FALL_WEEKS,
    MOVE_WINDOW,
    EntranceHint,
    Trouble,
    around_moves,
    fallen,
    silent,
    troubles,
)
from hub.catalogue.integrity import (
    IntegrityHint,
    bulk_changes,
    curious,
    in_two_households,
    old_lists,
    register_differs,
)
from hub.occupancy.silent_doors import silent_now
from hub.occupancy.unheard import HOMES_BEHIND
from hub.tables import (
    AccessChange,
    AccessPoint,
    CaseFile,
    Coverage,
    Door,
    DoorDay,
    Dwelling,
    Estate,
    EventRow,
    HouseholdMember,
    OutsideSign,
    Reveal,
    SourceState,
    Tenancy,
)

COVERED = frozenset({"covered", "tamper", "scene_change"})


def entrance_hints(session: Session, estate: Estate, now: datetime) -> list[EntranceHint]:
    """D1–D7 of an estate now."""
    since = now - timedelta(days=MOVE_WINDOW)
    rows = [*_coverage(session, estate.id, since), *_alarms(session, estate.id, since)]
    zone = ZoneInfo(estate.time_zone)
    today = now.astimezone(zone).date() - timedelta(days=1)
    counts, still = _counts(session, estate.id, today), _silent(session, estate.id, today)
    return [
        *troubles(rows, now),
        *silent(still),
        *(hint for hint in fallen(counts, today) if hint.place not in still),
        *around_moves(rows, _moves(session, estate.id, since, zone), now),
    ]


def integrity_hints(session: Session, estate: Estate, now: datetime) -> list[IntegrityHint]:
    """N1–N5 of an estate now."""
    dwellings = select(Dwelling.id).where(Dwelling.estate_id == estate.id)
    people = session.execute(
        select(HouseholdMember.person_id, HouseholdMember.tenancy_id)
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .where(Tenancy.state != "ended", or_(HouseholdMember.to_date.is_(None), HouseholdMember.to_date >= now.date()))
        .where(
            HouseholdMember.person_id.in_(
                select(HouseholdMember.person_id)
                .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
                .where(Tenancy.estate_id == estate.id)
            )
        )
    )
    signs = session.execute(
        select(OutsideSign.dwelling_id, OutsideSign.kind).where(
            OutsideSign.estate_id == estate.id, OutsideSign.withdrawn_at.is_(None)
        )
    )
    live = session.scalars(select(Tenancy.dwelling_id).where(Tenancy.estate_id == estate.id, Tenancy.state == "active"))
    changes = session.execute(
        select(AccessChange.who, AccessChange.at, AccessChange.count).where(AccessChange.at > now - timedelta(days=1))
    )
    looks = session.execute(
        select(Reveal.user_id, Reveal.dwelling_id, Reveal.at).where(
            Reveal.dwelling_id.in_(dwellings), Reveal.at > now - timedelta(days=7)
        )
    )
    with_case = session.scalars(select(CaseFile.dwelling_id).where(CaseFile.estate_id == estate.id))
    sources = session.execute(select(SourceState.source, SourceState.last_ok_at)).all()
    return [
        *old_lists({name: at for name, at in sources}, now),  # noqa: C416
        *in_two_households([(person, tenancy) for person, tenancy in people]),
        *register_differs([(dwelling, kind) for dwelling, kind in signs], frozenset(live)),
        *bulk_changes([(who, at) for who, at, count in changes for _ in range(min(count, 50))], now),
        *curious([(who, dwelling, at) for who, dwelling, at in looks], frozenset(with_case), now),
    ]


def _coverage(session: Session, estate_id: str, since: datetime) -> list[Trouble]:
    rows = session.scalars(
        select(Coverage).where(
            Coverage.estate_id == estate_id,
            Coverage.state != "ok",
            or_(Coverage.to_at.is_(None), Coverage.to_at > since),
        )
    )
    return [Trouble(row.device_id, row.state, row.from_at, row.to_at) for row in rows]


def _alarms(session: Session, estate_id: str, since: datetime) -> list[Trouble]:
    """Doors forced open, and cameras that say that they are covered."""
    found = []
    for row in session.execute(
        select(EventRow.device_id, EventRow.kind, EventRow.reason, EventRow.at, EventRow.data).where(
            EventRow.estate_id == estate_id, EventRow.at > since, EventRow.kind.in_(("door", "camera"))
        )
    ):
        if row.kind == "door" and row.reason == "forced_open":
            found.append(Trouble(row.device_id, "forced", row.at, row.at))
        elif row.kind == "camera" and COVERED & {str(value) for value in json.loads(row.data).values()}:
            found.append(Trouble(row.device_id, "covered", row.at, row.at))
    return found


def _counts(session: Session, estate_id: str, today: date) -> Mapping[str, Mapping[date, int]]:
    """Door → day → attempts, of the last five same weekdays."""
    found: dict[str, dict[date, int]] = defaultdict(dict)
    weeks = [today - timedelta(weeks=week) for week in range(FALL_WEEKS + 1)]
    rows = select(DoorDay.door_id, DoorDay.day, DoorDay.passes).join(Door, Door.id == DoorDay.door_id)
    for door, day, passes in session.execute(rows.where(Door.estate_id == estate_id, DoorDay.day.in_(weeks))):
        found[door][day] = passes
    return found


def _silent(session: Session, estate_id: str, today: date) -> dict[str, date]:
    """Silent doors → since when. Where hardly anybody lives yet nobody need be seen."""
    doors = silent_now(session, estate_id, today)
    lived_in = Counter(
        session.scalars(
            select(Dwelling.block_id)
            .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
            .where(Dwelling.estate_id == estate_id, Tenancy.state == "active")
        )
    )
    for door, scope, block in session.execute(select(Door.id, Door.scope, Door.block_id).where(Door.id.in_(doors))):
        if (lived_in.total() if scope == "estate" else lived_in[block or ""]) < HOMES_BEHIND:
            del doors[door]
    return doors


def _moves(session: Session, estate_id: str, since: datetime, zone: ZoneInfo) -> dict[str, list[datetime]]:
    """Device of a block's entrance → the half hours, 06:00 to 22:00, of days on which a tenancy of the block began or ended."""
    homes: dict[str, set[date]] = defaultdict(set)
    for block, first, last in session.execute(
        select(Dwelling.block_id, Tenancy.handover_at, Tenancy.to_date)
        .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
        .where(Dwelling.estate_id == estate_id)
    ):
        for day in (first, last):
            if day is not None and since.date() <= day <= since.date() + timedelta(days=MOVE_WINDOW):
                homes[block].add(day)
    found: dict[str, list[datetime]] = defaultdict(list)
    for device, of_block in session.execute(
        select(AccessPoint.device_id, Door.block_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id, Door.scope == "block", AccessPoint.device_id.is_not(None))
        .distinct()
    ):
        for day in homes.get(of_block or "", ()):
            start = datetime.combine(day, time(6), zone).astimezone(UTC)
            found[device or ""] += [start + timedelta(minutes=30 * step) for step in range(32)]
    return found
