"""What `estate-edge status` shows: written by the agent when it changes, read by the command line."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

from device_drivers.contract.messages import DeviceReported
from edge_agent.config import EdgeDir


class JournalStatus(msgspec.Struct, frozen=True):
    epoch: str
    head: int
    cursor: int


def write_status(directory: EdgeDir, reports: Mapping[str, DeviceReported]) -> None:
    """Atomic for readers, without fsync: it is for eyes, and rewritten at the next start. Raises OSError."""
    beside = directory.status.with_name("status.json.new")
    beside.write_bytes(msgspec.json.encode(sorted(reports.values(), key=lambda r: r.device)))
    beside.replace(directory.status)


def read_status(directory: EdgeDir) -> list[DeviceReported]:
    try:
        return msgspec.json.decode(directory.status.read_bytes(), type=list[DeviceReported])
    except (FileNotFoundError, msgspec.MsgspecError):
        return []


def read_journal(directory: EdgeDir) -> JournalStatus | None:
    """Head and cursor, read beside the running agent. The cursor on disk may lag behind by one commit."""
    if not directory.journal.exists():
        return None
    db = sqlite3.connect(f"file:{directory.journal}?mode=ro", uri=True)
    try:
        meta = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('epoch', 'cursor')").fetchall())
        (head,) = db.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    finally:
        db.close()
    return JournalStatus(meta.get("epoch", ""), int(head), int(meta.get("cursor", 0)))
