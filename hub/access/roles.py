"""Roles of people who work on the estate, and who has them: assigned at the desk, with a reason; they end with the work."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from device_drivers.contract.words import HolderClass
from hub import moved
from hub.access.credentials import end_by_token, identifier_rows
from hub.access.lifecycle import Cause, CredentialState, advance
from hub.access.numbers import IdentifierKind, new_link, number_for
from hub.access.role_rows import places_of
from hub.access.role_rules import CLASSES, PROBLEMS_ZH, SCOPES, assignment_problem, doors_of, label_for, role_problem
from hub.access.schedule_rows import schedule_in
from hub.access.ways import check_ways, static_qr_wanted
from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict, NotFound
from hub.ids import new_id, new_token
from hub.keys import Keys
from hub.tables import CredentialIdentifierRow, CredentialRow, RoleAssignment, StaffRole

EndOfRole = Literal["own_request", "contract_end", "security_incident"]
_CAUSES = {
    "own_request": Cause.OWN_REQUEST,
    "contract_end": Cause.ROLE_ENDED,
    "security_incident": Cause.REPLACED_AFTER_INCIDENT,
}


class RoleWish(msgspec.Struct, frozen=True):
    """A role as somebody describes it; see `StaffRole`."""

    name: str
    holder_class: str
    scopes: tuple[str, ...]
    organisation: str = ""
    blocks: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    schedule_id: str | None = None


class AssignRole(msgspec.Struct, frozen=True, tag="role.assign"):
    """`number`: of the card, or the hash of the identity card. `valid_to` None: until somebody ends it (own staff only)."""

    role_id: str
    holder: str
    identifier: IdentifierKind
    valid_from: datetime
    valid_to: datetime | None = None
    number: str = ""


class EndRole(msgspec.Struct, frozen=True, tag="role.end"):
    assignment_id: str
    because: EndOfRole


class ExtendRole(msgspec.Struct, frozen=True, tag="role.extend"):
    assignment_id: str
    valid_to: datetime | None


def create(uow: UnitOfWork, estate_id: str, wish: RoleWish) -> StaffRole:
    """Raises BadRequest with what to do."""
    if wish.holder_class not in CLASSES or not set(wish.scopes) <= set(SCOPES):
        raise BadRequest("岗位须为工作人员或外来服务人员；范围为小区大门、单元门、公共设施。")
    places = places_of(uow.session, estate_id)
    _refuse(role_problem(wish.scopes, wish.blocks, wish.doors, places))
    schedule_in(uow.session, estate_id, wish.schedule_id)
    known = select(StaffRole.id).where(
        StaffRole.estate_id == estate_id,
        StaffRole.name == wish.name,
        StaffRole.organisation == wish.organisation,
        StaffRole.retired_at.is_(None),
    )
    if uow.session.scalars(known).first():
        raise Conflict("已有同名岗位，请换一个名称，或先停用原岗位。", "role_known")
    row = StaffRole(
        id=new_id("role"),
        estate_id=estate_id,
        name=wish.name,
        organisation=wish.organisation,
        holder_class=wish.holder_class,
        scopes=sorted(wish.scopes),
        blocks=sorted(wish.blocks),
        doors=sorted(wish.doors),
        schedule_id=wish.schedule_id,
        created_by=uow.actor,
        created_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record("role.created", row.id, **{k: v for k, v in msgspec.to_builtins(wish).items() if v})
    return row


def retire(uow: UnitOfWork, row: StaffRole) -> None:
    """Only where nobody has it any more: nobody's access ends as a side effect."""
    if holders := _live(uow.session, row.id):
        raise Conflict(f"还有{holders}人在此岗位，请先逐一结束其任职。", "role_in_use")
    row.retired_at = uow.now
    uow.record("role.retired", row.id)


