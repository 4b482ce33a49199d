"""Passes: exactly these doors and times, on the device itself, gone afterwards; never a face, never a way to end a resident."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from sqlalchemy import insert, select, update

from device_drivers.contract import pin
from device_drivers.contract.words import HolderClass, IdentifierType
from hub.access import publish
from hub.access.explain_text import explain_text
from hub.access.pass_rules import KINDS, PROBLEMS_ZH, DoorPlace, PassRequest, doors_of, problem
from hub.access.revocations import unconfirmed as unconfirmed_removals
from hub.services import Hub
from hub.tables import CredentialIdentifierRow, CredentialRow, Door, EventRow, Tenancy

HOME = "E001.E001-B1-0101"
EMPTY = "E001.E001-B1-0102"


@pytest.fixture
def site(estate: Setup) -> Setup:
    """The estate with a dwelling's own door in 101, published once."""

    def build(hub: Hub) -> None:
        estate(hub)
        own = Door(id="E001.D101", estate_id="E001", dwelling_id=HOME, code="D101", name="101户门", scope="dwelling")
        change(hub, lambda s: s.add(own))
        publish.publish(hub)
        report(hub, GATE)
        report(hub, BOARD)

    return build


def body(hub: Hub, **changed: Any) -> dict[str, Any]:
    wanted = {"kind": "visitor", "dwelling_id": HOME, "identifier": "card", "card": "0777001", "reason": "亲友来访"}
    start: datetime = changed.pop("start", hub.now() + timedelta(hours=1))
    hours = changed.pop("hours", 4)
    times = {"valid_from": start.isoformat(), "valid_to": (start + timedelta(hours=hours)).isoformat()}
    return {**wanted, **times, **changed}


def passed(hub: Hub, token: str, seq: int, point: str = "E001.G1-IN") -> None:
    row = {
        "edge_id": "edge-aaaa", "epoch": "e", "seq": seq, "estate_id": "E001", "kind": "access", "device_id": GATE,
        "access_point_id": point, "credential": token, "identifier": "card", "outcome": "granted", "at": hub.now(),
        "received_at": hub.now(), "ingested_at": hub.now(), "late": False, "data": "{}",
    }  # fmt: skip
    change(hub, lambda s: s.execute(insert(EventRow), [row]))


def test_a_visitors_pass_is_on_its_doors_for_its_hours_and_then_on_no_device(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    before = {c.token for c in desired(hub, GATE).credentials}
    client = sign_in(hub, "estate_manager")
    wanted = body(hub, visitor="王小明")
    made = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert made.status_code == 201, made.text
    assert made.json()["number"] == "777001"
    publish.publish(hub)
    for device in (GATE, BOARD):
        (held,) = (c for c in desired(hub, device).credentials if c.token not in before)
        assert held.holder_class == HolderClass.VISITOR
        assert [(i.type, i.value) for i in held.identifiers] == [(IdentifierType.CARD, "777001")]
        assert held.validity.not_before == datetime.fromisoformat(wanted["valid_from"])
        assert held.validity.not_after == datetime.fromisoformat(wanted["valid_to"])
        assert held.label == "访客 · 1号楼-0101"
    (item,) = client.get("/api/v1/estates/E001/passes").json()["items"]
    assert (item["visitor"], item["number"], item["kind_zh"]) == ("王*明", "***001", "访客")
    assert [d["name"] for d in item["doors"]] == ["单元门", "北门"], "not the home's own door"
    assert {d["state"] for d in item["devices"]} == {"pending"}
    with hub.db.reading() as session:
        text = explain_text(session, held.token, hub.now())
    assert "访客通行证，接待房屋 E001-B1-0101" in text
    assert "王" not in text
    clock.pass_(hours=5, seconds=1)
    assert publish.publish(hub).startswith("credentials +0 ~0 -1; 2 lists published")
    for device in (GATE, BOARD):
        assert {c.token for c in desired(hub, device).credentials} == before
    with hub.db.reading() as session:
        assert {r.token for r in unconfirmed_removals(session, "E001")} == {held.token}
        assert session.get_one(CredentialRow, held.token).ended_because.startswith("pass_expired: valid to")
    assert sign_in(hub, "estate_manager").get("/api/v1/estates/E001/passes").json()["items"] == []


def test_a_list_composed_late_does_not_revive_a_pass_that_is_over(hub: Hub, site: Setup, sign_in: Any) -> None:
    """Entitlement itself ends with the validity, even before the credential's row was closed."""
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub))
    from hub.access import bundle
    from hub.access.entitle import entitle
    from hub.tables import Estate

    with hub.db.reading() as session:
        loaded = bundle.load(session, session.get_one(Estate, "E001"))
    (one,) = loaded.passes
    during = {e.token for e in entitle(loaded.points, loaded.holders, one.not_before, "Asia/Shanghai", loaded.passes)}
    after = {e.token for e in entitle(loaded.points, loaded.holders, one.not_after, "Asia/Shanghai", loaded.passes)}
    assert during - after == {one.token}


