"""Schedules of an estate, and on which amenity doors they stand."""

from __future__ import annotations

from datetime import date, datetime, time

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from device_drivers.contract.access import SpecialDay, TimeRange, TimeSpan
from hub import moved
from hub.access import held, schedule_desk
from hub.access.desk_parts import (
    Desk,
    DeskAnswer,
    ReasonText,
    ReasonWanted,
    Strict,
    TheHub,
    Viewer,
    answer,
    estate_known,
)
from hub.access.schedule_rows import schedule_of
from hub.access.schedules import in_words
from hub.auth import Principal, in_scope
from hub.english.phrases import english
from hub.errors import NotFound
from hub.services import Hub
from hub.tables import Door, Estate, ScheduleRow

router = APIRouter(prefix="/api/v1", tags=["access"])


class RangeItem(Strict):
    """Local times; 00:00 as `end` is midnight, an `end` not after `start` lies in the next day. ISO weekdays (Monday 1)."""

    weekdays: list[int] = Field(min_length=1, max_length=7)
    start: time
    end: time


class SpanItem(Strict):
    start: time
    end: time


class SpecialDayItem(Strict):
    """A day with hours of its own (a holiday: none)."""

    day: date
    spans: list[SpanItem] = Field(default=[], max_length=20)


class ScheduleWanted(Strict):
    name: str = Field(min_length=1, max_length=40)
    ranges: list[RangeItem] = Field(max_length=100)
    special_days: list[SpecialDayItem] = Field(default=[], max_length=400)
    reason: ReasonText


class ScheduleItem(BaseModel):
    """`uses`: doors, roles and passes that have these hours; `text_zh`, `text_en`: the hours in words."""

    id: str
    name: str
    ranges: list[RangeItem]
    special_days: list[SpecialDayItem]
    text_zh: str
    text_en: str
    uses: int
    changed_by: str
    changed_at: datetime


class Schedules(BaseModel):
    items: list[ScheduleItem]


class DoorSchedule(Strict):
    """None: its residents pass at all hours."""

    schedule_id: str | None
    reason: ReasonText


@router.get("/estates/{estate_id}/schedules")
def list_schedules(estate_id: str, hub: TheHub, principal: Viewer) -> Schedules:
    """Those in use, by name."""
    estate_known(hub, principal, estate_id)
    with hub.db.reading() as session:
        zone = session.get_one(Estate, estate_id).time_zone
        rows = session.scalars(
            select(ScheduleRow)
            .where(ScheduleRow.estate_id == estate_id, ScheduleRow.retired_at.is_(None))
            .order_by(ScheduleRow.name, ScheduleRow.id)
        ).all()
        return Schedules(
            items=[
                ScheduleItem(
                    id=r.id,
                    name=r.name,
                    ranges=[RangeItem.model_validate(one) for one in r.ranges],
                    special_days=[SpecialDayItem.model_validate(one) for one in r.special_days],
                    text_zh=(text := in_words(schedule_of(r, zone))),
                    text_en=english(text),
                    uses=schedule_desk.uses_of(session, r.id),
                    changed_by=r.changed_by,
                    changed_at=r.changed_at,
                )
                for r in rows
            ]
        )


def _action(body: ScheduleWanted, schedule_id: str = "") -> schedule_desk.ChangeSchedule:
    return schedule_desk.ChangeSchedule(
        body.name.strip(),
        tuple(TimeRange(tuple(sorted(set(r.weekdays))), r.start, r.end) for r in body.ranges),
        tuple(SpecialDay(d.day, tuple(TimeSpan(s.start, s.end) for s in d.spans)) for d in body.special_days),
        schedule_id,
    )


@router.post("/estates/{estate_id}/schedules", status_code=201)
def create_schedule(
    estate_id: str, body: ScheduleWanted, hub: TheHub, principal: Desk, response: Response
) -> DeskAnswer:
    """201; 202 when it waits for a second person."""
    estate_known(hub, principal, estate_id)
    return answer(hub, response, held.act(hub, principal, estate_id, _action(body), body.reason))


def _schedule(hub: Hub, principal: Principal, schedule_id: str) -> ScheduleRow:
    with hub.db.reading() as session:
        row = session.get(ScheduleRow, schedule_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    return row


@router.put("/schedules/{schedule_id}")
def change_schedule(
    schedule_id: str, body: ScheduleWanted, hub: TheHub, principal: Desk, response: Response
) -> DeskAnswer:
    """Whole. Whoever is on it passes at the new hours with the next list."""
    row = _schedule(hub, principal, schedule_id)
    return answer(hub, response, held.act(hub, principal, row.estate_id, _action(body, schedule_id), body.reason))


@router.delete("/schedules/{schedule_id}")
def retire_schedule(schedule_id: str, body: ReasonWanted, hub: TheHub, principal: Desk) -> DeskAnswer:
    """Only one that is nowhere in use."""
    row = _schedule(hub, principal, schedule_id)
    with hub.db.unit_of_work(principal.name, body.reason, estate_id=row.estate_id, now=hub.now()) as uow:
        schedule_desk.retire(uow, row.estate_id, schedule_id)
    return DeskAnswer(subject=schedule_id)


@router.put("/doors/{door_id}/schedule")
def put_schedule_on_door(door_id: str, body: DoorSchedule, hub: TheHub, principal: Desk) -> DeskAnswer:
    """Amenities only: nothing may close the way home."""
    with hub.db.reading() as session:
        door = session.get(Door, door_id)
    in_scope(principal, door.estate_id if door else None)
    if door is None:
        raise NotFound
    with hub.db.unit_of_work(principal.name, body.reason, estate_id=door.estate_id, now=hub.now()) as uow:
        schedule_desk.put_on_door(uow, uow.session.get_one(Door, door_id), body.schedule_id)
    moved.tell(hub)
    return DeskAnswer(subject=door_id)
