"""A card at the counter: the first one of who has none, and a lost one whose number nobody knows by heart."""

from __future__ import annotations

from typing import Any

from access_site import BOARD, GATE, Setup, desired, token_of
from sqlalchemy import select

from device_drivers.contract.words import IdentifierType
from hub.access import publish
from hub.access.step import no_way_in
from hub.services import Hub
from hub.tables import AuditRow, Estate, HouseholdMember

REASON = {"reason": "本人持证到窗口办理"}


def post(client: Any, path: str, **body: Any) -> Any:
    return client.post(f"/api/v1{path}", json={**REASON, **body})


def nothing(hub: Hub, member: str = "M1") -> None:
    """This member has neither card nor face."""
    with hub.db.unit_of_work("test", "no card, no photo") as uow:
        row = uow.session.get_one(HouseholdMember, member)
        row.offered = {**row.offered, "cards": [], "photo": None}


def two_cards(hub: Hub, first: str, second: str) -> None:
    with hub.db.unit_of_work("test", "two cards") as uow:
        row = uow.session.get_one(HouseholdMember, "M1")
        row.offered = {**row.offered, "cards": [first, second]}


def cards(hub: Hub, person: str, device: str = GATE) -> set[str]:
    token = token_of(hub, person)
    held = [c for c in desired(hub, device).credentials if c.token == token]
    return {i.value for c in held for i in c.identifiers if i.type == IdentifierType.CARD}


def without_a_way(hub: Hub) -> set[str]:
    with hub.db.reading() as session:
        return {one.token for one in no_way_in(session, session.get_one(Estate, "E001"), hub.now())}


def test_who_has_no_card_gets_one_at_the_counter(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """The pages say "fetch a card at the counter, it works at once": the counter must be able to."""
    estate(hub)
    nothing(hub)
    publish.publish(hub)
    assert token_of(hub, "P1") in without_a_way(hub)
    done = post(sign_in(hub, "estate_manager"), "/members/M1/card", card="0007001")
    assert done.status_code == 200, done.text
    publish.publish(hub)
    assert (cards(hub, "P1"), cards(hub, "P1", BOARD)) == ({"7001"}, {"7001"})
    assert token_of(hub, "P1") not in without_a_way(hub)
    with hub.db.reading() as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.reason == REASON["reason"])).all()
        assert [change["what"] for row in noted for change in row.changes] == ["desk.card"]


def test_a_card_that_is_anothers_or_no_number_is_not_handed_out(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    publish.publish(hub)
    client = sign_in(hub, "estate_manager")
    assert post(client, "/members/M1/card", card="1003").json()["error"]["code"] == "card_in_use"
    assert post(client, "/members/M1/card", card="abc").json()["error"]["code"] == "card_bad"
    assert post(client, "/members/M404/card", card="7001").status_code == 404
    assert post(sign_in(hub, "housing_official"), "/members/M1/card", card="7001").status_code == 403
    publish.publish(hub)
    assert cards(hub, "P1") == {"1001"}


def test_a_lost_card_is_named_as_the_page_shows_it(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """Whoever lost a card has no number to read out; the counter sees its last digits."""
    estate(hub)
    two_cards(hub, "10016599", "20017777")
    publish.publish(hub)
    client = sign_in(hub, "estate_manager")
    path = f"/credentials/{token_of(hub, 'P1')}/lost-card"
    assert post(client, path, card="****1234").json()["error"]["code"] == "card_not_held"
    done = post(client, path, card="****6599")
    assert done.status_code == 200, done.text
    publish.publish(hub)
    assert cards(hub, "P1") == {"20017777"}


def test_of_two_cards_that_look_alike_the_number_is_asked_for(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    two_cards(hub, "10016599", "20016599")
    publish.publish(hub)
    client = sign_in(hub, "estate_manager")
    path = f"/credentials/{token_of(hub, 'P1')}/lost-card"
    assert post(client, path, card="****6599").json()["error"]["code"] == "card_unclear"
    assert post(client, path, card="20016599").status_code == 200
    publish.publish(hub)
    assert cards(hub, "P1") == {"10016599"}
