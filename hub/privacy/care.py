"""Care that has had its time: answered calls, watches that ended with whom to call first, and what was told of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from hub.tables import CareCall, CareWatch, OutboxMessage

KINDS = ("care.asked", "care.answered")


def purge(session: Session, at: datetime, most: int) -> int:
    """Of before `at`, one batch of each kind. How many rows and messages. A watch that goes on keeps its open call."""
    ended = select(CareWatch.id).where(CareWatch.ended_at < at)
    calls = list(
        session.scalars(
            select(CareCall.id).where(or_(CareCall.answered_at < at, CareCall.watch_id.in_(ended))).limit(most)
        )
    )
    session.execute(delete(CareCall).where(CareCall.id.in_(calls)))
    free = CareWatch.id.not_in(select(CareCall.watch_id))
    watches = list(session.scalars(select(CareWatch.id).where(CareWatch.ended_at < at, free).limit(most)))
    session.execute(delete(CareWatch).where(CareWatch.id.in_(watches)))
    told = OutboxMessage.kind.in_(KINDS), OutboxMessage.delivered_at < at, OutboxMessage.body != ""
    messages = list(session.scalars(select(OutboxMessage.id).where(*told).limit(most)))
    session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(messages)).values(body=""))
    return len(calls) + len(watches) + len(messages)
