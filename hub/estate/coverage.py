"""When a device could observe. `insert_change` is pure; the rest reads and writes the `coverage` table.

A device's intervals never overlap. Changes may come in any order: a history import tells of last spring after today is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from hub.tables import Coverage, Device

EDGE_OFFLINE = "edge_offline"
EPOCH_LOST = "epoch_lost"
GAP = "journal_gap"


@dataclass(frozen=True, slots=True)
class Interval:
    """`state` ok, down, propped or clock from `from_at` until `to_at` (None: still)."""

    state: str
    reason: str
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """From `at` on, until the next change known, the device was in `state`."""

    state: str
    reason: str
    at: datetime


def insert_change(intervals: list[Interval], change: Change) -> list[Interval]:
    """(P) The intervals with this change: it ends the interval it falls into and holds until the next one begins.

    A change to the same state is kept as well: a change told later may fall between the two.
    """
    before = [i for i in intervals if i.from_at < change.at]
    after = [i for i in intervals if i.from_at > change.at]
    same_start = next((i for i in intervals if i.from_at == change.at), None)
    until = after[0].from_at if after else None
    if same_start:
        until = same_start.to_at
    elif before and (before[-1].to_at is None or before[-1].to_at > change.at):
        last = before[-1]
        until = last.to_at
        before[-1] = Interval(last.state, last.reason, last.from_at, change.at)
    new = Interval(change.state, change.reason, change.at, until)
    return [*before, new, *after]


def without_open(intervals: list[Interval], reason: str) -> list[Interval]:
    """(P) The last interval is taken away when it is still open for this reason; what it ended goes on."""
    if not intervals or intervals[-1].to_at is not None or intervals[-1].reason != reason:
        return intervals
    gone, rest = intervals[-1], intervals[:-1]
    if rest and rest[-1].to_at == gone.from_at:
        rest = [*rest[:-1], Interval(rest[-1].state, rest[-1].reason, rest[-1].from_at, None)]
    return rest


def covered_seconds(intervals: Iterable[Interval], from_at: datetime, to_at: datetime) -> float:
    """(P) Seconds of [from_at, to_at) in which the device was `ok`."""
    total = 0.0
    for interval in intervals:
        if interval.state == "ok":
            end = min(interval.to_at or to_at, to_at)
            total += max(0.0, (end - max(interval.from_at, from_at)).total_seconds())
    return total


def load(session: Session, device_ids: Iterable[str], since: datetime | None = None) -> dict[str, list[Interval]]:
    """Each device's intervals in order; with `since` only those that reach beyond it."""
    query = select(Coverage).where(Coverage.device_id.in_(list(device_ids))).order_by(Coverage.from_at)
    if since:
        query = query.where((Coverage.to_at.is_(None)) | (Coverage.to_at > since))
    held: dict[str, list[Interval]] = {}
    for row in session.scalars(query):
        held.setdefault(row.device_id, []).append(Interval(row.state, row.reason, row.from_at, row.to_at))
    return held


def apply_changes(session: Session, estate_id: str, changes: dict[str, list[Change]]) -> datetime | None:
    """Write these changes (by device). The earliest moment from which coverage differs now; None: nothing moved."""
    held = load(session, changes)
    moved: list[datetime] = []
    for device_id, wanted in changes.items():
        before = held.get(device_id, [])
        after = before
        for change in sorted(wanted, key=lambda c: c.at):
            after = insert_change(after, change)
        if at := _save(session, estate_id, device_id, before, after):
            moved.append(at)
    return min(moved, default=None)


def edge_lost(session: Session, edge_id: str, estate_id: str, at: datetime, reason: str = EDGE_OFFLINE) -> None:
    """Nobody can say what this edge's devices see now: their intervals end here."""
    devices = list(session.scalars(select(Device.id).where(Device.edge_id == edge_id)))
    known = load(session, devices)
    apply_changes(session, estate_id, {device: [Change("down", reason, at)] for device in known})


def edge_back(session: Session, edge_id: str, estate_id: str) -> datetime | None:
    """The edge is back with the same journal, which holds all it saw meanwhile: the offline intervals are taken away.

    What it did not see stands in the journal as observations and comes with the catch-up.
    """
    devices = list(session.scalars(select(Device.id).where(Device.edge_id == edge_id)))
    moved: list[datetime] = []
    for device_id, before in load(session, devices).items():
        if at := _save(session, estate_id, device_id, before, without_open(before, EDGE_OFFLINE)):
            moved.append(at)
    return min(moved, default=None)


def _save(
    session: Session, estate_id: str, device_id: str, before: list[Interval], after: list[Interval]
) -> datetime | None:
    same = _common(before, after)
    if same == len(before) == len(after):
        return None
    changed = [*before[same:], *after[same:]]
    start = min(interval.from_at for interval in changed)
    session.execute(delete(Coverage).where(Coverage.device_id == device_id, Coverage.from_at >= start))
    session.add_all(
        Coverage(
            estate_id=estate_id, device_id=device_id, state=i.state, reason=i.reason, from_at=i.from_at, to_at=i.to_at
        )
        for i in after
        if i.from_at >= start
    )
    session.flush()
    return start


def _common(before: list[Interval], after: list[Interval]) -> int:
    count = 0
    while count < min(len(before), len(after)) and before[count] == after[count]:
        count += 1
    return count
