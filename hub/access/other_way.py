"""Who took back the consent to his face, or has nothing left beside it, has another way in from the same minute: the code on
his phone, where he has none yet.

Nothing here can stop or delay what the person wants. The link is made in the same unit of work; a credential that already has a
link keeps it. Doors whose readers read no phone are told to the clerk, who hands out a card there and then.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from hub.access.lawful import FACE
from hub.access.numbers import new_link
from hub.access.role_rows import places_of
from hub.access.ways import not_usable
from hub.db import UnitOfWork
from hub.other_way import OtherWay
from hub.tables import (
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    Dwelling,
    HouseholdMember,
    PassLink,
    Person,
    Tenancy,
)

ELSEWHERE_ZH = "本人在别的小区另有住处，那里只登记了人脸：请本人尽快到该小区服务台办理门卡、密码或手机二维码。"
LEFT_ZH = "除刷脸外本人已没有其他开门方式，现给本人一个手机通行链接：请当场交给本人，只显示这一次。"
CARD_ZH = "请当场为本人发一张门卡，领卡前请值班人员核对身份后开门。"


def of_this_unit(uow: UnitOfWork) -> tuple[OtherWay, ...]:
    """After records were written: for who took consent (a) back in them."""
    mine = select(Consent.person_id).where(Consent.purpose == "a", Consent.withdrawn_at == uow.now)
    return tuple(after_withdrawal(uow, set(uow.session.scalars(mine))))


def after_withdrawal(uow: UnitOfWork, persons: Collection[str], estate_id: str | None = None) -> list[OtherWay]:
    """For each home of these persons (ids) where a face was the only way in; nothing for who has another.

    `estate_id`: of the desk where somebody took it back (None: no desk, the records said so). A link opens doors for whoever has
    it, so a desk gets none for homes elsewhere: `needs_a_desk` says that there are some.
    """
    session = uow.session
    rows = session.execute(
        select(CredentialRow, HouseholdMember, Tenancy, Person.source_id)
        .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(CredentialRow.person_id == HouseholdMember.person_id, CredentialRow.state == "active")
        .where(CredentialRow.person_id.in_(sorted(persons)))
        .where(true() if estate_id is None else Tenancy.estate_id == estate_id)
        .order_by(CredentialRow.created_at, CredentialRow.token)
    ).all()
    found = []
    for credential, member, tenancy, person in rows:
        if _has_other(session, credential.token, member):
            continue
        secret = "" if _linked(session, {credential.token}) else new_link(uow, credential.token)
        uow.record("consent.other_way", member.id, way="phone", new=bool(secret))
        warnings = [*_dark_doors(session, tenancy), CARD_ZH]
        found.append(OtherWay(tenancy.source_id, person, secret, tuple(warnings) if len(warnings) > 1 else ()))
    return found


def beside_face(uow: UnitOfWork, token: str, lost: str = "") -> tuple[str, tuple[str, ...]]:
    """The secret of a new link where nothing but the face leads in with this credential any more, and what the clerk should know;
    ("", ()) where something does. `lost`: the type or number of what the person no longer has, and still stands there.

    A lost card's link goes over to the new credential with whatever else is kept.
    """
    session = uow.session
    credential = session.get_one(CredentialRow, token)
    member = session.scalars(
        select(HouseholdMember).where(
            HouseholdMember.person_id == credential.person_id, HouseholdMember.tenancy_id == credential.tenancy_id
        )
    ).one()
    if _has_other(session, token, member, lost) or _linked(session, {token}):
        return "", ()
    secret = new_link(uow, token)
    uow.record("desk.other_way", member.id, way="phone", new=True)
    dark = _dark_doors(session, session.get_one(Tenancy, member.tenancy_id))
    return secret, (LEFT_ZH, *dark, *((CARD_ZH,) if dark else ()))


def _linked(session: Session, tokens: Collection[str]) -> set[str]:
    return set(session.scalars(select(PassLink.token).where(PassLink.token.in_(sorted(tokens)))))


def needs_a_desk(session: Session, persons: Collection[str], estate_id: str) -> bool:
    """Whether one of these records of a person has a home outside the estate into which nothing but the face led."""
    rows = session.execute(
        select(CredentialRow.token, HouseholdMember)
        .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .where(CredentialRow.person_id == HouseholdMember.person_id, CredentialRow.state == "active")
        .where(CredentialRow.person_id.in_(persons), Tenancy.estate_id != estate_id)
    ).all()
    linked = _linked(session, {token for token, _ in rows})
    return any(token not in linked and not _has_other(session, token, member) for token, member in rows)


def _has_other(session: Session, token: str, member: HouseholdMember, lost: str = "") -> bool:
    """A card counts where it opens: one that records offer may be lost, or another's. One that comes with the next publication
    has a link beside it until then, which harms nobody."""
    of_token = select(CredentialIdentifierRow.type, CredentialIdentifierRow.value)
    shown = session.execute(of_token.where(CredentialIdentifierRow.token == token)).all()
    others = any(kind != FACE and not (lost and lost in (kind, value)) for kind, value in shown)
    return others or any(member.offered.get(name) for name in ("id_card", "pin"))


def _dark_doors(session: Session, tenancy: Tenancy) -> list[str]:
    home = session.get(Dwelling, tenancy.dwelling_id)
    block = home.block_id if home else None
    way = {
        p.door
        for p in places_of(session, tenancy.estate_id)
        if p.scope == "estate"
        or (p.scope == "block" and p.block == block)
        or (p.scope == "dwelling" and p.dwelling == tenancy.dwelling_id)
    }
    return not_usable(session, tenancy.estate_id, way, "qr")
