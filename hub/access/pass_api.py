"""Passes on the console: issued, renewed, ended, and the link for a phone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access import held
from hub.access.desk import EndPass, IssuePass, LinkPass, RenewPass
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
    pass_not_usable,
)
from hub.access.id_cards import id_card_hash
from hub.access.pass_ends import uses
from hub.access.pass_rules import KINDS, PassRequest
from hub.access.schedule_rows import load_schedules, told_hours
from hub.access.states import credential_states
from hub.auth import Principal, in_scope
from hub.errors import NotFound
from hub.masking import mask_identifier, mask_name
from hub.services import Hub
from hub.tables import AccessPass, CredentialIdentifierRow, CredentialRow, Door, Dwelling

router = APIRouter(prefix="/api/v1", tags=["access"])


class PassWanted(Strict):
    """Nothing of a face: a visitor shows a card, a PIN, a phone's code or an identity card. `doors` empty: the usual way to
    the host. `schedule_id`: hours of the day (carers and regular visitors).
    """

    kind: Literal["visitor", "repair", "viewing", "carer", "regular_visitor"]
    valid_from: AwareDatetime
    valid_to: AwareDatetime
    dwelling_id: str | None = None
    doors: list[str] = Field(default=[], max_length=100)
    identifier: Literal["card", "pin", "qr", "id_card"] = "qr"
    card: str = Field(default="", max_length=30)
    id_number: str = Field(default="", max_length=30, description="身份证号: only its keyed hash is kept")
    schedule_id: str | None = None
    uses: int | None = Field(default=None, ge=1, le=200)
    repair_order: str = Field(default="", max_length=60)
    visitor: str = Field(default="", max_length=40)
    host_agreed: bool = False
    reason: ReasonText


class PassDoor(BaseModel):
    id: str
    name: str


class PassItem(BaseModel):
    """`visitor` and `number` are masked. `hours`, `hours_en` in words, empty for always; `not_usable`: doors where its way opens
    nothing.
    """

    id: str
    kind: str
    kind_zh: str
    label: str
    token: str
    state: str
    ended_because: str
    valid_from: datetime | None
    valid_to: datetime | None
    dwelling_id: str | None
    dwelling_code: str | None
    doors: list[PassDoor]
    identifier: str
    number: str
    uses: int | None
    used: int
    repair_order: str
    visitor: str
    reason: str
    issued_by: str
    issued_at: datetime
    renewable: bool
    renewals: int
    schedule_id: str | None
    hours: str
    hours_en: str
    not_usable: list[str]
    devices: list[OnDevice]


class Passes(BaseModel):
    items: list[PassItem]


class EndWanted(Strict):
    because: Literal["own_request", "host_withdrew", "security_incident"]
    reason: ReasonText


class RenewWanted(Strict):
    valid_to: AwareDatetime
    reason: ReasonText


@router.get("/estates/{estate_id}/passes")
def list_passes(estate_id: str, hub: TheHub, principal: Viewer, state: Literal["active", "all"] = "active") -> Passes:
    """Newest first; ended ones only with `state=all` (the last 500)."""
    in_scope(principal, estate_id)
    query = (
        select(AccessPass, CredentialRow, Dwelling.code)
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .outerjoin(Dwelling, Dwelling.id == AccessPass.host_dwelling_id)
        .where(AccessPass.estate_id == estate_id)
        .order_by(AccessPass.issued_at.desc(), AccessPass.id)
        .limit(500)
    )
    if state == "active":
        query = query.where(CredentialRow.state == "active")
    with hub.db.reading() as session:
        rows = [(row, credential, code) for row, credential, code in session.execute(query)]
        return Passes(items=_items(session, estate_id, rows))


def _items(
    session: Session, estate_id: str, rows: Sequence[tuple[AccessPass, CredentialRow, str | None]]
) -> list[PassItem]:
    tokens = [row.token for row, _, _ in rows]
    doors = dict(session.execute(select(Door.id, Door.name).where(Door.estate_id == estate_id)).all())
    shown = {
        i.token: i
        for i in session.scalars(select(CredentialIdentifierRow).where(CredentialIdentifierRow.token.in_(tokens)))
    }
    hours = load_schedules(session, estate_id)
    used, states = uses(session, estate_id, tokens), credential_states(session, tokens)
    found = []
    for row, credential, code in rows:
        identifier = shown.get(row.token)
        found.append(
            PassItem(
                id=row.id,
                kind=row.kind,
                kind_zh=KINDS[row.kind].title_zh,
                label=credential.label,
                token=row.token,
                state=credential.state,
                ended_because=credential.ended_because,
                valid_from=credential.valid_from,
                valid_to=credential.valid_to,
                dwelling_id=row.host_dwelling_id,
                dwelling_code=code,
                doors=[PassDoor(id=d, name=doors.get(d, "")) for d in row.doors],
                identifier=identifier.type if identifier else "",
                number=mask_identifier(identifier.type, identifier.value) if identifier else "",
                uses=row.uses,
                used=used.get(row.token, 0),
                repair_order=row.repair_order,
                visitor=mask_name(row.visitor),
                reason=row.reason,
                issued_by=row.issued_by,
                issued_at=row.issued_at,
                renewable=KINDS[row.kind].renewable,
                renewals=row.renewals,
                schedule_id=row.schedule_id,
                **told_hours(hours, row.schedule_id),
                not_usable=pass_not_usable(session, row, identifier),
                devices=[OnDevice(**s.as_json()) for s in states[row.token]],
            )
        )
    return found


@router.post("/estates/{estate_id}/passes", status_code=201)
def issue_pass(estate_id: str, body: PassWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """201 with the number to hand over; 202 when it waits for a second person (more than 20 changes within the hour)."""
    estate_known(hub, principal, estate_id)
    request = PassRequest(
        body.kind,
        body.valid_from,
        body.valid_to,
        body.dwelling_id,
        tuple(body.doors),
        body.repair_order.strip(),
        body.host_agreed,
        body.schedule_id,
    )
    hashed = id_card_hash(hub.keys, estate_id, body.id_number) if body.identifier == "id_card" else ""
    action = IssuePass(request, body.identifier, body.card, body.uses, body.visitor.strip(), hashed)
    return answer(hub, response, held.act(hub, principal, estate_id, action, body.reason))


def _pass(hub: Hub, principal: Principal, pass_id: str) -> AccessPass:
    with hub.db.reading() as session:
        row = session.get(AccessPass, pass_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    return row


@router.delete("/passes/{pass_id}")
def end_pass(pass_id: str, body: EndWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """The visitor or the host took it back, or its number fell into wrong hands."""
    row = _pass(hub, principal, pass_id)
    return answer(hub, response, held.act(hub, principal, row.estate_id, EndPass(row.id, body.because), body.reason))


@router.post("/passes/{pass_id}/renew")
def renew_pass(pass_id: str, body: RenewWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """A carer's or regular visitor's pass, up to another 90 days from now."""
    row = _pass(hub, principal, pass_id)
    return answer(hub, response, held.act(hub, principal, row.estate_id, RenewPass(row.id, body.valid_to), body.reason))


@router.post("/passes/{pass_id}/link")
def link_pass(pass_id: str, body: ReasonWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """A new link for the phone of its holder; the old one opens nothing any more."""
    row = _pass(hub, principal, pass_id)
    return answer(hub, response, held.act(hub, principal, row.estate_id, LinkPass(row.id), body.reason))
