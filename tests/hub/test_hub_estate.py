"""Edges, device sets, reports, coverage, commands, the hand-over's import."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import (
    MAX_PAYLOAD,
    Command,
    CommandResult,
    CredentialRefusal,
    DeviceReported,
    DevicesDesired,
    EdgeStatus,
    EventAck,
    decode,
    parse_topic,
)
from device_drivers.contract.words import CommandOutcome, DeviceCondition
from device_drivers.mqtt import MemoryBroker
from hub.english.phrases import CHINESE
from hub.estate import commands, coverage, devices, edges
from hub.estate.coverage import Change, Interval, covered_seconds, insert_change, without_open
from hub.estate.show import DwellingStatuses
from hub.estate.site import SiteProblem, import_site, read_site
from hub.estate.status import DwellingFacts, dwelling_status
from hub.estate.views import edge_items
from hub.health import health
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    CaseFile,
    CommandRow,
    Coverage,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    Finding,
    Meter,
    ReportedList,
    Tenancy,
)

T0 = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def site(hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(hub)
    with hub.db.unit_of_work("test", "announced", audit=False) as uow:
        can = {"cards": True, "photos": True, "holds_list": True, "commands": ["momentary_access"]}
        uow.session.get_one(Edge, "edge-aaaa").catalogue = [{"kind": "face_terminal", "capabilities": can}]
    return hub


def sent(broker: MemoryBroker, kind: Any) -> list[Any]:
    found = []
    for message in broker.log:
        address = parse_topic(message.topic)
        if address and address.message is kind:
            found.append(decode(kind, message.payload))
    return found


# --- coverage ---------------------------------------------------------------------------------------------------------


def test_a_change_ends_the_interval_it_falls_into() -> None:
    known = insert_change([], Change("ok", "", T0))
    known = insert_change(known, Change("down", "power", T0 + 5 * HOUR))
    known = insert_change(known, Change("ok", "", T0 + 7 * HOUR))
    assert known == [
        Interval("ok", "", T0, T0 + 5 * HOUR),
        Interval("down", "power", T0 + 5 * HOUR, T0 + 7 * HOUR),
        Interval("ok", "", T0 + 7 * HOUR, None),
    ]
    assert covered_seconds(known, T0, T0 + 10 * HOUR) == 8 * 3600


@given(st.permutations([(n, "ok" if n % 2 else "down") for n in range(8)]))
def test_the_order_in_which_changes_come_does_not_matter(order: list[tuple[int, str]]) -> None:
    known: list[Interval] = []
    for n, state in order:
        known = insert_change(known, Change(state, "", T0 + n * HOUR))
    assert [(i.state, i.from_at) for i in known] == [("ok" if n % 2 else "down", T0 + n * HOUR) for n in range(8)]
    assert all(a.to_at == b.from_at for a, b in pairwise(known))
    assert known[-1].to_at is None


def test_an_offline_interval_is_taken_away_only_when_it_is_still_open() -> None:
    known = [Interval("ok", "", T0, T0 + HOUR), Interval("down", coverage.EDGE_OFFLINE, T0 + HOUR, None)]
    assert without_open(known, coverage.EDGE_OFFLINE) == [Interval("ok", "", T0, None)]
    closed = [known[0], Interval("down", coverage.EDGE_OFFLINE, T0 + HOUR, T0 + 2 * HOUR)]
    assert without_open(closed, coverage.EDGE_OFFLINE) == closed


# --- edges ------------------------------------------------------------------------------------------------------------


def open_coverage(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        coverage.apply_changes(uow.session, "E001", {"E001.face-g1": [Change("ok", "", T0)]})


def intervals(hub: Hub) -> list[tuple[str, str, bool]]:
    with hub.db.reading() as session:
        rows = session.scalars(select(Coverage).order_by(Coverage.from_at))
        return [(row.state, row.reason, row.to_at is None) for row in rows]


def test_an_edge_goes_and_comes_back_with_its_journal(site: Hub, broker: MemoryBroker, clock: Any) -> None:
    open_coverage(site)
    assert edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep", 10, clock()))
    assert sent(broker, EventAck) == [EventAck("ep", 0, rewind=True, at=clock())], "with the hub's time"
    assert [d.device for d in sent(broker, DevicesDesired)[0].devices.devices] == [
        "E001.cam-g1",
        "E001.face-g1",
        "E001.meters-b1",
    ]
    clock.pass_(hours=1)
    edges.take_status(site, "edge-aaaa", EdgeStatus(False))
    assert intervals(site) == [("ok", "", False), ("down", "edge_offline", True)], "nobody can say: not covered"
    with site.db.reading() as session:
        edge = session.get_one(Edge, "edge-aaaa")
        assert (edge.online, edge.state_since) == (False, clock())
    clock.pass_(hours=1)
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep", 20, clock()))
    assert intervals(site) == [("ok", "", True)], "the journal tells all it saw meanwhile"


def test_a_lost_disk_leaves_a_hole(site: Hub, clock: Any) -> None:
    open_coverage(site)
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep", 10))
    clock.pass_(hours=1)
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "new-epoch", 1))
    assert intervals(site)[-1] == ("down", "epoch_lost", True), "until the new journal says that it observes"


def test_edges_nobody_hears_are_out_of_sight(site: Hub, clock: Any) -> None:
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    edges.lost_from_sight(site, ["edge-aaaa"])
    with site.db.reading() as session:
        assert not session.get_one(Edge, "edge-aaaa").online


def test_the_device_set_gets_a_new_generation_only_when_it_moves(site: Hub, broker: MemoryBroker) -> None:
    assert devices.publish_devices(site) == "1 device sets sent"
    assert devices.publish_devices(site) == "0 device sets sent"
    with site.db.unit_of_work("test", "policy") as uow:
        uow.session.get_one(Estate, "E001").policy = {"snapshots": True}
    devices.publish_devices(site)
    first, second = sent(broker, DevicesDesired)
    assert (first.devices.generation, second.devices.generation) == (1, 2)
    assert (first.devices.policy.snapshots, second.devices.policy.snapshots) == (False, True)
    (gate,) = [d for d in second.devices.devices if d.device == "E001.face-g1"]
    assert gate.config["code"] == "face-g1"
    assert gate.access_points[0].access_point == "E001.G1-IN"
    assert gate.access_points[0].camera == "E001.cam-g1"


def meters(hub: Hub, count: int, words: Callable[[int], str] = str) -> None:
    with hub.db.unit_of_work("test", "meters", audit=False) as uow:
        uow.session.add_all(
            Meter(
                id=f"E001.W-{n:05d}", estate_id="E001", dwelling_id="E001.E001-B1-0101", device_id="E001.meters-b1",
                point=f"unit-{words(n)}", quantity="water",
            )
            for n in range(count)
        )  # fmt: skip


def test_three_thousand_meters_of_one_edge_fit_into_a_message(site: Hub, broker: MemoryBroker) -> None:
    meters(site, 3000)
    devices.publish_devices(site, "edge-aaaa")
    (wanted,) = sent(broker, DevicesDesired)
    assert sum(len(d.meters) for d in wanted.devices.devices) == 3001
    size = len(broker.retained["v1/edge-aaaa/down/devices"])
    assert size < MAX_PAYLOAD, f"{size} bytes"
    assert site.unsent == {}


def test_a_device_set_that_cannot_be_sent_stands_on_the_health_page(sqlite_hub: Hub, small_site: Any) -> None:
    hub = sqlite_hub
    small_site(hub)
    meters(hub, 2000, lambda n: hashlib.sha512(str(n).encode()).hexdigest())  # nothing in it to compress
    devices.publish_devices(hub, "edge-aaaa")
    assert list(hub.unsent) == ["v1/edge-aaaa/down/devices"]
    (part,) = [part for part in health(hub)["parts"] if part.name == "edges"]
    assert not part.ok
    assert "v1/edge-aaaa/down/devices" in part.detail
    with hub.db.unit_of_work("test", "meters", audit=False) as uow:
        uow.session.execute(delete(Meter).where(Meter.point.like("unit-%"), Meter.point != "unit-1"))
    devices.publish_devices(hub, "edge-aaaa")
    assert hub.unsent == {}, "said no longer once it went out"


def test_a_certificate_that_is_not_renewed_stands_on_the_health_page(site: Hub) -> None:
    def edges(left: timedelta, secret: str | None = "x") -> tuple[bool, str]:
        with site.db.unit_of_work("test", "certificate", audit=False) as uow:
            edge = uow.session.get_one(Edge, "edge-aaaa")
            edge.certificate_until, edge.secret_hash = site.now() + left, secret
            edge.online, edge.enrolled_at = True, site.now()
        (part,) = [part for part in health(site)["parts"] if part.name == "edges"]
        return part.ok, part.detail

    assert edges(timedelta(days=15)) == (True, "1 of 1 online"), "the box has two weeks more to renew it"
    assert edges(timedelta(days=13)) == (False, "1 of 1 online; certificate not renewed: edge-aaaa")
    assert edges(-timedelta(days=1))[0] is False
    assert edges(-timedelta(days=1), None)[0], "a box that was taken out needs none"


def test_a_box_that_cannot_write_or_does_not_know_the_time_is_no_healthy_one(site: Hub) -> None:
    shown: list[Any] = []

    def said(**of_box: Any) -> tuple[bool, str]:
        edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep", clock=site.now(), **of_box))
        (part,) = [part for part in health(site)["parts"] if part.name == "edges"]
        with site.db.reading() as session:
            (item,) = edge_items(session, "E001")
        shown.append((item["disk_writes"], item["clock_trusted"]))
        return part.ok, part.detail

    assert said() == (True, "1 of 1 online")
    full = (False, "1 of 1 online; the disk takes nothing, records are lost with the power: edge-aaaa")
    assert said(disk_writes=False) == full
    assert said(clock_trusted=False) == (False, "1 of 1 online; time not trusted, visitors wait: edge-aaaa")
    assert said() == (True, "1 of 1 online")
    assert shown == [(True, True), (False, True), (True, False), (True, True)]


def test_the_health_page_speaks_both_languages(site: Hub) -> None:
    parts = health(site)["parts"]
    assert all(part.detail for part in parts)
    assert [part.name for part in parts if CHINESE.search(part.detail)] == []
    assert [part.name for part in parts if not CHINESE.search(part.detail_zh)] == ["database"], "sqlite is its name"


def report(**more: Any) -> DeviceReported:
    values: dict[str, Any] = {
        "device": "E001.face-g1",
        "generation": 3,
        "digest": "d",
        "status": DeviceStatus(DeviceCondition.ONLINE, T0),
    }
    return DeviceReported(**{**values, **more})


def test_a_report_is_kept_as_it_was_said(site: Hub) -> None:
    refused = (CredentialRefusal("tok", "photo_no_face", "no face"),)
    devices.take_report(site, "edge-aaaa", report(wanted=2, confirmed=1, refused=refused))
    with site.db.reading() as session:
        row = session.get_one(ReportedList, "E001.face-g1")
        assert (row.generation, row.wanted, row.confirmed) == (3, 2, 1)
        assert row.refused == [{"token": "tok", "code": "photo_no_face", "text": "no face"}]
        assert session.get_one(Device, "E001.face-g1").condition == "online"
    with pytest.raises(devices.NotThisEdges):
        devices.take_report(site, "edge-bbbb", report())


def test_how_a_device_is_and_what_it_saw_is_read_in_both_languages(site: Hub, sign_in: Any) -> None:
    open_coverage(site)
    with site.db.unit_of_work("test", "coverage", audit=False) as uow:
        told = [
            Change("down", "edge was off", T0 + HOUR),
            Change("down", "事件订阅被设备拒绝，正在重试：HTTP 500", T0 + 2 * HOUR),
        ]
        coverage.apply_changes(uow.session, "E001", {"E001.face-g1": told})
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    edges.take_status(site, "edge-aaaa", EdgeStatus(False))
    said = "遮挡或移动报警：RuleEngine/Tamper；no sign of life for 90 s"
    status = DeviceStatus(DeviceCondition.FAULT, T0, detail=said, model="门禁一体机")
    refused = (CredentialRefusal("tok", "no_point", "no door", partial=True),)
    devices.take_report(site, "edge-aaaa", report(status=status, refused=refused))
    page = sign_in(site, "estate_manager").get("/api/v1/devices/E001.face-g1").json()
    assert [(one["reason"], one["reason_zh"], one["reason_en"]) for one in page["coverage"]] == [
        ("", "", ""),
        ("edge was off", "边缘机停机", "edge was off"),
        (told[1].reason, told[1].reason, "the device refuses to tell its events; it is tried again: HTTP 500"),
        ("edge_offline", "边缘机离线，期间情况未知", "The edge box was offline, so this time is unknown"),
    ]
    assert (page["detail"], page["model_en"]) == (said, "access terminal")
    assert page["detail_zh"] == "遮挡或移动报警：RuleEngine/Tamper；90 秒没有任何消息"
    assert page["detail_en"] == "alarm, covered or moved: RuleEngine/Tamper; no sign of life for 90 s"
    (one,) = page["refusals"]
    assert one["message_zh"] == "设备拒绝（no_point）：no door。门卡照常可用。"
    assert one["message_en"] == "Refused by the device (no_point): no door. The card works as before."


# --- commands ---------------------------------------------------------------------------------------------------------


def outcome(hub: Hub, id: str) -> str | None:
    with hub.db.reading() as session:
        return session.get_one(CommandRow, id).outcome


def test_a_command_is_sent_once_and_its_result_kept(site: Hub, broker: MemoryBroker, clock: Any) -> None:
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    id = commands.issue(site, commands.Wish("E001.face-g1", "momentary_access", "E001.G1-IN"), "wang", "老人忘带卡")
    (command,) = sent(broker, Command)
    assert command.expires_at - command.issued_at == timedelta(seconds=10)
    assert "v1/edge-aaaa/down/command" not in broker.retained, "a command is never retained"
    assert commands.settle(site, "edge-aaaa", CommandResult(id, CommandOutcome.DONE, clock()))
    assert outcome(site, id) == "done"
    assert not commands.settle(site, "edge-bbbb", CommandResult(id, CommandOutcome.REFUSED, clock()))


def test_a_command_nobody_answers_expires_and_a_late_result_still_counts(site: Hub, clock: Any) -> None:
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    id = commands.issue(site, commands.Wish("E001.face-g1", "read_back"), "wang", "核对")
    assert commands.expire(site) == "0 expired"
    clock.pass_(seconds=16)
    assert commands.expire(site) == "1 expired"
    assert outcome(site, id) == "expired"
    commands.settle(site, "edge-aaaa", CommandResult(id, CommandOutcome.UNCERTAIN, clock()))
    assert outcome(site, id) == "uncertain"


def test_no_command_waits_for_an_edge_that_is_offline(site: Hub, sign_in: Any, broker: MemoryBroker) -> None:
    client: TestClient = sign_in(site, "estate_manager")
    body = {"kind": "momentary_access", "access_point_id": "E001.G1-IN", "reason": "开门"}
    reply = client.post("/api/v1/devices/E001.face-g1/commands", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "edge_offline")
    assert sent(broker, Command) == []
    edges.take_status(site, "edge-aaaa", EdgeStatus(True, "ep"))
    assert client.post("/api/v1/devices/E001.face-g1/commands", json={**body, "reason": " "}).status_code == 400
    reply = client.post("/api/v1/devices/E001.face-g1/commands", json=body)
    assert reply.status_code == 202
    state = client.get(f"/api/v1/commands/{reply.json()['id']}").json()
    assert (state["reason"], state["outcome"]) == ("开门", None)


# --- the hand-over ----------------------------------------------------------------------------------------------------


def document() -> dict[str, Any]:
    return {
        "estate": {"code": "E009", "name": "测试小区"},
        "blocks": [{"code": "B1", "name": "1号楼", "floors": 2, "dwellings_per_floor": 1}],
        "dwellings": [{"code": "E009-B1-0101", "block": "B1", "floor": 1, "number": "101", "rooms": 2}],
        "doors": [{"code": "G1", "name": "北门", "scope": "estate"}],
        "access_points": [
            {"code": "G1-IN", "name": "进", "door": "G1", "side": "in", "device": "f1", "point": "door1"}
        ],
        "devices": [{"code": "f1", "name": "终端", "kind": "face_terminal", "config": {"device_id": "1"}}],
        "meters": [],
    }


def test_a_hand_over_is_imported_and_again_without_change(hub: Hub) -> None:
    for _ in range(2):
        assert import_site(hub, json.dumps(document())) == "E009"
    with hub.db.reading() as session:
        counts = {
            t.__tablename__: session.scalar(select(func.count()).select_from(t)) for t in (Dwelling, Door, Device, Edge)
        }
    assert counts == {"dwelling": 1, "door": 1, "device": 1, "edge": 1}


def test_a_hand_over_adds_a_gate_to_an_estate_that_runs(sqlite_hub: Hub, clock: Any) -> None:
    hub, site = sqlite_hub, document()

    def since(code: str) -> date | None:
        import_site(hub, json.dumps(site))
        with hub.db.reading() as session:
            return session.get_one(AccessPoint, f"E009.{code}").in_service_since

    assert since("G1-IN") is None, "an estate that was never observed: its gates always stood there"
    with hub.db.unit_of_work("test", "it runs", audit=False) as uow:
        uow.session.add(Coverage(estate_id="E009", device_id="E009.f1", state="ok", from_at=clock.at))
    site["devices"].append({"code": "f2", "name": "西门终端", "kind": "face_terminal", "config": {"device_id": "2"}})
    west = {"code": "G2-IN", "name": "西门 进", "door": "G1", "side": "in", "device": "f2", "point": "door1"}
    site["access_points"].append(west)
    assert since("G2-IN") == clock.at.astimezone(ZoneInfo("Asia/Shanghai")).date()
    west["in_service_since"] = "2026-03-01"
    assert since("G2-IN") == date(2026, 3, 1)
    del west["in_service_since"]
    assert since("G2-IN") == date(2026, 3, 1), "what the document does not say stays"
    west["in_service_since"] = None
    assert since("G2-IN") is None, "null says: always"
    assert since("G1-IN") is None
    west["in_service_until"] = "2026-04-01"
    with pytest.raises(SiteProblem, match=r"G2-IN: .*使用中的设备"):
        since("G2-IN")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("estate", "time_zone"), "Mars/Olympus", "estate.time_zone: .*unknown time zone"),
        (("estate", "code"), "E 9", "estate.code"),
        (("blocks", 0, "floors"), 0, "blocks.0.floors"),
        (("dwellings", 0, "block"), "B9", "dwellings.0.block: there is no 'B9'"),
        (("access_points", 0, "device"), "f9", "access_points.0.device: there is no 'f9'"),
        (("access_points", 0, "side"), "up", "access_points.0.side"),
        (("doors", 0, "scope"), "block", "doors.0.block: door G1 has scope block"),
        (("doors", 0, "surprise"), 1, "doors.0.surprise"),
        (("devices", 0, "config"), {"cards": False}, "door G1 .face_only.: .*人脸识别不得作为唯一验证方式"),
        (("blocks",), [document()["blocks"][0]] * 2, "code B1 stands 2 times"),
    ],
)
def test_a_wrong_hand_over_names_the_field(path: tuple[Any, ...], value: Any, says: str) -> None:
    site = document()
    at: Any = site
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(SiteProblem, match=says):
        read_site(json.dumps(site))


def test_a_hand_over_that_is_no_json_is_said() -> None:
    with pytest.raises(SiteProblem, match="not JSON"):
        read_site(b"<html>")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (DwellingFacts(), "vacant"),
        (DwellingFacts(tenancy="allocated"), "allocated"),
        (DwellingFacts(tenancy="active"), "occupied"),
        (DwellingFacts(tenancy="active", last_state="unknown"), "occupied"),
        (DwellingFacts(tenancy="active", suspected="suspected_sublet"), "suspected_sublet"),
        (DwellingFacts(suspected="suspected_idle"), "vacant"),
        (DwellingFacts(under_repair=True, tenancy="active"), "repair"),
        (DwellingFacts(tenancy="ended?"), "unknown"),
    ],
)
def test_the_word_a_dwelling_has(facts: DwellingFacts, status: str) -> None:
    assert dwelling_status(facts) == status


# --- who sees a suspicion ---------------------------------------------------------------------------------------------

HOME = "E001.E001-B1-0101"


def suspect(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "a lead", estate_id="E001", now=hub.now()) as uow:
        uow.session.add(
            CaseFile(
                id="case-1", number="E001-1", estate_id="E001", dwelling_id=HOME, kind="sublet", stage="orange",
                state="open", opened_at=hub.now(),
            )
        )  # fmt: skip
        uow.session.flush()
        uow.session.add(
            Finding(
                id="finding-1", estate_id="E001", dwelling_id=HOME, kind="sublet", rule="r", rule_version="1",
                policy_version="1", stage="orange", coverage=1.0, families=[], inputs_hash="x",
                window_from=T0.date(), window_to=T0.date(), because=[],
                against=[], refuted_by=[], evidence=[], opened_at=hub.now(), updated_at=hub.now(), case_id="case-1",
            )
        )  # fmt: skip
        uow.record("case.opened", "case-1")


@pytest.mark.parametrize(("role", "status"), [("housing_official", "suspected_sublet"), ("estate_manager", "occupied")])
def test_a_manager_does_not_learn_that_a_home_is_under_suspicion(
    site: Hub, sign_in: Any, role: str, status: str
) -> None:
    suspect(site)
    client: TestClient = sign_in(site, role)
    table = client.get("/api/v1/estates/E001/blocks").json()
    assert {d["id"]: d["status"] for d in table["blocks"][0]["dwellings"]}[HOME] == status
    assert {one["status"] for one in table["legend"] if one["count"]} == {status, "vacant"}
    assert client.get(f"/api/v1/dwellings/{HOME}").json()["status"] == status
    counts = client.get("/api/v1/estates/E001/summary").json()["counts"]
    assert counts[status.partition("_")[0]] == 1
    assert counts["suspected"] + counts["occupied"] == 1
    if role == "estate_manager":
        for path in ("estates/E001/blocks", f"dwellings/{HOME}"):
            assert "sublet" not in client.get(f"/api/v1/{path}").text.replace('"suspected_sublet","count":0', "")


def test_open_consoles_see_a_status_move_whatever_moved_it(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(site.live, "emit", lambda *what: said.append(what))
    statuses = DwellingStatuses()
    statuses.run(site)
    statuses.run(site)
    assert said == [], "nothing moved"
    with site.db.unit_of_work("source:test", "tenancy ended", now=site.now()) as uow:
        uow.session.get_one(Tenancy, "tenancy-1").state = "ended"
        uow.record("tenancy.ended", "tenancy-1")
    assert statuses.run(site) == "1 dwellings moved"
    assert said.pop() == ("E001", "dwellings", {"id": HOME, "status": "vacant", "plain": {"status": "vacant"}})
    with site.db.unit_of_work("source:test", "tenancy", now=site.now()) as uow:
        uow.session.get_one(Tenancy, "tenancy-1").state = "active"
        uow.record("tenancy.changed", "tenancy-1")
    statuses.run(site)
    suspect(site)
    said.clear()
    statuses.run(site)
    assert said == [("E001", "dwellings", {"id": HOME, "status": "suspected_sublet", "plain": None})]
