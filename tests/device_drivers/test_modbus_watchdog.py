"""A pulse that the board does not end itself ends, whatever becomes of the agent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

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


async def until(condition: Any, what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.01)


async def agent(sim: ModbusBoardSim, seconds: float, after: str = "stay") -> asyncio.subprocess.Process:
    """A process with one driver, which has just pulsed door 1."""
    serial = sim.listener.serial_path
    where = {"host": serial, "transport": "rtu", "baud": 115200} if serial else {"host": "127.0.0.1", "port": sim.port}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", AGENT, json.dumps(where | {"board": "coils"}), str(seconds), after,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    assert b"DONE" in await asyncio.wait_for(process.stdout.readline(), 30)
    return process


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
@pytest.mark.parametrize("gateway", ["well", "silent"])
def test_the_bolt_falls_after_the_agent_was_killed_in_the_middle_of_a_pulse(transport: str, gateway: str) -> None:
    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "coils", "transport": transport})
        await sim.start()
        try:
            process = await agent(sim, 1.5)
            assert sim.door_relay.is_on
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
            await asyncio.wait_for(process.wait(), 15)
            assert not sim.door_relay.is_on
            await until(lambda: sim.listener.connections == 0, "no process of ours is left on the line")
        finally:
            await sim.stop()

    asyncio.run(scenario())
