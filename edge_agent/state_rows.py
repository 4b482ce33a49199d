"""The state's tables as they lie in the file: schema, what an older release lacks, and what can be saved of a damaged one."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS applied(device TEXT, token TEXT, fingerprint TEXT NOT NULL, content TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(device, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS once(device TEXT, token TEXT, at REAL NOT NULL, PRIMARY KEY(device, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused(device TEXT, token TEXT, fingerprint TEXT NOT NULL, code TEXT NOT NULL,
  text TEXT NOT NULL, at REAL NOT NULL, photo TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(device, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revoked(device TEXT, token TEXT, owed INTEGER NOT NULL, at REAL NOT NULL,
  PRIMARY KEY(device, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks(device TEXT PRIMARY KEY, state TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS propped(device TEXT, point TEXT, PRIMARY KEY(device, point)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands(n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, result TEXT NOT NULL DEFAULT 'told');
CREATE TABLE IF NOT EXISTS uses(token TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

KEYS = {
    "kept": ("key",),
    "revoked": ("device", "token"),
    "commands": ("n",),
    "uses": ("token",),
    "marks": ("device",),
    "propped": ("device", "point"),
    "applied": ("device", "token"),
    "once": ("device", "token"),
    "refused": ("device", "token"),
}
"""By which each table can be read from either end; the dearest first."""


def upgrade(db: sqlite3.Connection) -> None:
    """Columns that a file of an older release lacks."""
    for table, column, default in (
        ("refused", "photo", ""),
        ("refused", "card", ""),
        ("commands", "result", "told"),
        ("applied", "content", ""),
    ):
        if column not in _columns(db, table):
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT '{default}'")


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [_text(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]


class _Unreadable(Exception):
    """From here on a table cannot be read."""


def take_over(db: sqlite3.Connection, old: sqlite3.Connection) -> int:
    """In the place of what `db` has, every row of `old` that can be read, each table from both ends to where it is damaged.

    Returns how many. Raises sqlite3.Error where they cannot be written; then `db` has what it had.
    """
    old.text_factory = bytes  # one text that is damaged must not stop the rest
    count = 0
    db.execute("BEGIN IMMEDIATE")
    try:
        for table, keys in KEYS.items():
            db.execute(f"DELETE FROM {table}")
            for order in ("ASC", "DESC"):
                try:
                    count += _copy(db, old, table, ", ".join(f"{key} {order}" for key in keys))
                    break  # read to its end
                except _Unreadable as error:
                    log.warning("state: not all of %s can be read: %s", table, error)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk has ended it
            db.execute("ROLLBACK")
        raise
    finally:
        old.text_factory = str
    return count


def _copy(db: sqlite3.Connection, old: sqlite3.Connection, table: str, order: str) -> int:
    have = {_text(row[1]) for row in _read(old, f"PRAGMA table_info({table})")}
    names = [name for name in _columns(db, table) if name in have]
    if not names:
        raise _Unreadable("no such table")
    insert = f"INSERT OR IGNORE INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    count = 0
    for row in _read(old, f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}"):
        try:
            count += db.execute(insert, [v.decode() if isinstance(v, bytes) else v for v in row]).rowcount
        except (UnicodeDecodeError, sqlite3.IntegrityError):
            continue
    return count


def _read(old: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield from old.execute(query)
    except sqlite3.DatabaseError as error:
        raise _Unreadable(str(error)) from error


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def moment(seconds: object) -> datetime | None:
    """None for what is no time."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return None
