"""How many changes of access one person made in the last hour. Beyond the limit a second person decides (rule N4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.tables import AuditRow

LIMIT = 20
WINDOW = timedelta(hours=1)
COUNTED = frozenset(
    {"pass.issued", "pass.ended", "pass.renewed", "desk.own_request", "desk.lost_card", "desk.restored"}
)
CONFIRMED = "held_action.confirmed"  # two persons stood for these: they are nobody's own haste


def spent(session: Session, actor: str, now: datetime) -> int:
    """Changes of access by this person within the hour, by the audit chain."""
    rows = session.scalars(select(AuditRow.changes).where(AuditRow.actor == actor, AuditRow.at > now - WINDOW))
    count = 0
    for changes in rows:
        whats = [change.get("what") for change in changes]
        if CONFIRMED not in whats:
            count += sum(what in COUNTED for what in whats)
    return count


def exhausted(session: Session, actor: str, now: datetime) -> bool:
    return spent(session, actor, now) >= LIMIT
