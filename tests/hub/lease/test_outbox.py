"""At least once, signed, over real HTTP: an inbox that fails, refuses, loses its answer, or is not there."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from hub import auth
from hub.english.phrases import CHINESE, english
from hub.lease import outbox
from hub.lease.feed import Subject, message
from hub.lease.outbox import CONFIG_FILE, LeaseConfigInvalid, deliver, enqueue, wait_after
from hub.services import Hub
from hub.tables import AuditRow, InboundDecision, OutboxMessage

SUBJECT = Subject("E001.E001-B1-0101", "E001-B1-0101", "E001", "T-1")


@dataclass
class Inbox:
    """A lease system: `answers` are given in turn (status, or None: take it and drop the line), then 200. `page`: a web page in
    place of its own answer. `refuses`: whatever names this kind, each time after `takes` seconds of the hub's clock."""

    port: int = 0
    answers: list[int | None] = field(default_factory=list)
    page: str = ""
    refuses: str = ""
    waits: Callable[[], None] = lambda: None
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/inbox"


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.received.append((dict(self.headers.items()), body))
            status = box.answers.pop(0) if box.answers else 200
            if status is None:
                self.close_connection = True
                self.connection.close()
                return
            if box.refuses and box.refuses in body.decode():
                box.waits()
                status = 422
            text = (box.page or "{}").encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8" if box.page else "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield box
    server.shutdown()
    server.server_close()
    thread.join()


def _configure(hub: Hub, url: str) -> None:
    (hub.config.dir / CONFIG_FILE).write_text(json.dumps({"url": url, "timeout_s": 5}))


def _say(hub: Hub, *keys: str) -> None:
    with hub.db.unit_of_work("test", "something happened", now=hub.now()) as uow:
        for key in keys:
            enqueue(uow, message("case.opened", key, SUBJECT, uow.now, {"case": {"number": key}}))


def _rows(hub: Hub) -> list[OutboxMessage]:
    with hub.db.reading() as session:
        return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def test_a_message_arrives_signed(hub: Hub, inbox: Inbox) -> None:
    _configure(hub, inbox.url)
    _say(hub, "case-1")
    assert deliver(hub) == "1 delivered, 0 failed, 0 wait"
    ((headers, body),) = inbox.received
    assert json.loads(body)["case"] == {"number": "case-1"}
    assert headers["Idempotency-Key"] == "case.opened:case-1"
    assert headers["X-Key-Id"] == hub.keys.key_id
    key = Ed25519PublicKey.from_public_bytes(hub.keys.public_key)
    key.verify(base64.b64decode(headers["X-Signature"]), body)
    assert deliver(hub) == "0 delivered, 0 failed, 0 wait", "once is enough"


def test_refusals_and_lost_answers_are_tried_again_until_it_is_there(hub: Hub, inbox: Inbox, clock: Any) -> None:
    _configure(hub, inbox.url)
    inbox.answers = [500, 401, None]
    _say(hub, "case-1")
    said = (("自身出错（HTTP 500", 1), ("不认可本系统的密钥或签名，请与其管理员核对（HTTP 401", 2), ("连接中断", 4))
    for attempt, (word, wait) in enumerate(said, start=1):
        assert deliver(hub) == "0 delivered, 1 failed, 1 wait"
        (row,) = _rows(hub)
        assert row.attempts == attempt
        assert word in row.last_error
        assert not CHINESE.search(english(row.last_error)), "and in English, for who reads that"
        assert deliver(hub) == "0 delivered, 0 failed, 1 wait", "before its time nothing is sent"
        clock.pass_(seconds=wait)
    assert deliver(hub) == "1 delivered, 0 failed, 0 wait"
    assert len({headers["Idempotency-Key"] for headers, _ in inbox.received}) == 1, "the receiver can tell repeats"
    assert len({body for _, body in inbox.received}) == 1, "the same bytes every time"
    (row,) = _rows(hub)
    assert (row.delivered_at, row.last_error) == (hub.now(), "")


def test_one_refused_message_does_not_stop_the_others(hub: Hub, inbox: Inbox) -> None:
    _configure(hub, inbox.url)
    inbox.answers = [422]
    _say(hub, "case-1", "case-2", "case-3")
    assert deliver(hub) == "2 delivered, 1 failed, 1 wait"


def test_a_web_page_is_no_answer(hub: Hub, inbox: Inbox, clock: Any) -> None:
    """A proxy in front of it says with status 200 that it is being mended, or asks somebody to sign in: nobody took anything."""
    _configure(hub, inbox.url)
    inbox.page = "<html><body><h1>系统维护中</h1></body></html>"
    _say(hub, "case-1")
    assert deliver(hub) == "0 delivered, 1 failed, 1 wait"
    (row,) = _rows(hub)
    assert "网页" in row.last_error
    assert not CHINESE.search(english(row.last_error).replace("系统维护中", "")), "and in English"
    inbox.page = ""
    clock.pass_(seconds=1)
    assert deliver(hub) == "1 delivered, 0 failed, 0 wait"


