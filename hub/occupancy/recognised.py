"""How many of a block's consenting members its doors recognise: whether somebody who is not seen could have been."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.tables import Consent, CredentialRow, Dwelling, HouseholdMember, PassDay, Tenancy

WITHIN_DAYS = 30
MEMBERS_KNOWN = 20
"""Of fewer members no share is told: one family on holiday would be half of it."""


def share(identified: int, members: int) -> float | None:
    """(P) 0..1; None where too few members consent."""
    return min(1.0, identified / members) if members >= MEMBERS_KNOWN else None


def recognised_of(session: Session, estate_id: str, last: date) -> dict[str, float | None]:
    """Block → share of its members with consent (b) whom doors identified in the last 30 days up to `last`."""
    consented = select(Consent.person_id).where(Consent.purpose == "b", Consent.withdrawn_at.is_(None))
    members = session.execute(
        select(Dwelling.block_id, func.count(HouseholdMember.id.distinct()))
        .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .where(
            Dwelling.estate_id == estate_id,
            Tenancy.state != "ended",
            Tenancy.from_date <= last,
            HouseholdMember.from_date <= last,
            or_(HouseholdMember.to_date.is_(None), HouseholdMember.to_date >= last),
            HouseholdMember.person_id.in_(consented),
        )
        .group_by(Dwelling.block_id)
    )
    seen = session.execute(
        select(Dwelling.block_id, func.count(CredentialRow.person_id.distinct()))
        .join(PassDay, PassDay.dwelling_id == Dwelling.id)
        .join(CredentialRow, CredentialRow.token == PassDay.credential)
        .where(
            Dwelling.estate_id == estate_id,
            PassDay.day > last - timedelta(days=WITHIN_DAYS),
            PassDay.day <= last,
            PassDay.face_consented > 0,
            PassDay.holder_class == "resident",
        )
        .group_by(Dwelling.block_id)
    )
    identified = {block: count for block, count in seen}  # noqa: C416
    return {block: share(identified.get(block, 0), count) for block, count in members}
