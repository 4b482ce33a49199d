"""What stands when two do something at once: edges, their devices and certificates, orders, sign-ins, the audit trail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from meeting import Meeting, after, before, meeting
from orders_site import build
from psycopg.errors import AdminShutdown, DeadlockDetected, ReadOnlySqlTransaction
from sqlalchemy import event, select
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from device_drivers.contract.events import Event, ObservationChanged
from device_drivers.contract.messages import CommandResult, DevicesDesired, EdgeStatus, EventBatch, decode
from device_drivers.contract.words import CommandOutcome, ObservationState
from hub import auth, enrol, keys
from hub import clock as hub_clock
from hub.errors import ApiError
from hub.estate import api as estate_api
from hub.estate import commands, devices, edges, orders
from hub.events.ingest import Ingest
from hub.keys import Keys
from hub.services import Hub
from hub.tables import (
    AuditRow,
    ClockState,
    CommandOrder,
    CommandRow,
    Coverage,
    Device,
    Edge,
    Estate,
    HubUser,
    SourceState,
)
from hub.tenancy import sync

EDGE, TERMINAL = "edge-aaaa", "E001.face-g1"


@pytest.fixture
def site(postgres_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(postgres_hub)
    return postgres_hub


def test_who_waits_for_the_audit_trail_holds_no_row_that_another_needs(postgres_hub: Hub) -> None:
    """A row that is changed and not written yet is written before the trail is taken: else each waits for the other."""
    hub = postgres_hub
    with hub.db.unit_of_work("test", "a source", audit=False) as uow:
        uow.session.add(SourceState(source="s", cursor="", last_error="", last_total=0, detail={}))

    def run_now() -> None:
        with hub.db.unit_of_work("a", "run wanted", now=hub.now()) as uow:
            sync.want_full(uow, uow.session.get_one(SourceState, "s"))

    met = meeting(hub, run_now)
    with hub.db.unit_of_work("b", "confirmed", now=hub.now()) as uow:
        row = uow.session.get_one(SourceState, "s", with_for_update=True)
        row.last_error = "x"
        uow.record("tenancy.held_asked", "s")
        met()
    met.over()
    with hub.db.reading() as session:
        assert {row.actor for row in session.scalars(select(AuditRow))} == {"a", "b"}


def test_guesses_at_once_are_as_many_guesses(postgres_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = postgres_hub
    user = auth.add_user(hub, "wang", "", "auditor", [], "right password", "test")

    def guess() -> None:
        with pytest.raises(ApiError):
            auth.sign_in(hub, "wang", "wrong password")

    for _ in range(auth.MAX_FAILURES - 2):
        guess()
    met = meeting(hub, guess)
    with hub.db.unit_of_work("test", "a guess that is being counted", audit=False) as uow:
        uow.session.get_one(HubUser, user, with_for_update=True).failed_attempts += 1
        uow.session.flush()
        met()
    met.over()
    with hub.db.reading() as session:
        row = session.get_one(HubUser, user)
        assert row.locked_until is not None, f"counted: {row.failed_attempts}"


# --- edges ----------------------------------------------------------------------------------------------------------------


def status(hub: Hub) -> EdgeStatus:
    return EdgeStatus(online=True, epoch="e", head_seq=0, version="1", started_at=hub.now())


def test_an_edge_that_has_just_said_that_it_is_there_is_not_lost(
    site: Hub, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edges.take_status(site, EDGE, status(site))
    clock.pass_(minutes=1)
    heard_after = site.now()
    clock.pass_(seconds=20)
    met = meeting(site, lambda: edges.take_status(site, EDGE, status(site)))
    before(monkeypatch, edges.coverage, "edge_lost", met)
    edges.lost_from_sight(site, [EDGE], heard_after)
    met.over()
    with site.db.reading() as session:
        assert session.get_one(Edge, EDGE).online


def test_what_a_device_could_see_is_written_by_one(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.db.unit_of_work("test", "it saw", audit=False) as uow:
        since = site.now() - timedelta(days=1)
        uow.session.add(Coverage(estate_id="E001", device_id=TERMINAL, state="ok", reason="", from_at=since))
        uow.session.get_one(Edge, EDGE).online = True
    when = site.now() - timedelta(hours=1)
    said = Event(1, TERMINAL, when, ObservationChanged(ObservationState.DOWN), when)
    met = meeting(site, lambda: Ingest(site).take(EDGE, "e", [EventBatch("e", 1, (said,))]))
    after(monkeypatch, edges.coverage, "edge_lost", met)
    edges.lost_from_sight(site, [EDGE])
    met.over()
    with site.db.reading() as session:
        rows = session.scalars(select(Coverage).where(Coverage.device_id == TERMINAL).order_by(Coverage.from_at)).all()
    assert [row.to_at for row in rows] == [*(row.from_at for row in rows[1:]), None], (
        "one after the other, without overlap"
    )


def test_two_sets_of_devices_have_two_numbers(site: Hub, broker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two sets of one number the edge refuses the second: a device taken out of service would go on."""
    devices.publish_devices(site)
    with site.db.unit_of_work("test", "a first change", audit=False) as uow:
        uow.session.get_one(Device, TERMINAL).name = "北门一"

    def out_of_service() -> None:
        with site.db.unit_of_work("test", "out of service", audit=False) as uow:
            uow.session.get_one(Device, TERMINAL).in_service = False
        devices.publish_devices(site)

    met = meeting(site, out_of_service)
    after(monkeypatch, devices, "compose", met)
    devices.publish_devices(site)
    met.over()
    told: dict[int, set[str]] = {}
    for message in broker.log:
        if message.topic.endswith("/down/devices"):
            one = decode(DevicesDesired, message.payload).devices
            told.setdefault(one.generation, set()).add(devices.digest(one))
    assert len(told) >= 3
    assert all(len(sets) == 1 for sets in told.values()), told


