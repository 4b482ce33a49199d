"""Who takes the consent to his face back: all of him does, and he is not locked out."""

from __future__ import annotations

from typing import Any

import pytest
from access_site import GATE, START, Setup, change, desired, token_of
from sqlalchemy import select

from hub.access import publish
from hub.events.places import _holders
from hub.services import Hub
from hub.tables import Consent, HouseholdMember, Person

REASON = {"reason": "本人持证到窗口办理"}


def post(client: Any, path: str, **body: object) -> Any:
    return client.post(f"/api/v1{path}", json={**REASON, **body})


def ways(hub: Hub, person: str) -> list[str]:
    token = token_of(hub, person)
    return [str(one.type) for row in desired(hub, GATE).credentials if row.token == token for one in row.identifiers]


def one_person(session: Any) -> None:
    """P3 is P1 under another record; both records tell consents a and b, and both homes have the face."""
    session.get_one(Person, "P3").same_as = "P1"
    three = session.get_one(HouseholdMember, "M3")
    three.offered = {**three.offered, "photo": {"url": "http://office/3.jpg", "sha256": f"{3:064x}"}}
    told = (("P1", "b"), ("P3", "a"), ("P3", "b"))
    session.add_all(Consent(id=f"C{p}{k}", person_id=p, purpose=k, granted_at=START) for p, k in told)


@pytest.mark.parametrize("purpose", ["a", "b"])
def test_a_person_of_two_records_takes_it_back_once(hub: Hub, estate: Setup, sign_in: Any, purpose: str) -> None:
    estate(hub)
    change(hub, one_person)
    publish.publish(hub)
    assert post(sign_in(hub, "estate_manager"), "/members/M1/consents/withdraw", purpose=purpose).status_code == 200
    publish.publish(hub)
    with hub.db.reading() as session:
        live = select(Consent.person_id).where(Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        assert not {"P1", "P3"} & set(session.scalars(live)), "the same human being"
        if purpose == "b":
            token = token_of(hub, "P3")
            assert not _holders(session, {token}, "E001")[token].consented(hub.now())
    if purpose == "a":
        faces = {row.token for row in desired(hub, GATE).credentials for one in row.identifiers if one.type == "face"}
        assert not {token_of(hub, "P1"), token_of(hub, "P3")} & faces


def test_who_lost_his_card_and_takes_back_his_face_is_not_locked_out(
    hub: Hub, estate: Setup, sign_in: Any, client_for: Any
) -> None:
    estate(hub)
    publish.publish(hub)
    client = sign_in(hub, "estate_manager")
    lost = post(client, f"/credentials/{token_of(hub, 'P1')}/lost-card", card="1001").json()
    publish.publish(hub)
    assert ways(hub, "P1") == ["face"]
    told = post(client, "/members/M1/consents/withdraw", purpose="a").json()
    assert (bool(lost["link"]), told["link"], told["phone_only"]) == (True, "", True), (
        "the link came with the lost card"
    )
    secret = lost["link"].split("#")[1]
    assert client_for(hub).post("/api/v1/pass-qr", json={"secret": secret}).status_code == 200


def test_who_never_got_his_card_and_takes_back_his_face_is_not_locked_out(
    hub: Hub, estate: Setup, sign_in: Any
) -> None:
    """The record gives him a number that is another's card."""
    estate(hub)
    publish.publish(hub)

    def the_card_of_another(session: Any) -> None:
        member = session.get_one(HouseholdMember, "M1")
        member.offered = {**member.offered, "cards": ["1003"]}

    change(hub, the_card_of_another)
    publish.publish(hub)
    assert ways(hub, "P1") == ["face"]
    assert post(sign_in(hub, "estate_manager"), "/members/M1/consents/withdraw", purpose="a").json()["link"]
