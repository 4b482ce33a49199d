"""The journal: every event of this box, durable before anything is acknowledged, each once.

One writer thread commits whatever has gathered while the last fsync ran (group commit); readers use their own connection.
A row is the event's JSON as it travels, with a checksum: single bit flips are silent in SQLite (243 of 300 measured).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from device_drivers.contract.events import EdgeNote, Event
from edge_agent import ballast
from edge_agent.clock import Clock
from edge_agent.journal_reader import JournalReader
from edge_agent.journal_rows import (
    SCHEMA,
    checksum,
    cursor_of,
    encode_event,
    good_meta,
    prune_bite,
    put_meta,
    quarantine,
    read_event,
    salvage,
)
from edge_agent.sqlite_file import connect, connect_to_read, is_corrupt, is_full, set_aside, takes_nothing

log = logging.getLogger(__name__)
RETENTION = timedelta(hours=72)
MAX_WAITING = 50_000  # rows kept in memory while the disk is full
GROUP = 5_000  # rows in one transaction


class JournalFull(Exception):
    """The disk is full and so is the memory kept for it: the event is not taken (and the device not acknowledged)."""


@dataclass(frozen=True, slots=True)
class Row:
    """An event to append (its `seq` is given by the journal); `key` names the device's record for de-duplication."""

    event: Event
    key: str = ""


Seqs = tuple[int | None, ...]


@dataclass(slots=True)
class _Job:
    rows: Sequence[Row]
    meta: dict[str, str]
    future: asyncio.Future[Seqs]
    call: Callable[[sqlite3.Connection], None] | None = None
    seqs: list[int | None] = field(default_factory=list)


