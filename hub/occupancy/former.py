"""Whose passes at a home are not the present household's: of who lived there before, in other tenancies' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.tables import CredentialRow, HouseholdMember, PassDay, Tenancy


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
