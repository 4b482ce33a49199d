"""Who, where, when, because of what, on which device since when, confirmed by what; and why not, with what to do."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, token_of
from sqlalchemy import update
from test_access_passes import HOME, body, passed

from device_drivers.contract.access import list_digest
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.messages import CredentialRefusal, DeviceReported, PointMode
from device_drivers.contract.words import DeviceCondition, DoorMode, HolderClass
from hub.access import publish
from hub.access.desk import OwnRequest, perform
from hub.access.explain_person import find_persons
from hub.access.explain_text import NothingToExplain, explain_text
from hub.estate.devices import take_report
from hub.services import Hub
from hub.tables import Consent, Edge, Estate, HouseholdMember, Person, Tenancy


@pytest.fixture
def site(estate: Setup) -> Setup:
    def build(hub: Hub) -> None:
        estate(hub)
        publish.publish(hub)

    return build


def tell(hub: Hub, device: str, **changed: Any) -> None:
    """The edge's own report of the list it has."""
    held = desired(hub, device)
    count = len(held.credentials)
    values: dict[str, Any] = {
        "generation": held.generation, "digest": list_digest(held), "wanted": count, "confirmed": count,
        "read_back_at": hub.now(), "reported_at": hub.now(), "decided_at_edge": device == BOARD, **changed,
    }  # fmt: skip
    status = DeviceStatus(DeviceCondition.ONLINE, hub.now())
    take_report(hub, "edge-aaaa", DeviceReported(device=device, status=status, **values))


def text(hub: Hub, subject: str) -> str:
    with hub.db.reading() as session:
        return explain_text(session, subject, hub.now())


def local(at: datetime) -> str:
    return f"{at + timedelta(hours=8):%Y-%m-%d %H:%M}"


def test_a_person_on_all_devices_since_when_and_confirmed_by_what(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    first = hub.now()
    tell(hub, GATE)
    clock.pass_(minutes=7)
    second = hub.now()
    tell(hub, BOARD)
    clock.pass_(hours=3)
    tell(hub, GATE)  # a later look finds the same
    told = text(hub, "P2")
    assert f"2 台设备中 2 台已确认，自 {local(second)} 起" in told
    assert f"face-g1：已确认，自 {local(first)}，{local(hub.now())} 读回核对（名单第1版）" in told
    assert f"door-b1：已确认，自 {local(second)}，由边缘机按名单第1版判定" in told
    answer = sign_in(hub, "estate_manager").get("/api/v1/persons/P2/access").json()
    assert (answer["name"], answer["devices"], answer["confirmed"]) == ("某*", 2, 2)
    assert answer["households"] == ["E001-B1-0101（租约 T-1，在租）"]
    assert {d["proof"] for line in answer["lines"] for d in line["devices"]} == {"read_back", "edge"}
    assert "某某" not in told + str(answer)


def test_a_change_of_the_entry_begins_anew_and_what_a_report_doubts_is_not_known(
    hub: Hub, site: Setup, clock: Any
) -> None:
    site(hub)
    tell(hub, GATE)
    token = token_of(hub, "P2")
    clock.pass_(minutes=10)
    tell(hub, GATE, pending=1, pending_tokens=(token,), confirmed=2)
    assert "face-g1：下发中" in text(hub, token)
    clock.pass_(minutes=10)
    tell(hub, GATE)
    assert f"face-g1：已确认，自 {local(hub.now())}" in text(hub, token)

    def card(session: Any) -> None:
        session.get_one(HouseholdMember, "M2").offered = {"cards": ["4242"], "photo": None}

    change(hub, card)
    publish.publish(hub)
    assert "face-g1：下发中" in text(hub, token)
    clock.pass_(minutes=10)
    tell(hub, GATE)
    assert f"face-g1：已确认，自 {local(hub.now())}" in text(hub, token)
    assert f"自 {local(hub.now() - timedelta(minutes=30))}" in text(hub, "P1"), (
        "who did not change is held since before"
    )


def test_why_not_and_what_to_do(hub: Hub, site: Setup) -> None:
    site(hub)
    tell(hub, GATE, refused=(CredentialRefusal(token_of(hub, "P1"), "photo_no_face", "467", True),), confirmed=2)
    assert "设备拒绝，照片中未检测到人脸，请重新拍照。门卡照常可用。" in text(hub, "P1")
    assert "不能刷脸：未同意刷脸开门（可随时向住房保障部门签署同意，不影响其他方式）" in text(hub, "P2")

    def changes(session: Any) -> None:
        session.execute(update(Consent).where(Consent.person_id == "P1").values(withdrawn_at=hub.now()))
        session.get_one(HouseholdMember, "M3").offered = {"cards": [], "photo": None}

    change(hub, changes)
    publish.publish(hub)
    assert "不能刷脸：未同意刷脸开门" in text(hub, "P1")
    nothing = text(hub, "P3")
    assert nothing.count("没有可用的卡") == 1, f"said once: {nothing}"
    assert "本人还没有可用的开门方式：没有可用的卡" in nothing
    assert "单元门的设备不识别二维码" in nothing, "a phone's code opens the gate, and the entrance not"


def test_why_not_by_tenancy(hub: Hub, site: Setup) -> None:
    site(hub)
    token = token_of(hub, "P3")
    with hub.db.unit_of_work("clerk", "本人申请") as uow:
        perform(uow, hub.keys, "E001", OwnRequest(token))
    publish.publish(hub)
    assert "已终止：本人申请停用（可到服务台恢复）" in text(hub, "P3")

    def ends(session: Any) -> None:
        tenancy = session.get_one(Tenancy, "T-1")
        tenancy.state = "ended"
        tenancy.end_decision = {
            "number": "决2026-1", "date": "2026-10-01", "signed_by": "某处", "move_out_completed_on": "2026-11-01",
        }  # fmt: skip
        session.get_one(HouseholdMember, "M2").to_date = date(2026, 2, 1)
        session.add(Person(id="P9", source="s", source_id="src-9", name="王小明"))

    change(hub, ends)
    publish.publish(hub)
    assert "租约已终止（决定书 决2026-1）" in text(hub, "P1")
    assert "不在任何家庭的名单上" in text(hub, "src-9")


def test_a_door_that_is_locked_down_says_so_and_lists_visitors_first(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub, start=hub.now()))
    publish.publish(hub)
    mode = PointMode(
        "E001.G1-IN", DoorMode.LOCKED_DOWN, hub.now(), hub.now() + timedelta(hours=1), reason="寻找走失儿童"
    )
    tell(hub, GATE, modes=(mode,))
    shut = f"北门已封锁，至 {local(hub.now() + timedelta(hours=1))}（寻找走失儿童）"
    assert shut in text(hub, "P2")
    door = client.get("/api/v1/doors/E001.G1/explain?limit=2").json()
    assert (door["total"], door["by_class"]) == (4, {"resident": 3, "visitor": 1})
    assert door["shut"] == [shut]
    assert [line["holder_class"] for line in door["lines"]] == ["visitor", "resident"]
    assert "访客通行证，接待房屋 E001-B1-0101" in door["lines"][0]["because"]
    assert client.get("/api/v1/doors/E001.G1/explain?label=0202").json()["total"] == 1


