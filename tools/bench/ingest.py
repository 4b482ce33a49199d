"""`ingest.end_to_end`: journal → uplink → broker → hub → committed → acknowledged, against broker client and database alone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import func, select

from device_drivers.contract.messages import EdgeStatus, EventAck, EventBatch, decode, encode, parse_topic, topic
from device_drivers.mqtt import Incoming, MqttLink
from hub import mosquitto
from hub.broker import COALESCE, BrokerHandler, hub_link
from hub.config import Config
from hub.dynsec import RESPONSE, BrokerAdmin
from hub.services import open_hub
from hub.tables import (
    AccessPoint,
    Base,
    Block,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    EventRow,
    HouseholdMember,
    IngestCursor,
    Person,
    Tenancy,
)
from tools.bench.figure import Figure

EVENTS = 100_000
CREDENTIALS = 500
GOAL = 0.4
EDGE, SECRET, PASSWORD = "edge-bench", "bench-edge-secret", "bench-hub-secret"


@contextmanager
def broker(directory: Path) -> Iterator[int]:
    port = mosquitto.port_for(directory)
    running = mosquitto.start_hub_broker(directory, port, PASSWORD)
    try:
        yield port
    finally:
        running.stop()


@contextmanager
def sender(directory: Path, port: int, count: int) -> Iterator[Callable[[], None]]:
    """A filled edge; the value starts its sending."""
    directory.mkdir(parents=True)
    command = [sys.executable, "-m", "tools.bench.edge_sender", str(directory), str(port), EDGE, SECRET, str(count),
               str(CREDENTIALS)]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    if process.stdout.readline().strip() != "filled":
        raise RuntimeError("the sending edge did not start")

    def go() -> None:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    try:
        yield go
    finally:
        process.kill()
        process.wait()


def seed(config: Config) -> None:
    """One estate, one door, people with credentials."""
    hub = open_hub(config)
    Base.metadata.create_all(hub.db.engine)
    now = datetime.now(UTC)
    with hub.db.unit_of_work("bench", "seed", audit=False) as uow:
        add = uow.session.add
        add(Estate(id="E", code="E", name="bench"))
        uow.session.flush()
        add(Block(id="E.B", estate_id="E", code="B", name="B", floors=50, dwellings_per_floor=10))
        add(Edge(id=EDGE, estate_id="E", name="edge", enrolled_at=now, secret_hash="x"))
        add(Door(id="E.D", estate_id="E", code="D", name="D", scope="estate"))
        uow.session.flush()
        add(Device(id="E.dev", estate_id="E", edge_id=EDGE, code="dev", name="dev", kind="modbus_door"))
        uow.session.flush()
        add(AccessPoint(id="E.AP", estate_id="E", door_id="E.D", code="AP", name="AP", side="in", device_id="E.dev"))
        for n in range(CREDENTIALS):
            add(Dwelling(id=f"E.{n}", estate_id="E", block_id="E.B", code=f"E-{n}", floor=n // 10, number=str(n)))
            add(Person(id=f"P{n}", source="bench", source_id=str(n), name="某某"))
        uow.session.flush()
        for n in range(CREDENTIALS):
            add(Tenancy(id=f"T{n}", source="bench", source_id=str(n), estate_id="E", dwelling_id=f"E.{n}", state="active",
                        from_date=date(2020, 1, 1)))  # fmt: skip
        uow.session.flush()
        for n in range(CREDENTIALS):
            add(HouseholdMember(id=f"M{n}", tenancy_id=f"T{n}", person_id=f"P{n}", relation="applicant",
                                from_date=date(2020, 1, 1)))  # fmt: skip
            add(CredentialRow(token=f"token{n:015d}", estate_id="E", holder_class="resident", person_id=f"P{n}",
                              tenancy_id=f"T{n}", dwelling_id=f"E.{n}", label="x", created_at=now))  # fmt: skip
    hub.db.close()


def end_to_end(root: Path, port: int) -> float:
    """Events a second until the hub's database has all of them."""
    config = Config(root / "hub", broker_port=port)
    seed(config)
    hub = open_hub(config)
    handler = BrokerHandler(hub)
    handler.start(hub_link("127.0.0.1", port, PASSWORD))
    assert handler.admin is not None
    _wait(lambda: hub.link is not None and hub.link.connected)
    handler.admin.add_edge(EDGE, SECRET)
    with sender(root / "edge", port, EVENTS) as go:
        began = time.monotonic()
        go()

        def stored() -> bool:
            with hub.db.reading() as session:
                return (session.scalar(select(func.max(IngestCursor.up_to_seq))) or 0) >= EVENTS

        _wait(stored, 300)
        seconds = time.monotonic() - began
    with hub.db.reading() as session:
        rows = session.scalar(select(func.count()).select_from(EventRow))
    handler.stop()
    hub.db.close()
    if rows != EVENTS:
        raise RuntimeError(f"{rows} rows of {EVENTS} events")
    return EVENTS / seconds


