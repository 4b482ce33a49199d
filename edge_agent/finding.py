"""Devices nobody has told this box of yet: terminals that beat, ONVIF devices that answer, what a technician probed.

They are told to the hub and shown as found. Nothing is written to them, and none is taken over before a manager says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from device_drivers.contract.device import DeviceConfig
from device_drivers.contract.messages import EdgeFound, FoundDevice
from device_drivers.driver import DeviceUnreachable
from device_drivers.face_terminal import envelope
from device_drivers.mqtt import Incoming, Link
from device_drivers.onvif_discovery import Answered, discover
from edge_agent.config import write_atomic

log = logging.getLogger(__name__)
ROOT = "mqtt/face"
LOOK_S = 300.0  # between two probes of the network
TELL_S = 5.0
KEPT, MAX_FOUND = timedelta(hours=24), 200
FRESH = timedelta(minutes=15)  # how often it is told that something is still there
MAX_BEAT = 16 * 1024


class Finder:
    """`tell` hands a message to the hub; `devices` are those configured. `interface`: our address on the devices' network."""

    def __init__(
        self,
        folder: Path,
        interface: str,
        link: Link | None,
        devices: Callable[[], Iterable[DeviceConfig]],
        now: Callable[[], datetime],
        tell: Callable[[EdgeFound], None],
    ) -> None:
        self.folder, self.interface, self.link = folder, interface, link
        self.devices, self.now, self.tell = devices, now, tell
        self.found: dict[str, FoundDevice] = {}
        self._told: tuple[FoundDevice, ...] | None = None
        self._trouble = ""

    async def run(self) -> NoReturn:
        """Until cancelled."""
        if self.link:
            loop = asyncio.get_running_loop()
            self.link.start(lambda m: self._post(loop, m), lambda _up, _why: None)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_around())
                while True:
                    self._follow_roots()
                    await asyncio.to_thread(self._read_probed)
                    self.tell_changes()
                    await asyncio.sleep(TELL_S)
        finally:
            if self.link:
                await asyncio.to_thread(self.link.stop)

    def _follow_roots(self) -> None:
        if self.link:
            roots = {ROOT, *(str(d.config["topic_root"]) for d in self.devices() if d.config.get("topic_root"))}
            self.link.subscribe([f"{root.rstrip('/')}/{name}" for root in roots for name in ("basic", "heartbeat")])

    def _post(self, loop: asyncio.AbstractEventLoop, message: Incoming) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self.heard, message)

    # Terminals

    def heard(self, message: Incoming) -> None:
        """A heartbeat or an online message; it proves nothing, it is a hint."""
        if len(message.payload) > MAX_BEAT:
            return
        try:
            beat = envelope.parse(message.payload)
        except envelope.CannotRead:
            return
        device = beat.device.strip()
        if not device or beat.operator.casefold() == "offline" or len(device) > 64 or not device.isprintable():
            return
        root = message.topic.rsplit("/", 1)[0]
        config = {"device_id": device, **({"topic_root": root} if root != ROOT else {})}
        at = beat.info.text("ip")
        title = beat.info.text("facesname", "facesluiceName") or "人脸终端"
        self._add(f"face:{device}", "face_terminal", config, title, f"序列号 {device}" + (f"，地址 {at}" if at else ""))

    # ONVIF

    async def _look_around(self) -> NoReturn:
        while True:
            if self.interface:
                try:
                    for one in await discover(self.interface):
                        self._answered(one)
                    self._trouble = ""
                except DeviceUnreachable as error:
                    if str(error) != self._trouble:
                        log.warning("devices cannot be looked for: %s", error)
                    self._trouble = str(error)
            await asyncio.sleep(LOOK_S)

    def _answered(self, one: Answered) -> None:
        config: dict[str, Any] = {"host": one.host, "port": one.port, "path": one.path}
        if one.tls:
            config["tls"] = True
        kind = "onvif_door" if one.door else "onvif_camera"
        title = one.name or one.hardware or "ONVIF 设备"
        self._add(f"onvif:{one.host}:{one.port}", kind, config, title, f"{one.host}:{one.port} {one.hardware}".strip())

    # Boards and whatever else a technician asked

    def _read_probed(self) -> None:
        """`estate-edge probe --tell DIR` leaves a file."""
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            with contextlib.suppress(OSError):
                try:
                    probed = msgspec.json.decode(path.read_bytes(), type=FoundDevice)
                except ValueError as error:
                    log.warning("%s: %s", path, error)
                else:
                    self._add(probed.key, probed.kind, probed.config, probed.title, probed.detail)
                path.unlink()

    # What is told

    def _add(self, key: str, kind: str, config: dict[str, Any], title: str, detail: str) -> None:
        now = self.now()
        before = self.found.get(key)
        if before is None and len(self.found) >= MAX_FOUND:
            return
        first = before.first_seen_at if before else now
        self.found[key] = FoundDevice(key[:200], kind, title[:60], config, detail[:200], first, now)

    def current(self) -> tuple[FoundDevice, ...]:
        """What is there and not configured; what was not seen for a day is forgotten."""
        now, ours = self.now(), tuple(self.devices())
        self.found = {k: f for k, f in self.found.items() if now - f.last_seen_at < KEPT}
        return tuple(f for _, f in sorted(self.found.items()) if not any(same(f, d) for d in ours))

    def tell_changes(self) -> None:
        """A message where something came or went, or was seen for a while again."""
        current = self.current()
        if self._told is not None and [_still(f) for f in current] == [_still(f) for f in self._told]:
            return
        if self._told is None and not current:
            self._told = ()
            return
        self._told = current
        self.tell(EdgeFound(current))


def _still(found: FoundDevice) -> FoundDevice:
    """As it is told: its last sign is worth a message only now and then."""
    seen = found.last_seen_at
    return msgspec.structs.replace(
        found, last_seen_at=seen - timedelta(seconds=seen.timestamp() % FRESH.total_seconds())
    )


def same(found: FoundDevice, device: DeviceConfig) -> bool:
    """Whether a configured device is this one, whatever kind somebody chose for it."""
    for name in ("device_id", "host", "serial"):
        if name in found.config:
            other = found.config.get("port") == device.config.get("port", found.config.get("port"))
            units = (found.config.get("unit"), device.config.get("unit"))
            return found.config[name] == device.config.get(name) and other and (None in units or units[0] == units[1])
    return False


def leave(folder: Path, found: FoundDevice) -> None:
    """For the agent that runs from this directory. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = "".join(c if c.isalnum() else "-" for c in found.key)[:100]
    write_atomic(folder / f"{name}.json", msgspec.json.encode(found))
