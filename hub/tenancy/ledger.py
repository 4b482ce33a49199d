"""The ledger of consents follows what the records tell. Where records of one person differ, the stricter one holds.

A person may stand in two tenancies (a move, a divorce), or under two records that people confirmed to be one: a purpose is
consented to only where every record that goes on tells so. What was taken back stays in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, insert, or_, select
from sqlalchemy.orm import Session

from hub import moved
from hub.db import UnitOfWork
from hub.ids import new_id
from hub.tables import Consent, HouseholdMember, Person, PersonLink, Tenancy
from hub.tenancy import onfile
from hub.tenancy.changes import ENDED
from hub.tenancy.onfile import parts
from hub.tenancy.records import ConsentGiven

MANY = 400  # households of one estate that moved at once: beyond it the estate is looked at as a whole
BY_PEOPLE = ("desk", "link")  # taken back at the counter, or suspended when two records became one person
LATER = case((Consent.granted_at > Consent.withdrawn_at, Consent.granted_at), else_=Consent.withdrawn_at)
"""Also one that was to begin later is taken back: only a newer one than both revives it."""


def follow(uow: UnitOfWork, person_ids: Collection[str]) -> None:
    """Bring the ledger of these persons (and of their other records) in line with what is told of them now.

    Every household of theirs is noted for the publication: a consent, and a card, is the person's wherever he lives.
    """
    groups = group_of(uow.session, person_ids)
    note(uow, _homes(uow.session, groups))
    for part in parts(sorted(groups)):
        told, asked = _told(uow, part), _asked_anew(uow.session, part)
        live, taken_back = _live(uow.session, part), withdrawn(uow.session, part)
        fresh: list[dict[str, Any]] = []
        for person in part:
            wanted = _agreed([m for one in groups[person] for m in told.get(one, ())], asked.get(person))
            over = taken_back.get(person, {})
            wanted = {p: c for p, c in wanted.items() if p not in over or c.at > over[p]}
            fresh += _settle(uow, person, live.get(person, {}), wanted)
        uow.session.flush()
        if fresh:
            uow.session.execute(insert(Consent), fresh)


def _homes(session: Session, people: Collection[str]) -> list[tuple[str, str]]:
    """(estate, tenancy) of every household these people live in."""
    found: set[tuple[str, str]] = set()
    for part in parts(sorted(people)):
        rows = session.execute(
            select(Tenancy.estate_id, Tenancy.id)
            .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
            .where(HouseholdMember.person_id.in_(part), Tenancy.state != ENDED)
        )
        found |= {(estate, tenancy) for estate, tenancy in rows}
    return sorted(found)


def note(uow: UnitOfWork, homes: Collection[tuple[str, str]]) -> None:
    """For the publication: each household; of an estate in which very many moved, the whole of it."""
    by_estate: dict[str, list[str]] = {}
    for estate, tenancy in homes:
        by_estate.setdefault(estate, []).append(tenancy)
    for estate, tenancies in by_estate.items():
        if len(tenancies) > MANY:
            moved.note(uow, estate, moved.EVERYTHING)
        else:
            moved.tenancies(uow, estate, tenancies)


def group_of(session: Session, person_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Person → all records of that human being, for the given ones and for those confirmed to be the same."""
    found: dict[str, tuple[str, ...]] = {}
    for part in parts(sorted(person_ids)):
        rows = session.execute(select(Person.id, Person.same_as).where(Person.id.in_(part)))
        found |= {person: (same or person,) for person, same in rows}
    heads = sorted({heads[0] for heads in found.values()})
    members: dict[str, list[str]] = {head: [] for head in heads}
    for part in parts(heads):
        query = select(Person.id, Person.same_as).where(or_(Person.id.in_(part), Person.same_as.in_(part)))
        for person, same in session.execute(query.order_by(Person.id)):
            members[same or person].append(person)
    return {person: tuple(group) for group in members.values() for person in group}


