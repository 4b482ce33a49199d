"""The counter: own request and back, lost card, consent withdrawn on every device; twenty an hour, then a second person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from sqlalchemy import select, update

from device_drivers.contract.words import IdentifierType
from hub import quota
from hub.access import publish
from hub.access.revocations import unconfirmed as unconfirmed_removals
from hub.access.states import device_lists
from hub.access.step import step_item
from hub.services import Hub
from hub.tables import AuditRow, Consent, CredentialRow, HeldAction

REASON = {"reason": "本人持证到窗口办理"}


@pytest.fixture
def site(estate: Setup) -> Setup:
    def build(hub: Hub) -> None:
        estate(hub)
        publish.publish(hub)
        report(hub, GATE)
        report(hub, BOARD)

    return build


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