def test_many_that_are_refused_keep_no_other_waiting(
    hub: Hub, inbox: Inbox, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease system that knows one kind not yet, and takes a second to say so: of a whole city there are thousands."""
    batch = 20
    monkeypatch.setattr(outbox, "BATCH", batch)
    _configure(hub, inbox.url)
    inbox.refuses, inbox.waits = '"old-', lambda: clock.pass_(seconds=1)
    _say(hub, *(f"old-{n}" for n in range(3 * batch + batch // 2)))
    for _ in range(12):
        deliver(hub)
    clock.pass_(minutes=1)
    _say(hub, "new-1")
    said = [deliver(hub) for _ in range(4)]
    assert sum(int(line.split()[0]) for line in said) == 1, f"the new one waits behind the refused: {said}"


def test_nobody_there(hub: Hub, free_port: Callable[[], int], clock: Any) -> None:
    _configure(hub, f"http://127.0.0.1:{free_port()}/api/inbox")
    _say(hub, "case-1", "case-2")
    assert deliver(hub) == "0 delivered, 1 failed, 2 wait", "a dead line is not tried for every message"
    assert sorted(row.attempts for row in _rows(hub)) == [0, 1]


def test_without_a_lease_system_messages_wait(sqlite_hub: Hub) -> None:
    _say(sqlite_hub, "case-1")
    assert "1 messages wait" in deliver(sqlite_hub)
    (sqlite_hub.config.dir / CONFIG_FILE).write_text('{"url": "ftp://x"}')
    with pytest.raises(LeaseConfigInvalid, match=r"lease\.json"):
        deliver(sqlite_hub)


def test_what_is_rolled_back_is_not_said(hub: Hub) -> None:
    class ChangedMyMind(RuntimeError):
        pass

    def work() -> None:
        with hub.db.unit_of_work("test", "no") as uow:
            enqueue(uow, message("case.opened", "case-1", SUBJECT, uow.now, {}))
            raise ChangedMyMind

    with pytest.raises(ChangedMyMind):
        work()
    assert _rows(hub) == []


def test_said_twice_is_kept_once(hub: Hub) -> None:
    _say(hub, "case-1")
    _say(hub, "case-1")
    assert len(_rows(hub)) == 1


def test_waiting_grows_to_a_limit() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 200)]
    assert waits[:3] == [timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=4)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=5)


# --- what comes back ----------------------------------------------------------------------------------------------------


@pytest.fixture
def lease_client(hub: Hub, client_for: Callable[[Hub], Any]) -> Any:
    client = client_for(hub)
    client.headers["X-Api-Key"] = auth.add_api_key(hub, "lease")
    return client


DECISION = {"id": "LD-1", "kind": "end_tenancy", "tenancy_id": "T-1", "decision": {"number": "青房退〔2026〕1号"}}


def test_a_decision_is_kept_as_received_and_applied_once(hub: Hub, lease_client: Any) -> None:
    for _ in range(2):
        answer = lease_client.post("/api/v1/lease/decisions", json=DECISION)
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"id": "LD-1", "result": "stored; the tenancy feed carries it"}
    with hub.db.reading() as session:
        (row,) = session.scalars(select(InboundDecision)).all()
        assert row.body == DECISION
        noted = [change for audit in session.scalars(select(AuditRow)) for change in audit.changes]
    assert [change["subject"] for change in noted if change["what"] == "lease.decision"] == ["LD-1"]


def test_another_content_under_a_known_number_is_refused(lease_client: Any) -> None:
    assert lease_client.post("/api/v1/lease/decisions", json=DECISION).status_code == 202
    answer = lease_client.post("/api/v1/lease/decisions", json={**DECISION, "tenancy_id": "T-2"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "decision_changed"


def test_only_the_lease_system_may_send_decisions(hub: Hub, sign_in: Any, client_for: Any) -> None:
    assert client_for(hub).post("/api/v1/lease/decisions", json=DECISION).status_code == 401
    assert sign_in(hub, "housing_official").post("/api/v1/lease/decisions", json=DECISION).status_code == 403


def test_the_outbox_is_shown_to_those_who_see_cases(
    hub: Hub, sign_in: Any, small_estate: Callable[[Hub], None]
) -> None:
    small_estate(hub)
    _say(hub, "case-1")
    shown = sign_in(hub, "housing_official").get("/api/v1/outbox").json()
    assert shown["undelivered"] == 1
    assert shown["items"][0]["kind"] == "case.opened"
    assert sign_in(hub, "estate_manager").get("/api/v1/outbox").status_code == 403
