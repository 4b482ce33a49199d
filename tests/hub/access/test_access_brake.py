"""The brake on people (N4): twenty changes of access an hour by one person, however they are made; then a second, another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from access_site import GATE, Setup, change, token_of
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from hub import auth, held_rows, quota
from hub.access import held, publish
from hub.access.desk import OwnRequest
from hub.auth import Principal
from hub.errors import Conflict
from hub.estate.site import SiteProblem, SiteWaits, import_site
from hub.services import Hub
from hub.tables import (
    AccessChange,
    AccessPass,
    AccessPoint,
    AuditRow,
    Block,
    DesiredEntry,
    Device,
    Dwelling,
    Estate,
    HeldAction,
    HubUser,
    ReportedList,
)

REASON = {"reason": "本人持证到窗口办理"}
HOME = {"E001": "E001.E001-B1-0101", "E002": "E002.1"}


@pytest.fixture
def site(hub: Hub, estate: Setup) -> Hub:
    """Two estates, on both databases."""
    estate(hub)

    def second(session: Any) -> None:
        session.add(Estate(id="E002", code="E002", name="别处小区", policy={}))
        session.flush()
        session.add(Block(id="E002.B1", estate_id="E002", code="B1", name="1号楼", floors=1, dwellings_per_floor=1))
        session.flush()
        session.add(Dwelling(id="E002.1", estate_id="E002", block_id="E002.B1", code="E002-1", floor=1, number="101"))

    change(hub, second)
    publish.publish(hub)
    return hub


def issue(hub: Hub, client: TestClient, card: int) -> int:
    body = {
        "kind": "visitor", "dwelling_id": HOME["E001"], "identifier": "card", "card": str(9000 + card), **REASON,
        "valid_from": hub.now().isoformat(), "valid_to": (hub.now() + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    return client.post("/api/v1/estates/E001/passes", json=body).status_code


def use_up(hub: Hub, who: str, count: int) -> None:
    change(hub, lambda s: s.add(AccessChange(who=who, at=hub.now(), what="pass.issue", count=count)))


def principal_of(hub: Hub, client: TestClient) -> Principal:
    with hub.db.reading() as session:
        user = session.get_one(HubUser, client.get("/api/v1/me").json()["id"])
        return auth.principal_of(session, user)


def test_the_twenty_first_is_held_whatever_session_estate_or_name(
    site: Hub, sign_in: Any, client_for: Callable[[Hub], TestClient], clock: Any
) -> None:
    client = sign_in(site, "estate_manager", ["E001", "E002"])
    me = principal_of(site, client)
    assert [issue(site, client, n) for n in range(9)] == [201] * 9
    other = client_for(site)
    token = auth.open_session(site, me.id)
    other.cookies.set(auth.COOKIE, token)
    other.headers["X-CSRF-Token"] = auth.by_session(site, token).csrf
    assert [issue(site, other, n) for n in range(9, 15)] == [201] * 6, "a second session is the same person"
    elsewhere = Principal(me.id, me.name, "", me.role, None)
    with site.db.unit_of_work(me.name, "E002", estate_id="E002", now=site.now()) as uow:
        assert quota.spend(uow, elsewhere.id, "pass.issue", 4), "work in another estate counts to the same hour"
    change(site, lambda s: s.execute(update(HubUser).where(HubUser.id == me.id).values(name="renamed")))
    assert issue(site, client, 20) == 201, "the twentieth"
    assert issue(site, client, 21) == 202, "a new name is no new person"
    clock.pass_(minutes=59, seconds=59)
    assert issue(site, client, 22) == 202
    clock.pass_(seconds=1)
    assert issue(site, client, 23) == 201, "the hour is over"


def test_what_fails_does_not_count(site: Hub, sign_in: Any) -> None:
    client = sign_in(site, "estate_manager")
    assert issue(site, client, 1) == 201
    assert [issue(site, client, 1) for _ in range(30)] == [409] * 30, "the same card again"
    with site.db.reading() as session:
        assert quota.spent(session, principal_of(site, client).id, site.now()) == 1


def test_at_the_same_moment_only_one_gets_the_last(site: Hub, sign_in: Any) -> None:
    client = sign_in(site, "estate_manager")
    use_up(site, principal_of(site, client).id, quota.LIMIT - 1)
    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(lambda n: issue(site, client, n), range(4)))
    assert answers == [201, 202, 202, 202]
    with site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccessPass)) == 1


def test_a_systems_key_has_the_same_brake(site: Hub) -> None:
    """No key may work at the counter today; should one ever, it is one person more, not a way round."""
    system = Principal("key:desk", "desk", "desk", "lease_system", None)
    use_up(site, "key:desk", quota.LIMIT)
    answer = held.act(site, system, "E001", OwnRequest(token_of(site, "P2")), "按接口办理")
    assert answer.held
    assert answer.done is None


def foreign(hub: Hub, count: int) -> None:
    """The edge has read the gate's terminal and counted these."""
    change(hub, lambda s: s.merge(ReportedList(device_id=GATE, foreign=count)))


