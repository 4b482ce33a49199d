"""What the counter does to access: passes, own request, lost card, consent withdrawn. Nothing here acts against a resident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from device_drivers.contract.words import HolderClass
from hub import moved
from hub.access import passes, roles, schedule_desk
from hub.access.credentials import CREDENTIALS, end_by_token
from hub.access.foreign import ChooseForeign, choose
from hub.access.lawful import FACE
from hub.access.lifecycle import Cause
from hub.access.member_ways import MemberWay, credential_without, hand_out, member_of
from hub.access.member_ways import choose as choose_way
from hub.access.numbers import IdentifierKind, card_number, in_use
from hub.access.other_way import after_withdrawal, beside_face, needs_a_desk
from hub.access.pass_rules import PassRequest
from hub.db import UnitOfWork, one_at_a_time
from hub.errors import BadRequest, Conflict, NotFound
from hub.keys import Keys
from hub.masking import mask_card
from hub.other_way import OtherWay
from hub.tables import (
    AccessPass,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    HouseholdMember,
    Tenancy,
)
from hub.tenancy import ledger, write

TAKEN_BACK = "taken_back: "
DESK = "desk"
LOST_ELSEWHERE_ZH = "本人在别的小区另有住处，那里也用这张卡，现已一并停用：请本人尽快到该小区服务台换卡。"
Purpose = Literal["a", "b", "c"]


class IssuePass(msgspec.Struct, frozen=True, tag="pass.issue"):
    request: PassRequest
    identifier: IdentifierKind
    card: str = ""
    uses: Annotated[int, msgspec.Meta(ge=1)] | None = None
    visitor: str = ""
    id_card: str = ""


class EndPass(msgspec.Struct, frozen=True, tag="pass.end"):
    pass_id: str
    because: passes.EndReason


class RenewPass(msgspec.Struct, frozen=True, tag="pass.renew"):
    pass_id: str
    valid_to: datetime


class LinkPass(msgspec.Struct, frozen=True, tag="pass.link"):
    """The link for a phone anew, where the first was lost or seen by others."""

    pass_id: str


class OwnRequest(msgspec.Struct, frozen=True, tag="credential.own_request"):
    """The holder himself gives his access back. He may take that back (`Restore`)."""

    token: str


class LostCard(msgspec.Struct, frozen=True, tag="credential.lost_card"):
    """`card` (its number, or as the page shows it) is lost; its holder has a new credential at once, with `new_card` where one
    was handed out."""

    token: str
    card: str
    new_card: str = ""


class Restore(msgspec.Struct, frozen=True, tag="credential.restore"):
    token: str


Role = roles.AssignRole | roles.EndRole | roles.ExtendRole
Action = (
    IssuePass
    | EndPass
    | RenewPass
    | LinkPass
    | OwnRequest
    | LostCard
    | Restore
    | MemberWay
    | Role
    | schedule_desk.ChangeSchedule
    | ChooseForeign
)


@dataclass(frozen=True, slots=True)
class Done:
    """`subject`: the pass, assignment or token; `number`: of a new pass, and the `secret` of its link, shown once.

    `warnings`: what the clerk should know of who has no other way in now but that link.
    """

    subject: str
    number: str = ""
    secret: str = ""
    warnings: tuple[str, ...] = ()


def perform(uow: UnitOfWork, keys: Keys, estate_id: str, action: Action) -> Done:
    """One action of the counter. Raises ApiError; then nothing of it stands.

    Credentials that are following the records in this moment wait, or are waited for: else what they read before would undo it.
    """
    one_at_a_time(uow.session, f"{CREDENTIALS} {estate_id}")
    if isinstance(action, IssuePass | EndPass | RenewPass | LinkPass):
        return _pass(uow, keys, estate_id, action)
    if isinstance(action, Role):
        return _role(uow, keys, estate_id, action)
    if isinstance(action, schedule_desk.ChangeSchedule):
        return Done(schedule_desk.change(uow, estate_id, action).id)
    if isinstance(action, MemberWay):
        return _member_way(uow, keys, estate_id, action)
    if isinstance(action, ChooseForeign):
        return Done(choose(uow, estate_id, action))
    if isinstance(action, LostCard):
        return _lost_card(uow, estate_id, action)
    if isinstance(action, Restore):
        return _restore(uow, estate_id, action.token)
    _own_request(uow, estate_id, action.token)
    return Done(action.token)


def _pass(uow: UnitOfWork, keys: Keys, estate_id: str, action: IssuePass | EndPass | RenewPass | LinkPass) -> Done:
    if isinstance(action, IssuePass):
        wanted = passes.Issue(
            action.request, action.identifier, uow.reason, action.card, action.uses, action.visitor, action.id_card
        )
        issued, number, secret = passes.issue(uow, keys, estate_id, wanted)
        return Done(issued.id, number, secret)
    row = pass_of(uow.session, estate_id, action.pass_id)
    if isinstance(action, EndPass):
        passes.end(uow, row, action.because)
    elif isinstance(action, RenewPass):
        passes.renew(uow, row, action.valid_to)
    else:
        return Done(row.id, secret=passes.relink(uow, row))
    return Done(row.id)


def _role(uow: UnitOfWork, keys: Keys, estate_id: str, action: Role) -> Done:
    if isinstance(action, roles.AssignRole):
        assigned, number, secret = roles.assign(uow, keys, estate_id, action)
        return Done(assigned.id, number, secret)
    row = roles.assignment_in(uow.session, estate_id, action.assignment_id)
    if isinstance(action, roles.EndRole):
        roles.end(uow, row, action.because)
    else:
        roles.extend(uow, row, action.valid_to)
    return Done(row.id)


def _member_way(uow: UnitOfWork, keys: Keys, estate_id: str, action: MemberWay) -> Done:
    subject, number = choose_way(uow, keys, estate_id, action)
    token, given_back = credential_without(uow, action)
    secret, warnings = beside_face(uow, token, given_back) if token else ("", ())
    return Done(subject, number, secret, warnings)


def pass_of(session: Session, estate_id: str, pass_id: str) -> AccessPass:
    row = session.get(AccessPass, pass_id)
    if row is None or row.estate_id != estate_id:
        raise NotFound("没有这张通行证，可能已被清理。请刷新列表。")
    return row


def credential_of(session: Session, estate_id: str, token: str) -> CredentialRow:
    row = session.get(CredentialRow, token)
    if row is None or row.estate_id != estate_id:
        raise NotFound("没有这个通行凭证。请刷新页面后重试。")
    return row


def _resident(session: Session, estate_id: str, token: str) -> CredentialRow:
    row = credential_of(session, estate_id, token)
    if row.holder_class != HolderClass.RESIDENT:
        raise BadRequest("这是通行证，请在通行证列表中办理。", "not_a_resident")
    return row


def _active(session: Session, estate_id: str, token: str) -> CredentialRow:
    row = _resident(session, estate_id, token)
    if row.state != "active":
        raise Conflict("这个凭证已终止。请刷新页面。", "credential_ended")
    return row


def _own_request(uow: UnitOfWork, estate_id: str, token: str) -> None:
    _active(uow.session, estate_id, token)
    end_by_token(uow, token, Cause.OWN_REQUEST, f"at the counter, by {uow.actor}")
    uow.record("desk.own_request", token)


def _restore(uow: UnitOfWork, estate_id: str, token: str) -> Done:
    """The next run gives a new credential, should the person still belong to the household."""
    row = _resident(uow.session, estate_id, token)
    if row.state != "ended" or not row.ended_because.startswith(Cause.OWN_REQUEST.value):
        raise Conflict("只有本人申请停用的凭证可以恢复。", "not_own_request")
    row.ended_because = TAKEN_BACK + row.ended_because
    if row.tenancy_id:
        moved.tenancies(uow, estate_id, (row.tenancy_id,))
    uow.record("desk.restored", token)
    return Done(token)


def _lost_card(uow: UnitOfWork, estate_id: str, action: LostCard) -> Done:
    session = uow.session
    row = _active(session, estate_id, action.token)
    held = select(CredentialIdentifierRow.value).where(
        CredentialIdentifierRow.token == row.token, CredentialIdentifierRow.type == "card"
    )
    lost = _named(session.scalars(held).all(), action.card)
    fresh = card_number(action.new_card) if action.new_card else ""
    if fresh and in_use(session, estate_id, "card", fresh):
        raise Conflict("新卡号已属于他人或已挂失，请换一张卡。", "card_in_use")
    secret, warnings = ("", ()) if fresh else beside_face(uow, row.token, lost)
    # Only the lost card may be kept from coming back: the holder's other ways go over to the new credential.
    session.execute(
        delete(CredentialIdentifierRow).where(
            CredentialIdentifierRow.token == row.token,
            CredentialIdentifierRow.value != lost,
            CredentialIdentifierRow.type != FACE,
        )
    )
    end_by_token(uow, row.token, Cause.REPLACED_AFTER_INCIDENT, f"card lost, reported to {uow.actor}")
    if _also_elsewhere(uow, row, lost):
        warnings = (*warnings, LOST_ELSEWHERE_ZH)
    if fresh:
        _hand_out(session, row, fresh)
    uow.record("desk.lost_card", row.token, replaced=bool(fresh))
    return Done(row.token, "", secret, warnings)


def _named(held: Sequence[str], card: str) -> str:
    """The card that is meant, by its number or as the page shows it: who lost a card has no number to read out."""
    if card.startswith("*"):
        found = [one for one in held if mask_card(one).lstrip("*") == card.lstrip("*")]
        if len(found) > 1:
            raise Conflict("有多张卡尾号相同，请填写完整卡号（可在房屋页面凭事由查看）。", "card_unclear")
    else:
        found = [one for one in held if one == card_number(card)]
    if not found:
        raise BadRequest("这个卡号不在该凭证上，请核对挂失的卡号。", "card_not_held")
    return found[0]


def _also_elsewhere(uow: UnitOfWork, row: CredentialRow, card: str) -> bool:
    """Whether the same card opens a home of the same person in another estate: there it goes too, with the next lists."""
    session = uow.session
    persons = ledger.group_of(session, (str(row.person_id),)).get(str(row.person_id), ())
    mine = (
        select(CredentialRow.estate_id, CredentialRow.tenancy_id)
        .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
        .where(CredentialRow.person_id.in_(persons), CredentialRow.state == "active")
        .where(CredentialRow.estate_id != row.estate_id, CredentialRow.tenancy_id.is_not(None))
        .where(CredentialIdentifierRow.type == "card", CredentialIdentifierRow.value == card)
    )
    homes = [(estate, str(tenancy)) for estate, tenancy in session.execute(mine)]
    ledger.note(uow, homes)
    return bool(homes)


def _hand_out(session: Session, row: CredentialRow, card: str) -> None:
    member = session.scalars(
        select(HouseholdMember)
        .where(HouseholdMember.person_id == row.person_id, HouseholdMember.tenancy_id == row.tenancy_id)
        .with_for_update()
    ).one()
    hand_out(member, card)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """`tokens`: whose devices must now confirm that the face is gone. `ways`: what those got who had no other way in.
    `elsewhere`: in another estate he has none now, and its desk must give him one."""

    tokens: tuple[str, ...] = ()
    ways: tuple[OtherWay, ...] = ()
    elsewhere: bool = False


def withdraw_consent(uow: UnitOfWork, estate_id: str, member_id: str, purpose: Purpose) -> Withdrawal:
    """At once and for good, until a newer consent. Purpose (a) takes the face off, and never any other way in.

    Never counted against anybody's limit: the person's right does not wait for a second clerk.
    """
    session = uow.session
    write.alone(session)  # records that are read in this moment were told before it
    member = member_of(session, estate_id, member_id)
    # all records that people confirmed to be his
    persons = ledger.group_of(session, (member.person_id,))[member.person_id]
    live = (Consent.person_id.in_(persons), Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
    if session.scalars(select(Consent.id).where(*live)).first() is None:
        raise Conflict("该项同意已撤回或从未给出。请刷新页面。", "no_consent")
    session.execute(update(Consent).where(*live).values(withdrawn_at=uow.now, withdrawn_by=DESK))
    uow.record("desk.consent_withdrawn", member.id, purpose=purpose)
    if purpose != "a":
        return Withdrawal()
    memberships = select(HouseholdMember).where(HouseholdMember.person_id.in_(persons)).order_by(HouseholdMember.id)
    # as they are now: in another household he may be choosing a PIN
    for one in session.scalars(memberships.with_for_update().execution_options(populate_existing=True)).all():
        one.offered = {**one.offered, "photo": None}
        moved.tenancies(uow, session.get_one(Tenancy, one.tenancy_id).estate_id, (one.tenancy_id,))
    mine = select(CredentialRow.token).where(CredentialRow.person_id.in_(persons), CredentialRow.state == "active")
    mine = mine.where(CredentialRow.estate_id == estate_id)  # of homes elsewhere this desk learns nothing
    tokens = tuple(session.scalars(mine.order_by(CredentialRow.token)))
    elsewhere = needs_a_desk(session, persons, estate_id)
    return Withdrawal(tokens, tuple(after_withdrawal(uow, set(persons), estate_id)), elsewhere)
