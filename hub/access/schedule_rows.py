"""Schedules as they lie in the database."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.access import Schedule
from hub.access.schedules import from_json, in_words
from hub.english.phrases import english
from hub.errors import NotFound
from hub.tables import Estate, ScheduleRow


def schedule_of(row: ScheduleRow, zone: str) -> Schedule:
    return from_json(row.id, zone, row.ranges, row.special_days)


def load_schedules(session: Session, estate_id: str) -> dict[str, Schedule]:
    """id → hours in the estate's zone; retired ones too, while something still refers to them."""
    rows = session.execute(
        select(ScheduleRow, Estate.time_zone)
        .join(Estate, Estate.id == ScheduleRow.estate_id)
        .where(ScheduleRow.estate_id == estate_id)
    )
    return {row.id: schedule_of(row, zone) for row, zone in rows}


def told_hours(known: Mapping[str, Schedule], schedule_id: str | None) -> dict[str, str]:
    """In words, in both languages; empty for always."""
    text = in_words(known[schedule_id]) if schedule_id is not None and schedule_id in known else ""
    return {"hours": text, "hours_en": english(text)}


def schedule_in(session: Session, estate_id: str, schedule_id: str | None) -> ScheduleRow | None:
    """Raises NotFound for one that is not this estate's or was retired."""
    if schedule_id is None:
        return None
    row = session.get(ScheduleRow, schedule_id)
    if row is None or row.estate_id != estate_id or row.retired_at is not None:
        raise NotFound("没有这张时间表，或已停用。请重新选择。")
    return row
