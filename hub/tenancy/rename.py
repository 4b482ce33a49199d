"""A household under the numbers its source uses now, once two persons confirmed that it is the same. Access does not move."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, update

from hub.db import UnitOfWork
from hub.tables import CredentialRow, Dwelling, HouseholdMember, Person, Tenancy
from hub.tenancy.changes import ENDED, HeldHousehold


def rename(uow: UnitOfWork, source: str, households: Iterable[HeldHousehold]) -> int:
    """How many. The tenancy's version starts anew: the numbers of before are not those of the new ones."""
    done = 0
    for one in households:
        number = one.becomes if one.of_source else one.tenancy
        row = _tenancy(uow, one, source)
        if row is None:
            continue
        before = f"{row.source}:{row.source_id}"
        if (row.source, row.source_id) != (source, one.becomes):
            row.source, row.source_id = source, one.becomes
        row.version = row.seen_version = 0
        uow.session.flush()
        for new, old in one.people:
            _person(uow, row, source, new, old)
        uow.record("tenancy.renamed", number, before=before, now=one.becomes, persons=len(one.people))
        done += 1
    return done


def _tenancy(uow: UnitOfWork, one: HeldHousehold, source: str) -> Tenancy | None:
    """The tenancy that gets the new number; None where it is taken or gone since."""
    session = uow.session
    if not one.of_source:
        taken = one.becomes != one.tenancy and _of(uow, source, one.becomes) is not None
        return None if taken else _of(uow, source, one.tenancy)
    if _of(uow, source, one.becomes) is not None:
        return None
    query = (
        select(Tenancy)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .where(Tenancy.source == one.of_source, Tenancy.state != ENDED, Dwelling.code == one.dwelling_code)
    )
    return session.scalars(query.order_by(Tenancy.from_date, Tenancy.id)).first()


def _of(uow: UnitOfWork, source: str, number: str) -> Tenancy | None:
    return uow.session.scalar(select(Tenancy).where(Tenancy.source == source, Tenancy.source_id == number))


def _person(uow: UnitOfWork, tenancy: Tenancy, source: str, new: str, old: str) -> None:
    """The member called `old` is called `new`. Where the source has told of `new` elsewhere, that person lives here."""
    session = uow.session
    member = session.execute(
        select(HouseholdMember, Person)
        .join(Person, Person.id == HouseholdMember.person_id)
        .where(HouseholdMember.tenancy_id == tenancy.id, Person.source_id == old)
    ).first()
    if member is None:
        return
    row, person = member
    other = session.scalar(select(Person).where(Person.source == source, Person.source_id == new))
    if other is None:
        person.source, person.source_id = source, new
        session.flush()
        return
    here = select(HouseholdMember.id).where(
        HouseholdMember.tenancy_id == tenancy.id, HouseholdMember.person_id == other.id
    )
    if session.scalar(here) is not None:
        return  # already a member by the new number: an addition of the days between
    row.person_id = other.id
    mine = (CredentialRow.tenancy_id == tenancy.id, CredentialRow.person_id == person.id)
    session.execute(update(CredentialRow).where(*mine).values(person_id=other.id))
    session.flush()
