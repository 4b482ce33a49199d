"""The one door to the database: `reading` for queries, `unit_of_work` for every change, with its audit row."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from hub.tables import AuditRow

GENESIS = "0" * 64
AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""The database does not answer, has no connection free for half a minute, or takes no writes (a standby, SQLSTATE 25006)."""

HANDED_OVER = -1  # no thread's number: the next in the queue is about to take the lock
HELD: dict[str, bool] = {"key_share": True}
"""`with_for_update` of a row that others point at (an estate, an edge, a person): it has one writer, rows that point at it go in
meanwhile. SQLite has one writer in any case."""

_NAMED_LOCKS = 0x4F4E4541  # first half of the PostgreSQL advisory locks of `one_at_a_time`
AUDIT_LOCK = 0x45485542  # PostgreSQL advisory lock: the audit chain has one writer at a time
_json = msgspec.json.Encoder(order="sorted")


@dataclass
class UnitOfWork:
    """One change: `session` to work with, `record` to say what changed. Committed once, at the end, with its audit row."""

    session: Session
    actor: str
    reason: str
    now: datetime
    estate_id: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    quiet: bool = False

    def record(self, what: str, subject: str, **detail: Any) -> None:
        """`detail` must be JSON values and must not hold names, numbers of documents or pictures."""
        self.changes.append({"what": what, "subject": subject, **detail})


class FairLock:
    """Whoever waits longest goes next, and may enter again while inside.

    Python's own locks let the thread that has just left in again: a job that stores eighty lists one after the other held up a
    revocation until the last of them.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._owner: int | None = None
        self._depth = 0

    @property
    def waiting(self) -> int:
        """How many threads stand in the queue."""
        with self._guard:
            return len(self._waiting)

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._guard:
            if self._owner in (None, me):
                self._owner, self._depth = me, self._depth + 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()  # until the one before hands over
        with self._guard:
            self._owner, self._depth = me, 1

    def __exit__(self, *_what: object) -> None:
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            if self._waiting:
                self._owner = HANDED_OVER
                self._waiting.popleft().release()
            else:
                self._owner = None


class Database:
    """An engine and its two doors. Synchronous; one per process."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        # SQLite has one writer: queue in the process instead of failing with "database is locked".
        self._write_lock = FairLock() if self.sqlite else None

    @property
    def sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries only: what it changes is rolled back. What was read stays readable afterwards."""
        with self._sessions() as session:
            yield session  # closing rolls back; an explicit rollback would expire what was read

    @contextmanager
    def unit_of_work(
        self, actor: str, reason: str, *, estate_id: str | None = None, now: datetime | None = None, audit: bool = True
    ) -> Iterator[UnitOfWork]:
        """Everything or nothing. `audit=False` only for machine traffic (ingest, reports): its record is its own log."""
        if self._write_lock:
            with self._write_lock:
                yield from self._work(actor, reason, estate_id, now, audit)
        else:
            yield from self._work(actor, reason, estate_id, now, audit)

    def _work(
        self, actor: str, reason: str, estate_id: str | None, now: datetime | None, audit: bool
    ) -> Iterator[UnitOfWork]:
        with self._sessions() as session:
            session.connection(execution_options={"immediate": True})
            uow = UnitOfWork(session, actor, reason, now or datetime.now(UTC), estate_id, quiet=not audit)
            yield uow
            if audit and uow.changes:
                _append_audit(uow)
            session.commit()

    def close(self) -> None:
        self.engine.dispose()


def upsert(where: Session | Connection, table: Table) -> Any:
    """The dialect's INSERT, which has `on_conflict_do_nothing`, `on_conflict_do_update` and `excluded`."""
    dialect = where.dialect if isinstance(where, Connection) else where.get_bind().dialect
    return (postgresql.insert if dialect.name == "postgresql" else sqlite.insert)(table)


def one_at_a_time(session: Session, what: str) -> None:
    """Until the unit of work ends nobody else does `what`: for who reads, decides and then writes rows that need not be there
    yet. On PostgreSQL a lock by that name; SQLite has one writer in any case."""
    if session.get_bind().dialect.name == "postgresql":
        keys = {"space": _NAMED_LOCKS, "what": zlib.crc32(what.encode()) - 2**31}
        session.execute(text("SELECT pg_advisory_xact_lock(:space, :what)"), keys)


def _append_audit(uow: UnitOfWork) -> None:
    session = uow.session
    session.flush()  # who has the audit lock waits for nobody's row: whoever holds that row may be waiting for the lock
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({AUDIT_LOCK})")
    previous = session.scalar(select(AuditRow.hash).order_by(AuditRow.id.desc()).limit(1)) or GENESIS
    row = AuditRow(
        at=uow.now,
        actor=uow.actor,
        reason=uow.reason,
        estate_id=uow.estate_id,
        changes=uow.changes,
        previous_hash=previous,
        hash=audit_hash(previous, uow.now, uow.actor, uow.reason, uow.estate_id, uow.changes),
    )
    session.add(row)


def audit_hash(
    previous: str, at: datetime, actor: str, reason: str, estate_id: str | None, changes: list[dict[str, Any]]
) -> str:
    """SHA-256 over the previous hash and the row; times to the microsecond in UTC."""
    content = (previous, at.astimezone(UTC).isoformat(timespec="microseconds"), actor, reason, estate_id, changes)
    return hashlib.sha256(_json.encode(content)).hexdigest()


def _keep_private(url: str) -> None:
    """The file holds names: nobody but us may read it. SQLite gives its WAL the same mode."""
    name = make_url(url).database
    if name and name != ":memory:":
        file = Path(name)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.chmod(0o600)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10, hide_parameters=True)
    _keep_private(url)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy begins, not the driver
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: an upgrade in mid-transaction fails with "database is locked".
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
