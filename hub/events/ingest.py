"""From the wire into the database, each event exactly once in effect: insert-if-new and the cursor in one unit of work.

Events of an (edge, epoch) are taken only without a hole: `seq` at or below the cursor is a duplicate, a batch that begins
beyond cursor + 1 is dropped and the cursor told again. So every row that is counted is really new, and counters add up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Table, select
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from device_drivers.contract.events import Event
from device_drivers.contract.messages import EventAck, EventBatch, topic
from hub.db import HELD, UnitOfWork
from hub.estate import coverage
from hub.events.bulk import insert_if_new, insert_new
from hub.events.dead import add_dead_letter
from hub.events.effects import write_effects
from hub.events.items import Names, to_item
from hub.events.places import PlacesCache
from hub.events.rows import COLUMNS, Effects, Places, PoisonRow, Row, add_effects, to_row
from hub.services import Hub
from hub.tables import Dwelling, Edge, EventRow, IngestCursor

log = logging.getLogger(__name__)
LIVE_ITEMS = 200  # of one run; more at once is a catch-up, which a console reads from its snapshot
GAP_PATIENCE = 3  # the same batch beyond a hole, this often and this far apart: the edge has no older rows any more
GAP_PAUSE = timedelta(seconds=5)
_table: Table = EventRow.__table__  # type: ignore[assignment]


@dataclass(slots=True)
class Gap:
    """A batch that begins beyond the cursor: how often it was offered."""

    first_seq: int
    count: int
    at: datetime


@dataclass(slots=True)
class Outcome:
    """What one run did. `ack` is sent after the commit, whether anything was new or not."""

    ack: EventAck
    new: int = 0
    duplicates: int = 0
    dead: int = 0
    hole: bool = False
    items: list[dict[str, Any]] = field(default_factory=list)
    doors: list[dict[str, Any]] = field(default_factory=list)


class Ingest:
    """One a process. `take` is called on the broker's worker thread, for one edge and epoch at a time."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._gaps: dict[tuple[str, str], Gap] = {}
        self._places = PlacesCache()

    def take(self, edge_id: str, epoch: str, batches: Sequence[EventBatch]) -> Outcome | None:
        """Store, commit, acknowledge, show. None for an edge the hub does not know."""
        hub, now = self.hub, self.hub.now()
        with hub.db.unit_of_work(f"edge:{edge_id}", "ingest", now=now, audit=False) as uow:
            edge = uow.session.get(Edge, edge_id, with_for_update=HELD)  # its coverage has one writer at a time
            if edge is None:
                return None
            cursor = _cursor(uow.session, edge_id, epoch, now)
            before = cursor.up_to_seq
            events = self._contiguous(uow, edge, cursor, batches)
            outcome = Outcome(EventAck(epoch, cursor.up_to_seq))
            if events:
                outcome = self._store(uow, edge, epoch, events)
                cursor.up_to_seq, cursor.last_at = events[-1].seq, now
            outcome.duplicates = sum(len(batch.events) for batch in batches) - len(events)
            outcome.hole = not events and any(batch.first_seq > before + 1 for batch in batches)
            if edge.last_seen_at is None or now > edge.last_seen_at:
                edge.last_seen_at = now
            estate_id = edge.estate_id
        hub.send(edge_id, outcome.ack)
        for item in outcome.items:
            hub.live.emit(estate_id, "passes", item)
        for door in outcome.doors:
            hub.live.emit(estate_id, "doors", door)
        return outcome

    def _contiguous(
        self, uow: UnitOfWork, edge: Edge, cursor: IngestCursor, batches: Sequence[EventBatch]
    ) -> list[Event]:
        """The new events that follow the cursor without a hole."""
        reached, new = cursor.up_to_seq, list[Event]()
        for batch in sorted(batches, key=lambda b: b.first_seq):
            if batch.first_seq > reached + 1 and not self._lost_for_good(uow, edge, cursor, batch, reached):
                break
            if not _consecutive(batch):
                where = topic(EventBatch, edge.id)
                error = f"batch {batch.epoch}/{batch.first_seq}: its rows are not consecutive"
                add_dead_letter(uow.session, uow.now, edge.id, where, error, msgspec.json.encode(batch))
                break
            fresh = [event for event in batch.events if event.seq > reached]
            if fresh:
                new += fresh
                reached = fresh[-1].seq
                self._gaps.pop((edge.id, cursor.epoch), None)
        return new

    def _lost_for_good(
        self, uow: UnitOfWork, edge: Edge, cursor: IngestCursor, batch: EventBatch, reached: int
    ) -> bool:
        """An edge that was told our cursor and still begins later has no older rows: go on, with a hole in coverage."""
        key = (edge.id, cursor.epoch)
        gap = self._gaps.get(key)
        if gap is None or gap.first_seq != batch.first_seq:
            self._gaps[key] = Gap(batch.first_seq, 1, uow.now)
            return False
        if uow.now - gap.at >= GAP_PAUSE:
            gap.count, gap.at = gap.count + 1, uow.now
        if gap.count < GAP_PATIENCE or reached != cursor.up_to_seq:
            return False
        log.error("edge %s epoch %s: rows %d to %d are lost", edge.id, cursor.epoch, reached + 1, batch.first_seq - 1)
        where = topic(EventBatch, edge.id)
        error = f"rows {reached + 1} to {batch.first_seq - 1} of epoch {cursor.epoch} never came"
        add_dead_letter(uow.session, uow.now, edge.id, where, error, b"")
        coverage.edge_lost(uow.session, edge.id, edge.estate_id, cursor.last_at, coverage.GAP)
        return True

    def _store(self, uow: UnitOfWork, edge: Edge, epoch: str, events: list[Event]) -> Outcome:
        session = uow.session
        places = self._places.places(session, edge, events)
        stored, rows = list[Event](), list[Row]()
        dead: list[tuple[Event, str]] = []
        for event in events:
            try:
                rows.append(to_row(event, epoch, places, uow.now))
                stored.append(event)
            except PoisonRow as error:
                dead.append((event, str(error)))
        stored, rows = _insert(session, stored, rows, dead)
        effects = Effects()
        for event, row in zip(stored, rows, strict=True):
            add_effects(event, row, places, effects)
        effects.settle()
        for event, why in dead:
            log.error("edge %s row %s/%d is not stored: %s", edge.id, epoch, event.seq, why)
            where = f"{topic(EventBatch, edge.id)}#{epoch}/{event.seq}"
            add_dead_letter(session, uow.now, edge.id, where, why, msgspec.json.encode(event))
        doors = write_effects(session, edge, epoch, effects)
        ack = EventAck(epoch, events[-1].seq)
        return Outcome(ack, len(rows), dead=len(dead), items=_items(session, rows, places), doors=doors)


