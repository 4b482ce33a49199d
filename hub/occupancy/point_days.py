"""What each access point on somebody's way home could observe, by day, whatever device served it then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.occupancy.observed import Interval, clipped, day_starts, missed_shares
from hub.occupancy.served import Served, served
from hub.tables import AccessPoint, Coverage, Door, DoorDoubt

Shares = Sequence[float | None]
"""Of each day: the share that an access point could not observe; None: it was not in service that day."""


@dataclass(frozen=True, slots=True)
class Point:
    """An access point on somebody's way home, the devices that served it, the last of them, and its days of service."""

    id: str
    door_id: str
    device_id: str
    served: tuple[Served, ...]
    scope: str
    block_id: str | None
    dwelling_id: str | None
    since: date | None
    until: date | None


def access_points(session: Session, estate_id: str) -> list[Point]:
    """Those that a device serves or served; where none ever did, nobody was ever meant to be seen."""
    rows: Sequence[Any] = session.execute(
        select(
            AccessPoint.id,
            AccessPoint.door_id,
            AccessPoint.device_id,
            Door.scope,
            Door.block_id,
            Door.dwelling_id,
            AccessPoint.in_service_since,
            AccessPoint.in_service_until,
        )
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id, Door.scope.in_(("estate", "block", "dwelling")))
        .order_by(AccessPoint.id)
    ).all()
    of_point = served(session, ((row.id, row.device_id) for row in rows))
    return [
        Point(id, door, who[-1].device_id, who, *place) for id, door, _device, *place in rows if (who := of_point[id])
    ]


def missed_by_points(
    session: Session, estate_id: str, points: Sequence[Point], first: date, last: date, zone: ZoneInfo, now: datetime
) -> list[tuple[Point, Shares]]:
    """What each access point could not observe, by what its devices say and by its map; a door that is silent beside that is left
    to `silent_doors`."""
    starts = day_starts(first, last, zone)
    intervals: dict[str, list[Interval]] = defaultdict(list)
    rows = session.execute(
        select(Coverage.device_id, Coverage.state, Coverage.from_at, Coverage.to_at).where(
            Coverage.estate_id == estate_id,
            Coverage.from_at < starts[-1],
            or_(Coverage.to_at.is_(None), Coverage.to_at > starts[0]),
        )
    )
    for device, state, from_at, to_at in rows:
        intervals[device].append(Interval(state == "ok", from_at, to_at))
    wrong = _wrong_maps(session, estate_id)
    shares: dict[tuple[Served, ...], list[float]] = {}
    found = list[tuple[Point, Shares]]()
    for point in points:
        who = point.served
        if who not in shares:
            parts = [clipped(i, one.from_at, one.to_at) for one in who for i in intervals[one.device_id]]
            shares[who] = missed_shares([part for part in parts if part is not None], starts, now)
        own = in_service(shares[who], first, point.since, point.until)
        found.append((point, own if point.id not in wrong else _blind(own, wrong[point.id], starts, now)))
    return found


def in_service(missed: Sequence[float], first: date, since: date | None, until: date | None) -> list[float | None]:
    """(P) None on days from `first` on that lie outside `since`..`until`. What observed was in service, whatever is written: a
    history that comes later, or a wrong date, makes nobody absent."""
    observed = [number for number, share in enumerate(missed) if share < 1.0]
    begin = 0 if since is None else (since - first).days
    end = len(missed) if until is None else (until - first).days + 1
    if observed:
        begin, end = min(begin, observed[0]), max(end, observed[-1] + 1)
    return [share if begin <= number < end else None for number, share in enumerate(missed)]


def _wrong_maps(session: Session, estate_id: str) -> dict[str, list[Interval]]:
    """Access point → when its passes contradicted its map: what it saw then says nothing of its block."""
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in session.scalars(select(DoorDoubt).where(DoorDoubt.estate_id == estate_id)):
        found[row.access_point_id].append(Interval(True, row.from_at, row.to_at))
    return found


def _blind(shares: Shares, wrong: Sequence[Interval], starts: Sequence[datetime], now: datetime) -> list[float | None]:
    """What was missed besides, on days of which some part is in doubt all of it."""
    doubted = missed_shares(wrong, starts, now)
    return [1.0 if share is not None and free < 1.0 else share for share, free in zip(shares, doubted, strict=True)]
