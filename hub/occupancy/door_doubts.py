"""Job: doors whose map their own passes contradict. While one stands, the days of its block were not observed there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.jobs import Job
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.door_maps import LOOK_BACK_DAYS, Doubt, doubt, right_again
from hub.services import Hub
from hub.tables import AccessPoint, Block, CredentialRow, Door, DoorDoubt, Dwelling, Estate, EventRow

JOB = "occupancy.door_maps"
DAY_S = 86_400.0
Days = dict[str, dict[date, dict[str, int]]]


def check(hub: Hub) -> str:
    """Once a day, each estate: what its block doors' last days say of their map."""
    opened = closed = 0
    with hub.db.reading() as session:
        estates = session.scalars(select(Estate).order_by(Estate.id)).all()
    for estate in estates:
        zone = ZoneInfo(estate.time_zone)
        last = hub.now().astimezone(zone).date() - timedelta(days=1)
        with hub.db.unit_of_work("system", "door maps", estate_id=estate.id, now=hub.now()) as uow:
            one, other = _check(uow, estate.id, zone, last)
        opened, closed = opened + one, closed + other
    return f"{opened} doors doubted, {closed} right again"


def _check(uow: UnitOfWork, estate_id: str, zone: ZoneInfo, last: date) -> tuple[int, int]:
    session = uow.session
    points: Sequence[Any] = session.execute(
        select(AccessPoint.id, AccessPoint.device_id, Door.block_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id, Door.scope == "block", Door.block_id.is_not(None))
    ).all()
    days = _attempts(session, estate_id, zone, last)
    standing = {row.access_point_id: row for row in standing_doubts(session, estate_id)}
    opened = closed = 0
    for point in points:
        row = standing.pop(point.id, None)
        seen = days.get(point.id, {})
        if row is not None and (row.block_id != point.block_id or right_again(point.block_id, seen, last)):
            _close(uow, row)
            closed += 1
        elif row is None and point.device_id and (found := doubt(point.block_id, seen, last)):
            _open(uow, estate_id, point, found, zone)
            opened += 1
    for row in standing.values():  # the door or its place is gone
        _close(uow, row)
        closed += 1
    return opened, closed


def standing_doubts(session: Session, estate_id: str) -> Sequence[DoorDoubt]:
    """Those that are not settled."""
    rows = select(DoorDoubt).where(DoorDoubt.estate_id == estate_id, DoorDoubt.to_at.is_(None))
    return session.scalars(rows.order_by(DoorDoubt.id)).all()


def doubts_of(session: Session, device_id: str, since: datetime) -> list[dict[str, Any]]:
    """For the device's page, as spans of coverage."""
    rows = session.execute(
        select(DoorDoubt, Block.name)
        .join(Block, Block.id == DoorDoubt.seen_block)
        .where(DoorDoubt.device_id == device_id)
    )
    return [
        {
            "state": "wrong_map",
            "reason": f"近7日{row.attempts}次刷卡刷脸中仅{row.own}次为本楼住户，多为{name}住户：出入口可能映射错楼栋",
            "from_at": row.from_at,
            "to_at": row.to_at,
        }
        for row, name in rows
        if row.to_at is None or row.to_at > since
    ]


def _attempts(session: Session, estate_id: str, zone: ZoneInfo, last: date) -> Days:
    """Access point → day → block of the holder → attempts, granted or refused. Who is nobody's here is not looked at."""
    start = datetime.combine(last - timedelta(days=LOOK_BACK_DAYS - 1), time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    rows = session.execute(
        select(EventRow.access_point_id, EventRow.at, Dwelling.block_id)
        .join(CredentialRow, CredentialRow.token == EventRow.credential)
        .join(Dwelling, Dwelling.id == CredentialRow.dwelling_id)
        .join(AccessPoint, AccessPoint.id == EventRow.access_point_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(
            EventRow.estate_id == estate_id,
            EventRow.at >= start,
            EventRow.at < end,
            EventRow.kind == "access",
            CredentialRow.holder_class == "resident",
            Door.scope == "block",
        )
    )
    found: Days = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for point, at, block in rows:
        found[str(point)][at.astimezone(zone).date()][block] += 1
    return found


def _open(uow: UnitOfWork, estate_id: str, point: Any, found: Doubt, zone: ZoneInfo) -> None:
    row = DoorDoubt(
        estate_id=estate_id, access_point_id=point.id, device_id=point.device_id, block_id=point.block_id,
        seen_block=found.seen, attempts=found.attempts, own=found.own,
        from_at=datetime.combine(found.since, time(), zone), to_at=None,
    )  # fmt: skip
    uow.session.add(row)
    uow.record(
        "door_map.doubted", point.id, block=point.block_id, seen=found.seen, attempts=found.attempts, own=found.own
    )
    _judge_anew(uow.session, {point.block_id: found.since})


def _close(uow: UnitOfWork, row: DoorDoubt) -> None:
    row.to_at = uow.now
    uow.record("door_map.right", row.access_point_id, block=row.block_id)


def _judge_anew(session: Session, blocks: Mapping[str, date]) -> None:
    homes = session.execute(select(Dwelling.id, Dwelling.block_id).where(Dwelling.block_id.in_(list(blocks))))
    mark_dirty(session, {home: blocks[block] for home, block in homes})


JOBS: tuple[Job, ...] = (Job(JOB, DAY_S, check),)
