"""Tenancies as the hub has them, as values for `diff`: few queries, whatever the number of households."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import and_, distinct, func, select
from sqlalchemy.orm import Session

from hub.tables import Consent, Dwelling, Estate, HouseholdLoss, HouseholdMember, Person, Tenancy
from hub.tenancy.changes import ENDED, Known, Limits
from hub.tenancy.records import ConsentGiven, EndDecision, Member, Photo, TenancyRecord

_IN = 500  # ids in one IN clause


@dataclass(frozen=True, slots=True)
class Place:
    """What a house code stands for."""

    dwelling_id: str
    estate_id: str
    zone: str
    number: str


def places(session: Session) -> dict[str, Place]:
    """House code → place, of all estates."""
    rows = session.execute(
        select(Dwelling.code, Dwelling.id, Dwelling.estate_id, Estate.time_zone, Dwelling.number).join(
            Estate, Estate.id == Dwelling.estate_id
        )
    )
    return {code: Place(dwelling, estate, zone, number) for code, dwelling, estate, zone, number in rows}


def known(session: Session, source: str, ids: Collection[str] | None = None) -> dict[str, Known]:
    """Tenancies of a source by their id there: all, or those of `ids` and those that carry a decision but go on."""
    query = select(Tenancy, Dwelling.code).join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
    query = query.where(Tenancy.source == source)
    if ids is None:
        rows = list(session.execute(query))
    else:
        rows = list(session.execute(query.where(and_(Tenancy.state != ENDED, Tenancy.end_decision.is_not(None)))))
        have = {tenancy.source_id for tenancy, _ in rows}
        for part in parts(sorted(set(ids) - have)):
            rows += session.execute(query.where(Tenancy.source_id.in_(part)))
    members = _members(session, source, None if ids is None else [t.id for t, _ in rows])
    return {
        t.source_id: Known(_record(t, code, members.get(t.id, ())), t.estate_id, source, t.seen_version)
        for t, code in rows
    }


def residents(session: Session, codes: Collection[str]) -> dict[str, list[Known]]:
    """House code → the live tenancies there, of all sources, oldest first."""
    query = select(Tenancy, Dwelling.code).join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
    query = query.where(Tenancy.state != ENDED).order_by(Tenancy.from_date, Tenancy.id)
    rows = [row for part in parts(sorted(codes)) for row in session.execute(query.where(Dwelling.code.in_(part)))]
    members = _members(session, None, [t.id for t, _ in rows])
    found: dict[str, list[Known]] = {}
    for tenancy, code in rows:
        record = _record(tenancy, code, members.get(tenancy.id, ()))
        found.setdefault(code, []).append(Known(record, tenancy.estate_id, tenancy.source))
    return found


def _record(tenancy: Tenancy, code: str, members: Sequence[Member]) -> TenancyRecord:
    decision = tenancy.end_decision
    return TenancyRecord(
        id=tenancy.source_id,
        version=tenancy.version,
        state=tenancy.state,
        dwelling_code=code,
        from_date=tenancy.from_date,
        to_date=tenancy.to_date,
        handover_at=tenancy.handover_at,
        expected_members=tenancy.expected_members,
        end_decision=None if decision is None else msgspec.convert(decision, EndDecision),
        members=tuple(members),
    )


def _members(session: Session, source: str | None, tenancy_ids: list[str] | None) -> dict[str, list[Member]]:
    base = (
        select(HouseholdMember, Person)
        .join(Person, Person.id == HouseholdMember.person_id)
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .order_by(HouseholdMember.ordinal, HouseholdMember.id)
    )
    if source is not None:
        base = base.where(Tenancy.source == source)
    queries = [base] if tenancy_ids is None else [base.where(Tenancy.id.in_(p)) for p in parts(tenancy_ids)]
    rows = [row for query in queries for row in session.execute(query)]
    consents = _consents(session, [person.id for _, person in rows])
    found: dict[str, list[Member]] = {}
    for member, person in rows:
        photo, lease_end = member.offered.get("photo"), member.offered.get("lease_end")
        found.setdefault(member.tenancy_id, []).append(
            Member(
                person_id=person.source_id,
                name=person.name,
                relation=member.relation,
                from_date=member.from_date,
                to_date=member.to_date,
                birth_date=person.birth_date,
                id_hash=person.id_number_hash or "",
                id_last4=person.id_number_last4,
                cards=tuple(member.offered.get("cards", ())),
                photo=Photo(**photo) if photo else None,
                consents=consents.get(person.id, {}) if member.consents is None else told(member.consents),
                lease_end=date.fromisoformat(lease_end) if lease_end else None,
            )
        )
    return found


def told(consents: dict[str, Any]) -> dict[str, ConsentGiven]:
    """What one record tells of consents; another record of the same person may tell less."""
    return {purpose: msgspec.convert(given, ConsentGiven) for purpose, given in consents.items()}


def _consents(session: Session, person_ids: list[str]) -> dict[str, dict[str, ConsentGiven]]:
    found: dict[str, dict[str, ConsentGiven]] = {}
    for part in parts(sorted(set(person_ids))):
        live = select(Consent).where(Consent.person_id.in_(part), Consent.withdrawn_at.is_(None))
        for row in session.scalars(live.order_by(Consent.granted_at)):
            given = ConsentGiven(row.granted_at, row.notice, row.guardian or "")
            found.setdefault(row.person_id, {})[row.purpose] = given
    return found


def live_counts(session: Session) -> dict[str, int]:
    """Estate → tenancies that have not ended."""
    rows = session.execute(
        select(Tenancy.estate_id, func.count()).where(Tenancy.state != ENDED).group_by(Tenancy.estate_id)
    )
    return dict(rows.all())


DAY, WEEK = timedelta(hours=24), timedelta(days=7)


def recent_losses(session: Session, now: datetime, window: timedelta = DAY) -> dict[str, int]:
    """Estate → households that lost something within the window, by whatever source; without those people had let pass."""
    query = (
        select(HouseholdLoss.estate_id, func.count(distinct(HouseholdLoss.tenancy_id)))
        .where(HouseholdLoss.at > now - window, HouseholdLoss.at <= now, HouseholdLoss.excused.is_(False))
        .group_by(HouseholdLoss.estate_id)
    )
    return dict(session.execute(query).all())


def limits(session: Session) -> dict[str, Limits]:
    """Each estate's brake: `policy["brake"]` {share, households, floor}, with the defaults for what it does not say."""
    return {estate: _limits(policy) for estate, policy in session.execute(select(Estate.id, Estate.policy))}


def _limits(policy: dict[str, Any]) -> Limits:
    """What cannot be read as a limit is the default: a slip in a policy must not loosen the brake."""
    try:
        return msgspec.convert(policy.get("brake") or {}, Limits)
    except msgspec.ValidationError:
        return Limits()


def parts(ids: Sequence[str]) -> list[Sequence[str]]:
    """In pieces for an IN clause."""
    return [ids[i : i + _IN] for i in range(0, len(ids), _IN)]
