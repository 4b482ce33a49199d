"""Boards that are busy for a moment, and meters that stay away for weeks: the way out stays open, and nobody is overlooked."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from modbus_twin import Twin, connected_to, in_virtual_time
from test_modbus_bolt import until
from test_modbus_watch import COILS, DISCRETE, HOLDING, bank, watched

from device_drivers import modbus_door, modbus_meter
from device_drivers.contract.events import DoorEvent, EdgeNote, MeterReading
from device_drivers.contract.words import FireInput
from device_drivers.driver import CredentialPresented, DriverEvent, FireContact
from simulators.modbus_bank import RegisterBank

BUSY = 6


class Moody(RegisterBank):
    """Refuses what `refuses` says, with that exception."""

    refuses: Callable[[bytes], int] = staticmethod(lambda _pdu: 0)

    def answer(self, pdu: bytes) -> bytes:
        code = self.refuses(pdu)
        return bytes((pdu[0] | 0x80, code)) if code else super().answer(pdu)


def moody() -> Moody:
    plain = bank()
    return Moody(plain.coils, plain.discrete_inputs, plain.holding, plain.inputs)


def pulses(twin: Twin) -> int:
    return sum(pdu[0] == 16 for _, _, pdu in twin.sent)


def test_a_board_that_is_busy_as_the_exit_button_is_pressed_opens_all_the_same() -> None:
    board = moody()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        board.refuses = lambda pdu: BUSY if pdu[0] == 16 and pulses(twin) <= 2 else 0
        board.discrete_inputs[1] = True
        await asyncio.sleep(3)
        board.discrete_inputs[1] = False
        await asyncio.sleep(1)
        assert pulses(twin) == 3, "until it took one, and then no more"
        assert board.holding[3] == 4, "the bolt is pulsed"
        assert sum(isinstance(e.body, DoorEvent) and e.body.request_to_exit for e in told) == 1

    watched(twin, scenario, exit_opens=True)


def test_a_board_that_is_busy_for_good_holds_up_neither_the_next_press_nor_a_fire() -> None:
    board = moody()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        board.refuses = lambda pdu: BUSY if pdu[0] == 16 else 0
        board.discrete_inputs[1] = True
        await asyncio.sleep(0.5)
        board.discrete_inputs[2] = True
        await asyncio.sleep(2)
        fire = [e.body.state for e in told if isinstance(e.body, FireContact)]
        assert fire == [FireInput.QUIET, FireInput.FIRE]

    watched(twin, scenario, exit_opens=True, fire_input=3)


def test_the_way_out_is_looked_at_every_second_however_seldom_the_rest() -> None:
    board = moody()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, _told: list[DriverEvent]) -> None:
        await asyncio.sleep(30)
        looks = [(at, pdu) for at, _, pdu in twin.sent if pdu[:3] == bytes((DISCRETE, 0, 1))]
        assert {pdu[4] for _, pdu in looks} == {10}, "inputs 2 to 11: the exit button and the fire contact"
        assert max(b - a for (a, _), (b, _) in itertools.pairwise(looks)) <= 1.01

    watched(twin, scenario, exit_opens=True, fire_input=11, poll_ms=10_000)


def reader() -> Moody:
    """With a hole among its coils: the points are asked for one by one."""
    board = moody()
    board.coils |= {1000: False, 1001: False, 1002: False, 1004: False, 1005: False, 1010: False}
    board.holding |= dict.fromkeys(range(1000, 1005), 0)
    return board


def cards(told: list[DriverEvent]) -> list[str]:
    return [e.body.identifier.value for e in told if isinstance(e.body, CredentialPresented)]


def test_a_card_is_told_once_where_its_flag_is_asked_for_by_itself() -> None:
    board = reader()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        for number in (1, 2, 2):
            board.holding[1004], board.coils[1004] = 4711 * number, True
            await asyncio.sleep(1)
        assert cards(told) == ["4711", "9422", "9422"], "each opens the door, and counts as a use"
        board.coils[1005] = True
        await asyncio.sleep(1)
        assert sum(isinstance(e.body, EdgeNote) for e in told) == 1, "one restart is one"

    watched(twin, scenario, board="inveo_rfid_ind", poll_ms=20)


def test_each_key_of_a_pin_is_one_where_the_flag_is_asked_for_by_itself() -> None:
    board = reader()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        for key in (2, 4, 4, 6, 8, 1, 11):
            board.holding[1004], board.coils[1004] = key, True
            await asyncio.sleep(0.3)
        assert cards(told) == ["244681"]

    watched(twin, scenario, board="inveo_rfid_ind", poll_ms=20, keypad="keys4")


def test_a_restart_that_the_board_does_not_let_be_cleared_is_told_once() -> None:
    board = reader()
    board.refuses = lambda pdu: 2 if pdu[:3] == bytes((5, 0x03, 0xED)) else 0
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        board.coils[1005] = True
        await asyncio.sleep(60)
        assert sum(isinstance(e.body, EdgeNote) for e in told) == 1, "the journal is not filled with it"
        board.coils[1005] = False
        await asyncio.sleep(1)
        board.coils[1005] = True
        await asyncio.sleep(1)
        assert sum(isinstance(e.body, EdgeNote) for e in told) == 2, "the next one is another"

    watched(twin, scenario, board="inveo_rfid_ind", poll_ms=20)


def test_the_next_card_may_come_in_the_moment_the_flag_is_cleared() -> None:
    board = reader()
    twin = Twin({1: board})
    waiting = [2, 3]
    store = board.answer

    def next_card(pdu: bytes) -> bytes:
        answer = store(pdu)
        if pdu[:3] == bytes((5, 0x03, 0xEC)) and waiting:
            board.holding[1004], board.coils[1004] = waiting.pop(0), True
        return answer

    board.answer = next_card  # type: ignore[method-assign]

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        board.holding[1004], board.coils[1004] = 1, True
        await asyncio.sleep(1)
        assert cards(told) == ["1", "2", "3"]

    watched(twin, scenario, board="inveo_rfid_ind", poll_ms=20)


def test_a_flag_that_falls_silent_after_a_card_hides_nothing_else() -> None:
    board = reader()
    deaf = False

    class Deaf(Twin):
        def write(self, data: Any) -> None:
            if not (deaf and data[7:10] == bytes((COILS, 0x03, 0xEC))):
                super().write(data)

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        nonlocal deaf
        await asyncio.sleep(1)
        board.holding[1004], board.coils[1004] = 4711, True
        await until(lambda: cards(told), "the card")
        deaf = True
        board.coils[1002] = True
        await asyncio.sleep(0.15)
        assert any(isinstance(e.body, DoorEvent) and e.body.request_to_exit for e in told), "the way out first of all"

    watched(Deaf({1: board}), scenario, board="inveo_rfid_ind", poll_ms=20, timeout_s=0.05)


def test_a_card_that_a_busy_board_does_not_give_yet_is_read_a_moment_later() -> None:
    board = reader()
    twin = Twin({1: board})

    async def scenario(_driver: modbus_door.ModbusDoor, told: list[DriverEvent]) -> None:
        await asyncio.sleep(1)
        board.holding[1004] = 4711
        board.refuses = lambda pdu: BUSY if pdu[0] == HOLDING else 0
        board.coils[1004] = True
        await asyncio.sleep(0.5)
        board.refuses = lambda _pdu: 0
        await asyncio.sleep(1)
        assert cards(told) == ["4711"], "nobody has to show it twice"
        assert board.coils[1004] is False

    watched(twin, scenario, board="inveo_rfid_ind", poll_ms=20)


def test_a_meter_that_is_away_for_two_weeks_does_not_stop_its_neighbour() -> None:
    twin = Twin({1: bank()})
    told: list[MeterReading] = []

    async def whole() -> None:
        with connected_to(twin):
            meters = [{"point": f"w{n}", "unit": n, "model": "pulse_water"} for n in (1, 2)]
            config = {"host": "twin", "poll_s": 3600, "meters": meters}
            driver = await modbus_meter.connect("m", config, None)  # type: ignore[arg-type]

            async def listen() -> None:
                async for event in driver.events():
                    assert isinstance(event.body, MeterReading)
                    told.append(event.body)

            task = asyncio.create_task(listen())
            await asyncio.sleep(14 * 86_400)
            assert not task.done(), task
            twin.banks[2] = bank()
            await asyncio.sleep(3600)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await driver.close()

    in_virtual_time(whole)
    assert [reading.ok for reading in told if reading.point == "w2"][-1], "back, it is read within minutes"
