"""What servers really do on a socket: frames in pieces and in heaps, odd unit ids, idle connections closed, one client only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from patience import PATIENCE_S

from device_drivers import modbus_frames as frames
from device_drivers import modbus_meter
from device_drivers.contract.events import MeterReading
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_bus import IllegalRequest, ModbusBus, NoAnswer, Place
from simulators.modbus_bank import RegisterBank

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """Modbus TCP (or RTU over TCP) whose every byte is written by the test. `requests`: the PDUs that came."""

    reply: Reply
    rtu: bool = False
    idle_s: float | None = None
    at_most: int = 100
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            if self.open > self.at_most:
                return
            while True:
                async with asyncio.timeout(self.idle_s):
                    head = await reader.readexactly(8 if self.rtu else 6)
                rest = b"" if self.rtu else await reader.readexactly(int.from_bytes(head[4:6], "big"))
                self.requests.append(head[1:-2] if self.rtu else rest[1:])
                await self.reply(head + rest, writer)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            self.open -= 1
            writer.close()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Callable[..., ModbusBus]]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        made: list[ModbusBus] = []

        def bus(timeout_s: float = 0.5) -> ModbusBus:
            place = Place("127.0.0.1", port, "rtu_over_tcp" if self.rtu else "tcp", quiet_s=0.0)
            made.append(ModbusBus(place, timeout_s))
            return made[-1]

        try:
            async with asyncio.timeout(PATIENCE_S):
                yield bus
        finally:
            for one in made:
                one.close()
            server.close()


BANK = RegisterBank(
    coils=dict.fromkeys(range(16), False),
    holding={n: n for n in range(200)},
    inputs=dict.fromkeys(range(400), 0) | {342: 0x4148},
)


def answer(
    request: bytes, *, transaction: bytes | None = None, unit: int | None = None, pdu: bytes | None = None
) -> bytes:
    body = bytes((request[6] if unit is None else unit,)) + (BANK.answer(request[7:]) if pdu is None else pdu)
    return (request[:2] if transaction is None else transaction) + b"\0\0" + len(body).to_bytes(2, "big") + body


def run(work: Awaitable[None]) -> None:
    async def whole() -> None:
        await work

    asyncio.run(whole())


def test_one_frame_in_many_segments_and_many_frames_in_one() -> None:
    async def pieces(request: bytes, writer: asyncio.StreamWriter) -> None:
        said = answer(request)
        if len(server.requests) % 2:
            for byte in said:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0)
        else:  # what nobody asked for, the answer, and again what nobody asked for, at once
            stray = answer(request, transaction=b"\xff\xfe", pdu=b"\x03\x02\x12\x34")
            writer.write(stray + said + stray)

    server = Server(pieces)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            for n in range(20):
                assert await one.read_registers(1, "holding", n, 3) == (n, n + 1, n + 2)
            assert server.connections == 1

    run(work())


@pytest.mark.parametrize("unit", [0, 1, 247, 255])
def test_any_unit_id_may_be_asked_on_tcp_and_another_may_be_given_back(unit: int) -> None:
    async def other(request: bytes, writer: asyncio.StreamWriter) -> None:
        assert request[6] == unit
        writer.write(answer(request, unit=(unit + 1) % 256))

    server = Server(other)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            assert await one.read_registers(unit, "holding", 7, 1) == (7,)
            await one.write_coil(unit, 3, True)
            assert server.requests[-1] == bytes.fromhex("05 00 03 ff 00")

    run(work())


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 10, 11])
def test_every_exception_is_a_no_or_a_silence(code: int) -> None:
    async def no(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(request, pdu=bytes((request[7] | 0x80, code))))

    server = Server(no)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            for asked in (one.read_registers(1, "holding", 0, 1), one.write_coil(1, 0, True)):
                with pytest.raises(NoAnswer if code in (10, 11) else IllegalRequest):
                    await asked
            assert len(server.requests) == 2, "asked once each"

    run(work())


def test_a_server_that_closes_idle_connections_costs_no_reading() -> None:
    async def normal(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(request))

    server = Server(normal, idle_s=0.05)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            for n in range(5):
                assert await one.read_registers(1, "holding", n, 1) == (n,)
                while server.open:  # noqa: ASYNC110 - the server's own patience
                    await asyncio.sleep(0.01)
            assert server.connections == 5

    run(work())


def test_a_server_that_closes_just_as_it_is_asked_is_asked_again_for_a_read_and_never_for_a_write() -> None:
    async def fickle(request: bytes, writer: asyncio.StreamWriter) -> None:
        if server.connections % 2:
            writer.close()
        else:
            writer.write(answer(request))

    server = Server(fickle)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            assert await one.read_registers(1, "holding", 5, 1) == (5,)
            assert len(server.requests) == 2
            one.line._drop("a new connection")
            with pytest.raises(NoAnswer, match="connection lost"):
                await one.write_coil(1, 0, True)
            writes = [pdu for pdu in server.requests if pdu[0] == 5]
            assert len(writes) == 1, "sent once, whatever became of it"

    run(work())


def test_a_server_that_takes_one_client_serves_all_devices_behind_it() -> None:
    async def normal(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(request))

    server = Server(normal, at_most=1)

    async def work() -> None:
        async with server.listening() as bus:
            handles = [bus() for _ in range(8)]
            found = await asyncio.gather(*(one.read_registers(n, "holding", n, 1) for n, one in enumerate(handles)))
            assert found == [(n,) for n in range(8)]
            assert server.connections == 1

    run(work())


def test_a_server_that_gives_no_transaction_back_is_never_believed_late() -> None:
    """Its late answer to one question would be the next one's: the first silence makes the connection anew."""
    late: list[asyncio.Task[None]] = []

    async def slow_first(request: bytes, writer: asyncio.StreamWriter) -> None:
        said = answer(request, transaction=b"\0\0")

        async def send(after: float) -> None:
            await asyncio.sleep(after)
            with contextlib.suppress(ConnectionError):
                writer.write(said)

        late.append(asyncio.create_task(send(0.25 if len(server.requests) == 1 else 0.0)))

    server = Server(slow_first)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus(timeout_s=0.15)
            with pytest.raises(NoAnswer):
                await one.read_registers(1, "holding", 10, 1)
            one.timeout_s = 1.0
            assert await one.read_registers(1, "holding", 20, 1) == (20,)
            assert server.connections == 2
            await asyncio.gather(*late)

    run(work())


