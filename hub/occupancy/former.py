"""Whose passes at a home are not the present household's: of who lived there before, in other tenancies' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.occupancy.values import CredentialUse, Household
from hub.tables import CredentialRow, HouseholdMember, PassDay, Tenancy

Uses = Mapping[str, Mapping[date, tuple[CredentialUse, ...]]]
"""By dwelling and day."""


def former_of(session: Session, tenancies: Collection[str]) -> dict[str, frozenset[str]]:
    """Dwelling of each of these tenancies → residents' credentials of other tenancies that passed since its hand-over. A card of
    the same people's own tenancy before (a renewal) is none of them."""
    if not tenancies:
        return {}
    members = select(HouseholdMember.person_id).where(HouseholdMember.tenancy_id == Tenancy.id)
    rows = session.execute(
        select(PassDay.dwelling_id, PassDay.credential)
        .join(Tenancy, Tenancy.dwelling_id == PassDay.dwelling_id)
        .join(CredentialRow, CredentialRow.token == PassDay.credential)
        .where(
            Tenancy.id.in_(tenancies),
            PassDay.day >= Tenancy.handover_at,
            CredentialRow.tenancy_id != Tenancy.id,
            or_(CredentialRow.person_id.is_(None), CredentialRow.person_id.not_in(members)),
        )
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for dwelling, token in rows:
        found[dwelling].add(token)
    return {dwelling: frozenset(tokens) for dwelling, tokens in found.items()}


def without_former(session: Session, households: Mapping[str, Household], found: Uses) -> Uses:
    """These passes without those of who has moved out, from the keys of the present household on: who lived there before, and who
    left it. Their credential was revoked late, or a reader still tells of it: nobody of the household came, and nobody else."""
    asked: dict[str, set[str]] = {}
    for home, household in households.items():
        theirs = {token for member in household.members for token in member.credentials}
        days = found.get(home, {}).items()
        used = {use.credential for day, uses in days if day >= household.begun for use in uses if use.resident}
        if used - theirs:
            asked[home] = used - theirs
    gone = _gone(session, households, asked)
    if not gone:
        return found
    return {
        home: {
            day: tuple(use for use in uses if day < gone.get((home, use.credential), date.max))
            for day, uses in days.items()
        }
        for home, days in found.items()
    }


def _gone(
    session: Session, households: Mapping[str, Household], asked: Mapping[str, set[str]]
) -> dict[tuple[str, str], date]:
    """(Dwelling, credential) → first day on which its holder lives there no more. Of a household that has no keys yet nothing:
    who is still there has not left."""
    if not asked:
        return {}
    held = {
        row.token: row
        for row in session.execute(
            select(
                CredentialRow.token,
                CredentialRow.person_id,
                CredentialRow.tenancy_id,
                Tenancy.dwelling_id,
                Tenancy.state,
            )
            .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
            .where(CredentialRow.token.in_(set().union(*asked.values())), CredentialRow.holder_class == "resident")
        )
    }
    present = [households[home].tenancy_id for home in asked]
    keyless = set(session.scalars(select(Tenancy.id).where(Tenancy.id.in_(present), Tenancy.state == "allocated")))
    last = _last_days(session, present)
    found: dict[tuple[str, str], date] = {}
    for home, tokens in asked.items():
        household = households[home]
        for token in tokens & held.keys():
            row = held[token]
            until = last.get((household.tenancy_id, row.person_id))
            over = row.tenancy_id != household.tenancy_id and (row.state == "ended" or row.dwelling_id != home)
            if until is not None and until < date.max:
                found[home, token] = until + timedelta(days=1)
            elif until is None and over and (household.handover or household.tenancy_id not in keyless):
                found[home, token] = household.begun
    return found


def _last_days(session: Session, tenancies: Collection[str]) -> dict[tuple[str, str], date]:
    """(Tenancy, person) → last day on its register."""
    rows = session.execute(
        select(HouseholdMember.tenancy_id, HouseholdMember.person_id, HouseholdMember.to_date).where(
            HouseholdMember.tenancy_id.in_(tenancies)
        )
    )
    last: dict[tuple[str, str], date] = {}
    for tenancy, person, until in rows:
        last[tenancy, person] = max(last.get((tenancy, person), date.min), until or date.max)
    return last
