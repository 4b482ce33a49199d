"""A dwelling's page: who lives there (masked), what they open doors with and on which devices, meters, absences, case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access.states import credential_states
from hub.auth import Principal
from hub.errors import BadRequest
from hub.estate.status import DwellingFacts, dwelling_status
from hub.estate.views import tenancy_states
from hub.ids import new_id
from hub.masking import mask_id_number, mask_identifier, mask_name
from hub.occupancy.status import OccupancyOf, occupancy_of
from hub.relations import RELATIONS_ZH
from hub.services import Hub
from hub.tables import (
    Absence,
    Block,
    CaseFile,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    Dwelling,
    HouseholdMember,
    Meter,
    MeterDay,
    Person,
    Reveal,
    Tenancy,
)

REVEAL = timedelta(seconds=60)
REVEAL_REASONS = frozenset({"counter_service", "contact", "emergency", "case_check", "data_correction"})


def current_tenancy(session: Session, dwelling_id: str) -> Tenancy | None:
    """The one in force; otherwise the one allocated; otherwise none (a past tenancy's people are nobody's business here)."""
    query = select(Tenancy).where(Tenancy.dwelling_id == dwelling_id, Tenancy.state.in_(("active", "allocated")))
    return next(iter(sorted(session.scalars(query), key=lambda t: (t.state != "active", t.from_date))), None)


def detail(session: Session, dwelling: Dwelling, now: datetime, with_cases: bool, at_desk: bool) -> dict[str, Any]:
    """`at_desk`: for who takes and ends consents; nobody else learns who asked to be looked after (c)."""
    block = session.get_one(Block, dwelling.block_id)
    tenancy = current_tenancy(session, dwelling.id)
    known = occupancy_of(session, dwelling.estate_id).get(dwelling.id, OccupancyOf())
    suspected = known.suspected if with_cases else None
    let = tenancy_states(session, dwelling.estate_id).get(dwelling.id)
    absences = session.scalars(
        select(Absence).where(Absence.dwelling_id == dwelling.id).order_by(Absence.from_date.desc())
    )
    case = session.scalar(select(CaseFile).where(CaseFile.dwelling_id == dwelling.id, CaseFile.closed_at.is_(None)))
    return {
        **{
            name: getattr(dwelling, name)
            for name in ("id", "code", "estate_id", "block_id", "floor", "number", "rooms")
        },
        "block_name": block.name,
        "status": dwelling_status(DwellingFacts(dwelling.under_repair, let, suspected, known.state)),
        "tenancy": _fields(tenancy, "id source_id state from_date to_date handover_at expected_members end_decision")
        if tenancy
        else None,
        "household": _household(session, tenancy, now, ("a", "b", "c") if at_desk else ("a", "b")) if tenancy else [],
        "absences": [_fields(a, "id from_date to_date reason declared_on") for a in absences],
        "meters": _meters(session, dwelling.id),
        "open_case": _fields(case, "id number kind stage state") if case and with_cases else None,
    }


def _fields(row: object, names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names.split()}


def _members(session: Session, tenancy: Tenancy) -> list[tuple[HouseholdMember, Person]]:
    query = (
        select(HouseholdMember, Person)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(HouseholdMember.tenancy_id == tenancy.id)
        .order_by(HouseholdMember.ordinal, HouseholdMember.id)
    )
    return [(member, person) for member, person in session.execute(query)]


def _household(session: Session, tenancy: Tenancy, now: datetime, purposes: Sequence[str]) -> list[dict[str, Any]]:
    members = _members(session, tenancy)
    persons = [person.id for _member, person in members]
    credentials = session.scalars(
        select(CredentialRow).where(CredentialRow.tenancy_id == tenancy.id).order_by(CredentialRow.created_at)
    ).all()
    tokens = [credential.token for credential in credentials]
    states = credential_states(session, tokens)
    shown: dict[str, list[dict[str, str]]] = {}
    for row in session.scalars(select(CredentialIdentifierRow).where(CredentialIdentifierRow.token.in_(tokens))):
        shown.setdefault(row.token, []).append({"type": row.type, "masked": mask_identifier(row.type, row.value)})
    given: dict[str, set[str]] = {}
    for consent in session.scalars(select(Consent).where(Consent.person_id.in_(persons))):
        if consent.granted_at <= now and (consent.withdrawn_at is None or consent.withdrawn_at > now):
            given.setdefault(consent.person_id, set()).add(consent.purpose)
    return [
        {
            "member_id": member.id,
            "person_id": person.id,
            "name": mask_name(person.name),
            "relation": member.relation,
            "relation_zh": RELATIONS_ZH.get(member.relation, "其他"),
            "id_last4": mask_id_number(person.id_number_last4),
            "from_date": member.from_date,
            "to_date": member.to_date,
            "consents": {purpose: purpose in given.get(person.id, set()) for purpose in purposes},
            "credentials": [
                {
                    **_fields(credential, "token label state ended_because"),
                    "identifiers": shown.get(credential.token, []),
                    "devices": [state.as_json() for state in states[credential.token]],
                    "devices_total": len(states[credential.token]),
                    "devices_confirmed": sum(state.state == "confirmed" for state in states[credential.token]),
                }
                for credential in credentials
                if credential.person_id == person.id
            ],
        }
        for member, person in members
    ]


def _meters(session: Session, dwelling_id: str) -> list[dict[str, Any]]:
    items = []
    for meter in session.scalars(select(Meter).where(Meter.dwelling_id == dwelling_id).order_by(Meter.quantity)):
        newest = select(MeterDay).where(MeterDay.meter_id == meter.id).order_by(MeterDay.day.desc()).limit(1)
        last = session.scalar(newest)
        items.append(
            {
                "id": meter.id,
                "quantity": meter.quantity,
                "last_value": last.last_value if last else None,
                "last_at": last.last_at if last else None,
                "ok": bool(last and last.ok_count),
            }
        )
    return items


def reveal(hub: Hub, principal: Principal, dwelling: Dwelling, reason_code: str, reason: str) -> dict[str, Any]:
    """The household unmasked. The look and its audit row are one: without the row nothing is shown."""
    if reason_code not in REVEAL_REASONS or len(reason.strip()) < 4:
        raise BadRequest("请选择查看原因并写明用途（至少4个字），它会记入审计日志。")
    with hub.db.unit_of_work(principal.id, reason.strip()[:500], estate_id=dwelling.estate_id, now=hub.now()) as uow:
        row = Reveal(
            id=new_id("reveal"),
            user_id=principal.id,
            dwelling_id=dwelling.id,
            reason_code=reason_code,
            reason=reason.strip()[:500],
            at=uow.now,
            expires_at=uow.now + REVEAL,
        )
        uow.session.add(row)
        uow.record("person.revealed", dwelling.id, reason_code=reason_code)
        tenancy = current_tenancy(uow.session, dwelling.id)
        household = _unmasked(uow.session, tenancy) if tenancy else []
    return {"id": row.id, "expires_at": row.expires_at, "household": household}


def _unmasked(session: Session, tenancy: Tenancy) -> list[dict[str, Any]]:
    cards: dict[str, list[str]] = {}
    query = (
        select(CredentialRow.person_id, CredentialIdentifierRow.value)
        .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
        .where(CredentialRow.tenancy_id == tenancy.id, CredentialRow.state == "active")
        .where(CredentialIdentifierRow.type == "card")
    )
    for person_id, number in session.execute(query):
        cards.setdefault(person_id or "", []).append(number)
    return [
        {
            "member_id": member.id,
            "name": person.name,
            "id_last4": person.id_number_last4,
            "birth_date": person.birth_date,
            "cards": cards.get(person.id, []),
        }
        for member, person in _members(session, tenancy)
    ]
