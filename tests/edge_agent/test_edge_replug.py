"""A serial adapter that is pulled out and plugged in again under the same name, as /dev/serial/by-id has it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from edge_twins import NoServices, open_box, run, until

from device_drivers.catalogue import MODBUS_DOOR
from device_drivers.contract.device import DeviceConfig
from device_drivers.contract.words import CommandKind, CommandOutcome, DeviceCondition
from device_drivers.driver import CommandRequest
from edge_agent import worker as workers
from edge_agent.worker import Worker
from simulators.modbus_board import ModbusBoardSim

OPEN = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.2)


class Adapter:
    """`path` leads to the port of whatever board is plugged in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sim: Any = None

    async def plug(self) -> None:
        self.sim = ModbusBoardSim("b", {"board": "coils", "transport": "rtu"})
        await self.sim.start()
        self.path.symlink_to(self.sim.listener.serial_path)

    async def unplug(self) -> None:
        self.path.unlink()
        await self.sim.stop()


def test_an_adapter_that_comes_back_is_used_again_and_no_other_bus_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "BACKOFF_S", 0.1)
    monkeypatch.setattr(workers, "BACKOFF_CAP_S", 0.4)

    async def work() -> None:
        async with AsyncExitStack() as stack:
            box = await stack.enter_async_context(open_box(tmp_path))
            box.box.services = NoServices()
            other = ModbusBoardSim("o", {"host": "127.0.0.1", "port": 0, "board": "coils"})
            await other.start()
            stack.push_async_callback(other.stop)
            adapter = Adapter(tmp_path / "usb-1")
            await adapter.plug()
            common = {"board": "coils", "poll_ms": 50, "timeout_s": 0.3}
            configs = {
                "serial": common | {"host": str(adapter.path), "transport": "rtu", "baud": 115200},
                "tcp": common | {"host": "127.0.0.1", "port": other.port},
            }
            found = {n: Worker(DeviceConfig(n, "modbus_door", n, c), MODBUS_DOOR, box.box) for n, c in configs.items()}
            for one in found.values():
                one.upkeep_s = 0.1
            tasks = [asyncio.create_task(one.run()) for one in found.values()]
            serial, tcp = found["serial"], found["tcp"]
            tries: list[str] = []
            connect = MODBUS_DOOR.connect

            async def counted(*args: Any) -> Any:
                tries.append(args[0])
                return await connect(*args)

            serial.definition = type(MODBUS_DOOR)(MODBUS_DOOR.info, counted, MODBUS_DOOR.narrow)
            try:
                await until(lambda: {w.condition for w in found.values()} == {DeviceCondition.ONLINE}, "both online")
                for turn in range(3):
                    before, driver = len(other.listener.frames), tcp.driver
                    tries.clear()
                    await adapter.unplug()
                    await until(lambda: serial.condition is DeviceCondition.OFFLINE, f"turn {turn}: seen as gone")
                    await until(lambda n=before: len(other.listener.frames) > n + 30, "the other bus goes on")
                    assert tcp.condition is DeviceCondition.ONLINE
                    assert tcp.driver is driver, "on the same connection"
                    await until(lambda: tries.count("serial") >= 3, "it is looked for")
                    assert serial.driver is None
                    await adapter.plug()
                    await until(lambda: serial.condition is DeviceCondition.ONLINE, f"turn {turn}: back")
                    assert serial.driver
                    assert (await serial.driver.command(OPEN))[0] is CommandOutcome.DONE
                    assert adapter.sim.counters["pulses"] == 1, "and opens once"
                    await until(lambda: not adapter.sim.door_relay.is_on, "and closes")
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await adapter.unplug()

    run(work(), 60)
