"""One physical line (a TCP connection or a serial port) that any number of units share: one request at a time, none repeated.

The library's client is not used here. It takes any answer of the right unit for the answer, breaks its connection on a
frame it cannot decode, and a reply that comes late on RTU becomes the answer to the next question. What this line does:
* A write goes ahead of waiting reads. A caller that is cancelled never breaks the line: what was sent is heard out.
* After silence on RTU the connection is made anew (TCP) or the input thrown away (serial), and the unit is not asked the same
  kind of thing again for `quiet_s`: what it says in that time is late, and counted.
* All silent units together get at most a tenth of the line's time, and only as long as their neighbours answer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from device_drivers import modbus_frames as frames
from device_drivers.driver import ConfigError, DeviceUnreachable
from device_drivers.modbus_frames import Request

Transport = Literal["tcp", "rtu_over_tcp", "rtu"]
CONNECT_S, CONNECT_AGAIN_S = 3.0, 0.3
DEAD_AFTER, DEAD_SHARE, DEAD_ASK_S = 2, 10.0, 0.2
DEAF_AFTER = 3  # silences in a row on one TCP connection, after which it is made anew: a NAT may have forgotten it
SILENT_CODES = frozenset({10, 11})  # a gateway's way to say that the unit behind it is silent
ODD_SHOWN_S = 3600.0
RAW_KEPT = 48  # bytes of an unreadable frame that are shown


class NoAnswer(DeviceUnreachable):
    """The request went out and nothing came back: whether the device acted is not known."""


class Resting(NoAnswer):
    """The unit was silent lately and was not asked, so that its neighbours are."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line is. `host` is a serial device's path for `rtu`, where `port` has no meaning."""

    host: str
    port: int = 502
    transport: Transport = "tcp"
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    quiet_s: float = 1.0

    @property
    def framing(self) -> frames.Framing:
        return "tcp" if self.transport == "tcp" else "rtu"

    @property
    def byte_s(self) -> float:
        """Seconds that one byte takes; 0 on TCP."""
        return (9 + self.stop_bits + (self.parity != "N")) / self.baud if self.transport == "rtu" else 0.0

    @property
    def gap_s(self) -> float:
        """Silence between frames on a serial line: 3.5 characters, at least 1.75 ms."""
        return max(0.00175, 3.5 * self.byte_s) if self.transport == "rtu" else 0.0

    def __str__(self) -> str:
        return self.host if self.transport == "rtu" else f"{self.host}:{self.port}"


@dataclass(slots=True)
class UnitHealth:
    """What is known of one unit on the line. Times are monotonic."""

    silences: int = 0
    answered: bool = False
    quiet_until: float = 0.0
    quiet_function: int = 0
    due: float = 0.0


@dataclass(slots=True, eq=False)
class _Job:
    request: Request
    timeout_s: float
    future: asyncio.Future[bytes]
    transaction: int = 0
    sent_at: float = 0.0
    echo_due: bool = False


@dataclass(slots=True)
class Oddities:
    """What came in and was no answer: late replies, noise, other protocols. The newest is kept raw."""

    count: int = 0
    last: bytes = b""
    at: float = float("-inf")
    kinds: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, raw: bytes) -> None:
        self.count += 1
        self.at = time.monotonic()
        self.kinds[kind] += 1
        self.last = raw[:RAW_KEPT]

    def __str__(self) -> str:
        """For a device's page; what is older than an hour is history."""
        if time.monotonic() - self.at > ODD_SHOWN_S:
            return ""
        kinds = "、".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items()))
        return f"线路上收到 {self.count} 次无法归属的数据（{kinds}），最近一次：{self.last.hex(' ')}"


