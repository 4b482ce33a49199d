"""Meters behind a gateway, read by raw frames and by pymodbus."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest
from patience import PATIENCE_S
from pymodbus.client import AsyncModbusTcpClient

from simulators.device import BadRequest
from simulators.faults import Fault
from simulators.modbus_meter import METERS_DIR, ModbusMeterSim, load_meter

METERS = [
    {"unit": 5, "model": "eastron_sdm"},
    {"unit": 6, "model": "pulse_water"},
    {"unit": 7, "model": "chint_dtsu666"},
]
Read = Callable[[int, int, int, int], Awaitable[bytes]]


def with_meters(scenario: Callable[[ModbusMeterSim, Read], Awaitable[None]]) -> None:
    async def run() -> None:
        sim = ModbusMeterSim("meters-b1", {"host": "127.0.0.1", "port": 0, "transport": "tcp", "meters": METERS})
        await sim.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", sim.port)

        async def read(unit: int, function: int, address: int, count: int) -> bytes:
            body = struct.pack(">BBHH", unit, function, address, count)
            writer.write(struct.pack(">HHH", 9, 0, len(body)) + body)
            head = await asyncio.wait_for(reader.readexactly(6), PATIENCE_S)
            answer = await asyncio.wait_for(reader.readexactly(int.from_bytes(head[4:], "big")), PATIENCE_S)
            assert answer[0] == unit
            return answer[1:]

        try:
            await scenario(sim, read)
        finally:
            writer.close()
            await sim.stop()

    asyncio.run(run())


def f32(answer: bytes) -> float:
    return float(struct.unpack(">f", answer[2:6])[0])


@pytest.mark.parametrize("name", sorted(path.stem for path in METERS_DIR.glob("*.json")))
def test_every_meter_file_is_sound(name: str) -> None:
    data = load_meter(name)
    assert data["reading"] in {p["quantity"] for p in data["points"]}, f"{name}: the counter has no register"
    assert data["reading_unit"] in ("kWh", "m3"), f"{name}: unit of the counter"
    used: set[tuple[str, int]] = set()
    for point in data["points"]:
        width = 1 if point["type"] == "u16" else 2
        cells = {(point["table"], point["address"] + i) for i in range(width)}
        assert not used & cells, f"{name}: {point['quantity']} overlaps another point"
        used |= cells


def test_each_model_shows_its_reading_where_its_map_says() -> None:
    async def scenario(sim: ModbusMeterSim, read: Read) -> None:
        sim.set_reading(5, 1234.5)
        sim.set_reading(6, 98.765)
        sim.set_reading(7, 321.25)
        assert f32(await read(5, 4, 0x0156, 2)) == pytest.approx(1234.5)
        assert f32(await read(5, 4, 0x0048, 2)) == pytest.approx(1234.5)
        assert f32(await read(5, 4, 0x0000, 2)) == pytest.approx(228.4)
        assert (await read(6, 3, 0x0000, 2))[2:] == (98765).to_bytes(4, "big"), "litres, u32 big-endian"
        assert f32(await read(7, 3, 0x101E, 2)) == pytest.approx(321.25)
        assert f32(await read(7, 3, 0x2006, 2)) == pytest.approx(2284.0), "volts are ten times as large on the wire"
        sim.set_status(6, leak=True)
        assert (await read(6, 3, 0x0002, 1))[2:] == b"\0\1"

    with_meters(scenario)


def test_refusals() -> None:
    async def scenario(sim: ModbusMeterSim, read: Read) -> None:
        assert await read(99, 3, 0, 2) == b"\x83\x0b", "a unit that is not there: gateway target did not respond"
        assert await read(5, 3, 0x0156, 2) == b"\x83\x02", "this meter has input registers only"
        assert await read(5, 4, 0x0100, 2) == b"\x84\x02", "hole in the map"
        assert await read(6, 6, 0, 1) == b"\x86\x01", "a meter cannot be written"
        with pytest.raises(BadRequest, match="no unit 99"):
            sim.set_reading(99, 1)
        with pytest.raises(BadRequest, match="has no 'volume_m3'"):
            sim.set_reading(5, 1, "volume_m3")

    with_meters(scenario)


def test_faults_of_counters_and_of_one_unit() -> None:
    async def scenario(sim: ModbusMeterSim, read: Read) -> None:
        sim.set_reading(5, 500)
        await sim.apply_fault(Fault.STUCK, unit=5)
        sim.set_reading(5, 600)
        assert f32(await read(5, 4, 0x0156, 2)) == 500
        sim.clear_faults(Fault.STUCK)
        assert f32(await read(5, 4, 0x0156, 2)) == 600
        await sim.apply_fault(Fault.BACKWARDS, value=50)
        assert f32(await read(5, 4, 0x0156, 2)) == 550
        sim.clear_faults()
        await sim.apply_fault(Fault.JUMP)
        assert f32(await read(5, 4, 0x0156, 2)) == 10600
        sim.clear_faults()
        await sim.apply_fault(Fault.EXCEPTION, unit=5)
        assert await read(5, 4, 0x0156, 2) == b"\x84\x04"
        assert (await read(6, 3, 0, 2))[0] == 3, "the other units stay well"
        assert sim.state()["meters"][0]["shown"] == 600

    with_meters(scenario)


def test_pymodbus_agrees_on_word_order() -> None:
    async def scenario(sim: ModbusMeterSim, read: Read) -> None:
        sim.set_reading(5, 77.5)
        client = AsyncModbusTcpClient("127.0.0.1", port=sim.port, timeout=PATIENCE_S, retries=0)
        assert await client.connect()
        registers = (await client.read_input_registers(0x0156, count=2, device_id=5)).registers
        assert client.convert_from_registers(registers, client.DATATYPE.FLOAT32, word_order="big") == 77.5
        client.close()

    with_meters(scenario)
