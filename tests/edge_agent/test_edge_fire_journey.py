"""A fire, from the contact to every door of the estate and back: real boards over TCP, the whole agent, a hub that listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from edge_twins import EDGE, ESTATE, HubTwin, Signer, access_list, credential, run, until

from device_drivers.catalogue import MODBUS_DOOR
from device_drivers.contract.device import AccessPointBinding, DeviceConfig, DeviceSet
from device_drivers.contract.events import AccessEvent, DoorEvent, EdgeNote
from device_drivers.contract.messages import Command, CommandResult, DeviceReported, decode, encode, topic
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DenyReason,
    Direction,
    DoorMode,
    FireInput,
    ModeCause,
)
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir
from simulators.modbus_board import ModbusBoardSim

OFF = {"0500000000", "0500010000"}  # a relay of the first board switched off


class Control:
    """The hub's side: commands down, results, reports and events up."""

    def __init__(self, broker: MemoryBroker, signer: Signer) -> None:
        self.hub, self.signer = HubTwin(broker), signer
        self.results: dict[str, CommandResult] = {}
        self.reports: dict[str, DeviceReported] = {}
        self.link = MemoryLink(broker)
        self.link.subscribe([f"v1/{EDGE}/up/#"])
        self.link.start(self._take, lambda _up, _why: None)

    def _take(self, message: Incoming) -> None:
        if message.topic == topic(CommandResult, EDGE):
            result = decode(CommandResult, message.payload)
            self.results[result.command] = result
        elif message.topic.endswith("/reported") and message.payload:
            report = decode(DeviceReported, message.payload)
            self.reports[report.device] = report

    async def order(self, name: str, kind: CommandKind, device: str, point: str) -> CommandResult:
        now = datetime.now(UTC)
        command = Command(name, kind, device, now, now + timedelta(seconds=30), point, "值班员", "演练")
        self.link.publish(topic(Command, EDGE), encode(self.signer.command(command)))
        await until(lambda: name in self.results, f"the result of {name}")
        return self.results[name]

    def bodies(self, kind: type) -> list[Any]:
        return [e.body for _, e in sorted(self.hub.rows.items()) if isinstance(e.body, kind)]


@asynccontextmanager
async def boards() -> AsyncIterator[tuple[ModbusBoardSim, ModbusBoardSim]]:
    async with AsyncExitStack() as stack:
        made = (
            ModbusBoardSim("gate", {"host": "127.0.0.1", "port": 0, "board": "jy_dam", "fire_input": 5}),
            ModbusBoardSim("block", {"host": "127.0.0.1", "port": 0, "board": "inveo_rfid_ind"}),
        )
        for sim in made:
            await sim.start()
            stack.push_async_callback(sim.stop)
        yield made


def place_at(root: Path, signer: Signer, gate: ModbusBoardSim, block: ModbusBoardSim) -> EdgeDir:
    place = EdgeDir(root)
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", 1, "http://127.0.0.1:1", "secret", mqtt_tls=False)
    place.config.write_bytes(msgspec.json.encode(config))
    place.hub_key.write_text(signer.public)
    common = {"host": "127.0.0.1", "poll_ms": 40, "timeout_s": 2.0, "pulse_s": 0.5}
    fire = {"fire_input": 5, "fire_scope": "edge"}
    devices = (
        DeviceConfig(
            "gate", "modbus_door", "大门", common | fire | {"port": gate.port, "board": "jy_dam", "doors": 2},
            (AccessPointBinding("gate-in", "door1", Direction.IN), AccessPointBinding("gate-out", "door2", Direction.OUT)),
        ),
        DeviceConfig(
            "block", "modbus_door", "1号楼", common | {"port": block.port, "board": "inveo_rfid_ind"},
            (AccessPointBinding("block-in", "door1", Direction.IN),),
        ),
    )  # fmt: skip
    place.devices.write_bytes(msgspec.json.encode(DeviceSet(EDGE, ESTATE, "Asia/Shanghai", 1, devices)))
    return place


@asynccontextmanager
async def agent(place: EdgeDir, broker: MemoryBroker, signer: Signer, *, killed: bool = False) -> AsyncIterator[Agent]:
    stop = asyncio.Event()
    link = MemoryLink(broker)
    made = Agent(place, place.load(), {"modbus_door": MODBUS_DOOR}, link, signer.fetch)
    task = asyncio.create_task(made.run(stop))
    try:
        await until(
            lambda: task.done() or (len(made.workers) == 2 and all(w.doors.driver for w, _ in made.workers.values())),
            "both boards",
        )  # fmt: skip
        await until(lambda: made.box.lists.current("block"), "the list")
        yield made
    finally:
        if killed:  # no stop, no farewell
            link.stop()
            task.cancel()
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


