"""What people said at the counter against what a feed still carries: a consent taken back is not revived by an old record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.tables import Consent, Person
from hub.tenancy.records import Member, TenancyRecord

DESK = "desk"


def without_withdrawn(session: Session, source: str, records: Sequence[TenancyRecord]) -> list[TenancyRecord]:
    """The records without consents that were given before their withdrawal at the counter; without (a) no photo either."""
    taken_back = _withdrawn(session, source)
    if not taken_back:
        return list(records)
    return [
        msgspec.structs.replace(record, members=tuple(_member(m, taken_back) for m in record.members))
        if any((m.person_id, p) in taken_back for m in record.members for p in m.consents)
        else record
        for record in records
    ]


def _member(member: Member, taken_back: dict[tuple[str, str], datetime]) -> Member:
    kept = {
        purpose: given
        for purpose, given in member.consents.items()
        if (member.person_id, purpose) not in taken_back or given.at > taken_back[(member.person_id, purpose)]
    }
    return msgspec.structs.replace(member, consents=kept, photo=member.photo if "a" in kept else None)


def _withdrawn(session: Session, source: str) -> dict[tuple[str, str], datetime]:
    """(person id at the source, purpose) → when it was last taken back at the counter."""
    rows = session.execute(
        select(Person.source_id, Consent.purpose, func.max(Consent.withdrawn_at))
        .join(Person, Person.id == Consent.person_id)
        .where(Person.source == source, Consent.withdrawn_by == DESK)
        .group_by(Person.source_id, Consent.purpose)
    )
    return {(person, purpose): at for person, purpose, at in rows if at is not None}
