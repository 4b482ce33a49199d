"""What the counter said stands, also when credentials or records are being written in the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, report, token_of
from meeting import after, before, meeting
from sqlalchemy import select

from hub.access import credentials, desk, member_ways, pass_ends, publish
from hub.errors import ApiError
from hub.estate import adding, law
from hub.services import Hub
from hub.tables import (
    AccessMoved,
    AccessPass,
    AccessPoint,
    Consent,
    CredentialRow,
    Device,
    Edge,
    HouseholdMember,
    PointService,
    Tenancy,
)
from hub.tenancy import ledger, write

REASON = {"reason": "本人持证到窗口办理"}
NEXT_DOOR = "E001.E001-B1-0102"


@pytest.fixture
def site(postgres_hub: Hub, estate: Setup) -> Hub:
    estate(postgres_hub)
    publish.publish(postgres_hub)
    report(postgres_hub, GATE)
    report(postgres_hub, BOARD)
    return postgres_hub


def second_household(session: Any, offered: dict[str, Any], consents: dict[str, Any] | None = None) -> None:
    """P1 moves next door."""
    lease = Tenancy(
        id="T-3", source="s", source_id="T-3", version=1, estate_id="E001", dwelling_id=NEXT_DOOR, state="active"
    )
    lease.from_date = date(2026, 1, 5)
    session.add(lease)
    session.flush()
    session.add(
        HouseholdMember(
            id="M9", tenancy_id="T-3", person_id="P1", relation="applicant", from_date=date(2026, 1, 5), offered=offered,
            consents=consents,
        )
    )  # fmt: skip


def test_a_lost_card_takes_no_other_card_with_it(site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third card comes by the records while one is reported lost."""

    def cards(*numbers: str) -> Callable[[Any], None]:
        def put(session: Any) -> None:
            session.get_one(HouseholdMember, "M2").offered = {"cards": list(numbers), "photo": None}
            session.add(AccessMoved(estate_id="E001", subject="tenancy:T-1", at=site.now()))

        return put

    change(site, cards("1002", "1009"))
    publish.publish(site)
    token, client = token_of(site, "P2"), sign_in(site, "estate_manager")
    change(site, cards("1002", "1009", "1010"))

    def lost() -> None:
        body = {**REASON, "card": "1002", "new_card": "7001"}
        answer = client.post(f"/api/v1/credentials/{token}/lost-card", json=body)
        assert answer.status_code == 200, answer.text

    met = meeting(site, lost)
    before(monkeypatch, credentials, "_replace_identifiers", met)
    publish.run(site)
    met.over()
    publish.publish(site)
    publish.publish(site)
    fresh = token_of(site, "P2")
    on_gate = {one.value for row in desired(site, GATE).credentials if row.token == fresh for one in row.identifiers}
    assert on_gate == {"1009", "1010", "7001"}, "the lost one is gone, the others open"


