"""A device is added by the API: checked settings, kept secrets, doors, service with conditions, removal that keeps the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import DevicesDesired, EdgeFound, FoundDevice, decode, topic
from device_drivers.contract.words import DeviceCondition
from device_drivers.mqtt import MemoryBroker
from hub.access.publish import publish
from hub.estate.device_config import MASK, problems, with_kept_secrets
from hub.estate.devices import DeviceReported, publish_devices, take_report
from hub.estate.edges import take_found
from hub.services import Hub
from hub.tables import AuditRow, DesiredList, Device, Edge, HouseholdMember

API = "/api/v1"
TERMINAL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "device_id": {"title": "设备序列号", "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
        "profile": {"title": "机型", "enum": ["access_terminal", "camera"], "default": "access_terminal"},
        "timeout_s": {"title": "超时（秒）", "type": "number", "exclusiveMinimum": 0, "maximum": 60},
    },
    "required": ["device_id"],
}
CAMERA_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "host": {"title": "主机", "type": "string", "minLength": 1},
        "password": {"title": "密码", "type": "string", "format": "password", "writeOnly": True},
        "meters": {"title": "表计", "type": "array", "items": {"$ref": "#/$defs/Unit"}},
    },
    "required": ["host", "password"],
    "$defs": {"Unit": {"type": "object", "properties": {"unit": {"title": "站号", "type": "integer"}}}},
}
CATALOGUE = [
    {
        "kind": "face_terminal",
        "title": "人脸门禁终端",
        "schema": TERMINAL_SCHEMA,
        "capabilities": {"cards": True, "photos": True, "holds_list": True},
    },
    {"kind": "onvif_camera", "title": "摄像机", "schema": CAMERA_SCHEMA, "capabilities": {"snapshots": True}},
]
NEW = {
    "edge_id": "edge-aaaa",
    "code": "west-1",
    "name": "西门终端",
    "kind": "face_terminal",
    "config": {"device_id": "77"},
}
REASON = {"reason": "西门改造完成"}
WEST = "E001.west-1"


@pytest.fixture
def site(hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """The small site, on both databases, whose edge announced two drivers."""
    small_site(hub)
    with hub.db.unit_of_work("test", "catalogue", audit=False) as uow:
        edge = uow.session.get_one(Edge, "edge-aaaa")
        edge.catalogue, edge.online = CATALOGUE, True
        uow.session.get_one(HouseholdMember, "member-1").offered = {"cards": ["3456789"], "photo": None}
    return hub


@pytest.fixture
def manager(site: Hub, sign_in: Callable[..., TestClient]) -> TestClient:
    return sign_in(site, "estate_manager")


def add(manager: TestClient, **changes: Any) -> Any:
    return manager.post(f"{API}/estates/E001/devices", json={**NEW, **changes})


def told_to_the_edge(site: Hub, broker: MemoryBroker) -> dict[str, Any]:
    """Device id → config, as the edge was last told."""
    publish_devices(site)
    wanted = topic(DevicesDesired, "edge-aaaa")
    payload = next(m.payload for m in reversed(broker.log) if m.topic == wanted)
    return {one.device: one for one in decode(DevicesDesired, payload).devices.devices}


def report(site: Hub, foreign: int) -> None:
    now = site.now()
    status = DeviceStatus(DeviceCondition.ONLINE, now, now)
    take_report(site, "edge-aaaa", DeviceReported(WEST, 0, "", status, foreign=foreign, read_back_at=now))


def message(reply: Any) -> str:
    text: str = reply.json()["error"]["message"]
    return text


def test_the_form_comes_from_the_edge(manager: TestClient) -> None:
    shown = manager.get(f"{API}/edges/edge-aaaa/catalogue").json()
    assert [driver["kind"] for driver in shown["drivers"]] == ["face_terminal", "onvif_camera"]
    assert shown["drivers"][0]["config_schema"] == TERMINAL_SCHEMA
    assert manager.get(f"{API}/edges/edge-none/catalogue").status_code == 404


def test_a_new_device_is_looked_at_and_gets_no_list(manager: TestClient, site: Hub, broker: MemoryBroker) -> None:
    assert add(manager).status_code == 201
    told = told_to_the_edge(site, broker)[WEST]
    assert (told.in_service, told.config["device_id"], told.remove_foreign) == (False, "77", False)
    publish(site)
    with site.db.reading() as session:
        assert session.get(DesiredList, WEST) is None, "a device out of service has no list"
        assert session.get(DesiredList, "E001.face-g1") is not None
    before = manager.get(f"{API}/devices/{WEST}/setup").json()
    assert before["found"] is None, "nobody has looked yet: unknown is not zero"
    report(site, foreign=12)
    setup = manager.get(f"{API}/devices/{WEST}/setup").json()
    assert setup["found"]["foreign"] == 12
    assert (setup["in_service"], setup["foreign_choice"], setup["controls_doors"]) == (False, "keep", True)
    command = {"kind": "momentary_access", "access_point_id": "E001.G1-IN", "reason": "试一试开门"}
    assert manager.post(f"{API}/devices/{WEST}/commands", json=command).status_code in (400, 409)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"config": {}}, "设备序列号：必填"),
        ({"config": {"device_id": "a b"}}, "设备序列号：“a b”格式不对"),
        (
            {"config": {"device_id": "1", "profile": "tank"}},
            "机型：“tank”不在可选范围内，可选：access_terminal、camera",
        ),
        ({"config": {"device_id": "1", "timeout_s": 0}}, "超时（秒）：必须大于 0"),
        ({"config": {"device_id": "1", "timeout_s": "5"}}, "超时（秒）：应为数字"),
        ({"config": {"device_id": "1", "colour": 1}}, "colour：没有这个设置项"),
        ({"kind": "toaster"}, "不能接入 toaster"),
    ],
)
def test_wrong_settings_name_the_field(manager: TestClient, changes: dict[str, Any], words: str) -> None:
    reply = add(manager, **changes)
    assert reply.status_code == 422
    assert words in message(reply), message(reply)


def test_a_code_is_used_once(manager: TestClient) -> None:
    assert add(manager, code="face-g1").status_code == 409
    assert add(manager, edge_id="edge-none").status_code == 404


def test_a_secret_is_never_shown_and_survives_an_edit(manager: TestClient, site: Hub) -> None:
    config = {"host": "10.0.0.9", "password": "wang-1234"}
    assert add(manager, kind="onvif_camera", config=config).status_code == 201
    shown = manager.get(f"{API}/devices/{WEST}/setup")
    assert "wang-1234" not in shown.text
    edited = {**shown.json()["config"], "host": "10.0.0.10"}
    assert edited["password"] == MASK
    assert manager.patch(f"{API}/devices/{WEST}", json={"config": edited, **REASON}).status_code == 204
    with site.db.reading() as session:
        assert session.get_one(Device, WEST).config == {"host": "10.0.0.10", "password": "wang-1234"}
        trail = str([row.changes for row in session.scalars(select(AuditRow))])
    assert "wang-1234" not in trail, "the audit trail names fields, never secrets"
    assert "device.configured" in trail


def test_a_mask_without_a_secret_behind_it_is_missing(manager: TestClient) -> None:
    reply = add(manager, kind="onvif_camera", config={"host": "h", "password": MASK})
    assert reply.status_code == 422
    assert "密码：必填" in message(reply)


def test_into_service_with_a_new_door(manager: TestClient, site: Hub, broker: MemoryBroker) -> None:
    add(manager)
    where = f"{API}/devices/{WEST}"
    early = manager.patch(where, json={"in_service": True, **REASON})
    assert early.status_code == 409
    assert "通行点" in message(early)
    door = {"points": [{"door": {"name": "西门人行门", "scope": "estate"}, "camera_id": "E001.cam-g1"}]}
    assert manager.put(f"{where}/points", json=door).status_code == 204
    (point,) = manager.get(f"{where}/setup").json()["points"]
    assert (point["name"], point["side"], point["camera_id"]) == ("西门人行门 进", "in", "E001.cam-g1")
    assert manager.patch(where, json={"in_service": True, "reason": "x"}).status_code == 400
    assert manager.patch(where, json={"in_service": True, "foreign": "adopt", **REASON}).status_code == 204
    publish(site)
    with site.db.reading() as session:
        assert session.get_one(DesiredList, WEST).count == 1, "the household may pass the new gate"
    told = told_to_the_edge(site, broker)[WEST]
    assert (told.in_service, told.remove_foreign) == (True, False), "adopted credentials stay"
    assert told.access_points[0].access_point == point["id"]
    assert manager.put(f"{where}/points", json={"points": []}).status_code == 409, "in service it needs a door"


def test_foreign_credentials_go_only_by_this_choice(manager: TestClient, site: Hub, broker: MemoryBroker) -> None:
    add(manager)
    report(site, foreign=3)
    assert manager.patch(f"{API}/devices/{WEST}", json={"foreign": "remove", "reason": ""}).status_code == 400
    assert told_to_the_edge(site, broker)[WEST].remove_foreign is False
    assert manager.patch(f"{API}/devices/{WEST}", json={"foreign": "remove", **REASON}).status_code == 204
    assert told_to_the_edge(site, broker)[WEST].remove_foreign is True
    with site.db.reading() as session:
        last = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert last is not None
    assert last.reason == REASON["reason"]
    assert last.changes[0] == {
        "what": "device.foreign_decided",
        "subject": WEST,
        "choice": "remove",
        "found": 3,
    }


def test_a_door_that_only_a_face_opens_is_refused(manager: TestClient) -> None:
    add(manager, config={"device_id": "77", "cards": False})
    wanted = {"points": [{"door": {"name": "西门人行门"}}]}
    reply = manager.put(f"{API}/devices/{WEST}/points", json=wanted)
    assert reply.status_code == 422
    assert "只能刷脸" in message(reply)
    assert manager.get(f"{API}/devices/{WEST}/setup").json()["points"] == []
    beside = {"points": [{"door_id": "E001.G1", "side": "in"}]}  # a second reader beside one that takes cards
    assert manager.put(f"{API}/devices/{WEST}/points", json=beside).status_code == 204
    (point,) = manager.get(f"{API}/devices/{WEST}/setup").json()["points"]
    assert point["name"] == "北门人行门 进2"


def test_an_access_point_of_another_device_is_not_taken_away(manager: TestClient) -> None:
    add(manager)
    reply = manager.put(f"{API}/devices/{WEST}/points", json={"points": [{"access_point_id": "E001.G1-IN"}]})
    assert reply.status_code == 409
    assert "北门人脸终端" in message(reply)
    foreign_camera = {"points": [{"door_id": "E001.G1", "camera_id": "E002.cam"}]}
    assert manager.put(f"{API}/devices/{WEST}/points", json=foreign_camera).status_code == 400


def test_removed_after_service_and_its_door_waits_for_another(
    manager: TestClient, site: Hub, broker: MemoryBroker
) -> None:
    gate = f"{API}/devices/E001.face-g1"
    publish(site)
    assert manager.request("DELETE", gate, json=REASON).status_code == 409, "out of service first"
    assert manager.patch(gate, json={"in_service": False, **REASON}).status_code == 204
    assert manager.get(f"{API}/estates/E001/summary").json()["devices"]["unknown"] == 2, "not counted while out"
    assert manager.request("DELETE", gate, json=REASON).status_code == 204
    assert manager.get(gate).status_code == 404
    assert "E001.face-g1" not in told_to_the_edge(site, broker)

    def unwatched() -> list[str]:
        items = manager.get(f"{API}/estates/E001/doors").json()["items"]
        return [point["id"] for item in items for point in item["access_points"] if point["unwatched"]]

    assert unwatched() == ["E001.G1-IN"], "people pass, nobody sees them"
    gone = {"days": [{"access_point_id": "E001.G1-IN", "since": None, "until": "2026-01-31"}], **REASON}
    assert manager.patch(f"{API}/doors/E001.G1", json=gone).status_code == 204
    assert unwatched() == [], "nobody passes there any more"
    add(manager)
    taken = {"points": [{"access_point_id": "E001.G1-IN"}]}
    assert manager.put(f"{API}/devices/{WEST}/points", json=taken).status_code == 204, "the door waits for another"
    assert unwatched() == []
    assert add(manager, code="face-g1").status_code == 409, "a code is not given twice: its events name it"


def test_a_point_that_is_let_go_leaves_service_unless_it_is_said_to_stand(manager: TestClient, site: Hub) -> None:
    assert manager.patch(f"{API}/devices/E001.face-g1", json={"in_service": False, **REASON}).status_code == 204
    assert manager.put(f"{API}/devices/E001.face-g1/points", json={"points": []}).status_code == 204

    def unwatched() -> list[str]:
        items = manager.get(f"{API}/estates/E001/doors").json()["items"]
        return [point["id"] for item in items for point in item["access_points"] if point["unwatched"]]

    assert unwatched() == [], "it left service with its device"
    still = {"days": [{"access_point_id": "E001.G1-IN", "since": None, "until": None}], **REASON}
    assert manager.patch(f"{API}/doors/E001.G1", json=still).status_code == 204
    assert unwatched() == ["E001.G1-IN"]


def test_settings_in_lists_are_named_by_their_place() -> None:
    config = {"host": "h", "password": "p", "meters": [{"unit": 1}, {"unit": "x"}]}
    assert problems(CAMERA_SCHEMA, config) == ["表计 第2项 站号：应为整数，不能是“x”。"]
    assert problems(CAMERA_SCHEMA, {"host": "", "password": "p"}) == ["主机：必填。"]
    assert "说明有误" in problems({"type": "nonsense"}, {})[0]


def test_kept_secrets_are_merged_at_every_depth() -> None:
    old = {"a": {"password": "x", "n": 1}, "token": "t"}
    assert with_kept_secrets({"a": {"password": MASK, "n": 2}}, old) == {"a": {"password": "x", "n": 2}}
    assert with_kept_secrets({"other": MASK}, old) == {}


def test_devices_that_an_edge_sees_are_found_until_they_are_added(hub: Hub, manager: TestClient) -> None:
    at = hub.now()

    def one(key: str, kind: str, **config: Any) -> FoundDevice:
        return FoundDevice(key, kind, "标题", config, "说明", at, at)

    assert manager.get(f"{API}/estates/E001/found").json() == {"items": []}
    seen = EdgeFound((one("a", "face_terminal", device_id="77"), one("b", "onvif_camera", host="10.0.0.5", port=80)))
    assert take_found(hub, "edge-aaaa", seen)
    assert not take_found(hub, "edge-none", seen)
    items = manager.get(f"{API}/estates/E001/found").json()["items"]
    assert {(i["key"], i["edge_id"]) for i in items} == {("a", "edge-aaaa"), ("b", "edge-aaaa")}
    assert manager.post(f"{API}/estates/E001/devices", json=NEW).status_code == 201
    items = manager.get(f"{API}/estates/E001/found").json()["items"]
    assert [i["key"] for i in items] == ["b"], "what was added is found no longer"


def test_a_gate_is_in_service_from_the_day_that_is_said(manager: TestClient, site: Hub, clock: Any) -> None:
    add(manager)
    where = f"{API}/devices/{WEST}"
    new = {"door": {"name": "西门人行门"}, "in_service_since": "2026-11-02"}
    assert manager.put(f"{where}/points", json={"points": [new]}).status_code == 204
    (point,) = manager.get(f"{where}/setup").json()["points"]
    assert point["in_service_since"] == "2026-11-02"
    again = {"points": [{"access_point_id": point["id"]}]}
    assert manager.put(f"{where}/points", json=again).status_code == 204
    assert manager.get(f"{where}/setup").json()["points"] == [point], "what is left out stays"
    always = {"points": [{"access_point_id": point["id"], "in_service_since": None}]}
    assert manager.put(f"{where}/points", json=always).status_code == 204
    assert manager.get(f"{where}/setup").json()["points"][0]["in_service_since"] is None
    tomorrow = (clock.at.astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=1)).date().isoformat()
    late = manager.put(f"{where}/points", json={"points": [{**new, "in_service_since": tomorrow}]})
    assert (late.status_code, late.json()["error"]["code"]) == (400, "service_days")


def test_a_doors_days_of_service_are_declared(manager: TestClient, site: Hub, clock: Any) -> None:
    door, gate = f"{API}/doors/E001.G1", "E001.G1-IN"

    def say(since: str | None, until: str | None, point: str = gate) -> tuple[int, str]:
        reply = manager.patch(
            door, json={"days": [{"access_point_id": point, "since": since, "until": until}], **REASON}
        )
        return reply.status_code, "" if reply.status_code == 204 else reply.json()["error"]["code"]

    def shown() -> tuple[str | None, str | None]:
        (item,) = manager.get(f"{API}/estates/E001/doors").json()["items"]
        (point,) = item["access_points"]
        return point["in_service_since"], point["in_service_until"]

    assert shown() == (None, None)
    assert say("2026-05-01", None) == (204, "")
    assert shown() == ("2026-05-01", None)
    assert say("2026-05-01", "2026-04-30") == (400, "service_days")
    assert say("2026-05-01", "2026-06-30") == (409, "in_service"), "a device in service stands there"
    assert say("2026-05-01", None, "E001.G9-IN")[0] == 400
    assert manager.patch(f"{API}/devices/E001.face-g1", json={"in_service": False, **REASON}).status_code == 204
    assert say("2026-05-01", "2026-06-30") == (204, "")
    assert shown() == ("2026-05-01", "2026-06-30")
    with site.db.reading() as session:
        told = [change for row in session.scalars(select(AuditRow)) for change in row.changes]
    days = [change for change in told if change["what"] == "access_point.service_days"]
    assert [(one["since"], one["until"]) for one in days] == [("2026-05-01", None), ("2026-05-01", "2026-06-30")]
