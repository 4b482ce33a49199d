"""The hub while what is around it fails: a database that takes nothing, a disk that is full, servers that drip, a wrong clock."""

from __future__ import annotations

import errno
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from patience import PATIENCE_S
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import event, func, select, update
from sqlalchemy.exc import InternalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from device_drivers.contract.messages import EdgeStatus, encode
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from hub import clock as hub_clock
from hub import deadline, jobs, mosquitto, whole_file
from hub.broker import BrokerHandler
from hub.cases.nightly import analyse
from hub.jobs import Job, JobRunner
from hub.lease import outbox
from hub.lease.chain import remind
from hub.lease.feed import Subject, message
from hub.privacy.purge import purge
from hub.services import Hub
from hub.tables import Edge, EventRow, OutboxMessage, PassDay, Tenancy
from hub.tenancy import sources

HOME, EDGE = "E001.E001-B1-0101", "edge-aaaa"
Answer = Callable[[socket.socket, threading.Event], None]


# --- the database -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["no connection is free", "it is read-only"])
def test_what_the_broker_brings_waits_for_the_database(
    sqlite_hub: Hub,
    small_site: Callable[[Hub], None],
    broker: MemoryBroker,
    wait_until: Callable[..., object],
    why: str,
) -> None:
    """A pool that is exhausted for half a minute, a standby that takes no writes: the worker goes on afterwards."""
    small_site(sqlite_hub)
    refused = threading.Event()
    error = PoolTimeout() if why.startswith("no") else InternalError("INSERT", {}, ReadOnlySqlTransaction())

    def refuse(_session: Session, _context: object, _instances: object) -> None:
        refused.set()
        raise error

    handler = BrokerHandler(sqlite_hub)
    event.listen(Session, "before_flush", refuse)
    try:
        handler.start(MemoryLink(broker))
        handler.receive(Incoming(f"v1/{EDGE}/up/status", encode(EdgeStatus(True, "ep"))))
        handler.receive(Incoming(f"v1/{EDGE}/up/status", b"no status at all"))  # nor can it be put aside
        assert refused.wait(PATIENCE_S)
    finally:
        event.remove(Session, "before_flush", refuse)
    try:
        assert sqlite_hub.takes(), "the worker lives"

        def online() -> bool:
            with sqlite_hub.db.reading() as session:
                return bool(session.get_one(Edge, EDGE).online)

        wait_until(online, "the message that waited")
    finally:
        handler.stop()
    assert not sqlite_hub.takes()


def test_the_health_page_says_when_no_connection_is_free(sqlite_hub: Hub, client_for: Callable[[Hub], Any]) -> None:
    def refuse(*_what: object) -> None:
        raise PoolTimeout

    engine = sqlite_hub.db.engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        answer = client_for(sqlite_hub).get("/api/v1/health")
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
    assert answer.status_code == 200, answer.text
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert not parts["database"]["ok"]
    assert parts["database"]["detail_zh"] == "数据库没有响应"


def test_who_may_come_in_survives_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's file of accounts is written whole or not at all."""
    directory = tmp_path / "broker"
    directory.mkdir()
    file = directory / "dynamic-security.json"
    mosquitto._write(file, '{"clients": [{"username": "edge-aaaa"}]}')
    before = file.read_text()

    class Full:
        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_what: object) -> None: ...

        def write(self, _content: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(whole_file, "os", FullDisk(Full()))
        with pytest.raises(OSError, match="No space"):
            mosquitto._write(file, "{}")
    assert file.read_text() == before
    assert [one.name for one in directory.iterdir()] == [file.name], "and nothing is left behind"
    file.write_text("")
    with pytest.raises(mosquitto.BrokerFailed, match="enrol every edge box again"):
        mosquitto._read_json(file)


class FullDisk:
    """`os`, whose files take nothing."""

    def __init__(self, full: object) -> None:
        self._full = full

    def __getattr__(self, name: str) -> Any:
        return (lambda *_args: self._full) if name == "fdopen" else getattr(os, name)


# --- servers ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    """`serve(answer)`: a server that reads a request's head and then does as it likes, until the test is over."""
    over, listening = threading.Event(), list[socket.socket]()

    def start(answer: Answer) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def one(connection: socket.socket) -> None:
            with connection:
                try:
                    data = b""
                    while b"\r\n\r\n" not in data:
                        data += connection.recv(65536)
                    answer(connection, over)
                except OSError:
                    return

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    over.set()
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def drip(head: bytes, drop: bytes) -> Answer:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head)
        while not over.wait(0.02):
            connection.sendall(drop)

    return answer


