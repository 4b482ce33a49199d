"""Whoever lives here keeps a way in beside the face, or the desk is told: whatever was lost, given back, or begins later."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from access_site import BOARD, GATE, Setup, change, desired, token_of
from fastapi.testclient import TestClient
from sqlalchemy import event, select, update

from device_drivers.contract.access import AccessList
from device_drivers.contract.access import Identifier as Shown
from device_drivers.contract.words import IdentifierType
from edge_agent.decide import build_index, decide
from hub.access import publish
from hub.access.step import no_way_in
from hub.services import Hub
from hub.tables import (
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    Door,
    Estate,
    HouseholdMember,
    PassLink,
    Tenancy,
)

REASON = {"reason": "本人持证到窗口办理"}
ENTRANCE = "E001.B1-IN"


def post(client: TestClient, path: str, **body: object) -> Any:
    return client.post(f"/api/v1{path}", json={**REASON, **body})


def ways(hub: Hub, person: str, device: str = GATE) -> list[str]:
    token = token_of(hub, person)
    return [str(one.type) for row in desired(hub, device).credentials if row.token == token for one in row.identifiers]


def secret_of(link: str) -> str:
    return link.partition("#")[2]


def stuck(client: TestClient, estate: str = "E001") -> dict[str, str]:
    """Label → why."""
    return {row["label"]: row["why"] for row in client.get(f"/api/v1/estates/{estate}/sync").json()["no_way_in"]}


def opens(held: AccessList, card: str, hub: Hub, point: str = ENTRANCE) -> bool:
    """As the edge decides."""
    return decide(build_index(held), point, Shown(IdentifierType.CARD, card), hub.now(), clock_trusted=True).granted


def test_a_lost_card_leaves_no_face_alone(hub: Hub, estate: Setup, sign_in: Any, client_for: Any) -> None:
    estate(hub)
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    told = post(desk, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001").json()
    assert told["link"], "nothing but the face would lead in"
    assert any("手机" in text for text in told["warnings"])
    assert len(told["warnings"]) == len(told["warnings_en"])
    publish.publish(hub)
    assert ways(hub, "P1") == ["face"]
    code = client_for(hub).post("/api/v1/pass-qr", json={"secret": secret_of(told["link"])})
    assert code.status_code == 200, "the link is of the person's new credential"


def test_who_has_another_card_gets_no_link_for_the_lost_one(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    change(hub, lambda s: offer(s, "M1", cards=["1001", "1009"]))
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    assert post(desk, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001").json()["link"] == ""
    publish.publish(hub)
    told = post(desk, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1009", new_card="1010").json()
    assert told["link"] == ""


def offer(session: Any, member: str, **changed: Any) -> None:
    row = session.get_one(HouseholdMember, member)
    row.offered = {**row.offered, **changed}


def test_the_phone_goes_on_where_a_card_was_lost(hub: Hub, estate: Setup, sign_in: Any, client_for: Any) -> None:
    """P1 took the consent back when he had nothing else, and lives by his phone; later he got a card, and loses it."""
    estate(hub)
    change(hub, lambda s: offer(s, "M1", cards=[]))
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    link = post(desk, "/members/M1/consents/withdraw", purpose="a").json()["link"]
    change(hub, lambda s: offer(s, "M1", cards=["1001"]))
    publish.publish(hub)
    told = post(desk, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001").json()
    assert told["link"] == "", "he has one already"
    publish.publish(hub)
    code = client_for(hub).post("/api/v1/pass-qr", json={"secret": secret_of(link)})
    assert code.status_code == 200, "the holder keeps every other way in"


def test_a_pin_given_back_leaves_no_face_alone(hub: Hub, estate: Setup, sign_in: Any, client_for: Any) -> None:
    estate(hub)
    change(hub, lambda s: offer(s, "M1", cards=[]))
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    assert post(desk, "/members/M1/pin", wanted=True).json()["number"]
    publish.publish(hub)
    told = post(desk, "/members/M1/pin", wanted=False).json()
    assert told["link"]
    assert told["warnings"]
    publish.publish(hub)
    assert ways(hub, "P1") == ["face"]
    assert client_for(hub).post("/api/v1/pass-qr", json={"secret": secret_of(told["link"])}).status_code == 200


def test_an_identity_card_given_back_leaves_no_face_alone(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    change(hub, lambda s: offer(s, "M1", cards=[], id_card="f" * 32))
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    assert post(desk, "/members/M1/id-card", id_number="").json()["link"]


def test_who_has_nothing_but_the_face_is_listed_at_any_door(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """Every door of this estate reads faces; the record takes the card away."""
    estate(hub)

    def faces_everywhere(session: Any) -> None:
        session.execute(update(Door).where(Door.id == "E001.B1D").values(scope="amenity", block_id=None))
        offer(session, "M1", cards=[])

    change(hub, faces_everywhere)
    publish.publish(hub)
    desk = sign_in(hub, "estate_manager")
    ((label, why),) = stuck(desk).items()
    assert label.endswith("成员1")
    assert "刷脸" in why
    assert "请" in why
    change(hub, lambda s: s.add(PassLink(link_hash="h", token=token_of(hub, "P1"), made_by="x", made_at=hub.now())))
    assert stuck(desk) == {}, "the phone is another way"


def test_a_consent_counts_from_its_date(hub: Hub, estate: Setup, clock: Any) -> None:
    estate(hub)
    begins = hub.now() + timedelta(days=3)
    change(hub, lambda s: s.execute(update(Consent).where(Consent.id == "C1").values(granted_at=begins)))
    publish.publish(hub)
    assert ways(hub, "P1") == ["card"], "not agreed to yet"
    clock.at = begins + timedelta(seconds=1)
    publish.run(hub)
    assert ways(hub, "P1") == ["card", "face"], "from that moment, without another record"


def test_a_home_that_begins_later_keeps_nobody_out_of_the_present_one(hub: Hub, estate: Setup) -> None:
    """One person, one card, two tenancies: the next home is registered before its first day. A hub that sees both at once."""
    estate(hub)

    def two_homes(session: Any) -> None:
        session.add(
            Tenancy(
                id="T-0", source="s", source_id="T-0", version=1, estate_id="E001", dwelling_id="E001.E001-B1-0202",
                state="active", from_date=date(2027, 6, 1),
            )
        )  # fmt: skip
        session.flush()
        session.add(
            HouseholdMember(
                id="M0", tenancy_id="T-0", person_id="P1", relation="applicant", ordinal=1, from_date=date(2027, 6, 1),
                offered={"cards": ["1001"], "photo": None},
            )
        )  # fmt: skip

    change(hub, two_homes)
    publish.publish(hub)
    assert opens(desired(hub, BOARD), "1001", hub), "he lives here today"


def test_who_has_his_card_by_another_home_is_not_called_stuck(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """One person, one card, two homes in this estate: the card stands on one of two credentials, and opens both ways."""
    estate(hub)

    def second_home(session: Any) -> None:
        session.add(
            HouseholdMember(
                id="M9", tenancy_id="T-2", person_id="P2", relation="other", ordinal=2, from_date=date(2026, 1, 5),
                offered={"cards": ["1002"], "photo": None},
            )
        )  # fmt: skip

    change(hub, second_home)
    publish.publish(hub)
    assert opens(desired(hub, BOARD), "1002", hub)
    assert stuck(sign_in(hub, "estate_manager")) == {}, "nobody else has his card, and it was not lost"


def test_a_lost_card_takes_no_face_with_it_where_no_new_ones_are_enrolled(
    hub: Hub, estate: Setup, sign_in: Any
) -> None:
    """Faces that are enrolled stay as they are: the new credential is the same person's."""
    estate(hub)
    publish.publish(hub)
    change(hub, lambda s: setattr(s.get_one(Estate, "E001"), "policy", {"face_enrolment": False}))
    desk = sign_in(hub, "estate_manager")
    post(desk, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001")
    with hub.db.reading() as session:
        ended = select(CredentialIdentifierRow).join(
            CredentialRow, CredentialRow.token == CredentialIdentifierRow.token
        )
        kept = session.scalars(ended.where(CredentialRow.state == "ended")).all()
        assert not [row for row in kept if row.photo_url or row.photo_sha256], "the reference goes at once"
    publish.publish(hub)
    assert ways(hub, "P1") == ["face"]
    with hub.db.reading() as session:
        assert {row.type for row in session.scalars(ended.where(CredentialRow.state == "ended"))} == {"card"}
    post(desk, "/members/M1/consents/withdraw", purpose="a")
    publish.publish(hub)
    change(hub, lambda s: s.add(Consent(id="C9", person_id="P1", purpose="a", granted_at=hub.now())))
    change(hub, lambda s: offer(s, "M1", photo={"url": "http://office/1.jpg", "sha256": f"{1:064x}"}))
    publish.publish(hub)
    assert ways(hub, "P1") == [], "who gave it up is enrolled anew, and nobody is now"


def test_a_lost_card_enrols_no_face_that_never_was(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    change(hub, lambda s: setattr(s.get_one(Estate, "E001"), "policy", {"face_enrolment": False}))
    publish.publish(hub)
    assert ways(hub, "P1") == ["card"]
    post(sign_in(hub, "estate_manager"), f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001", new_card="1010")
    publish.publish(hub)
    assert ways(hub, "P1") == ["card"]


def test_who_has_no_way_in_is_asked_of_this_estates_links_alone(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """A hub may have a hundred thousand links."""
    estate(hub)
    publish.publish(hub)
    read: list[str] = []
    event.listen(hub.db.engine, "before_cursor_execute", lambda *said: read.append(said[2]))
    with hub.db.reading() as session:
        no_way_in(session, session.get_one(Estate, "E001"), hub.now())
    (asked,) = [text for text in read if "pass_link" in text]
    assert "estate_id = " in asked
