"""Whether a device is still the one that refused something: another unit, firmware or setting may take what it did not."""

from __future__ import annotations

import asyncio
import hashlib

import msgspec

from device_drivers.contract.device import DeviceConfig, DeviceStatus
from edge_agent.box import read_kept
from edge_agent.state import State

TOLD = ("manufacturer", "model", "firmware", "serial")


class Identity:
    """Kept on disk: a device may be replaced while the box is off."""

    def __init__(self, config: DeviceConfig, state: State) -> None:
        self._config, self._state = config, state
        self._known: dict[str, str] = {}

    async def look(self, status: DeviceStatus) -> bool:
        """Whether it is another one than before; then nothing that was refused counts any more."""
        if self._known and not _differ(self._known, _told(status)):
            return False
        return await asyncio.to_thread(self._look, _told(status))

    def _look(self, told: dict[str, str]) -> bool:
        key, device = f"identity:{self._config.device}", self._config.device
        before = read_kept(self._state.kept(key), dict[str, str], {})
        now = {"settings": _settings(self._config), **told}
        other = any(before.get(name, value) != value for name, value in now.items())
        if other:
            self._state.forget_refusals(device)
        self._known = before | now
        if self._known != before:
            self._state.keep(key, msgspec.json.encode(self._known).decode())
        return other


def _differ(known: dict[str, str], told: dict[str, str]) -> bool:
    return any(known.get(name) != value for name, value in told.items())


def _told(status: DeviceStatus) -> dict[str, str]:
    """What a device does not say is not another answer."""
    return {name: value for name in TOLD if (value := getattr(status, name))}


def _settings(config: DeviceConfig) -> str:
    """A digest: settings hold passwords."""
    settings = {name: value for name, value in config.config.items() if name != "code"}
    return hashlib.sha256(msgspec.json.encode((config.kind, settings), order="sorted")).hexdigest()