def broker_alone(root: Path, port: int) -> float:
    """The same edge into the same client, which acknowledges and throws away."""
    link: MqttLink = hub_link("127.0.0.1", port, PASSWORD)
    admin = BrokerAdmin(link)
    reached = {"seq": 0}

    def take(message: Incoming) -> None:
        if message.topic == RESPONSE:
            admin.receive(message)
            return
        address = parse_topic(message.topic)
        if address is None or address.edge != EDGE:
            return
        if address.message is EventBatch:
            batch = decode(EventBatch, message.payload)
            if batch.first_seq == reached["seq"] + 1:
                reached["seq"] = batch.events[-1].seq
            link.publish(topic(EventAck, EDGE), encode(EventAck(batch.epoch, reached["seq"])))
        elif address.message is EdgeStatus:
            status = decode(EdgeStatus, message.payload)
            link.publish(topic(EventAck, EDGE), encode(EventAck(status.epoch, reached["seq"], rewind=True)))

    link.subscribe(["v1/+/up/#", RESPONSE])
    link.start(take, lambda _up, _why: None)
    _wait(lambda: link.connected)
    admin.add_edge(EDGE, SECRET)
    with sender(root / "bare", port, EVENTS) as go:
        began = time.monotonic()
        go()
        _wait(lambda: reached["seq"] >= EVENTS, 300)
        seconds = time.monotonic() - began
    link.stop()
    return EVENTS / seconds


def database_alone(root: Path) -> float:
    """The same rows into the same table of a copy of the database, in transactions of the size ingest makes."""
    with sqlite3.connect(root / "hub/hub.sqlite") as source:
        rows = source.execute("SELECT * FROM event").fetchall()
        ddl = [
            sql for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE tbl_name='event' AND sql IS NOT NULL")
        ]
    db = sqlite3.connect(root / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    for statement in ddl:
        db.execute(statement)
    size = COALESCE * 500
    began = time.monotonic()
    for start in range(0, len(rows), size):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(f"INSERT INTO event VALUES ({','.join('?' * len(rows[0]))})", rows[start : start + size])
        db.execute("COMMIT")
    seconds = time.monotonic() - began
    db.close()
    return len(rows) / seconds


def _wait(reached: Callable[[], bool], seconds: float = 30) -> None:
    end, pace = time.monotonic() + seconds, threading.Event()
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError("the bench waited in vain")
        pace.wait(0.01)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-ingest-") as folder:
        root = Path(folder)
        with broker(root / "broker") as port:
            whole = end_to_end(root, port)
        with broker(root / "broker2") as port:
            bare = broker_alone(root, port)
        database = database_alone(root)
    ceiling = min(bare, database)
    reference = f"broker client alone {bare:,.0f}/s, database alone {database:,.0f}/s"
    ratio = whole / ceiling
    return [Figure("ingest.end_to_end", round(whole), "events/s, SQLite, committed and acknowledged", reference,
                   round(ratio, 2), f"≥ {GOAL:g} of the lower ceiling", ratio >= GOAL)]  # fmt: skip
