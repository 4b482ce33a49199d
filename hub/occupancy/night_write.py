"""What a night said of its dwellings, written: of each only if what it was judged from still stands.

Between reading and writing nobody is kept from changing anything. A dwelling of which something came meanwhile (a late
pass, another household, a consent, another night) is left as it was: it stays due, and the next run judges what stands then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from hub.db import upsert
from hub.occupancy.dirty import marks_of, take_marks
from hub.occupancy.estate_view import EstateView
from hub.occupancy.finding import Finding
from hub.occupancy.life import Life
from hub.occupancy.load import NEVER_LET, ended_of, households_of
from hub.occupancy.memory import Kept, pack
from hub.occupancy.recognised import Count, keep
from hub.occupancy.values import Household
from hub.tables import DwellingMemory, PresenceDay

_memory: Table = DwellingMemory.__table__  # type: ignore[assignment]
REMEMBERED = ("day", "first_day", "tenancy_id", "begins", "body")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a dwelling's night is judged from, as far as it may change meanwhile. `mark`: what was marked to be judged; daily
    passes and readings never change without. `memory`: digest of its row (empty: none yet). `ended`: day on which it was last
    left, and by which tenancy."""

    mark: tuple[date, int] | None
    memory: bytes
    household: Household | None
    ended: tuple[date, str | None]


class FromStanding(Protocol):
    """What was judged of a dwelling, and from what."""

    @property
    def dwelling(self) -> str:
        """Its id."""
        ...

    @property
    def standing(self) -> Standing:
        """As it was read."""
        ...


Spent = TypeVar("Spent", bound=FromStanding)


@dataclass(frozen=True, slots=True)
class Judged:
    """A dwelling's yesterday as it is to be written. `day`, `memory`: their rows."""

    dwelling: str
    standing: Standing
    day: Mapping[str, Any]
    memory: Mapping[str, Any]
    found: tuple[Finding, ...]
    life: Life | None

    @property
    def tenancy(self) -> str | None:
        return self.standing.household.tenancy_id if self.standing.household else None


@dataclass(frozen=True, slots=True)
class Night:
    """`judged`: with what detection says, and what is proved of tenancies of which something may change. `long_way`: dwelling →
    first day to judge anew from the whole record. `left`: changed before they were read. `counts`: whom the doors recognised."""

    judged: Sequence[Judged]
    long_way: Mapping[str, date]
    left: Sequence[str]
    counts: Mapping[tuple[str, date], Count]


@dataclass(frozen=True, slots=True)
class Known:
    """What stands now of some dwellings. `rows`: their memories; `ended`: of all that once were let."""

    marks: Mapping[str, tuple[date, int]]
    rows: Mapping[str, Any]
    households: Mapping[str, Household]
    ended: Mapping[str, tuple[date, str]]

    def standing(self, dwelling: str) -> Standing:
        row, left = self.rows.get(dwelling), self.ended.get(dwelling, NEVER_LET)
        return Standing(self.marks.get(dwelling), _digest(row), self.households.get(dwelling), left)

    def only_last(self, dwelling: str, last: date) -> bool:
        """Its memory reaches the day before `last`, and nothing came late."""
        mark, row = self.marks.get(dwelling), self.rows.get(dwelling)
        return row is not None and row.day == last - timedelta(days=1) and (mark is None or mark[0] == last)


def known(session: Session, view: EstateView, dwellings: Sequence[str], *, lock: bool = False) -> Known:
    """Marks are read first: what is marked after that is seen when it is written. `lock`: nobody else writes these memories
    before the end of the unit of work (SQLite has one writer in any case)."""
    marks = marks_of(session, dwellings, view.last)
    table = DwellingMemory
    rows = (
        select(table.dwelling_id, table.day, table.first_day, table.tenancy_id, table.begins, table.body)
        .where(table.dwelling_id.in_(dwellings))
        .order_by(table.dwelling_id)
    )
    held = {row.dwelling_id: row for row in session.execute(rows.with_for_update() if lock else rows)}
    return Known(marks, held, households_of(session, view, dwellings), ended_of(session, view.zone, dwellings))


def _digest(row: Any) -> bytes:
    if row is None:
        return b""
    text = f"{row.day}|{row.first_day}|{row.tenancy_id}|{row.begins}|".encode()
    return hashlib.blake2b(text + row.body, digest_size=16).digest()


def write(session: Session, view: EstateView, night: Night) -> tuple[list[Judged], list[str]]:
    """In a unit of work. (what was written, dwellings that are left for the next run)."""
    keep(session, night.counts)
    written, left = unchanged(session, view, night.judged)
    if written:
        session.connection().execute(insert(PresenceDay), [one.day for one in written])
        remember(session, [one.memory for one in written])
        take_marks(session, {one.dwelling: one.standing.mark for one in written if one.standing.mark is not None})
    return written, [*night.left, *left]


def unchanged(session: Session, view: EstateView, judged: Sequence[Spent]) -> tuple[list[Spent], list[str]]:
    """(those of which what they were judged from still stands, dwellings of the others). Until the end of the unit of work nobody
    else writes their memories."""
    now = known(session, view, [one.dwelling for one in judged], lock=True)
    same = [one for one in judged if now.standing(one.dwelling) == one.standing]
    kept = {one.dwelling for one in same}
    return same, [one.dwelling for one in judged if one.dwelling not in kept]


def memory_row(
    dwelling: str, household: Household | None, kept: Kept, first_day: date, last: date
) -> Mapping[str, Any]:
    """What is kept of a dwelling after its day `last`. `first_day`: of its record."""
    return {
        "dwelling_id": dwelling,
        "day": last,
        "first_day": first_day,
        "tenancy_id": household.tenancy_id if household else None,
        "begins": household.first if household else None,
        "body": pack(kept),
    }


def remember(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep memories for the next night."""
    if not rows:
        return
    statement = upsert(session, _memory)
    statement = statement.on_conflict_do_update(
        index_elements=["dwelling_id"], set_={name: statement.excluded[name] for name in REMEMBERED}
    )
    session.connection().execute(statement, rows)
