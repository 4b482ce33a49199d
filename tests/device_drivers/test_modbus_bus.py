"""One line and its units over real sockets and pseudo-terminals: late replies, dead neighbours, priorities, cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from patience import PATIENCE_S

from device_drivers import modbus_door
from device_drivers import modbus_frames as frames
from device_drivers.contract.events import DoorEvent
from device_drivers.contract.words import DoorState
from device_drivers.driver import ConfigError, DeviceUnreachable
from device_drivers.modbus_bus import BusConfig, ModbusBus, NoAnswer, Place
from device_drivers.modbus_units import Resting
from simulators.faults import Fault
from simulators.modbus_bus import ModbusBusSim

TRANSPORTS = ["tcp", "rtu_over_tcp", "rtu"]
Scenario = Callable[[ModbusBusSim, Callable[..., ModbusBus]], Awaitable[None]]


def on_a_bus(scenario: Scenario, transport: str = "tcp", units: int = 3, **config: Any) -> None:
    """Runs a scenario with a bus of boards 1..n (board `jy_dam`) and meter 99; the second argument makes handles on it."""

    async def whole() -> None:
        boards: list[dict[str, Any]] = [{"unit": n + 1, "board": "jy_dam"} for n in range(units)]
        meters = [{"unit": 99, "model": "eastron_sdm"}]
        sim = ModbusBusSim("bus", {"transport": transport, "units": boards + meters, **config})
        await sim.start()
        handles: list[ModbusBus] = []

        def bus(timeout_s: float = 0.15, quiet_s: float = 0.3) -> ModbusBus:
            host = sim.listener.serial_path if transport == "rtu" else "127.0.0.1"
            settings = {"host": host, "transport": transport, "baud": 115200, "quiet_s": quiet_s}
            handles.append(
                ModbusBus(Place(**(settings | ({} if transport == "rtu" else {"port": sim.port}))), timeout_s)
            )
            return handles[-1]

        try:
            async with asyncio.timeout(PATIENCE_S):
                await scenario(sim, bus)
        finally:
            for one in handles:
                one.close()
            await sim.stop()

    asyncio.run(whole())


def asked(sim: ModbusBusSim, unit: int) -> int:
    return sum(f.received and f.unit == unit for f in sim.listener.frames)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_reads_and_writes_in_every_dress(transport: str) -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus()
        await one.connect()
        assert await one.read_bits(2, "coil", 0, 8) == (False,) * 8
        await one.write_coil(2, 3, True)
        assert (await one.read_bits(2, "coil", 0, 8))[3]
        await one.write_registers(2, 3, (4, 20))
        assert sim.board(2).pulses[-1].seconds == 2.0
        sim.meters[99].set_reading(99, 12.5)
        assert await one.read_registers(99, "input", 342, 2) == (0x4148, 0)

    on_a_bus(scenario, transport)


@pytest.mark.parametrize("transport", ["rtu_over_tcp", "rtu"])
def test_a_late_reply_is_not_the_next_answer(transport: str) -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus(quiet_s=0.4)
        sim.meters[99].set_reading(99, 7.0)
        await sim.apply_fault(Fault.LATE_REPLY, value=0.3, unit=99)
        with pytest.raises(NoAnswer):
            await one.read_registers(99, "input", 342, 2)  # 7.0: comes when somebody else is asked
        sim.clear_faults()
        # Same unit, same function, same length: nothing in the reply itself would tell the two apart.
        volts = await one.read_registers(99, "input", 0, 2)
        assert volts != (0x40E0, 0), "the late energy counter was taken for the voltage"
        assert volts[0] == 0x4364
        if transport == "rtu":
            assert "迟到" in one.oddities, "what came late is counted and told"

    on_a_bus(scenario, transport)


@pytest.mark.parametrize(
    ("transport", "how"), [*((transport, Fault.SILENT) for transport in TRANSPORTS), ("tcp", Fault.EXCEPTION)]
)
def test_a_dead_unit_does_not_slow_its_neighbours(transport: str, how: Fault) -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus(timeout_s=0.2)
        await one.read_bits(1, "coil", 0, 8)
        await sim.apply_fault(how, unit=2, value=11)  # a gateway says so, after a while of its own
        for _ in range(2):
            with pytest.raises(NoAnswer):
                await one.read_bits(2, "coil", 0, 8)
        line = one.line
        line.units[2].due += 60  # as if it had taken long to say so
        rested, before = 0, asked(sim, 2)
        for _ in range(60):
            await one.read_bits(1, "coil", 0, 8)
            try:
                await one.read_bits(2, "coil", 0, 8)
            except Resting:
                rested += 1
        assert rested == 60, "the dead unit is left alone while its neighbour is asked"
        assert asked(sim, 2) == before, "and takes none of the line's time"
        sim.clear_faults()
        await one.write_coil(2, 0, True)  # a command is always tried, and its answer ends the rest
        assert (await one.read_bits(2, "coil", 0, 8))[0]

    on_a_bus(scenario, transport)


def test_all_units_of_a_branch_are_asked_at_once_when_one_is_back() -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus(timeout_s=0.05, quiet_s=0.0)
        await one.read_bits(1, "coil", 0, 8)
        for unit in (2, 3):
            await sim.apply_fault(Fault.SILENT, unit=unit)
            for _ in range(2):
                with pytest.raises(NoAnswer):
                    await one.read_bits(unit, "coil", 0, 8)
        sim.clear_faults()
        with pytest.raises(Resting):
            await one.read_bits(3, "coil", 0, 8)
        await one.write_coil(2, 0, False)
        await one.read_bits(3, "coil", 0, 8)

    on_a_bus(scenario)


def test_devices_on_one_gateway_share_one_connection_and_a_command_goes_first() -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        handles = [bus(timeout_s=2.0) for _ in range(3)]
        for one in handles:
            await one.connect()
        assert sim.listener.connections == 1, "an RS-485 bus has one master"
        await sim.apply_fault(Fault.SLOW, value=0.05)
        polls = [asyncio.create_task(handles[n % 3].read_bits(1, "coil", 0, 8)) for n in range(12)]
        await asyncio.sleep(0)
        await handles[2].write_coil(2, 0, True)
        behind = sum(not poll.done() for poll in polls)
        assert behind >= 10, f"the command waited behind {12 - behind} polls"
        await asyncio.gather(*polls)
        handles[0].close()
        await handles[1].read_bits(1, "coil", 0, 8)

    on_a_bus(scenario)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_whoever_is_cancelled_breaks_nothing(transport: str) -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus(timeout_s=1.0)
        await one.connect()

        async def poll() -> None:
            while True:
                await one.read_bits(1, "coil", 0, 8)

        for turns in range(60):
            task = asyncio.create_task(poll())
            for _ in range(turns % 20 + 2):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await one.read_registers(99, "input", 0, 1) == (0x4364,), "another question, another answer"

    on_a_bus(scenario, transport)


def test_an_adapter_that_hears_itself_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        one = bus(timeout_s=0.3, quiet_s=0.0)
        await one.connect()
        wire = one.line.wire
        assert wire
        transport = wire.transport
        assert transport
        write = transport.write

        def echoing(data: bytes) -> None:
            asyncio.get_running_loop().call_soon(wire.data_received, bytes(data))
            write(data)

        monkeypatch.setattr(transport, "write", echoing)
        assert await one.read_bits(1, "coil", 0, 8) == (False,) * 8
        await one.write_coil(1, 2, True)
        assert (await one.read_bits(1, "coil", 0, 8))[2]
        await sim.apply_fault(Fault.SILENT)
        with pytest.raises(NoAnswer):
            await one.write_coil(1, 3, True)  # its echo looks exactly like the answer

    on_a_bus(scenario, "rtu")


def test_a_serial_port_that_is_not_there_and_one_with_two_speeds() -> None:
    async def scenario() -> None:
        nowhere = ModbusBus(Place("/dev/ttyNOWHERE", transport="rtu"))
        with pytest.raises(DeviceUnreachable, match="ttyNOWHERE"):
            await nowhere.connect()
        other = ModbusBus(Place("/dev/ttyNOWHERE", transport="rtu", baud=19200))
        with pytest.raises(ConfigError, match="9600 8N1"):
            await other.connect()
        nowhere.close()

    asyncio.run(scenario())


def test_unit_0_on_a_serial_line_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="unit"):
        BusConfig(host="/dev/ttyS1", transport="rtu").check_unit(0)
    BusConfig(host="board").check_unit(0)


# Frames: pure


READ = frames.read_registers(7, 3, 20, 2)
ANSWER = bytes.fromhex("03 04 00 01 00 02")


def rtu(pdu: bytes, unit: int = 7) -> bytes:
    frame = bytes((unit,)) + pdu
    return frame + frames.crc16(frame)


def tcp(pdu: bytes, transaction: int = 5, unit: int = 7) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (b"", "nothing before it"),
        (b"\x00\xff\x07", "noise, the unit's number among it"),
        (rtu(bytes.fromhex("03 02 00 09")), "a shorter reply of the same unit and function"),
        (rtu(ANSWER, unit=8), "another unit's"),
        (rtu(bytes.fromhex("04 04 00 09 00 09")), "another function's"),
        (rtu(ANSWER)[:-1] + b"\x00", "the same with a wrong CRC"),
    ],
)
def test_an_rtu_answer_is_found_whatever_stands_before_it_and_however_it_comes(before: bytes, why: str) -> None:
    whole = before + rtu(ANSWER)
    assert frames.find("rtu", READ, 0, whole).pdu == ANSWER, why
    buffer, found = b"", None
    for byte in whole:  # one byte at a time
        found = frames.find("rtu", READ, 0, buffer + bytes((byte,)))
        buffer = found.rest
    assert found is not None
    assert found.pdu == ANSWER, why


def test_a_tcp_answer_is_told_by_its_transaction() -> None:
    stale = tcp(bytes.fromhex("03 04 00 09 00 09"), transaction=4)
    assert frames.find("tcp", READ, 5, stale + tcp(ANSWER)).pdu == ANSWER
    assert frames.find("tcp", READ, 5, stale).pdu is None
    assert frames.find("tcp", READ, 5, tcp(ANSWER, unit=255)).pdu == ANSWER, "gateways answer with other unit ids"
    lenient = frames.find("tcp", READ, 5, tcp(ANSWER, transaction=0))
    assert (lenient.pdu, lenient.lenient) == (ANSWER, True), "devices that do not give the transaction back"
    assert frames.find("tcp", READ, 5, b"<html><body>400</body>").pdu is None
    assert frames.find("tcp", READ, 5, tcp(b"\x83\x02")).pdu == b"\x83\x02"


def test_a_write_is_answered_for_its_own_address() -> None:
    request = frames.write_coil(7, 16, 0xFF00)
    other = rtu(bytes.fromhex("05 00 11 FF 00"))
    assert frames.find("rtu", request, 0, other).pdu is None
    assert frames.find("rtu", request, 0, other + rtu(request.pdu)).pdu == request.pdu


def test_a_bus_of_32_boards_tells_every_door_though_two_are_dead() -> None:
    async def scenario(sim: ModbusBusSim, bus: Callable[..., ModbusBus]) -> None:
        config = {
            "host": "127.0.0.1",
            "port": sim.port,
            "board": "jy_dam",
            "doors": 4,
            "poll_ms": 200,
            "timeout_s": 0.3,
        }
        await bus().connect()
        drivers = [await modbus_door.connect(f"b{n}", config | {"unit": n + 1}, None) for n in range(32)]  # type: ignore[arg-type]
        opened: set[int] = set()
        closed: set[int] = set()

        async def listen(n: int) -> None:
            async for event in drivers[n].events():
                if isinstance(event.body, DoorEvent) and event.body.point == "door1":
                    (opened if event.body.state is DoorState.OPEN else closed).add(n)

        listening = [asyncio.create_task(listen(n)) for n in range(32)]
        while len(closed) < 32:  # noqa: ASYNC110 - what 32 tasks have told
            await asyncio.sleep(0.01)
        for unit in (5, 6):
            await sim.apply_fault(Fault.SILENT, unit=unit)
        while not all(listening[n].done() for n in (4, 5)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for board in sim.boards.values():
            board.open_door()
        while len(opened) < 30:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert opened == set(range(32)) - {4, 5}, "every door of a living board was told, no other"
        assert sim.listener.connections == 1
        for task in listening:
            task.cancel()
        ended = await asyncio.gather(*listening, return_exceptions=True)
        assert [n for n, error in enumerate(ended) if isinstance(error, DeviceUnreachable)] == [4, 5]
        for driver in drivers:
            await driver.close()

    on_a_bus(scenario, units=32)