@pytest.mark.parametrize(
    "noise",
    [b"\x00", b"\x01", b"\x01\x03", b"\xff" * 20, bytes.fromhex("01 03 02"), bytes.fromhex("02 03 02 00 09 3d 82")],
)
def test_noise_between_rtu_frames_is_passed_over(noise: bytes) -> None:
    async def noisy(request: bytes, writer: asyncio.StreamWriter) -> None:
        body = request[:1] + BANK.answer(request[1:-2])
        said = noise + body + frames.crc16(body) + noise
        for start in range(0, len(said), 3):
            writer.write(said[start : start + 3])
            await writer.drain()
            await asyncio.sleep(0.001)

    server = Server(noisy, rtu=True)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus()
            for n in range(10):
                assert await one.read_registers(1, "holding", n, 2) == (n, n + 1)
            assert one.line.odd.count, "and counted"

    run(work())


@pytest.mark.parametrize("pieces", [1, 3, 8])
def test_an_echo_in_pieces_is_known_before_a_write_and_silence_after_it_is_silence(pieces: int) -> None:
    """A converter's RS-485 adapter that hears itself: the echo of a write looks exactly like its answer."""
    silent = False

    async def echoing(request: bytes, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(request), pieces):
            writer.write(request[start : start + pieces])
            await writer.drain()
            await asyncio.sleep(0.001)
        body = request[:1] + BANK.answer(request[1:-2])
        if not silent:
            writer.write(body + frames.crc16(body))

    server = Server(echoing, rtu=True)

    async def work() -> None:
        nonlocal silent
        async with server.listening() as bus:
            one = bus(timeout_s=0.3)
            assert await one.read_registers(1, "holding", 3, 2) == (3, 4)
            await one.write_coil(1, 3, True)
            silent = True
            with pytest.raises(NoAnswer):
                await one.write_coil(1, 3, False)

    run(work())


def test_a_meter_on_a_server_that_closes_idle_connections_never_says_that_it_is_gone() -> None:
    async def normal(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(request))

    server = Server(normal, idle_s=0.03)

    async def work() -> None:
        async with server.listening() as bus:
            meters = [{"point": "m", "unit": 1, "model": "eastron_sdm"}]
            config = {"host": "127.0.0.1", "port": bus().place.port, "poll_s": 0.1, "meters": meters}
            driver = await modbus_meter.connect("m", config, None)  # type: ignore[arg-type]
            told: list[MeterReading] = []

            async def listen() -> None:
                async for event in driver.events():
                    assert isinstance(event.body, MeterReading)
                    told.append(event.body)

            task = asyncio.create_task(listen())
            while len(server.requests) < 12:  # noqa: ASYNC110 - the server's own list
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await driver.close()
            assert [(reading.value, reading.ok) for reading in told] == [(12.5, True)]
            assert server.connections > 5

    run(work())


def test_what_is_no_modbus_at_all_is_unreachable_and_bounded() -> None:
    async def web(request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 100_000)

    server = Server(web)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus(timeout_s=0.1)
            with pytest.raises(DeviceUnreachable):
                await one.read_registers(1, "holding", 0, 1)
            assert len(one.line._buffer) <= frames.BUFFER_MAX

    run(work())


@pytest.mark.parametrize("said", range(1, 11))
def test_an_answer_whose_end_comes_late_costs_no_other(said: int) -> None:
    """Nothing says where the next frame begins, once half of one was thrown away."""
    late: list[tuple[asyncio.StreamWriter, bytes]] = []

    async def halves(request: bytes, writer: asyncio.StreamWriter) -> None:
        whole = answer(request)
        if len(server.requests) == 2:
            writer.write(whole[:said])
            late.append((writer, whole[said:]))
            return
        rest = b"".join(end for its, end in late if its is writer)
        late.clear()
        writer.write(rest + whole)

    server = Server(halves)

    async def work() -> None:
        async with server.listening() as bus:
            one = bus(0.3)
            assert await one.read_registers(1, "holding", 5, 1) == (5,)
            with pytest.raises(NoAnswer):
                await one.read_registers(1, "holding", 6, 1)
            one.timeout_s = PATIENCE_S / 4
            await one.write_register(1, 7, 7)
            assert len(server.requests) == 3, "a pulse, sent once and known to have been taken"

    run(work())
