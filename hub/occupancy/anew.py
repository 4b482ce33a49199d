"""Dwellings judged from their whole record: the first time, when something came late, when their memory is not enough.

As a night (`night`, `night_write`): read and judged while everybody may write, and written of each dwelling only if what it was
judged from still stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from hub.occupancy import night
from hub.occupancy.detect import detect
from hub.occupancy.dirty import take_marks
from hub.occupancy.estate_view import EstateView
from hub.occupancy.finding import Finding
from hub.occupancy.former import former_of
from hub.occupancy.life import Life, life_before, life_of
from hub.occupancy.likely import Model
from hub.occupancy.load import load_judged
from hub.occupancy.memory import RecentDays, kept_of
from hub.occupancy.night_write import Known, Standing, known, memory_row, remember, unchanged
from hub.occupancy.pack import Calendar
from hub.occupancy.presence import Memory
from hub.occupancy.quiet import rest_of
from hub.occupancy.rows import presence_row
from hub.occupancy.values import DwellingRecord
from hub.tables import PresenceDay

_Day = tuple[str, float, Any]
"""State, coverage and signals, as a day is kept."""


@dataclass(frozen=True, slots=True)
class Anew:
    """A dwelling's record as it is to be written. `since`: first day that is; `days`: how many were judged; `fresh`: rows of
    those that differ from what is kept, `gone`: days that are kept otherwise. `lives`: of the present tenancy (or the one that
    ended last) first."""

    dwelling: str
    standing: Standing
    since: date
    days: int
    fresh: Sequence[Mapping[str, Any]]
    gone: Sequence[date]
    memory: Mapping[str, Any]
    found: tuple[Finding, ...]
    lives: tuple[Life, ...]

    @property
    def tenancy(self) -> str | None:
        return self.standing.household.tenancy_id if self.standing.household else None


def spend(
    session: Session, view: EstateView, due: Mapping[str, date | None], calendar: Calendar, model: Model
) -> list[Anew]:
    """Judge the records. `due`: dwelling → first day to write (None: all). Reads only."""
    dwellings = list(due)
    now = known(session, view, dwellings)
    begun = [one.tenancy_id for one in now.households.values() if (one.handover or view.first) > view.first]
    former = former_of(session, begun)
    written = _written(session, {home: max(since or view.first, view.first) for home, since in due.items()})
    return [
        _judged(
            record,
            memory,
            now,
            view,
            due[record.dwelling_id],
            written.get(record.dwelling_id, {}),
            former.get(record.dwelling_id, frozenset()),
            calendar,
            model,
        )
        for record, memory in load_judged(session, view, dwellings)
    ]


def _judged(
    given: DwellingRecord,
    memory: Memory,
    now: Known,
    view: EstateView,
    since: date | None,
    written: Mapping[date, _Day],
    former: frozenset[str],
    calendar: Calendar,
    model: Model,
) -> Anew:
    home, kept, standing = given.dwelling_id, kept_of(memory, given.days), now.standing(given.dwelling_id)
    record = replace(given, days=RecentDays.of(kept, len(kept))) if len(kept) == len(given.days) else given
    found = detect(record, view.pack, calendar, model, view.outcomes)
    kept.rest = rest_of(record, view.pack, model, bool(found))
    life = life_of(record, former)
    lives = [life]
    if not night.needs_all(record, kept, found, life, view.pack, model):
        kept.trim()
    if record.household is not None and (left := now.ended.get(home)):
        lives.append(life_before(given, left[1], left[0]))
    rows = [presence_row(home, day, given.outside) for day in given.days if since is None or day.day >= since]
    fresh = [row for row in rows if written.get(row["day"]) != (row["state"], row["coverage"], row["signals"])]
    gone = [row["day"] for row in fresh if row["day"] in written] + [day for day in written if day > view.last]
    packed = memory_row(home, given.household, kept, view.first, view.last)
    return Anew(home, standing, since or date.min, len(rows), fresh, gone, packed, found, tuple(lives))


def _written(session: Session, since: Mapping[str, date]) -> dict[str, dict[date, _Day]]:
    """The days that are kept, from the first on that is looked at."""
    found: dict[str, dict[date, _Day]] = {home: {} for home in since}
    rows = session.execute(
        select(
            PresenceDay.dwelling_id, PresenceDay.day, PresenceDay.state, PresenceDay.coverage, PresenceDay.signals
        ).where(PresenceDay.dwelling_id.in_(list(since)), PresenceDay.day >= min(since.values()))
    )
    for home, day, *kept in rows:
        found[home][day] = (kept[0], kept[1], kept[2])
    return found


def write(session: Session, view: EstateView, judged: Sequence[Anew]) -> tuple[list[Anew], list[str]]:
    """In a unit of work. (what was written, dwellings that are left for the next run). A mark that asks for earlier days than
    were judged stays."""
    written, left = unchanged(session, view, judged)
    marks = {one.dwelling: one.standing.mark for one in written}
    since = {one.dwelling: one.since for one in written}
    connection = session.connection()
    table: Table = PresenceDay.__table__  # type: ignore[assignment]
    if gone := [{"home": one.dwelling, "on": day} for one in written for day in one.gone]:
        same = (table.c.dwelling_id == bindparam("home"), table.c.day == bindparam("on"))
        connection.execute(delete(table).where(*same), gone)
    if fresh := [row for one in written for row in one.fresh]:
        connection.execute(insert(PresenceDay), fresh)
    remember(session, [one.memory for one in written])
    take_marks(session, {home: mark for home, mark in marks.items() if mark is not None and mark[0] >= since[home]})
    return written, left