def written(sim: ModbusBoardSim) -> list[str]:
    return [f.adu[7:].hex() for f in sim.listener.frames if f.received and f.adu[7] in (5, 6, 15, 16)]


def test_a_fire_opens_every_door_and_each_goes_back_to_what_it_was(tmp_path: Path) -> None:
    async def work() -> None:
        broker, signer = MemoryBroker(), Signer()
        it = Control(broker, signer)
        signer.serve(access_list(1, credential("a", "42"), device="block", points=("block-in",)))
        signer.serve(access_list(1, credential("a", "42"), device="gate", points=("gate-in",)))
        async with boards() as (gate, block):
            block.door_relay.pulse_s = 2.5
            place = place_at(tmp_path, signer, gate, block)

            def all_open() -> bool:
                return gate.relays[0].is_held and gate.relays[1].is_held and block.door_relay.is_on

            async def shown_at_block() -> AccessEvent:
                before = len(it.bodies(AccessEvent))
                assert block.present_card("42")
                await until(lambda: len(it.bodies(AccessEvent)) > before, "the decision at the hub")
                return it.bodies(AccessEvent)[-1]

            async with agent(place, broker, signer, killed=True):
                await until(lambda: it.reports.get("gate") and it.reports["gate"].fire is FireInput.QUIET, "quiet")
                assert (await it.order("c1", CommandKind.LOCK_DOWN, "block", "block-in")).outcome is CommandOutcome.DONE
                pulses = block.counters["pulses"]
                assert (await shown_at_block()).reason is DenyReason.LOCKED_DOWN
                assert block.counters["pulses"] == pulses, "the bolt did not move"
                gate.set_fire(active=True)
                began = time.monotonic()
                await until(all_open, "every door of the estate is open")
                print(f"fire contact to every door open: {(time.monotonic() - began) * 1000:.0f} ms")
                closed = await it.order("c2", CommandKind.LOCK_DOWN, "gate", "gate-in")
                assert closed.outcome is CommandOutcome.REFUSED
                await until(lambda: it.reports["block"].modes, "told")
                assert it.reports["block"].modes[0].cause is ModeCause.FIRE
            assert gate.relays[0].is_held, "a box that dies in a fire closes nothing"
            assert gate.relays[1].is_held
            seen = len(written(gate))
            async with agent(place, broker, signer) as edge:
                await until(all_open, "open with the new start")
                await until(lambda: it.reports["gate"].fire is FireInput.FIRE, "and the contact is read again")
                assert not OFF & set(written(gate)[seen:]), "never closed in between"
                gate.set_fire(active=False)
                await until(lambda: not gate.relays[0].is_on and not gate.relays[1].is_on, "the gate closes")
                await until(lambda: not block.door_relay.is_on, "and the block's door falls back")
                assert (await shown_at_block()).reason is DenyReason.LOCKED_DOWN, "its lock-down stands as before"
                assert (await it.order("c3", CommandKind.RELEASE, "block", "block-in")).outcome is CommandOutcome.DONE
                pulses = block.counters["pulses"]
                assert (await shown_at_block()).outcome is AccessOutcome.GRANTED
                assert block.counters["pulses"] == pulses + 1, "one pulse"
                await until(lambda: edge.journal.cursor == edge.journal.head, "all told")
            notes = [n.what for n in it.bodies(EdgeNote) if n.what.startswith("fire")]
            assert [n for n in notes if n != "fire_unknown"] == ["fire", "fire_over"]
            told = [(e.access_point, e.mode) for e in it.bodies(DoorEvent) if e.mode_cause is ModeCause.FIRE]
            for point in ("gate-in", "gate-out", "block-in"):
                assert (point, DoorMode.LOCKED_OPEN) in told, f"{point} was not told to be open"
            back = [e for e in it.bodies(DoorEvent) if e.access_point == "block-in" and e.mode_cause][-2:]
            assert [e.mode for e in back] == [DoorMode.LOCKED_DOWN, DoorMode.LOCKED]
        it.hub.link.stop()
        it.link.stop()

    run(work(), 90)
