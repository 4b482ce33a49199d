"""The whole agent over a real broker and real HTTP: from the device set to an acknowledged pass, kills included."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from edge_twins import (
    EDGE,
    ESTATE,
    READER,
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
from patience import PATIENCE_S

from device_drivers.contract.access import AccessList
from device_drivers.contract.device import DeviceConfig, DeviceSet
from device_drivers.contract.edge_http import LIST_PATH
from device_drivers.contract.events import AccessEvent, EdgeNote, Event, MeterReading, ObservationChanged
from device_drivers.contract.messages import (
    CommandResult,
    DeviceReported,
    DevicesDesired,
    EdgeCatalogue,
    EdgeStatus,
    EventAck,
    EventBatch,
    ListDoorbell,
    decode,
    encode,
    topic,
)
from device_drivers.contract.words import AccessOutcome, ObservationState
from device_drivers.mqtt import Incoming, LinkOptions, MqttLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir

ROOT = Path(__file__).parents[2]


class RealHub:
    """A hub over MQTT that keeps rows by (epoch, seq) and answers as the contract says."""

    def __init__(self, port: int) -> None:
        self.rows: dict[tuple[str, int], Event] = {}
        self.arrived: dict[tuple[str, int], float] = {}
        self.marks: dict[str, int] = {}
        self.reported: dict[str, DeviceReported] = {}
        self.status: list[EdgeStatus] = []
        self.other: list[Any] = []
        self.notes: list[str] = []
        self.lock = threading.Lock()
        self.link = MqttLink(LinkOptions("127.0.0.1", port, "hub", "hub", "x"))

    def start(self) -> None:
        self.link.subscribe([f"v1/{EDGE}/up/#"])
        self.link.start(self.receive, lambda _up, _why: None)

    def receive(self, message: Incoming) -> None:
        with self.lock:
            if message.topic == topic(EventBatch, EDGE):
                batch = decode(EventBatch, message.payload)
                for event in batch.events:
                    known = self.rows.setdefault((batch.epoch, event.seq), event)
                    assert known == event, f"two contents for {event.seq}"
                    self.arrived.setdefault((batch.epoch, event.seq), time.monotonic())
                    if known is event and isinstance(event.body, EdgeNote):
                        self.notes.append(event.body.what)
                self.ack(batch.epoch)
            elif message.topic == topic(EdgeStatus, EDGE):
                self.status.append(decode(EdgeStatus, message.payload))
                if self.status[-1].online:
                    self.ack(self.status[-1].epoch, rewind=True)
            elif message.topic.endswith("/reported") and not message.payload:
                self.reported.pop(message.topic.split("/")[-2], None)
            elif message.topic.endswith("/reported"):
                report = decode(DeviceReported, message.payload)
                self.reported[report.device] = report
            elif message.topic == topic(EdgeCatalogue, EDGE):
                self.other.append(decode(EdgeCatalogue, message.payload))
            elif message.topic == topic(CommandResult, EDGE):
                self.other.append(decode(CommandResult, message.payload))

    def ack(self, epoch: str, rewind: bool = False) -> None:
        mark = self.marks.get(epoch, 0)
        while (epoch, mark + 1) in self.rows:
            mark += 1
        self.marks[epoch] = mark
        self.link.publish(topic(EventAck, EDGE), encode(EventAck(epoch, mark, rewind)), retain=True)

    def devices(self, generation: int, *configs: DeviceConfig) -> None:
        wanted = DeviceSet(EDGE, ESTATE, "Asia/Shanghai", generation, configs)
        self.link.publish(topic(DevicesDesired, EDGE), encode(DevicesDesired(wanted)), retain=True)

    def bodies(self, kind: type) -> list[Any]:
        with self.lock:
            return [e.body for _, e in sorted(self.rows.items()) if isinstance(e.body, kind)]


@asynccontextmanager
async def surroundings(port: int, signer: Signer) -> AsyncIterator[tuple[RealHub, str]]:
    async def get(request: web.Request) -> web.Response:
        device = request.match_info["device"]
        if device not in signer.served:
            return web.Response(status=404)
        return web.Response(body=msgspec.json.encode(signer.served[device]))

    app = web.Application()
    app.router.add_get(LIST_PATH, get)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub = RealHub(port)
    hub.start()
    await until(lambda: hub.link.connected, "the hub's link")
    try:
        yield hub, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        hub.link.stop()
        await runner.cleanup()


def box_at(root: Path, port: int, url: str, signer: Signer) -> EdgeDir:
    place = EdgeDir(root)
    place.make()
    config = EdgeConfig(EDGE, ESTATE, "127.0.0.1", port, url, "secret", mqtt_tls=False)
    place.config.write_bytes(msgspec.json.encode(config))
    place.hub_key.write_text(signer.public)
    return place


@asynccontextmanager
async def agent(place: EdgeDir, device: TwinDevice) -> AsyncIterator[Agent]:
    stop = asyncio.Event()
    made = Agent(place, place.load(), {"twin": definition(device, READER)})
    task = asyncio.create_task(made.run(stop))
    try:
        yield made
    finally:
        stop.set()
        await task


def ring(hub: RealHub, signer: Signer, wanted: AccessList) -> None:
    signer.serve(wanted)
    bell = ListDoorbell(wanted.device_id, wanted.generation, signer.etags[wanted.device_id])
    hub.link.publish(topic(ListDoorbell, EDGE, wanted.device_id), encode(bell), retain=True)


@pytest.fixture(scope="module")
def broker(mosquitto_factory: Any) -> Any:
    return mosquitto_factory("allow_anonymous true\nmax_packet_size 65536\nset_tcp_nodelay true\n")


@pytest.fixture
def port(broker: Any) -> int:
    """A broker without anything retained: every test starts clean."""
    broker.stop()
    broker.start()
    return int(broker.port)


def test_from_device_set_to_acknowledged_pass(tmp_path: Path, port: int) -> None:
    async def work() -> None:
        signer, device = Signer(), TwinDevice()
        async with surroundings(port, signer) as (hub, url):
            place = box_at(tmp_path, port, url, signer)
            async with agent(place, device) as edge:
                hub.devices(1, device_config(), device_config("d9", "unheard"))
                ring(hub, signer, access_list(1, credential("a", "7")))
                await until(lambda: "d1" in hub.reported and hub.reported["d1"].confirmed == 1, "the list is in force")
                assert hub.reported["d1"].decided_at_edge
                assert "cannot drive" in hub.reported["d9"].status.detail
                shown_at = time.monotonic()
                device.put(shown_event("7"))
                await until(lambda: hub.bodies(AccessEvent), "the pass at the hub")
                await until(lambda: edge.journal.cursor == edge.journal.head, "its acknowledgement")
                arrived = next(hub.arrived[k] for k, e in hub.rows.items() if isinstance(e.body, AccessEvent))
                print(f"pass to hub: {(arrived - shown_at) * 1000:.1f} ms")
                assert "d9" in hub.reported
                hub.devices(2, device_config(in_service=False))
                await until(lambda: "d9" not in hub.reported, "the report of the removed device is cleared")
                await until(
                    lambda: set(edge.workers) == {"d1"} and not edge.workers["d1"][0].config.in_service, "set 2"
                )
                hub.devices(1, device_config("old"))
                await until(lambda: "stale" in hub.notes, "the old set is refused")
            await until(lambda: not hub.status[-1].online, "offline said at a clean stop")
            assert hub.bodies(ObservationChanged)[-1].state is ObservationState.DOWN

    run(work())


def test_doors_work_without_the_hub_and_catch_up_afterwards(tmp_path: Path, port: int, broker: Any) -> None:
    async def work() -> None:
        signer, device = Signer(), TwinDevice()
        async with surroundings(port, signer) as (hub, url):
            place = box_at(tmp_path, port, url, signer)
            async with agent(place, device):
                hub.devices(1, device_config())
                ring(hub, signer, access_list(1, credential("a", "7")))
                await until(lambda: "d1" in hub.reported and hub.reported["d1"].confirmed == 1, "the list is in force")
            await asyncio.to_thread(broker.stop)
            began = time.monotonic()
            async with agent(place, device) as edge:  # no broker: from what the box kept
                await until(lambda: edge.workers and edge.workers["d1"][0].driver, "the door is there")
                print(f"start to first device: {time.monotonic() - began:.2f} s")
                device.put(shown_event("7"))
                await until(lambda: len(device.commands) == 1, "the door opened offline")
                await asyncio.to_thread(broker.start)
                await until(lambda: hub.bodies(AccessEvent), "the pass, later")
                await until(lambda: edge.journal.cursor == edge.journal.head, "all acknowledged")

    run(work())


def history(lines: int) -> bytes:
    return b"".join(
        b'{"t":"meter","device":"m","point":"u","at":"2026-05-05T08:00:00+08:00","quantity":"water","value":%d}\n' % n
        for n in range(lines)
    )


def test_an_import_killed_in_the_middle_is_neither_lost_nor_doubled(tmp_path: Path, port: int) -> None:
    """The real process and command line, SIGKILL included."""
    lines = 30_000

    async def work() -> None:
        signer = Signer()
        async with surroundings(port, signer) as (hub, url):
            place = box_at(tmp_path / "box", port, url, signer)
            meter = {"host": "127.0.0.1", "port": 9, "transport": "tcp", "meters": []}
            (tmp_path / "h.ndjson").write_bytes(history(lines) + b"broken\n")
            hub.devices(1, DeviceConfig("m-1", "modbus_meter", "Meters", meter | {"code": "m"}))
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            base = [sys.executable, "-m", "edge_agent.cli"]
            command = [*base, "run", "--dir", str(place.root)]
            processes: list[subprocess.Popen[bytes]] = []

            def start(command: list[str], output: str) -> subprocess.Popen[bytes]:
                with (tmp_path / output).open("ab") as log:
                    processes.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
                return processes[-1]

            child = start(command, "log")
            try:
                await until(lambda: place.devices.exists(), "the device set is kept")
                asked = [*base, "import-history", str(tmp_path / "h.ndjson"), "--dir", str(place.root)]
                importing = start(asked, "told")
                await until(lambda: len(hub.rows) > 5_000, "the import runs")
                child.send_signal(signal.SIGKILL)
                child.wait()
                await until(lambda: not hub.status[-1].online, "the last will")
                child = start(command, "log")
                began = time.monotonic()
                assert "import" not in hub.notes, "killed in the middle"
                await until(lambda: "import" in hub.notes, "the import is done")
                print(f"rest of the import after the kill: {time.monotonic() - began:.1f} s")
                values = sorted(b.value for b in hub.bodies(MeterReading))
                assert values == list(range(lines)), "each line once"
                (note,) = [n for n in hub.bodies(EdgeNote) if n.what == "import"]
                assert f"{lines} imported, 1 refused" in note.text
                await asyncio.to_thread(importing.wait, PATIENCE_S)
                said = (tmp_path / "told").read_text()
                assert f"done: {lines} events imported, 1 lines refused" in said, said
                assert "import 10" in said, f"a line every 10 % where there is no terminal: {said}"
                again = [*base, "status", "--dir", str(place.root)]
                shown = await asyncio.to_thread(
                    subprocess.run, again, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
                )
                assert f"edge {EDGE}" in shown.stdout
                assert "0 not acknowledged" in shown.stdout, shown.stdout
                child.send_signal(signal.SIGTERM)
                await asyncio.to_thread(child.wait, PATIENCE_S)
                assert child.returncode == 0
                await until(lambda: not hub.status[-1].online, "offline said")
            finally:
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    process.wait()

    run(work(), 2 * PATIENCE_S)


def test_catch_up_rate_over_a_real_broker_is_printed(tmp_path: Path, port: int) -> None:
    async def work() -> None:
        signer, device, count = Signer(), TwinDevice(), 60_000
        async with surroundings(port, signer) as (hub, url):
            place = box_at(tmp_path, port, url, signer)
            async with agent(place, device) as edge:
                await until(lambda: hub.notes == ["started"], "the start has arrived")
                events = [
                    edge.box.event("d1", AccessEvent(AccessOutcome.GRANTED, credential=f"c{n}")) for n in range(count)
                ]
                began = time.monotonic()
                for start in range(0, count, 2_000):
                    await edge.journal.append(*events[start : start + 2_000])
                written = time.monotonic()
                await until(lambda: edge.journal.cursor >= count, "all acknowledged")
                end = time.monotonic()
                print(
                    f"journal {count / (written - began):,.0f} events/s, to acknowledged {count / (end - began):,.0f}/s"
                )

    run(work())