def test_a_pass_that_was_renewed_is_not_ended(
    site: Hub, clock: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, start = sign_in(site, "estate_manager"), site.now()
    times = {"valid_from": start.isoformat(), "valid_to": (start + timedelta(hours=1)).isoformat()}
    wish = {"kind": "carer", "dwelling_id": "E001.E001-B1-0101", "identifier": "card", "card": "777001", **times}
    made = client.post("/api/v1/estates/E001/passes", json={**wish, "reason": "护理上门"})
    assert made.status_code == 201, made.text
    number = made.json()["subject"]
    clock.pass_(hours=1, seconds=1)
    said: list[int] = []

    def renew() -> None:
        until = (site.now() + timedelta(days=30)).isoformat()
        said.append(
            client.post(f"/api/v1/passes/{number}/renew", json={"valid_to": until, "reason": "护理继续"}).status_code
        )

    met = meeting(site, renew)
    after(monkeypatch, pass_ends, "over", met)
    publish.run(site)
    met.over()
    with site.db.reading() as session:
        of_pass = select(CredentialRow).join(AccessPass, AccessPass.token == CredentialRow.token)
        row = session.scalars(of_pass.where(AccessPass.id == number)).one()
    assert (row.state == "active") == (said == [200]), "what the counter said is so"


def test_a_pin_that_was_just_chosen_outlives_a_withdrawal_elsewhere(site: Hub) -> None:
    change(
        site,
        lambda session: second_household(
            session, {"cards": [], "photo": {"url": "http://office/1.jpg", "sha256": "1"}}
        ),
    )

    def withdraw() -> None:
        with site.db.unit_of_work("b", "withdrawn", now=site.now()) as uow:
            desk.withdraw_consent(uow, "E001", "M1", "a")

    met = meeting(site, withdraw)
    with site.db.unit_of_work("a", "a PIN", now=site.now()) as uow:
        member_ways.choose(uow, site.keys, "E001", member_ways.PinWay("M9", True))
        uow.session.flush()
        met()
    met.over()
    with site.db.reading() as session:
        offered = session.get_one(HouseholdMember, "M9").offered
    assert offered["pin"], "it was handed out"
    assert offered["photo"] is None, "and the face is gone"


def test_a_consent_that_was_taken_back_lives_no_more(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new tenancy of the same person is read in the same moment, and tells what he said before."""
    given = {"a": {"at": "2026-01-05T00:00:00Z", "notice": "v2", "guardian": ""}}

    def told(session: Any) -> None:
        for one in session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == "P1")):
            one.consents = given

    change(site, told)

    def withdraw() -> None:
        with site.db.unit_of_work("b", "withdrawn", now=site.now()) as uow:
            desk.withdraw_consent(uow, "E001", "M1", "a")

    met = meeting(site, withdraw)
    after(monkeypatch, ledger, "withdrawn", met)
    with site.db.unit_of_work("source:s", "records", now=site.now()) as uow:
        write.alone(uow.session)
        second_household(uow.session, {"cards": [], "photo": None}, given)
        uow.session.flush()
        ledger.follow(uow, {"P1"})
    met.over()
    with site.db.reading() as session:
        lives = select(Consent).where(Consent.person_id == "P1", Consent.purpose == "a", Consent.withdrawn_at.is_(None))
        assert session.scalars(lives).all() == []


# --- devices and doors ----------------------------------------------------------------------------------------------------


def boards(session: Any, **columns: Any) -> None:
    for number in "12":
        name = f"b{number}"
        session.add(
            Device(
                id=f"E001.{name}",
                estate_id="E001",
                edge_id="edge-aaaa",
                code=name,
                name=name,
                kind="modbus_door",
                **columns,
            )
        )
    session.flush()


def test_two_readers_that_go_at_once_leave_no_door_to_faces_alone(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def a_face_and_two_readers(session: Any) -> None:
        session.get_one(Device, GATE).config = {"cards": False}
        edge = session.get_one(Edge, "edge-aaaa")
        edge.catalogue = [
            {**one, "capabilities": {**one["capabilities"], "edge_identifiers": []}}
            if one["kind"] == "face_terminal"
            else one
            for one in edge.catalogue
        ]
        boards(session)
        for number in "12":
            code = f"G1-IN{number}x"
            session.add(
                AccessPoint(
                    id=f"E001.{code}", estate_id="E001", door_id="E001.G1", code=code, name="进", side="in",
                    device_id=f"E001.b{number}", point="1",
                )
            )  # fmt: skip

    change(site, a_face_and_two_readers)

    def out(number: str) -> None:
        with site.db.unit_of_work("a", "停用", now=site.now()) as uow:
            adding.change_in(uow, f"E001.b{number}", adding.Change(in_service=False))

    with site.db.reading() as session:
        lawful = law.broken(session, {"E001.G1"})
    met = meeting(site, lambda: out("2"))
    after(monkeypatch, law, "require_lawful", met)
    out("1")
    met.over(refused=ApiError)
    with site.db.reading() as session:
        assert law.broken(session, {"E001.G1"}) == lawful


def test_an_access_point_goes_to_one_of_two_devices(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def free(session: Any) -> None:
        session.get_one(AccessPoint, "E001.G1-IN").device_id = None
        boards(session, in_service=False)

    change(site, free)
    said: list[str] = []

    def bind(number: str) -> None:
        try:
            with site.db.unit_of_work("a", "登记", now=site.now()) as uow:
                adding.map_in(uow, f"E001.b{number}", [adding.PointWish("1", "in", "E001.G1-IN")])
            said.append("bound")
        except ApiError as error:
            said.append(error.code)

    met = meeting(site, lambda: bind("2"))
    after(monkeypatch, adding, "_point", met)
    bind("1")
    met.over()
    assert sorted(said) == ["bound", "point_taken"]
    with site.db.reading() as session:
        open_service = select(PointService).where(
            PointService.access_point_id == "E001.G1-IN", PointService.to_at.is_(None)
        )
        assert len(session.scalars(open_service).all()) <= 1
