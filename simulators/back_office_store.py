"""What the simulated lease system keeps: records by change sequence, its inbox, the hub's key. SQLite, one file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]
SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL UNIQUE, body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS inbox (
    key TEXT PRIMARY KEY, received_at TEXT NOT NULL, signature TEXT NOT NULL, body TEXT NOT NULL,
    times INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class KeyReused(Exception):
    """An idempotency key came again with another body: the sender must use a new key."""


class Store:
    """Opens (and on first use fills from `seed`) the lease system's file. Records are kept as plain JSON."""

    def __init__(self, path: Path, seed: Path | None, now: Callable[[], datetime]) -> None:
        self._now = now
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL;" + SCHEMA)
        if seed is not None and self.setting("seeded") is None:
            self._fill(json.loads(seed.read_text(encoding="utf-8")))

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def _fill(self, data: dict[str, list[Record]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for kind, records in (("tenancy", data["tenancies"]), ("absence", data["absences"])):
            for record in records:
                self._put(kind, record)
        self._db.execute("INSERT INTO setting VALUES ('seeded', '1')")
        self._db.execute("COMMIT")

    def _put(self, kind: str, record: Record) -> None:
        self._db.execute(
            "INSERT INTO record VALUES (?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM record), ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET seq = excluded.seq, body = excluded.body",
            (kind, record["id"], json.dumps(record, ensure_ascii=False)),
        )

    def page(self, kind: str, after: int, limit: int) -> list[tuple[int, Record]]:
        """Up to `limit` (seq, record) that changed after `after`, in the order of their change."""
        rows = self._db.execute(
            "SELECT seq, body FROM record WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?", (kind, after, limit)
        )
        return [(int(seq), json.loads(body)) for seq, body in rows]

    def total(self, kind: str) -> int:
        """How many records of the kind there are."""
        return int(self._db.execute("SELECT count(*) FROM record WHERE kind = ?", (kind,)).fetchone()[0])

    def get(self, kind: str, record_id: str) -> Record | None:
        """One record, or None."""
        row = self._db.execute("SELECT body FROM record WHERE kind = ? AND id = ?", (kind, record_id)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def save(self, kind: str, record: Record) -> Record:
        """Stores a new or changed record at the end of the change sequence; a tenancy gets its next version."""
        if kind == "tenancy":
            record = {**record, "version": record.get("version", 0) + 1, "updated_at": self._now().isoformat()}
        self._put(kind, record)
        return record

    def next_id(self, kind: str) -> str:
        """The next free id: T-000123 or A-000045."""
        last = self._db.execute("SELECT max(id) FROM record WHERE kind = ?", (kind,)).fetchone()[0]
        prefix = "T" if kind == "tenancy" else "A"
        return f"{prefix}-{(int(last[2:]) if last else 0) + 1:06d}"

    def receive(self, key: str, signature: str, body: str) -> bool:
        """Stores a message once. True when it is new. Raises KeyReused when the key came with another body."""
        row = self._db.execute("SELECT body FROM inbox WHERE key = ?", (key,)).fetchone()
        if row is None:
            received_at = self._now().isoformat()
            self._db.execute(
                "INSERT INTO inbox (key, received_at, signature, body) VALUES (?, ?, ?, ?)",
                (key, received_at, signature, body),
            )
            return True
        if row[0] != body:
            raise KeyReused(key)
        self._db.execute("UPDATE inbox SET times = times + 1 WHERE key = ?", (key,))
        return False

    def inbox(self) -> list[dict[str, Any]]:
        """All messages in the order of arrival, with the number of times each was sent."""
        rows = self._db.execute("SELECT key, received_at, body, times FROM inbox ORDER BY rowid")
        return [
            {"idempotency_key": key, "received_at": at, "body": json.loads(body), "times": times}
            for key, at, body, times in rows
        ]

    def setting(self, name: str) -> str | None:
        """A kept setting, or None."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a setting over restarts."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))
