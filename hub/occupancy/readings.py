"""A home's readings of days: of the meter that is there now, and before it of those whose place it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import zip_longest

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.meters import in_turn, meters_of
from hub.occupancy.estate_view import EstateView
from hub.occupancy.presence import Reading
from hub.tables import MeterDay


def readings_of(
    session: Session, view: EstateView, dwellings: Sequence[str], since: date
) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], list[Reading]]]:
    """(Dwelling → quantity → its meter now; (dwelling, quantity) → last good readings of days, in order). The day on which a
    meter was replaced is measured whole by neither."""
    meters: dict[str, dict[str, str]] = defaultdict(dict)
    turns: dict[str, tuple[tuple[str, str], date]] = {}
    for (dwelling, quantity), held in meters_of(session, dwellings, view.last).items():
        own = in_turn(held)
        meters[dwelling][quantity] = own[-1].id
        for meter, after in zip_longest(own, own[1:]):
            until = after.read[0].astimezone(view.zone).date() if after and after.read else date.max
            turns[meter.id] = ((dwelling, quantity), until)
    readings: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    rows = session.execute(
        select(MeterDay.meter_id, MeterDay.day, MeterDay.last_value)
        .where(
            MeterDay.dwelling_id.in_(dwellings),
            MeterDay.day.between(since, view.last),
            MeterDay.ok_count > 0,
            MeterDay.last_value.is_not(None),
        )
        .order_by(MeterDay.day, MeterDay.meter_id)
    )
    for meter_id, day, value in rows:
        if meter_id in turns and value is not None:
            key, until = turns[meter_id]
            if day < until:
                readings[key].append(Reading(day, value, meter_id))
    return meters, readings
