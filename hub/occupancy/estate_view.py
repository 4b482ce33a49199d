"""One estate on one day, as analysis needs it: its pack, its days, and what its devices could observe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.occupancy.observed import Interval, clipped, day_starts, missed_shares
from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.pack import PolicyPack
from hub.occupancy.policy import pack_named
from hub.occupancy.recognised import Recognition, recognition
from hub.occupancy.served import Served, served
from hub.occupancy.values import LOOK_BACK_DAYS, NO_GAPS
from hub.tables import AccessPoint, Coverage, Door, DoorDoubt, Dwelling, Estate

Gaps = list[Mapping[str, float]]


@dataclass(frozen=True)
class EstateView:
    """One estate on one day: `first`..`last` are the local days looked at, `block_gaps` per block and day.

    `locks`: dwelling → devices of its own door; `lock_gaps` of such a device by day. `recognition`: by day; of one day alone,
    of that day. `outcomes`: what the hub's closed cases teach.
    """

    id: str
    zone: ZoneInfo
    pack: PolicyPack
    first: date
    last: date
    points: dict[str, frozenset[str]]
    block_gaps: dict[str, Gaps]
    dwelling_block: dict[str, str]
    under_repair: frozenset[str]
    recognition: Recognition
    locks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lock_gaps: Mapping[str, Sequence[float]] = field(default_factory=dict)
    outcomes: Outcomes = NO_OUTCOMES

    def way_home(self, dwelling: str) -> frozenset[str]:
        """Devices at the estate's gates, the block's entrances and the dwelling's own door."""
        block = self.points.get(self.dwelling_block[dwelling], frozenset())
        return block | self.locks[dwelling] if dwelling in self.locks else block

    def gaps(self, dwelling: str) -> Gaps:
        """What each of them missed, by day."""
        shared = self.block_gaps[self.dwelling_block[dwelling]]
        own = self.locks.get(dwelling)
        if not own:
            return shared
        rows = [dict(row) for row in shared]
        for device in sorted(own):
            for row, share in zip(rows, self.lock_gaps[device], strict=True):
                if share > 0:
                    row[device] = round(share, 4)
        return [row or NO_GAPS for row in rows]

    @cached_property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=i) for i in range((self.last - self.first).days + 1)]


def load_estate(session: Session, estate: Estate, last: date, now: datetime) -> EstateView | None:
    """None when nothing was ever observed in the estate up to `last`."""
    first = first_day(session, estate.id, ZoneInfo(estate.time_zone))
    if first is None or first > last:
        return None
    view = _load(session, estate, max(first, last - timedelta(days=LOOK_BACK_DAYS - 1)), last, now)
    return replace(view, recognition=recognition(session, estate.id, view.zone, view.first, last))


def load_day(session: Session, estate: Estate, day: date, now: datetime) -> EstateView:
    """One day alone. Whom the terminals recognise is left open: the night counts it."""
    return _load(session, estate, day, day, now)


def _load(session: Session, estate: Estate, first: date, last: date, now: datetime) -> EstateView:
    zone = ZoneInfo(estate.time_zone)
    dwellings = session.execute(
        select(Dwelling.id, Dwelling.block_id, Dwelling.under_repair).where(Dwelling.estate_id == estate.id)
    ).all()
    rows = _access_points(session, estate.id)
    points = _points(rows, {row.block_id for row in dwellings})
    missed = _missed(session, estate.id, rows, first, last, zone, now)
    whole = [1.0] * ((last - first).days + 1)
    return EstateView(
        id=estate.id,
        zone=zone,
        pack=pack_named(estate.policy_pack),
        first=first,
        last=last,
        points=points,
        block_gaps={block: _gaps(devices, missed, whole) for block, devices in points.items()},
        dwelling_block={row.id: row.block_id for row in dwellings},
        under_repair=frozenset(row.id for row in dwellings if row.under_repair),
        recognition=Recognition([True] * len(whole)),
        locks=_locks(rows),
        lock_gaps={row.device_id: missed.get(row.device_id, whole) for row in rows if row.scope == "dwelling"},
    )


