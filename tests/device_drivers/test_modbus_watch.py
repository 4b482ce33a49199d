"""What is looked at how often, and who is woken by it: counted in the frame log, under virtual time."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from modbus_twin import Twin, connected_to, in_virtual_time

from device_drivers import modbus_door, modbus_meter, register_map
from device_drivers.contract.events import DoorEvent, MeterReading
from device_drivers.contract.words import CommandKind, DeviceCondition, DoorAlarm, DoorState
from device_drivers.driver import CommandRequest, ConfigError, DriverEvent
from simulators.modbus_bank import RegisterBank

DISCRETE, COILS, HOLDING, INPUT = 2, 1, 3, 4


def bank() -> RegisterBank:
    return RegisterBank(
        coils=dict.fromkeys(range(16), False),
        discrete_inputs=dict.fromkeys(range(32), False),
        holding=dict.fromkeys(range(100), 0),
        inputs=dict.fromkeys(range(400), 0),
    )


@pytest.fixture
def site_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, Any]], None]:
    """Puts a site's own register map in place."""
    monkeypatch.setenv("ESTATE_EDGE_REGISTERS", str(tmp_path))

    def write(folder: str, content: dict[str, Any]) -> None:
        path = tmp_path / folder / f"{content.get('board') or content['model']}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        register_map.boards.cache_clear()
        register_map.meters.cache_clear()

    yield write
    monkeypatch.undo()
    register_map.boards.cache_clear()
    register_map.meters.cache_clear()