def choose(client: TestClient, choice: str) -> Any:
    return client.patch(f"/api/v1/devices/{GATE}", json={"foreign": choice, **REASON})


def test_removing_what_a_device_held_counts_every_credential(site: Hub, sign_in: Any) -> None:
    manager, official = sign_in(site, "estate_manager"), sign_in(site, "housing_official")
    assert choose(manager, "remove").json()["error"]["code"] == "not_looked", "nobody knows whom it would shut out"
    foreign(site, 21)
    assert choose(manager, "adopt").status_code == 204, "to keep them shuts nobody out"
    asked = choose(manager, "remove")
    assert asked.status_code == 202, asked.text
    with site.db.reading() as session:
        assert not session.get_one(Device, GATE).remove_foreign
        assert session.get_one(HeldAction, asked.json()["held"]).weight == 21
    (item,) = manager.get("/api/v1/estates/E001/held-actions").json()["items"]
    assert "21个外来凭证" in item["label"], "the second person sees how many"
    done = official.post(f"/api/v1/held-actions/{item['id']}/confirm", json=REASON)
    assert done.status_code == 200, done.text
    with site.db.reading() as session:
        assert session.get_one(Device, GATE).remove_foreign


def test_a_few_are_one_persons_and_use_the_hour(site: Hub, sign_in: Any) -> None:
    manager = sign_in(site, "estate_manager")
    foreign(site, 19)
    assert choose(manager, "remove").status_code == 204
    assert [issue(site, manager, n) for n in (1, 2)] == [201, 202]


def test_consent_taken_back_never_waits(site: Hub, sign_in: Any) -> None:
    manager = sign_in(site, "estate_manager")
    use_up(site, principal_of(site, manager).id, quota.LIMIT)
    reply = manager.post("/api/v1/members/M1/consents/withdraw", json={"purpose": "a", **REASON})
    assert reply.status_code == 200, reply.text


def test_whom_the_first_let_in_is_no_second(site: Hub, sign_in: Any, client_for: Any, clock: Any) -> None:
    """An administrator can make a link that signs in as somebody else: with it he does not confirm himself."""
    admin, official = sign_in(site, "administrator"), sign_in(site, "housing_official")
    asker, victim = principal_of(site, admin), principal_of(site, official)
    use_up(site, asker.id, quota.LIMIT)
    foreign(site, 5)
    held_id = choose(admin, "remove").json()["held"]
    assert admin.post(f"/api/v1/admin/users/{victim.id}/sign-in-link").status_code == 201
    confirm = f"/api/v1/held-actions/{held_id}/confirm"
    reply = official.post(confirm, json=REASON)
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "same_person")
    other = sign_in(site, "housing_official")
    assert other.post(confirm, json=REASON).status_code == 200


def test_the_same_person_by_another_name_is_no_second(site: Hub) -> None:
    first = Principal("user-1", "wang", "", "administrator", None)
    use_up(site, first.id, quota.LIMIT)
    answer = held.act(site, first, "E001", OwnRequest(token_of(site, "P2")), "测试原因")
    renamed = Principal("user-1", "wang2", "", "administrator", None)
    with site.db.reading() as session:
        row = session.get_one(HeldAction, answer.held)
    with pytest.raises(Conflict, match="same_person"):
        held.decide(site, renamed, row, confirm=True, reason="测试原因")


# --- what takes a way in from many ------------------------------------------------------------------------------------


def many_on(hub: Hub, device: str, count: int) -> None:
    rows = [DesiredEntry(device_id=device, token=f"many-{n}", generation=1) for n in range(count)]
    change(hub, lambda s: s.add_all(rows))


def in_service(hub: Hub, device: str) -> bool:
    with hub.db.reading() as session:
        return session.get_one(Device, device).in_service


def test_a_device_that_serves_many_is_taken_out_of_service_by_two_persons(site: Hub, sign_in: Any) -> None:
    admin, official = sign_in(site, "administrator"), sign_in(site, "housing_official")
    wanted = {"in_service": False, "name": "北门终端", "reason": "终端送修"}
    many_on(site, GATE, quota.LIMIT)
    reply = admin.patch(f"/api/v1/devices/{GATE}", json=wanted)
    assert reply.status_code == 202, reply.text
    assert in_service(site, GATE), "the people on its list still come in"
    (item,) = official.get("/api/v1/estates/E001/held-actions").json()["items"]
    assert "北门终端" in item["label"], "what else was asked for is done"
    assert official.post(f"/api/v1/held-actions/{item['id']}/confirm", json=REASON).status_code == 200
    assert not in_service(site, GATE)


def test_few_people_need_no_second_and_count_to_the_hour(site: Hub, sign_in: Any) -> None:
    admin = sign_in(site, "administrator")
    use_up(site, principal_of(site, admin).id, quota.LIMIT - 3)
    reply = admin.patch(f"/api/v1/devices/{GATE}", json={"in_service": False, "reason": "终端送修"})
    assert reply.status_code == 204, "three people are on its list"
    assert admin.patch(f"/api/v1/devices/{GATE}", json={"in_service": True, "reason": "已经修好了"}).status_code == 204
    publish.publish(site)
    again = admin.patch(f"/api/v1/devices/{GATE}", json={"in_service": False, "reason": "终端又坏了"})
    assert again.status_code == 202, "one after the other is many too"


