"""A person who moved out and about whom nothing is undecided: the record stays as a number, what says who it was goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from hub.occupancy.moved_out import COMPLETED_ON
from hub.privacy.holds import held_dwellings
from hub.tables import (
    CareWatch,
    CredentialIdentifierRow,
    CredentialRow,
    HouseholdMember,
    Person,
    PersonLink,
    Tenancy,
)

GONE = "已删除"


FRESH_DAYS = 30
"""An end that the hub heard of so lately deletes nobody yet, however long ago it was: a wrong one can be taken back."""


def _past(before: date, zone: ZoneInfo, now: datetime) -> Select[Any]:
    """Persons whose every membership ended before this day, with no live credential and no question about who they are.

    A household's ended with its completed move-out; where the decision names no day, when the hub heard of it.
    """
    member = and_(HouseholdMember.person_id == Person.id, Tenancy.id == HouseholdMember.tenancy_id)
    start = datetime.combine(before, time(), zone)
    told = func.coalesce(Tenancy.end_decision[COMPLETED_ON].as_string(), "")
    gone = or_(and_(told != "", told < before.isoformat()), and_(told == "", Tenancy.ended_at < start))
    ended = or_(
        and_(HouseholdMember.to_date.is_not(None), HouseholdMember.to_date < before),
        and_(Tenancy.state == "ended", Tenancy.ended_at < now - timedelta(days=FRESH_DAYS), gone),
    )
    live = and_(CredentialRow.person_id == Person.id, CredentialRow.state == "active")
    asked = and_(or_(PersonLink.kept == Person.id, PersonLink.other == Person.id), PersonLink.state == "asked")
    cared = CareWatch.person_id == Person.id
    return select(Person.id).where(
        Person.erased_at.is_(None),
        exists().where(member),
        ~exists().where(member, ~ended),
        ~exists().where(live),
        ~exists().where(asked),
        ~exists().where(cared),
    )


def _held(now: datetime) -> Any:
    return exists().where(
        HouseholdMember.person_id == Person.id,
        Tenancy.id == HouseholdMember.tenancy_id,
        Tenancy.dwelling_id.in_(held_dwellings(now)),
    )


def due(session: Session, before: date, zone: ZoneInfo, now: datetime, most: int) -> list[str]:
    """Persons whose time has passed."""
    return list(session.scalars(_past(before, zone, now).where(~_held(now)).order_by(Person.id).limit(most)))


def held(session: Session, before: date, zone: ZoneInfo, now: datetime) -> int:
    """How many are kept for a case or an undelivered message."""
    return len(session.scalars(_past(before, zone, now).where(_held(now))).all())


def erase(session: Session, people: Sequence[str], now: datetime) -> None:
    """Name, identity hash, birth date, photo reference and numbers of cards; consents stay as dates without a name."""
    session.execute(
        update(Person)
        .where(Person.id.in_(people))
        .values(name=GONE, id_number_hash=None, id_number_last4="", birth_date=None, source_id=Person.id, erased_at=now)
    )
    session.execute(
        update(HouseholdMember).where(HouseholdMember.person_id.in_(people)).values(offered={}, consents=None)
    )
    tokens = select(CredentialRow.token).where(CredentialRow.person_id.in_(people))
    session.execute(delete(CredentialIdentifierRow).where(CredentialIdentifierRow.token.in_(tokens)))
