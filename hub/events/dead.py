"""Messages and rows that could not be read or stored: kept (the newest 10,000), counted, shown; the rest went on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hub.tables import DeadLetter

KEEP = 10_000
KEEP_BYTES = 64 * 1024
TRIM_EVERY = 200


def add_dead_letter(
    session: Session, at: datetime, edge_id: str | None, topic: str, error: str, payload: bytes
) -> None:
    """The payload is cut to 64 KiB; `size` says how long it was."""
    letter = DeadLetter(
        at=at,
        edge_id=edge_id,
        topic=_clean(topic)[:500],
        error=_clean(error)[:1000],
        payload=payload[:KEEP_BYTES],
        size=len(payload),
    )
    session.add(letter)
    session.flush()
    if letter.id % TRIM_EVERY == 0:
        newest = session.scalar(select(func.max(DeadLetter.id))) or 0
        session.execute(delete(DeadLetter).where(DeadLetter.id <= newest - KEEP))


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd")
