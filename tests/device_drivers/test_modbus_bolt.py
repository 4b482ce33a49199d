"""Door boards over a real socket: what is held stays held, what is pulsed is pulsed once, what burns is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from patience import PATIENCE_S

from device_drivers import modbus_door
from device_drivers.contract.events import DoorEvent, Unreadable
from device_drivers.contract.words import CommandKind, CommandOutcome, DeviceCondition, DoorAlarm, FireInput
from device_drivers.driver import CommandRequest, ConfigError, DriverEvent, FireContact
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim

OPEN = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=0.2)
HOLD, LET_GO = CommandRequest(CommandKind.LOCK_OPEN, "door1"), CommandRequest(CommandKind.RELEASE, "door1")
LATCHING = ["coils", "jy_dam", "waveshare_relay", "r421a08"]
Scenario = Callable[[ModbusBoardSim, modbus_door.ModbusDoor], Awaitable[None]]


async def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not reached in {seconds} s: {what}"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def connected(sim: ModbusBoardSim, **config: Any) -> AsyncIterator[modbus_door.ModbusDoor]:
    settings = {"host": "127.0.0.1", "port": sim.port, "board": sim.config["board"], "poll_ms": 20, "timeout_s": 0.5}
    driver = await modbus_door.connect("board-1", settings | config, None)  # type: ignore[arg-type]
    try:
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def powered(board: str, **config: Any) -> AsyncIterator[ModbusBoardSim]:
    sim = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "board": board, **config})
    await sim.start()
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            yield sim
    finally:
        await sim.stop()


@asynccontextmanager
async def heard(driver: modbus_door.ModbusDoor) -> AsyncIterator[list[DriverEvent]]:
    """Everything the driver tells, as it comes."""
    told: list[DriverEvent] = []

    async def listen() -> None:
        async for event in driver.events():
            told.append(event)

    task = asyncio.create_task(listen())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def writes(sim: ModbusBoardSim) -> list[str]:
    """What was written to the board, as PDUs in hexadecimal."""
    return [f.adu[7:].hex() for f in sim.listener.frames if f.received and f.adu[7] in (5, 6, 15, 16)]


@pytest.mark.parametrize("board", LATCHING)
def test_a_held_door_takes_no_pulse_and_is_let_go_at_once(board: str) -> None:
    async def scenario() -> None:
        async with powered(board) as sim, connected(sim) as driver:
            assert await driver.command(HOLD) == (CommandOutcome.DONE, "")
            assert sim.door_relay.is_held, "on, and no timer of the board will end it"
            before = sim.counters["pulses"]
            assert (await driver.command(OPEN))[0] is CommandOutcome.DONE
            assert sim.door_relay.is_held, "a timed pulse would have ended the hold"
            assert sim.counters["pulses"] == before, "nothing was sent"
            assert await driver.command(LET_GO) == (CommandOutcome.DONE, "")
            assert not sim.door_relay.is_on
            assert (await driver.command(OPEN))[0] is CommandOutcome.DONE
            assert sim.door_relay.is_on, "pulses work again"
            await until(lambda: not sim.door_relay.is_on, "and end")

    asyncio.run(scenario())


def test_a_board_that_cannot_hold_is_pulsed_again_before_its_pulse_ends() -> None:
    async def scenario() -> None:
        async with powered("inveo_rfid_ind") as sim, connected(sim) as driver:
            sim.door_relay.pulse_s = 1.4
            await driver.command(HOLD)
            closed: list[bool] = []

            def watch() -> bool:
                closed.append(not sim.door_relay.is_on)
                return sim.counters["pulses"] >= 3

            await until(watch, "the third pulse")
            assert not any(closed), "the bolt never fell back in between"
            assert (await driver.command(LET_GO))[0] is CommandOutcome.DONE
            await until(lambda: not sim.door_relay.is_on, "the board ends it by itself")

    asyncio.run(scenario())


@pytest.mark.parametrize("board", ["coils", "waveshare_relay", "r421a08"])
def test_a_board_that_lost_its_power_is_held_again(board: str) -> None:
    async def scenario() -> None:
        async with powered(board) as sim, connected(sim) as driver:
            await driver.command(HOLD)
            await sim.apply_fault(Fault.RESTART)
            assert not sim.door_relay.is_on, "the power loss let it fall"
            await until(lambda: sim.door_relay.is_on, "held again without being asked")

    asyncio.run(scenario())


@pytest.mark.parametrize("board", ["coils", "jy_dam"])
def test_a_held_door_stays_open_while_the_edge_is_away(board: str) -> None:
    async def scenario() -> None:
        async with powered(board) as sim:
            async with connected(sim) as driver:
                await driver.command(HOLD)
            assert sim.door_relay.is_held, "closing the connection closes no door"
            async with connected(sim) as driver:
                await driver.command(HOLD)
                await until(lambda: len(writes(sim)) >= 3, "held on")
            off = "0500000000"
            assert off not in writes(sim), "never switched off in between"
            assert sim.door_relay.is_held

    asyncio.run(scenario())


def test_a_bolt_left_on_by_a_crash_is_switched_off() -> None:
    async def scenario() -> None:
        async with powered("coils") as sim:
            sim.relays[0].command(on=True)
            async with connected(sim):
                await until(lambda: not sim.door_relay.is_on, "nobody wants it open")

    asyncio.run(scenario())


def test_silence_at_holding_is_uncertain_and_it_is_held_in_the_end() -> None:
    async def scenario() -> None:
        async with powered("jy_dam") as sim, connected(sim) as driver:
            await sim.apply_fault(Fault.SILENT, 0.8)
            outcome, _ = await driver.command(HOLD)
            assert outcome is CommandOutcome.UNCERTAIN
            await until(lambda: sim.door_relay.is_held, "tried on until the board heard it")
            await driver.command(LET_GO)
            before = len(writes(sim))
            await sim.apply_fault(Fault.SILENT, 0.6)
            assert (await driver.command(OPEN))[0] is CommandOutcome.UNCERTAIN
            await until(lambda: not sim.faults.on(Fault.SILENT), "it answers again")
            assert (await driver.status()).condition is DeviceCondition.ONLINE
            assert len(writes(sim)) == before + 1, "a pulse is never sent twice"

    asyncio.run(scenario())


def test_a_held_door_is_not_forced_and_not_held_too_long() -> None:
    async def scenario() -> None:
        async with (
            powered("jy_dam") as sim,
            connected(sim, held_open_after_s=0.1, grace_s=0.0) as driver,
            heard(driver) as told,
        ):
            await until(lambda: told, "the first look")
            await driver.command(HOLD)
            sim.open_door()
            await until(lambda: len(told) >= 2, "the opening")
            await until(lambda: len(sim.listener.frames) > 60, "many more looks")
            assert [e.body.alarm for e in told if isinstance(e.body, DoorEvent)] == [DoorAlarm.NORMAL] * 2
            await driver.command(LET_GO)
            await until(lambda: len(told) >= 3, "now it stands open too long")
            assert isinstance(told[-1].body, DoorEvent)
            assert told[-1].body.alarm is DoorAlarm.HELD_OPEN

    asyncio.run(scenario())


def contacts(told: list[DriverEvent]) -> list[FireInput]:
    return [e.body.state for e in told if isinstance(e.body, FireContact)]


@pytest.mark.parametrize("closed", [False, True])
def test_a_fire_contact_is_told_when_it_changes_and_unknown_when_it_cannot_be_read(closed: bool) -> None:
    async def scenario() -> None:
        async with (
            powered("jy_dam", fire_input=5, fire_normally_closed=closed) as sim,
            connected(sim, fire_input=5, fire_invert=closed, doors=2) as driver,
            heard(driver) as told,
        ):
            await until(lambda: contacts(told) == [FireInput.QUIET], "the first look")
            sim.set_fire(active=True)
            await until(lambda: contacts(told)[1:] == [FireInput.FIRE], "the fire")
            sim.lose_fire_input()
            await until(lambda: contacts(told)[2:] == [FireInput.UNKNOWN], "no answer is no all-clear")
            status = await driver.status()
            assert status.condition is DeviceCondition.FAULT
            assert "消防联动输入 5" in status.detail, status.detail
            assert "不等于没有火警" in status.detail
            sim.set_fire(active=False)
            await until(lambda: contacts(told)[3:] == [FireInput.QUIET], "the all-clear")
            await until(lambda: driver._scan.problems == {}, "read whole again")
            assert (await driver.status()).condition is DeviceCondition.ONLINE

    asyncio.run(scenario())


def test_a_short_flicker_is_no_fire() -> None:
    async def scenario() -> None:
        async with (
            powered("jy_dam", fire_input=3) as sim,
            connected(sim, fire_input=3) as driver,
            heard(driver) as told,
        ):
            await until(lambda: contacts(told), "the first look")
            driver.points.fire_contact.settle_s = 60.0
            sim.set_fire(active=True)
            seen = len(sim.listener.frames)
            await until(lambda: len(sim.listener.frames) > seen + 10, "it was looked at")
            assert contacts(told) == [FireInput.QUIET]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"board": "jy_dam", "fire_input": 33}, "32 inputs"),
        ({"board": "jy_dam", "fire_input": 1}, "door magnet"),
        ({"board": "jy_dam", "fire_input": 4, "doors": 2}, "exit button"),
        ({"board": "r421a08", "fire_input": 1}, "0 inputs"),
        ({"board": "inveo_rfid_ind", "fire_input": 1}, "0 inputs"),
    ],
)
def test_a_fire_contact_where_none_can_be_is_refused(config: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        asyncio.run(modbus_door.connect("d", {"host": "127.0.0.1"} | config, None))  # type: ignore[arg-type]


def test_an_exit_button_that_hangs_on_the_board_alone_opens_the_bolt_once_a_press() -> None:
    async def scenario() -> None:
        async with (
            powered("jy_dam", exit_s=0.2) as sim,
            connected(sim, exit_opens=True, pulse_s=0.2) as driver,
            heard(driver) as told,
        ):
            await until(lambda: told, "the first look")
            sim.press_exit()
            await until(lambda: sim.counters["pulses"] == 1, "the bolt")
            await until(lambda: not driver.points.doors["door1"].exit.value, "the button is back")
            sim.press_exit()
            await until(lambda: sim.counters["pulses"] == 2, "the second press")
            assert len(writes(sim)) == 2

    asyncio.run(scenario())


OPENING = (5, 6, 16)


def opening(sim: ModbusBoardSim) -> list[str]:
    """Writes that open, off the frame log: not those that switch off."""
    return [w for w in writes(sim) if int(w[:2], 16) in OPENING and w[6:10] != "0000"]


@pytest.mark.parametrize("board", [*LATCHING, "inveo_rfid_ind"])
@pytest.mark.parametrize(
    ("fault", "value", "told"),
    [
        (Fault.SLOW, 0.1, CommandOutcome.DONE),
        (Fault.SILENT, None, CommandOutcome.UNCERTAIN),
        (Fault.LOST_REPLY, None, CommandOutcome.UNCERTAIN),
        (Fault.LATE_REPLY, 0.3, CommandOutcome.UNCERTAIN),
        (Fault.GARBAGE, None, CommandOutcome.UNCERTAIN),
        (Fault.EXCEPTION, 4, CommandOutcome.REFUSED),
        (Fault.EXCEPTION, 5, CommandOutcome.UNCERTAIN),
        (Fault.EXCEPTION, 6, CommandOutcome.REFUSED),
    ],
)
def test_one_open_is_one_frame_on_the_wire(board: str, fault: Fault, value: float | None, told: CommandOutcome) -> None:
    async def scenario() -> None:
        patience = 5.0 if fault is Fault.SLOW else 0.2
        more = 2 if board == "r421a08" else 8  # without an input it is read twice a second, the others fifty times
        async with powered(board) as sim, connected(sim, timeout_s=patience) as driver, heard(driver):
            await until(lambda: sim.listener.frames, "the first poll")
            before = len(opening(sim))
            await sim.apply_fault(fault, value=value)
            assert (await driver.command(OPEN))[0] is told
            sim.clear_faults()
            seen = len(sim.listener.frames)
            await until(lambda: len(sim.listener.frames) > seen + more, "polls go on")
            assert len(opening(sim)) - before == 1, "neither slow nor silent nor busy makes a second pulse"

    asyncio.run(scenario())


@pytest.mark.parametrize("board", [*LATCHING, "inveo_rfid_ind"])
@pytest.mark.parametrize("acts", [True, False], ids=["acts", "is deaf"])
def test_a_pulse_without_an_answer_is_told_by_the_relay(board: str, acts: bool) -> None:
    async def scenario() -> None:
        async with powered(board) as sim, connected(sim, timeout_s=0.2) as driver, heard(driver):
            await until(lambda: driver.bolts.was_off(0), "the relay seen off")

            def mute(unit: int, pdu: bytes) -> bytes | None:
                if pdu[0] in (1, 2, 3, 4):
                    return sim.answer(unit, pdu)
                if acts:
                    sim.answer(unit, pdu)
                return None

            sim.listener.answer = mute
            request = CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=1.0)
            outcome, text = await driver.command(request)
            assert outcome is (CommandOutcome.DONE if acts else CommandOutcome.UNCERTAIN), text
            assert ("吸合" if acts else "断开") in text
            again, text = await driver.command(request)
            assert again is CommandOutcome.UNCERTAIN, "a relay that was on before proves nothing"
            sim.listener.answer = sim.answer

    asyncio.run(scenario())


def test_a_card_that_cannot_be_read_is_told_raw_and_shown() -> None:
    async def scenario() -> None:
        async with powered("inveo_rfid_ind") as sim, connected(sim) as driver, heard(driver) as told:
            await until(lambda: told, "the door's first state")
            sim.bank.holding.update(dict.fromkeys(range(1000, 1005), 0))
            sim.bank.coils[1004] = True  # a new card, and no number
            await until(lambda: [e for e in told if isinstance(e.body, Unreadable)], "what stood there is told")
            detail = (await driver.status()).detail
            assert "0000 0000" in detail, detail
            before = len(told)
            sim.present_card(1234567)
            await until(lambda: len(told) > before, "the next card is read")
            assert getattr(told[-1].body, "identifier", None) is not None

    asyncio.run(scenario())
