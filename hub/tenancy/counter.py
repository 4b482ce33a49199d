"""What people said at the counter against what a feed still carries: a consent taken back is not revived by an old record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.tables import Consent, Person
from hub.tenancy.changes import Known
from hub.tenancy.ledger import BY_PEOPLE, LATER
from hub.tenancy.records import Member, TenancyRecord

TakenBack = Mapping[tuple[str, str], datetime]


def without_withdrawn(session: Session, source: str, records: Sequence[TenancyRecord]) -> list[TenancyRecord]:
    """The records without consents that were given before their withdrawal at the counter; without (a) no photo either."""
    taken_back = withdrawn(session, source)
    return [stripped(record, taken_back) for record in records]


def known_without(known: Mapping[str, Known], taken_back: TakenBack) -> dict[str, Known]:
    """What is known, in the same way: what was told before the withdrawal is no difference to what is told after it."""
    return {key: replace(one, record=stripped(one.record, taken_back)) for key, one in known.items()}


def stripped(record: TenancyRecord, taken_back: TakenBack) -> TenancyRecord:
    """One record without what was taken back since."""
    if not any((m.person_id, p) in taken_back for m in record.members for p in m.consents):
        return record
    return msgspec.structs.replace(record, members=tuple(_member(m, taken_back) for m in record.members))


def _member(member: Member, taken_back: TakenBack) -> Member:
    kept = {
        purpose: given
        for purpose, given in member.consents.items()
        if (member.person_id, purpose) not in taken_back or given.at > taken_back[(member.person_id, purpose)]
    }
    return msgspec.structs.replace(member, consents=kept, photo=member.photo if "a" in kept else None)


def withdrawn(session: Session, source: str) -> dict[tuple[str, str], datetime]:
    """(person id at the source, purpose) → when people last took it back."""
    rows = session.execute(
        select(Person.source_id, Consent.purpose, func.max(LATER))
        .join(Person, Person.id == Consent.person_id)
        .where(Person.source == source, Consent.withdrawn_by.in_(BY_PEOPLE), Consent.withdrawn_at.is_not(None))
        .group_by(Person.source_id, Consent.purpose)
    )
    return {(person, purpose): at for person, purpose, at in rows if at is not None}
