"""A box at the gate, its hub and one door, for tests of what fails around it: everything but the box's process lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from edge_twins import (
    EDGE,
    ESTATE,
    READER,
    HubTwin,
    Signer,
    TwinDevice,
    access_list,
    credential,
    definition,
    device_config,
    run,
    shown_event,
    until,
)

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import Capabilities, DeviceSet
from device_drivers.contract.events import AccessEvent, EdgeNote
from device_drivers.contract.messages import DevicesDesired, ListDoorbell, encode, topic
from device_drivers.mqtt import MemoryBroker, MemoryLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir


@dataclass
class Estate:
    """`live` makes it a box as it stands on most days; `box` is one run of its process."""

    root: Path
    signer: Signer = field(default_factory=Signer)
    device: TwinDevice = field(default_factory=TwinDevice)
    broker: MemoryBroker = field(default_factory=MemoryBroker)

    def __post_init__(self) -> None:
        self.place = EdgeDir(self.root)
        self.place.make()
        self.place.hub_key.write_text(self.signer.public)
        self.hub = HubTwin(self.broker)
        self.config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)

    def send(self, generation: int, wanted: AccessList) -> None:
        """The hub has a set of devices and a list, and says so."""
        configs = (msgspec.structs.replace(device_config(), name="北门"),)
        devices = DevicesDesired(DeviceSet(EDGE, ESTATE, "Asia/Shanghai", generation, configs))
        self.hub.link.publish(topic(DevicesDesired, EDGE), encode(devices), retain=True)
        self.ring(wanted)

    def ring(self, wanted: AccessList) -> None:
        self.signer.serve(wanted)
        bell = ListDoorbell("d1", wanted.generation, self.signer.etags["d1"])
        self.hub.link.publish(topic(ListDoorbell, EDGE, "d1"), encode(bell), retain=True)

    def notes(self) -> list[EdgeNote]:
        return [e.body for e in self.hub.rows.values() if isinstance(e.body, EdgeNote)]

    def passes(self) -> list[AccessEvent]:
        return [e.body for e in self.hub.rows.values() if isinstance(e.body, AccessEvent)]

    @asynccontextmanager
    async def box(self, *, online: bool = True, capabilities: Capabilities = READER) -> AsyncIterator[Agent]:
        self.device.queue = asyncio.Queue()  # of this run's loop
        link = MemoryLink(self.broker)
        if not online:
            link.start = lambda *_: None  # type: ignore[method-assign]
        stop = asyncio.Event()
        made = Agent(self.place, self.config, {"twin": definition(self.device, capabilities)}, link, self.signer.fetch)
        self.task = asyncio.create_task(made.run(stop))
        try:
            yield made
        finally:
            stop.set()
            await self.task

    async def reached(self, condition: Callable[[], object], what: str) -> None:
        """Fails at once when the box ended by itself."""
        await until(lambda: self.task.done() or condition(), what)
        if self.task.done():
            await self.task
        assert condition(), f"the box ended before: {what}"

    async def opens(self, card: str = "7") -> None:
        before = len(self.device.commands)
        self.device.put(shown_event(card))
        await self.reached(lambda: len(self.device.commands) > before, f"the door opens for card {card}")

    def live(self, generation: int = 1) -> None:
        """A box as it stands on most days: with its devices and a list, then switched off."""

        async def work() -> None:
            self.send(generation, access_list(generation, credential("a", "7")))
            async with self.box() as agent:
                await self.reached(lambda: held(agent) == generation, "the list is here")
                await self.opens()
                await self.reached(self.passes, "the pass at the hub")

        run(work())


def held(agent: Agent) -> int:
    held = agent.box.lists.current("d1") if hasattr(agent, "box") else None
    return held.access_list.generation if held else 0
