"""The counter on the console: passes, own request, lost card, consent withdrawn; and what waits for a second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import moved
from hub.access import desk, held
from hub.access.desk import EndPass, IssuePass, LinkPass, LostCard, OwnRequest, RenewPass, Restore
from hub.access.id_cards import id_card_hash
from hub.access.pass_ends import uses
from hub.access.pass_rules import KINDS, PassRequest
from hub.access.schedule_rows import load_schedules
from hub.access.schedules import in_words
from hub.access.states import credential_states
from hub.access.ways import not_usable
from hub.auth import Principal, hub_of, in_scope, require
from hub.errors import Conflict, NotFound
from hub.masking import mask_identifier, mask_name
from hub.services import Hub
from hub.tables import (
    AccessPass,
    CredentialIdentifierRow,
    CredentialRow,
    Door,
    Dwelling,
    Estate,
    HeldAction,
    HouseholdMember,
    Tenancy,
)

router = APIRouter(prefix="/api/v1", tags=["access"])
Viewer = Annotated[Principal, Depends(require("estate.view"))]
Desk = Annotated[Principal, Depends(require("access.desk"))]
Second = Annotated[Principal, Depends(require("tenancy.manage"))]
TheHub = Annotated[Hub, Depends(hub_of)]
ReasonText = Annotated[str, Field(min_length=4, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PassWanted(_Strict):
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


class OnDevice(BaseModel):
    device_id: str
    device_name: str
    state: str
    since: datetime | None
    code: str
    message_zh: str


class PassItem(BaseModel):
    """`visitor` and `number` are masked. `hours` in words, empty for always; `not_usable`: doors where its way opens nothing."""

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
    not_usable: list[str]
    devices: list[OnDevice]


class Passes(BaseModel):
    items: list[PassItem]


class DeskAnswer(BaseModel):
    """`number` of a new pass, and the `link` with which a phone shows its code: shown this once.

    `warnings`: what the clerk should know, e.g. doors that the chosen way does not open. `held`: the id of what waits for a
    second person, else empty.
    """

    subject: str = ""
    number: str = ""
    link: str = ""
    warnings: list[str] = []
    held: str = ""


class EndWanted(_Strict):
    because: Literal["own_request", "host_withdrew", "security_incident"]
    reason: ReasonText


class RenewWanted(_Strict):
    valid_to: AwareDatetime
    reason: ReasonText


class ReasonWanted(_Strict):
    reason: ReasonText


class LostCardWanted(_Strict):
    card: str = Field(min_length=1, max_length=30)
    new_card: str = Field(default="", max_length=30)
    reason: ReasonText


class WithdrawWanted(_Strict):
    purpose: Literal["a", "b", "c"]
    reason: ReasonText


class Withdrawn(BaseModel):
    """Devices that still have to confirm that the face is gone; other ways in are as they were."""

    member_id: str
    purpose: str
    tokens: list[str]
    devices: list[OnDevice]


class HeldItem(BaseModel):
    id: str
    kind: str
    dwelling_id: str | None
    dwelling_code: str | None
    label: str
    asked_by: str
    asked_at: datetime
    reason: str
    mine: bool


class HeldItems(BaseModel):
    items: list[HeldItem]


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
                hours=in_words(hours[row.schedule_id]) if row.schedule_id else "",
                not_usable=_not_usable(session, row, identifier),
                devices=[OnDevice(**s.as_json()) for s in states[row.token]],
            )
        )
    return found


def _not_usable(session: Session, row: AccessPass, identifier: CredentialIdentifierRow | None) -> list[str]:
    if identifier is None:
        return []
    scheduled, counted = row.schedule_id is not None, row.uses is not None
    return not_usable(session, row.estate_id, row.doors, identifier.type, scheduled=scheduled, counted=counted)


def answer_of(hub: Hub, done: desk.Done) -> DeskAnswer:
    """With the link as a person opens it, and what the clerk should know of a new pass."""
    link = f"{hub.config.public_url or ''}/pass#{done.secret}" if done.secret else ""
    warnings = []
    if done.number or done.secret:
        with hub.db.reading() as session:
            if row := session.get(AccessPass, done.subject):
                shown = select(CredentialIdentifierRow).where(CredentialIdentifierRow.token == row.token)
                warnings = _not_usable(session, row, session.scalars(shown).first())
    return DeskAnswer(subject=done.subject, number=done.number, link=link, warnings=warnings)


def answer(hub: Hub, response: Response, told: held.Answer) -> DeskAnswer:
    """202 with the id of what waits for a second person."""
    if told.done is None:
        response.status_code = 202
        return DeskAnswer(held=told.held)
    return answer_of(hub, told.done)


@router.post("/estates/{estate_id}/passes", status_code=201)
def issue_pass(estate_id: str, body: PassWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """201 with the number to hand over; 202 when it waits for a second person (more than 20 changes within the hour)."""
    in_scope(principal, estate_id)
    _estate(hub, estate_id)
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


def _estate(hub: Hub, estate_id: str) -> None:
    with hub.db.reading() as session:
        if session.get(Estate, estate_id) is None:
            raise NotFound


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


def _credential(hub: Hub, principal: Principal, token: str) -> CredentialRow:
    with hub.db.reading() as session:
        row = session.get(CredentialRow, token)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    return row


@router.post("/credentials/{token}/own-request")
def end_at_own_request(token: str, body: ReasonWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """The holder himself, identified at the counter, wants his access ended. He may take that back."""
    row = _credential(hub, principal, token)
    return answer(hub, response, held.act(hub, principal, row.estate_id, OwnRequest(token), body.reason))


@router.post("/credentials/{token}/restore")
def restore_credential(token: str, body: ReasonWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """What was ended at the holder's own request, given back at his request: he gets a new credential."""
    row = _credential(hub, principal, token)
    return answer(hub, response, held.act(hub, principal, row.estate_id, Restore(token), body.reason))


