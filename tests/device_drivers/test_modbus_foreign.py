"""Our drivers and the probe on other Modbus stacks: Debian's libmodbus, pymodbus' server and modbus-tk, in all three dresses."""

from __future__ import annotations

import asyncio
import os
import sys
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import serial
from modbus_tk import defines, hooks, modbus_rtu, modbus_tcp
from patience import PATIENCE_S
from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from device_drivers import modbus_door, modbus_meter
from device_drivers.contract.events import DoorEvent, MeterReading
from device_drivers.contract.words import CommandKind, CommandOutcome, DoorState
from device_drivers.driver import CommandRequest
from edge_agent.probe import parse
from edge_agent.probe_kinds import probe

OPEN = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.3)
SERVER = Path(__file__).with_name("libmodbus_server.py")
ON, OFF = "050000ff00", "0500000000"
DEADLINE_S = PATIENCE_S


@asynccontextmanager
async def null_modem() -> AsyncIterator[tuple[str, str]]:
    """Two serial ports with a cable between them."""
    pairs = [os.openpty() for _ in range(2)]
    loop = asyncio.get_running_loop()
    for (master, slave), (other, _) in zip(pairs, reversed(pairs), strict=True):
        tty.setraw(slave)
        loop.add_reader(master, lambda a=master, b=other: os.write(b, os.read(a, 4096)))
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        for master, slave in pairs:
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)


@dataclass
class Foreign:
    """A running unit: how to configure a driver for it, its address for the probe, and what was written to it."""

    config: dict[str, Any]
    address: str
    writes: Callable[[], list[str]]
    set_door: Callable[[bool], None]


@asynccontextmanager
async def libmodbus(kind: str, port: int) -> AsyncIterator[Foreign]:
    async with null_modem() as (ours, theirs):
        arguments = ["tcp", str(port)] if kind == "tcp" else ["rtu", theirs, "1"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(SERVER), *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout
        stdin = process.stdin
        assert stdin
        written: list[str] = []
        ready = asyncio.Event()

        async def listen(stdout: asyncio.StreamReader) -> None:
            async for line in stdout:
                if line.strip() == b"ready":
                    ready.set()
                else:
                    written.append(line.decode().strip())

        listening = asyncio.create_task(listen(process.stdout))
        await asyncio.wait_for(ready.wait(), DEADLINE_S)
        config = {"host": "127.0.0.1", "port": port} if kind == "tcp" else {"host": ours, "transport": "rtu"}
        address = f"modbus+tcp://127.0.0.1:{port}" if kind == "tcp" else f"modbus+rtu://{ours}"
        try:
            yield Foreign(
                config, address, lambda: written, lambda is_open: stdin.write(b"open\n" if is_open else b"close\n")
            )
        finally:
            process.kill()
            await process.wait()
            await listening


@asynccontextmanager
async def pymodbus(kind: str, port: int) -> AsyncIterator[Foreign]:
    written: list[str] = []

    def seen(sending: bool, packet: bytes) -> bytes:
        at = 7 if kind == "tcp" else 1
        if not sending and len(packet) > at and packet[at] in (5, 6, 15, 16):
            written.append(packet[at : len(packet) if kind == "tcp" else -2].hex())
        return packet

    unit = SimDevice(
        id=1,
        simdata=(
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[True] + [False] * 15, datatype=DataType.BITS)],
            [SimData(0, values=[0] * 16, datatype=DataType.REGISTERS)],
            [SimData(342, values=[1234.5], datatype=DataType.FLOAT32)],
        ),
    )
    async with null_modem() as (ours, theirs):
        framer = FramerType.SOCKET if kind == "tcp" else FramerType.RTU
        if kind == "rtu":
            server: Any = ModbusSerialServer(unit, framer=framer, port=theirs, baudrate=9600, trace_packet=seen)
            config: dict[str, Any] = {"host": ours, "transport": "rtu"}
            address = f"modbus+rtu://{ours}"
        else:
            server = ModbusTcpServer(unit, framer=framer, address=("127.0.0.1", port), trace_packet=seen)
            config = {"host": "127.0.0.1", "port": port, "transport": kind}
            address = f"modbus+{'tcp' if kind == 'tcp' else 'rtu-over-tcp'}://127.0.0.1:{port}"
        await server.serve_forever(background=True)
        try:
            yield Foreign(config, address, lambda: written, lambda _: None)
        finally:
            await server.shutdown()


