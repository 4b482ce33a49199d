"""Which meters of a home count: its register keeps the row of one whose place another has taken, and that reads never again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.tables import Device, Meter, MeterDay

NOT_THERE_AFTER = timedelta(days=30)
"""A meter of which nothing is held while another one of the home has been read for so long is none of it: its code was mistyped,
or its last readings were deleted in their time."""


@dataclass(frozen=True, slots=True)
class HomeMeter:
    """`place`: the device and its point. `read`: between these moments, None where it never was; asked only of homes with
    several of a kind."""

    id: str
    place: tuple[str, str]
    taken_down: bool
    read: tuple[datetime, datetime] | None = None


def meters_of(session: Session, dwellings: Collection[str], until: date) -> dict[tuple[str, str], list[HomeMeter]]:
    """(Dwelling, quantity) → its meters in order of their ids, with what was read up to that day."""
    rows = session.execute(
        select(Meter.dwelling_id, Meter.quantity, Meter.id, Meter.device_id, Meter.point, Device.removed_at)
        .join(Device, Device.id == Meter.device_id)
        .where(Meter.dwelling_id.in_(dwellings))
        .order_by(Meter.dwelling_id, Meter.quantity, Meter.id)
    ).all()
    homes = {key: list(own) for key, own in groupby(rows, key=lambda row: (row.dwelling_id, row.quantity))}
    read = _read(session, [row.id for own in homes.values() if len(own) > 1 for row in own], until)
    return {
        key: [
            HomeMeter(row.id, (row.device_id, row.point), row.removed_at is not None, read.get(row.id)) for row in own
        ]
        for key, own in homes.items()
    }


def _read(session: Session, ids: Collection[str], until: date) -> dict[str, tuple[datetime, datetime]]:
    if not ids:
        return {}
    rows = session.execute(
        select(MeterDay.meter_id, func.min(MeterDay.first_at), func.max(MeterDay.last_at))
        .where(MeterDay.meter_id.in_(ids), MeterDay.day <= until, MeterDay.ok_count > 0)
        .group_by(MeterDay.meter_id)
    )
    return {id: (first, last) for id, first, last in rows if first is not None and last is not None}


def there(meters: Sequence[HomeMeter]) -> list[HomeMeter]:
    """(P) Those in the home now, each register once. One that broke beside another stays: what runs through it nobody sees."""
    longest = max((last - first for first, last in (meter.read for meter in meters if meter.read)), default=timedelta())
    now = [
        meter
        for meter in meters
        if not meter.taken_down
        and not any(_after(meter, other) for other in meters)
        and (meter.read is not None or longest < NOT_THERE_AFTER)
    ]
    return list({meter.place: meter for meter in sorted(now, key=_begun)}.values())


def in_turn(meters: Sequence[HomeMeter]) -> list[HomeMeter]:
    """(P) The home's meter, after those whose place it took, from the oldest on. Of several side by side the first by its id."""
    present = [meter for meter in meters if not any(_after(meter, other) for other in meters)]
    turns = [next((meter for meter in present if meter.read), present[0])]
    while before := [meter for meter in meters if _after(meter, turns[0])]:
        turns.insert(0, max(before, key=_begun))
    return turns


def _after(meter: HomeMeter, other: HomeMeter) -> bool:
    """`other` began to be read when `meter` had been for the last time."""
    if meter.read is None or other.read is None:
        return False
    return other.read[0] >= meter.read[1] and other.read[0] > meter.read[0]


def _begun(meter: HomeMeter) -> float:
    return meter.read[0].timestamp() if meter.read else 0.0
