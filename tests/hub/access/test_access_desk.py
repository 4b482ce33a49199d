"""The counter: own request and back, lost card, consent withdrawn on every device; twenty an hour, then a second person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from sqlalchemy import select, update

from device_drivers.contract import pin
from device_drivers.contract.words import IdentifierType
from hub import quota
from hub.access import publish
from hub.access.revocations import unconfirmed as unconfirmed_removals
from hub.access.states import device_lists
from hub.access.step import step_item
from hub.services import Hub
from hub.tables import AuditRow, Consent, CredentialRow, Device, Edge, HeldAction, HouseholdMember

REASON = {"reason": "本人持证到窗口办理"}


@pytest.fixture
def site(estate: Setup) -> Setup:
    def build(hub: Hub) -> None:
        estate(hub)
        publish.publish(hub)
        report(hub, GATE)
        report(hub, BOARD)

    return build


def only_a_face(session: Any) -> None:
    """M1 (P1) has a face and nothing else."""
    member = session.get_one(HouseholdMember, "M1")
    member.offered = {**member.offered, "cards": []}


def ways(hub: Hub, device: str, token: str) -> list[str]:
    return [str(i.type) for c in desired(hub, device).credentials if c.token == token for i in c.identifiers]


def cards(hub: Hub, device: str) -> set[str]:
    return {i.value for c in desired(hub, device).credentials for i in c.identifiers if i.type == IdentifierType.CARD}


def post(client: Any, path: str, **body: Any) -> Any:
    return client.post(f"/api/v1{path}", json={**REASON, **body})


def test_own_request_ends_it_and_gives_it_back_at_request(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client, token = sign_in(hub, "estate_manager"), token_of(hub, "P2")
    assert post(client, f"/credentials/{token}/own-request").status_code == 200
    publish.publish(hub)
    assert ways(hub, GATE, token) == []
    publish.publish(hub)
    assert "1002" not in cards(hub, GATE), "it is not made again behind his back"
    assert post(client, f"/credentials/{token}/own-request").status_code == 409
    assert post(client, f"/credentials/{token}/restore").status_code == 200
    publish.publish(hub)
    assert "1002" in cards(hub, GATE)
    assert token_of(hub, "P2") != token
    assert post(client, f"/credentials/{token}/restore").status_code == 409
    assert post(sign_in(hub, "administrator"), f"/credentials/{token}/own-request").status_code == 403


def test_a_lost_card_is_replaced_at_once_and_other_ways_stay(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client, token = sign_in(hub, "estate_manager"), token_of(hub, "P1")
    assert post(client, f"/credentials/{token}/lost-card", card="9").json()["error"]["code"] == "card_not_held"
    taken = post(client, f"/credentials/{token}/lost-card", card="1001", new_card="1003")
    assert taken.json()["error"]["code"] == "card_in_use"
    done = post(client, f"/credentials/{token}/lost-card", card="0001001", new_card="7001")
    assert done.status_code == 200, done.text
    publish.publish(hub)
    fresh = token_of(hub, "P1")
    assert fresh != token
    assert ways(hub, GATE, fresh) == ["card", "face"]
    assert ways(hub, BOARD, fresh) == ["card"]
    for device in (GATE, BOARD):
        assert "1001" not in cards(hub, device)
        assert "7001" in cards(hub, device)


def test_consent_a_withdrawn_takes_the_face_off_each_device_and_each_is_confirmed(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    site(hub)
    client, token = sign_in(hub, "estate_manager"), token_of(hub, "P1")
    answer = post(client, "/members/M1/consents/withdraw", purpose="a")
    assert answer.status_code == 200, answer.text
    assert answer.json()["tokens"] == [token]
    assert {d["device_id"] for d in answer.json()["devices"]} == {GATE, BOARD}
    publish.publish(hub)
    assert ways(hub, GATE, token) == ["card"], "the card stays"
    assert ways(hub, BOARD, token) == ["card"]
    with hub.db.reading() as session:
        assert [(r.device_id, r.token) for r in unconfirmed_removals(session, "E001")] == [(GATE, token)]
    summary = client.get("/api/v1/estates/E001/summary").json()
    assert summary["sync"]["oldest_unconfirmed_removal_at"] is not None
    report(hub, GATE, read_back_at=None)
    with hub.db.reading() as session:
        assert len(unconfirmed_removals(session, "E001")) == 1, "written is not read back"
        assert {step_item(d)["state"] for d in device_lists(session) if d.device.id == GATE} == {"unknown"}
    report(hub, GATE)
    with hub.db.reading() as session:
        assert unconfirmed_removals(session, "E001") == []
        assert session.scalars(select(Consent.withdrawn_by).where(Consent.id == "C1")).one() == "desk"
        assert session.get_one(CredentialRow, token).state == "active"
    assert client.get("/api/v1/estates/E001/summary").json()["sync"]["oldest_unconfirmed_removal_at"] is None
    again = post(client, "/members/M1/consents/withdraw", purpose="a")
    assert again.json()["error"]["code"] == "no_consent"
    assert (
        post(sign_in(hub, "estate_manager", ["E001"]), "/members/nobody/consents/withdraw", purpose="a").status_code
        == 404
    )


def test_a_removal_stays_open_while_its_device_still_writes(hub: Hub, site: Setup) -> None:
    """A progress report with the new generation, nothing pending and no read-back is not a confirmation."""
    site(hub)
    change(hub, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(withdrawn_at=hub.now())))
    publish.publish(hub)
    for unseen in ({"read_back_at": None}, {"pending": 1, "pending_tokens": [token_of(hub, "P1")]}, {"pending": 2}):
        report(hub, GATE, **unseen)
        with hub.db.reading() as session:
            assert [r.device_id for r in unconfirmed_removals(session, "E001")] == [GATE], unseen


def test_beyond_twenty_an_hour_a_second_person_decides(hub: Hub, site: Setup, sign_in: Any, clock: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")

    def issue(number: int) -> Any:
        times = {"valid_from": hub.now().isoformat(), "valid_to": (hub.now() + timedelta(hours=1)).isoformat()}
        return post(
            client, "/estates/E001/passes", kind="visitor", dwelling_id="E001.E001-B1-0101", identifier="card",
            card=str(9000 + number), **times,
        )  # fmt: skip

    for number in range(quota.LIMIT):
        assert issue(number).status_code == 201
    answer = issue(50)
    assert answer.status_code == 202, answer.text
    token = token_of(hub, "P2")
    clock.pass_(seconds=1)
    ended = post(client, f"/credentials/{token}/own-request")
    assert ended.status_code == 202
    assert token_of(hub, "P2") == token, "nothing happened yet"
    assert post(client, "/members/M1/consents/withdraw", purpose="a").status_code == 200, "a right does not wait"
    items = client.get("/api/v1/estates/E001/held-actions").json()["items"]
    assert [(i["kind"], i["dwelling_code"], i["mine"]) for i in items] == [
        ("pass.issue", "E001-B1-0101", True),
        ("credential.own_request", "E001-B1-0101", True),
    ]
    first, second = (i["id"] for i in items)
    assert post(client, f"/held-actions/{first}/confirm").status_code == 403, "a clerk does not confirm"
    official = sign_in(hub, "housing_official")
    done = post(official, f"/held-actions/{first}/confirm")
    assert (done.status_code, done.json()["number"]) == (200, "9050"), done.text
    assert post(official, f"/held-actions/{first}/confirm").status_code == 409
    assert post(official, f"/held-actions/{second}/refuse").status_code == 200
    assert token_of(hub, "P2") == token
    clock.pass_(minutes=61)
    assert issue(60).status_code == 201, "the hour is over"
    with hub.db.reading() as session:
        whats = {c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes}
    assert {"held_action.asked", "held_action.confirmed", "held_action.refused"} <= whats


def test_nobody_is_his_own_second_person_and_a_day_old_wish_is_void(
    hub: Hub, site: Setup, sign_in: Any, clock: Any
) -> None:
    site(hub)
    official = sign_in(hub, "housing_official")
    name = official.get("/api/v1/me").json()["name"]
    token = token_of(hub, "P2")
    common = {
        "estate_id": "E001", "kind": "credential.own_request", "asked_at": hub.now(), "reason": "x", "state": "held",
        "payload": {"type": "credential.own_request", "token": token}, "label": "",
    }  # fmt: skip
    change(hub, lambda s: s.add_all([HeldAction(id=f"held-{who}", asked_by=who, **common) for who in (name, "else")]))
    assert post(official, f"/held-actions/held-{name}/confirm").json()["error"]["code"] == "same_person"
    clock.pass_(hours=24, seconds=1)
    publish.publish(hub)
    late = post(sign_in(hub, "housing_official"), "/held-actions/held-else/confirm")
    assert late.json()["error"]["code"] == "held_gone"
    assert token_of(hub, "P2") == token


def test_whoever_had_only_a_face_has_the_phone_from_the_minute_the_consent_is_taken_back(
    hub: Hub, estate: Setup, sign_in: Any, client_for: Any
) -> None:
    estate(hub)
    change(hub, only_a_face)
    publish.publish(hub)
    client, token = sign_in(hub, "estate_manager"), token_of(hub, "P1")
    assert ways(hub, GATE, token) == ["face"]
    told = post(client, "/members/M1/consents/withdraw", purpose="a").json()
    assert told["phone_only"]
    assert any("单元门" in warning for warning in told["warnings"]), "the entrance reads no phone"
    assert any("发一张门卡" in warning for warning in told["warnings"])
    secret = told["link"].split("#")[1]
    shown = client_for(hub).post("/api/v1/pass-qr", json={"secret": secret})
    assert shown.status_code == 200, "before any list was made anew"
    publish.publish(hub)
    assert token in {c.token for c in desired(hub, GATE).credentials}, "the gate's edge knows the phone"
    assert ways(hub, GATE, token) == [], "and no face"
    with hub.db.reading() as session:
        rows = [c for changes in session.scalars(select(AuditRow.changes)) for c in changes]
    assert [c["way"] for c in rows if c.get("what") == "consent.other_way"] == ["phone"]
    assert secret not in str(rows)


def test_who_has_a_card_too_keeps_it_and_gets_no_link(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    told = post(sign_in(hub, "estate_manager"), "/members/M1/consents/withdraw", purpose="a").json()
    assert (told["link"], told["phone_only"], told["warnings"]) == ("", False, [])


def test_a_member_has_a_pin_where_a_keypad_is_and_a_record_does_not_take_it(
    hub: Hub, site: Setup, sign_in: Any
) -> None:
    site(hub)
    client, token = sign_in(hub, "estate_manager"), token_of(hub, "P2")
    digits = post(client, "/members/M2/pin").json()["number"]
    assert len(digits) == pin.DIGITS
    publish.publish(hub)
    board = desired(hub, BOARD)
    (mine,) = (i.value for c in board.credentials if c.token == token for i in c.identifiers if i.type == "pin")
    assert mine == pin.hashed(digits, str(board.id_card_key))
    assert ways(hub, GATE, token) == ["card"], "the gate's terminal reads no keys"
    second = post(client, "/members/M2/pin").json()["number"]
    publish.publish(hub)
    shown = {i.value for c in desired(hub, BOARD).credentials for i in c.identifiers if i.type == "pin"}
    assert shown == {pin.hashed(second, str(board.id_card_key))}, "the old one opens no longer"
    post(client, "/members/M2/pin", wanted=False)
    publish.publish(hub)
    assert ways(hub, BOARD, token) == ["card"]


def test_a_pin_is_offered_where_a_keypad_is_configured_and_nowhere_else(hub: Hub, site: Setup, sign_in: Any) -> None:
    """As edges of this release announce it: by the setting of the device, not by its kind."""
    site(hub)

    def announced(session: Any) -> None:
        plain = {"cards": True, "edge_identifiers": ["card"]}
        keyed = {"settings": {"keypad": "keys4"}, "capabilities": {**plain, "edge_identifiers": ["card", "pin"]}}
        edge = session.get_one(Edge, "edge-aaaa")
        boards = {"kind": "modbus_door", "title": "板", "schema": {}, "capabilities": plain, "variants": [keyed]}
        edge.catalogue = [one for one in edge.catalogue if one["kind"] != "modbus_door"] + [boards]

    change(hub, announced)
    client = sign_in(hub, "estate_manager")
    wanted = {
        "kind": "visitor", "dwelling_id": "E001.E001-B1-0101", "identifier": "pin", "doors": ["E001.B1D"], **REASON,
        "valid_from": hub.now().isoformat(), "valid_to": (hub.now() + timedelta(hours=4)).isoformat(),
    }  # fmt: skip
    refused = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert refused.json()["error"]["code"] == "way_not_usable"
    change(hub, lambda s: setattr(s.get_one(Device, BOARD), "config", {"keypad": "keys4"}))
    assert client.post("/api/v1/estates/E001/passes", json=wanted).status_code == 201
