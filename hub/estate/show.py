"""Open consoles see a dwelling's status move, whatever moved it: a tenancy, a repair, a case."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.estate.views import both_statuses
from hub.live import PLAIN
from hub.services import Hub
from hub.tables import AuditRow, Estate

Seen = dict[str, tuple[str, str]]
"""Dwelling id → its status, and its status for those who may not see cases."""


class DwellingStatuses:
    """One a server. `run` is a job: every change of a status has an audit row, so where there is none nothing is read."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}
        self._up_to: int | None = None

    def run(self, hub: Hub) -> str:
        """Emits what moved since the last run; the first run only looks."""
        with hub.db.reading() as session:
            newest = session.scalar(select(func.max(AuditRow.id))) or 0
            touched = _touched(session, self._up_to, newest)
            now = {estate: _look(session, estate) for estate in touched}
        moved = 0
        for estate_id, seen in now.items():
            before = self._seen.get(estate_id)
            self._seen[estate_id] = seen
            if before is None:
                continue
            for dwelling, (status, plain) in seen.items():
                old = before.get(dwelling, ("", ""))
                if old != (status, plain):
                    shown = {"status": plain} if old[1] != plain else None
                    hub.live.emit(estate_id, "dwellings", {"id": dwelling, "status": status, PLAIN: shown})
                    moved += 1
        self._up_to = newest
        return f"{moved} dwellings moved"


def _touched(session: Session, up_to: int | None, newest: int) -> list[str]:
    """Estates whose dwellings may have moved. A change that names no estate may concern any."""
    every = select(Estate.id).order_by(Estate.id)
    if up_to == newest:
        return []
    if up_to is None:
        return list(session.scalars(every))
    named = session.scalars(select(AuditRow.estate_id).where(AuditRow.id > up_to).distinct()).all()
    return list(session.scalars(every)) if None in named else sorted(str(id) for id in named)


def _look(session: Session, estate_id: str) -> Seen:
    return {id: (full, plain) for id, (full, plain, _known) in both_statuses(session, estate_id).items()}