@router.post("/credentials/{token}/lost-card")
def report_lost_card(token: str, body: LostCardWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """The lost card opens nothing any more; the holder keeps every other way in, and the new card where one is given."""
    row = _credential(hub, principal, token)
    action = LostCard(token, body.card, body.new_card)
    return answer(hub, response, held.act(hub, principal, row.estate_id, action, body.reason))


@router.post("/members/{member_id}/consents/withdraw")
def withdraw_consent(member_id: str, body: WithdrawWanted, hub: TheHub, principal: Desk) -> Withdrawn:
    """At once, whatever the clerk's limit. `GET /estates/{e}/sync` shows each device until it confirmed."""
    with hub.db.reading() as session:
        member = session.get(HouseholdMember, member_id)
        estate_id = session.get_one(Tenancy, member.tenancy_id).estate_id if member else None
    in_scope(principal, estate_id)
    if estate_id is None:
        raise NotFound
    with hub.db.unit_of_work(principal.name, body.reason, estate_id=estate_id, now=hub.now()) as uow:
        tokens = desk.withdraw_consent(uow, estate_id, member_id, body.purpose)
    if tokens:
        moved.tell(hub)
    with hub.db.reading() as session:
        states = credential_states(session, tokens)
    return Withdrawn(
        member_id=member_id,
        purpose=body.purpose,
        tokens=list(tokens),
        devices=[OnDevice(**one.as_json()) for found in states.values() for one in found],
    )


@router.get("/estates/{estate_id}/held-actions")
def list_held_actions(estate_id: str, hub: TheHub, principal: Viewer) -> HeldItems:
    """What waits for a second person, oldest first, each with the household it concerns."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        rows = held.waiting(session, estate_id)
        codes = dict(
            session.execute(
                select(Dwelling.id, Dwelling.code).where(
                    Dwelling.id.in_({r.dwelling_id for r in rows if r.dwelling_id})
                )
            ).all()
        )
    return HeldItems(
        items=[
            HeldItem(
                id=r.id,
                kind=r.kind,
                dwelling_id=r.dwelling_id,
                dwelling_code=codes.get(r.dwelling_id or ""),
                label=r.label,
                asked_by=r.asked_by,
                asked_at=r.asked_at,
                reason=r.reason,
                mine=(r.asked_by_id or r.asked_by) in (principal.id, principal.name),
            )
            for r in rows
        ]
    )


@router.post("/held-actions/{held_id}/{decision}")
def decide_held_action(
    held_id: str, decision: Literal["confirm", "refuse"], body: ReasonWanted, hub: TheHub, principal: Second
) -> DeskAnswer:
    """By somebody else than who asked for it."""
    with hub.db.reading() as session:
        row = session.get(HeldAction, held_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    if row.state != "held":
        raise Conflict("已被处理或已过期（24小时），请刷新页面。", "held_gone")
    done = held.decide(hub, principal, row, confirm=decision == "confirm", reason=body.reason)
    return answer_of(hub, done) if done else DeskAnswer(subject=held_id)
