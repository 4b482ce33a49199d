"""Roles, and who has them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from hub.access import held, roles
from hub.access.desk_parts import (
    Desk,
    DeskAnswer,
    OnDevice,
    ReasonText,
    ReasonWanted,
    Strict,
    TheHub,
    Viewer,
    answer,
    estate_known,
)
from hub.access.id_cards import id_card_hash
from hub.access.schedule_rows import load_schedules, told_hours
from hub.access.states import credential_states
from hub.auth import in_scope
from hub.errors import NotFound
from hub.masking import mask_identifier
from hub.tables import (
    CredentialIdentifierRow,
    CredentialRow,
    RoleAssignment,
    StaffRole,
)

router = APIRouter(prefix="/api/v1", tags=["access"])
Scope = Literal["estate", "block", "amenity"]


class RoleWanted(Strict):
    """`scopes`: which kinds of doors; `blocks`: only of these (empty: all); `doors`: further ones. Never a dwelling's."""

    name: str = Field(min_length=1, max_length=40)
    organisation: str = Field(default="", max_length=60)
    holder_class: Literal["staff", "contractor"]
    scopes: list[Scope] = Field(default=[], max_length=3)
    blocks: list[str] = Field(default=[], max_length=200)
    doors: list[str] = Field(default=[], max_length=200)
    schedule_id: str | None = None
    reason: ReasonText


class RoleItem(BaseModel):
    """`holders`: how many have it now; `hours`, `hours_en` in words, empty for around the clock."""

    id: str
    name: str
    organisation: str
    holder_class: str
    scopes: list[str]
    blocks: list[str]
    doors: list[str]
    schedule_id: str | None
    hours: str
    hours_en: str
    holders: int
    created_by: str
    created_at: datetime


class Roles(BaseModel):
    items: list[RoleItem]


class AssignmentWanted(Strict):
    """`card`: for identifier `card`; `id_number`: for `id_card`, of which only a keyed hash is kept."""

    holder: str = Field(min_length=1, max_length=40)
    identifier: Literal["card", "pin", "qr", "id_card"] = "card"
    card: str = Field(default="", max_length=30)
    id_number: str = Field(default="", max_length=30)
    valid_from: AwareDatetime
    valid_to: AwareDatetime | None = None
    reason: ReasonText


class AssignmentItem(BaseModel):
    """`number` is masked. `holder` is the name for display; nothing hangs on it."""

    id: str
    role_id: str
    role: str
    organisation: str
    holder: str
    token: str
    state: str
    ended_because: str
    valid_from: datetime | None
    valid_to: datetime | None
    identifier: str
    number: str
    reason: str
    assigned_by: str
    assigned_at: datetime
    ended_by: str
    ended_reason: str
    devices: list[OnDevice]


class Assignments(BaseModel):
    items: list[AssignmentItem]


class EndAssignment(Strict):
    because: Literal["own_request", "contract_end", "security_incident"]
    reason: ReasonText


class ExtendAssignment(Strict):
    valid_to: AwareDatetime | None
    reason: ReasonText


