"""How many changes of access one person made in the last hour. Beyond the limit a second person decides (rule N4).

Counted by who it is (`Principal.id`), over all estates, sessions and names. What two persons stood for is nobody's own haste
and not counted; nor is a right that does not wait (consent taken back).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork, one_at_a_time
from hub.tables import AccessChange

LIMIT = 20
WINDOW = timedelta(hours=1)
CONFIRMED = "held_action.confirmed"


def spent(session: Session, who: str, now: datetime) -> int:
    """Changes of access by this person within the hour."""
    query = select(func.coalesce(func.sum(AccessChange.count), 0))
    return int(session.scalar(query.where(AccessChange.who == who, AccessChange.at > now - WINDOW)) or 0)


def left(session: Session, who: str, now: datetime) -> int:
    return max(0, LIMIT - spent(session, who, now))


def spend(uow: UnitOfWork, who: str, what: str, count: int = 1) -> bool:
    """Counts this change, in the caller's unit of work. False, and nothing is counted, where it is beyond the limit.

    Two sessions of one person come one after the other: on SQLite every writer does, on PostgreSQL by a lock of the person's.
    """
    session = uow.session
    one_at_a_time(session, f"changes of access by {who}")
    if spent(session, who, uow.now) + count > LIMIT:
        return False
    session.execute(delete(AccessChange).where(AccessChange.who == who, AccessChange.at <= uow.now - WINDOW))
    session.add(AccessChange(who=who, at=uow.now, what=what, count=count))
    session.flush()
    return True
