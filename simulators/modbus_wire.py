"""Modbus on a TCP socket in both dresses (MBAP and RTU over TCP) and on a serial line, with the ways a line can go wrong.

The serial line is a pseudo-terminal: `serial_path` is what a master opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
import tty
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from simulators.faults import Fault, FaultBook
from simulators.modbus_bank import DEVICE_FAILURE, ILLEGAL_ADDRESS, exception_pdu

Transport = Literal["tcp", "rtu_over_tcp", "rtu"]
Answer = Callable[[int, bytes], bytes | None]
_FIXED_RTU_LENGTH = 8


def crc16(data: bytes) -> bytes:
    """Modbus CRC-16 (polynomial 0xA001, start 0xFFFF), low byte first as on the wire."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame seen on the line. ``at`` epoch seconds, ``received`` from the client, ``adu`` the whole frame."""

    at: float
    received: bool
    unit: int
    adu: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    unit: int
    pdu: bytes
    adu: bytes
    transaction: bytes


class ModbusListener:
    """A server for one or many units. ``answer(unit, pdu)`` gives the answer PDU, None for silence."""

    def __init__(self, host: str, port: int, transport: Transport, faults: FaultBook, answer: Answer) -> None:
        self.host = host
        self.port = port
        self.transport = transport
        self.faults = faults
        self.answer = answer
        self.frames: deque[Frame] = deque(maxlen=2000)
        self.serial_path = ""
        self._slave: int | None = None
        self._serial_in: asyncio.ReadTransport | None = None
        self._serial_dir = Path()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; ``port`` 0 becomes the real port and stays it over a restart. On ``rtu`` a new serial line is made."""
        if self.transport == "rtu":
            await self._start_serial()
            return
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def _start_serial(self) -> None:
        master, self._slave = os.openpty()  # the slave stays open: between two masters the line does not hang up
        tty.setraw(self._slave)
        # A name of its own: the system gives a terminal's number to the next one at once.
        self._serial_dir = Path(tempfile.mkdtemp(prefix="modbus-sim-"))
        (self._serial_dir / "tty").symlink_to(os.ttyname(self._slave))
        self.serial_path = str(self._serial_dir / "tty")
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        self._serial_in, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(os.dup(master), "rb", 0))
        flow = asyncio.streams.FlowControlMixin()
        transport, _ = await loop.connect_write_pipe(lambda: flow, os.fdopen(master, "wb", 0))
        self._accept(reader, asyncio.StreamWriter(transport, flow, reader, loop))

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._tear()
        pending = list(self._tasks)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if self._slave is not None and self._serial_in is not None:
            self._serial_in.close()
            os.close(self._slave)
            self._slave = None
            shutil.rmtree(self._serial_dir, ignore_errors=True)

    def cut(self) -> None:
        """Tear every connection (RST, no farewell). A serial line has none: there a cut is silence while it lasts."""
        if self.transport != "rtu":
            self._tear()

    def _tear(self) -> None:
        for writer in list(self._writers):
            if not writer.transport.is_closing():
                writer.transport.abort()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._writers)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the one asyncio makes for a coroutine here reports its cancellation as an error (3.11).
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self.transport == "rtu" or not self.faults.on(Fault.CUT):
                request = await (self._read_tcp(reader) if self.transport == "tcp" else self._read_rtu(reader))
                if request is None:
                    continue
                self.frames.append(Frame(time.time(), True, request.unit, request.adu))
                await self._respond(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            if not writer.transport.is_closing():
                writer.transport.abort()

    async def _respond(self, request: _Request, writer: asyncio.StreamWriter) -> None:
        unit = request.unit
        if self.faults.on(Fault.SILENT, unit) or self.faults.on(Fault.CUT):
            return
        answer = self._faulty(request) or self.answer(unit, request.pdu)
        if answer is None:
            return
        if self.faults.on(Fault.LOST_REPLY, unit):
            return
        late = self.faults.value(Fault.LATE_REPLY, 3.0, unit)
        if late:
            task = asyncio.create_task(self._send_later(request, answer, writer, late))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        await asyncio.sleep(self.faults.value(Fault.SLOW, 0.5, unit))
        await self._send(request, answer, writer)

    def _faulty(self, request: _Request) -> bytes | None:
        if self.faults.on(Fault.EXCEPTION, request.unit):
            code = int(self.faults.value(Fault.EXCEPTION, DEVICE_FAILURE, request.unit))
            return exception_pdu(request.pdu[0], code)
        if self.faults.on(Fault.OUT_OF_RANGE, request.unit):
            return exception_pdu(request.pdu[0], ILLEGAL_ADDRESS)
        return None

    async def _send_later(self, request: _Request, answer: bytes, writer: asyncio.StreamWriter, delay: float) -> None:
        await asyncio.sleep(delay)
        with contextlib.suppress(ConnectionError):
            await self._send(request, answer, writer)

    async def _send(self, request: _Request, answer: bytes, writer: asyncio.StreamWriter) -> None:
        body = bytes([request.unit]) + answer
        if self.transport == "tcp":
            adu = request.transaction + b"\x00\x00" + len(body).to_bytes(2, "big") + body
        else:
            adu = body + crc16(body)
        if self.faults.on(Fault.GARBAGE, request.unit):
            adu = adu[:-1] + bytes([adu[-1] ^ 0xFF])[: -1 if self.transport == "tcp" else None]
        self.frames.append(Frame(time.time(), False, request.unit, adu))
        writer.write(adu)
        await writer.drain()

    async def _read_tcp(self, reader: asyncio.StreamReader) -> _Request | None:
        head = await reader.readexactly(7)
        length = int.from_bytes(head[4:6], "big")
        if head[2:4] != b"\x00\x00" or not 2 <= length <= 254:
            raise ConnectionError("not Modbus TCP")
        pdu = await reader.readexactly(length - 1)
        return _Request(head[6], pdu, head + pdu, head[0:2])

    async def _read_rtu(self, reader: asyncio.StreamReader) -> _Request | None:
        head = await reader.readexactly(7)
        # FC0F/FC10 say their length in the seventh byte, the other requests are eight bytes long.
        length = 9 + head[6] if head[1] in (0x0F, 0x10) else _FIXED_RTU_LENGTH
        adu = head + await reader.readexactly(length - 7)
        if crc16(adu[:-2]) != adu[-2:]:
            await self._drain(reader)  # a device on the bus waits for silence and answers nothing
            return None
        return _Request(adu[0], adu[1:-2], adu, b"")

    async def _drain(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                # Not wait_for: in Python 3.11 it can swallow a cancellation, and `stop` hangs.
                async with asyncio.timeout(0.05):
                    if not await reader.read(1024):
                        return
