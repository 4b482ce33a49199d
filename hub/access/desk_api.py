"""The counter on the console: own request, lost card, first card, a member's own ways in, consent withdrawn."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from device_drivers.contract import id_card
from hub import moved, quota
from hub.access import desk, held
from hub.access.desk import LostCard, OwnRequest, Restore
from hub.access.desk_parts import Desk, DeskAnswer, OnDevice, ReasonText, ReasonWanted, Strict, TheHub, answer
from hub.access.id_cards import id_card_hash
from hub.access.member_ways import CardWay, IdCardWay, PinWay, member_of
from hub.access.other_way import ELSEWHERE_ZH
from hub.access.states import credential_states
from hub.auth import Principal, in_scope
from hub.english.phrases import in_english
from hub.errors import ApiError, BadRequest, NotFound
from hub.other_way import phone_link
from hub.services import Hub
from hub.tables import AccessChange, CredentialRow, HouseholdMember, Person, Tenancy

router = APIRouter(prefix="/api/v1", tags=["access"])
OTHER_NUMBER, TRIES = "id_number_other", 5


class LostCardWanted(Strict):
    """`card`: its number, or as the page shows it (`****6599`)."""

    card: str = Field(min_length=1, max_length=30)
    new_card: str = Field(default="", max_length=30)
    reason: ReasonText


class CardWanted(Strict):
    card: str = Field(min_length=1, max_length=30)
    reason: ReasonText


class WithdrawWanted(Strict):
    purpose: Literal["a", "b", "c"]
    reason: ReasonText


class Withdrawn(BaseModel):
    """Devices that still have to confirm that the face is gone; other ways in are as they were.

    `link`: who had no other way gets this link for the phone, shown this once; `phone_only`: that is now the only way in.
    `warnings`, `warnings_en`: doors on the way home that no phone opens.
    """

    member_id: str
    purpose: str
    tokens: list[str]
    devices: list[OnDevice]
    link: str = ""
    phone_only: bool = False
    warnings: list[str] = []
    warnings_en: list[str] = []


class IdCardWanted(Strict):
    """`id_number` empty: no longer."""

    id_number: str = Field(default="", max_length=30)
    reason: ReasonText


class PinWanted(Strict):
    """`wanted` False: no longer. A new PIN takes the place of an older one."""

    wanted: bool = True
    reason: ReasonText


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


def _estate_of(hub: Hub, principal: Principal, member_id: str) -> str:
    """The estate in which this member lives. Raises ApiError."""
    with hub.db.reading() as session:
        member = session.get(HouseholdMember, member_id)
        estate_id = session.get_one(Tenancy, member.tenancy_id).estate_id if member else None
    in_scope(principal, estate_id)
    if estate_id is None:
        raise NotFound
    return estate_id


def _tried_too_often(hub: Hub, principal: Principal) -> bool:
    """Nobody may see an identity number, and who asks often enough whether it is this one would learn it."""
    mine = (AccessChange.who == principal.id, AccessChange.what == OTHER_NUMBER)
    with hub.db.reading() as session:
        tried = select(func.count()).select_from(AccessChange).where(*mine, AccessChange.at > hub.now() - quota.WINDOW)
        return (session.scalar(tried) or 0) >= TRIES


def _tried(hub: Hub, principal: Principal, estate_id: str, member_id: str) -> None:
    """A number that is another's: on record, though it changes nothing."""
    with hub.db.unit_of_work(principal.id, "身份证号与登记的不一致", estate_id=estate_id, now=hub.now()) as uow:
        uow.session.add(AccessChange(who=principal.id, at=uow.now, what=OTHER_NUMBER, count=0))
        uow.record("desk.id_number_other", member_id)


@router.post("/members/{member_id}/card")
def give_card(member_id: str, body: CardWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """A card handed out at the counter, which the records of the lease system do not know: it opens with the next lists."""
    estate_id = _estate_of(hub, principal, member_id)
    return answer(hub, response, held.act(hub, principal, estate_id, CardWay(member_id, body.card), body.reason))


@router.post("/members/{member_id}/id-card")
def choose_id_card(member_id: str, body: IdCardWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """The member's own choice: from now on the identity card opens his doors too, where a reader reads it; or no longer."""
    estate_id = _estate_of(hub, principal, member_id)
    hashed = ""
    if body.id_number:
        if _tried_too_often(hub, principal):
            raise ApiError(
                429, "too_many_tries", "一小时内多次填写的身份证号与登记的不一致，请稍后再试，并核对证件原件。"
            )
        hashed = id_card_hash(hub.keys, estate_id, body.id_number)
        with hub.db.reading() as session:
            person = session.get_one(Person, member_of(session, estate_id, member_id).person_id)
        if person.id_number_hash and person.id_number_hash != hub.keys.blind(id_card.normalise(body.id_number)):
            _tried(hub, principal, estate_id, member_id)
            raise BadRequest("身份证号与登记的不一致，请核对证件后重新填写。", "id_number_other")
    return answer(hub, response, held.act(hub, principal, estate_id, IdCardWay(member_id, hashed), body.reason))


@router.post("/members/{member_id}/pin")
def choose_pin(member_id: str, body: PinWanted, hub: TheHub, principal: Desk, response: Response) -> DeskAnswer:
    """A PIN for the keypads on the member's way, made here and shown this once; or no longer any."""
    estate_id = _estate_of(hub, principal, member_id)
    return answer(hub, response, held.act(hub, principal, estate_id, PinWay(member_id, body.wanted), body.reason))


@router.post("/members/{member_id}/consents/withdraw")
def withdraw_consent(member_id: str, body: WithdrawWanted, hub: TheHub, principal: Desk) -> Withdrawn:
    """At once, whatever the clerk's limit. `GET /estates/{e}/sync` shows each device until it confirmed."""
    estate_id = _estate_of(hub, principal, member_id)
    with hub.db.unit_of_work(principal.name, body.reason, estate_id=estate_id, now=hub.now()) as uow:
        done = desk.withdraw_consent(uow, estate_id, member_id, body.purpose)
    if body.purpose == "a":  # also where this estate has nothing to do
        moved.tell(hub)
    with hub.db.reading() as session:
        states = credential_states(session, done.tokens)
    warnings = list(dict.fromkeys(text for way in done.ways for text in way.warnings))
    warnings += [ELSEWHERE_ZH] if done.elsewhere else []
    return Withdrawn(
        member_id=member_id,
        purpose=body.purpose,
        tokens=list(done.tokens),
        devices=[OnDevice(**one.as_json()) for found in states.values() for one in found],
        link=next((phone_link(hub.config.public_url, way.secret) for way in done.ways if way.secret), ""),
        phone_only=bool(done.ways),
        warnings=warnings,
        warnings_en=in_english(warnings),
    )
