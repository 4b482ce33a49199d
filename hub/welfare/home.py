"""Where a person lives and with whom, by the register, on a day of the estate's own."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from hub.tables import Estate, HouseholdMember, Tenancy


def estate_zone(session: Session, estate_id: str) -> ZoneInfo:
    return ZoneInfo(session.scalars(select(Estate.time_zone).where(Estate.id == estate_id)).one())


def today(session: Session, estate_id: str, now: datetime) -> date:
    """The estate's day at `now`."""
    return now.astimezone(estate_zone(session, estate_id)).date()


def lives(day: date) -> ColumnElement[bool]:
    """Of `HouseholdMember` joined with `Tenancy`: begun, and neither gone nor over. Who is allotted a home has no keys yet."""
    return and_(
        Tenancy.state == "active",
        Tenancy.from_date <= day,
        HouseholdMember.from_date <= day,
        or_(HouseholdMember.to_date.is_(None), HouseholdMember.to_date >= day),
    )


def homes(session: Session, person_id: str, estate_id: str, day: date) -> set[str]:
    """Dwellings of this estate in which the person lives."""
    found = (
        select(Tenancy.dwelling_id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .where(HouseholdMember.person_id == person_id, Tenancy.estate_id == estate_id, lives(day))
    )
    return set(session.scalars(found))


def of_one_person(estate_id: str, day: date) -> Select[str]:
    """Dwellings in which one person lives, and nobody else."""
    return (
        select(Tenancy.dwelling_id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .where(Tenancy.estate_id == estate_id, lives(day))
        .group_by(Tenancy.dwelling_id)
        .having(func.count(HouseholdMember.person_id.distinct()) == 1)
    )


def since(session: Session, person_id: str, dwelling_id: str) -> date | None:
    """The first day on which the person was registered there, in whichever tenancy."""
    first = (
        select(func.min(HouseholdMember.from_date))
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .where(HouseholdMember.person_id == person_id, Tenancy.dwelling_id == dwelling_id)
    )
    return session.scalar(first)
