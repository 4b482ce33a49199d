"""Rows of the journal as they lie in the file: schema, checksum, size limit, and what can be saved from a damaged one."""

from __future__ import annotations

import logging
import sqlite3
import zlib
from datetime import datetime
from pathlib import Path

import msgspec

from device_drivers.contract.events import EdgeNote, Event, Unreadable

log = logging.getLogger(__name__)
KEYS_PER_DEVICE = 20_000
MAX_EVENT = 32_768  # bytes of JSON: one event must always fit a message

SCHEMA = """
CREATE TABLE IF NOT EXISTS events(seq INTEGER PRIMARY KEY, at REAL NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen(n INTEGER PRIMARY KEY, device TEXT NOT NULL, key TEXT NOT NULL, UNIQUE(device, key));
CREATE TABLE IF NOT EXISTS quarantine(seq INTEGER, crc INTEGER, body BLOB, found REAL);
"""
_encoder = msgspec.json.Encoder()


def checksum(seq: int | str, body: bytes) -> int:
    """CRC-32 over the number and the body: finds every single flipped bit."""
    return zlib.crc32(body, zlib.crc32(str(seq).encode()))


def encode_event(event: Event, seq: int) -> bytes:
    """The event's JSON under its number; a body too large for a message is kept cut."""
    body = _encoder.encode(msgspec.structs.replace(event, seq=seq))
    if len(body) > MAX_EVENT:
        cut = Unreadable(type(event.body).__name__, body[:4096].decode(errors="replace"), f"{len(body)} bytes")
        body = _encoder.encode(msgspec.structs.replace(event, seq=seq, body=cut))
    return body


def put_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute(
        "INSERT INTO meta VALUES (?, ?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value, crc = excluded.crc",
        (key, value, checksum(key, value.encode())),
    )


def quarantine(db: sqlite3.Connection, seq: int, now: datetime) -> None:
    """A note in the place of a row that cannot be read; what it held is put aside."""
    log.error("journal: row %d is damaged or missing: noted in its place", seq)
    row = db.execute("SELECT seq, crc, body FROM events WHERE seq = ?", (seq,)).fetchone()
    if row:
        db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?)", (*row, now.timestamp()))
    note = EdgeNote("corrupt_row", f"row {seq} failed its checksum" if row else f"row {seq} is missing")
    body = encode_event(Event(seq, "", now, note), seq)
    db.execute(
        "INSERT OR REPLACE INTO events(seq, at, crc, body) VALUES (?, ?, ?, ?)",
        (seq, now.timestamp(), checksum(seq, body), body),
    )


def prune_bite(db: sqlite3.Connection, up_to: int, before: float) -> int:
    """Deletes at most 2,000 rows up to this seq and older than this time, and, with the last bite, old record keys."""
    # The last row stays: it carries the head.
    bite = "SELECT seq FROM events WHERE seq <= ? AND at < ? AND seq < (SELECT max(seq) FROM events) LIMIT 2000"
    count = db.execute(f"DELETE FROM events WHERE seq IN ({bite})", (up_to, before)).rowcount
    if count < 2_000:
        for (device,) in db.execute("SELECT DISTINCT device FROM seen").fetchall():
            newest = "SELECT n FROM seen WHERE device = ? ORDER BY n DESC LIMIT 1 OFFSET ?"
            db.execute(f"DELETE FROM seen WHERE device = ? AND n <= ({newest})", (device, device, KEYS_PER_DEVICE))
    return count


def salvage(path: Path) -> list[Event]:
    """Every whole event of a damaged journal beyond its cursor. Windows that cannot be read are stepped over."""
    db = sqlite3.connect(path)
    events: list[Event] = []
    try:
        row = db.execute("SELECT value FROM meta WHERE key = 'cursor'").fetchone()
        start = int(row[0]) + 1 if row else 1
        (oldest,) = db.execute("SELECT min(seq) FROM events").fetchone()
        start = max(start, oldest or 1)
    except (sqlite3.Error, ValueError):
        start = 1
    idle = 0
    while idle < 20:
        window = "SELECT seq, crc, body FROM events WHERE seq >= ? AND seq < ? ORDER BY seq"
        before = len(events)
        try:
            for seq, crc, body in db.execute(window, (start, start + 100)):
                if isinstance(body, bytes) and checksum(seq, body) == crc:
                    events.append(msgspec.json.decode(body, type=Event))
        except (sqlite3.Error, ValueError) as error:
            log.warning("journal: rows from %d cannot be read: %s", start, error)
        idle = 0 if len(events) > before else idle + 1
        start += 100
    db.close()
    return events
