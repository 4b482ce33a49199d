"""What a driver declares is what it does: each promise of its capabilities is tried on its device, and each "no" is honest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from harness import BENCHES, Bench, until
from kit import benches, connected, run

from device_drivers.catalogue import definition
from device_drivers.contract.device import Capabilities
from device_drivers.contract.words import CommandKind, CommandOutcome, DoorState
from device_drivers.driver import (
    CommandRequest,
    DeviceRefused,
    DeviceUnreachable,
    Driver,
    DriverEvent,
    ReadsContents,
    Remove,
    RevokesSingly,
    Upsert,
)
from device_drivers.register_map import board


def declared(bench: Bench) -> Capabilities:
    return definition(bench.kind).capabilities_of(bench.config())


@benches()
def test_a_list_is_held_and_read_back_or_honestly_refused(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        can = declared(bench)
        assert can.holds_list or "list" in bench.exempt, "the bench's exemption and the driver's word differ"
        if can.holds_list and "list" in bench.exempt:
            return  # its list is tried elsewhere, as the exemption says
        async with connected(bench) as driver:
            (result,) = await driver.apply((Upsert(bench.credential(1), "f"),))
            held = [h.token for h in (await driver.inventory()).held]
            if can.holds_list:
                assert (result.error, held) == (None, ["cred-0001"])
            else:
                assert result.error is not None, "who holds no list takes nobody on it"
                assert (result.error.code, result.error.retry, held) == ("no_list", False, [])
                (gone,) = await driver.apply((Remove("cred-0001"),))
                assert gone.error is None, "removing what is not there is fine"
            assert can.reads_back == isinstance(driver, ReadsContents) == isinstance(driver, RevokesSingly)

    run(bench_type, broker, tmp_path, scenario)


@benches()
def test_a_snapshot_is_taken_or_refused(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        if not declared(bench).snapshots:
            bench.expect_silence()
        async with connected(bench) as driver:
            if declared(bench).snapshots:
                assert (await driver.snapshot()).jpeg.startswith(b"\xff\xd8")
            else:
                with pytest.raises((DeviceRefused, DeviceUnreachable)):
                    await driver.snapshot()

    run(bench_type, broker, tmp_path, scenario)


@benches()
def test_a_command_that_is_not_declared_is_unsupported(bench_type: type[Bench], broker: Any, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        can = declared(bench)
        assert (CommandKind.MOMENTARY_ACCESS in can.commands) == ("pulse" not in bench.exempt)
        async with connected(bench) as driver:
            for kind in (CommandKind.MOMENTARY_ACCESS, CommandKind.LOCK_OPEN):
                if kind not in can.commands:
                    assert (await driver.command(CommandRequest(kind)))[0] is CommandOutcome.UNSUPPORTED
            assert not getattr(bench.sim, "pulses", ())

    run(bench_type, broker, tmp_path, scenario)


@benches("pulse")
def test_a_pulse_that_is_declared_to_end_at_the_device_ends_without_us(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        can = declared(bench)
        if bench.kind == "modbus_door":
            assert can.device_side_pulse == board(bench.config()["board"]).pulse.device_side
        async with connected(bench) as driver:
            before = len(bench.sim.pulses)
            request = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.2)
            assert (await driver.command(request))[0] is CommandOutcome.DONE
        # The driver is gone.
        pulses = list(bench.sim.pulses)[before:]
        assert len(pulses) == 1
        timed = getattr(pulses[0], "seconds", None)
        if bench.kind == "modbus_door":
            assert (timed is not None) == can.device_side_pulse, "who declares it lets the device keep the time"

    run(bench_type, broker, tmp_path, scenario)


def test_only_who_replays_promises_it() -> None:
    for bench in BENCHES:
        can = definition(bench.kind).capabilities
        assert can.replays_events == ("replay" not in bench.exempt), bench.__name__


@benches("events")
def test_what_was_lost_on_its_way_is_had_again_where_a_history_is_declared(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        can = declared(bench)
        assert can.history == ("history" not in bench.exempt), "the bench's exemption and the driver's word differ"
        told: list[DriverEvent] = []

        async def listen(driver: Driver) -> None:
            async for event in driver.events():
                if event.ack:
                    await event.ack()
                if bench.is_it(event):
                    told.append(event)

        if not can.history:
            await bench.happen_unheard()
        async with connected(bench) as driver:
            listening = asyncio.create_task(listen(driver))
            try:
                if can.history:
                    for happens in (bench.happen, bench.happen_unheard, bench.happen):
                        before = len(told)
                        await happens()
                        if happens == bench.happen:
                            await until(lambda n=before: len(told) > n, "it is told")
                    await until(lambda: len({event.key for event in told}) == 3, "what was lost is asked for")
                    assert [event.late for event in told].count(True) == 1, "and told as late"
                else:
                    await until(lambda: driver_looked(bench, driver), "the device was looked at")
                    assert told == [], "what was over before is not made up"
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    run(bench_type, broker, tmp_path, scenario)


def driver_looked(bench: Bench, driver: Driver) -> bool:
    """Whether the present state was told by the device since the driver listens."""
    match bench.kind:
        case "modbus_door":
            return driver.points.doors["door1"].state is DoorState.CLOSED  # type: ignore[attr-defined]
        case "modbus_meter":
            return all(line.told for line in driver._lines)  # type: ignore[attr-defined]
        case "onvif_camera":
            return bool(driver.states.held)  # type: ignore[attr-defined]
        case _:
            return driver.doors["Door_1"].state is DoorState.CLOSED  # type: ignore[attr-defined]


@benches()
def test_a_device_that_falls_silent_is_told_unreachable_by_the_event_stream(
    bench_type: type[Bench], broker: Any, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        if bench.kind == "face_terminal":
            return  # its stream is the broker's; silence is told by the heartbeat's absence (test_conformance)
        bench.expect_silence()
        async with connected(bench) as driver:
            stream: AsyncIterator[Any] = driver.events()
            await bench.sim.apply_fault(bench.silence)
            with pytest.raises(DeviceUnreachable):
                async for _ in stream:
                    pass
            bench.sim.clear_faults()

    run(bench_type, broker, tmp_path, scenario)
