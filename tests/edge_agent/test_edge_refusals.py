"""What a device refused is not asked again in vain, and is asked again once something that matters has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_twins import (
    T0,
    TERMINAL,
    TestBox,
    TwinDevice,
    access_list,
    credential,
    device_config,
    open_box,
    publish,
    run,
    until,
    working,
)
from test_edge_worker import WITH_FACES, kinds, person

from device_drivers.contract.device import Capabilities, DeviceStatus
from device_drivers.contract.words import DeviceCondition
from device_drivers.driver import Upsert
from edge_agent.identity import Identity
from edge_agent.refusals import OF_THE_NUMBER
from edge_agent.state import Refusal, State
from edge_agent.worker import Worker

HOURS_7 = 7 * 3600.0
BLIND = Capabilities(holds_list=True, cards=True, batch=1)


def writes(device: TwinDevice, token: str) -> int:
    return sum(isinstance(o, Upsert) and o.credential.token == token for batch in device.applied for o in batch)


async def settled(box: TestBox, worker: Worker) -> None:
    """A whole round more, with nothing in hand."""
    await worker.reconciler.read_back()
    await box.box.settled()


@pytest.mark.parametrize("capabilities", [TERMINAL, BLIND, WITH_FACES], ids=["reads back", "blind", "faces"])
@pytest.mark.parametrize(
    ("code", "again"), [(code, 0) for code in sorted(OF_THE_NUMBER)] + [("card_exists", 1), ("list_full", 1)]
)
def test_a_number_that_a_device_cannot_keep_is_not_asked_again_for_hours(
    tmp_path: Path, capabilities: Capabilities, code: str, again: int
) -> None:
    """What depends on who else stands in the device may be otherwise in some hours; whether the number fits may not."""

    async def work() -> None:
        device = TwinDevice(refuse={"a": code})
        async with open_box(tmp_path) as box, working(box, device, capabilities) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: box.reports and [r.code for r in box.last.refused] == [code], "a is refused")
            for _ in range(3):
                box.clock.forward(HOURS_7)
                await settled(box, worker)
            assert writes(device, "a") == 1 + 3 * again
            assert [r.code for r in box.last.refused] == [code], "and it is still said"

    run(work())


def test_a_face_stays_for_hours_where_its_card_does_not_fit(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse={"a": "card_too_long"})

        async def with_a_card(operations: tuple[object, ...]) -> None:
            whole = any(isinstance(o, Upsert) and not o.partial for o in operations)
            device.refuse = {"a": "card_too_long"} if whole else {}

        device.before_apply = with_a_card
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a")))
            await until(lambda: box.reports and box.last.refused and box.last.refused[0].partial, "the face alone")
            box.clock.forward(HOURS_7)
            await settled(box, worker)
            assert writes(device, "a") == 2, "the whole entry once, the face once"
            assert kinds(device, "a") == ["face"]

    run(work())


def test_what_is_left_of_it_may_find_room_later(tmp_path: Path) -> None:
    """The card did not fit and the device was full: after hours the face is tried alone, the card is not."""

    async def work() -> None:
        device = TwinDevice()

        async def full(operations: tuple[object, ...]) -> None:
            partial = any(isinstance(o, Upsert) and o.partial for o in operations)
            device.refuse = {"a": "list_full" if partial else "card_too_long"}

        device.before_apply = full
        async with open_box(tmp_path) as box, working(box, device, WITH_FACES) as worker:
            publish(box, access_list(1, person("a")))
            await until(lambda: box.reports and [r.code for r in box.last.refused] == ["list_full"], "both tried")
            tried = len(device.applied)
            box.clock.forward(HOURS_7)
            await settled(box, worker)
            assert [o.partial for batch in device.applied[tried:] for o in batch if isinstance(o, Upsert)] == [True]

    run(work())


async def new_number(box: TestBox, _device: TwinDevice) -> None:
    publish(box, access_list(2, credential("a", "4711"), credential("b", "2")))


async def new_firmware(_box: TestBox, device: TwinDevice) -> None:
    device.firmware = "2.0"


async def another_unit(_box: TestBox, device: TwinDevice) -> None:
    """Under the same id, and says nothing of itself."""
    device.held.clear()


@pytest.mark.parametrize("change", [new_number, new_firmware, another_unit])
def test_it_is_asked_again_when_something_that_matters_changes(
    tmp_path: Path, change: Callable[[TestBox, TwinDevice], object]
) -> None:
    async def work() -> None:
        device = TwinDevice(refuse={"a": "card_too_long"}, firmware="1.0")
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a", "1"), credential("b", "2")))
            await until(
                lambda: box.reports and box.last.refused and box.last.confirmed == 1, "a is refused, b is there"
            )
            device.refuse.clear()
            await settled(box, worker)
            assert writes(device, "a") == 1, "nothing changed"
            await change(box, device)  # type: ignore[misc]
            worker.reconciler.changed.set()
            await until(lambda: writes(device, "a") == 2 and "a" in device.held, "it is asked again, and taken")

    run(work())


def test_other_settings_ask_again_also_when_the_box_was_off_meanwhile(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice(refuse={"a": "card_too_long"})
        wanted = access_list(1, credential("a", "1"), credential("b", "2"))
        for config, writes_of_a in (
            ({"digits": 8, "code": "1"}, 1),
            ({"digits": 8, "code": "2"}, 1),
            ({"digits": 10}, 2),
        ):
            async with open_box(tmp_path) as box, working(box, device, config=device_config(config=config)) as worker:
                publish(box, wanted)
                await until(lambda: box.reports and box.last.refused and box.last.confirmed == 1, "a is refused")
                await settled(box, worker)
                await until(lambda n=writes_of_a: writes(device, "a") == n, f"{config}: {writes_of_a} writes")

    run(work())


def test_an_emptied_device_that_takes_nothing_is_asked_once(tmp_path: Path) -> None:
    """It lost all it had and is full of others: what it refuses now is not asked again at every look."""

    async def work() -> None:
        device = TwinDevice(refuse={"a": "card_too_long"})
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a", "1"), credential("b", "2")))
            await until(
                lambda: box.reports and box.last.refused and box.last.confirmed == 1, "a is refused, b is there"
            )
            device.held.clear()
            device.refuse["b"] = "list_full"
            for _ in range(3):
                await settled(box, worker)
            assert (writes(device, "a"), writes(device, "b")) == (2, 2)

    run(work())


def status(**said: Any) -> DeviceStatus:
    return DeviceStatus(DeviceCondition.ONLINE, T0, **said)


def test_a_device_is_another_one_by_what_it_says_of_itself(tmp_path: Path) -> None:
    async def work() -> None:
        state = State(tmp_path / "state.db")
        state.open()
        state.end_apply("d1", {}, (), {"a": Refusal("f", "card_too_long", "", "", "f")}, T0)
        said = [status(), status(model="M", firmware="1"), status(), status(firmware="1", serial="S")]
        for one in said:
            assert not await Identity(device_config(), state).look(one), "silence, and a first word, change nothing"
            assert not await Identity(device_config("d2"), state).look(one)
        assert state.refused("d1", T0)
        assert await Identity(device_config(), state).look(status(serial="T"))
        assert not state.refused("d1", T0)
        same = Identity(device_config(), state)
        assert not await same.look(status(serial="T"))
        assert not await same.look(status())
        assert await same.look(status(model="N")), "and while it runs"
        assert not await same.look(status(model="N", serial="T", firmware="1"))
        state.close()

    run(work())


def test_an_urgent_removal_of_who_was_not_there_makes_no_room(tmp_path: Path) -> None:
    """A full terminal refused somebody; somebody else's end is taken off it who never stood there: nobody is asked again."""

    async def work() -> None:
        device = TwinDevice(refuse={"a": "list_full"})
        async with open_box(tmp_path) as box, working(box, device) as worker:
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: box.reports and box.last.refused and box.last.confirmed == 1, "a finds no room")
            worker.reconciler._taken_off("nobody")
            await settled(box, worker)
            assert writes(device, "a") == 1, "who was not there made no room"
            worker.reconciler._taken_off("b")
            await settled(box, worker)
            assert writes(device, "a") == 2, "who was there did"

    run(work())