def test_pins_are_made_here_and_shown_once(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    wanted = body(hub, identifier="pin", card="")
    numbers = {client.post("/api/v1/estates/E001/passes", json=wanted).json()["number"] for _ in range(3)}
    assert len(numbers) == 3
    assert all(n.isdigit() and len(n) == pin.DIGITS and n[0] != "0" for n in numbers)
    publish.publish(hub)
    board = desired(hub, BOARD)
    held = {i.value for c in board.credentials for i in c.identifiers if i.type == "pin"}
    assert held == {pin.hashed(n, str(board.id_card_key)) for n in numbers}, "a keyed hash, and the key with it"
    with hub.db.reading() as session:
        kept = set(session.scalars(select(CredentialIdentifierRow.value).where(CredentialIdentifierRow.type == "pin")))
    assert kept == held, "the hub keeps no digits either"
    listed = client.get("/api/v1/estates/E001/passes").text
    assert not any(n in listed for n in numbers), "shown once, then masked"


def test_a_pass_for_counted_visits_ends_with_the_last(hub: Hub, site: Setup, sign_in: Any, clock: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub, start=hub.now(), hours=48, uses=2))
    publish.publish(hub)
    (item,) = client.get("/api/v1/estates/E001/passes").json()["items"]
    passed(hub, item["token"], 1)
    passed(hub, item["token"], 2, "E001.B1-IN")
    publish.publish(hub)
    (item,) = client.get("/api/v1/estates/E001/passes").json()["items"]
    assert item["used"] == 1, "gate and entrance of one visit are one use"
    passed(hub, item["token"], 3)
    publish.publish(hub)
    (item,) = client.get("/api/v1/estates/E001/passes").json()["items"]
    assert item["used"] == 2, "the last visit is through the gate and still on its way to the entrance"
    clock.pass_(minutes=30, seconds=1)
    publish.publish(hub)
    (item,) = client.get("/api/v1/estates/E001/passes?state=all").json()["items"]
    assert (item["state"], item["ended_because"]) == ("ended", "pass_expired: used 2 of 2 times")
    assert item["token"] not in {c.token for c in desired(hub, GATE).credentials}


def test_host_or_visitor_may_take_it_back_and_no_resident_can_be_ended_here(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    made = client.post("/api/v1/estates/E001/passes", json=body(hub)).json()["subject"]
    ended = client.request(
        "DELETE", f"/api/v1/passes/{made}", json={"because": "host_withdrew", "reason": "住户来电取消"}
    )
    assert ended.status_code == 200, ended.text
    again = client.request(
        "DELETE", f"/api/v1/passes/{made}", json={"because": "host_withdrew", "reason": "住户来电取消"}
    )
    assert again.status_code == 409
    resident = token_of(hub, "P1")
    for path in (f"/api/v1/passes/{resident}", "/api/v1/passes/none"):
        refused = client.request("DELETE", path, json={"because": "host_withdrew", "reason": "试图终止住户"})
        assert refused.status_code == 404
    assert token_of(hub, "P1") == resident


def test_when_the_hosts_tenancy_ends_its_visitors_passes_end(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub, kind="carer", hours=24 * 60))
    decision = {"number": "青房退12号", "date": "2026-10-01", "move_out_completed_on": "2026-11-01"}
    ended = {"state": "ended", "end_decision": decision}
    change(hub, lambda s: s.execute(update(Tenancy).where(Tenancy.id == "T-1").values(**ended)))
    publish.publish(hub)
    (item,) = client.get("/api/v1/estates/E001/passes?state=all").json()["items"]
    assert item["ended_because"] == "pass_withdrawn: host tenancy T-1 ended"


def test_when_the_host_moves_away_nobody_keeps_a_pass_to_the_old_home(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub, kind="carer", hours=24 * 60))
    publish.run(hub)
    change(hub, lambda s: s.execute(update(Tenancy).where(Tenancy.id == "T-1").values(dwelling_id=EMPTY)))
    publish.run(hub)
    (item,) = client.get("/api/v1/estates/E001/passes?state=all").json()["items"]
    assert item["ended_because"] == "pass_withdrawn: host tenancy T-1 moved to another dwelling"
    assert item["token"] not in {c.token for c in desired(hub, BOARD).credentials}


