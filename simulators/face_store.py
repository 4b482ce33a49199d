"""What a face terminal keeps over a power loss: persons, records with their cursor, settings. One SQLite file a terminal."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS persons (
    person_id INTEGER PRIMARY KEY AUTOINCREMENT, custom_id TEXT NOT NULL UNIQUE, fields TEXT NOT NULL,
    pic BLOB, sha TEXT, card INTEGER, created TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS persons_card ON persons (card);
CREATE INDEX IF NOT EXISTS persons_sha ON persons (sha);
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, number INTEGER NOT NULL, made REAL NOT NULL, local_time TEXT NOT NULL,
    info TEXT NOT NULL, acked INTEGER NOT NULL, PRIMARY KEY (kind, number));
CREATE INDEX IF NOT EXISTS records_open ON records (kind, number) WHERE acked = 0;
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One entry of the terminal's list. ``fields`` as received (without the picture), ``card`` as a number."""

    person_id: int
    custom_id: str
    fields: dict[str, Any]
    picture: bytes | None
    picture_sha256: str | None
    card: int | None
    created: str


@dataclass(frozen=True, slots=True)
class Record:
    """One recognition ("rec") or stranger snapshot ("snap"); ``made`` in epoch seconds, ``local_time`` as sent."""

    kind: str
    number: int
    made: float
    local_time: str
    info: dict[str, Any]
    acked: bool


def _person(row: tuple[Any, ...]) -> Person:
    return Person(row[0], row[1], json.loads(row[2]), row[3], row[4], row[5], row[6])


def _record(row: tuple[Any, ...]) -> Record:
    return Record(row[0], row[1], row[2], row[3], json.loads(row[4]), bool(row[5]))