def assign(uow: UnitOfWork, keys: Keys, estate_id: str, wanted: AssignRole) -> tuple[RoleAssignment, str, str]:
    """(the assignment, its number, the secret of its link): the last two to be shown once."""
    session = uow.session
    role = role_in(session, estate_id, wanted.role_id)
    if role.retired_at is not None:
        raise Conflict("这个岗位已停用，请选择其他岗位。", "role_retired")
    _refuse(assignment_problem(role.holder_class, wanted.valid_from, wanted.valid_to, uow.now))
    doors = doors_of(role.scopes, role.blocks, role.doors, places_of(session, estate_id))
    check_ways(session, estate_id, doors, wanted.identifier, scheduled=role.schedule_id is not None)
    static = wanted.identifier == "qr" and static_qr_wanted(session, estate_id, doors)
    number = number_for(session, keys, estate_id, wanted.identifier, wanted.number, static_qr=static)
    token, holder = new_token(), HolderClass(role.holder_class)
    advance(CredentialState.NONE, Cause.PASS_GRANTED, holder)
    session.add(
        CredentialRow(
            token=token,
            estate_id=estate_id,
            holder_class=holder.value,
            label=label_for(role.name),
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            state=CredentialState.ACTIVE.value,
            created_at=uow.now,
        )
    )
    session.flush()
    session.execute(insert(CredentialIdentifierRow), identifier_rows(token, (number.identifier,)))
    row = RoleAssignment(
        id=new_id("staff"),
        estate_id=estate_id,
        role_id=role.id,
        token=token,
        holder=wanted.holder,
        reason=uow.reason,
        assigned_by=uow.actor,
        assigned_at=uow.now,
    )
    session.add(row)
    session.flush()
    secret = new_link(uow, token) if wanted.identifier == "qr" else ""
    moved.note(uow, estate_id, moved.PASSES)
    uow.record("role.assigned", row.id, role=role.id, token=token, way=wanted.identifier)
    return row, number.shown, secret


def end(uow: UnitOfWork, row: RoleAssignment, because: EndOfRole) -> None:
    """At the person's own wish, with the contract, or after an incident."""
    _active(uow.session, row)
    end_by_token(uow, row.token, _CAUSES[because], f"role assignment {row.id}")
    row.ended_by, row.ended_reason = uow.actor, uow.reason
    uow.record("role.ended", row.id, because=because)


def extend(uow: UnitOfWork, row: RoleAssignment, valid_to: datetime | None) -> None:
    """To a new end; a contractor's up to a year from now."""
    credential = _active(uow.session, row)
    start = max(credential.valid_from or uow.now, uow.now)
    _refuse(assignment_problem(credential.holder_class, start, valid_to, uow.now))
    credential.valid_to = valid_to
    moved.note(uow, row.estate_id, moved.PASSES)
    uow.record("role.extended", row.id, valid_to=valid_to.isoformat() if valid_to else "")


def role_in(session: Session, estate_id: str, role_id: str) -> StaffRole:
    row = session.get(StaffRole, role_id)
    if row is None or row.estate_id != estate_id:
        raise NotFound("没有这个岗位。请刷新页面。")
    return row


def assignment_in(session: Session, estate_id: str, assignment_id: str) -> RoleAssignment:
    row = session.get(RoleAssignment, assignment_id)
    if row is None or row.estate_id != estate_id:
        raise NotFound("没有这条任职记录。请刷新列表。")
    return row


def _active(session: Session, row: RoleAssignment) -> CredentialRow:
    credential = session.get_one(CredentialRow, row.token)
    if credential.state != CredentialState.ACTIVE:
        raise Conflict("这条任职已结束。请刷新页面。", "role_ended")
    return credential


def _live(session: Session, role_id: str) -> int:
    live = (
        select(RoleAssignment.id)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .where(RoleAssignment.role_id == role_id, CredentialRow.state == "active")
    )
    return len(session.scalars(live).all())


def _refuse(code: str) -> None:
    if code:
        raise BadRequest(PROBLEMS_ZH[code], code)
