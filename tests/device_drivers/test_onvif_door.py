"""A door controller over its real socket: modes, its list of cards, what it passes on, and relays as doors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from patience import PATIENCE_S

from device_drivers import onvif_door
from device_drivers.catalogue import definition
from device_drivers.contract.access import Credential, Identifier, ValidityPeriod
from device_drivers.contract.events import AccessEvent, DoorEvent
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DenyReason,
    DoorAlarm,
    DoorMode,
    DoorState,
    HolderClass,
    IdentifierType,
)
from device_drivers.driver import CommandRequest, CredentialPresented, DriverEvent, Remove, Upsert
from simulators.onvif_device import OnvifCameraSim
from simulators.onvif_door import OnvifDoorSim

USER = {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p"}


def with_door(scenario: Callable[[OnvifDoorSim, onvif_door.OnvifDoor], Any], sim: Any = None, **config: Any) -> None:
    async def run() -> None:
        device = sim or OnvifDoorSim("door-1", {**USER, "doors": 2, "capacity": 3, "page": 2})
        await device.start()
        settings = {**USER, "port": device.port, "timeout_s": 20.0, "pull_s": 1, **config}
        driver = await onvif_door.connect("d", settings, SimpleNamespace())  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(2 * PATIENCE_S):
                await scenario(device, driver)
        finally:
            await driver.close()
            await device.stop()

    asyncio.run(run())


def card(n: int, **validity: datetime) -> Credential:
    shown = (Identifier(IdentifierType.CARD, str(1000 + n)),)
    return Credential(f"cred-{n}", f"1-{n}", HolderClass.RESIDENT, shown, ("p",), ValidityPeriod(**validity))


async def told(
    driver: onvif_door.OnvifDoor, act: Callable[[], Any], wanted: Callable[[DriverEvent], bool]
) -> DriverEvent:
    """Lets `act` happen once the driver listens; the first event that is wanted."""
    found: list[DriverEvent] = []

    async def listen() -> None:
        async for event in driver.events():
            found.append(event)

    listening = asyncio.create_task(listen())
    try:
        end = time.monotonic() + PATIENCE_S
        while driver.pull_point.subscription is None or not found:
            assert time.monotonic() < end, "never subscribed"
            await asyncio.sleep(0.02)
        await act()
        while not (hit := [e for e in found if wanted(e)]):
            assert time.monotonic() < end, f"not told; seen: {found}"
            await asyncio.sleep(0.02)
        return hit[0]
    finally:
        listening.cancel()


def test_modes_are_ordered_read_back_and_released() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        assert driver.service.points == ("Door_1", "Door_2"), "page by page"
        for kind, mode in (
            (CommandKind.LOCK_DOWN, "LockedDown"),
            (CommandKind.LOCK_OPEN, "LockedOpen"),
            (CommandKind.BLOCK, "Blocked"),
        ):
            assert await driver.command(CommandRequest(kind, "door2")) == (CommandOutcome.DONE, "")
            assert sim.doors["Door_2"]["DoorMode"] == mode
            assert sim.doors["Door_1"]["DoorMode"] == "Locked", "the other door is left alone"
            assert await driver.command(CommandRequest(CommandKind.RELEASE, "door2")) == (CommandOutcome.DONE, "")
            assert sim.doors["Door_2"]["DoorMode"] == "Locked"
        assert (await driver.command(CommandRequest(CommandKind.RELEASE, "door2")))[0] == CommandOutcome.DONE
        await driver.command(CommandRequest(CommandKind.LOCK_DOWN, "Door_1"))
        outcome, text = await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "Door_1"))
        assert outcome is CommandOutcome.REFUSED
        assert "LockedDown" in text
        assert sim.pulses == []

    with_door(scenario)


def test_a_list_of_cards_is_written_read_back_and_taken_off() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        end = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
        results = await driver.apply(tuple(Upsert(c, "f") for c in (card(1), card(2, not_after=end), card(3), card(4))))
        assert [r.error.code if r.error else "" for r in results] == ["", "", "", "list_full"]
        assert [h.token for h in (await driver.inventory()).held] == ["cred-1", "cred-2", "cred-3"], "over two pages"
        two = next(c for c in sim.credentials.values() if c["CredentialHolderReference"] == "cred-2")
        assert (two["Value"], two["ValidTo"]) == ("000003EA", "2027-01-02T03:04:05Z")
        assert all(c["profile"] in sim.profiles for c in sim.credentials.values())
        assert [e for _, e in next(iter(sim.profiles.values()))] == ["AP_1", "AP_2"]
        (again,) = await driver.apply((Upsert(card(2), "g"),))
        assert again.error is None
        assert len(sim.credentials) == 3, "the same credential is changed, not doubled"
        gone = await driver.apply((Remove("cred-1"), Remove("cred-1"), Remove("cred-9")))
        assert [r.error for r in gone] == [None, None, None], "what is not there is fine"
        assert [h.token for h in (await driver.inventory()).held] == ["cred-2", "cred-3"]

    with_door(scenario, credentials=True)


def test_what_others_wrote_is_foreign_and_the_profile_is_found_again() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        sim.credentials["Credential_77"] = {"Value": "00000001", "CredentialHolderReference": "smith", "profile": "x"}
        await driver.apply((Upsert(card(1), "f"),))
        assert {h.token for h in (await driver.inventory()).held} == {"onvif:Credential_77", "cred-1"}
        await driver.device.thread(driver.credentials.prepare, {"AP_1": "Door_1"})
        assert (len(sim.profiles), len(sim.schedules)) == (1, 1), "made once"
        await driver.apply((Remove("onvif:Credential_77", foreign=True),))
        assert [h.token for h in (await driver.inventory()).held] == ["cred-1"]

    with_door(scenario, credentials=True)


def test_who_is_let_in_or_refused_by_the_device_is_told_with_our_token() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        past = datetime.now(UTC) - timedelta(days=1)
        await driver.apply((Upsert(card(1), "f"), Upsert(card(2, not_after=past), "f")))
        is_pass = lambda e: isinstance(e.body, AccessEvent)  # noqa: E731
        let_in = await told(driver, lambda: sim.present(card="1001"), is_pass)
        assert isinstance(let_in.body, AccessEvent)
        assert (let_in.body.outcome, let_in.body.credential) == (AccessOutcome.GRANTED, "cred-1")
        assert let_in.body.point == "Door_1", "an access point is told as its door"
        refused = await told(driver, lambda: sim.present(card="1002"), is_pass)
        assert isinstance(refused.body, AccessEvent)
        assert (refused.body.reason, refused.body.credential) == (DenyReason.EXPIRED, "cred-2")

    with_door(scenario, credentials=True)


def test_a_card_it_does_not_know_is_passed_on_and_the_edge_decides() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        found = await told(driver, lambda: sim.present(card="4711"), lambda e: isinstance(e.body, CredentialPresented))
        assert found.body == CredentialPresented("Door_1", Identifier(IdentifierType.CARD, "4711"))
        assert (await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "Door_1", 0.2)))[0] == "done"
        assert sim.pulses == ["Door_1"]

    with_door(scenario)


def test_a_forced_door_is_told_as_that() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        forced = await told(
            driver,
            lambda: sim.set_door(is_open=True),
            lambda e: isinstance(e.body, DoorEvent) and e.body.alarm is DoorAlarm.FORCED_OPEN,
        )
        assert isinstance(forced.body, DoorEvent)
        assert (forced.body.state, forced.body.mode) == (DoorState.OPEN, DoorMode.LOCKED)

    with_door(scenario)


def test_a_relay_opens_where_there_is_no_door_service_and_goes_back_by_itself() -> None:
    async def scenario(sim: OnvifCameraSim, driver: onvif_door.OnvifDoor) -> None:
        assert driver.service.points == ("RelayOutput_1",)
        assert await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", 0.3)) == ("done", "")
        assert (sim.relay["mode"], sim.counters["relay_active"]) == ("Monostable", 1), "the device holds the bolt"
        assert (await driver.command(CommandRequest(CommandKind.LOCK_OPEN, "door1")))[0] == CommandOutcome.UNSUPPORTED

    with_door(scenario, OnvifCameraSim("cam", {**USER, "auth": "digest"}))


def test_a_device_without_a_list_is_not_given_one() -> None:
    kind = definition("onvif_door")
    assert kind.capabilities_of({"credentials": True}).holds_list
    without = kind.capabilities_of({})
    assert (without.holds_list, without.passed_on) == (False, frozenset({"card"}))
