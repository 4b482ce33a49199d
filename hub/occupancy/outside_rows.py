"""The outside signs of dwellings, loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.occupancy.outside import BEFORE, Sign
from hub.tables import OutsideSign


def signs_of(session: Session, dwellings: Sequence[str], first: date, last: date) -> Mapping[str, tuple[Sign, ...]]:
    """Those that count and speak of `first` (or up to 60 days before) to `last`, by dwelling; the withdrawn are left out."""
    since: date = first - BEFORE - timedelta(days=1)
    rows = session.scalars(
        select(OutsideSign)
        .where(
            OutsideSign.dwelling_id.in_(dwellings),
            OutsideSign.withdrawn_at.is_(None),
            OutsideSign.on <= last,
            or_(OutsideSign.on >= since, OutsideSign.until >= since),
        )
        .order_by(OutsideSign.on, OutsideSign.id)
    )
    found: dict[str, list[Sign]] = defaultdict(list)
    for row in rows:
        found[row.dwelling_id].append(Sign(row.id, row.kind, row.on, row.until, row.anonymous))
    return {dwelling: tuple(signs) for dwelling, signs in found.items()}
