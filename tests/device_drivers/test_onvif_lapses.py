"""Door controllers that do not tell all, lost their memory, or end a subscription: nobody is shut in or out by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from patience import PATIENCE_S
from test_onvif_door import USER, card, with_door

from device_drivers import onvif_door
from device_drivers.contract.events import DoorEvent
from device_drivers.contract.words import CommandKind, CommandOutcome, DoorState
from device_drivers.driver import CommandRequest, DriverEvent, ReadsContents, Remove, Upsert, same_content
from simulators.faults import Fault
from simulators.onvif_door import OnvifDoorSim
from simulators.onvif_soap import SoapFault, SoapRequest

DOOR = {**USER, "doors": 2}


class SaysNoMode(OnvifDoorSim):
    """`Unknown` is one of the standard's words for a door's mode."""

    def _door_state(self, soap: SoapRequest) -> str:
        return super()._door_state(soap).replace(self.doors[self._door(soap)]["DoorMode"], "Unknown")


class SaysNoState(OnvifDoorSim):
    def _door_state(self, soap: SoapRequest) -> str:
        raise SoapFault("Receiver", "ter:ActionNotSupported", "no GetDoorState")


@pytest.mark.parametrize("kind", [SaysNoMode, SaysNoState])
@pytest.mark.parametrize(
    ("order", "mode"),
    [
        (CommandKind.LOCK_DOWN, "LockedDown"),
        (CommandKind.LOCK_OPEN, "LockedOpen"),
        (CommandKind.BLOCK, "Blocked"),
    ],
)
def test_a_door_that_does_not_tell_its_mode_is_released_all_the_same(
    kind: type[OnvifDoorSim], order: CommandKind, mode: str
) -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        assert (await driver.command(CommandRequest(order, "Door_2")))[0] is CommandOutcome.DONE, "it said yes"
        assert sim.doors["Door_2"]["DoorMode"] == mode
        assert (await driver.command(CommandRequest(CommandKind.RELEASE, "Door_2")))[0] is CommandOutcome.DONE
        assert sim.doors["Door_2"]["DoorMode"] == "Locked", "who was told that it is released gets in again"
        assert sim.doors["Door_1"]["DoorMode"] == "Locked"

    with_door(scenario, kind("door-1", DOOR))


def test_a_device_that_forgot_its_profiles_is_filled_again_on_the_same_connection() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        assert [r.error for r in await driver.apply((Upsert(card(1), "f"),))] == [None]
        await sim.apply_fault(Fault.RESTART_EMPTY)
        assert (await driver.inventory()).held == ()
        (again,) = await driver.apply((Upsert(card(1), "f"),))
        assert again.error is None, "a profile of before is made anew"
        assert [h.token for h in (await driver.inventory()).held] == ["cred-1"]
        sim.credentials.clear()
        (changed,) = await driver.apply((Upsert(card(1), "g"),))
        assert changed.error is None, "what somebody deleted since the last look is written anew"

    with_door(scenario, credentials=True)


def test_what_somebody_changed_at_the_device_is_seen_and_put_right() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        assert isinstance(driver, ReadsContents)
        end, begin = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
        wanted = {c.token: c for c in (card(1), card(2, not_before=begin, not_after=end), card(3), card(4), card(5))}
        written: dict[str, str] = {}

        async def write(*tokens: str) -> None:
            for done in await driver.apply(tuple(Upsert(wanted[t], "f") for t in tokens)):
                assert done.error is None
                assert isinstance(done.operation, Upsert)
                written[done.operation.credential.token] = done.content

        async def changed() -> list[str]:
            read = [(t, content) async for page in driver.contents() for t, content in page.items()]
            assert {t for t, _ in read} == wanted.keys()
            return sorted({t for t, content in read if not same_content(written[t], content)})

        def kept(token: str) -> dict[str, str]:
            return next(c for c in sim.credentials.values() if c["CredentialHolderReference"] == token)

        await write(*wanted)
        assert await changed() == [], "as it was written"
        kept("cred-1")["ValidTo"] = "2026-12-02T00:00:00Z"
        kept("cred-2")["ValidTo"] = "2030-01-01T00:00:00Z"
        kept("cred-3")["Value"] = "0000FFFF"
        kept("cred-4")["profile"] = "another"
        sim.credentials["Credential_99"] = {**kept("cred-5"), "Value": "0000EEEE"}
        assert await changed() == sorted(wanted), "shut out, prolonged, another's card, other doors, and twice"
        await driver.inventory()
        await write(*wanted)
        assert await changed() == []
        assert len(sim.credentials) == 5, "an older card of the same person opens no more"
        sim.credentials["Credential_99"] = {**kept("cred-5"), "Value": "0000EEEE"}
        await driver.inventory()
        await driver.apply((Remove("cred-5"),))
        assert len(sim.credentials) == 4, "who is taken off is gone in every shape"

    with_door(scenario, OnvifDoorSim("door-1", {**DOOR, "page": 2}), credentials=True)


class Bare(OnvifDoorSim):
    """Sends no states of its own accord and knows no synchronisation point: only what changes is told."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.events.more = list


