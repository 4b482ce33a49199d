"""Nothing lost, nothing doubled at a receiver keyed by (epoch, seq), and never a stall."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from edge_twins import EDGE, T0, FakeClock, HubTwin, run, until
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from device_drivers.contract.device import DeviceSet, DeviceStatus
from device_drivers.contract.events import CameraEvent, Event, MeterReading
from device_drivers.contract.messages import (
    MAX_PAYLOAD,
    Command,
    DeviceReported,
    DevicesDesired,
    EdgeCatalogue,
    EdgeStatus,
    EventAck,
    EventBatch,
    ListDoorbell,
    RevocationOrder,
    RevocationResult,
    Revoked,
    decode,
    encode,
    topic,
)
from device_drivers.contract.words import CommandKind, DeviceCondition, Quantity
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from edge_agent.store import Journal
from edge_agent.uplink import Handlers, Uplink, offline_will, pack


def reading(value: float) -> Event:
    return Event(0, "m1", T0, MeterReading(Quantity.WATER, value))


class Edge:
    """A journal and its uplink; `kill` leaves the file as a crash would, without stopping anything in order."""

    def __init__(self, root: Path, broker: MemoryBroker, ack_timeout_s: float = 0.05) -> None:
        self.root, self.broker, self.ack_timeout_s = root, broker, ack_timeout_s
        self.heard: list[object] = []

    async def start(self) -> None:
        self.journal = Journal(self.root / "journal.db", FakeClock())
        self.journal.open()
        self.link = MemoryLink(self.broker, offline_will(EDGE))
        handlers = Handlers(self.heard.append, self.heard.append, self.heard.append, self.heard.append)
        self.uplink = Uplink(
            self.link, EDGE, self.journal, self.status, EdgeCatalogue(()), handlers, ack_timeout_s=self.ack_timeout_s
        )
        self.uplink.start()
        self.task = asyncio.create_task(self.uplink.run())

    def status(self) -> EdgeStatus:
        return EdgeStatus(online=True, epoch=self.journal.epoch, head_seq=self.journal.head)

    async def end(self, *, graceful: bool = False) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if graceful:
            await self.uplink.stop()
        else:
            self.link.cut()
            self.broker.links.remove(self.link)
        self.journal.close()

    async def add(self, count: int) -> None:
        await self.journal.append(*(reading(i) for i in range(count)))


@asynccontextmanager
async def pair(root: Path, ack_timeout_s: float = 0.05) -> AsyncIterator[tuple[Edge, HubTwin]]:
    broker = MemoryBroker()
    hub = HubTwin(broker)
    edge = Edge(root, broker, ack_timeout_s)
    await edge.start()
    try:
        yield edge, hub
    finally:
        await edge.end()


async def level(edge: Edge, hub: HubTwin) -> None:
    await until(lambda: edge.journal.cursor == edge.journal.head, "the hub has everything")
    have = {seq for epoch, seq in hub.rows if epoch == edge.journal.epoch}
    assert have == set(range(1, edge.journal.head + 1)), "the cursor says more than the hub has"


def test_live_and_catch_up_are_the_same_loop(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path, 10) as (edge, hub):
            await edge.add(3)
            await level(edge, hub)
            edge.link.cut()
            await edge.add(5_000)
            edge.link.restore()
            await level(edge, hub)
            assert hub.duplicates == 0, "nothing was lost, so nothing had to be sent twice"

    run(work())


def test_liveness_after_restart(tmp_path: Path) -> None:
    """The classic fault: after a restart the send window starts elsewhere than the cursor and stalls for ever."""

    async def work() -> None:
        async with pair(tmp_path, 10) as (edge, hub):
            await edge.add(1_200)
            await level(edge, hub)
            for graceful in (True, False, True):
                await edge.end(graceful=graceful)
                await edge.start()
                await edge.add(7)
                await level(edge, hub)
            assert edge.journal.head == 1_221

    run(work())


def test_lost_acks_and_lost_batches_are_repaired(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            hub.drop_batches, hub.drop_acks = 3, 2
            await edge.add(4_000)
            await level(edge, hub)

    run(work())


def test_a_hub_that_is_away_is_not_flooded(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path, 0.02) as (edge, hub):
            hub.deaf = True
            await edge.add(20_000)
            await until(lambda: edge.uplink._silent >= 2, "two timeouts")
            before = len(edge.broker.log)
            await until(lambda: edge.uplink._silent >= 4, "two more timeouts")
            sent = len(edge.broker.log) - before
            assert sent <= 4, f"{sent} batches to a silent hub: one probe a timeout is enough"
            hub.deaf = False
            hub.ack(edge.journal.epoch, rewind=True)
            await level(edge, hub)

    run(work())


def test_a_hub_restored_from_backup_gets_again_what_it_lost(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            await edge.add(3_000)
            await level(edge, hub)
            hub.rows = {key: e for key, e in hub.rows.items() if key[1] <= 1_000}
            hub.marks.clear()
            hub.ack(edge.journal.epoch, rewind=True)
            await until(lambda: len(hub.rows) == 3_000, "the lost rows come again")
            await level(edge, hub)

    run(work())


def test_an_ack_of_another_epoch_moves_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            hub.deaf = True
            await edge.add(10)
            for rewind in (False, True):
                message = EventAck(epoch="other", up_to_seq=9, rewind=rewind)
                hub.link.publish(topic(EventAck, EDGE), encode(message))
            await asyncio.sleep(0)
            await edge.journal.flush()
            assert edge.journal.cursor == 0

    run(work())


def test_an_old_copy_of_the_disk_starts_a_new_epoch(tmp_path: Path) -> None:
    """The hub has 50 events of an epoch whose journal, restored from an image, ends at 20: numbers must not be reused."""

    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            await edge.add(20)
            await level(edge, hub)
            await edge.end(graceful=True)
            with sqlite3.connect(tmp_path / "journal.db") as source, sqlite3.connect(tmp_path / "image.db") as image:
                source.backup(image)
            await edge.start()
            await edge.add(30)
            await level(edge, hub)
            old = edge.journal.epoch
            await edge.end(graceful=True)
            for name in list(tmp_path.glob("journal.db*")):  # noqa: ASYNC240
                name.unlink()
            (tmp_path / "image.db").rename(tmp_path / "journal.db")
            await edge.start()
            await edge.journal.append(reading(77.0))
            await until(lambda: edge.journal.epoch != old, "a new epoch")
            await level(edge, hub)
            values = [e.body.value for (epoch, _), e in hub.rows.items() if epoch != old and hasattr(e.body, "value")]
            assert values == [77.0], f"what came after the restore arrives, once: {values}"

    run(work())


def test_a_rewind_before_what_is_kept_says_so(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            await edge.add(100)
            await level(edge, hub)
            await edge.journal.prune(T0 + timedelta(days=9))
            await edge.add(5)
            await level(edge, hub)
            old = edge.journal.epoch
            hub.rows.clear()
            hub.marks.clear()
            hub.ack(old, rewind=True)
            await until(lambda: edge.journal.epoch != old, "a new epoch")
            await level(edge, hub)
            notes = [e.body.what for e in hub.rows.values() if hasattr(e.body, "what")]
            assert notes == ["gap"], "the loss is an event, not a silence"

    run(work())


def test_batches_fit_the_broker_whatever_is_in_them() -> None:
    import random

    import msgspec

    noise = random.Random(1)
    events = [
        Event(n, "cam", T0, CameraEvent("t", data={"x": "".join(chr(noise.randrange(33, 0x9FFF)) for _ in range(900))}))
        for n in range(1, 400)
    ]
    bodies, first, seen = [msgspec.json.encode(e) for e in events], 1, []
    while bodies:
        payload, count = pack("e", first, bodies)
        assert len(payload) <= MAX_PAYLOAD
        seen += decode(EventBatch, payload).events
        bodies, first = bodies[count:], first + count
    assert seen == events


def test_messages_from_the_hub_reach_their_handlers_and_bad_ones_do_no_harm(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            down = f"v1/{EDGE}/down"
            for name, payload in (("devices", b"\xff"), ("ack", b"[]"), ("nonsense", b"{}"), ("command", b"{}")):
                hub.link.publish(f"{down}/{name}", payload)
            command = Command("c1", CommandKind.READ_BACK, "d1", T0, T0)
            hub.link.publish(topic(Command, EDGE), encode(command), retain=True)
            bell = ListDoorbell(device="d1", generation=3, digest="x")
            hub.link.publish(topic(ListDoorbell, EDGE, "d2"), encode(bell))
            hub.link.publish(topic(ListDoorbell, EDGE, "d1"), encode(bell))
            await until(lambda: len(edge.heard) >= 2, "command and doorbell")
            assert edge.heard == [command, bell], "the doorbell on another device's topic is refused"
            edge.heard.clear()
            edge.link.cut()
            edge.link.restore()  # the broker now delivers the command as retained
            await edge.add(1)
            await level(edge, hub)
            assert command not in edge.heard, "a retained command opens a door an hour late"
            assert not any(isinstance(h, DeviceSet) for h in edge.heard)

    run(work())


def test_reports_and_status_are_said_again_at_every_connect(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, _hub):
            edge.link.cut()
            assert not decode(EdgeStatus, edge.broker.retained[topic(EdgeStatus, EDGE)]).online, "the will says offline"
            report = DeviceReported("d1", 4, "x", DeviceStatus(DeviceCondition.ONLINE, T0))
            edge.uplink.report(report)
            edge.link.restore()
            await until(lambda: topic(DeviceReported, EDGE, "d1") in edge.broker.retained, "the report after the cut")
            assert decode(EdgeStatus, edge.broker.retained[topic(EdgeStatus, EDGE)]).online
            assert decode(DeviceReported, edge.broker.retained[topic(DeviceReported, EDGE, "d1")]) == report

    run(work())


def test_answers_to_revocations_wait_for_the_link_and_a_newer_one_takes_the_place_of_an_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.uplink.REVOKED_KEPT", 450)

    def answer(token: str, state: str) -> RevocationResult:
        return RevocationResult((Revoked("d1", token, state, T0),))

    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            heard: list[Revoked] = []
            sizes: list[int] = []

            def listen(message: Incoming) -> None:
                if message.topic == topic(RevocationResult, EDGE):
                    heard.extend(decode(RevocationResult, message.payload).items)
                    sizes.append(len(message.payload))

            link = MemoryLink(edge.broker)
            link.subscribe([topic(RevocationResult, EDGE)])
            link.start(listen, lambda _up, _why: None)
            edge.uplink.revoked(answer("now", "gone"))
            await until(lambda: heard, "sent at once")
            edge.link.cut()
            for n in range(460):
                edge.uplink.revoked(answer(f"t{n}", "pending"))
            edge.uplink.revoked(answer("t100", "gone"))
            edge.link.restore()
            await until(lambda: len(heard) == 1 + 450, "what was kept, bounded")
            assert [i.state for i in heard if i.token == "t100"] == ["gone"], "only the newest of each"
            assert "t0" not in {i.token for i in heard}, "the oldest gave way"
            assert max(sizes) < MAX_PAYLOAD
            edge.link.cut()
            edge.link.restore()
            await edge.add(1)
            await level(edge, hub)
            assert len(heard) == 451, "sent once"
            order = RevocationOrder(b"{}", b"s", "k")
            hub.link.publish(topic(RevocationOrder, EDGE), encode(order))
            await until(lambda: order in edge.heard, "an order reaches its handler")

    run(work())


def test_the_report_of_a_removed_device_is_cleared_also_after_a_cut(tmp_path: Path) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, _hub):
            status = DeviceStatus(DeviceCondition.ONLINE, T0)
            for device in ("d1", "d2"):
                edge.uplink.report(DeviceReported(device, 4, "x", status))
            edge.uplink.forget("d1")
            assert topic(DeviceReported, EDGE, "d1") not in edge.broker.retained
            edge.link.cut()
            edge.uplink.forget("d2")
            assert topic(DeviceReported, EDGE, "d2") in edge.broker.retained, "not reachable yet"
            edge.link.restore()
            await until(lambda: topic(DeviceReported, EDGE, "d2") not in edge.broker.retained, "cleared at connect")
            edge.uplink.report(DeviceReported("d1", 5, "y", status))
            edge.link.cut()
            edge.link.restore()
            await until(lambda: edge.link.connected, "connected")
            assert topic(DeviceReported, EDGE, "d1") in edge.broker.retained, "it is back and stays"

    run(work())


def test_a_cleared_message_from_the_hub_is_passed_over_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        async with pair(tmp_path) as (edge, hub):
            for kind, device in ((DevicesDesired, ""), (ListDoorbell, "d1"), (EventAck, "")):
                hub.link.publish(topic(kind, EDGE, device), b"", retain=True)
            bell = ListDoorbell(device="d1", generation=3, digest="x")
            hub.link.publish(topic(ListDoorbell, EDGE, "d1"), encode(bell))
            await until(lambda: edge.heard == [bell], "what comes after")
            assert not [r for r in caplog.records if r.levelname == "ERROR"]

    run(work())


class LinkCuts(RuleBasedStateMachine):
    """Random appends, cuts, kills, losses and rewinds; in the end the hub has each event once."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.root = tempfile.TemporaryDirectory()
        self.broker = MemoryBroker()
        self.hub = HubTwin(self.broker)
        self.edge = Edge(Path(self.root.name), self.broker, 0.01)
        self.loop.run_until_complete(self.edge.start())
        self.count = 0

    @rule(count=st.integers(1, 1_200))
    def append(self, count: int) -> None:
        self.count += count
        self.loop.run_until_complete(self.edge.add(count))

    @rule()
    def cut(self) -> None:
        self.edge.link.cut()

    @rule()
    def restore(self) -> None:
        if not self.edge.link.connected:
            self.edge.link.restore()

    @rule(graceful=st.booleans())
    def restart(self, graceful: bool) -> None:
        self.loop.run_until_complete(self.edge.end(graceful=graceful))
        self.loop.run_until_complete(self.edge.start())

    @rule(batches=st.integers(0, 3), acks=st.integers(0, 3))
    def lose(self, batches: int, acks: int) -> None:
        self.hub.drop_batches, self.hub.drop_acks = batches, acks

    @rule(deaf=st.booleans())
    def deafen(self, deaf: bool) -> None:
        self.hub.deaf = deaf

    @rule()
    def rewind(self) -> None:
        if not self.hub.deaf:
            self.hub.ack(self.edge.journal.epoch, rewind=True)

    @rule()
    def work(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0.003))

    @invariant()
    def the_cursor_never_says_more_than_the_hub_has(self) -> None:
        assert self.edge.journal.cursor <= self.hub.marks.get(self.edge.journal.epoch, 0)

    def teardown(self) -> None:
        async def settle() -> None:
            self.hub.drop_batches = self.hub.drop_acks = 0
            self.hub.deaf = False
            if not self.edge.link.connected:
                self.edge.link.restore()
            self.hub.ack(self.edge.journal.epoch, rewind=True)
            await level(self.edge, self.hub)
            assert len(self.hub.rows) == self.count, "each event once"
            await self.edge.end()

        self.loop.run_until_complete(settle())
        self.loop.close()
        self.root.cleanup()


LinkCuts.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLinkCuts = LinkCuts.TestCase
