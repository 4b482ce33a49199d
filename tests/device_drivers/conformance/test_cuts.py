"""A link torn after any byte: the driver says so, never hangs or crashes, and works again on the next connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, Proxy
from kit import benches, run
from patience import PATIENCE_S

from device_drivers.contract.events import MeterReading
from device_drivers.contract.words import CommandKind, CommandOutcome
from device_drivers.driver import CommandRequest, DeviceUnreachable, Driver, Upsert

OPEN = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.1)
HANG_S = PATIENCE_S


def places(total: int, most: int) -> Iterable[int]:
    """Byte counts from 1 to `total`: all, or `most` of them spread over it, the first and the last among them."""
    if total <= most:
        return range(1, total + 1)
    return sorted({1 + round(n * (total - 1) / (most - 1)) for n in range(most)})


@contextlib.asynccontextmanager
async def proxied(bench: Bench) -> AsyncIterator[Proxy]:
    proxy = Proxy(*bench.behind())
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def talk(bench: Bench, driver: Driver) -> None:
    """What a worker does first: read back, and write where the device holds a list."""
    await driver.inventory()
    if "list" not in bench.exempt:
        await driver.apply((Upsert(bench.credential(1), "f"),))
        await driver.inventory()
    if bench.tells_at_once:
        body = (await anext(aiter(driver.events()))).body
        if isinstance(body, MeterReading) and not body.ok:  # an honest "no answer", which is no reading
            raise DeviceUnreachable(body.text)
    await driver.status()


async def session(bench: Bench, proxy: Proxy, after: int | None) -> bool:
    """A whole session, torn after so many bytes. False when the driver said that the device is unreachable."""
    proxy.arm(after)
    try:
        async with asyncio.timeout(HANG_S):
            driver = await bench.connect_through(proxy.port)
            try:
                await talk(bench, driver)
            finally:
                await driver.close()
    except DeviceUnreachable:
        return False
    return True


@benches("cut")
def test_a_session_cut_at_any_byte_is_unreachable_and_the_next_one_works(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.expect_silence()
        async with proxied(bench) as proxy:
            assert await session(bench, proxy, None), "whole, it works"
            total = proxy.passed
            torn = 0
            for after in places(total, bench.cuts):
                try:
                    torn += not await session(bench, proxy, after)
                except TimeoutError:
                    pytest.fail(f"hangs when the link is torn after {after} of {total} bytes")
            if bench.asks_again:
                assert proxy.tears >= total - 1, "it was cut each time"
                assert torn == 0, "what was only read is read again"
            else:
                assert torn or bench.cuts < total, "no cut was ever noticed"
            assert await session(bench, proxy, None), "and works again"

    run(bench_type, broker, tmp_path, scenario)


@benches("cut", "pulse")
def test_a_pulse_cut_at_any_byte_is_sent_once_and_told_honestly(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.expect_silence()
        async with proxied(bench) as proxy:
            driver = await bench.connect_through(proxy.port)
            proxy.arm(None)
            assert (await driver.command(OPEN))[0] is CommandOutcome.DONE
            total = proxy.passed
            for after in places(total, bench.cuts):
                await driver.close()
                driver = await bench.connect_through(proxy.port)
                before = len(bench.sim.pulses)
                proxy.arm(after)
                async with asyncio.timeout(HANG_S):
                    outcome, text = await driver.command(OPEN)
                pulses = len(bench.sim.pulses) - before
                told = f"after {after} of {total} bytes: {outcome} {text}, {pulses} pulses"
                assert pulses <= 1, told
                if outcome is CommandOutcome.DONE:
                    assert pulses == 1, told
                elif outcome is CommandOutcome.UNREACHABLE:
                    assert pulses == 0, told
                else:
                    assert outcome is CommandOutcome.UNCERTAIN, told
            await driver.close()

    run(bench_type, broker, tmp_path, scenario)