def test_a_lock_down_that_has_ended_is_not_told_though_its_edge_is_away(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    """It ends by itself, at the box: no word of it comes while there is no link."""
    site(hub)
    end = hub.now() + timedelta(hours=1)
    tell(hub, GATE, modes=(PointMode("E001.G1-IN", DoorMode.LOCKED_DOWN, hub.now(), end, reason="寻找走失儿童"),))
    change(hub, lambda s: s.execute(update(Edge).values(online=False)))
    assert "已封锁" in text(hub, "P2")
    clock.pass_(hours=2)
    assert "已封锁" not in text(hub, "P2"), "the door opens again"
    assert sign_in(hub, "estate_manager").get("/api/v1/doors/E001.G1/explain").json()["shut"] == []


def test_a_visit_that_is_used_is_told_at_its_door_and_at_no_other(hub: Hub, site: Setup, sign_in: Any) -> None:
    """The edge refuses (`used_up`) from that moment; the pass itself ends half an hour later."""
    site(hub)
    client = sign_in(hub, "estate_manager")
    made = client.post("/api/v1/estates/E001/passes", json=body(hub, start=hub.now(), uses=1)).json()
    publish.publish(hub)
    assert "次数已用完" not in text(hub, made["subject"])
    (token,) = (c.token for c in desired(hub, GATE).credentials if c.holder_class == HolderClass.VISITOR)
    passed(hub, token, 1)
    assert "北门：次数已用完（共1次）" in text(hub, made["subject"])
    assert "单元门：次数已用完" not in text(hub, made["subject"]), "gate and entrance count for themselves"
    (line,) = client.get(f"/api/v1/credentials/{token}/explain").json()["lines"]
    assert any("used" in one for one in line["english"]["not_because"])


def test_a_counted_pass_at_a_terminal_is_the_edges_to_decide(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    made = client.post("/api/v1/estates/E001/passes", json=body(hub, start=hub.now(), uses=3)).json()
    publish.publish(hub)
    tell(hub, GATE)
    told = text(hub, made["subject"])
    assert "共3次" in told
    assert "face-g1：已确认" in told
    assert "由边缘机按名单第2版判定" in told
    (token,) = (c.token for c in desired(hub, GATE).credentials if c.holder_class == HolderClass.VISITOR)
    (line,) = client.get(f"/api/v1/credentials/{token}/explain").json()["lines"]
    assert {d["device_name"]: d["proof"] for d in line["devices"]} == {"door-b1": "", "face-g1": "edge"}


def test_people_are_found_by_house_code_and_name_whole_or_masked(hub: Hub, site: Setup) -> None:
    site(hub)
    with hub.db.reading() as session:
        for subject in ("P2", "E001-B1-0202 某*", "e001-b1-0202/某某", "某某，E001-B1-0202"):
            assert [p.id for p in find_persons(session, subject)] in (["P2"], ["P3"]), subject
        assert [p.id for p in find_persons(session, "E001-B1-0101 某*")] == ["P1", "P2"], "each of two alike"
        assert find_persons(session, "E001-B1-0101 王*") == []
        with pytest.raises(NothingToExplain):
            explain_text(session, "nobody", hub.now())


def test_a_person_is_shown_only_to_who_sees_an_estate_of_theirs(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    change(hub, lambda s: s.add(Estate(id="E002", code="E002", name="另一小区")))
    assert sign_in(hub, "estate_manager", ["E002"]).get("/api/v1/persons/P2/access").status_code == 404
    assert sign_in(hub, "estate_manager").get("/api/v1/persons/nobody/access").status_code == 404
    assert HOME