def _consecutive(batch: EventBatch) -> bool:
    return bool(batch.events) and all(e.seq == batch.first_seq + n for n, e in enumerate(batch.events))


def _cursor(session: Session, edge_id: str, epoch: str, now: datetime) -> IngestCursor:
    """The row, locked: two ingest workers never take the same rows."""
    cursor = session.get(IngestCursor, (edge_id, epoch), with_for_update=True)
    if cursor is None:
        cursor = IngestCursor(edge_id=edge_id, epoch=epoch, up_to_seq=0, first_seen_at=now, last_at=now)
        session.add(cursor)
        session.flush()
    return cursor


def _insert(
    session: Session, events: list[Event], rows: list[Row], dead: list[tuple[Event, str]]
) -> tuple[list[Event], list[Row]]:
    """All at once; where that fails, one by one: a row the database will not take must not hold up the rest."""
    connection = session.connection()
    try:
        with connection.begin_nested():
            insert_new(connection, _table, COLUMNS, rows)
        return events, rows
    except _row_errors(connection.dialect.dbapi):
        log.warning("%d rows could not be stored together; storing them one by one", len(rows))
    stored, kept = list[Event](), list[Row]()
    for event, row in zip(events, rows, strict=True):
        try:
            with connection.begin_nested():
                if insert_if_new(connection, _table, COLUMNS, row):
                    stored.append(event)
                    kept.append(row)
        except (DataError, IntegrityError, StatementError) as error:
            dead.append((event, str(getattr(error, "orig", error))[:500]))
    return stored, kept


def _row_errors(dbapi: Any) -> tuple[type[Exception], ...]:
    """COPY raises the driver's own errors, the rest SQLAlchemy's."""
    return (DataError, IntegrityError, dbapi.DataError, dbapi.IntegrityError, OverflowError, UnicodeEncodeError)


def _items(session: Session, rows: Sequence[Row], places: Places) -> list[dict[str, Any]]:
    """What the live page shows of this run: passes and notes seen live, the newest only."""
    live = (row for row in reversed(rows) if not row[17] and row[4] in ("access", "edge"))
    shown = list(islice(live, LIVE_ITEMS))[::-1]
    if not shown:
        return []
    wanted = {row[7] for row in shown if row[7]}
    numbers = select(Dwelling.id, Dwelling.number).where(Dwelling.id.in_(wanted))
    names = Names(
        devices=places.devices,
        access_points=places.access_points,
        dwellings={row.id: row.number for row in session.execute(numbers)} if wanted else {},
        holders={
            token: (holder.label, holder.holder_class)
            for token in {row[8] for row in shown}
            if (holder := places.holders.get(token))
        },
    )
    return [to_item(dict(zip(COLUMNS, row, strict=True)), names) for row in shown]


def cursor_of(session: Session, edge_id: str, epoch: str) -> int:
    """Up to where the hub has this journal; 0 for an epoch it has not seen."""
    query = select(IngestCursor.up_to_seq).where(IngestCursor.edge_id == edge_id, IngestCursor.epoch == epoch)
    return session.scalar(query) or 0