def test_only_carers_and_regular_visitors_are_renewed_each_time_for_ninety_days(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    carer = client.post(
        "/api/v1/estates/E001/passes", json=body(hub, kind="carer", start=hub.now(), hours=24 * 90)
    ).json()["subject"]
    short = client.post("/api/v1/estates/E001/passes", json=body(hub, card="888")).json()["subject"]
    clock.pass_(days=80)

    def renew(which: str, days: int) -> Any:
        to = (hub.now() + timedelta(days=days)).isoformat()
        return client.post(f"/api/v1/passes/{which}/renew", json={"valid_to": to, "reason": "护理继续"})

    client = sign_in(hub, "estate_manager")
    assert renew(carer, 91).json()["error"]["code"] == "too_long"
    assert renew(carer, 90).status_code == 200
    assert renew(short, 1).json()["error"]["code"] == "not_renewable"
    publish.publish(hub)
    (held,) = (c for c in desired(hub, GATE).credentials if c.holder_class == HolderClass.VISITOR)
    assert held.validity.not_after == hub.now() + timedelta(days=90)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"hours": 24 * 8}, "too_long"),
        ({"hours": -1}, "times_reversed"),
        ({"kind": "repair"}, "order_missing"),
        ({"repair_order": "R-1"}, "order_unwanted"),
        ({"kind": "viewing"}, "not_vacant"),
        ({"dwelling_id": EMPTY}, "no_household"),
        ({"dwelling_id": None}, "host_missing"),
        ({"doors": ["E001.D101"]}, "home_door"),
        ({"doors": ["E001.elsewhere"]}, "door_elsewhere"),
        ({"card": "12x"}, "card_bad"),
        ({"card": "1001"}, "card_in_use"),
    ],
)
def test_what_a_pass_cannot_be(hub: Hub, site: Setup, sign_in: Any, changed: dict[str, Any], code: str) -> None:
    site(hub)
    reply = sign_in(hub, "estate_manager").post("/api/v1/estates/E001/passes", json=body(hub, **changed))
    assert reply.json()["error"]["code"] == code, reply.text
    assert reply.status_code in (400, 409)


def test_no_pass_takes_a_face_and_only_the_desk_issues(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    for face in ({"photo": {"url": "http://x/a.jpg", "sha256": "0" * 64}}, {"identifier": "face"}):
        assert client.post("/api/v1/estates/E001/passes", json={**body(hub), **face}).status_code == 422
    for role in ("auditor", "administrator", "housing_official"):
        assert sign_in(hub, role).post("/api/v1/estates/E001/passes", json=body(hub)).status_code == 403


def test_a_repair_goes_where_the_order_says_and_a_viewing_into_the_empty_home(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    site(hub)
    change(
        hub,
        lambda s: s.add(
            Door(id="E001.D102", estate_id="E001", dwelling_id=EMPTY, code="D102", name="102户门", scope="dwelling")
        ),
    )
    client = sign_in(hub, "estate_manager")
    repair = body(hub, kind="repair", repair_order="R-2026-7", dwelling_id=None, card="501", doors=["E001.B1D"])
    assert client.post("/api/v1/estates/E001/passes", json=repair).status_code == 201
    viewing = body(hub, kind="viewing", dwelling_id=EMPTY, card="502")
    assert client.post("/api/v1/estates/E001/passes", json=viewing).status_code == 201
    at_home = body(hub, kind="carer", card="503", doors=["E001.D101"], host_agreed=True)
    assert client.post("/api/v1/estates/E001/passes", json=at_home).status_code == 201
    doors = {
        i["kind"]: {d["id"] for d in i["doors"]} for i in client.get("/api/v1/estates/E001/passes").json()["items"]
    }
    assert doors == {
        "repair": {"E001.B1D"},
        "viewing": {"E001.G1", "E001.B1D", "E001.D102"},
        "carer": {"E001.D101"},
    }
    publish.publish(hub)
    at_board = {c.holder_class for c in desired(hub, BOARD).credentials}
    assert HolderClass.CONTRACTOR in at_board
    assert HolderClass.CONTRACTOR not in {c.holder_class for c in desired(hub, GATE).credentials}, "only its own door"


def test_every_kind_and_problem_has_words() -> None:
    now = datetime.fromisoformat("2026-11-21T04:00:00+00:00")
    places = [DoorPlace("g", "estate", None, None), DoorPlace("b2", "block", "B2", None)]
    for kind in KINDS:
        request = PassRequest(kind, now, now + timedelta(hours=1), "home", (), "R" if kind == "repair" else "")
        assert problem(request, now, let=kind != "viewing") == ""
        doors, code = doors_of(request, places, "B1", let=True)
        assert (doors, code) == (("g",), ""), "the other block's entrance is not on the way"
        assert doors_of(request, [], "B1", let=True) == ((), "doors_missing")
    assert all(text.endswith(("。", "）", "。 ")) for text in PROBLEMS_ZH.values())
