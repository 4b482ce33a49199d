"""`estate-edge probe`: what hangs at an address, what it can do and holds, and whether its clock is right. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from device_drivers.contract.messages import FoundDevice
from device_drivers.driver import ConfigError

CLOCK_TOLERANCE_S = 5.0
PORTS = {"modbus+tcp": 502, "modbus+rtu-over-tcp": 502, "modbus+rtu": 1, "onvif": 80, "face-mqtt": 1883}
ALIASES = {
    "modbus+rtu+tcp": "modbus+rtu-over-tcp",
    "modbus+rtu_over_tcp": "modbus+rtu-over-tcp",
    "modbus": "modbus+tcp",
}
FORMS = (
    "modbus+tcp://HOST[:PORT][?unit=1&board=NAME]",
    "modbus+rtu-over-tcp://HOST[:PORT][?unit=1&board=NAME]",
    "modbus+rtu:///dev/ttyS1[?baud=9600&parity=N&stop=1&unit=1&board=NAME]",
    "onvif://USER@HOST[:PORT]",
    "face-mqtt://[USER@]BROKER[:PORT]/DEVICE-ID[?root=mqtt/face]",
)


class Address(msgspec.Struct, frozen=True):
    """An address taken apart; the password never stands in it. `host` is the serial port's path for `modbus+rtu`."""

    scheme: str
    host: str
    port: int
    username: str = ""
    path: str = ""
    options: dict[str, str] = {}

    def number(self, name: str, lowest: int, highest: int) -> int | None:
        """Raises ConfigError, with the option's name."""
        if name not in self.options:
            return None
        text = self.options[name]
        if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
            raise ConfigError(f"{name}: {text!r} is not a number from {lowest} to {highest}")
        return int(text)


class Probed(msgspec.Struct, omit_defaults=False):
    """What was found. `clock`: right, wrong, none (the device has no clock), unknown. `clock_offset_s`: device minus us."""

    address: str
    answered: bool = False
    kind: str = ""
    identity: dict[str, str] = {}
    can: list[str] = []
    holds: dict[str, Any] = {}
    clock: str = "unknown"
    clock_offset_s: float | None = None
    notes: list[str] = []

    def set_clock(self, offset_s: float | None) -> None:
        self.clock_offset_s = offset_s
        if offset_s is not None:
            self.clock = "right" if abs(offset_s) <= CLOCK_TOLERANCE_S else "wrong"


def parse(text: str) -> Address:
    """Raises ConfigError with the forms that are known."""
    forms = "; ".join(FORMS)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}; known: {forms}") from error
    scheme = ALIASES.get(parts.scheme, parts.scheme)
    serial = scheme == "modbus+rtu"
    if scheme not in PORTS or not (parts.path.strip("/") if serial else parts.hostname):
        raise ConfigError(f"{text!r} is not an address of a device; known: {forms}")
    if parts.password is not None:
        raise ConfigError(
            "no password in the address: others can read it; it is asked for, or set ESTATE_EDGE_PASSWORD"
        )
    path = unquote(parts.path.strip("/"))
    if scheme == "face-mqtt" and not path:
        raise ConfigError(f"the terminal's DEVICE-ID is missing; known: {forms}")
    if serial and parts.netloc:
        raise ConfigError(f"{text!r}: three slashes before the serial port's path, as in modbus+rtu:///dev/ttyS1")
    return Address(
        scheme,
        unquote(parts.path) if serial else str(parts.hostname),
        port or PORTS[scheme],
        unquote(parts.username or ""),
        path,
        dict(parse_qsl(parts.query)),
    )


KINDS = frozenset({"modbus_door", "modbus_meter", "onvif_camera", "onvif_door", "face_terminal"})


def as_found(where: Address, found: Probed, now: datetime) -> FoundDevice | None:
    """For the hub's list of found devices; None for what cannot be added. The user's name goes with it, never a password."""
    if found.kind not in KINDS:
        return None
    config: dict[str, Any] = {"host": where.host, "port": where.port}
    if found.kind == "face_terminal":
        config = {"device_id": where.path, **({"topic_root": where.options["root"]} if "root" in where.options else {})}
    elif found.kind.startswith("onvif"):
        config |= {"username": where.username} if where.username else {}
    elif where.scheme != "modbus+tcp":
        config["transport"] = "rtu" if where.scheme == "modbus+rtu" else "rtu_over_tcp"
    if "unit" in found.identity and found.kind == "modbus_door":
        config["unit"] = int(found.identity["unit"])
        config |= {"board": found.identity["板型"]} if "板型" in found.identity else {}
    title = found.identity.get("Model") or found.identity.get("名称") or found.kind
    key = f"{found.kind}:{where.path or f'{where.host}:{where.port}'}:{config.get('unit', '')}"
    return FoundDevice(key, found.kind, title[:60], config, f"现场探测 {found.address}"[:200], now, now)


CLOCKS = {"right": "准确", "wrong": "不准", "none": "设备没有时钟", "unknown": "未知"}


def lines(found: Probed) -> list[str]:
    """For the technician at the gate."""
    offset = f"（与本机相差 {found.clock_offset_s:+.1f} 秒）" if found.clock_offset_s is not None else ""
    told = [
        f"地址    {found.address}",
        f"应答    {'有' if found.answered else '无'}",
        f"类型    {found.kind or '未识别'}",
        *(f"标识    {name}: {value}" for name, value in found.identity.items()),
        f"能力    {'、'.join(found.can) or '—'}",
        *(f"现有    {name}: {_short(value)}" for name, value in found.holds.items()),
        f"时钟    {CLOCKS[found.clock]}{offset}",
    ]
    return told + [f"说明    {note}" for note in found.notes]


def _short(value: object) -> str:
    if isinstance(value, list):
        return "、".join(map(str, value[:10])) + (f" … 共 {len(value)}" if len(value) > 10 else "") or "—"
    return str(value)
