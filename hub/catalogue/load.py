"""Reads what the smaller rules look at, a batch of dwellings at a time. Only reads; faces without consent (b) are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.catalogue.homes import Home
from hub.catalogue.values import CardPass, GuestUse, MemberUse
from hub.consents import Given, spans
from hub.occupancy.catalogue import SAME_QUESTION
from hub.occupancy.finding import Kind
from hub.occupancy.load import ADULT_YEARS
from hub.occupancy.outside_rows import signs_of
from hub.occupancy.runs import looks_like_leak
from hub.tables import (
    Absence,
    AccessPass,
    AccessPoint,
    CaseFile,
    Consent,
    Coverage,
    CredentialIdentifierRow,
    CredentialRow,
    EventRow,
    Finding,
    HouseholdMember,
    PassDay,
    Person,
    PresenceDay,
    Tenancy,
)

LONG, MONTH, FORTNIGHT, WEEK = 60, 30, 14, 7
USUAL = 150
BUSY_PASSES, BUSY_DAYS = 6, 3
"""Only of a card that passes so often a day on so many days are single passes looked at (C): it keeps a night small."""


def homes(session: Session, estate_id: str, zone: ZoneInfo, dwellings: Sequence[str], today: date) -> list[Home]:
    """The homes of a batch as of the end of `today`."""
    tenancies = _tenancies(session, dwellings, today)
    members = _members(session, [row.id for row in tenancies.values()], today)
    guests, issued, former = _guests(session, dwellings, today)
    cards = _cards(session, dwellings, zone, today)
    states, water = _days(session, dwellings, today)
    signs = signs_of(session, dwellings, today - timedelta(days=400), today)
    rules = _rules(session, dwellings)
    shown = _shown(session, estate_id, dwellings, zone, today)
    away, asked = _declared(session, dwellings, today), _asked(session, dwellings, today, zone)
    sound = not _clock_trouble(session, estate_id, zone, today)
    found = []
    for dwelling in dwellings:
        tenancy = tenancies.get(dwelling)
        mine, count = members.get(tenancy.id, ((), 0)) if tenancy else ((), 0)
        recent, usual = water.get(dwelling, ([], []))
        found.append(
            Home(
                dwelling_id=dwelling,
                tenancy_id=tenancy.id if tenancy else None,
                today=today,
                lease_end=tenancy.to_date if tenancy and tenancy.state == "active" else None,
                members=tuple(mine),
                registered=count,
                guests=tuple(guests.get(dwelling, ())),
                issued=tuple(issued.get(dwelling, ())),
                cards=tuple(cards.get(dwelling, ())),
                clocks_sound=sound,
                days_at_home=states.get((dwelling, "present"), 0),
                days_unknown=LONG - sum(n for (home, state), n in states.items() if home == dwelling and state != "unknown"),
                water_share=fmean(recent) / fmean(usual) if len(recent) > 20 and len(usual) > 30 and fmean(usual) else None,
                leak=looks_like_leak(list(recent)),
                declared=dwelling in away,
                asked=asked[dwelling],
                signs=signs.get(dwelling, ()),
                rules=tuple(rules.get(dwelling, ())),
                shown=tuple(shown.get(dwelling, ())),
                former_passes=frozenset(former.get(dwelling, ())),
            )
        )  # fmt: skip
    return found


def _tenancies(session: Session, dwellings: Sequence[str], today: date) -> dict[str, Any]:
    rows = session.execute(
        select(Tenancy.id, Tenancy.dwelling_id, Tenancy.state, Tenancy.to_date)
        .where(Tenancy.dwelling_id.in_(dwellings), Tenancy.state != "ended", Tenancy.from_date <= today)
        .order_by(Tenancy.from_date)
    )
    return {row.dwelling_id: row for row in rows}


def _members(session: Session, tenancies: Sequence[str], today: date) -> dict[str, tuple[list[MemberUse], int]]:
    """Tenancy → (its adults with something that opens doors, how many are registered)."""
    grown = today.replace(year=today.year - ADULT_YEARS, day=min(today.day, 28))
    rows = session.execute(
        select(HouseholdMember.id, HouseholdMember.tenancy_id, HouseholdMember.person_id, Person.birth_date)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(
            HouseholdMember.tenancy_id.in_(tenancies),
            HouseholdMember.from_date <= today,
            or_(HouseholdMember.to_date.is_(None), HouseholdMember.to_date >= today),
        )
        .order_by(HouseholdMember.id)
    ).all()
    people = [row.person_id for row in rows]
    begin = datetime.combine(today - timedelta(days=LONG), time(), UTC)
    of_people = select(Consent.person_id).where(Consent.person_id.in_(people))
    given: dict[str, list[Given]] = defaultdict(list)
    for person, at, until, came in session.execute(
        select(Consent.person_id, Consent.granted_at, Consent.withdrawn_at, Consent.recorded_at).where(
            Consent.person_id.in_(people), Consent.purpose == "b"
        )
    ):
        given[person].append(Given(at, until, came))
    consented = {  # on every day that is looked at
        person for person, of in given.items() if any(since <= begin and until is None for since, until in spans(of))
    }
    by_face = set(  # may have come by face on one of them, whatever he has now
        session.scalars(
            of_people.where(Consent.purpose == "a", or_(Consent.withdrawn_at.is_(None), Consent.withdrawn_at > begin))
        )
    )
    tokens: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for held in session.execute(
        select(CredentialRow.token, CredentialRow.tenancy_id, CredentialRow.person_id, CredentialRow.created_at).where(
            CredentialRow.tenancy_id.in_(tenancies), CredentialRow.state == "active"
        )
    ):
        tokens[held.tenancy_id or "", held.person_id or ""].append(held)
    known = [one.token for own in tokens.values() for one in own]
    faces = set(
        session.scalars(
            select(CredentialIdentifierRow.token).where(
                CredentialIdentifierRow.token.in_(known), CredentialIdentifierRow.type == "face"
            )
        )
    )
    seen = dict(
        session.execute(
            select(PassDay.credential, func.max(PassDay.day))
            .where(PassDay.credential.in_(known), PassDay.face_consented + PassDay.other > 0, PassDay.day <= today)
            .group_by(PassDay.credential)
        ).all()
    )
    found: dict[str, tuple[list[MemberUse], int]] = {}
    for row in rows:
        mine, count = found.get(row.tenancy_id, ([], 0))
        own = tokens.get((row.tenancy_id, row.person_id), [])
        if own and (row.birth_date is None or row.birth_date <= grown):
            dates = [seen[one.token] for one in own if one.token in seen]
            face = row.person_id in by_face or any(one.token in faces for one in own)
            lawful = row.person_id in consented or not face
            mine.append(MemberUse(row.id, min(one.created_at for one in own).date(), max(dates, default=None), lawful))
        found[row.tenancy_id] = (mine, count + 1)
    return found


def _guests(
    session: Session, dwellings: Sequence[str], today: date
) -> tuple[dict[str, list[GuestUse]], dict[str, list[date]], dict[str, set[str]]]:
    """(days of guests' passes, days on which passes were issued, passes of people who lived there before) by dwelling."""
    uses: dict[str, list[GuestUse]] = defaultdict(list)
    for row in session.execute(
        select(PassDay.dwelling_id, PassDay.credential, PassDay.day, PassDay.late, AccessPass.kind)
        .join(AccessPass, AccessPass.token == PassDay.credential)
        .where(PassDay.dwelling_id.in_(dwellings), PassDay.day > today - timedelta(days=LONG), PassDay.day <= today)
        .where(PassDay.other > 0)
        .order_by(PassDay.day, PassDay.credential)
    ):
        uses[row.dwelling_id].append(GuestUse(row.credential, row.kind, row.day, row.late > 0))
    issued: dict[str, list[date]] = defaultdict(list)
    former: dict[str, set[str]] = defaultdict(set)
    was = select(HouseholdMember.person_id, Tenancy.dwelling_id).join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
    gone = set(session.execute(was.where(Tenancy.dwelling_id.in_(dwellings), Tenancy.state == "ended")).all())
    for one in session.execute(
        select(
            AccessPass.host_dwelling_id,
            AccessPass.issued_at,
            AccessPass.token,
            AccessPass.kind,
            CredentialRow.person_id,
        )
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .where(AccessPass.host_dwelling_id.in_(dwellings))
        .where(AccessPass.issued_at > datetime.combine(today - timedelta(days=LONG), time(), UTC))
    ):
        if one.kind == "visitor":
            issued[one.host_dwelling_id or ""].append(one.issued_at.date())
        if (one.person_id, one.host_dwelling_id) in gone:
            former[one.host_dwelling_id or ""].add(one.token)
    return uses, issued, former


def _cards(session: Session, dwellings: Sequence[str], zone: ZoneInfo, today: date) -> dict[str, list[CardPass]]:
    first = today - timedelta(days=FORTNIGHT - 1)
    busy = session.scalars(
        select(PassDay.credential)
        .where(PassDay.dwelling_id.in_(dwellings), PassDay.day.between(first, today), PassDay.other >= BUSY_PASSES)
        .group_by(PassDay.credential)
        .having(func.count() >= BUSY_DAYS)
    ).all()
    if not busy:
        return {}
    points = {row.id: row for row in session.execute(select(AccessPoint.id, AccessPoint.door_id, AccessPoint.side))}
    found: dict[str, list[CardPass]] = defaultdict(list)
    for row in session.execute(
        select(EventRow.dwelling_id, EventRow.credential, EventRow.access_point_id, EventRow.at)
        .where(
            EventRow.dwelling_id.in_(dwellings),
            EventRow.at >= _start(first, zone),
            EventRow.credential.in_(busy),
            EventRow.kind == "access",
            EventRow.outcome.in_(("granted", "taken")),
            EventRow.identifier.in_(("card", "qr", "id_card", "pin")),
            EventRow.late.is_(False),
        )
        .order_by(EventRow.at)
    ):
        if point := points.get(row.access_point_id or ""):
            found[row.dwelling_id or ""].append(CardPass(row.credential or "", point.door_id, point.side, row.at))
    return found


def _days(
    session: Session, dwellings: Sequence[str], today: date
) -> tuple[dict[tuple[str, str], int], dict[str, tuple[list[float], list[float]]]]:
    """((dwelling, state) → days of the last 60; dwelling → water of the last 30 days and of the usual ones before)."""
    states: dict[tuple[str, str], int] = {}
    for dwelling, state, count in session.execute(
        select(PresenceDay.dwelling_id, PresenceDay.state, func.count())
        .where(PresenceDay.dwelling_id.in_(dwellings), PresenceDay.day > today - timedelta(days=LONG))
        .where(PresenceDay.day <= today)
        .group_by(PresenceDay.dwelling_id, PresenceDay.state)
    ):
        states[dwelling, state] = count
    with_guests = session.scalars(
        select(PassDay.dwelling_id)
        .where(PassDay.dwelling_id.in_(dwellings), PassDay.day > today - timedelta(days=MONTH))
        .where(PassDay.holder_class != "resident")
        .distinct()
    ).all()
    water: dict[str, tuple[list[Any], list[Any]]] = {}
    for dwelling, day, signals in session.execute(
        select(PresenceDay.dwelling_id, PresenceDay.day, PresenceDay.signals)
        .where(PresenceDay.dwelling_id.in_(with_guests), PresenceDay.day > today - timedelta(days=USUAL))
        .where(PresenceDay.day <= today)
    ):
        if (value := signals.get("water")) is not None:
            recent = day > today - timedelta(days=MONTH)
            water.setdefault(dwelling, ([], []))[0 if recent else 1].append(float(value))
    return states, water


def _rules(session: Session, dwellings: Sequence[str]) -> dict[str, list[tuple[str, date]]]:
    found: dict[str, list[tuple[str, date]]] = defaultdict(list)
    for dwelling, rule, last in session.execute(
        select(Finding.dwelling_id, Finding.rule, Finding.window_to).where(
            Finding.dwelling_id.in_(dwellings), Finding.kind.in_(list(Kind)), Finding.closed_at.is_(None)
        )
    ):
        found[dwelling].append((rule, last))
    return found


def _shown(
    session: Session, estate_id: str, dwellings: Sequence[str], zone: ZoneInfo, today: date
) -> dict[str, list[tuple[str, date]]]:
    """Ended credentials of ended tenancies that were held to a reader in the last week, by their old home."""
    rows = session.execute(
        select(CredentialRow.dwelling_id, EventRow.credential, EventRow.at)
        .join(CredentialRow, CredentialRow.token == EventRow.credential)
        .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        .where(
            EventRow.estate_id == estate_id,
            EventRow.at >= _start(today - timedelta(days=WEEK - 1), zone),
            EventRow.kind == "access",
            EventRow.outcome == "denied",
            # a terminal may know a former tenant's face: nobody counts it
            EventRow.identifier.is_distinct_from("face"),
            CredentialRow.dwelling_id.in_(dwellings),
            CredentialRow.state == "ended",
            Tenancy.state == "ended",
        )
    )
    found: dict[str, list[tuple[str, date]]] = defaultdict(list)
    for dwelling, token, at in rows:
        found[dwelling or ""].append((token or "", at.astimezone(zone).date()))
    return found


def _declared(session: Session, dwellings: Sequence[str], today: date) -> set[str]:
    since = today - timedelta(days=45)
    return set(
        session.scalars(
            select(Absence.dwelling_id).where(
                Absence.dwelling_id.in_(dwellings),
                Absence.from_date <= today,
                or_(Absence.to_date.is_(None), Absence.to_date >= since),
            )
        )
    )


def _asked(session: Session, dwellings: Sequence[str], today: date, zone: ZoneInfo) -> defaultdict[str, frozenset[str]]:
    """Kinds of cases by dwelling. Of the household of today; who lived there before was somebody else."""
    lately = or_(CaseFile.closed_at.is_(None), CaseFile.quiet_until >= _start(today, zone))
    lives = select(Tenancy.id).where(Tenancy.dwelling_id.in_(dwellings), Tenancy.state != "ended")
    rows = select(CaseFile.dwelling_id, CaseFile.kind).where(
        CaseFile.dwelling_id.in_(dwellings),
        CaseFile.tenancy_id.in_(lives),
        CaseFile.kind.in_({Kind.SUBLET, *SAME_QUESTION}),
        lately,
    )
    asked: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for dwelling, kind in session.execute(rows):
        asked[dwelling] |= {kind}
    return asked


def _clock_trouble(session: Session, estate_id: str, zone: ZoneInfo, today: date) -> bool:
    since = _start(today - timedelta(days=FORTNIGHT - 1), zone)
    trouble = select(Coverage.id).where(
        Coverage.estate_id == estate_id,
        Coverage.state == "clock",
        or_(Coverage.to_at.is_(None), Coverage.to_at > since),
    )
    return session.scalar(trouble.limit(1)) is not None


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
