"""What `estate-edge status` shows: written by the agent when it changes, read by the command line."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from device_drivers.contract.messages import DeviceReported
from edge_agent.authority import lasted
from edge_agent.config import EdgeDir


class JournalStatus(msgspec.Struct, frozen=True):
    epoch: str
    head: int
    cursor: int


class ListLine(msgspec.Struct, frozen=True):
    """A list this box holds and decides or reconciles by."""

    device: str
    generation: int
    issued_at: datetime


class BoxStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """`authority_since`: since when this box decides without the hub; None while the hub is there. `certificate_refused`: why the
    box's certificate could not be renewed when it was tried last; `hub_dates`: why TLS to the hub fails by its dates."""

    devices: tuple[DeviceReported, ...] = ()
    authority_since: datetime | None = None
    heard_at: datetime | None = None
    clock_trusted: bool = True
    lists: tuple[ListLine, ...] = ()
    faces_off: str = ""
    certificate_refused: str = ""
    hub_dates: str = ""


def write_status(directory: EdgeDir, status: BoxStatus) -> None:
    """Atomic for readers, without fsync: it is for eyes, and rewritten at the next start. Raises OSError."""
    beside = directory.status.with_name("status.json.new")
    beside.write_bytes(msgspec.json.encode(status))
    beside.replace(directory.status)


def read_status(directory: EdgeDir) -> BoxStatus:
    try:
        return msgspec.json.decode(directory.status.read_bytes(), type=BoxStatus)
    except (FileNotFoundError, ValueError):
        return BoxStatus()


def disk_told(directory: EdgeDir, ask: Callable[[Path], os.statvfs_result] = os.statvfs) -> str:
    """Why this box's disk takes nothing; empty where it does. Asked of the disk itself: the page cannot be written then."""
    try:
        found = ask(directory.root)
    except OSError as error:
        return f"the disk of {directory.root} cannot be asked: {error}"
    if found.f_flag & os.ST_RDONLY:
        why = "is mounted read-only"
    elif not found.f_bavail:
        why = "is full"
    else:
        return ""
    return (
        f"the disk of {directory.root} {why}: doors go on; what is recorded is in memory alone and lost with the power, "
        "and what stands below may be old"
    )


def lines(status: BoxStatus, now: datetime) -> list[str]:
    """What a person at the box must know beside the devices: since when it is alone, its clock, fires, doors not normal."""
    found = [status.hub_dates] if status.hub_dates else []
    if status.authority_since:
        alone = lasted((now - status.authority_since).total_seconds())
        found.append(
            f"offline authority for {alone} (since {_at(status.authority_since)}): doors decide by the lists held here"
        )
        found += [
            f"  {line.device}: list of generation {line.generation} of {_at(line.issued_at)}" for line in status.lists
        ]
    elif status.heard_at:
        found.append(f"hub heard at {_at(status.heard_at)}")
    if not status.clock_trusted:
        found.append(
            "clock not trusted: residents pass, visitors and others wait until the time is set (NTP or `date`)"
        )
    if status.faces_off:
        found.append(f"faces are not recognised on this box: {status.faces_off}")
    for device in status.devices:
        if device.fire not in ("none", "quiet"):
            found.append(f"{device.device}: fire contact {device.fire}")
        for mode in device.modes:
            end = f" until {_at(mode.until)}" if mode.until else ""
            who = f" by {mode.actor}: {mode.reason}" if mode.actor else f" because of {mode.cause}"
            found.append(f"{device.device} {mode.access_point}: {mode.mode}{end}{who}")
    return found


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


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
