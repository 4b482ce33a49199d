"""Which device served an access point when: what one device saw before another took over stays with the access point."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.tables import AccessPoint, Coverage, Estate, PointService


@dataclass(frozen=True, slots=True)
class Served:
    """(P) A device at an access point in [from_at, to_at); None: from the beginning, still."""

    device_id: str
    from_at: datetime | None = None
    to_at: datetime | None = None


def take_over(session: Session, point: AccessPoint, device_id: str | None, at: datetime) -> None:
    """`device_id` serves the access point from now on (None: nobody). The rows of the time before stay.

    With its first device it comes into service (unless the estate was never observed before: then it always was), with none it
    goes out of it, today. A person may say another day.
    """
    if point.device_id == device_id:
        return
    rows = session.scalars(select(PointService).where(PointService.access_point_id == point.id)).all()
    still = next((row for row in rows if row.to_at is None), None)
    if still is not None:
        still.to_at = at
    elif not rows and point.device_id is not None:
        session.add(PointService(access_point_id=point.id, device_id=point.device_id, from_at=None, to_at=at))
    first = not rows and point.device_id is None
    if device_id is not None and not first:
        session.add(PointService(access_point_id=point.id, device_id=device_id, from_at=at, to_at=None))
    if first and point.in_service_since is None and _observed(session, point.estate_id):
        point.in_service_since = local_day(session, point.estate_id, at)
    point.in_service_until = local_day(session, point.estate_id, at) if device_id is None else None
    point.device_id = device_id


def _observed(session: Session, estate_id: str) -> bool:
    return session.scalar(select(Coverage.id).where(Coverage.estate_id == estate_id).limit(1)) is not None


def local_day(session: Session, estate_id: str, at: datetime) -> date:
    """The day at `at` in the estate's zone."""
    return at.astimezone(ZoneInfo(session.get_one(Estate, estate_id).time_zone)).date()


def served(session: Session, points: Iterable[tuple[str, str | None]]) -> dict[str, tuple[Served, ...]]:
    """Access point id → who served it, in order, for (access point, present device) pairs. Empty: nobody ever did."""
    present = dict(points)
    found: dict[str, list[Served]] = defaultdict(list)
    rows = session.scalars(
        select(PointService).where(PointService.access_point_id.in_(present)).order_by(PointService.id)
    )
    for row in rows:
        found[row.access_point_id].append(Served(row.device_id, row.from_at, row.to_at))
    return {
        point: tuple(found.get(point) or ([] if device is None else [Served(device)]))
        for point, device in present.items()
    }
