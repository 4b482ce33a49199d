"""Schedules made and changed, and put on doors. A change touches everybody on it: the brake on people counts it."""

from __future__ import annotations

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_drivers.contract.access import SpecialDay, TimeRange
from hub import moved
from hub.access.lawful import restricts_way_home
from hub.access.schedule_rows import schedule_in
from hub.access.schedules import PROBLEMS_ZH, problem, ranges_json, special_json
from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict, NotFound
from hub.ids import new_id
from hub.tables import AccessPass, CredentialRow, Door, RoleAssignment, ScheduleRow, StaffRole


class ChangeSchedule(msgspec.Struct, frozen=True, tag="schedule.change"):
    """`schedule_id` empty: a new one. Whole, never a part."""

    name: str
    ranges: tuple[TimeRange, ...]
    special_days: tuple[SpecialDay, ...] = ()
    schedule_id: str = ""


def change(uow: UnitOfWork, estate_id: str, wanted: ChangeSchedule) -> ScheduleRow:
    """Raises BadRequest with what to do, NotFound."""
    if code := problem(wanted.ranges, wanted.special_days):
        raise BadRequest(PROBLEMS_ZH[code], f"schedule_{code}")
    row = schedule_in(uow.session, estate_id, wanted.schedule_id or None)
    if row is None:
        row = ScheduleRow(id=new_id("sched"), estate_id=estate_id)
        uow.session.add(row)
    row.name = wanted.name
    row.ranges, row.special_days = ranges_json(wanted.ranges), special_json(wanted.special_days)
    row.changed_by, row.changed_at = uow.actor, uow.now
    uow.session.flush()
    if wanted.schedule_id:  # what amenities have is seen by itself: it is part of the estate's structure
        moved.note(uow, estate_id, moved.PASSES)
    uow.record("schedule.changed", row.id, name=row.name, ranges=row.ranges, special_days=row.special_days)
    return row


def retire(uow: UnitOfWork, estate_id: str, schedule_id: str) -> None:
    """Only one that nothing refers to: who is on it would otherwise pass at all hours, or never."""
    row = schedule_in(uow.session, estate_id, schedule_id)
    if row is None:
        raise NotFound
    if used := uses_of(uow.session, row.id):
        raise Conflict(f"这张时间表还在使用（{used}处），请先更换后再停用。", "schedule_in_use")
    row.retired_at = uow.now
    uow.record("schedule.retired", row.id)


def uses_of(session: Session, schedule_id: str) -> int:
    """Doors, roles in use and active passes that have these hours."""
    active = (CredentialRow.state == "active",)
    queries = (
        select(func.count()).select_from(Door).where(Door.schedule_id == schedule_id),
        select(func.count())
        .select_from(StaffRole)
        .where(StaffRole.schedule_id == schedule_id, StaffRole.retired_at.is_(None)),
        select(func.count())
        .select_from(AccessPass)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .where(AccessPass.schedule_id == schedule_id, *active),
        select(func.count())
        .select_from(RoleAssignment)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .join(StaffRole, StaffRole.id == RoleAssignment.role_id)
        .where(StaffRole.schedule_id == schedule_id, StaffRole.retired_at.is_not(None), *active),
    )
    return sum(session.scalar(query) or 0 for query in queries)


def touched_by(session: Session, schedule_id: str) -> int:
    """How many hold a pass or a role on these hours. An amenity's residents are not counted: they lose no way home."""
    active = CredentialRow.state == "active"
    passes = (
        select(func.count())
        .select_from(AccessPass)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .where(AccessPass.schedule_id == schedule_id, active)
    )
    roles = (
        select(func.count())
        .select_from(RoleAssignment)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .join(StaffRole, StaffRole.id == RoleAssignment.role_id)
        .where(StaffRole.schedule_id == schedule_id, active)
    )
    return (session.scalar(passes) or 0) + (session.scalar(roles) or 0)


def put_on_door(uow: UnitOfWork, door: Door, schedule_id: str | None) -> None:
    """None: open to its residents at all hours. Raises BadRequest for a door on somebody's way home."""
    if schedule_id is not None and (wrong := restricts_way_home(True, {door.scope})):
        raise BadRequest(wrong, "way_home")
    schedule_in(uow.session, door.estate_id, schedule_id)
    before, door.schedule_id = door.schedule_id, schedule_id
    uow.record("door.schedule", door.id, before=before or "", after=schedule_id or "")
