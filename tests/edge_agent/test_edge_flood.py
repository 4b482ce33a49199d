"""A device that raises alarms without end: the journal and the passes of all the others do not pay for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from edge_twins import (
    DOOR,
    T0,
    TwinDevice,
    access_list,
    credential,
    open_box,
    publish,
    run,
    shown_event,
    until,
    working,
)

from device_drivers.contract.events import AccessEvent, CameraEvent, DoorEvent, Event, MeterReading, Unreadable
from device_drivers.contract.words import DoorAlarm, DoorMode, DoorState, Quantity
from device_drivers.driver import DriverEvent
from edge_agent import flood
from edge_agent.flood import Flood
from edge_agent.store import Row

FORCED = DoorEvent(DoorState.OPEN, DoorAlarm.FORCED_OPEN, point="door1")
SHUT = DoorEvent(DoorState.CLOSED, point="door1")
MINUTE = flood.LATEST_S


def row(body: object) -> Row:
    return Row(Event(0, "d1", T0, body))  # type: ignore[arg-type]


def taken(found: Flood, *bodies: object, now: float = 0.0) -> list[object]:
    return [b for b in bodies if found.takes(row(b), now)]


def test_a_chattering_contact_fills_no_journal_and_the_passes_of_others_go_first(tmp_path: Path) -> None:
    async def work() -> None:
        device = TwinDevice()
        async with open_box(tmp_path) as box:
            async with working(box, device, DOOR) as worker:
                publish(box, access_list(1, credential("a", "4711")))
                await until(lambda: box.box.lists.current("d1") is not None, "a list")
                for _ in range(1000):
                    device.put(DriverEvent(FORCED))
                    device.put(DriverEvent(SHUT))
                device.put(shown_event("4711"))
                device.put(DriverEvent(FORCED))
                await until(lambda: device.queue.empty() and device.commands, "let in")
                await until(lambda: "were not kept" in box.last.status.detail, "said on the device's page")
                assert worker.doors._seen["ap1"] == (DoorState.OPEN, DoorAlarm.FORCED_OPEN), "the live state goes on"
            events = await box.events()
            doors = [e.body for e in events if isinstance(e.body, DoorEvent)]
            assert len(doors) == flood.ALARMS + 1
            assert (doors[0].state, doors[0].alarm) == (FORCED.state, FORCED.alarm), "the first"
            assert (doors[-1].state, doors[-1].alarm) == (FORCED.state, FORCED.alarm), "and the last"
            assert doors[-1].text == f"{2001 - flood.ALARMS - 1} more were not kept one by one"
            assert sum(isinstance(e.body, AccessEvent) for e in events) == 1

    run(work())


def test_what_was_left_out_is_acknowledged_so_that_the_device_goes_on(tmp_path: Path) -> None:
    async def work() -> None:
        device, acked = TwinDevice(), 0

        async def ack() -> None:
            nonlocal acked
            acked += 1

        async with open_box(tmp_path) as box:
            async with working(box, device):
                for n in range(500):  # more than may be on their way at once
                    device.put(DriverEvent(Unreadable("Alarm", f"alarm {n}", "?"), key=str(n), ack=ack))
                await until(lambda: acked == 500, "all acknowledged")
            kept = [e.body for e in await box.events() if isinstance(e.body, Unreadable)]
            assert [b.raw for b in kept] == [f"alarm {n}" for n in (*range(flood.ALARMS), 499)]
            assert kept[-1].error == f"?; {499 - flood.ALARMS} more were not kept one by one"

    run(work())


def test_how_a_door_stands_is_kept_once_a_minute_and_begins_anew_after_an_hour() -> None:
    found = Flood()
    assert len(taken(found, *[FORCED, SHUT] * 100)) == flood.ALARMS
    assert found.due(MINUTE - 1) == []
    (last,) = found.due(MINUTE)
    assert isinstance(last.event.body, DoorEvent)
    assert last.event.body.state is DoorState.CLOSED
    assert found.due(3 * MINUTE) == [], "told once"
    assert taken(found, FORCED, now=4 * MINUTE) == []
    assert [r.event.body for r in found.due(5 * MINUTE)] == [FORCED]
    assert len(taken(found, *[SHUT, FORCED] * 100, now=flood.HOUR_S + 1)) == flood.ALARMS
    assert found.told() == "141 alarms in an hour were not kept one by one"
    assert found.due(3 * flood.HOUR_S)
    assert found.told() == "", "what is older is history"


def test_what_people_do_is_kept_beside_a_flood_of_alarms() -> None:
    found = Flood()
    taken(found, *[FORCED, SHUT] * 100)
    other = DoorEvent(DoorState.OPEN, DoorAlarm.FORCED_OPEN, point="door2")
    exits = DoorEvent(DoorState.OPEN, DoorAlarm.FORCED_OPEN, point="door1", request_to_exit=True)
    locked = DoorEvent(DoorState.CLOSED, mode=DoorMode.LOCKED_DOWN, point="door1")
    reading = MeterReading("m", Quantity.WATER, 1.0, "m³")
    assert taken(found, other, exits, locked, reading, AccessEvent("granted")) == [  # type: ignore[arg-type]
        other, exits, locked, reading, AccessEvent("granted"),  # type: ignore[arg-type]
    ]  # fmt: skip
    busy = [DoorEvent(DoorState.OPEN, point="gate"), DoorEvent(DoorState.CLOSED, point="gate")] * 1500
    assert taken(found, *busy) == busy, "a gate through which 1500 pass in an hour is no alarm"


@pytest.mark.parametrize("kind", ["RuleEngine/TamperDetector/Tamper", "Device/Trigger/DigitalInput"])
def test_a_camera_that_makes_up_sources_is_bounded_too(kind: str) -> None:
    found = Flood()
    told = [CameraEvent(f"tns1:{kind}", "Changed", {"Source": str(n)}) for n in range(20_000)]
    limit = flood.ALARMS if "Tamper" in kind else flood.OTHERS
    assert len(taken(found, *told)) == flood.MAX_SOURCES + limit
    assert [r.event.body for r in found.due(MINUTE)] == [told[-1]], "the last"