@router.get("/estates/{estate_id}/roles")
def list_roles(estate_id: str, hub: TheHub, principal: Viewer) -> Roles:
    """Those in use, by name."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        rows = session.scalars(
            select(StaffRole)
            .where(StaffRole.estate_id == estate_id, StaffRole.retired_at.is_(None))
            .order_by(StaffRole.name, StaffRole.id)
        ).all()
        live = session.scalars(
            select(RoleAssignment.role_id)
            .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
            .where(RoleAssignment.estate_id == estate_id, CredentialRow.state == "active")
        ).all()
        hours = load_schedules(session, estate_id)
    return Roles(
        items=[
            RoleItem(
                id=r.id,
                name=r.name,
                organisation=r.organisation,
                holder_class=r.holder_class,
                scopes=r.scopes,
                blocks=r.blocks,
                doors=r.doors,
                schedule_id=r.schedule_id,
                **told_hours(hours, r.schedule_id),
                holders=live.count(r.id),
                created_by=r.created_by,
                created_at=r.created_at,
            )
            for r in rows
        ]
    )


@router.post("/estates/{estate_id}/roles", status_code=201)
def create_role(estate_id: str, body: RoleWanted, hub: TheHub, principal: Desk) -> DeskAnswer:
    """A role opens nothing until somebody is assigned to it."""
    estate_known(hub, principal, estate_id)
    wish = roles.RoleWish(
        body.name.strip(),
        body.holder_class,
        tuple(body.scopes),
        body.organisation.strip(),
        tuple(body.blocks),
        tuple(body.doors),
        body.schedule_id,
    )
    with hub.db.unit_of_work(principal.name, body.reason, estate_id=estate_id, now=hub.now()) as uow:
        return DeskAnswer(subject=roles.create(uow, estate_id, wish).id)


@router.delete("/roles/{role_id}")
def retire_role(role_id: str, body: ReasonWanted, hub: TheHub, principal: Desk) -> DeskAnswer:
    """Only one that nobody has any more."""
    with hub.db.reading() as session:
        row = session.get(StaffRole, role_id)
    in_scope(principal, row.estate_id if row else None)
    with hub.db.unit_of_work(
        principal.name, body.reason, estate_id=row.estate_id if row else None, now=hub.now()
    ) as uow:
        roles.retire(uow, uow.session.get_one(StaffRole, role_id))
    return DeskAnswer(subject=role_id)


@router.get("/estates/{estate_id}/role-assignments")
def list_assignments(
    estate_id: str, hub: TheHub, principal: Viewer, state: Literal["active", "all"] = "active"
) -> Assignments:
    """Newest first; ended ones only with `state=all` (the last 500)."""
    in_scope(principal, estate_id)
    query = (
        select(RoleAssignment, StaffRole, CredentialRow)
        .join(StaffRole, StaffRole.id == RoleAssignment.role_id)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .where(RoleAssignment.estate_id == estate_id)
        .order_by(RoleAssignment.assigned_at.desc(), RoleAssignment.id)
        .limit(500)
    )
    if state == "active":
        query = query.where(CredentialRow.state == "active")
    with hub.db.reading() as session:
        rows = session.execute(query).all()
        tokens = [row.token for row, _, _ in rows]
        numbers = {
            i.token: i
            for i in session.scalars(select(CredentialIdentifierRow).where(CredentialIdentifierRow.token.in_(tokens)))
        }
        states = credential_states(session, tokens)
    return Assignments(
        items=[
            AssignmentItem(
                id=row.id,
                role_id=role.id,
                role=role.name,
                organisation=role.organisation,
                holder=row.holder,
                token=row.token,
                state=credential.state,
                ended_because=credential.ended_because,
                valid_from=credential.valid_from,
                valid_to=credential.valid_to,
                identifier=numbers[row.token].type if row.token in numbers else "",
                number=mask_identifier(numbers[row.token].type, numbers[row.token].value)
                if row.token in numbers
                else "",
                reason=row.reason,
                assigned_by=row.assigned_by,
                assigned_at=row.assigned_at,
                ended_by=row.ended_by,
                ended_reason=row.ended_reason,
                devices=[OnDevice(**s.as_json()) for s in states[row.token]],
            )
            for row, role, credential in rows
        ]
    )


@router.post("/roles/{role_id}/assignments", status_code=201)
def assign_role(role_id: str, body: AssignmentWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """201 with what to hand over; 202 when it waits for a second person."""
    with hub.db.reading() as session:
        role = session.get(StaffRole, role_id)
    in_scope(principal, role.estate_id if role else None)
    if role is None:
        raise NotFound
    number = body.card
    if body.identifier == "id_card":
        number = id_card_hash(hub.keys, role.estate_id, body.id_number)
    action = roles.AssignRole(role_id, body.holder.strip(), body.identifier, body.valid_from, body.valid_to, number)
    return answer(hub, response, held.act(hub, principal, role.estate_id, action, body.reason))


@router.delete("/role-assignments/{assignment_id}")
def end_assignment(
    assignment_id: str, body: EndAssignment, hub: TheHub, principal: Desk, response: Response
) -> DeskAnswer:
    """At the person's own wish, with the contract, or after an incident: gone from every device, each confirmed."""
    with hub.db.reading() as session:
        row = session.get(RoleAssignment, assignment_id)
    in_scope(principal, row.estate_id if row else None)
    estate_id = row.estate_id if row else ""
    action = roles.EndRole(assignment_id, body.because)
    return answer(hub, response, held.act(hub, principal, estate_id, action, body.reason))


@router.post("/role-assignments/{assignment_id}/extend")
def extend_assignment(
    assignment_id: str, body: ExtendAssignment, hub: TheHub, principal: Desk, response: Response
) -> DeskAnswer:
    """A new end; a contractor's up to a year from now."""
    with hub.db.reading() as session:
        row = session.get(RoleAssignment, assignment_id)
    in_scope(principal, row.estate_id if row else None)
    estate_id = row.estate_id if row else ""
    action = roles.ExtendRole(assignment_id, body.valid_to)
    return answer(hub, response, held.act(hub, principal, estate_id, action, body.reason))
