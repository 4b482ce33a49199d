"""Staff and contractors: doors by role, hours by data, ended with the work; never a home's door; through the brake on people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired
from sqlalchemy import select

from device_drivers.contract import id_card
from device_drivers.contract.words import HolderClass, IdentifierType
from edge_agent.decide import build_index, decide
from hub.access import publish
from hub.access.explain_text import explain_text
from hub.access.pass_rules import DoorPlace
from hub.access.role_rules import assignment_problem, because_of, doors_of, role_problem
from hub.quota import LIMIT
from hub.services import Hub
from hub.tables import AccessPoint, CredentialRow, Device, Door

HOME = "E001.E001-B1-0101"
LAUNDRY = "E001.L1"
DAY = {
    "name": "日间",
    "ranges": [{"weekdays": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}],
    "reason": "日常开放时间",
}


@pytest.fixture
def site(estate: Setup) -> Setup:
    """The estate with a laundry behind a reader of the board."""

    def build(hub: Hub) -> None:
        estate(hub)
        change(hub, _laundry)
        publish.publish(hub)

    return build


def _laundry(session: Any) -> None:
    session.add(Door(id=LAUNDRY, estate_id="E001", code="L1", name="洗衣房", scope="amenity"))
    board = session.get_one(Device, BOARD)
    session.add(
        Device(id="E001.door-l1", estate_id="E001", edge_id=board.edge_id, code="door-l1", name="l", kind=board.kind)
    )
    session.flush()
    session.add(
        AccessPoint(
            id="E001.L1-IN", estate_id="E001", door_id=LAUNDRY, code="L1-IN", name="洗衣房", side="in",
            device_id="E001.door-l1", point="1",
        )
    )  # fmt: skip


def role(client: Any, **changed: Any) -> str:
    wanted = {
        "name": "保洁", "organisation": "物业公司甲", "holder_class": "staff", "scopes": ["estate", "block"],
        "reason": "新增岗位", **changed,
    }  # fmt: skip
    made = client.post("/api/v1/estates/E001/roles", json=wanted)
    assert made.status_code == 201, made.text
    return str(made.json()["subject"])


def assign(client: Any, hub: Hub, role_id: str, **changed: Any) -> Any:
    wanted = {"holder": "张三", "card": "880001", "valid_from": hub.now().isoformat(), "reason": "入职登记", **changed}
    return client.post(f"/api/v1/roles/{role_id}/assignments", json=wanted)


def tokens(hub: Hub, holder: HolderClass) -> list[str]:
    with hub.db.reading() as session:
        mine = select(CredentialRow.token).where(CredentialRow.holder_class == holder, CredentialRow.state == "active")
        return list(session.scalars(mine))


def test_who_has_a_role_passes_its_doors_on_its_hours_and_nothing_else(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    schedule = client.post("/api/v1/estates/E001/schedules", json=DAY).json()["subject"]
    made = assign(client, hub, role(client, schedule_id=schedule))
    assert made.status_code == 201, made.text
    publish.publish(hub)
    (token,) = tokens(hub, HolderClass.STAFF)
    for device in (GATE, BOARD):
        held = desired(hub, device)
        (one,) = (c for c in held.credentials if c.token == token)
        assert (one.holder_class, one.label) == (HolderClass.STAFF, "工作人员 · 保洁"), "never the name"
        (profile,) = (p for p in held.profiles if p.token in one.profiles)
        assert {policy.schedule for policy in profile.policies} == {schedule}
        assert [s.token for s in held.schedules] == [schedule]
    assert token not in {c.token for c in desired(hub, "E001.door-l1").credentials}, "amenities are not of this role"
    index = build_index(desired(hub, BOARD))
    card = one.identifiers[0]
    monday = datetime.fromisoformat("2026-11-30T10:00:00+08:00")
    assert decide(index, "E001.B1-IN", card, monday, clock_trusted=True).granted
    assert (
        decide(index, "E001.B1-IN", card, monday + timedelta(hours=9), clock_trusted=True).reason == "out_of_schedule"
    )
    assert decide(index, "E001.B1-IN", card, monday + timedelta(days=5), clock_trusted=True).reason == "out_of_schedule"
    with hub.db.reading() as session:
        text = explain_text(session, token, hub.now())
    day = hub.now().date().isoformat()
    assert f"岗位 保洁（物业公司甲），{day} 起" in text
    assert "周一至周五 08:00–18:00" in text
    assert "张" not in text


def test_a_role_ends_with_the_work_by_the_persons_wish_or_after_an_incident(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    cleaner = role(client)
    for n, because in enumerate(["own_request", "contract_end", "security_incident"]):
        made = assign(client, hub, cleaner, card=str(880100 + n)).json()["subject"]
        assert len(tokens(hub, HolderClass.STAFF)) == 1
        ended = client.request(
            "DELETE", f"/api/v1/role-assignments/{made}", json={"because": because, "reason": "离岗登记"}
        )
        assert ended.status_code == 200, ended.text
        assert tokens(hub, HolderClass.STAFF) == []
    publish.publish(hub)
    assert not any(c.holder_class == HolderClass.STAFF for c in desired(hub, GATE).credentials)
    listed = client.get("/api/v1/estates/E001/role-assignments?state=all").json()["items"]
    assert {i["ended_because"].partition(":")[0] for i in listed} == {
        "own_request", "role_ended", "replaced_after_incident",
    }  # fmt: skip
    refused = assign(client, hub, cleaner, card="880102")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "card_in_use"), "a card of an incident"


def test_a_contractors_access_ends_with_the_contract_and_can_be_extended(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    repairer = role(client, name="电梯维保", holder_class="contractor")
    endless = assign(client, hub, repairer)
    assert endless.json()["error"]["code"] == "end_missing"
    end = hub.now() + timedelta(days=2)
    made = assign(client, hub, repairer, valid_to=end.isoformat()).json()["subject"]
    body = {"valid_to": (end + timedelta(days=5)).isoformat(), "reason": "合同续签"}
    assert client.post(f"/api/v1/role-assignments/{made}/extend", json=body).status_code == 200
    publish.publish(hub)
    clock.pass_(days=3)
    publish.publish(hub)
    assert len(tokens(hub, HolderClass.CONTRACTOR)) == 1
    clock.pass_(days=5)
    publish.publish(hub)
    assert tokens(hub, HolderClass.CONTRACTOR) == []
    assert not any(c.holder_class == HolderClass.CONTRACTOR for c in desired(hub, GATE).credentials)


def test_no_role_opens_a_home(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    change(
        hub,
        lambda s: s.add(
            Door(id="E001.D1", estate_id="E001", dwelling_id=HOME, code="D1", name="户门", scope="dwelling")
        ),
    )
    client = sign_in(hub, "estate_manager")
    wanted = {"name": "保安", "holder_class": "staff", "doors": ["E001.D1"], "reason": "新增岗位"}
    refused = client.post("/api/v1/estates/E001/roles", json=wanted)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "home_door")
    places = [DoorPlace("d", "dwelling", None, HOME), DoorPlace("g", "estate", None, None)]
    assert doors_of(["estate", "dwelling"], [], ["d"], places) == ("g",), "nor if the row says so"
    assert role_problem(["dwelling"], [], [], places) == "home_door"


def test_assignments_count_for_the_brake_on_people(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    cleaner = role(client)
    for n in range(LIMIT):
        assert assign(client, hub, cleaner, card=str(900000 + n)).status_code == 201
    held = assign(client, hub, cleaner, card="999999")
    assert held.status_code == 202
    (waiting,) = client.get("/api/v1/estates/E001/held-actions").json()["items"]
    assert (waiting["kind"], waiting["label"]) == ("role.assign", "工作人员 · 保洁")
    second = sign_in(hub, "housing_official")
    done = second.post(f"/api/v1/held-actions/{waiting['id']}/confirm", json={"reason": "核对无误"})
    assert done.status_code == 200, done.text
    assert done.json()["number"] == "999999"
    assert len(tokens(hub, HolderClass.STAFF)) == LIMIT + 1


def test_an_amenity_has_hours_and_the_way_home_never(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    schedule = client.post("/api/v1/estates/E001/schedules", json=DAY).json()["subject"]
    wanted = {"schedule_id": schedule, "reason": "按公告开放"}
    assert client.put(f"/api/v1/doors/{LAUNDRY}/schedule", json=wanted).status_code == 200
    for door in ("E001.G1", "E001.B1D"):
        refused = client.put(f"/api/v1/doors/{door}/schedule", json=wanted)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "way_home")
    publish.publish(hub)
    laundry = desired(hub, "E001.door-l1")
    residents = [c for c in laundry.credentials if c.holder_class == HolderClass.RESIDENT]
    assert len(residents) == 3, "both households"
    assert [p.schedule for p in laundry.profiles[0].policies] == [schedule]
    assert all(policy.schedule is None for p in desired(hub, BOARD).profiles for policy in p.policies)
    in_use = client.request("DELETE", f"/api/v1/schedules/{schedule}", json={"reason": "不再使用"})
    assert in_use.json()["error"]["code"] == "schedule_in_use"
    closed = {**DAY, "special_days": [{"day": "2026-11-30", "spans": []}], "reason": "春节假期"}
    assert client.put(f"/api/v1/schedules/{schedule}", json=closed).status_code == 200
    publish.publish(hub)
    index = build_index(desired(hub, "E001.door-l1"))
    card = residents[0].identifiers[0]
    monday = datetime.fromisoformat("2026-11-30T10:00:00+08:00")
    assert decide(index, "E001.L1-IN", card, monday, clock_trusted=True).reason == "out_of_schedule"
    assert decide(index, "E001.L1-IN", card, monday + timedelta(days=1), clock_trusted=True).granted


def test_hours_on_the_way_home_are_not_looked_at_even_where_a_row_has_them(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    schedule = client.post("/api/v1/estates/E001/schedules", json=DAY).json()["subject"]

    def closes(session: Any) -> None:
        session.get_one(Door, "E001.B1D").schedule_id = schedule

    change(hub, closes)
    publish.publish(hub)
    assert all(policy.schedule is None for p in desired(hub, BOARD).profiles for policy in p.policies)


@pytest.mark.parametrize(
    ("ranges", "code"),
    [
        ([], "schedule_empty"),
        ([{"weekdays": [8], "start": "08:00", "end": "09:00"}], "schedule_weekdays"),
        ([{"weekdays": [1], "start": "08:00:30", "end": "09:00"}], "schedule_times"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(hub: Hub, site: Setup, sign_in: Any, ranges: Any, code: str) -> None:
    site(hub)
    refused = sign_in(hub, "estate_manager").post("/api/v1/estates/E001/schedules", json={**DAY, "ranges": ranges})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)


def test_roles_in_words_and_their_limits() -> None:
    at = datetime.fromisoformat("2026-01-01T00:30:00+08:00")
    assert because_of("保洁", "物业公司甲", at, "Asia/Shanghai") == "岗位 保洁（物业公司甲），2026-01-01 起"
    year = timedelta(days=366)
    assert assignment_problem("staff", at, None, at) == ""
    assert assignment_problem("contractor", at, at + year, at) == ""
    assert assignment_problem("contractor", at, at + year + timedelta(days=1), at) == "too_long"
    assert assignment_problem("staff", at, at, at) == "times_reversed"


def test_an_identity_card_is_a_residents_own_choice_and_only_its_hash_is_kept(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    number = "11010519491231002X"
    site(hub)
    client = sign_in(hub, "estate_manager")
    chosen = client.post("/api/v1/members/M1/id-card", json={"id_number": number, "reason": "本人申请"})
    assert chosen.status_code == 200, chosen.text
    publish.publish(hub)
    shown = [i for c in desired(hub, GATE).credentials for i in c.identifiers if i.type == IdentifierType.ID_CARD]
    assert len(shown) == 1
    assert number not in str(shown[0])
    gate = desired(hub, GATE)
    assert gate.id_card_key, "the key travels inside the signed list that needs it"
    assert id_card.hashed(number, str(gate.id_card_key)) == shown[0].value
    assert not desired(hub, BOARD).id_card_key
    assert not [i for c in desired(hub, BOARD).credentials for i in c.identifiers if i.type == "id_card"], (
        "reads cards only"
    )
    other = client.post("/api/v1/members/M2/id-card", json={"id_number": number, "reason": "本人申请"})
    assert other.json()["error"]["code"] == "id_card_in_use" or other.status_code == 409
    assert client.post("/api/v1/members/M1/id-card", json={"reason": "本人不再使用"}).status_code == 200
    publish.publish(hub)
    assert not [i for c in desired(hub, GATE).credentials for i in c.identifiers if i.type == "id_card"]
