"""The numbers people show: card numbers as they are given, PINs made here, hashes of identity cards, secrets of links."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from device_drivers.contract import pin
from hub.access.id_cards import pin_hash
from hub.access.lifecycle import Cause, WantedIdentifier
from hub.auth import token_hash
from hub.db import UnitOfWork
from hub.errors import BadRequest, Conflict
from hub.keys import Keys
from hub.tables import CredentialIdentifierRow, CredentialRow, PassLink
from hub.tenancy import fields

IdentifierKind = Literal["card", "pin", "qr", "id_card"]
_TRIES = 20
_QR_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Number:
    """What a new credential is shown by. `shown`: what the clerk hands over, once; of an identity card nothing."""

    identifier: WantedIdentifier
    shown: str = ""


def number_for(
    session: Session, keys: Keys, estate_id: str, kind: IdentifierKind, given: str, *, static_qr: bool = False
) -> Number:
    """`given`: a card's number, or the hash of an identity card. A QR has a number only where a device reads it by itself
    (`static_qr`): everywhere else the phone's signed code is better. Raises BadRequest, Conflict for what is in use.
    """
    if kind == "card":
        number = card_number(given)
        if in_use(session, estate_id, kind, number):
            raise Conflict("这个卡号已属于他人或已挂失，请换一张卡。", "card_in_use")
        return Number(WantedIdentifier(kind, number), number)
    if kind == "id_card":
        if not given:
            raise BadRequest("请读取或填写身份证号。", "id_number_missing")
        if in_use(session, estate_id, kind, given):
            raise Conflict("这张身份证已用于另一张有效凭证，请先终止或改用其他方式。", "id_card_in_use")
        return Number(WantedIdentifier(kind, given))
    if kind == "qr" and not static_qr:
        return Number(WantedIdentifier(kind))
    if kind == "pin":
        return new_pin(session, keys, estate_id)
    number = _random(_QR_DIGITS, lambda n: in_use(session, estate_id, kind, n))
    return Number(WantedIdentifier(kind, number), number)


def new_pin(session: Session, keys: Keys, estate_id: str) -> Number:
    """Made here, so that nobody has a birthday; kept as its keyed hash, like the number of an identity card.

    Never the number of somebody's card: some keypads send what was typed as if it were a card's number.
    """

    def taken(number: str) -> bool:
        hashed = pin_hash(keys, estate_id, number)
        return in_use(session, estate_id, "pin", hashed) or in_use(session, estate_id, "card", number)

    digits = _random(pin.DIGITS, taken)
    return Number(WantedIdentifier("pin", pin_hash(keys, estate_id, digits)), digits)


def card_number(text: str) -> str:
    """Exactly one. Raises BadRequest."""
    try:
        numbers = fields.cards(text)
    except fields.Refused as error:
        raise BadRequest("卡号不是数字，请核对后重新填写。", "card_bad") from error
    if len(numbers) != 1:
        raise BadRequest("请填写一个卡号。", "card_bad")
    return numbers[0]


def _random(digits: int, taken: Callable[[str], bool]) -> str:
    for _ in range(_TRIES):
        number = str(secrets.randbelow(9 * 10 ** (digits - 1)) + 10 ** (digits - 1))
        if not taken(number):
            return number
    raise Conflict("暂时无法生成号码，请稍后重试。", "no_number")


def in_use(session: Session, estate_id: str, type_: str, value: str) -> bool:
    """Held by somebody, or reported lost: neither is given again."""
    held = (
        select(CredentialRow.token)
        .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
        .where(CredentialRow.estate_id == estate_id)
        .where(CredentialIdentifierRow.type == type_, CredentialIdentifierRow.value == value)
        .where(
            (CredentialRow.state == "active")
            | CredentialRow.ended_because.startswith(Cause.REPLACED_AFTER_INCIDENT.value)
        )
    )
    return session.scalars(held.limit(1)).first() is not None


def new_link(uow: UnitOfWork, token: str) -> str:
    """The secret of a link that shows the phone code of this credential; an older link of it opens nothing any more."""
    secret = secrets.token_urlsafe(24)
    uow.session.execute(delete(PassLink).where(PassLink.token == token))
    uow.session.add(PassLink(link_hash=token_hash(secret), token=token, made_by=uow.actor, made_at=uow.now))
    uow.session.flush()
    uow.record("pass.link", token)
    return secret
