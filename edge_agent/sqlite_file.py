"""Opening a SQLite file that must survive power cuts, and setting it aside when it did not survive something else."""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import datetime
from os import fsync
from pathlib import Path
from urllib.parse import quote


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """WAL and synchronous=FULL: NORMAL lost committed rows in 3,493 of 5,000 simulated power cuts.

    Raises sqlite3.DatabaseError for a file that is no database or has a damaged first page.
    """
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.executescript(schema)
        path.chmod(0o600)
    except sqlite3.DatabaseError:
        db.close()
        raise
    except OSError as error:
        # read-only, with a write-ahead log that a power cut left: SQLite opens that, and never writes again
        db.close()
        failed = sqlite3.OperationalError(f"{path}: {error}")
        failed.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise failed from error
    return db


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that needs to write nothing: for a disk that takes nothing. Raises sqlite3.Error.

    The write-ahead log is read with an index in memory; where not even a lock can be had, without the log.
    """
    ways = (("mode=rw", "EXCLUSIVE"), ("mode=ro", "NORMAL"), ("mode=ro&immutable=1", "NORMAL"))
    for way, locking in ways:
        db = sqlite3.connect(f"file:{quote(str(path))}?{way}", uri=True, isolation_level=None, check_same_thread=False)
        try:
            db.execute(f"PRAGMA locking_mode={locking}")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            db.close()
            failed = error
        else:
            return db
    raise failed


class NoSync:
    """In the place of `GroupSync` for what is kept in memory alone."""

    def committed(self) -> int:
        return 0

    def wait(self, number: int) -> None:
        """Nothing lasts."""

    def close(self) -> None:
        """Nothing is open."""


class GroupSync:
    """Commits without a flush each, and one flush of the write-ahead log for all who wait for it.

    As safe as synchronous=FULL for who calls `wait` after the commit, and many times faster where eighty devices write.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._lock = threading.Lock()
        self._committed = self._synced = 0
        db.execute("PRAGMA synchronous=NORMAL")  # flushes before a checkpoint, which is what keeps the file whole
        db.execute(
            "PRAGMA user_version = 1"
        )  # a write, so that the log exists; it stays the same file while it is open
        self._fd = os.open(path.with_name(path.name + "-wal"), os.O_RDONLY)

    def committed(self) -> int:
        """After a commit, under the lock of who commits: the number to wait for."""
        self._committed += 1
        return self._committed

    def wait(self, number: int) -> None:
        """Returns when the commit of this number is on the disk. Raises sqlite3.OperationalError."""
        with self._lock:
            if self._synced >= number:
                return
            upto = self._committed
            try:
                fsync(self._fd)
            except OSError as error:
                raise sqlite3.OperationalError(f"disk: {error}") from error
            self._synced = upto

    def close(self) -> None:
        with self._lock:
            os.close(self._fd)


def set_aside(path: Path, now: datetime) -> Path:
    """Move a damaged file (with its -wal and -shm) out of the way; nothing is deleted. Returns the new name."""
    aside = path.with_name(f"{path.name}.corrupt-{now:%Y%m%dT%H%M%S%f}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    return aside


def is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
    ) or ("disk is full" in str(error))


def takes_nothing(error: sqlite3.Error) -> bool:
    """Full, or it cannot be written now for another reason: read-only, failing, locked by somebody. It is waited for."""
    waits = (
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
    )
    return is_full(error) or getattr(error, "sqlite_errorcode", 0) & 0xFF in waits


def is_corrupt(error: sqlite3.Error) -> bool:
    """Also a key that is taken although the numbers only rise: the tree below it is damaged."""
    if isinstance(error, sqlite3.IntegrityError):
        return True
    if not hasattr(error, "sqlite_errorcode"):  # raised by the module itself, not by SQLite
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.ProgrammingError)
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
