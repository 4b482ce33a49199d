"""One estate on one day, as analysis needs it: its pack, its days, and what its devices could observe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.pack import PolicyPack
from hub.occupancy.point_days import Point, Shares, access_points, missed_by_points
from hub.occupancy.policy import pack_named
from hub.occupancy.recognised import Recognition, recognition
from hub.occupancy.silent_doors import without_silent
from hub.occupancy.values import LOOK_BACK_DAYS, NO_GAPS
from hub.tables import Coverage, Dwelling, Estate

Gaps = list[Mapping[str, float]]


@dataclass(frozen=True)
class EstateView:
    """One estate on one day: `first`..`last` are the local days looked at, `block_gaps` per block and day.

    `points`: block → devices on its people's way home on the last day; `ever`: on any of the days. `locks`: dwelling → (device,
    what it missed) of its own door. `recognition`: by day; of one day alone, of that day. `outcomes`: what the hub's closed
    cases teach.
    """

    id: str
    zone: ZoneInfo
    pack: PolicyPack
    first: date
    last: date
    points: dict[str, frozenset[str]]
    ever: dict[str, frozenset[str]]
    block_gaps: dict[str, Gaps]
    dwelling_block: dict[str, str]
    under_repair: frozenset[str]
    recognition: Recognition
    locks: Mapping[str, Sequence[tuple[str, Shares]]] = field(default_factory=dict)
    outcomes: Outcomes = NO_OUTCOMES

    def part(self, dwellings: Sequence[str]) -> EstateView:
        """Of these dwellings alone, to be handed to another process; blocks and devices stay."""
        return replace(
            self,
            dwelling_block={dwelling: self.dwelling_block[dwelling] for dwelling in dwellings},
            under_repair=self.under_repair.intersection(dwellings),
            locks={dwelling: self.locks[dwelling] for dwelling in dwellings if dwelling in self.locks},
        )

    def way_home(self, dwelling: str) -> frozenset[str]:
        """Devices at the estate's gates, the block's entrances and the dwelling's own door, as they are in service on `last`."""
        own = {device for device, missed in self.locks.get(dwelling, ()) if missed[-1] is not None}
        return self.points.get(self.dwelling_block[dwelling], frozenset()) | own

    def ever_home(self, dwelling: str) -> frozenset[str]:
        """Those that were on any of the days."""
        own = {device for device, _missed in self.locks.get(dwelling, ())}
        return self.ever.get(self.dwelling_block[dwelling], frozenset()) | own

    def gaps(self, dwelling: str) -> Gaps:
        """What each of those in service on a day missed of it."""
        block = self.dwelling_block[dwelling]
        own = self.locks.get(dwelling)
        if not own:
            return self.block_gaps[block]
        if not self.ever[block]:
            return _gaps(own, len(self.days))
        rows = [dict(row) for row in self.block_gaps[block]]
        for device, missed in own:
            for row, share in zip(rows, missed, strict=True):
                if share:
                    row[device] = max(row.get(device, 0.0), round(share, 4))
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
    told = missed_by_points(session, estate.id, access_points(session, estate.id), first, last, zone, now)
    shares_of = without_silent(session, told, first, last)
    seen = [(point, shares) for point, shares in shares_of if any(share is not None for share in shares)]
    shared = {block: _shared(seen, block) for block in {row.block_id for row in dwellings}}
    length = (last - first).days + 1
    return EstateView(
        id=estate.id,
        zone=zone,
        pack=pack_named(estate.policy_pack),
        first=first,
        last=last,
        points={block: _devices(one for one in own if one[1][-1] is not None) for block, own in shared.items()},
        ever={block: _devices(own) for block, own in shared.items()},
        block_gaps={block: _gaps(own, length) for block, own in shared.items()},
        dwelling_block={row.id: row.block_id for row in dwellings},
        under_repair=frozenset(row.id for row in dwellings if row.under_repair),
        recognition=Recognition([True] * length),
        locks=_locks(seen),
    )


def first_day(session: Session, estate_id: str, zone: ZoneInfo) -> date | None:
    """The first day on which anything observed; the day of installation is not a whole one."""
    at = session.scalar(select(func.min(Coverage.from_at)).where(Coverage.estate_id == estate_id))
    if at is None:
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(zone).date()


def _shared(seen: Sequence[tuple[Point, Shares]], block: str) -> list[tuple[str, Shares]]:
    """On the way home of a block: the estate's gates and the block's own entrances."""
    mine = (
        (point.device_id, shares)
        for point, shares in seen
        if point.scope == "estate" or (point.scope == "block" and point.block_id == block)
    )
    return sorted(mine, key=lambda one: one[0])


def _locks(seen: Sequence[tuple[Point, Shares]]) -> dict[str, list[tuple[str, Shares]]]:
    """Dwelling → devices of its own door."""
    found: dict[str, list[tuple[str, Shares]]] = defaultdict(list)
    for point, shares in seen:
        if point.scope == "dwelling" and point.dwelling_id is not None:
            found[point.dwelling_id].append((point.device_id, shares))
    return dict(found)


def _devices(own: Iterable[tuple[str, Shares]]) -> frozenset[str]:
    return frozenset(device for device, _shares in own)


def _gaps(own: Sequence[tuple[str, Shares]], length: int) -> Gaps:
    """Device → share missed, by day. A day on which none of them was in service was seen by nobody."""
    rows: list[dict[str, float]] = [{} for _ in range(length)]
    watched = [False] * length
    for device, shares in own:
        for number, share in enumerate(shares):
            if share is None:
                continue
            watched[number] = True
            if share > 0:
                rows[number][device] = max(rows[number].get(device, 0.0), round(share, 4))
    for row, somebody in zip(rows, watched, strict=True):
        if not somebody:
            row.update({device: 1.0 for device, _shares in own})
    return [row or NO_GAPS for row in rows]
