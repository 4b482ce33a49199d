"""The device set that a box was sent: whether it is newer than the one it has, and the one it kept on disk."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import msgspec

from device_drivers.contract.access import Acceptance, Held, accept
from device_drivers.contract.device import DeviceSet
from edge_agent.config import write_atomic

log = logging.getLogger(__name__)


def verdict_on(incoming: DeviceSet, current: DeviceSet | None) -> Acceptance:
    """By generation and digest, as with every list."""
    return accept(_held(current), Held(incoming.generation, _digest(incoming)))


def keep(path: Path, devices: DeviceSet) -> None:
    """Twice: a box whose one copy was damaged had no doors until the hub was back. Raises OSError."""
    content = msgspec.json.encode(devices)
    for file in (path, _second(path)):
        write_atomic(file, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def kept(path: Path) -> DeviceSet:
    """Of the first copy, else of the second. Raises FileNotFoundError where none was kept; OSError or ValueError where neither is
    usable (msgspec's errors and those of damaged text are ValueErrors)."""
    try:
        return _read(path)
    except (OSError, ValueError) as error:
        try:
            found = _read(_second(path))
        except FileNotFoundError:
            raise error from None
        log.error("%s is not usable, its copy is taken: %s", path.name, error)
        return found


def _second(path: Path) -> Path:
    return path.with_suffix(".copy.json")


def _read(file: Path) -> DeviceSet:
    """A bit that flips in a number leaves good JSON, so it is checked; files of releases before began with the JSON itself."""
    content = file.read_bytes()
    if not content.startswith(b"{"):
        digest, _, content = content.partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            raise ValueError(f"{file.name} is damaged")
    return msgspec.json.decode(content, type=DeviceSet)


def _digest(devices: DeviceSet) -> str:
    return hashlib.sha256(msgspec.json.encode(devices)).hexdigest()


def _held(devices: DeviceSet | None) -> Held | None:
    return Held(devices.generation, _digest(devices)) if devices else None