@asynccontextmanager
async def listening(sim: OnvifDoorSim) -> AsyncIterator[tuple[onvif_door.OnvifDoor, list[DriverEvent]]]:
    await sim.start()
    settings = {**USER, "port": sim.port, "timeout_s": 20.0, "pull_s": 1}
    driver = await onvif_door.connect("d", settings, SimpleNamespace())  # type: ignore[arg-type]
    told: list[DriverEvent] = []

    async def listen() -> None:
        async for event in driver.events():
            told.append(event)

    task = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            yield driver, told
    finally:
        task.cancel()
        await driver.close()
        await sim.stop()


async def until(condition: Callable[[], object], what: str) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"not reached: {what}"
        await asyncio.sleep(0.01)


def test_what_a_door_did_while_nobody_listened_is_looked_up() -> None:
    async def scenario() -> None:
        sim = Bare("door-1", DOOR)
        async with listening(sim) as (driver, told):
            await until(lambda: driver.pull_point.subscription, "the subscription")
            await sim.set_door(is_open=True)

            def last() -> Any:
                return [e.body.state for e in told if isinstance(e.body, DoorEvent) and e.body.point == "Door_1"][-1:]

            await until(lambda: last() == [DoorState.OPEN], "it opens")
            await sim.apply_fault(Fault.DROP_SUBSCRIPTIONS)
            sim.doors["Door_1"]["DoorPhysicalState"] = "Closed"  # nobody is told
            await until(lambda: last() == [DoorState.CLOSED], "a closed door is not open on the page for ever")

    asyncio.run(scenario())


def test_a_subscription_that_is_not_renewed_is_given_back_before_the_next() -> None:
    async def scenario() -> None:
        sim = OnvifDoorSim("door-1", {**DOOR, "max_subscriptions": 1})
        before = sim._subscription_operation

        async def no_renewal(number: int, soap: SoapRequest) -> str:
            if soap.operation == "Renew":
                raise SoapFault("Receiver", "wsnt:UnableToRenewFault", "not now")
            return str(await before(number, soap))

        sim._subscription_operation = no_renewal  # type: ignore[assignment, method-assign]
        async with listening(sim) as (driver, told):
            await until(lambda: driver.pull_point.subscription and told, "the subscription")
            first = driver.pull_point.subscription
            driver.pull_point._renew_at = 0.0
            await until(lambda: driver.pull_point.subscription not in (None, first), "the next")
            await sim.set_door(is_open=True)
            await until(lambda: any(isinstance(e.body, DoorEvent) and e.body.state is DoorState.OPEN for e in told), "")
            assert sim.counters["CreatePullPointSubscription"] == 2, "it gives none while ours stands"

    asyncio.run(scenario())
