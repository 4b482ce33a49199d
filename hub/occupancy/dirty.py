"""Marks that a dwelling's days must be judged again from a day on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Table, bindparam, case, delete, select
from sqlalchemy.orm import Session

from hub.db import upsert
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
    statement = statement.on_conflict_do_update(
        index_elements=["dwelling_id"], set_={"from_day": earlier, "marks": _table.c.marks + 1}
    )
    back = timedelta(days=back_days)
    rows = [{"dwelling_id": dwelling, "from_day": day - back} for dwelling, day in sorted(days.items())]
    session.execute(statement, rows)


def marks_of(session: Session, dwellings: Sequence[str], last: date) -> dict[str, tuple[date, int]]:
    """Dwelling → (first day to judge again, how often it was marked), where that day is `last` or before."""
    rows = session.execute(
        select(DirtyDay.dwelling_id, DirtyDay.from_day, DirtyDay.marks).where(
            DirtyDay.dwelling_id.in_(dwellings), DirtyDay.from_day <= last
        )
    )
    return {dwelling: (day, marks) for dwelling, day, marks in rows}


def take_marks(session: Session, seen: Mapping[str, tuple[date, int]]) -> None:
    """Take marks away, each only if nothing was marked since it was read: that is a mark for the next run."""
    if seen:
        mark = (
            _table.c.dwelling_id == bindparam("home"),
            _table.c.from_day == bindparam("since"),
            _table.c.marks == bindparam("times"),
        )
        rows = [{"home": home, "since": day, "times": marks} for home, (day, marks) in seen.items()]
        session.connection().execute(delete(_table).where(*mark), rows)
