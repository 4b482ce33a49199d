"""What may not go yet: the records of a dwelling about which people are deciding, or of which the lease system was not told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select, union

from hub.tables import CaseFile, Dwelling, OutboxMessage

MAY_BE_CONTESTED = timedelta(days=183)
"""After a case's end: six months to sue (Administrative Litigation Law art. 46), and its evidence packs are looked at."""


def held_dwellings(now: datetime) -> Select[Any]:
    """Ids of dwellings with an open case, one that may still be contested, or a message that was not delivered."""
    cases = select(CaseFile.dwelling_id).where(
        or_(CaseFile.closed_at.is_(None), CaseFile.closed_at >= now - MAY_BE_CONTESTED)
    )
    untold = select(Dwelling.id).where(
        Dwelling.id.in_(select(OutboxMessage.subject).where(OutboxMessage.delivered_at.is_(None)))
    )
    return select(union(cases, untold).subquery().c[0])
