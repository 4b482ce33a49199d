"""What the database knows of household members and their credentials, as values for the pure modules. Few queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import String, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from device_drivers.contract.words import HolderClass
from hub.access.entitle import Home
from hub.access.lifecycle import Cause, MemberFacts, WantedIdentifier
from hub.tables import (
    Block,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    Dwelling,
    Estate,
    HouseholdMember,
    Person,
    Tenancy,
)
from hub.tenancy.onfile import parts


@dataclass(frozen=True, slots=True)
class Scope:
    """What of an estate is looked at: these tenancies (our ids; None: everything), and its passes and roles or not."""

    tenancies: frozenset[str] | None = None
    passes: bool = True

    @property
    def whole(self) -> bool:
        return self.tenancies is None


WHOLE = Scope()


@dataclass(frozen=True, slots=True)
class MemberOnFile:
    """One household member with what names and places the credential needs."""

    member_id: str
    person_id: str
    tenancy_id: str
    tenancy: str
    version: int
    ordinal: int
    block_id: str
    dwelling_id: str
    label: str
    facts: MemberFacts


@dataclass(frozen=True, slots=True)
class CredentialOnFile:
    token: str
    estate_id: str
    holder_class: str
    person_id: str | None
    tenancy_id: str | None
    state: str
    ended_because: str
    valid_to: datetime | None
    dwelling_id: str | None
    label: str
    identifiers: tuple[WantedIdentifier, ...]


def local_day(estate: Estate, at: datetime) -> date:
    """The estate's own day of an instant."""
    return at.astimezone(ZoneInfo(estate.time_zone)).date()


def label_of(block_name: str, number: str, ordinal: int) -> str:
    """House number and ordinal, never a name: what a terminal may show."""
    shown = number.zfill(4) if number.isdigit() else number
    return f"{block_name}-{shown} · 成员{ordinal}"


def members_on_file(
    session: Session, estate_id: str, scope: Scope = WHOLE, at: datetime | None = None
) -> list[MemberOnFile]:
    """Members of live tenancies, and those of ended ones who still have an active credential. Sorted by tenancy, ordinal.

    `at`: the moment at which a consent to the face must have begun; None: consents are not asked for.
    """
    mine = () if scope.tenancies is None else (Tenancy.id.in_(sorted(scope.tenancies)),)
    active = (
        select(CredentialRow.token)
        .where(
            CredentialRow.person_id == HouseholdMember.person_id,
            CredentialRow.tenancy_id == HouseholdMember.tenancy_id,
            CredentialRow.state == "active",
        )
        .exists()
    )
    rows = session.execute(
        select(
            HouseholdMember.id,
            HouseholdMember.person_id,
            HouseholdMember.ordinal,
            HouseholdMember.from_date,
            HouseholdMember.to_date,
            HouseholdMember.offered,
            Tenancy.id,
            Tenancy.source_id,
            Tenancy.version,
            Tenancy.state,
            Tenancy.end_decision,
            Tenancy.dwelling_id,
            Dwelling.number,
            Dwelling.block_id,
            Block.name,
            Person.birth_date,
        )
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .join(Block, Block.id == Dwelling.block_id)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(Tenancy.estate_id == estate_id, or_(Tenancy.state == "active", active), *mine)
        .order_by(Tenancy.source_id, HouseholdMember.ordinal, HouseholdMember.id)
    ).all()
    consents = _face_consents(session, estate_id, scope, at) if at is not None else {}
    found = []
    for (member_id, person_id, ordinal, start, end, offered, tenancy_id, source_id, version, state, decision,
         dwelling_id, number, block_id, block_name, birth) in rows:  # fmt: skip
        photo = offered.get("photo")
        facts = MemberFacts(
            tenancy_state=state,
            from_date=start,
            to_date=end,
            birth_date=birth,
            cards=tuple(dict.fromkeys((*offered.get("cards", ()), *offered.get("desk_cards", ())))),
            photo=(photo["url"], photo["sha256"]) if photo else None,
            face_consent=person_id in consents,
            guardian=consents.get(person_id, ""),
            decision=_completed(decision),
            id_card=str(offered.get("id_card", "")),
            pin=str(offered.get("pin", "")),
        )
        label = label_of(block_name, number, ordinal)
        found.append(
            MemberOnFile(
                member_id, person_id, tenancy_id, source_id, version, ordinal, block_id, dwelling_id, label, facts
            )
        )
    return found


