"""Marks that a dwelling's days must be judged again from a day on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import Table, case
from sqlalchemy.orm import Session

from hub.occupancy.rows import upsert
from hub.tables import DirtyDay

_table: Table = DirtyDay.__table__  # type: ignore[assignment]


def mark_dirty(session: Session, days: Mapping[str, date], *, back_days: int = 0) -> None:
    """Dwelling id → first day to judge again (`back_days` earlier); an earlier mark stays."""
    if not days:
        return
    statement = upsert(session, _table)
    earlier = case(
        (statement.excluded.from_day < _table.c.from_day, statement.excluded.from_day), else_=_table.c.from_day
    )
    statement = statement.on_conflict_do_update(index_elements=["dwelling_id"], set_={"from_day": earlier})
    back = timedelta(days=back_days)
    rows = [{"dwelling_id": dwelling, "from_day": day - back} for dwelling, day in sorted(days.items())]
    session.execute(statement, rows)