def ours(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((register_map.ROOT / "boards" / f"{name}.json").read_text())
    return read


def watched(
    twin: Twin,
    scenario: Callable[[modbus_door.ModbusDoor, list[DriverEvent]], Awaitable[None]],
    **config: Any,
) -> None:
    async def whole() -> None:
        with connected_to(twin):
            settings = {"host": "twin", "board": "jy_dam", "poll_ms": 200} | config
            driver = await modbus_door.connect("d", settings, None)  # type: ignore[arg-type]
            told: list[DriverEvent] = []

            async def listen() -> None:
                async for event in driver.events():
                    told.append(event)

            task = asyncio.create_task(listen())
            try:
                await scenario(driver, told)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await driver.close()

    in_virtual_time(whole)


GAUGE = {"title": "机内温度", "table": "input", "address": 7, "type": "s16", "scale": 0.1, "unit": "°C", "maximum": 70}


def test_each_point_is_asked_at_the_pace_that_its_data_file_says(site_map: Any) -> None:
    board = ours("jy_dam")
    board["exit"]["every_ms"] = 500
    board["pulse"]["steps"][1]["every_ms"] = 2000
    board["gauges"] = [GAUGE | {"every_s": 60}]
    site_map("boards", board)
    twin = Twin({1: bank()})

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        twin.sent.clear()
        await asyncio.sleep(120.05)
        asked = {
            "magnets": len(twin.times(1, DISCRETE, 0)),
            "buttons": len(twin.times(1, DISCRETE, 1)),
            "relays": len(twin.times(1, COILS, 0)),
            "temperature": len(twin.times(1, INPUT, 7)),
        }
        assert asked == {"magnets": 601, "buttons": 241, "relays": 61, "temperature": 3}
        assert sum(asked.values()) == len(twin.sent), "and nothing else"

    watched(twin, scenario)


def test_points_of_one_pace_are_one_request_and_what_stays_as_it_was_wakes_nobody() -> None:
    twin = Twin({1: bank()})

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        looked = 0
        look = driver._look

        async def counted() -> list[DriverEvent]:
            nonlocal looked
            looked += 1
            return await look()

        driver._look = counted  # type: ignore[method-assign]
        await asyncio.sleep(60.1)
        assert len({pdu for _, _, pdu in twin.sent if pdu[0] == DISCRETE}) == 1, "16 inputs, one request"
        assert looked == 1, "the first look"
        twin.banks[1].discrete_inputs[0] = True
        await asyncio.sleep(1)
        assert [e.body.state for e in told if isinstance(e.body, DoorEvent) and e.body.point == "door1"] == [
            DoorState.CLOSED,
            DoorState.OPEN,
        ]
        assert looked <= 3, "the change, and once more when it has settled"

    watched(twin, scenario, doors=8)


def test_what_time_alone_changes_is_told_though_the_inputs_stay_the_same() -> None:
    twin = Twin({1: bank()})

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        def alarms() -> list[DoorAlarm]:
            return [e.body.alarm for e in told if isinstance(e.body, DoorEvent)]

        await asyncio.sleep(1)
        twin.banks[1].discrete_inputs[1] = True  # the exit button, held much longer than the grace
        await asyncio.sleep(30)
        twin.banks[1].discrete_inputs |= {0: True, 1: False}
        await asyncio.sleep(1)
        assert DoorAlarm.FORCED_OPEN not in alarms(), "a button that was held until now lets out"
        await asyncio.sleep(60)
        assert alarms()[-1] is DoorAlarm.HELD_OPEN
        seen = len(told)
        await driver.command(CommandRequest(CommandKind.LOCK_OPEN, "door1"))
        await driver.command(CommandRequest(CommandKind.RELEASE, "door1"))
        twin.banks[1].discrete_inputs[0] = False
        await asyncio.sleep(1)
        twin.banks[1].discrete_inputs[0] = True
        await asyncio.sleep(70)
        assert alarms()[seen:] == [DoorAlarm.NORMAL, DoorAlarm.NORMAL, DoorAlarm.HELD_OPEN]

    watched(twin, scenario, held_open_after_s=50.0)


def test_32_boards_on_one_bus_are_each_looked_at_five_times_a_second_with_meters_between_them() -> None:
    twin = Twin({unit: bank() for unit in range(1, 37)}, answer_s=0.005)

    async def whole() -> None:
        with connected_to(twin):
            config = {"host": "twin", "board": "jy_dam", "doors": 8, "poll_ms": 200}
            drivers: list[Any] = [
                await modbus_door.connect(f"b{n}", config | {"unit": n}, None)  # type: ignore[arg-type]
                for n in range(1, 33)
            ]
            meters = [{"point": f"m{n}", "unit": n, "model": "eastron_sdm"} for n in range(33, 37)]
            drivers.append(await modbus_meter.connect("m", {"host": "twin", "poll_s": 10, "meters": meters}, None))  # type: ignore[arg-type]

            async def listen(driver: Any) -> None:
                async for _ in driver.events():
                    pass

            tasks = [asyncio.create_task(listen(driver)) for driver in drivers]
            await asyncio.sleep(5)
            began = asyncio.get_running_loop().time()
            twin.sent.clear()
            await asyncio.sleep(30)
            for unit in range(1, 33):
                times = twin.times(unit, DISCRETE, 0)
                assert 148 <= len(times) <= 151, f"unit {unit}: {len(times)} in 30 s"
                gaps = [b - a for a, b in itertools.pairwise(times)]
                assert max(gaps) < 0.4, f"unit {unit}: {max(gaps):.2f} s between two looks"
            assert all(len(twin.times(unit, INPUT, 342)) == 3 for unit in range(33, 37)), "each meter every 10 s"
            busy = len([at for at, _, _ in twin.sent if at >= began]) * 0.005 / 30
            assert busy > 0.95, f"the bus is as full as it can be: {busy:.0%}"
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for driver in drivers:
                await driver.close()

    in_virtual_time(whole)


def test_a_meter_and_its_status_have_periods_of_their_own(site_map: Any) -> None:
    read = json.loads((register_map.ROOT / "meters" / "pulse_water.json").read_text())
    read["value"]["every_s"], read["status"]["every_s"] = 20, 100
    site_map("meters", read)
    value, status = read["value"], read["status"]
    twin = Twin({1: bank()})
    told: list[MeterReading] = []

    async def whole() -> None:
        with connected_to(twin):
            config = {"host": "twin", "poll_s": 5, "meters": [{"point": "w", "unit": 1, "model": "pulse_water"}]}
            driver = await modbus_meter.connect("m", config, None)  # type: ignore[arg-type]

            async def listen() -> None:
                async for event in driver.events():
                    assert isinstance(event.body, MeterReading)
                    told.append(event.body)

            task = asyncio.create_task(listen())
            await asyncio.sleep(1)
            table = twin.banks[1].holding if value["table"] == "holding" else twin.banks[1].inputs
            table[status["address"]] = 2  # a fault
            await asyncio.sleep(400)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await driver.close()

    in_virtual_time(whole)
    function = HOLDING if value["table"] == "holding" else INPUT
    counts = [int.from_bytes(pdu[3:5], "big") for _, _, pdu in twin.sent if pdu[0] == function]
    both = status["address"] - value["address"] + 1
    assert len(counts) == 21, "the value every 20 s, whatever the settings say"
    assert counts.count(both) == 5, "with the status at the start and every 100 s"
    assert [reading.ok for reading in told] == [True, False], "the fault is told when the status is read"


@pytest.mark.parametrize(("degrees", "fault"), [(415, False), (-200, False), (712, True)])
def test_a_gauge_is_shown_and_out_of_bounds_is_a_fault(site_map: Any, degrees: int, fault: bool) -> None:
    site_map("boards", ours("jy_dam") | {"gauges": [GAUGE]})
    twin = Twin({1: bank()})
    twin.banks[1].inputs[7] = degrees & 0xFFFF

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        status = await driver.status()
        assert f"机内温度 {degrees / 10:g} °C" in status.detail
        assert (status.condition is DeviceCondition.FAULT) == fault
        del twin.banks[1].inputs[7]
        await asyncio.sleep(61)
        status = await driver.status()
        assert "机内温度 读不到" in status.detail
        assert status.condition is DeviceCondition.FAULT

    watched(twin, scenario)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fire": {"table": "discrete", "address": 0, "every_ms": 5000}}, "way out"),
        ({"exit": {"table": "discrete", "address": 1, "every_ms": 2000}}, "way out"),
        ({"magnet": {"table": "discrete", "address": 0, "every_ms": 5}}, "every_ms"),
        ({"gauges": [GAUGE, GAUGE]}, "same title"),
        ({"gauges": [GAUGE | {"every_s": 0}]}, "every_s"),
    ],
)
def test_a_pace_that_cannot_be_is_refused(site_map: Any, change: dict[str, Any], why: str) -> None:
    site_map("boards", ours("jy_dam") | change)
    with pytest.raises(ConfigError, match=why):
        register_map.board("jy_dam")