def test_to_remap_a_device_takes_two_where_it_lets_go_of_a_door_of_many(site: Hub, sign_in: Any) -> None:
    admin, official = sign_in(site, "administrator"), sign_in(site, "housing_official")
    path, stands = f"/api/v1/devices/{GATE}/points", {"access_point_id": "E001.G1-IN"}
    many_on(site, GATE, quota.LIMIT)
    kept = admin.put(path, json={"points": [{"point": "1", "side": "in", **stands}]})
    assert kept.status_code == 204, "nobody loses anything"
    moved = {"points": [{"point": "2", "side": "in", **stands}]}
    reply = admin.put(path, json=moved)
    assert reply.status_code == 202, reply.text

    def point() -> str:
        with site.db.reading() as session:
            return session.get_one(AccessPoint, "E001.G1-IN").point

    assert point() == "1"
    assert official.post(f"/api/v1/held-actions/{reply.json()['held']}/confirm", json=REASON).status_code == 200
    assert point() == "2"


def test_a_decided_action_keeps_no_numbers_and_its_digest_stays_in_the_audit(
    site: Hub, sign_in: Any, clock: Any
) -> None:
    clerk, official = sign_in(site, "estate_manager"), sign_in(site, "housing_official")
    use_up(site, principal_of(site, clerk).id, quota.LIMIT)
    for decision in ("confirm", "refuse", "nobody"):
        assert issue(site, clerk, len(decision)) == 202
        with site.db.reading() as session:
            row = session.scalars(select(HeldAction).where(HeldAction.state == "held")).one()
        assert str(9000 + len(decision)) in str(row.payload)
        if decision == "nobody":
            clock.pass_(hours=25)
            with site.db.unit_of_work("system", "expiry", now=site.now(), audit=False) as uow:
                assert held.expire(uow) == 1
        else:
            assert official.post(f"/api/v1/held-actions/{row.id}/{decision}", json=REASON).status_code == 200
        with site.db.reading() as session:
            assert session.get_one(HeldAction, row.id).payload == {}, decision
            told = [c for rows in session.scalars(select(AuditRow.changes)) for c in rows if c.get("subject") == row.id]
        digests = {c["digest"] for c in told if "digest" in c}
        assert digests == {held_rows.digest(row.payload)}, "which action it was can still be proved"
        assert str(9000 + len(decision)) not in str(told)


def test_a_hand_over_that_moves_doors_of_many_takes_a_second_person(hub: Hub, sign_in: Any) -> None:
    def document(device: str) -> str:
        block = {"code": "B1", "name": "1号楼", "floors": 1, "dwellings_per_floor": 1}
        door = {
            "code": "B1D",
            "name": "单元门",
            "scope": "block",
            "block": "B1",
            "fire_release": "wired",
            "egress": "button",
        }
        boards = [{"code": c, "name": c, "kind": "modbus_door", "config": {}} for c in ("board-1", "board-2")]
        point = {"code": "B1-IN", "name": "进", "door": "B1D", "side": "in", "device": device, "point": "door1"}
        estate = {"code": "E009", "name": "新小区"}
        return json.dumps(
            {
                "estate": estate,
                "blocks": [block],
                "doors": [door],
                "devices": boards,
                "access_points": [point],
                "dwellings": [],
            }
        )

    import_site(hub, document("board-1"))
    many_on(hub, "E009.board-1", quota.LIMIT + 1)
    import_site(hub, document("board-1"))  # the same again takes nothing
    with pytest.raises(SiteProblem, match="Say who asks"):
        import_site(hub, document("board-2"))
    with pytest.raises(SiteProblem, match="no user"):
        import_site(hub, document("board-2"), by="nobody")
    asker, official = sign_in(hub, "administrator"), sign_in(hub, "housing_official")

    def controls() -> str | None:
        with hub.db.reading() as session:
            return session.get_one(AccessPoint, "E009.B1-IN").device_id

    with pytest.raises(SiteWaits) as waits:
        import_site(hub, document("board-2"), by=principal_of(hub, asker).name)
    assert controls() == "E009.board-1", "nothing of it stands before a second person has confirmed it"
    url = f"/api/v1/held-actions/{waits.value.held}/confirm"
    assert asker.post(url, json=REASON).status_code == 409, "who asked does not confirm it himself"
    (shown,) = official.get("/api/v1/estates/E009/held-actions").json()["items"]
    assert shown["kind"] == "site.hand_over"
    assert all(text in shown["label"] for text in ("board-1", str(quota.LIMIT + 1))), "what it does, and to how many"
    assert official.post(url, json=REASON).status_code == 200
    assert controls() == "E009.board-2"