def _completed(decision: dict[str, Any] | None) -> str:
    """The number of an end decision that has all it needs: number, date, and the day on which the move-out was completed."""
    told = decision or {}
    whole = all(str(told.get(name) or "").strip() for name in ("number", "date", "move_out_completed_on"))
    return str(told["number"]) if whole else ""


def homes_of(session: Session, estate_id: str, scope: Scope = WHOLE) -> dict[tuple[str, str], tuple[Home, ...]]:
    """(person id, tenancy id) → the other homes of the same human being in this estate, where he has a credential.

    One person in two tenancies, or two records that people confirmed to be one.
    """
    head = func.coalesce(Person.same_as, Person.id)
    lives = (
        select(head.label("head"), CredentialRow.tenancy_id)
        .join(Person, Person.id == CredentialRow.person_id)
        .where(
            CredentialRow.estate_id == estate_id, CredentialRow.state == "active", CredentialRow.tenancy_id.is_not(None)
        )
    )
    if scope.tenancies is not None:  # of few households, few people: not everybody of the estate is looked at
        here = session.scalars(
            lives.with_only_columns(head).where(CredentialRow.tenancy_id.in_(sorted(scope.tenancies)))
        )
        who = set(here)
        people = session.scalars(select(Person.id).where(or_(Person.id.in_(who), Person.same_as.in_(who))))
        lives = lives.where(CredentialRow.person_id.in_(set(people)))
    every = lives.subquery()
    several = select(every.c.head).group_by(every.c.head).having(func.count() > 1)
    rows = session.execute(
        select(head, CredentialRow.person_id, Tenancy.id, Dwelling.block_id, Dwelling.id, HouseholdMember.from_date)
        .join(Person, Person.id == CredentialRow.person_id)
        .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .join(
            HouseholdMember,
            and_(HouseholdMember.person_id == CredentialRow.person_id, HouseholdMember.tenancy_id == Tenancy.id),
        )
        .where(
            CredentialRow.estate_id == estate_id,
            CredentialRow.state == "active",
            Tenancy.estate_id == estate_id,
            Tenancy.state == "active",
            head.in_(several),
        )
        .order_by(Tenancy.id, CredentialRow.person_id)
    ).all()
    by_head: dict[str, list[tuple[tuple[str, str], Home]]] = {}
    for one, person, tenancy, block, dwelling, first in rows:
        by_head.setdefault(one, []).append(((str(person), tenancy), (block, dwelling, first)))
    return {
        mine: tuple(home for other, home in some if other != mine)
        for some in by_head.values()
        for mine, _ in some
        if scope.tenancies is None or mine[1] in scope.tenancies
    }


def _face_consents(session: Session, estate_id: str, scope: Scope, at: datetime) -> dict[str, str]:
    """Persons of the estate with a live consent (a) that has begun → the guardian who gave it, or empty."""
    mine = () if scope.tenancies is None else (Tenancy.id.in_(sorted(scope.tenancies)),)
    rows = session.execute(
        select(Consent.person_id, Consent.guardian)
        .join(HouseholdMember, HouseholdMember.person_id == Consent.person_id)
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .where(Tenancy.estate_id == estate_id, Consent.purpose == "a", Consent.withdrawn_at.is_(None))
        .where(Consent.granted_at <= at, *mine)
    )
    return {person_id: guardian or "" for person_id, guardian in rows}


def credentials_on_file(session: Session, estate_id: str, scope: Scope = WHOLE) -> list[CredentialOnFile]:
    """Every credential of the scope with its identifiers, oldest first."""
    mine = [CredentialRow.estate_id == estate_id]
    if scope.tenancies is not None:
        of_members = CredentialRow.tenancy_id.in_(sorted(scope.tenancies))
        of_passes = (CredentialRow.holder_class != HolderClass.RESIDENT.value) & (CredentialRow.state == "active")
        mine.append(or_(of_members, of_passes) if scope.passes else of_members)
    identifiers: dict[str, list[WantedIdentifier]] = {}
    rows = session.execute(
        select(
            CredentialIdentifierRow.token,
            CredentialIdentifierRow.type,
            CredentialIdentifierRow.value,
            CredentialIdentifierRow.photo_url,
            CredentialIdentifierRow.photo_sha256,
        )
        .join(CredentialRow, CredentialRow.token == CredentialIdentifierRow.token)
        .where(*mine)
    )
    for token, type_, value, url, digest in rows:
        identifiers.setdefault(token, []).append(WantedIdentifier(type_, value, url or "", digest or ""))
    credentials = session.execute(
        select(
            CredentialRow.token,
            CredentialRow.estate_id,
            CredentialRow.holder_class,
            CredentialRow.person_id,
            CredentialRow.tenancy_id,
            CredentialRow.state,
            CredentialRow.ended_because,
            CredentialRow.valid_to,
            CredentialRow.dwelling_id,
            CredentialRow.label,
        )
        .where(*mine)
        .order_by(CredentialRow.created_at, CredentialRow.token)
    )
    found = []
    for token, estate, holder, person, tenancy, state, why, to, dwelling, label in credentials:
        ways = tuple(sorted(identifiers.get(token, ())))
        found.append(CredentialOnFile(token, estate, holder, person, tenancy, state, why, to, dwelling, label, ways))
    return found


