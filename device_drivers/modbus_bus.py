"""One Modbus connection: pymodbus behind our words. TCP or RTU-over-TCP, one request at a time, no hidden retries.

pymodbus re-sends writes by default (four pulses at a silent board): `retries=0` here, reads are repeated by callers.
RTU framing has no transaction id, so a late reply would answer the next question: after any silence or cancel the
connection is closed and made anew. Device answers "no" are returned by pymodbus and raised here as `IllegalRequest`.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import WriteSingleCoilRequest

from device_drivers.driver import DeviceRefused, DeviceUnreachable
from device_drivers.register_map import BitTable, RegisterTable

T = TypeVar("T")
Transport = Literal["tcp", "rtu_over_tcp"]
LIBRARY_ERRORS = (ModbusException, OSError, TimeoutError, struct.error, ValueError, IndexError)
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
SILENT_CODES = frozenset({10, 11})  # a gateway's way to say that the unit behind it is silent

# pymodbus logs every failed call with a frame dump; we say it once, with the device's key, where it matters.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


async def heeding(work: Awaitable[T]) -> T:
    """pymodbus waits by `asyncio.wait_for`, which in Python 3.11 can swallow a cancellation: it is raised again here.

    A task that lost its cancellation would poll for ever, and whoever stops it would wait for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0  # who tidies up after a cancellation is not cancelled again
    try:
        return await work
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError


class NoAnswer(DeviceUnreachable):
    """The request went out and nothing came back: whether the device acted is not known."""


class IllegalRequest(DeviceRefused):
    """The device answered with a Modbus exception. `code` as in the standard."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(f"{what}: Modbus exception {code} ({EXCEPTION_TEXTS.get(code, 'unknown')})")
        self.code = code


class _CoilValueRequest(WriteSingleCoilRequest):
    """FC05 with a value other than FF00/0000, as flash-on boards want it."""

    raw_value = 0

    def encode(self) -> bytes:
        self.verifyAddress()
        return struct.pack(">HH", self.address, self.raw_value)


class ModbusBus:
    """A connection to `host:port`. Methods raise DeviceUnreachable, NoAnswer (sent, silence) or IllegalRequest."""

    def __init__(self, host: str, port: int, transport: Transport = "tcp", timeout_s: float = 1.0) -> None:
        self.host, self.port, self.transport, self.timeout_s = host, port, transport, timeout_s
        self._client: AsyncModbusTcpClient | None = None
        self._lock = asyncio.Lock()
        self.closed = False

    async def connect(self) -> None:
        """Make the connection if there is none. Raises DeviceUnreachable."""
        if self.closed:
            raise DeviceUnreachable(f"{self.host}:{self.port}: closed by us")
        if self._client is not None and self._client.connected:
            return
        self._drop()
        client = AsyncModbusTcpClient(
            self.host,
            port=self.port,
            framer=FramerType.SOCKET if self.transport == "tcp" else FramerType.RTU,
            timeout=self.timeout_s,
            retries=0,
            reconnect_delay=0,  # reconnecting is ours: a fresh client, with nothing of the old stream in it
        )
        try:
            up = await heeding(client.connect())
        except LIBRARY_ERRORS as error:
            client.close()
            raise DeviceUnreachable(f"{self.host}:{self.port}: {error}") from error
        except asyncio.CancelledError:
            client.close()
            raise
        if not up:
            client.close()
            raise DeviceUnreachable(f"{self.host}:{self.port}: no connection")
        self._client = client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self) -> None:
        self.closed = True
        self._drop()

    async def read_bits(self, unit: int, table: BitTable, address: int, count: int) -> tuple[bool, ...]:
        def ask(c: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            read = c.read_coils if table == "coil" else c.read_discrete_inputs
            return read(address, count=count, device_id=unit)

        reply = await self._ask(f"unit {unit} {table} {address}+{count}", ask)
        if len(reply.bits) < count:
            raise NoAnswer(f"unit {unit} {table} {address}: {len(reply.bits)} bits for {count}")
        return tuple(bool(bit) for bit in reply.bits[:count])

    async def read_registers(self, unit: int, table: RegisterTable, address: int, count: int) -> tuple[int, ...]:
        def ask(c: AsyncModbusTcpClient) -> Awaitable[ModbusPDU]:
            read = c.read_holding_registers if table == "holding" else c.read_input_registers
            return read(address, count=count, device_id=unit)

        reply = await self._ask(f"unit {unit} {table} {address}+{count}", ask)
        if len(reply.registers) != count:
            raise NoAnswer(f"unit {unit} {table} {address}: {len(reply.registers)} registers for {count}")
        return tuple(reply.registers)

    async def write_coil(self, unit: int, address: int, value: bool) -> None:
        await self._ask(f"unit {unit} coil {address}", lambda c: c.write_coil(address, value, device_id=unit))

    async def write_coil_value(self, unit: int, address: int, value: int) -> None:
        """FC05 with a raw 16-bit value."""
        request = _CoilValueRequest(address=address, bits=[True], dev_id=unit)
        request.raw_value = value
        await self._ask(f"unit {unit} coil {address}", lambda c: c.execute(False, request))

    async def write_register(self, unit: int, address: int, value: int) -> None:
        await self._ask(f"unit {unit} register {address}", lambda c: c.write_register(address, value, device_id=unit))

    async def write_registers(self, unit: int, address: int, values: tuple[int, ...]) -> None:
        await self._ask(
            f"unit {unit} registers {address}", lambda c: c.write_registers(address, list(values), device_id=unit)
        )

    async def _ask(self, what: str, ask: Callable[[AsyncModbusTcpClient], Awaitable[Any]]) -> ModbusPDU:
        async with self._lock:
            await self.connect()
            assert self._client is not None
            try:
                reply = await heeding(ask(self._client))
            except ConnectionException as error:
                self._drop()
                raise NoAnswer(f"{what}: {error}") from error
            except LIBRARY_ERRORS as error:
                self._forget_stream()
                raise NoAnswer(f"{what}: no answer ({type(error).__name__})") from error
            except asyncio.CancelledError:
                self._forget_stream()
                raise
        if not isinstance(reply, ModbusPDU):
            raise NoAnswer(f"{what}: no answer")
        if reply.isError():
            if reply.exception_code in SILENT_CODES:
                raise NoAnswer(f"{what}: {EXCEPTION_TEXTS[reply.exception_code]}")
            raise IllegalRequest(what, reply.exception_code)
        return reply

    def _forget_stream(self) -> None:
        # With Modbus-TCP framing a stale reply is told apart by its transaction id; with RTU framing it is not.
        if self.transport == "rtu_over_tcp":
            self._drop()
