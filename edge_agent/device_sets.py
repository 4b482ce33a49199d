"""The device set that a box was sent: whether it is newer than the one it has, and the one it kept on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from device_drivers.contract.access import Acceptance, Held, accept
from device_drivers.contract.device import DeviceSet
from edge_agent.config import write_atomic


def verdict_on(incoming: DeviceSet, current: DeviceSet | None) -> Acceptance:
    """By generation and digest, as with every list."""
    return accept(_held(current), Held(incoming.generation, _digest(incoming)))


def keep(path: Path, devices: DeviceSet) -> None:
    """Raises OSError."""
    write_atomic(path, msgspec.json.encode(devices))


def kept(path: Path) -> DeviceSet:
    """Raises FileNotFoundError where none was kept; OSError or ValueError where it is not usable (msgspec's errors and those of
    damaged text are ValueErrors)."""
    return msgspec.json.decode(path.read_bytes(), type=DeviceSet)


def _digest(devices: DeviceSet) -> str:
    return hashlib.sha256(msgspec.json.encode(devices)).hexdigest()


def _held(devices: DeviceSet | None) -> Held | None:
    return Held(devices.generation, _digest(devices)) if devices else None
