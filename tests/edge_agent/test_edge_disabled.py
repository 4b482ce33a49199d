"""A box and a controller at which somebody disables cards: people get in again, and the hub is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from edge_twins import TellingDriver, TwinDevice, access_list, credential, open_box, publish, run, until, working

from device_drivers.catalogue import definition
from device_drivers.contract.device import AccessPointBinding, Capabilities, DeviceConfig
from device_drivers.contract.events import CameraEvent
from device_drivers.driver import DriverEvent, ListTouched
from edge_agent import refusals
from edge_agent.state import Refusal
from simulators.onvif_door import OnvifDoorSim

USER = {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p"}


@pytest.mark.parametrize("disabled", [1, 10])
def test_cards_disabled_at_the_controller_work_again_without_anybodys_word(tmp_path: Path, disabled: int) -> None:
    async def work() -> None:
        sim = OnvifDoorSim("door-1", USER)
        await sim.start()
        settings = {**USER, "port": sim.port, "timeout_s": 20.0, "pull_s": 1, "credentials": True}
        config = DeviceConfig("d1", "onvif_door", "door", settings, (AccessPointBinding("ap1", "Door_1"),))
        people = [credential(f"t{n}", str(1000 + n)) for n in range(10)]
        try:
            made = definition("onvif_door")
            async with open_box(tmp_path) as box, working(box, TwinDevice(), config=config, made=made) as worker:
                publish(box, access_list(1, *people))
                await until(lambda: bool(box.reports) and box.last.confirmed == 10, "all there")
                await until(lambda: bool(sim.events.subscriptions), "it listens")
                for token in list(sim.credentials)[:disabled]:
                    sim.states.disable(token, "lost?")
                await until(lambda: not sim.states.disabled, "enabled again, at once")
                await worker.reconciler.read_back()
                assert (box.last.confirmed, box.last.drift, box.last.refused) == (10, disabled, ())
                await box.box.settled()
                kept = [e.body.data for e in await box.events() if isinstance(e.body, CameraEvent)]
                assert [d["State"] for d in kept].count("false") == disabled, "who asks later finds when it was done"
        finally:
            await sim.stop()

    run(work())


def test_a_device_that_tells_changes_without_end_is_not_looked_into_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.rounds.CLOCK_S", 0.01)
    monkeypatch.setattr("edge_agent.rounds.LOOK_APART_S", 0.5)

    async def work() -> None:
        device, twins = TwinDevice(), Capabilities(holds_list=True, reads_back=True, cards=True)
        async with open_box(tmp_path) as box, working(box, device, twins, driver=TellingDriver):
            publish(box, access_list(1, credential("a"), credential("b")))
            await until(lambda: bool(box.reports) and box.last.confirmed == 2, "all there")
            device.asked.clear()
            began = time.monotonic()
            for _ in range(60):
                device.put(DriverEvent(ListTouched()))
                await until(lambda: device.queue.empty(), "heard")
                await asyncio.sleep(0.02)  # it goes on for more than a second
            await until(lambda: len(device.asked) >= 2, "looked into")
            took = time.monotonic() - began  # the worker's clock: the tests' loop counts less on a busy machine
            assert len(device.asked) <= took / 0.5 + 1, "one page a look"

    run(work())


def test_what_stays_disabled_is_not_told_as_an_older_entry_that_still_opens() -> None:
    said = refusals.told("t", "refused before", Refusal("f", "disabled_at_device", "guard 7"), outdated=True)
    assert (said.code, said.text, said.outdated) == ("disabled_at_device", "guard 7", False)