@pytest.mark.parametrize(("lost", "single"), [(9, False), (None, True)], ids=["one is gone", "singles only"])
def test_a_block_that_is_refused_is_read_bit_by_bit_until_it_is_whole_again(lost: int | None, single: bool) -> None:
    twin = Twin({1: bank()})
    inner = twin.banks[1].answer

    def answer(pdu: bytes) -> bytes:
        many = pdu[0] == DISCRETE and pdu[4] > 1
        return bytes((pdu[0] | 0x80, 3)) if single and many else inner(pdu)

    class Choosy(RegisterBank):
        def answer(self, pdu: bytes) -> bytes:
            return answer(pdu)

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(2)
        asked = {pdu[3:5] for _, _, pdu in twin.sent[-12:] if pdu[0] == DISCRETE}
        assert asked == {b"\0\1"}, "bit by bit"
        unknown = {e.body.point for e in told if isinstance(e.body, DoorEvent) and e.body.state is DoorState.UNKNOWN}
        assert unknown == set(), "the doors that can be read are known from the first word on"
        assert ((await driver.status()).condition is DeviceCondition.FAULT) == (lost is not None)
        if lost is not None:
            twin.banks[1].discrete_inputs[lost] = False
            await asyncio.sleep(2)
            assert {pdu[3:5] for _, _, pdu in twin.sent[-5:] if pdu[0] == DISCRETE} == {b"\0\x0a"}, "whole again"
            assert (await driver.status()).condition is DeviceCondition.ONLINE

    if lost is not None:
        del twin.banks[1].discrete_inputs[lost]
    if single:
        choosy = Choosy(twin.banks[1].coils, twin.banks[1].discrete_inputs, twin.banks[1].holding)
        twin.banks[1] = choosy
    watched(twin, scenario, doors=5)


def test_one_busy_moment_is_no_unknown() -> None:
    twin = Twin({1: bank()})
    busy = 0

    class Busy(RegisterBank):
        def answer(self, pdu: bytes) -> bytes:
            nonlocal busy
            if pdu[0] == DISCRETE and busy:
                busy -= 1
                return bytes((pdu[0] | 0x80, 6))
            return super().answer(pdu)

    twin.banks[1] = Busy(twin.banks[1].coils, twin.banks[1].discrete_inputs)

    async def scenario(driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        nonlocal busy

        def states() -> list[DoorState]:
            return [e.body.state for e in told if isinstance(e.body, DoorEvent)]

        await asyncio.sleep(1)
        busy = 1
        await asyncio.sleep(1)
        assert states() == [DoorState.CLOSED]
        busy = 10
        await asyncio.sleep(5)
        assert states() == [DoorState.CLOSED, DoorState.UNKNOWN, DoorState.CLOSED], "a board that stays busy is unknown"

    watched(twin, scenario)
