"""A pulse that the board does not end itself ends, whatever becomes of the agent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE_S

from device_drivers import modbus_frames as frames
from device_drivers.modbus_place import Place
from device_drivers.modbus_watchdog import Watchdog
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim

ROOT = Path(__file__).parents[2]
AGENT = """
import asyncio, json, sys
from device_drivers import modbus_door
from device_drivers.contract.words import CommandKind
from device_drivers.driver import CommandRequest

async def main():
    driver = await modbus_door.connect("d", json.loads(sys.argv[1]), None)
    print(await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=float(sys.argv[2]))), flush=True)
    if sys.argv[3] == "close":
        await driver.close()
    else:
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def until(condition: Any, what: str, seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


async def agent(
    sim: ModbusBoardSim, seconds: float, after: str = "stay", watchdog: str = ""
) -> asyncio.subprocess.Process:
    """A process with one driver, which has just pulsed door 1; the leader of a group of its own."""
    serial = sim.listener.serial_path
    where = {"host": serial, "transport": "rtu", "baud": 115200} if serial else {"host": "127.0.0.1", "port": sim.port}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", AGENT, json.dumps(where | {"board": "coils"}), str(seconds), after,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, start_new_session=True, env=os.environ | {"ESTATE_EDGE_WATCHDOG": watchdog},
    )  # fmt: skip
    assert process.stdout
    assert b"DONE" in await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    return process


async def pulsed(sim: ModbusBoardSim, seconds: float, watchdog: str = "") -> asyncio.subprocess.Process:
    """An agent in the middle of its pulse. On a busy machine a short one is over before we hear of it: then a longer one."""
    for length in (seconds, 5 * seconds, 25 * seconds):
        sim.counters["pulses"] = 0
        process = await agent(sim, length, watchdog=watchdog)
        if sim.door_relay.is_on:
            return process
        process.kill()
        await process.wait()
    pytest.fail("the pulse was always over")


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
@pytest.mark.parametrize("gateway", ["well", "silent"])
def test_the_bolt_falls_after_the_agent_was_killed_in_the_middle_of_a_pulse(transport: str, gateway: str) -> None:
    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "coils", "transport": transport})
        await sim.start()
        try:
            process = await pulsed(sim, 1.5)
            if gateway == "silent":
                await sim.apply_fault(Fault.SILENT, 2.5)
            os.kill(process.pid, signal.SIGKILL)
            assert sim.door_relay.is_on, "nobody has closed it yet"
            await process.wait()
            await until(lambda: not sim.door_relay.is_on, "the watchdog ends the pulse")
            assert sim.counters["pulses"] == 1, "it only closes"
        finally:
            await sim.stop()

    asyncio.run(scenario())


def test_an_agent_that_ends_well_closes_itself_and_leaves_nobody_behind() -> None:
    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "coils"})
        await sim.start()
        try:
            process = await agent(sim, 30.0, "close")
            await asyncio.wait_for(process.wait(), PATIENCE_S)
            assert not sim.door_relay.is_on
            await until(lambda: sim.listener.connections == 0, "no process of ours is left on the line")
        finally:
            await sim.stop()

    asyncio.run(scenario())


def listens(path: Path) -> bool:
    """The file of a socket is there a moment before anybody is let in."""
    rows = [row.split() for row in Path("/proc/net/unix").read_text().splitlines()]
    return any(row[-1] == str(path) and row[3] == "00010000" for row in rows)


@asynccontextmanager
async def service(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The watchdog as the service that the unit starts, on a socket."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "device_drivers.modbus_watchdog_process", "--socket", str(path), cwd=ROOT
    )
    try:
        await until(lambda: listens(path), "the service listens")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
def test_the_bolt_falls_though_the_agents_whole_group_was_killed(transport: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "coils", "transport": transport})
        await sim.start()
        path = tmp_path / "socket"
        try:
            async with service(path) as watchdog:
                process = await pulsed(sim, 1.0, watchdog=str(path))
                assert children(process.pid) == "", "nobody in the agent's control group is needed"
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
                await until(lambda: not sim.door_relay.is_on, "the service ends the pulse")
                assert sim.counters["pulses"] == 1, "it only closes"
                assert watchdog.returncode is None, "and serves the next agent"
                again = await agent(sim, 30.0, watchdog=str(path))
                if transport == "rtu":  # a serial port is the agent's own as long as it lives
                    again.kill()
                watchdog.terminate()
                await until(lambda: not sim.door_relay.is_on, "told to end, it closes what is armed first")
                if again.returncode is None:
                    again.kill()
                await again.wait()
        finally:
            await sim.stop()

    asyncio.run(scenario())


def test_a_watchdog_that_was_started_anew_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "socket"
    monkeypatch.setenv("ESTATE_EDGE_WATCHDOG", str(path))

    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "coils"})
        await sim.start()
        ending = [frames.write_coil(1, 0, 0)]
        watchdog, place = Watchdog(), Place("127.0.0.1", sim.port)
        try:
            async with service(path):
                await watchdog.start()
                watchdog.arm("long", place, ending, 600.0)
            path.unlink()
            async with service(path):
                sim.relays[0].command(on=True)
                watchdog.arm("short", place, ending, 0.3)
                again = watchdog._again
                assert again is not None, "nobody listened: it is looked for again"
                await again
                assert sorted(watchdog._armed) == ["long", "short"]
                watchdog._close()  # as if this process had died
                await until(lambda: not sim.door_relay.is_on, "it was told of what is armed")
        finally:
            await sim.stop()

    asyncio.run(scenario())


def test_who_says_no_order_ends_only_its_own_session(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "socket"
        async with service(path) as process:
            for said in (b"GET / HTTP/1.1\n", b'{"arm": 1}\n', b"\xff" * 200_000, b"[]\n"):
                reader, writer = await asyncio.open_unix_connection(path)
                writer.write(said)
                with suppress(ConnectionError):
                    await writer.drain()
                    assert await reader.read() == b"", "it is shown the door"
                writer.close()
            assert process.returncode is None

    asyncio.run(scenario())
