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
WINDOW, STEPPED_OVER = 100, 2_000  # rows; windows without a single one that can be read, after which none is expected
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
    """The event's JSON under its number; a body too large for a message, or that is no text, is kept cut."""
    said = msgspec.structs.replace(event, seq=seq)
    try:
        body = _encoder.encode(said)
        if len(body) <= MAX_EVENT:
            return body
        raw, why = body[:4096], f"{len(body)} bytes"
    except UnicodeEncodeError as error:  # half a character, as JSON may say it
        raw, why = repr(event.body).encode(errors="backslashreplace")[:4096], str(error)
    cut = Unreadable(type(event.body).__name__, raw.decode(errors="replace"), why)
    return _encoder.encode(msgspec.structs.replace(said, body=cut))


def read_event(seq: int, body: object, now: datetime) -> Event:
    """A row as it lies in the file; a note in the place of one that cannot be read."""
    try:
        if isinstance(body, bytes):
            return msgspec.json.decode(body, type=Event)
    except ValueError as error:
        log.warning("journal: row %d: %s", seq, error)
    return Event(seq, "", now, EdgeNote("corrupt_row", f"row {seq} failed its checksum"))


def good_meta(db: sqlite3.Connection) -> dict[str, str]:
    """What fits its checksum. Raises DatabaseError where the epoch does not."""
    meta = {}
    for key, value, crc in db.execute("SELECT key, value, crc FROM meta"):
        if checksum(key, value.encode()) == crc:
            meta[key] = value
        elif key == "epoch":
            raise sqlite3.DatabaseError("epoch fails its checksum")
    return meta


def cursor_of(db: sqlite3.Connection) -> int:
    """Up to where the hub has it. Where that cannot be read, it is asked from the oldest row on, under the numbers it knows:
    from 1 on, rows that are no longer kept would be missed, and all that lies here would come again in a new epoch.
    """
    row = db.execute("SELECT value, crc FROM meta WHERE key = 'cursor'").fetchone()
    if row and checksum("cursor", str(row[0]).encode()) == row[1]:
        return int(row[0])
    return oldest_of(db)


def oldest_of(db: sqlite3.Connection) -> int:
    """The seq before the first row that is kept."""
    (oldest,) = db.execute("SELECT min(seq) FROM events").fetchone()
    return (oldest or 1) - 1


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
    """Every whole event of a damaged journal beyond its cursor. What cannot be read is stepped over, row by row."""
    db = sqlite3.connect(path)
    events: dict[int, Event] = {}
    start = 1
    for number in (cursor_of, oldest_of):
        try:
            start = number(db) + 1
            break
        except (sqlite3.Error, ValueError) as error:
            log.warning("journal: where to begin cannot be read: %s", error)
    idle = 0
    while idle < STEPPED_OVER:
        before = len(events)
        if not _save(db, events, start, start + WINDOW):
            for seq in range(start, start + WINDOW):
                _save(db, events, seq, seq + 1)
        idle = 0 if len(events) > before else idle + 1
        start += WINDOW
    db.close()
    return [event for _, event in sorted(events.items())]


def _save(db: sqlite3.Connection, events: dict[int, Event], start: int, end: int) -> bool:
    """False where not all of these rows could be read."""
    try:
        for seq, crc, body in db.execute(
            "SELECT seq, crc, body FROM events WHERE seq >= ? AND seq < ? ORDER BY seq", (start, end)
        ):
            if isinstance(body, bytes) and checksum(seq, body) == crc:
                events[seq] = msgspec.json.decode(body, type=Event)
    except (sqlite3.Error, ValueError) as error:
        log.debug("journal: rows from %d cannot be read: %s", start, error)
        return False
    return True
