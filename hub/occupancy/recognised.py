"""How many of a block's consenting members its doors recognise: whether somebody who is not seen could have been."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import accumulate

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


def recognised_days(session: Session, estate_id: str, first: date, last: date) -> dict[str, list[float | None]]:
    """The same for each day `first`..`last`, of the people who live there now."""
    count = (last - first).days + 1
    members: dict[str, list[int]] = {}
    for block, since, until, granted in session.execute(
        select(Dwelling.block_id, HouseholdMember.from_date, HouseholdMember.to_date, Consent.granted_at)
        .join(Tenancy, Tenancy.dwelling_id == Dwelling.id)
        .join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id)
        .join(Consent, Consent.person_id == HouseholdMember.person_id)
        .where(
            Dwelling.estate_id == estate_id,
            Tenancy.state != "ended",
            Consent.purpose == "b",
            Consent.withdrawn_at.is_(None),
        )
    ):
        begin = max(0, (max(since, granted.date()) - first).days)
        _step(members.setdefault(block, [0] * (count + 1)), begin, count if until is None else (until - first).days + 1)
    rows = session.execute(
        select(Dwelling.block_id, PassDay.credential, PassDay.day)
        .join(Dwelling, Dwelling.id == PassDay.dwelling_id)
        .where(
            Dwelling.estate_id == estate_id,
            PassDay.day > first - timedelta(days=WITHIN_DAYS),
            PassDay.day <= last,
            PassDay.face_consented > 0,
            PassDay.holder_class == "resident",
        )
        .order_by(Dwelling.block_id, PassDay.credential, PassDay.day)
    )
    seen: dict[str, list[int]] = {block: [0] * (count + 1) for block in members}
    before: tuple[str, str, date] | None = None
    for block, credential, day in rows:
        again = before is not None and before[:2] == (block, credential)
        begin = max((day - first).days, (before[2] - first).days + WITHIN_DAYS if again and before else 0, 0)
        if block in seen:
            _step(seen[block], begin, (day - first).days + WITHIN_DAYS)
        before = (block, credential, day)
    return {
        block: [share(got, of) for got, of in zip(_sums(seen[block]), _sums(members[block]), strict=True)]
        for block in members
    }


def _step(change: list[int], begin: int, end: int) -> None:
    """One more in [begin, end) of a list of differences."""
    end = min(end, len(change) - 1)
    if begin < end:
        change[begin] += 1
        change[end] -= 1


def _sums(change: list[int]) -> list[int]:
    return list(accumulate(change))[:-1]