class TerminalStore:
    """The terminal's flash. ``path`` None keeps it in memory. Used from the event loop's thread only."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    @property
    def db(self) -> sqlite3.Connection:
        """The open database; opened at first use."""
        if self._db is None:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(":memory:" if self.path is None else self.path, isolation_level=None)
            # A simulator survives its own crash, not the machine's: no need to wait for the disk.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.executescript(_SCHEMA)
        return self._db

    def close(self) -> None:
        """Close the file. A terminal in memory keeps its contents until ``wipe``."""
        if self._db is not None and self.path is not None:
            self._db.close()
            self._db = None

    def wipe(self, *, settings: bool) -> None:
        """Forget persons and records (and settings); counters begin at 1 again."""
        tables = ["persons", "records", "sqlite_sequence", *(["settings"] if settings else [])]
        for table in tables:
            self.db.execute(f"DELETE FROM {table}")

    # Persons

    def put_person(
        self, custom_id: str, fields: dict[str, Any], picture: bytes | None, card: int | None, created: str
    ) -> Person:
        """Insert or replace the entry; ``picture`` None keeps the one already there."""
        sha = None if picture is None else hashlib.sha256(picture).hexdigest()
        self.db.execute(
            "INSERT INTO persons (custom_id, fields, pic, sha, card, created) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (custom_id) DO UPDATE SET fields=excluded.fields, card=excluded.card, "
            "pic=COALESCE(excluded.pic, pic), sha=COALESCE(excluded.sha, sha)",
            (custom_id, json.dumps(fields, ensure_ascii=False), picture, sha, card, created),
        )
        person = self.person(custom_id)
        if person is None:
            raise RuntimeError(f"person {custom_id} vanished while being written")
        return person

    def person(self, custom_id: str) -> Person | None:
        """The entry with this customId."""
        row = self.db.execute("SELECT * FROM persons WHERE custom_id = ?", (custom_id,)).fetchone()
        return None if row is None else _person(row)

    def person_by_card(self, card: int) -> Person | None:
        """The entry that carries this card number."""
        row = self.db.execute("SELECT * FROM persons WHERE card = ? ORDER BY person_id", (card,)).fetchone()
        return None if row is None else _person(row)

    def person_by_picture(self, sha256: str) -> Person | None:
        """The entry enrolled from the picture with this SHA-256 (hex, lower case)."""
        row = self.db.execute("SELECT * FROM persons WHERE sha = ? ORDER BY person_id", (sha256,)).fetchone()
        return None if row is None else _person(row)

    def delete_person(self, custom_id: str) -> bool:
        """Remove the entry; False when it was not there."""
        return self.db.execute("DELETE FROM persons WHERE custom_id = ?", (custom_id,)).rowcount > 0

    def persons(self, begin: int = 0, count: int = -1) -> list[Person]:
        """Entries in the order of their personId, without their pictures: `count` (-1: all) after the first `begin`."""
        rows = self.db.execute(
            "SELECT person_id, custom_id, fields, NULL, sha, card, created FROM persons ORDER BY person_id LIMIT ? OFFSET ?",
            (count, begin),
        )
        return [_person(row) for row in rows]

    def custom_ids(self) -> list[str]:
        """All customIds in the order of their personId."""
        return [row[0] for row in self.db.execute("SELECT custom_id FROM persons ORDER BY person_id")]

    def count(self) -> int:
        """How many persons the list holds."""
        return int(self.db.execute("SELECT COUNT(*) FROM persons").fetchone()[0])

    # Records

    def add_record(self, kind: str, made: float, local_time: str, info: dict[str, Any], *, acked: bool) -> Record:
        """Append a record; numbers are per kind, from 1, and restart after ``wipe``."""
        number = int(
            self.db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM records WHERE kind = ?", (kind,)).fetchone()[0]
        )
        text = json.dumps(info, ensure_ascii=False)
        self.db.execute("INSERT INTO records VALUES (?,?,?,?,?,?)", (kind, number, made, local_time, text, acked))
        return Record(kind, number, made, local_time, info, acked)

    def oldest_open(self, kind: str) -> Record | None:
        """The record the cursor stands on: the oldest not acknowledged."""
        row = self.db.execute(
            "SELECT * FROM records WHERE kind = ? AND acked = 0 ORDER BY number LIMIT 1", (kind,)
        ).fetchone()
        return None if row is None else _record(row)

    def acknowledge(self, kind: str, number: int) -> bool:
        """Move the cursor over one record; False when there is none such or it was acknowledged before."""
        sql = "UPDATE records SET acked = 1 WHERE kind = ? AND number = ? AND acked = 0"
        return self.db.execute(sql, (kind, number)).rowcount > 0

    def acknowledge_all(self) -> None:
        """Give up waiting: what upload without resume means for everything so far."""
        self.db.execute("UPDATE records SET acked = 1 WHERE acked = 0")

    def reopen_since(self, local_time: str) -> None:
        """Set the cursor back to a local time (BeginTime)."""
        self.db.execute("UPDATE records SET acked = 0 WHERE local_time >= ?", (local_time,))

    def records_between(self, kind: str, begin: str, end: str) -> list[Record]:
        """Records by local time, both ends included."""
        rows = self.db.execute(
            "SELECT * FROM records WHERE kind = ? AND local_time BETWEEN ? AND ? ORDER BY number", (kind, begin, end)
        )
        return [_record(row) for row in rows]

    def record_counts(self) -> dict[str, int]:
        """How many records there are and how many wait for an acknowledgement."""
        total, pending = self.db.execute("SELECT COUNT(*), COALESCE(SUM(acked = 0), 0) FROM records").fetchone()
        return {"total": int(total), "pending": int(pending)}

    def forget_oldest(self, keep: int) -> None:
        """Overwrite the oldest records when the memory is full (acknowledged or not, as devices do)."""
        for kind in ("rec", "snap"):
            self.db.execute(
                "DELETE FROM records WHERE kind = ?1 AND number <= (SELECT MAX(number) FROM records WHERE kind = ?1) - ?2",
                (kind, keep),
            )

    # Settings

    def setting(self, key: str) -> str | None:
        """A setting by name."""
        row = self.db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put_setting(self, key: str, value: str) -> None:
        """Keep a setting."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))