def certificate_request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("other", ["removed", "renewed"])
def test_every_certificate_ends_with_its_box(site: Hub, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    """Renewed while it is removed, or renewed twice at once and then removed."""
    issued: list[str] = []
    plain = enrol._signed

    def signed(*args: Any) -> Any:
        one = plain(*args)
        issued.append(one.serial)
        met()
        return one

    def second() -> None:
        if other == "removed":
            enrol.remove_edge(site, EDGE, "test", "stolen box")
        else:
            enrol.renew(site, EDGE, certificate_request())

    met = meeting(site, second)
    monkeypatch.setattr(enrol, "_signed", signed)
    enrol.renew(site, EDGE, certificate_request())
    met.over()
    if other == "renewed":
        enrol.remove_edge(site, EDGE, "test", "stolen box")
    revoked = x509.load_pem_x509_crl(site.keys.revoked_file.read_bytes())
    good = [one for one in issued if revoked.get_revoked_certificate_by_serial_number(int(one, 16)) is None]
    assert not good, f"{len(good)} of {len(issued)} certificates of a removed box are still good"


def stands_for_a_file(path: Path) -> bool:
    """Whether somebody waits for a lock of this file."""
    inode = f":{path.stat().st_ino} "
    return any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


def test_two_revocations_at_once_are_both_on_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`estate-hub remove-edge` while the server renews a certificate."""
    server, command = Keys(tmp_path / "keys"), Keys(tmp_path / "keys")
    server.revoke("1")
    met = Meeting(lambda: command.revoke("ab"), lambda: stands_for_a_file(tmp_path / "keys" / "revoked.lock"))
    before(monkeypatch, keys, "write_whole", met)
    server.revoke("cd")
    met.over()
    revoked = {one.serial_number for one in x509.load_pem_x509_crl(server.revoked_file.read_bytes())}
    assert revoked == {0x1, 0xAB, 0xCD}


# --- orders and commands --------------------------------------------------------------------------------------------------


def test_an_answer_that_came_is_not_written_over(site: Hub, clock: Any) -> None:
    with site.db.unit_of_work("test", "a command", audit=False) as uow:
        uow.session.add(
            CommandRow(
                id="c1", estate_id="E001", edge_id=EDGE, device_id=TERMINAL, kind="momentary_access", actor="test",
                reason="r", issued_at=site.now(), expires_at=site.now() + timedelta(seconds=10),
            )
        )  # fmt: skip
    clock.pass_(seconds=16)
    met, first = meeting(site, lambda: commands.expire(site)), threading.current_thread()

    def written(session: Session, _context: object) -> None:
        if threading.current_thread() is first and any(isinstance(one, CommandRow) for one in session.dirty):
            met()

    event.listen(Session, "after_flush", written)
    try:
        commands.settle(site, EDGE, CommandResult("c1", CommandOutcome.DONE, site.now(), "ok"))
    finally:
        event.remove(Session, "after_flush", written)
    met.over()
    with site.db.reading() as session:
        assert session.get_one(CommandRow, "c1").outcome == "done"


def test_an_order_that_was_confirmed_is_not_void(
    postgres_hub: Hub, small_estate: Any, clock: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = postgres_hub
    build(hub, small_estate)
    manager, second = sign_in(hub, "estate_manager"), sign_in(hub, "administrator")
    look = {"kind": "lock_down", "scope": "doors", "door_ids": ["E001.D1"]}
    order = manager.post("/api/v1/estates/E001/command-orders", json=look).json()["id"]
    asked = manager.post(f"/api/v1/command-orders/{order}/execute", json={"reason": "消防演练"}).json()
    assert asked["state"] == "asked", asked
    clock.pass_(minutes=9, seconds=59)

    def expire() -> None:
        clock.pass_(seconds=2)
        orders.expire(hub)

    met = meeting(hub, expire)
    before(monkeypatch, orders, "_issue", met)
    done = second.post(f"/api/v1/command-orders/{order}/confirm", json={"reason": "消防演练"})
    met.over()
    assert done.status_code == 202, done.text
    with hub.db.reading() as session:
        assert session.get_one(CommandOrder, order).state == "issued", "the doors were told"


# --- settings -------------------------------------------------------------------------------------------------------------


def test_two_changes_of_a_policy_both_stand(site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = sign_in(site, "administrator"), sign_in(site, "administrator")

    def put(client: Any, **body: object) -> None:
        answer = client.patch("/api/v1/estates/E001/policy", json={"reason": "整改要求", **body})
        assert answer.status_code == 200, answer.text

    met = meeting(site, lambda: put(other, snapshots=False, snapshot_days=3))
    after(monkeypatch, estate_api, "_policy", met)
    put(one, mode_max_s=3600)
    met.over()
    with site.db.reading() as session:
        policy = session.get_one(Estate, "E001").policy
    assert (policy["snapshot_days"], policy["mode_max_s"]) == (3, 3600)


def test_the_first_look_at_the_clock_may_be_two(postgres_hub: Hub) -> None:
    hub = postgres_hub
    met = meeting(hub, lambda: hub_clock.look(hub))
    with hub.db.unit_of_work("system", "the clock", now=hub.now()) as uow:
        uow.session.add(ClockState(id=1, seen_at=hub.now(), problem="", asked_by=""))
        uow.session.flush()
        met()
    met.over()


# --- what a person is told ------------------------------------------------------------------------------------------------


def test_who_comes_second_is_told_so(site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clicks add one user; the second answer is no failure of the system."""
    one, other = sign_in(site, "administrator"), sign_in(site, "administrator")
    wish, answers = {"name": "wang", "role": "auditor"}, list[Any]()
    met = meeting(site, lambda: answers.append(other.post("/api/v1/admin/users", json=wish)))
    after(monkeypatch, auth, "new_id", met)
    answers.append(one.post("/api/v1/admin/users", json=wish))
    met.over()
    added, late = sorted(answers, key=lambda answer: answer.status_code)
    assert (added.status_code, late.status_code) == (201, 409), late.text
    assert late.json()["error"]["code"] == "at_once"
    assert "Reload" in late.json()["error"]["message_en"]


def test_a_deadlock_is_a_second_try_and_a_lost_database_no_failure_of_the_page(site: Hub, sign_in: Any) -> None:
    client = sign_in(site, "administrator")
    url = "/api/v1/estates/E001/policy"

    def put() -> Any:
        return client.patch(url, json={"reason": "整改要求", "mode_max_s": 3600})

    for raised, status, code in (
        (OperationalError("UPDATE estate", {}, DeadlockDetected()), 409, "at_once"),
        (OperationalError("UPDATE estate", {}, AdminShutdown()), 503, "database"),
        (InternalError("UPDATE estate", {}, ReadOnlySqlTransaction()), 503, "database"),  # a standby
        (PoolTimeout(), 503, "database"),  # half a minute without a free connection
    ):
        with event_raising(raised):
            answer = put()
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert put().status_code == 200, "and the next goes through"


@contextmanager
def event_raising(error: Exception) -> Iterator[None]:
    """What the database says to the next row that is written."""

    def refuse(_session: Session, _context: object, _instances: object) -> None:
        raise error

    event.listen(Session, "before_flush", refuse)
    yield
    event.remove(Session, "before_flush", refuse)
