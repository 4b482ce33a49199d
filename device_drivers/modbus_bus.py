"""What a driver asks of a Modbus line, in our words. The line itself is shared (`modbus_line`), the frames are pure.

Reads may be repeated by callers; a write is never repeated by anything below. A device's "no" is raised as `IllegalRequest`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device_drivers import modbus_frames as frames
from device_drivers.driver import ConfigError, DeviceRefused, DeviceUnreachable
from device_drivers.modbus_frames import Request
from device_drivers.modbus_lease import lease, release
from device_drivers.modbus_line import SILENT_CODES, Line
from device_drivers.modbus_place import Place, Transport
from device_drivers.modbus_turn import Poll, Result
from device_drivers.modbus_units import NoAnswer
from device_drivers.register_map import BitTable
from device_drivers.register_value import RegisterTable

__all__ = ["BUSY_CODES", "BusConfig", "IllegalRequest", "ModbusBus", "NoAnswer", "Place", "Transport"]
EXCEPTION_TEXTS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge, still working",
    6: "device busy",
    10: "gateway path unavailable",
    11: "gateway target does not respond",
}
BUSY_CODES = frozenset({5, 6})
NEVER = frozenset({1, 2, 3})
"""By which a device says that it has no such thing: asking again changes nothing."""
Baud = Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]


class BusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a device's line is reached: the first fields of every Modbus device's settings."""

    host: Annotated[
        str,
        Meta(
            title="主机或串口", description="IP address or name; for rtu the serial port, e.g. /dev/ttyS1", min_length=1
        ),
    ]
    port: Annotated[int, Meta(title="端口", description="TCP port; without meaning for rtu", ge=1, le=65535)] = 502
    transport: Annotated[
        Transport, Meta(title="传输", description="tcp, rtu_over_tcp (a serial converter), rtu (a serial port)")
    ] = "tcp"
    baud: Annotated[Baud, Meta(title="波特率", description="rtu only")] = 9600
    parity: Annotated[Literal["N", "E", "O"], Meta(title="校验", description="rtu only: none, even, odd")] = "N"
    stop_bits: Annotated[Literal[1, 2], Meta(title="停止位", description="rtu only")] = 1
    timeout_s: Annotated[float, Meta(title="超时（秒）", description="Wait for an answer, seconds", gt=0, le=30)] = 1.0
    quiet_s: Annotated[
        float,
        Meta(title="静默（秒）", description="RTU: after no answer a unit is left alone so long, seconds", ge=0, le=30),
    ] = 1.0

    def place(self) -> Place:
        return Place(self.host, self.port, self.transport, self.baud, self.parity, self.stop_bits, self.quiet_s)

    def check_unit(self, unit: int) -> None:
        """Raises ConfigError: on a serial line unit 0 is everybody, and nobody answers."""
        if unit == 0 and self.transport != "tcp":
            raise ConfigError(
                "unit: 0 addresses all units of a serial line, and none answers; give the unit's own number"
            )


class IllegalRequest(DeviceRefused):
    """The device answered with a Modbus exception. `code` as in the standard."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what}: Modbus exception {code} ({EXCEPTION_TEXTS.get(code, 'unknown')})")
        self.code = code


class ModbusBus:
    """One device's share of a line. Methods raise DeviceUnreachable, NoAnswer (sent, silence) or IllegalRequest."""

    def __init__(self, place: Place, timeout_s: float = 1.0) -> None:
        self.place, self.timeout_s = place, timeout_s
        self._line: Line | None = None
        self.closed = False

    @property
    def line(self) -> Line:
        if self.closed:
            raise DeviceUnreachable(f"{self.place}: closed by us")
        if self._line is None:
            self._line = lease(self.place)
        return self._line

    async def connect(self) -> None:
        """Make the connection if there is none. Raises DeviceUnreachable, ConfigError."""
        await self.line.connect()

    def close(self) -> None:
        self.closed = True
        if self._line is not None:
            release(self._line)
            self._line = None

    @property
    def oddities(self) -> str:
        """What came in on the line and belonged to no question, for the device's page."""
        return str(self._line.odd) if self._line else ""

    async def read_bits(self, unit: int, table: BitTable, address: int, count: int) -> tuple[bool, ...]:
        request = frames.read_bits(unit, 1 if table == "coil" else 2, address, count)
        pdu = await self._ask(f"unit {unit} {table} {address}+{count}", request)
        try:
            return frames.bits_of(pdu, count)
        except frames.BadAnswer as error:
            raise NoAnswer(f"unit {unit} {table} {address}: {error}") from error

    async def read_registers(self, unit: int, table: RegisterTable, address: int, count: int) -> tuple[int, ...]:
        request = frames.read_registers(unit, 3 if table == "holding" else 4, address, count)
        pdu = await self._ask(f"unit {unit} {table} {address}+{count}", request)
        try:
            return frames.registers_of(pdu, count)
        except frames.BadAnswer as error:
            raise NoAnswer(f"unit {unit} {table} {address}: {error}") from error

    async def write_coil(self, unit: int, address: int, value: bool) -> None:
        await self.write_coil_value(unit, address, 0xFF00 if value else 0)

    async def write_coil_value(self, unit: int, address: int, value: int) -> None:
        """FC05 with a raw 16-bit value."""
        await self.send(frames.write_coil(unit, address, value))

    async def write_register(self, unit: int, address: int, value: int) -> None:
        await self.send(frames.write_register(unit, address, value))

    async def write_registers(self, unit: int, address: int, values: tuple[int, ...]) -> None:
        await self.send(frames.write_registers(unit, address, values))

    async def send(self, request: Request) -> None:
        """A write, once."""
        names = {5: "coil", 6: "register", 16: "registers"}
        address = int.from_bytes(request.pdu[1:3], "big")
        what = f"unit {request.unit} {names.get(request.function, f'function {request.function}')} {address}"
        pdu = await self._ask(what, request)
        try:
            frames.wrote(request, pdu)
        except frames.BadAnswer as error:
            raise NoAnswer(f"{what}: {error}") from error

    def poll(self, request: Request, period_s: float, hear: Callable[[Poll, Result, float], bool]) -> Poll:
        """A read that the line repeats; see `Poll`. Raises DeviceUnreachable, ConfigError."""
        return self.line.poll(request, self.timeout_s, period_s, hear)

    async def read(self, request: Request) -> bytes:
        """The answer's PDU, as it came."""
        return await self._ask(f"unit {request.unit} function {request.function}", request)

    async def _ask(self, what: str, request: Request) -> bytes:
        return answered(what, await self.line.ask(request, self.timeout_s))


def answered(what: str, pdu: bytes) -> bytes:
    """The PDU where it is a yes. Raises IllegalRequest, NoAnswer (a gateway says that the unit is silent)."""
    code = frames.exception_code(pdu)
    if code is None:
        return pdu
    if code in SILENT_CODES:
        raise NoAnswer(f"{what}: {EXCEPTION_TEXTS[code]}")
    raise IllegalRequest(what, code)
