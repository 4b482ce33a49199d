"""What a member of a household opens doors with, given or chosen at the counter: a card, the identity card, a PIN."""

from __future__ import annotations

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import moved
from hub.access.numbers import in_use, new_pin, number_for
from hub.db import UnitOfWork
from hub.errors import Conflict, NotFound
from hub.keys import Keys
from hub.tables import CredentialRow, HouseholdMember, Tenancy


class IdCardWay(msgspec.Struct, frozen=True, tag="member.id_card"):
    """A member opens doors with his identity card from now on (`id_card`: its keyed hash), or no longer (empty)."""

    member_id: str
    id_card: str


class PinWay(msgspec.Struct, frozen=True, tag="member.pin"):
    """A member gets a PIN, in place of an older one; or none any more (`wanted` False)."""

    member_id: str
    wanted: bool


class CardWay(msgspec.Struct, frozen=True, tag="member.card"):
    """A card that the counter hands a member: his first one, or one more."""

    member_id: str
    card: str


MemberWay = IdCardWay | PinWay | CardWay


def member_of(session: Session, estate_id: str, member_id: str) -> HouseholdMember:
    member = session.get(HouseholdMember, member_id, with_for_update=True)  # a record may be changing it in this moment
    tenancy = session.get(Tenancy, member.tenancy_id) if member else None
    if member is None or tenancy is None or tenancy.estate_id != estate_id:
        raise NotFound("没有这位家庭成员。请刷新页面。")
    return member


def choose(uow: UnitOfWork, keys: Keys, estate_id: str, action: MemberWay) -> tuple[str, str]:
    """(the member's id, the digits of a new PIN, to be shown once)."""
    member = member_of(uow.session, estate_id, action.member_id)
    if isinstance(action, IdCardWay):
        _id_card(uow, estate_id, member, action.id_card)
        return member.id, ""
    if isinstance(action, CardWay):
        hand_out(member, number_for(uow.session, keys, estate_id, "card", action.card).shown)
        moved.tenancies(uow, estate_id, (member.tenancy_id,))
        uow.record("desk.card", member.id)
        return member.id, ""
    number = new_pin(uow.session, keys, estate_id) if action.wanted else None
    member.offered = {**member.offered, "pin": number.identifier.value if number else ""}
    moved.tenancies(uow, estate_id, (member.tenancy_id,))
    uow.record("desk.pin", member.id, chosen=action.wanted)
    return member.id, number.shown if number else ""


def hand_out(member: HouseholdMember, card: str) -> None:
    """`desk_cards` outlive the records of the lease system, which does not know them. `member`: held for an update."""
    member.offered = {**member.offered, "desk_cards": [*member.offered.get("desk_cards", ()), card]}


def credential_without(uow: UnitOfWork, action: MemberWay) -> tuple[str, str]:
    """(token of the member's live credential, type) of what was given back; empty where nothing was, or he has none yet."""
    if isinstance(action, CardWay) or (action.id_card if isinstance(action, IdCardWay) else action.wanted):
        return "", ""
    member = uow.session.get_one(HouseholdMember, action.member_id)
    mine = select(CredentialRow.token).where(
        CredentialRow.person_id == member.person_id,
        CredentialRow.tenancy_id == member.tenancy_id,
        CredentialRow.state == "active",
    )
    return uow.session.scalars(mine).first() or "", "id_card" if isinstance(action, IdCardWay) else "pin"


def _id_card(uow: UnitOfWork, estate_id: str, member: HouseholdMember, hashed: str) -> None:
    mine = str(member.offered.get("id_card", ""))
    if hashed and hashed != mine and in_use(uow.session, estate_id, "id_card", hashed):
        raise Conflict("这张身份证已用于另一张有效凭证。", "id_card_in_use")
    member.offered = {**member.offered, "id_card": hashed}
    moved.tenancies(uow, estate_id, (member.tenancy_id,))
    uow.record("desk.id_card", member.id, chosen=bool(hashed))
