"""The presence calendar of a dwelling."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import select

from hub.auth import Principal, hub_of, in_scope, require
from hub.errors import NotFound
from hub.occupancy.analyse import last_whole_day
from hub.services import Hub
from hub.tables import Dwelling, Estate, Meter, PresenceDay

router = APIRouter(prefix="/api/v1", tags=["occupancy"])


class DaySignals(BaseModel):
    """What each family said: passes at doors (`identified`: with the person's face, by consent (b)), visitors and other
    credentials, m³ and kWh used, and the share of the day each device could not observe. `told`: classes of outside signs
    (F4, F5), for who may see cases alone."""

    doors: int = 0
    identified: int = 0
    others: int = 0
    water: float | None = None
    electricity: float | None = None
    gaps: dict[str, float] = {}
    told: list[str] = []


class PresenceDayItem(BaseModel):
    """`state`: present, absent, other_use or unknown."""

    day: date
    state: str
    coverage: float
    signals: DaySignals


class MeterDayItem(BaseModel):
    day: date
    value: float


class MeterSeries(BaseModel):
    """Use per day, m³ or kWh; days that could not be read are left out."""

    quantity: str
    days: list[MeterDayItem]


class PresenceCalendar(BaseModel):
    from_day: date
    to_day: date
    days: list[PresenceDayItem]
    meters: list[MeterSeries]


@router.get("/dwellings/{dwelling_id}/presence")
def get_presence(
    dwelling_id: str,
    days: int = Query(200, ge=1, le=400),
    principal: Principal = Depends(require("estate.view")),
    hub: Hub = Depends(hub_of),
) -> PresenceCalendar:
    """The last `days` whole local days; a day that was never judged reads as unknown."""
    with hub.db.reading() as session:
        row = session.execute(
            select(Estate.id, Estate.time_zone)
            .join(Dwelling, Dwelling.estate_id == Estate.id)
            .where(Dwelling.id == dwelling_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        in_scope(principal, row.id)
        last = last_whole_day(hub.now(), row.time_zone)
        first = last - timedelta(days=days - 1)
        judged = {
            day.day: day
            for day in session.scalars(
                select(PresenceDay).where(PresenceDay.dwelling_id == dwelling_id, PresenceDay.day.between(first, last))
            )
        }
        quantities = session.scalars(
            select(Meter.quantity).where(Meter.dwelling_id == dwelling_id).distinct().order_by(Meter.quantity)
        ).all()
    told = principal.may("case.view")
    items = [_item(first + timedelta(days=i), judged, told) for i in range(days)]
    return PresenceCalendar(
        from_day=first, to_day=last, days=items, meters=[_series(quantity, items) for quantity in quantities]
    )


def _item(day: date, judged: dict[date, PresenceDay], told: bool) -> PresenceDayItem:
    row = judged.get(day)
    if row is None:
        return PresenceDayItem(day=day, state="unknown", coverage=0.0, signals=DaySignals())
    signals: dict[str, Any] = row.signals if told else {**row.signals, "told": []}
    return PresenceDayItem(day=day, state=row.state, coverage=row.coverage, signals=DaySignals(**signals))


def _series(quantity: str, items: list[PresenceDayItem]) -> MeterSeries:
    values = [(item.day, getattr(item.signals, quantity, None)) for item in items]
    return MeterSeries(
        quantity=quantity, days=[MeterDayItem(day=day, value=value) for day, value in values if value is not None]
    )