async def accepts(port: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return


@asynccontextmanager
async def modbus_tk(kind: str, port: int) -> AsyncIterator[Foreign]:
    """Threads of its own; its serial side goes by silence between frames, as a device does."""
    written: list[str] = []

    def seen(arguments: tuple[Any, bytes]) -> None:
        server, request = arguments
        if server is mine and request[(at := 7 if kind == "tcp" else 1)] in (5, 6, 15, 16):
            written.append(request[at : len(request) if kind == "tcp" else -2].hex())

    async with null_modem() as (ours, theirs):
        if kind == "tcp":
            mine = modbus_tcp.TcpServer(port, "127.0.0.1")
            config: dict[str, Any] = {"host": "127.0.0.1", "port": port}
        else:
            mine = modbus_rtu.RtuServer(serial.Serial(theirs, 9600))
            config = {"host": ours, "transport": "rtu"}
        unit = mine.add_slave(1)
        for name, table, count in (
            ("coils", defines.COILS, 16),
            ("discrete", defines.DISCRETE_INPUTS, 16),
            ("holding", defines.HOLDING_REGISTERS, 16),
            ("input", defines.ANALOG_INPUTS, 400),
        ):
            unit.add_block(name, table, 0, count)
        unit.set_values("input", 342, [0x449A, 0x5000])
        hooks.install_hook("modbus.Server.before_handle_request", seen)
        mine.start()
        if kind == "tcp":
            await accepts(port)  # its thread binds when it comes to that
        address = f"modbus+tcp://127.0.0.1:{port}" if kind == "tcp" else f"modbus+rtu://{ours}"
        try:
            yield Foreign(config, address, lambda: written, lambda is_open: unit.set_values("discrete", 0, [is_open]))
        finally:
            hooks.uninstall_hook("modbus.Server.before_handle_request", seen)
            await asyncio.to_thread(mine.stop)


STACKS = pytest.mark.parametrize(
    ("stack", "kind"),
    [
        (libmodbus, "tcp"),
        (libmodbus, "rtu"),
        (pymodbus, "tcp"),
        (pymodbus, "rtu_over_tcp"),
        (pymodbus, "rtu"),
        (modbus_tk, "tcp"),
        (modbus_tk, "rtu"),
    ],
    ids=lambda v: v if isinstance(v, str) else v.__name__,
)


def run(stack: Any, kind: str, port: int, scenario: Callable[[Foreign], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with stack(kind, port) as foreign, asyncio.timeout(DEADLINE_S):
            await scenario(foreign)

    asyncio.run(whole())


@STACKS
def test_a_door_is_seen_and_opened_by_exactly_one_write(stack: Any, kind: str, free_port: Callable[[], int]) -> None:
    async def scenario(foreign: Foreign) -> None:
        config = foreign.config | {"board": "coils", "poll_ms": 50}
        driver = await modbus_door.connect("d", config, None)  # type: ignore[arg-type]
        try:
            foreign.set_door(True)
            async for event in driver.events():
                if isinstance(event.body, DoorEvent) and event.body.state is DoorState.OPEN:
                    break
            assert await driver.command(OPEN) == (CommandOutcome.DONE, "")
            while ON not in foreign.writes() or foreign.writes()[-1] != OFF:  # noqa: ASYNC110 - another process' list
                await asyncio.sleep(0.01)
            assert foreign.writes().count(ON) == 1, f"one pulse is one write: {foreign.writes()}"
        finally:
            await driver.close()

    run(stack, kind, free_port(), scenario)


@STACKS
def test_a_meter_is_read(stack: Any, kind: str, free_port: Callable[[], int]) -> None:
    async def scenario(foreign: Foreign) -> None:
        config = foreign.config | {"meters": [{"point": "u1", "unit": 1, "model": "eastron_sdm"}]}
        driver = await modbus_meter.connect("m", config, None)  # type: ignore[arg-type]
        try:
            event = await anext(aiter(driver.events()))
            assert isinstance(event.body, MeterReading)
            assert (event.body.value, event.body.ok) == (1234.5, True)
        finally:
            await driver.close()

    run(stack, kind, free_port(), scenario)


@STACKS
def test_a_probe_tells_what_it_is_and_writes_nothing(stack: Any, kind: str, free_port: Callable[[], int]) -> None:
    async def scenario(foreign: Foreign) -> None:
        found = await probe(parse(foreign.address), foreign.address, timeout_s=5.0)
        assert (found.answered, found.identity["unit"], found.clock) == (True, "1", "none"), found.notes
        assert "coils" in found.identity["可能的板型"]
        assert any("eastron_sdm" in name and value == "1234.5" for name, value in found.holds.items())
        assert foreign.writes() == []

    run(stack, kind, free_port(), scenario)
