"""A credential that somebody disabled at the controller: seen, said why, put right; what antipassback holds back is left."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

from test_onvif_door import USER, card, with_door
from test_onvif_lapses import until

from device_drivers import onvif_door
from device_drivers.driver import DriverEvent, ListTouched, ReadsContents, Upsert, same_content
from simulators.onvif_door import OnvifDoorSim
from simulators.onvif_soap import SoapFault, SoapRequest

DOOR = {**USER, "doors": 2, "page": 20}


def token_of(sim: OnvifDoorSim, ours: str) -> str:
    return next(t for t, c in sim.credentials.items() if c["CredentialHolderReference"] == ours)


async def otherwise(driver: Any, written: dict[str, str]) -> list[str]:
    """Who reads otherwise than written."""
    assert isinstance(driver, ReadsContents)
    read = [(t, content) async for page in driver.contents() for t, content in page.items()]
    return sorted({t for t, content in read if not same_content(written[t], content)})


async def write(driver: Any, *numbers: int) -> dict[str, str]:
    done = await driver.apply(tuple(Upsert(card(n), "f") for n in numbers))
    assert [d.error for d in done] == [None] * len(numbers)
    return {d.operation.credential.token: d.content for d in done}


def test_a_disabled_credential_reads_otherwise_and_is_enabled_again() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        written = await write(driver, 1, 2, 3)
        assert await otherwise(driver, written) == []
        sim.states.disable(token_of(sim, "cred-2"), "lost?")
        assert (await sim.present(card="1002"))["granted"] is False
        assert await otherwise(driver, written) == ["cred-2"], "the entry is there, and its holder stands outside"
        written |= await write(driver, 2)
        assert (await sim.present(card="1002"))["granted"] is True
        assert await otherwise(driver, written) == []

    with_door(scenario, OnvifDoorSim("door-1", DOOR), credentials=True)


def test_what_antipassback_holds_back_is_left_to_the_device_and_told() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        written = await write(driver, 1, 2)
        for ours, reason in (("cred-1", ""), ("cred-2", "antipassback")):
            sim.states.violate(token_of(sim, ours))
            if reason:
                sim.states.disable(token_of(sim, ours), reason)
        assert await otherwise(driver, written) == [], "no drift: the device's own rule"
        detail = (await driver.status()).detail
        assert "反潜回" in detail
        assert "2" in detail
        await write(driver, 1, 2)  # for another cause
        assert sim.states.violated == {token_of(sim, "cred-1"), token_of(sim, "cred-2")}
        assert list(sim.states.disabled) == [token_of(sim, "cred-2")], "not overwritten blindly"
        sim.states.violated.clear()
        sim.states.disabled.clear()
        assert await otherwise(driver, written) == []
        assert "反潜回" not in (await driver.status()).detail

    with_door(scenario, OnvifDoorSim("door-1", DOOR), credentials=True)


class WillNot(OnvifDoorSim):
    """Enables nothing."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._table["EnableCredential"] = self._never

    def _never(self, soap: SoapRequest) -> str:
        raise SoapFault("Receiver", "ter:Action", "only at the panel")


def test_what_cannot_be_enabled_is_refused_with_the_devices_reason() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        await write(driver, 1)
        sim.states.disable(token_of(sim, "cred-1"), "guard 7")
        (done,) = await driver.apply((Upsert(card(1), "f"),))
        assert done.error is not None
        assert (done.error.code, done.error.retry) == ("disabled_at_device", False)
        assert "guard 7" in done.error.text

    with_door(scenario, WillNot("door-1", DOOR), credentials=True)


def test_who_disables_again_and_again_is_not_fought_for_ever() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        await write(driver, 1)
        for _ in range(3):
            sim.states.disable(token_of(sim, "cred-1"), "rule 9")
            await write(driver, 1)
        sim.states.disable(token_of(sim, "cred-1"), "rule 9")
        (done,) = await driver.apply((Upsert(card(1), "f"),))
        assert done.error is not None
        assert done.error.code == "disabled_at_device"

    with_door(scenario, OnvifDoorSim("door-1", DOOR), credentials=True)


class TellsNoStates(OnvifDoorSim):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for name in self.states.table:
            del self._table[name]


def test_a_device_that_tells_no_states_is_written_and_compared_as_before() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        written = await write(driver, 1, 2)
        assert await otherwise(driver, written) == []
        written |= await write(driver, 1)
        assert await otherwise(driver, written) == []

    with_door(scenario, TellsNoStates("door-1", DOOR), credentials=True)


def test_a_long_list_is_asked_in_turn_and_a_page_of_it_is_short() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        written = await write(driver, *range(1, 251))
        before = [0]
        async for _ in driver.contents():  # type: ignore[attr-defined]
            before.append(len(sim.states.asked))
        assert max(b - a for a, b in pairwise(before)) <= 10, "a revocation waits for one page at most"
        assert before[-1] == 200
        last = sorted(sim.credentials.keys() - set(sim.states.asked))[0]
        sim.states.disable(last, "")
        sim.states.asked.clear()
        assert await otherwise(driver, written) == [sim.credentials[last]["CredentialHolderReference"]]
        assert len(sim.states.asked) == 200, "those come first that were not asked before"

    with_door(scenario, OnvifDoorSim("door-1", {**DOOR, "capacity": 300}), credentials=True)


def test_the_device_says_that_it_was_disabled_and_the_edge_looks_at_once() -> None:
    async def scenario(sim: OnvifDoorSim, driver: onvif_door.OnvifDoor) -> None:
        await write(driver, 1)
        sim.credentials["Credential_77"] = {"Value": "00000001", "CredentialHolderReference": "smith", "profile": "x"}
        found: asyncio.Queue[DriverEvent] = asyncio.Queue()

        async def listen() -> None:
            async for event in driver.events():
                found.put_nowait(event)

        task = asyncio.create_task(listen())
        try:
            await found.get()  # the doors as they stand
            await until(lambda: driver.pull_point.subscription, "it listens")
            sim.states.disable("Credential_77", "")
            sim.states.disable(token_of(sim, "cred-1"), "lost?")
            told = [(await found.get()).body]
            while not isinstance(told[-1], ListTouched):
                told.append((await found.get()).body)
            assert sum(isinstance(b, ListTouched) for b in told) == 1, "what others wrote is nothing to look at"
        finally:
            task.cancel()

    with_door(scenario, OnvifDoorSim("door-1", DOOR), credentials=True)