class Journal:
    """Open with `open()` inside a running loop, close with `close()`. `on_append` is called on the loop after a commit."""

    def __init__(self, path: Path, clock: Clock, relief: Callable[[], None] = lambda: None) -> None:
        self.path, self.clock, self.relief = path, clock, relief
        self.epoch = ""
        self.head = 0
        self.cursor = 0
        self.head_at_open = 0
        self.full = False
        self._unopened = False  # since the start the disk took nothing: it is read, and waited for
        self.on_append: Callable[[], None] = lambda: None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._refused = 0
        self._next = 1
        self._reader = JournalReader()
        self._closing = threading.Event()

    # --- opening ---------------------------------------------------------------------------------------------------
    def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._db = self._open_file()
            self._reader.db = connect(self.path, "")
            ballast.take(self.path)
        except sqlite3.OperationalError as error:
            if not takes_nothing(error):
                raise
            log.error("journal %s cannot be written (%s): events wait in memory", self.path, error)
            self._unopened = self.full = True
            self._db = self._reader.db = connect_to_read(self.path)
            self._load(self._db)
        self._thread = threading.Thread(target=self._write_loop, name="journal", daemon=True)
        self._thread.start()

    def _open_file(self) -> sqlite3.Connection:
        aside = None
        try:
            db = connect(self.path, SCHEMA)
            self._load(db)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not is_corrupt(error):
                raise
            aside = set_aside(self.path, self.clock.now())
            log.error("journal %s is damaged (%s): set aside as %s, new epoch", self.path, error, aside.name)
            db = connect(self.path, SCHEMA)
            self._load(db)
        if aside:
            self._carry_over(db, aside)
        return db

    def _open_again(self) -> None:
        """On the writer's thread: the disk took nothing at the start. Raises sqlite3.OperationalError."""
        cursor = self.cursor
        with self._reader.busy:
            self._reader.db.close()
            try:
                self._db = self._open_file()
                self._reader.db = connect(self.path, "")
                self.cursor, self._unopened = max(cursor, self.cursor), False
            except sqlite3.OperationalError:
                self._db = self._reader.db = connect_to_read(self.path)
                raise

    def _load(self, db: sqlite3.Connection) -> None:
        """Raises DatabaseError when the epoch is missing from a file with rows, or does not fit its checksum."""
        meta = good_meta(db)
        (head,) = db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
        if "epoch" not in meta:
            if head:
                raise sqlite3.DatabaseError("epoch is missing")
            meta["epoch"] = secrets.token_hex(8)
            db.execute("BEGIN")
            put_meta(db, "epoch", meta["epoch"])
            db.execute("COMMIT")
        self.epoch = meta["epoch"]
        self.cursor = cursor_of(db)
        self.head = self.head_at_open = max(head, self.cursor)
        self._next = self.head + 1

    def _carry_over(self, db: sqlite3.Connection, aside: Path) -> None:
        """Say what happened, and take what is whole and not acknowledged from the damaged file into the new epoch."""
        saved = salvage(aside)
        text = f"journal was damaged, set aside as {aside.name}, {len(saved)} events carried over"
        db.execute("BEGIN")
        for event in (Event(0, "", self.clock.now(), EdgeNote("gap", text)), *saved):
            self._insert(db, Row(event))
        db.execute("COMMIT")
        self.head = self._next - 1

    def close(self) -> None:
        """Everything submitted is written first, unless the disk is full."""
        self._closing.set()
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()
        self._db.close()

    # --- writing ---------------------------------------------------------------------------------------------------
    def submit(self, rows: Sequence[Row], meta: dict[str, str] | None = None) -> asyncio.Future[Seqs]:
        """Queue rows in order; the future gives their seqs once they are on disk (None: a record already known).

        `meta` is stored in the same transaction. Raises JournalFull.
        """
        if self._waiting + len(rows) > MAX_WAITING:
            self._refused += len(rows)
            raise JournalFull(f"{self._waiting} events wait in memory{', the disk is full' if self.full else ''}")
        return self._queue(_Job(rows, meta or {}, self._loop.create_future()))

    def _queue(self, job: _Job) -> asyncio.Future[Seqs]:
        self._waiting += len(job.rows)
        self._jobs.put(job)
        return job.future

    async def append(self, *events: Event, meta: dict[str, str] | None = None) -> Seqs:
        """Durable on return."""
        return await self.submit([Row(e) for e in events], meta)

    async def _call(self, call: Callable[[sqlite3.Connection], None]) -> None:
        await self._queue(_Job((), {}, self._loop.create_future(), call))

    def move_cursor(self, up_to: int) -> None:
        """Remembered with the next commit: an older cursor after a crash only means sending again."""
        self.cursor = up_to
        self._queue(_Job((), {"cursor": str(up_to)}, self._loop.create_future()))

    async def flush(self) -> None:
        """Returns when the writer thread has passed here: proof that it lives."""
        await self._call(lambda _db: None)

    def _write_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, rows, last = [job], len(job.rows), False
            while rows < GROUP and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    last = True
                    break
                jobs.append(following)
                rows += len(following.rows)
            self._commit_somehow(jobs)
            if last:
                break

    def _commit_somehow(self, jobs: list[_Job]) -> None:
        """A full disk is waited for, after making room; a damaged file is replaced. Nothing is dropped in silence."""
        while True:
            try:
                self._commit(jobs)
            except sqlite3.Error as error:
                self._rollback()
                if is_corrupt(error):
                    self._replace_file(error)
                elif takes_nothing(error):
                    self._make_room(error)
                    if self._closing.wait(0.5):
                        self._finish(jobs, error)
                        return
                else:
                    log.exception("journal: a write failed")
                    self._finish(jobs, error)
                    return
            else:
                self._finish(jobs, None)
                return

    def _commit(self, jobs: list[_Job]) -> None:
        if self._unopened:
            self._open_again()
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        if self._refused:
            self._insert(db, Row(Event(0, "", self.clock.now(), EdgeNote("disk", f"{self._refused} events not taken"))))
        for job in jobs:
            if job.call:
                job.call(db)
            job.seqs = [self._insert(db, row) for row in job.rows]
            for key, value in job.meta.items():
                put_meta(db, key, value)
        db.execute("COMMIT")
        self.head = self._next - 1
        self._refused = 0
        if self.full:
            log.warning("journal: disk has room again")
            self.full = False
            ballast.take(self.path)

    def _insert(self, db: sqlite3.Connection, row: Row) -> int | None:
        event = row.event
        if row.key:
            key = row.key.encode(errors="replace").decode()
            added = db.execute("INSERT OR IGNORE INTO seen(device, key) VALUES (?, ?)", (event.device, key))
            if not added.rowcount:
                return None
        seq = self._next
        body = encode_event(event, seq)
        db.execute(
            "INSERT INTO events(seq, at, crc, body) VALUES (?, ?, ?, ?)",
            (seq, event.received_at.timestamp(), checksum(seq, body), body),
        )
        self._next += 1
        return seq

    def _rollback(self) -> None:
        self._next = self.head + 1
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _finish(self, jobs: list[_Job], error: Exception | None) -> None:
        def tell() -> None:
            for job in jobs:
                self._waiting -= len(job.rows)
                if job.future.done():
                    continue
                if error:
                    job.future.set_exception(error)
                    job.future.exception()  # a cursor's future has no waiter: mark as looked at
                else:
                    job.future.set_result(tuple(job.seqs))
            self.on_append()

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)

    def _make_room(self, error: sqlite3.Error) -> None:
        """Pictures first, then the ballast; acknowledged rows go by `prune`. The reader of doors is not concerned.

        A disk that takes nothing for another reason (read-only, failing, locked by somebody) is only waited for.
        """
        if not self.full:
            log.error("journal: the disk takes nothing (%s): events wait in memory", error)
            self.full = True
        if not is_full(error):
            return
        self.relief()
        ballast.drop(self.path)
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq < ? LIMIT 2000)", (self.cursor,)
            )
        except sqlite3.Error:
            log.debug("journal: no room for the clean-up either")

    def _replace_file(self, error: sqlite3.Error) -> None:
        log.error("journal: damaged while in use (%s)", error)
        with self._reader.busy:
            self._reader.db.close()
            self._db.close()
            aside = set_aside(self.path, self.clock.now())
            self._db = self._open_file()
            self._carry_over(self._db, aside)
            self._reader.db = connect(self.path, "")

    async def _give_up_file(self, error: sqlite3.Error) -> None:
        """A reader found the file damaged: the writer replaces it, once."""
        damaged = self._db

        def raise_if_same(db: sqlite3.Connection) -> None:
            if db is damaged:
                raise error

        await self._call(raise_if_same)

    # --- reading ---------------------------------------------------------------------------------------------------
    async def read(self, from_seq: int, limit: int, max_bytes: int = 1 << 20) -> list[bytes]:
        """Consecutive events from `from_seq` as JSON, whole rows up to `max_bytes`.

        A row that fails its checksum, or is not there, is replaced by an `EdgeNote` of the same seq: no hole in the numbers.
        """
        try:
            good, bad = await asyncio.to_thread(self._reader.rows, from_seq, self.head, limit, max_bytes)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            await self._give_up_file(error)
            return []
        if bad is None or good:
            return good
        await self._call(lambda db: quarantine(db, bad, self.clock.now()))
        good, _ = await asyncio.to_thread(self._reader.rows, from_seq, self.head, limit, max_bytes)
        return good

    def meta(self, key: str) -> str | None:
        return self._reader.meta(key)

    # --- upkeep ----------------------------------------------------------------------------------------------------
    async def prune(self, now: datetime) -> int:
        """Delete acknowledged rows older than the retention in small bites, and old record keys. Returns rows deleted."""
        oldest, deleted = (now - RETENTION).timestamp(), 0
        while True:
            counts: list[int] = []
            await self._call(lambda db, counts=counts: counts.append(prune_bite(db, self.cursor, oldest)))  # type: ignore[misc]
            deleted += counts[-1]
            if counts[-1] < 2_000:
                return deleted

    async def oldest(self) -> int:
        """The first seq still kept; `head + 1` when nothing is."""
        try:
            first = await asyncio.to_thread(self._reader.oldest)
        except sqlite3.DatabaseError as error:
            if not is_corrupt(error):
                raise
            await self._give_up_file(error)
            first = await asyncio.to_thread(self._reader.oldest)
        return self.head + 1 if first is None else first

    async def new_epoch(self, after: int, why: str) -> None:
        """Start a new epoch with the rows after `after`, renumbered from 1, behind a note that says why.

        For a disk that is an old copy (the hub has more of this epoch than we wrote), and for a hub that asks for rows
        that are no longer kept: either way the numbers of this epoch cannot be continued honestly.
        """
        await self._call(lambda db: self._renumber(db, after, why))

    def _renumber(self, db: sqlite3.Connection, after: int, why: str) -> None:
        rows: Iterable[tuple[int, bytes]] = db.execute(
            "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
        events = [read_event(seq, body, self.clock.now()) for seq, body in rows]
        db.execute("DELETE FROM events")
        self._next, self.cursor, self.head_at_open, self.epoch = 1, 0, 0, secrets.token_hex(8)
        put_meta(db, "epoch", self.epoch)
        put_meta(db, "cursor", "0")
        for event in (Event(0, "", self.clock.now(), EdgeNote("gap", why)), *events):
            self._insert(db, Row(event))
        log.error("journal: new epoch %s: %s", self.epoch, why)
