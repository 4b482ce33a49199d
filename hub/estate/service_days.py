"""From which day until which an access point is on people's way home: a new gate says nothing of the days before it stood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.served import local_day
from hub.occupancy.values import LOOK_BACK_DAYS
from hub.tables import AccessPoint, Device, Door, Dwelling


@dataclass(frozen=True, slots=True)
class ServiceDays:
    """Of an access point, first and last day, both local and included; None: always, still."""

    access_point_id: str
    since: date | None = None
    until: date | None = None


def say_of(uow: UnitOfWork, door: Door, wanted: ServiceDays) -> None:
    """Raises BadRequest for an access point of another door, or for days that cannot be."""
    point = uow.session.get(AccessPoint, wanted.access_point_id)
    if point is None or point.door_id != door.id:
        raise BadRequest("这扇门没有这个通行点，请刷新页面。")
    say(uow, point, wanted.since, wanted.until)


def say(uow: UnitOfWork, point: AccessPoint, since: date | None, until: date | None) -> None:
    """What people say of a point's days. Homes behind it are judged anew where that changes what could be seen."""
    before = (point.in_service_since, point.in_service_until)
    if before == (since, until):
        return
    if since is not None and until is not None and until < since:
        raise BadRequest("停用日期不能早于启用日期。", "service_days")
    if since is not None and since != before[0] and since > local_day(uow.session, point.estate_id, uow.now):
        raise BadRequest("启用日期不能晚于今天。", "service_days")
    if until is not None and until != before[1] and _serving(uow, point):
        raise Conflict(
            f"通行点“{point.name}”由使用中的设备控制，不能停用。请先在设备页面解除或停用设备。", "in_service"
        )
    point.in_service_since, point.in_service_until = since, until
    uow.record("access_point.service_days", point.id, since=_text(since), until=_text(until))
    _judge_anew(uow, point, since_moved=before[0] != since, moved=(*before, since, until))


def _serving(uow: UnitOfWork, point: AccessPoint) -> bool:
    device = uow.session.get(Device, point.device_id) if point.device_id else None
    return device is not None and device.in_service and device.removed_at is None


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _judge_anew(uow: UnitOfWork, point: AccessPoint, *, since_moved: bool, moved: tuple[date | None, ...]) -> None:
    """The earlier first day, or all the days that are kept; of a later end alone, from the earlier of the two."""
    oldest = local_day(uow.session, point.estate_id, uow.now) - timedelta(days=LOOK_BACK_DAYS - 1)
    first_before, last_before, first, last = moved
    named = [first_before or oldest, first or oldest] if since_moved else [one for one in (last_before, last) if one]
    door = uow.session.get_one(Door, point.door_id)
    homes = select(Dwelling.id).where(Dwelling.estate_id == point.estate_id)
    if door.scope == "block":
        homes = homes.where(Dwelling.block_id == door.block_id)
    elif door.scope == "dwelling":
        homes = homes.where(Dwelling.id == door.dwelling_id)
    elif door.scope != "estate":
        return
    mark_dirty(uow.session, dict.fromkeys(uow.session.scalars(homes), min(named)))