class _Wire(asyncio.Protocol):
    """One connection. What an older one still says is not heard."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def data_received(self, data: bytes) -> None:
        if self.line.wire is self:
            self.line.heard(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.line.wire is self:
            self.line.lost(exc)


class Line:
    """See the module. `trace` keeps the newest frames as (monotonic, sent by us, bytes)."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.wire: _Wire | None = None
        self.units: dict[int, UnitHealth] = {}
        self.odd = Oddities()
        self.trace: deque[tuple[float, bool, bytes]] = deque(maxlen=200)
        self.users = 0
        self.losses = 0  # connections that the other side ended
        self._transport: asyncio.Transport | None = None
        self._waiting: list[tuple[bool, int, _Job]] = []
        self._order = itertools.count()
        self._transactions = itertools.cycle(range(1, 65536))
        self._job: _Job | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._gap: asyncio.TimerHandle | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._refused: tuple[float, str] = (0.0, "")
        self._buffer = b""
        self._spoke_at = 0.0
        self._deaf = 0
        self._echoes = self._lenient = False
        self._slowest = 0.02
        self.closed = False

    # What callers use

    @property
    def connected(self) -> bool:
        return self._transport is not None

    async def connect(self) -> None:
        """Raises DeviceUnreachable."""
        if self._transport is None:
            self._check_open()
            await asyncio.wait(
                {self._connect_soon()}
            )  # one attempt for all; nobody's cancellation ends it for the others
        if self._transport is None:
            self._check_open()
            raise DeviceUnreachable(self._refused[1])

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """The answer's PDU, an exception too. Raises NoAnswer (sent, silence), Resting, DeviceUnreachable (not sent)."""
        unit = self.units.setdefault(request.unit, UnitHealth())
        await self._calm(unit, request)
        self._check_open()
        if unit.silences >= DEAD_AFTER and not request.writes and self._neighbours_answer(unit):
            timeout_s = min(timeout_s, max(DEAD_ASK_S, 4 * self._slowest))
        job = _Job(request, timeout_s, asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, (not request.writes, next(self._order), job))
        self._pump()
        return await job.future

    def close(self) -> None:
        self.closed = True
        if self._connecting:
            self._connecting.cancel()
        self._drop("closed by us")
        self._fail_waiting(f"{self.place}: closed by us")

    def _check_open(self) -> None:
        if self.closed:
            raise DeviceUnreachable(f"{self.place}: closed by us")

    # Whom to ask when

    async def _calm(self, unit: UnitHealth, request: Request) -> None:
        """Waits until a late reply can no longer be taken for this one's. Raises Resting for a unit that is dead."""
        if unit.silences >= DEAD_AFTER and not request.writes and self._neighbours_answer(unit):
            wait = unit.due - time.monotonic()
            if wait > 0:
                raise Resting(f"unit {request.unit}: silent, asked again in {wait:.0f} s")
        if unit.quiet_function == request.function and (wait := unit.quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    def _neighbours_answer(self, unit: UnitHealth) -> bool:
        return any(other.answered and not other.silences for other in self.units.values() if other is not unit)

    def _silent(self, job: _Job) -> None:
        unit, now = self.units[job.request.unit], time.monotonic()
        unit.silences += 1
        dead = sum(other.silences >= DEAD_AFTER for other in self.units.values())
        unit.due = now + DEAD_SHARE * (now - job.sent_at) * dead
        if self.place.framing == "rtu":
            unit.quiet_function, unit.quiet_until = job.request.function, now + self.place.quiet_s

    def _spoken(self, job: _Job) -> None:
        unit = self.units[job.request.unit]
        if unit.silences >= DEAD_AFTER:  # a branch of the bus is back: its other units are asked at once
            for other in self.units.values():
                other.due = 0.0
        unit.silences, unit.answered = 0, True
        self._deaf = 0
        self._slowest = max(time.monotonic() - job.sent_at, 0.98 * self._slowest)

    # The connection

    def _connect_soon(self) -> asyncio.Task[None]:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(), name=f"modbus line {self.place}")
        return self._connecting

    async def _connect(self) -> None:
        since, why = self._refused
        if (
            time.monotonic() - since < CONNECT_AGAIN_S
        ):  # 32 devices behind one dead gateway do not wait one after another
            error = why
        else:
            error = await self._open()
            self._refused = (time.monotonic(), error) if error else (0.0, "")
        self._connecting = None
        if error:
            self._fail_waiting(error)
        else:
            self._pump()

    async def _open(self) -> str:
        """Why it failed, or nothing."""
        wire = _Wire(self)
        try:
            async with asyncio.timeout(CONNECT_S):
                if self.place.transport == "rtu":
                    self._transport = await self._open_serial(wire)
                else:
                    loop = asyncio.get_running_loop()
                    self._transport, _ = await loop.create_connection(lambda: wire, self.place.host, self.place.port)
                    raw = self._transport.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        except TimeoutError:
            return f"{self.place}: no connection within {CONNECT_S:g} s"
        except (OSError, ValueError) as error:  # a serial port that is not there, a name that cannot be one
            return f"{self.place}: {error}"
        self.wire, self._buffer, self._deaf = wire, b"", 0
        return ""

    async def _open_serial(self, wire: _Wire) -> asyncio.Transport:
        from pymodbus.transport.serialtransport import create_serial_connection

        transport, _ = await create_serial_connection(
            asyncio.get_running_loop(),
            lambda: wire,
            self.place.host,
            baudrate=self.place.baud,
            bytesize=8,
            parity=self.place.parity,
            stopbits=self.place.stop_bits,
            timeout=0,
        )
        return transport

    def _drop(self, why: str) -> None:
        """Ends the connection; a request that is out stays unanswered."""
        transport, self._transport, self.wire = self._transport, None, None
        self._buffer = b""
        if transport is not None:
            with suppress(OSError):
                transport.abort()
        if self._job is not None:
            self._finish(NoAnswer(f"{_what(self._job.request)}: {why}"))

    def lost(self, error: Exception | None) -> None:
        """The other side ended it, or the network did."""
        self.losses += 1
        self._drop(f"connection lost ({error or 'closed by the device'})")
        self._pump()

    def _fail_waiting(self, why: str) -> None:
        waiting, self._waiting = self._waiting, []
        for _, _, job in waiting:
            if not job.future.done():
                job.future.set_exception(DeviceUnreachable(why))

    # One request at a time

    def _pump(self) -> None:
        """Sends the next request if nothing is out."""
        while self._waiting and self._waiting[0][2].future.done():
            heapq.heappop(self._waiting)  # whoever asked has gone
        if self._job is not None or not self._waiting or self._gap is not None or self.closed:
            return
        if self._transport is None:
            self._connect_soon()
            return
        loop = asyncio.get_running_loop()
        wait = self._spoke_at + self.place.gap_s - time.monotonic()
        if wait > 0:
            self._gap = loop.call_later(wait, self._gap_over)
            return
        self._send(heapq.heappop(self._waiting)[2], loop)

    def _gap_over(self) -> None:
        self._gap = None
        self._pump()

    def _send(self, job: _Job, loop: asyncio.AbstractEventLoop) -> None:
        assert self._transport is not None
        if self._buffer:
            self._note_late(self._buffer)
            self._buffer = b""
        self._job, job.transaction, job.sent_at = job, next(self._transactions), time.monotonic()
        job.echo_due = self._echoes
        adu = frames.wrap(self.place.framing, job.request, job.transaction)
        self.trace.append((job.sent_at, True, adu))
        on_the_wire = (len(adu) + job.request.body + 4) * self.place.byte_s
        self._timer = loop.call_later(job.timeout_s + on_the_wire, self._silence)
        try:
            self._transport.write(adu)
        except OSError as error:
            self.lost(error)

    def heard(self, data: bytes) -> None:
        """Bytes came in."""
        self._spoke_at = time.monotonic()
        self.trace.append((self._spoke_at, False, data))
        self._buffer = (self._buffer + data)[-frames.BUFFER_MAX :]
        job = self._job
        if job is None:
            return
        if self.place.framing == "rtu" and self._is_echo(job):
            return
        found = frames.find(self.place.framing, job.request, job.transaction, self._buffer)
        self._buffer = found.rest
        if found.odd:
            self._note_late(found.odd)
        if found.pdu is not None:
            self._lenient |= found.lenient
            if frames.exception_code(found.pdu) in SILENT_CODES:
                self._silent(job)
            else:
                self._spoken(job)
            self._finish(found.pdu)

    def _is_echo(self, job: _Job) -> bool:
        """A two-wire adapter that hears itself gives each request back first.

        A read shows it, and one always comes first; a write's echo looks like its answer.
        """
        adu = frames.wrap("rtu", job.request, 0)
        if not self._echoes and not job.request.writes and self._buffer.startswith(adu):
            self._echoes = job.echo_due = True
        if not job.echo_due or self._buffer[: len(adu)] != adu[: len(self._buffer)]:
            return False
        if len(self._buffer) < len(adu):
            return True
        self._buffer, job.echo_due = self._buffer[len(adu) :], False
        return not self._buffer

    def _silence(self) -> None:
        job = self._job
        assert job is not None
        if self._buffer:
            self._note_late(self._buffer)
            self._buffer = b""
        self._silent(job)
        self._deaf += 1
        waited = time.monotonic() - job.sent_at
        error = NoAnswer(f"{_what(job.request)}: no answer within {waited:.1f} s")
        if self.place.transport == "rtu_over_tcp" or (
            self.place.transport == "tcp" and (self._lenient or self._deaf >= DEAF_AFTER)
        ):
            self._finish(error, pump=False)
            self._drop("made anew after silence")
            self._pump()
        else:
            self._finish(error)

    def _finish(self, result: bytes | NoAnswer, *, pump: bool = True) -> None:
        job, self._job = self._job, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        assert job is not None
        if not job.future.done():
            if isinstance(result, bytes):
                job.future.set_result(result)
            else:
                job.future.set_exception(result)
        if pump:
            self._pump()

    def _note_late(self, raw: bytes) -> None:
        unit = self.units.get(raw[6] if self.place.framing == "tcp" and len(raw) > 6 else raw[0])
        late = unit is not None and unit.silences > 0
        self.odd.note("迟到的应答" if late else "无法解析", raw)


def _what(request: Request) -> str:
    address = int.from_bytes(request.pdu[1:3], "big")
    return f"unit {request.unit} function {request.function} address {address}"


_LINES: dict[tuple[asyncio.AbstractEventLoop, str, Transport], Line] = {}


def lease(place: Place) -> Line:
    """The line at a place, shared by all who use it; give it back with `release`. Raises ConfigError."""
    key = (asyncio.get_running_loop(), str(place), place.transport)
    line = _LINES.get(key)
    if line is None:
        line = _LINES[key] = Line(place)
    mine = (place.baud, place.parity, place.stop_bits)
    theirs = (line.place.baud, line.place.parity, line.place.stop_bits)
    if place.transport == "rtu" and mine != theirs:
        raise ConfigError(f"baud: {place} is used at {theirs[0]} 8{theirs[1]}{theirs[2]} by another device of this box")
    line.users += 1
    return line


def release(line: Line) -> None:
    """Closes it after the last user."""
    line.users -= 1
    if line.users > 0:
        return
    line.close()
    for key in [key for key, known in _LINES.items() if known is line]:
        del _LINES[key]
