"""The ledger of consents follows what the records tell. Where records of one person differ, the stricter one holds.

A person may stand in two tenancies (a move, a divorce), or under two records that people confirmed to be one: a purpose is
consented to only where every record that goes on tells so. What was taken back stays in the ledger.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.ids import new_id
from hub.tables import Consent, HouseholdMember, Person, Tenancy
from hub.tenancy import onfile
from hub.tenancy.changes import ENDED
from hub.tenancy.onfile import parts
from hub.tenancy.records import ConsentGiven

BY_PEOPLE = ("desk", "link")  # taken back at the counter, or suspended when two records became one person


def follow(uow: UnitOfWork, person_ids: Collection[str]) -> None:
    """Bring the ledger of these persons (and of their other records) in line with what is told of them now."""
    groups = group_of(uow.session, person_ids)
    for part in parts(sorted(groups)):
        told = _told(uow, part)
        live, taken_back = _live(uow.session, part), withdrawn(uow.session, part)
        fresh: list[dict[str, Any]] = []
        for person in part:
            wanted = _agreed([m for one in groups[person] for m in told.get(one, ())])
            over = taken_back.get(person, {})
            wanted = {p: c for p, c in wanted.items() if p not in over or c.at > over[p]}
            fresh += _settle(uow, person, live.get(person, {}), wanted)
        uow.session.flush()
        if fresh:
            uow.session.execute(insert(Consent), fresh)


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
        rows = uow.session.execute(
            select(HouseholdMember.person_id, HouseholdMember.consents, HouseholdMember.to_date, Tenancy.state)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
            .where(HouseholdMember.person_id.in_(part))
            .order_by(HouseholdMember.id)
        )
        for person, consents, to_date, state in rows:
            if consents is None:
                continue  # written by an older release, which kept them in the ledger only
            over = state == ENDED or (to_date is not None and to_date < today)
            found.setdefault(person, []).append((over, onfile.told(consents)))
    return {
        person: [given for over, given in told if not over] or [given for _, given in told]
        for person, told in found.items()
    }


def _agreed(told: list[dict[str, ConsentGiven]]) -> dict[str, ConsentGiven]:
    """What every record tells; of several the one given last."""
    if not told:
        return {}
    purposes = set(told[0]).intersection(*told[1:])
    return {p: max((one[p] for one in told), key=lambda c: (c.at, c.notice, c.guardian)) for p in sorted(purposes)}


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
        }
        for purpose, given in wanted.items()
    ]


def withdrawn(session: Session, persons: Collection[str]) -> dict[str, dict[str, datetime]]:
    """Person → purpose → when people last took it back: an older word of a record does not revive it."""
    found: dict[str, dict[str, datetime]] = {}
    for part in parts(sorted(persons)):
        rows = session.execute(
            select(Consent.person_id, Consent.purpose, func.max(Consent.withdrawn_at))
            .where(Consent.person_id.in_(part), Consent.withdrawn_by.in_(BY_PEOPLE), Consent.withdrawn_at.is_not(None))
            .group_by(Consent.person_id, Consent.purpose)
        )
        for person, purpose, at in rows:
            if at is not None:
                found.setdefault(person, {})[purpose] = at
    return found