def _told(uow: UnitOfWork, persons: Collection[str]) -> dict[str, list[dict[str, ConsentGiven]]]:
    """Person → what each of its memberships tells; memberships that are over only where there is no other."""
    groups = group_of(uow.session, persons)
    everyone = sorted({one for group in groups.values() for one in group})
    today = uow.now.date()
    found: dict[str, list[tuple[bool, dict[str, ConsentGiven]]]] = {}
    for part in parts(everyone):
        ledger = _live(uow.session, part)
        rows = uow.session.execute(
            select(HouseholdMember.person_id, HouseholdMember.consents, HouseholdMember.to_date, Tenancy.state)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
            .where(HouseholdMember.person_id.in_(part))
            .order_by(HouseholdMember.id)
        )
        for person, consents, to_date, state in rows:
            if consents is None:  # written by an older release, which kept them in the ledger only
                rows_of = ledger.get(person, {})
                given = {p: ConsentGiven(r.granted_at, r.notice, r.guardian or "") for p, r in rows_of.items()}
            else:
                given = onfile.told(consents)
            over = state == ENDED or (to_date is not None and to_date < today)
            found.setdefault(person, []).append((over, given))
    return {
        person: [given for over, given in told if not over] or [given for _, given in told]
        for person, told in found.items()
    }


def _agreed(told: list[dict[str, ConsentGiven]], asked: datetime | None) -> dict[str, ConsentGiven]:
    """What every record tells, and what any tells of after the person was asked anew; of several the one given last."""
    if not told:
        return {}
    purposes = set(told[0]).intersection(*told[1:])
    if asked is not None:
        purposes |= {p for one in told for p, given in one.items() if given.at > asked}
        told = [one for one in told if one]
    return {
        p: max((one[p] for one in told if p in one), key=lambda c: (c.at, c.notice, c.guardian))
        for p in sorted(purposes)
    }


def _asked_anew(session: Session, persons: Collection[str]) -> dict[str, datetime]:
    """Person → when people confirmed records to be his: what is consented to later was said with that in mind."""
    heads = dict(session.execute(select(Person.id, Person.same_as).where(Person.id.in_(persons))).all())
    found: dict[str, datetime] = {}
    linked = select(PersonLink).where(PersonLink.state == "linked", PersonLink.decided_at.is_not(None))
    if (
        not any(heads.values())
        and session.scalar(select(Person.id).where(Person.same_as.in_(persons)).limit(1)) is None
    ):
        return found
    groups = group_of(session, persons)
    for link in session.scalars(linked.order_by(PersonLink.decided_at)):
        for person, group in groups.items():
            if link.kept in group and link.decided_at is not None:
                found[person] = link.decided_at
    return found


def _live(session: Session, persons: Collection[str]) -> dict[str, dict[str, Consent]]:
    found: dict[str, dict[str, Consent]] = {}
    query = select(Consent).where(Consent.person_id.in_(persons), Consent.withdrawn_at.is_(None))
    for row in session.scalars(query.order_by(Consent.granted_at)):
        found.setdefault(row.person_id, {})[row.purpose] = row
    return found


def _settle(
    uow: UnitOfWork, person: str, live: dict[str, Consent], wanted: dict[str, ConsentGiven]
) -> list[dict[str, Any]]:
    """Withdraw what is no longer given; the rows for what is given now."""
    for purpose, row in live.items():
        given = wanted.get(purpose)
        if given and (given.at, given.notice, given.guardian) == (row.granted_at, row.notice, row.guardian or ""):
            del wanted[purpose]
        else:
            row.withdrawn_at = uow.now
    return [
        {
            "id": new_id("consent"),
            "person_id": person,
            "purpose": purpose,
            "notice": given.notice,
            "granted_at": given.at,
            "withdrawn_at": None,
            "withdrawn_by": "",
            "guardian": given.guardian or None,
            "recorded_at": uow.now,
        }
        for purpose, given in wanted.items()
    ]


def withdrawn(session: Session, persons: Collection[str]) -> dict[str, dict[str, datetime]]:
    """Person → purpose → when people last took it back: an older word of a record does not revive it."""
    found: dict[str, dict[str, datetime]] = {}
    for part in parts(sorted(persons)):
        rows = session.execute(
            select(Consent.person_id, Consent.purpose, func.max(LATER))
            .where(Consent.person_id.in_(part), Consent.withdrawn_by.in_(BY_PEOPLE), Consent.withdrawn_at.is_not(None))
            .group_by(Consent.person_id, Consent.purpose)
        )
        for person, purpose, at in rows:
            if at is not None:
                found.setdefault(person, {})[purpose] = at
    return found
