"""What the law says to a set-up: each rule as a function, then at each way by which a set-up can change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from hub.access.lawful import (
    FACES_MOST,
    FACES_WARN,
    DoorSetup,
    PointSetup,
    door_law,
    face_gate,
    restricts_way_home,
)
from hub.estate import law
from hub.estate.site import SiteProblem, import_site, read_site
from hub.services import Hub
from hub.tables import AccessPoint, Device, Door, Edge, Estate, ReportedList

API = "/api/v1"
REASON = {"reason": "安装单位现场确认"}
CARD, BOTH, FACE = frozenset({"card"}), frozenset({"card", "face"}), frozenset({"face"})
FINE = DoorSetup("北门", "estate", egress="button", fire_release="wired", points=(PointSetup("in", CARD),))


def codes(setup: DoorSetup) -> dict[str, bool]:
    """Rule → whether it refuses."""
    return {point.code: point.refused for point in door_law(setup)}


def having(**changed: Any) -> DoorSetup:
    return DoorSetup(**{**{n: getattr(FINE, n) for n in FINE.__dataclass_fields__}, **changed})


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (FINE, {}),
        (having(points=()), {}),
        (having(points=(PointSetup("in", FACE, necessity="因"),)), {"face_only": True}),
        (having(points=(PointSetup("in", FACE, necessity="因"), PointSetup("in", CARD))), {}),
        (having(points=(PointSetup("in", CARD), PointSetup("out", FACE, necessity="因"))), {"face_only": True}),
        (having(points=(PointSetup("in", frozenset({"face", "qr"}), necessity="因"),)), {}),
        (having(points=(PointSetup("in", BOTH),)), {"face_without_necessity": False}),
        (having(points=(PointSetup("in", BOTH, necessity="  "),)), {"face_without_necessity": False}),
        (having(fail_mode="fail_secure"), {"fail_secure": True}),
        (having(fail_mode="fail_secure", escape_route=False), {}),
        (having(fail_mode="fail_secure", scope="dwelling"), {}),
        (having(fail_mode="fail_secure", scope="dwelling", escape_route=True), {"fail_secure": True}),
        (having(fail_mode="fail_secure", scope="amenity"), {"fail_secure": True}),
        (having(egress="none"), {"egress_not_free": True}),
        (having(egress="undeclared"), {}),
        (having(egress="undeclared", points=(PointSetup("out", CARD),)), {"egress_not_free": True}),
        (having(egress="edge", points=(PointSetup("out", CARD),)), {"egress_not_free": True}),
        (having(egress="edge", points=(PointSetup("out", CARD, at_edge=True),)), {}),
        (having(egress="button", points=(PointSetup("out", CARD),)), {}),
        (having(egress="undeclared", points=(PointSetup("out", frozenset()),)), {}),
        (having(fire_release="none"), {"no_fire_release": True}),
        (having(fire_release="undeclared"), {"fire_release_undeclared": False}),
        (having(fire_release="none", escape_route=False), {}),
        (having(fire_release="input", points=(PointSetup("in", CARD, fire="quiet"),)), {}),
        (having(fire_release="input", points=(PointSetup("in", CARD, fire="none"),)), {"fire_input_missing": False}),
        (
            having(fire_release="input", points=(PointSetup("in", CARD, fire="unknown"),)),
            {"fire_input_unreadable": False},
        ),
    ],
)
def test_a_door_and_what_the_law_says(setup: DoorSetup, said: dict[str, bool]) -> None:
    assert codes(setup) == said


def test_every_answer_says_what_to_do() -> None:
    bad = having(
        fail_mode="fail_secure", egress="none", fire_release="none", points=(PointSetup("in", FACE),),
    )  # fmt: skip
    points = door_law(bad)
    assert [p.refused for p in points] == [True, True, True, True, False], "what is refused stands first"
    assert all("请" in p.text_zh or "须" in p.text_zh for p in points)


@pytest.mark.parametrize("scope", ["estate", "block", "dwelling"])
def test_no_schedule_closes_the_way_home(scope: str) -> None:
    assert "不得限定时段" in restricts_way_home(True, {scope, "amenity"})
    assert restricts_way_home(False, {scope}) == "", "staff have hours"
    assert restricts_way_home(True, {"amenity"}) == ""


def test_faces_wait_for_the_assessment_and_the_filing() -> None:
    assert [(p.code, p.refused) for p in face_gate({}, 0).points] == [("pia_missing", False)]
    assert face_gate({}, 0).open, "what ran before stays, and is shown as a point to settle"
    assert not face_gate({"face_enrolment": True}, 0).open
    assert face_gate({"face_enrolment": True, "pia_id": "PIA-1"}, 0) == face_gate({"pia_id": "PIA-1"}, 0)
    assert not face_gate({"face_enrolment": False, "pia_id": "PIA-1"}, 0).open
    told = {n: face_gate({"pia_id": "P"}, n) for n in (FACES_WARN - 1, FACES_WARN, FACES_MOST - 1, FACES_MOST)}
    assert [(g.open, [p.code for p in g.points]) for g in told.values()] == [
        (True, []), (True, ["filing_near"]), (True, ["filing_near"]), (False, ["filing_missing"]),
    ]  # fmt: skip
    assert face_gate({"pia_id": "P"}, FACES_MOST, "备案-1").open


# --- at each way a set-up changes ---------------------------------------------------------------------------------


FACE_ONLY = {"photos": True, "holds_list": True}
CATALOGUE = [
    {"kind": "face_terminal", "title": "终端", "schema": {}, "capabilities": FACE_ONLY},
    {"kind": "modbus_door", "title": "板", "schema": {}, "capabilities": {"cards": True}},
]


@pytest.fixture
def site(sqlite_hub: Hub, small_estate: Callable[[Hub], None]) -> Hub:
    """A gate with a terminal that reads faces alone beside a card reader, both in service."""
    small_estate(sqlite_hub)
    with sqlite_hub.db.unit_of_work("test", "gate", audit=False) as uow:
        edge = uow.session.get_one(Edge, "edge-aaaa")
        edge.catalogue, edge.online = CATALOGUE, True
        uow.session.add(Door(id="E001.G", estate_id="E001", code="G", name="北门", scope="estate"))
        for code, kind in (("face", "face_terminal"), ("card", "modbus_door")):
            common = {"estate_id": "E001", "code": code, "name": code}
            uow.session.add(Device(id=f"E001.{code}", edge_id="edge-aaaa", kind=kind, **common))
            uow.session.flush()
            uow.session.add(
                AccessPoint(id=f"E001.G-{code}", door_id="E001.G", side="in", device_id=f"E001.{code}", **common)
            )
    return sqlite_hub


@pytest.fixture
def manager(site: Hub, sign_in: Callable[..., TestClient]) -> TestClient:
    return sign_in(site, "estate_manager")


def refused(reply: Any, word: str = "只能刷脸") -> bool:
    return reply.status_code == 422 and word in reply.json()["error"]["message"]


def test_the_card_reader_beside_a_face_cannot_go_later(site: Hub, manager: TestClient) -> None:
    """Unmapped, out of service, its reader said to be unused, removed: each would leave the face alone."""
    card = f"{API}/devices/E001.card"
    assert refused(manager.patch(card, json={"in_service": False, **REASON}))
    assert refused(manager.patch(card, json={"config": {"cards": False}, **REASON}))
    elsewhere = {"points": [{"door": {"name": "南门"}}]}
    assert refused(manager.put(f"{card}/points", json=elsewhere))
    assert manager.patch(f"{API}/devices/E001.face", json={"in_service": False, **REASON}).status_code == 204
    assert manager.patch(card, json={"in_service": False, **REASON}).status_code == 204, "now nothing works by face"
    assert refused(manager.request("DELETE", card, json=REASON)), "and the face would come back alone"
    assert refused(manager.patch(f"{API}/devices/E001.face", json={"in_service": True, **REASON}))
    assert manager.patch(card, json={"in_service": True, **REASON}).status_code == 204
    assert manager.patch(f"{API}/devices/E001.face", json={"in_service": True, **REASON}).status_code == 204


def test_what_a_door_is_declared_to_be(site: Hub, manager: TestClient) -> None:
    door = f"{API}/doors/E001.G"
    assert refused(manager.patch(door, json={"fail_mode": "fail_secure", **REASON}), "断电时必须打开")
    assert refused(manager.patch(door, json={"egress": "none", **REASON}), "自由出门")
    assert refused(manager.patch(door, json={"fire_release": "none", **REASON}), "消防报警")
    assert manager.patch(door, json={"fire_release": "wired", "reason": ""}).status_code == 400
    good = {"egress": "button", "fire_release": "wired", "necessity": "老人免持卡", **REASON}
    before = {i["code"] for i in manager.get(f"{API}/estates/E001/law").json()["items"]}
    assert {"fire_release_undeclared", "face_without_necessity", "pia_missing"} <= before
    assert manager.patch(door, json=good).status_code == 204
    after = manager.get(f"{API}/estates/E001/law").json()
    assert [(i["code"], i["refused"]) for i in after["items"]] == [("pia_missing", False)]
    (shown,) = manager.get(f"{API}/estates/E001/doors").json()["items"]
    assert (shown["egress"], shown["fire_release"], shown["escape_route"], shown["law"]) == (
        "button",
        "wired",
        True,
        [],
    )
    secure = {"points": [{"door": {"name": "东门", "fail_mode": "fail_secure"}}]}
    assert refused(manager.put(f"{API}/devices/E001.card/points", json=secure), "断电时必须打开")
    assert manager.patch(f"{API}/doors/E002.X", json=good).status_code == 404


def test_a_fault_of_old_does_not_stop_what_makes_it_no_worse(site: Hub, manager: TestClient) -> None:
    with site.db.unit_of_work("test", "before there were rules", audit=False) as uow:
        uow.session.get_one(Door, "E001.G").fail_mode = "fail_secure"
    assert manager.patch(f"{API}/devices/E001.face", json={"in_service": False, **REASON}).status_code == 204
    assert refused(manager.patch(f"{API}/devices/E001.face", json={"in_service": True, **REASON}), "断电时必须打开")
    assert manager.patch(f"{API}/doors/E001.G", json={"fail_mode": "fail_safe", **REASON}).status_code == 204


def test_the_running_set_up_is_watched(site: Hub, manager: TestClient) -> None:
    """An edge may announce less than it did: nobody changed the set-up, and it is unlawful all the same."""
    assert law.check(site).startswith("0 unlawful")
    with site.db.unit_of_work("test", "reader lost", audit=False) as uow:
        lesser = [{**CATALOGUE[0]}, {**CATALOGUE[1], "capabilities": {}}]
        uow.session.get_one(Edge, "edge-aaaa").catalogue = lesser
    assert law.check(site).startswith("1 unlawful")
    with site.db.unit_of_work("test", "fire", audit=False) as uow:
        uow.session.get_one(Edge, "edge-aaaa").catalogue = CATALOGUE
        uow.session.get_one(Door, "E001.G").fire_release = "input"
        uow.session.add(ReportedList(device_id="E001.card", fire="unknown"))
    codes = {i["code"] for i in manager.get(f"{API}/estates/E001/law").json()["items"]}
    assert "fire_input_unreadable" in codes


def test_face_enrolment_is_not_switched_on_without_its_assessment(site: Hub, sign_in: Any) -> None:
    admin = sign_in(site, "administrator")
    where = f"{API}/estates/E001/policy"
    assert refused(admin.patch(where, json={"face_enrolment": True, **REASON}), "影响评估")
    both = {"face_enrolment": True, "pia_id": " PIA-2026-1 ", **REASON}
    assert admin.patch(where, json=both).json()["policy"]["pia_id"] == "PIA-2026-1"
    assert refused(admin.patch(where, json={"pia_id": "", **REASON}), "影响评估")
    assert admin.patch(where, json={"face_enrolment": False, "pia_id": "", **REASON}).status_code == 200
    assert admin.get(f"{API}/estates/E001/law").json()["new_faces"] is False


# --- the hand-over ------------------------------------------------------------------------------------------------


def document(**door: Any) -> dict[str, Any]:
    return {
        "estate": {"code": "E009", "name": "测试小区"},
        "blocks": [{"code": "B1", "name": "1号楼", "floors": 2, "dwellings_per_floor": 1}],
        "dwellings": [],
        "doors": [{"code": "G1", "name": "北门", "scope": "estate", **door}],
        "access_points": [{"code": "G1-IN", "name": "进", "door": "G1", "side": "in", "device": "f1"}],
        "devices": [{"code": "f1", "name": "终端", "kind": "face_terminal"}],
    }


@pytest.mark.parametrize(
    ("door", "rule"),
    [
        ({"fail_mode": "fail_secure"}, "fail_secure"),
        ({"egress": "none"}, "egress_not_free"),
        ({"fire_release": "none"}, "no_fire_release"),
    ],
)
def test_an_unlawful_hand_over_is_not_imported(site: Hub, door: dict[str, Any], rule: str) -> None:
    with pytest.raises(SiteProblem, match=rf"G1 \({rule}\)"):
        import_site(site, json.dumps(document(**door)))
    with site.db.reading() as session:
        assert session.get(Estate, "E009") is None


def test_an_exit_reader_that_asks_who_goes_is_refused() -> None:
    with_exit = document()
    with_exit["access_points"].append({"code": "O", "name": "出", "door": "G1", "side": "out", "device": "f1"})
    with pytest.raises(SiteProblem, match="egress_not_free"):
        read_site(json.dumps(with_exit))
    with_exit["doors"][0]["egress"] = "button"
    read_site(json.dumps(with_exit))


def test_an_import_asks_what_the_edge_announced_and_keeps_what_people_declared(site: Hub, manager: TestClient) -> None:
    own = document()
    own["estate"] = {"code": "E001", "name": "青松公租房小区"}
    own["blocks"] = []
    with pytest.raises(SiteProblem, match="只能刷脸"):
        import_site(site, json.dumps(own))  # this edge's terminals read no cards
    own["devices"][0]["kind"] = "modbus_door"
    own["estate"]["pia_id"] = "PIA-9"
    import_site(site, json.dumps(own))
    good = {"egress": "button", "fire_release": "wired", **REASON}
    assert manager.patch(f"{API}/doors/E001.G1", json=good).status_code == 204
    import_site(site, json.dumps(own))
    with site.db.reading() as session:
        door = session.get_one(Door, "E001.G1")
        assert (door.egress, door.fire_release) == ("button", "wired")
        assert session.get_one(Estate, "E001").policy["pia_id"] == "PIA-9"