DRIPS = {
    "a body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    "a head": drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
    "answers before the answer": drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "the name in a gzip head": drip(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9000000\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\x03",
        b"n",
    ),
}


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS.keys())
def test_a_source_that_drips_has_its_time(
    serve: Callable[[Answer], str], monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(sources, "PAGE_S", 0.4)
    with (
        httpx.Client(base_url=serve(answer), timeout=PATIENCE_S) as client,
        pytest.raises(sources.SourceProblem, match="too_slow"),
    ):
        sources.pull(client, "/api/tenancies", "")


def test_a_limit_ends_with_its_request(serve: Callable[[Answer], str]) -> None:
    """And holds on a connection that an earlier request made."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        connection.recv(65536)
        over.wait(PATIENCE_S)

    with httpx.Client(base_url=serve(answer), timeout=PATIENCE_S) as client:
        with deadline.within(client, PATIENCE_S) as watched:
            assert client.get("/", extensions=watched).text == "ok"
        with deadline.within(client, 0.2) as watched, pytest.raises(httpx.HTTPError):
            client.get("/", extensions=watched)


def tell(hub: Hub, *keys: str) -> None:
    subject = Subject(HOME, "E001-B1-0101", "E001", "T-1")
    with hub.db.unit_of_work("test", "something happened", now=hub.now()) as uow:
        for key in keys:
            outbox.enqueue(uow, message("case.opened", key, subject, uow.now, {"case": {"number": key}}))


def tried(hub: Hub) -> list[tuple[int, str]]:
    with hub.db.reading() as session:
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
        return [(row.attempts, row.last_error) for row in rows]


def inbox(hub: Hub, url: str, timeout_s: float) -> None:
    (hub.config.dir / outbox.CONFIG_FILE).write_text(json.dumps({"url": f"{url}/in", "timeout_s": timeout_s}))


@pytest.mark.parametrize("answer", [DRIPS["a head"], drip(b"HTTP/1.1 500 Oh\r\nContent-Length: 9999999\r\n\r\n", b"x")])
def test_an_inbox_that_drips_is_tried_again(sqlite_hub: Hub, serve: Callable[[Answer], str], answer: Answer) -> None:
    inbox(sqlite_hub, serve(answer), 0.1)
    tell(sqlite_hub, "a")
    assert outbox.deliver(sqlite_hub) == "0 delivered, 1 failed, 1 wait"
    ((attempts, error),) = tried(sqlite_hub)
    assert attempts == 1
    assert "租赁系统" in error


def endless(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"x" * 100_000)


def garbled(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(
        b"HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    )


def utf16(connection: socket.socket, _over: threading.Event) -> None:
    page = "<html>error</html>".encode("utf-16-le")
    connection.sendall(b"HTTP/1.1 400 No\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(page) + page)


@pytest.mark.parametrize("answer", [endless, garbled, utf16])
def test_an_answer_of_any_kind_stops_no_other_message(hub: Hub, serve: Callable[[Answer], str], answer: Answer) -> None:
    inbox(hub, serve(answer), 30)
    tell(hub, "a", "b", "c")
    assert outbox.deliver(hub) == "0 delivered, 3 failed, 3 wait"
    assert [(attempts, "HTTP 400" in error, "\0" in error) for attempts, error in tried(hub)] == [(1, True, False)] * 3


def test_a_body_without_end_is_refused(sqlite_hub: Hub, client_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed in or not, told before or not."""
    monkeypatch.setattr("hub.app.MAX_BODY", 10_000)
    client = client_for(sqlite_hub)
    body = json.dumps({"name": "x" * 20_000, "password": "y"}).encode()
    for content in (body, iter([body])):
        answer = client.post("/api/v1/session", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large"), answer.text
    small = client.post("/api/v1/session", json={"name": "x", "password": "y" * 5_000})
    assert small.status_code == 401, small.text


# --- the clock --------------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumped_lets_nothing_go_and_finds_nobody_absent(
    sqlite_hub: Hub, small_site: Callable[[Hub], None], clock: Any
) -> None:
    hub = sqlite_hub
    small_site(hub)
    assert hub_clock.look(hub) == ""
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(to_date=(hub.now() + timedelta(days=365)).date()))
        for back in range(1, 30):
            at = hub.now() - timedelta(days=back)
            uow.session.add(
                EventRow(
                    edge_id=EDGE, epoch="e", seq=back, estate_id="E001", kind="access", device_id="", at=at, dwelling_id=HOME,
                    received_at=at, ingested_at=at, late=False, data="{}",
                )
            )  # fmt: skip
            uow.session.add(
                PassDay(dwelling_id=HOME, day=at.date(), credential="tok", holder_class="resident", other=1)
            )
    clock.jump(days=1000)
    for job in (purge, analyse, remind):
        assert job(hub) == "waits: the clock cannot be believed", job
    clock.jump(days=-1000)
    assert hub_clock.look(hub) == ""
    assert not analyse(hub).startswith("waits")
    with hub.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == 29
        assert session.scalar(select(func.count()).select_from(PassDay)) == 29
        assert session.scalars(select(OutboxMessage.id)).all() == []


def test_a_clock_that_is_set_back_stops_no_job(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A period's next turn stands on the machine's clock: set right again it would lie a year ahead."""
    wall = [1_000_000.0]
    ran = threading.Event()
    monkeypatch.setattr(jobs, "time", Clocks(wall))
    runner = JobRunner(sqlite_hub, (Job("a.job", 3600.0, lambda _hub: ran.set() or "ran"),))
    runner.start()
    try:
        assert ran.wait(PATIENCE_S), "its first turn"
        assert not runner.set_back()
        ran.clear()
        wall[0] += 3
        assert not runner.set_back(), "seconds are NTP's"
        wall[0] -= 400 * 86_400
        assert runner.set_back()
        assert ran.wait(PATIENCE_S), "not only in an hour"
        assert not runner.set_back(), "once"
    finally:
        assert runner.stop()


class Clocks:
    """`time`, with a wall clock that people set."""

    def __init__(self, wall: list[float]) -> None:
        self._wall = wall

    def time(self) -> float:
        return self._wall[0]

    def monotonic(self) -> float:
        return 0.0


def test_a_job_that_does_not_end_does_not_keep_the_process(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STOP_S", 0.1)
    began, over = threading.Event(), threading.Event()

    def frozen(_hub: Hub) -> str:
        began.set()
        over.wait(PATIENCE_S)
        return ""

    runner = JobRunner(sqlite_hub, (Job("a.job", 3600.0, frozen),))
    runner.start()
    assert began.wait(PATIENCE_S)
    assert not runner.stop()
    over.set()