@dataclass(slots=True)
class Claims:
    """Who has which identifier of an estate: `owner` (type, value) → token; `blocked`: reported lost, given to nobody."""

    owner: dict[tuple[str, str], str]
    blocked: set[tuple[str, str]]


def claims(session: Session, estate_id: str, values: Collection[str] | None = None) -> Claims:
    """Of all identifiers of the estate, or of these values only."""
    query = (
        select(
            CredentialIdentifierRow.type,
            CredentialIdentifierRow.value,
            CredentialRow.token,
            CredentialRow.state,
            CredentialRow.ended_because,
        )
        .join(CredentialRow, CredentialRow.token == CredentialIdentifierRow.token)
        .where(CredentialRow.estate_id == estate_id, CredentialIdentifierRow.value != "")
        .order_by(CredentialRow.created_at, CredentialRow.token)
    )
    if values is not None:
        query = query.where(CredentialIdentifierRow.value.in_(sorted(values)))
    found = Claims({}, set())
    for type_, value, token, state, why in session.execute(query):
        if state == "active":
            found.owner[(type_, value)] = token
        elif why.startswith(Cause.REPLACED_AFTER_INCIDENT.value):
            found.blocked.add((type_, value))
    return found


def lost_elsewhere(
    session: Session, estate_id: str, shown: Collection[tuple[str, str]] | None = None
) -> dict[str, set[tuple[str, str]]]:
    """Person → (type, value) of what the same human being reported lost in another estate: it opens nothing of his here either.

    Of others it says nothing: numbers are short, and somebody else's card may have the same. `shown`: of these alone.
    """
    head = func.coalesce(Person.same_as, Person.id)
    query = (
        select(head, CredentialIdentifierRow.type, CredentialIdentifierRow.value)
        .join(CredentialRow, CredentialRow.token == CredentialIdentifierRow.token)
        .join(Person, Person.id == CredentialRow.person_id)
        .where(CredentialRow.estate_id != estate_id, CredentialIdentifierRow.value != "")
        .where(
            CredentialRow.state == "ended", CredentialRow.ended_because.startswith(Cause.REPLACED_AFTER_INCIDENT.value)
        )
    )
    if shown is not None:
        query = query.where(
            CredentialIdentifierRow.type.in_(sorted({type_ for type_, _ in shown})),
            CredentialIdentifierRow.value.in_(sorted({value for _, value in shown})),
        )
    lost: dict[str, set[tuple[str, str]]] = {}
    for one, type_, value in session.execute(query):
        lost.setdefault(one, set()).add((type_, value))
    found: dict[str, set[tuple[str, str]]] = {}
    for part in parts(sorted(lost)):
        people = select(Person.id, head).where(or_(Person.id.in_(part), Person.same_as.in_(part)))
        found |= {person: lost[one] for person, one in session.execute(people)}
    return found


def claimants(session: Session, estate_id: str, values: Collection[str]) -> set[str]:
    """Live tenancies with a member to whom the record gives one of these card numbers."""
    text = cast(HouseholdMember.offered, String)
    return set(
        session.scalars(
            select(Tenancy.id)
            .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
            .where(Tenancy.estate_id == estate_id, Tenancy.state == "active")
            .where(or_(*(text.contains(f'"{value}"') for value in sorted(values))))
        )
    )


def active_by_member(credentials: Iterable[CredentialOnFile]) -> dict[tuple[str, str], CredentialOnFile]:
    """(person id, tenancy id) → the active credential of that membership."""
    return {
        (c.person_id, c.tenancy_id): c
        for c in credentials
        if c.state == "active" and c.person_id is not None and c.tenancy_id is not None
    }
