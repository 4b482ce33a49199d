"""What a change of devices and doors takes away from people, counted, so that the brake on people can weigh it (rule N4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.errors import NotFound
from hub.estate.adding import Change, PointWish, change_in, follow, map_in
from hub.held_rows import Kind
from hub.tables import AccessPoint, DesiredEntry, Device


class TakeOut(msgspec.Struct, frozen=True, tag="device.out_of_service"):
    """The device serves no more: who is on its list comes in there no longer, or by an old list."""

    device_id: str


class MapDoors(msgspec.Struct, frozen=True, tag="device.doors"):
    """Which doors the device controls, whole: what is not named is let go."""

    device_id: str
    points: tuple[PointWish, ...]


DeviceAction = TakeOut | MapDoors


def perform(uow: UnitOfWork, _estate_id: str, action: DeviceAction) -> str:
    """The device's id. Raises ApiError; then nothing of it stands."""
    if isinstance(action, TakeOut):
        change_in(uow, action.device_id, Change(in_service=False))
    else:
        map_in(uow, action.device_id, action.points)
    return action.device_id


def weight(session: Session, action: DeviceAction) -> int:
    """How many people would lose a way in: who is on the device's list, where it stops serving or lets go of one of its doors."""
    device = session.get(Device, action.device_id)
    if device is None or not device.in_service:
        return 0
    if isinstance(action, MapDoors) and not lets_go(session, action.device_id, action.points):
        return 0
    return on_lists(session, (action.device_id,))


def lets_go(session: Session, device_id: str, wishes: Sequence[PointWish]) -> bool:
    """Whether an access point of the device is no longer controlled by it, or by another of its relays."""
    stands = session.scalars(select(AccessPoint).where(AccessPoint.device_id == device_id))
    return not all(any(_keeps(point, wish) for wish in wishes) for point in stands)


def _keeps(point: AccessPoint, wish: PointWish) -> bool:
    if wish.point != point.point:
        return False
    return wish.access_point_id == point.id or (wish.door_id == point.door_id and wish.side == point.side)


def on_lists(session: Session, devices: Collection[str]) -> int:
    """Entries on the lists of these devices: people × devices."""
    mine = select(func.count()).select_from(DesiredEntry).where(DesiredEntry.device_id.in_(sorted(devices)))
    return int(session.scalar(mine) or 0)


def about(session: Session, estate_id: str, action: DeviceAction) -> str:
    """For the second person."""
    device = session.get(Device, action.device_id)
    if device is None or device.estate_id != estate_id or device.removed_at is not None:
        raise NotFound
    what = "停用设备" if isinstance(action, TakeOut) else "改变所控制的门"
    return f"{what}“{device.name}”，影响{weight(session, action)}人"


KINDS = tuple(Kind(action, weight, about, perform, follow) for action in (TakeOut, MapDoors))
