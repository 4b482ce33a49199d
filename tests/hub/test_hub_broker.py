"""The hub's broker for real: who may write and read what, and the handler against anything a topic can carry."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from patience import PATIENCE_S
from sqlalchemy import select

from device_drivers.contract.events import EdgeNote, Event
from device_drivers.contract.messages import (
    EdgeStatus,
    EventAck,
    EventBatch,
    RevocationResult,
    Revoked,
    decode,
    encode,
    topic,
)
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink, MqttLink
from hub import kept_ports, mosquitto
from hub.access import revocations
from hub.broker import REPORTS, BrokerHandler, hub_link
from hub.estate import edges
from hub.services import Hub
from hub.tables import DeadLetter, Device, Edge, EventRow, Revocation

SECRETS = {"edge-aaaa": "secret-of-a", "edge-bbbb": "secret-of-b"}


@dataclass
class Probe:
    """A bare MQTT 5 client that keeps the broker's answers."""

    port: int
    username: str | None
    password: str = ""
    client_id: str = ""
    got: list[str] = field(default_factory=list)
    codes: dict[int, list[Any]] = field(default_factory=dict)
    connected: threading.Event = field(default_factory=threading.Event)
    reason: Any = None

    def __enter__(self) -> Probe:
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id or (self.username or ""),
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        if self.username:
            self.client.username_pw_set(self.username, self.password)
        self.client.on_connect = self._on_connect
        self.client.on_message = lambda _c, _u, m: self.got.append(m.topic)
        self.client.on_subscribe = lambda _c, _u, mid, codes, _p: self.codes.__setitem__(mid, list(codes))
        self.client.on_publish = lambda _c, _u, mid, code, _p: self.codes.__setitem__(mid, [code])
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        return self

    def _on_connect(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.reason = reason
        self.connected.set()

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def real(tmp_path: Path, sqlite_hub: Hub, small_estate: Callable[[Hub], None], wait_until: Any) -> Iterator[Any]:
    """(broker, handler, hub) over a real Mosquitto, with two enrolled edges."""
    small_estate(sqlite_hub)
    with sqlite_hub.db.unit_of_work("test", "second edge", audit=False) as uow:
        uow.session.add(Edge(id="edge-bbbb", estate_id="E001", name="b", enrolled_at=uow.now))
    password = mosquitto.secret_for(tmp_path / "hub.secret")
    directory = tmp_path / "broker"
    broker = mosquitto.start_hub_broker(directory, mosquitto.port_for(directory), password)
    handler = BrokerHandler(sqlite_hub)
    link: MqttLink = hub_link("127.0.0.1", broker.port, password)
    handler.start(link)
    wait_until(lambda: link.connected, "the hub's link")
    assert handler.admin is not None
    for edge, secret in SECRETS.items():
        handler.admin.add_edge(edge, secret)
    yield broker, handler, sqlite_hub
    handler.stop()
    broker.stop()


def test_an_edge_writes_its_up_and_reads_its_down_and_nothing_else(real: Any, wait_until: Any) -> None:
    broker, _handler, _hub = real
    with Probe(broker.port, "edge-aaaa", SECRETS["edge-aaaa"]) as edge:
        wait_until(edge.connected.is_set, "edge to connect")
        assert not edge.reason.is_failure
        allowed = {
            "v1/edge-aaaa/down/#": True,
            "v1/edge-aaaa/down/ack": True,
            "v1/edge-bbbb/down/#": False,
            "v1/+/down/#": False,
            "v1/+/up/#": False,
            "#": False,
            "$SYS/#": False,
            "$share/hub/v1/+/up/#": False,
            "$share/x/v1/edge-aaaa/down/#": False,
            "$CONTROL/dynamic-security/v1/response": False,
        }
        for pattern, may in allowed.items():
            mid = edge.client.subscribe(pattern, 1)[1]
            assert mid is not None
            (code,) = wait_until(lambda mid=mid: edge.codes.get(mid), f"answer to {pattern}")
            assert code.is_failure is not may, f"subscribe {pattern}: {code}, wanted {'allowed' if may else 'refused'}"
        writes = {
            "v1/edge-aaaa/up/result": True,
            "v1/edge-bbbb/up/events": False,
            "v1/edge-aaaa/down/command": False,
            "v1/edge-bbbb/down/command": False,
            "$CONTROL/dynamic-security/v1": False,
        }
        for where, may in writes.items():
            sent = edge.client.publish(where, b"{}", 1)
            (code,) = wait_until(lambda mid=sent.mid: edge.codes.get(mid), f"answer to {where}")
            assert code.is_failure is not may, f"publish {where}: {code}, wanted {'allowed' if may else 'refused'}"


@pytest.mark.parametrize(
    ("user", "password", "client_id"),
    [
        (None, "", "anonymous"),
        ("edge-aaaa", "wrong", "edge-aaaa"),
        ("edge-aaaa", SECRETS["edge-bbbb"], "edge-aaaa"),
        ("edge-aaaa", SECRETS["edge-aaaa"], "edge-bbbb"),
        ("edge-cccc", "x", "edge-cccc"),
    ],
)
def test_strangers_are_not_let_in(real: Any, wait_until: Any, user: str | None, password: str, client_id: str) -> None:
    broker, _handler, _hub = real
    with Probe(broker.port, user, password, client_id) as probe:
        wait_until(probe.connected.is_set, "the broker's answer")
        assert probe.reason.is_failure, f"{user} as {client_id} was let in"


def test_an_edge_that_is_taken_away_is_cut_off(real: Any, wait_until: Any) -> None:
    broker, handler, _hub = real
    gone = threading.Event()
    with Probe(broker.port, "edge-aaaa", SECRETS["edge-aaaa"]) as edge:
        wait_until(edge.connected.is_set, "edge to connect")
        edge.client.on_disconnect = lambda *_: gone.set()
        handler.admin.remove_edge("edge-aaaa")
        wait_until(gone.is_set, "the edge to be cut off")
    with Probe(broker.port, "edge-aaaa", SECRETS["edge-aaaa"]) as again:
        wait_until(again.connected.is_set, "the broker's answer")
        assert again.reason.is_failure


def test_edges_survive_a_broker_restart(real: Any, wait_until: Any, tmp_path: Path) -> None:
    broker, _handler, hub = real
    broker.stop()
    again = mosquitto.start_hub_broker(broker.directory, broker.port, mosquitto.secret_for(tmp_path / "hub.secret"))
    try:
        wait_until(lambda: hub.link.connected, "the hub to come back")
        with Probe(again.port, "edge-bbbb", SECRETS["edge-bbbb"]) as edge:
            wait_until(edge.connected.is_set, "edge to connect")
            assert not edge.reason.is_failure
    finally:
        again.stop()


def test_status_and_events_over_the_real_broker(real: Any, wait_until: Any) -> None:
    broker, _handler, hub = real
    acks: list[EventAck] = []
    will = None
    with Probe(broker.port, "edge-aaaa", SECRETS["edge-aaaa"]) as edge:
        wait_until(edge.connected.is_set, "edge to connect")
        edge.client.on_message = lambda _c, _u, m: (
            acks.append(decode(EventAck, m.payload)) if m.topic.endswith("ack") else will
        )
        mid = edge.client.subscribe("v1/edge-aaaa/down/#", 1)[1]
        wait_until(lambda: edge.codes.get(mid), "subscription")
        edge.client.publish(topic(EdgeStatus, "edge-aaaa"), encode(EdgeStatus(True, "ep", 3)), 1, True)
        note = Event(1, "", hub.now(), EdgeNote("started"))
        edge.client.publish(topic(EventBatch, "edge-aaaa"), encode(EventBatch("ep", 1, (note,))), 1)
        wait_until(lambda: EventAck("ep", 1) in acks, "the ack of the event")
        assert ("ep", 0, True) in {(a.epoch, a.up_to_seq, a.rewind) for a in acks}, (
            "the status is answered with the cursor"
        )
    with hub.db.reading() as session:
        assert session.get_one(Edge, "edge-aaaa").online
        assert session.scalars(select(EventRow.kind)).all() == ["edge"]


def test_ports_that_are_kept_are_none_the_system_lends_to_others() -> None:
    """Else a broker that restarts finds its port in the hands of somebody's outgoing connection."""
    chosen = [*kept_ports.choose(40), *kept_ports.choose(40)]
    assert len(set(chosen)) == 80, "not twice, though nobody listens yet"
    assert max(chosen) < 32_768, "Linux lends from there on"


def test_a_taken_port_is_said(tmp_path: Path, real: Any) -> None:
    broker, _handler, _hub = real
    with pytest.raises(mosquitto.BrokerFailed, match="is taken"):
        mosquitto.start_hub_broker(tmp_path / "second", broker.port, "x")


def test_a_terminal_uses_its_own_topics_only(tmp_path: Path, wait_until: Any) -> None:
    users = [
        mosquitto.TerminalUser("t1", "p1", "mqtt/face", "1306612"),
        mosquitto.TerminalUser("t2", "p2", "mqtt/face", "1306613"),
    ]
    directory = tmp_path / "edge-broker"
    broker = mosquitto.start_edge_broker(directory, mosquitto.port_for(directory), "edge-secret", users)
    try:
        with Probe(broker.port, "edge", "edge-secret") as edge, Probe(broker.port, "t1", "p1") as terminal:
            wait_until(lambda: edge.connected.is_set() and terminal.connected.is_set(), "both to connect")
            mid = edge.client.subscribe("mqtt/face/#", 1)[1]
            wait_until(lambda: edge.codes.get(mid), "subscription")
            for where in ("mqtt/face/1306613/Rec", "mqtt/face/1306612/Rec", "mqtt/face/heartbeat"):
                terminal.client.publish(where, b"{}", 1)
            wait_until(lambda: len(edge.got) >= 2, "the terminal's own messages")
            assert edge.got == ["mqtt/face/1306612/Rec", "mqtt/face/heartbeat"]
    finally:
        broker.stop()


# --- the handler, with the link's in-memory twin ----------------------------------------------------------------------


@pytest.fixture
def handler(sqlite_hub: Hub, small_site: Callable[[Hub], None], broker: MemoryBroker) -> Iterator[BrokerHandler]:
    small_site(sqlite_hub)
    handler = BrokerHandler(sqlite_hub)
    handler.start(MemoryLink(broker))
    yield handler
    handler.stop()


def dead(hub: Hub) -> list[DeadLetter]:
    with hub.db.reading() as session:
        return list(session.scalars(select(DeadLetter).order_by(DeadLetter.id)))


UP_TOPICS = [
    "v1/edge-aaaa/up/status",
    "v1/edge-aaaa/up/catalogue",
    "v1/edge-aaaa/up/events",
    "v1/edge-aaaa/up/device/E001.face-g1/reported",
    "v1/edge-aaaa/up/result",
]
BAD = {
    "empty": b"",
    "not json": b"\x00\xff garbage",
    "wrong types": b'{"online":"perhaps","epoch":7,"events":1,"command":2,"device":3,"drivers":4}',
    "oversized": b"x" * 70_000,
    "deep": b"[" * 60_000,
}


@pytest.mark.parametrize("where", [*UP_TOPICS, "v1/edge-aaaa/up/what-is-this", "v1/edge-aaaa/up/device/x/y/z"])
@pytest.mark.parametrize("payload", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_read_is_put_aside_and_the_next_is_taken(
    handler: BrokerHandler, where: str, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    note = Event(1, "", handler.hub.now(), EdgeNote("started"))
    handler.receive(Incoming(where, payload))
    handler.receive(Incoming(UP_TOPICS[2], encode(EventBatch("ep", 1, (note,)))))
    assert handler.drained(PATIENCE_S)
    if not payload and where.endswith("/reported"):
        assert dead(handler.hub) == [], "an edge clears the report of a removed device with an empty message"
        return
    (letter,) = dead(handler.hub)
    assert (letter.topic, letter.edge_id, letter.size) == (where, "edge-aaaa", len(payload))
    assert len(letter.payload) <= 65_536, "what is kept is bounded"
    assert where in caplog.text, "the log names the topic"
    with handler.hub.db.reading() as session:
        assert session.scalar(select(EventRow.seq)) == 1, "the next good message is taken"


def test_messages_of_strangers_and_foreign_devices_are_put_aside(handler: BrokerHandler) -> None:
    note = Event(1, "", handler.hub.now(), EdgeNote("started"))
    handler.receive(Incoming("v1/edge-zzzz/up/status", encode(EdgeStatus(True, "ep"))))
    handler.receive(Incoming("v1/edge-zzzz/up/events", encode(EventBatch("ep", 1, (note,)))))
    report = json.dumps(
        {
            "device": "E001.foreign",
            "generation": 1,
            "digest": "x",
            "status": {"condition": "online", "since": "2026-11-21T00:00:00Z"},
        }
    ).encode()
    handler.receive(Incoming("v1/edge-aaaa/up/device/E001.foreign/reported", report))
    handler.receive(Incoming("v1/edge-aaaa/up/device/E001.face-g1/reported", report))
    handler.receive(Incoming("v1/edge-aaaa/up/result", b'{"command":"c","outcome":"done","at":"2026-11-21T00:00:00Z"}'))
    assert handler.drained(PATIENCE_S)
    assert len(dead(handler.hub)) == 5


def test_a_full_queue_drops_events_before_they_are_acknowledged(
    handler: BrokerHandler, broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.broker.MAX_EVENTS", 0)
    note = Event(1, "", handler.hub.now(), EdgeNote("started"))
    handler.receive(Incoming(UP_TOPICS[2], encode(EventBatch("ep", 1, (note,)))))
    assert handler.drained(PATIENCE_S)
    assert handler.dropped == 1
    assert not [m for m in broker.log if m.topic.endswith("down/ack")], "nothing is acknowledged that was not stored"


def test_a_failing_room_does_not_end_the_worker(handler: BrokerHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise RuntimeError("a bug")

    monkeypatch.setattr("hub.broker.edges.take_status", broken)
    handler.receive(Incoming(UP_TOPICS[0], encode(EdgeStatus(True, "ep"))))
    handler.receive(Incoming(UP_TOPICS[1], b'{"drivers":[]}'))
    assert handler.drained(PATIENCE_S)
    assert [letter.error for letter in dead(handler.hub)] == ["RuntimeError: a bug"]


def test_answers_go_first_and_of_a_devices_reports_the_newest_counts(sqlite_hub: Hub) -> None:
    """While 80 devices report every second a revocation's confirmation stood minutes in the queue."""
    handler = BrokerHandler(sqlite_hub)
    report, other, answer = "v1/e/up/device/d/reported", "v1/e/up/device/x/reported", "v1/e/up/revoked"
    for topic_of_it, payload in ((report, b"1"), (other, b"x"), (report, b"2"), (answer, b"gone"), (report, b"3")):
        handler.receive(Incoming(topic_of_it, payload))
    taken = []
    while run := handler._next():
        taken += [(m.topic, m.payload) for m in run]
    assert taken == [(answer, b"gone"), (other, b"x"), (report, b"3")]
    handler.receive(Incoming(report, b"4"))
    assert [m.payload for m in handler._next()] == [b"4"], "a report that comes later counts again"


def test_what_an_edge_tells_of_its_devices_is_stored_together_and_a_foreign_one_spoils_nothing(
    handler: BrokerHandler,
) -> None:
    hub, at = handler.hub, handler.hub.now()
    with hub.db.unit_of_work("test", "two revocations", audit=False) as uow:
        device = uow.session.scalars(select(Device).where(Device.edge_id == "edge-aaaa")).first()
        assert device is not None
        for token in ("t1", "t2"):
            revocations.open_one(uow, device.id, device.estate_id, token, "张某", "test")

    def answered(device_id: str, token: str) -> Incoming:
        result = RevocationResult((Revoked(device_id, token, "gone", at),))
        return Incoming("v1/edge-aaaa/up/revoked", encode(result))

    run = [answered(device.id, "t1"), answered("E001.foreign", "t1"), answered(device.id, "t2")]
    with handler._lock:  # they wait together
        handler._answers.extend(run)
    handler._work.set()
    assert handler.drained(PATIENCE_S)
    assert [letter.topic for letter in dead(hub)] == ["v1/edge-aaaa/up/revoked"], "only the foreign one"
    with hub.db.reading() as session:
        assert session.scalars(select(Revocation.state)).all() == ["gone", "gone"]


def test_reports_of_an_edge_are_taken_in_small_groups(sqlite_hub: Hub) -> None:
    handler = BrokerHandler(sqlite_hub)
    for number in range(REPORTS + 2):
        handler.receive(Incoming(f"v1/e/up/device/d{number}/reported", b"{}"))
    handler.receive(Incoming("v1/f/up/device/z/reported", b"{}"))
    sizes = []
    while run := handler._next():
        assert len({m.topic.split("/")[1] for m in run}) == 1, "of one edge"
        sizes.append(len(run))
    assert sizes == [REPORTS, 2, 1]


def test_an_edge_that_is_being_sent_its_lists_is_not_lost_from_sight(
    sqlite_hub: Hub, small_estate: Callable[[Hub], None], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a loaded machine that took ten seconds: the watch came in between, and the edge stayed offline for twenty minutes."""
    small_estate(sqlite_hub)
    handler = BrokerHandler(sqlite_hub)
    sqlite_hub.link = MemoryLink(MemoryBroker())
    handler._link_state(True, "connected")
    clock.pass_(seconds=11)
    said: list[str] = []
    monkeypatch.setattr(edges, "send_doorbells", lambda hub, _edge: said.append(handler.watch(hub)))
    status = EdgeStatus(
        online=True, epoch="e1", head_seq=0, version="1", started_at=sqlite_hub.now(), clock_trusted=True
    )
    handler._take(Incoming(topic(EdgeStatus, "edge-aaaa"), encode(status)))
    assert said == ["1 edges online"]
    edges.lost_from_sight(sqlite_hub, ["edge-aaaa"], heard_after=handler._state_at)
    with sqlite_hub.db.reading() as session:
        assert session.get_one(Edge, "edge-aaaa").online, "it spoke up while the watch was deciding"
    handler._link_state(False, "gone")
    clock.pass_(seconds=11)
    assert handler.watch(sqlite_hub) == "0 edges online", "without a broker nobody can say"