def first_day(session: Session, estate_id: str, zone: ZoneInfo) -> date | None:
    """The first day on which anything observed; the day of installation is not a whole one."""
    at = session.scalar(select(func.min(Coverage.from_at)).where(Coverage.estate_id == estate_id))
    if at is None:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class _Point:
    """An access point on somebody's way home, and the device that serves it now."""

    id: str
    device_id: str
    scope: str
    block_id: str | None
    dwelling_id: str | None


def _access_points(session: Session, estate_id: str) -> list[_Point]:
    rows = session.execute(
        select(AccessPoint.id, AccessPoint.device_id, Door.scope, Door.block_id, Door.dwelling_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(
            AccessPoint.estate_id == estate_id,
            AccessPoint.device_id.is_not(None),
            Door.scope.in_(("estate", "block", "dwelling")),
        )
        .order_by(AccessPoint.id)
    )
    return [_Point(id, device or "", scope, block, dwelling) for id, device, scope, block, dwelling in rows]


def _locks(rows: Sequence[_Point]) -> dict[str, frozenset[str]]:
    """Dwelling → devices of its own door."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.scope == "dwelling" and row.dwelling_id is not None:
            found[row.dwelling_id].add(row.device_id)
    return {dwelling: frozenset(devices) for dwelling, devices in found.items()}


def _points(rows: Sequence[_Point], blocks: Collection[str]) -> dict[str, frozenset[str]]:
    """Block → devices on the way home: the estate's gates and the block's own entrances."""
    gates = {row.device_id for row in rows if row.scope == "estate"}
    return {
        block: frozenset(gates | {row.device_id for row in rows if row.scope == "block" and row.block_id == block})
        for block in blocks
    }


def _missed(
    session: Session, estate_id: str, points: Sequence[_Point], first: date, last: date, zone: ZoneInfo, now: datetime
) -> dict[str, list[float]]:
    """Present device → share of each day which its access points could not observe, by whatever device served them then."""
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
    of_point = served(session, ((point.id, point.device_id) for point in points))
    shares: dict[tuple[Served, ...], list[float]] = {}
    missed: dict[str, list[float]] = {}
    for point in points:
        who = of_point[point.id]
        if who not in shares:
            parts = [clipped(i, one.from_at, one.to_at) for one in who for i in intervals[one.device_id]]
            shares[who] = missed_shares([part for part in parts if part is not None], starts, now)
        own = shares[who] if point.id not in wrong else _blind(shares[who], wrong[point.id], starts, now)
        before = missed.get(point.device_id, own)
        missed[point.device_id] = [max(a, b) for a, b in zip(before, own, strict=True)]
    return missed


def _wrong_maps(session: Session, estate_id: str) -> dict[str, list[Interval]]:
    """Access point → when its passes contradicted its map: what it saw then says nothing of its block."""
    found: dict[str, list[Interval]] = defaultdict(list)
    for row in session.scalars(select(DoorDoubt).where(DoorDoubt.estate_id == estate_id)):
        found[row.access_point_id].append(Interval(True, row.from_at, row.to_at))
    return found


def _blind(
    shares: Sequence[float], wrong: Sequence[Interval], starts: Sequence[datetime], now: datetime
) -> list[float]:
    """What was missed besides, on days of which some part is in doubt all of it."""
    doubted = missed_shares(wrong, starts, now)
    return [1.0 if free < 1.0 else share for share, free in zip(shares, doubted, strict=True)]


def _gaps(devices: Iterable[str], missed: Mapping[str, list[float]], whole: list[float]) -> Gaps:
    rows: list[dict[str, float]] = [{} for _ in whole]
    for device in sorted(devices):
        for row, share in zip(rows, missed.get(device, whole), strict=True):
            if share > 0:
                row[device] = round(share, 4)
    return [row or NO_GAPS for row in rows]
