"""The bus under cancellation: a task that is stopped stops, whatever the library below did with the wish."""

from __future__ import annotations

import asyncio

import pytest

from device_drivers.modbus_bus import ModbusBus, heeding
from simulators.modbus_board import ModbusBoardSim


async def swallowing(reached: asyncio.Event) -> str:
    """As `asyncio.wait_for` of Python 3.11 does when the answer comes in the same moment."""
    reached.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "the answer"
    raise AssertionError


def test_a_swallowed_cancellation_is_raised_again() -> None:
    async def scenario() -> None:
        reached = asyncio.Event()
        task = asyncio.create_task(heeding(swallowing(reached)))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_who_tidies_up_after_a_cancellation_is_not_cancelled_again() -> None:
    async def scenario() -> None:
        async def quick() -> str:
            await asyncio.sleep(0)
            return "tidied"

        async def work() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return await heeding(quick())
            raise AssertionError

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "tidied"

    asyncio.run(scenario())


def test_a_timeout_is_a_timeout() -> None:
    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await heeding(swallowing(asyncio.Event()))

    asyncio.run(scenario())


def test_a_poll_that_is_cancelled_in_any_moment_ends() -> None:
    async def scenario() -> None:
        sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": "jy_dam"})
        await sim.start()
        bus = ModbusBus("127.0.0.1", sim.port)

        async def poll() -> None:
            while True:
                await bus.read_bits(1, "coil", 0, 8)

        try:
            async with asyncio.timeout(20):
                for turns in range(120):
                    task = asyncio.create_task(poll())
                    for _ in range(turns % 40 + 5):
                        await asyncio.sleep(0)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
        finally:
            bus.close()
            await sim.stop()

    asyncio.run(scenario())
