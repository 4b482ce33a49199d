"""How a conformance test is run: on which benches, with what a worker would do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from harness import BENCHES, DEADLINE_S, Bench, Services
from patience import PATIENCE_S

from device_drivers.catalogue import definition
from device_drivers.contract.access import AccessList, Credential
from device_drivers.driver import BrokerAddress, DeviceUnreachable, Driver, DriverEvent, Upsert
from device_drivers.plan import Plan, plan


def benches(*needs: str) -> Any:
    """All benches but those exempt from any of `needs`."""
    chosen = [b for b in BENCHES if not b.exempt.keys() & set(needs)]
    return pytest.mark.parametrize("bench_type", chosen, ids=lambda b: b.__name__)


def run(
    bench_type: type[Bench], broker: Any, directory: Path, scenario: Callable[[Bench], Any], *, start: bool = True
) -> None:
    async def whole() -> None:
        services = Services(BrokerAddress("127.0.0.1", broker.port, "edge", "edge"))
        await services.start()
        bench = bench_type(services, directory)
        if start:
            await bench.start()
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(bench)
        finally:
            await bench.sim.stop()
            await services.stop()

    asyncio.run(whole())


@contextlib.asynccontextmanager
async def connected(bench: Bench) -> AsyncIterator[Driver]:
    """Connects as the worker does: again until the device is there."""
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while True:
        try:
            driver = await bench.connect()
            break
        except DeviceUnreachable:
            assert asyncio.get_running_loop().time() < end, "the device never became reachable"
    try:
        yield driver
    finally:
        await driver.close()


async def await_event(
    stream: AsyncIterator[DriverEvent], wanted: Callable[[DriverEvent], bool], what: str
) -> DriverEvent:
    """The first event that is wanted; all before it are acknowledged."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            async for event in stream:
                if event.ack:
                    await event.ack()
                if wanted(event):
                    return event
    except TimeoutError:
        pytest.fail(f"no event told: {what}")
    pytest.fail("the event stream ended")


def desired(*credentials: Credential) -> AccessList:
    return AccessList("estate", "device-1", 1, datetime.now(UTC), credentials)


async def step(driver: Driver, bench: Bench, want: AccessList, applied: dict[str, str], **options: Any) -> Plan:
    """One round of the worker: inventory, plan, apply; `applied` learns what the device took."""
    found = plan(want, await driver.inventory(), applied, definition(bench.kind).capabilities, **options)
    for result in (*await driver.apply(found.removals), *await driver.apply(found.upserts)):
        if result.error is None and isinstance(result.operation, Upsert):
            applied[result.operation.credential.token] = result.operation.fingerprint
        elif result.error is None:
            applied.pop(result.operation.token, None)  # type: ignore[union-attr]
    return found
