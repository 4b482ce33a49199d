"""A card that its holder reported lost opens nothing of his: not in another estate, not after a move."""

from __future__ import annotations

from datetime import date
from typing import Any

from access_site import Setup, change, desired, household, token_of
from fastapi.testclient import TestClient
from sqlalchemy import select

from hub.access import publish
from hub.services import Hub
from hub.tables import AccessPoint, Block, CredentialRow, Device, Door, Dwelling, Edge, Estate, HouseholdMember, Tenancy

FAR = "E002.door-c1"


def second_estate(session: Any) -> None:
    """E002 with one block, two dwellings and a board at its entrance."""
    edge = session.get_one(Edge, "edge-aaaa")
    session.add(Estate(id="E002", code="E002", name="翠竹小区", policy={}))
    session.flush()
    session.add(Block(id="E002.C1", estate_id="E002", code="C1", name="1号楼", floors=2, dwellings_per_floor=2))
    session.add(Edge(id="edge-far", estate_id="E002", name="far", catalogue=edge.catalogue, online=True))
    session.flush()
    for number in ("0101", "0202"):
        session.add(
            Dwelling(
                id=f"E002.{number}", estate_id="E002", block_id="E002.C1", code=f"E002-{number}", number=number, floor=1
            )
        )
    session.add(Device(id=FAR, estate_id="E002", edge_id="edge-far", code="door-c1", name="c1", kind="modbus_door"))
    session.add(Door(id="E002.C1D", estate_id="E002", block_id="E002.C1", code="C1D", name="单元门", scope="block"))
    session.flush()
    session.add(
        AccessPoint(
            id="E002.C1-IN", estate_id="E002", door_id="E002.C1D", code="C1-IN", name="in", side="in", device_id=FAR,
            point="1",
        )
    )  # fmt: skip


def cards_there(hub: Hub) -> set[str]:
    return {one.value for row in desired(hub, FAR).credentials for one in row.identifiers}


def report_lost(desk: TestClient, token: str, card: str) -> str:
    """What the clerk is told, in English."""
    body = {"card": card, "reason": "本人持证到窗口办理"}
    reply = desk.post(f"/api/v1/credentials/{token}/lost-card", json=body)
    assert reply.status_code == 200, reply.text
    return " ".join(reply.json()["warnings_en"])


def test_a_lost_card_stays_lost_where_the_household_moves(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)
    change(hub, second_estate)
    publish.publish(hub)
    report_lost(sign_in(hub, "estate_manager"), token_of(hub, "P3"), "1003")
    publish.publish(hub)

    def moves(session: Any) -> None:
        home = session.get_one(Tenancy, "T-2")
        home.estate_id, home.dwelling_id = "E002", "E002.0101"

    change(hub, moves)
    publish.publish(hub)
    assert "1003" not in cards_there(hub), "whoever found it would come in"


def test_a_lost_card_opens_no_home_of_its_holder_in_another_estate(hub: Hub, estate: Setup, sign_in: Any) -> None:
    estate(hub)

    def two_homes(session: Any) -> None:
        second_estate(session)
        session.add(
            Tenancy(
                id="T-9", source="s", source_id="T-9", version=1, estate_id="E002", dwelling_id="E002.0101",
                state="active", from_date=date(2026, 1, 5),
            )
        )  # fmt: skip
        session.flush()
        session.add(
            HouseholdMember(
                id="M9", tenancy_id="T-9", person_id="P3", relation="applicant", ordinal=1, from_date=date(2026, 1, 5),
                offered={"cards": ["1003", "1033"], "photo": None},
            )
        )  # fmt: skip
        household(session, "T-8", "E002.0202", [(8, False)])
        session.get_one(Tenancy, "T-8").estate_id = "E002"
        neighbour = session.get_one(HouseholdMember, "M8")
        neighbour.offered = {"cards": ["1008"], "photo": None}

    change(hub, two_homes)
    publish.publish(hub)
    assert cards_there(hub) == {"1003", "1033", "1008"}
    with hub.db.reading() as session:
        here = select(CredentialRow.token).where(CredentialRow.person_id == "P3", CredentialRow.estate_id == "E001")
        token = session.scalars(here).one()
    told = report_lost(sign_in(hub, "estate_manager"), token, "1003")
    assert "different estate" in told, "he has to change it there as well"
    publish.run(hub)
    assert cards_there(hub) == {"1033", "1008"}, "his other card, and the neighbour's, go on"


def test_anothers_card_of_the_same_number_goes_on(hub: Hub, estate: Setup, sign_in: Any) -> None:
    """Card numbers are of 24 or 32 bits: somebody in another estate may have the same, and lost nothing."""
    estate(hub)

    def a_stranger(session: Any) -> None:
        second_estate(session)
        household(session, "T-8", "E002.0202", [(8, False)])
        session.get_one(Tenancy, "T-8").estate_id = "E002"
        session.get_one(HouseholdMember, "M8").offered = {"cards": ["1003"], "photo": None}

    change(hub, a_stranger)
    publish.publish(hub)
    assert "different estate" not in report_lost(sign_in(hub, "estate_manager"), token_of(hub, "P3"), "1003")
    publish.publish(hub)
    assert cards_there(hub) == {"1003"}
