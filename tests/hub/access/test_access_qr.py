"""Phone codes from the hub: by a pass's secret link and by the lease system's key; dead with the pass; not to be tried."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from access_site import BOARD, GATE, Setup, change, desired, token_of
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from test_access_passes import EMPTY, HOME, body

from device_drivers.contract import qr
from device_drivers.contract.access import Identifier
from device_drivers.contract.words import DenyReason, HolderClass, IdentifierType
from edge_agent.decide import build_index, decide
from edge_agent.qr import Codes
from hub import auth
from hub.access import publish
from hub.access.qr import BURST, EVERY_S, Limiter
from hub.services import Hub
from hub.tables import (
    AccessPass,
    CredentialIdentifierRow,
    CredentialRow,
    HouseholdMember,
    PassLink,
    Person,
    Tenancy,
)

ID_NUMBER = "11010519491231002X"


@pytest.fixture
def site(estate: Setup) -> Setup:
    def build(hub: Hub) -> None:
        estate(hub)
        publish.publish(hub)

    return build


def issue(client: Any, hub: Hub, **changed: Any) -> dict[str, Any]:
    made = client.post(
        "/api/v1/estates/E001/passes", json=body(hub, start=hub.now(), identifier="qr", card="", **changed)
    )
    assert made.status_code == 201, made.text
    return dict(made.json())


def code_of(client: Any, link: str) -> Any:
    return client.post("/api/v1/pass-qr", json={"secret": link.partition("#")[2]})


def read(hub: Hub, text: str, estate: str = "E001") -> qr.Code:
    key = Ed25519PublicKey.from_public_bytes(hub.keys.public_key)

    def check(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return qr.read(text, estate, check)


def test_a_visitors_link_shows_a_code_that_opens_at_the_edge_and_dies_with_the_pass(
    hub: Hub, site: Setup, sign_in: Any, client_for: Any
) -> None:
    site(hub)
    client, phone = sign_in(hub, "estate_manager"), client_for(hub)
    made = issue(client, hub)
    assert made["number"] == "", "a phone's code needs no number"
    assert "单元门的设备不识别二维码" in "".join(made["warnings"])
    publish.publish(hub)
    shown = code_of(phone, made["link"])
    assert shown.status_code == 200, shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    answer = shown.json()
    assert (answer["label"], answer["renew_after_s"], len(answer["text"])) == ("访客 · 1号楼-0101", 30, 147)
    code = read(hub, answer["text"])
    with hub.db.reading() as session:
        assert code.token == session.scalars(select(AccessPass.token)).one()
        assert (
            session.scalars(select(CredentialIdentifierRow.value).where(CredentialIdentifierRow.type == "qr")).one()
            == ""
        )
        assert made["link"].partition("#")[2] not in str(session.scalars(select(PassLink.link_hash)).all())
    assert code.expires_at - code.issued_at == timedelta(seconds=60)
    codes = Codes(Ed25519PublicKey.from_public_bytes(hub.keys.public_key), "E001", hub.now() - timedelta(hours=1))
    at = hub.now() + timedelta(seconds=5)
    held = codes.read(Identifier(IdentifierType.QR, answer["text"]), "E001.G1-IN", "", at, clock_trusted=True)
    index = build_index(desired(hub, GATE))
    assert decide(index, "E001.G1-IN", held.identifier, at, clock_trusted=True).granted
    pass_id = client.get("/api/v1/estates/E001/passes").json()["items"][0]["id"]
    client.request("DELETE", f"/api/v1/passes/{pass_id}", json={"because": "host_withdrew", "reason": "住户取消来访"})
    assert code_of(phone, made["link"]).status_code == 404
    publish.publish(hub)
    gone = decide(build_index(desired(hub, GATE)), "E001.G1-IN", held.identifier, at, clock_trusted=True)
    assert gone.reason is DenyReason.UNKNOWN_CREDENTIAL, "a code in hand is worth nothing without its credential"


def test_a_new_link_makes_the_old_one_worthless(hub: Hub, site: Setup, sign_in: Any, client_for: Any) -> None:
    site(hub)
    client, phone = sign_in(hub, "estate_manager"), client_for(hub)
    made = issue(client, hub)
    again = client.post(f"/api/v1/passes/{made['subject']}/link", json={"reason": "手机丢失"}).json()
    assert code_of(phone, made["link"]).status_code == 404
    assert code_of(phone, again["link"]).status_code == 200


def test_no_code_before_the_pass_begins_nor_after_it_is_over(
    hub: Hub, site: Setup, sign_in: Any, client_for: Any, clock: Any
) -> None:
    site(hub)
    client, phone = sign_in(hub, "estate_manager"), client_for(hub)
    start = hub.now() + timedelta(hours=1)
    made = client.post(
        "/api/v1/estates/E001/passes", json=body(hub, start=start, hours=2, identifier="qr", card="")
    ).json()
    early = code_of(phone, made["link"])
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_yet_valid")
    clock.pass_(hours=1, seconds=1)
    assert code_of(phone, made["link"]).status_code == 200
    clock.pass_(hours=2)
    assert code_of(phone, made["link"]).status_code == 404, "also before the row was closed"


def test_secrets_cannot_be_tried_and_a_page_cannot_be_asked_for_ever(
    hub: Hub, site: Setup, sign_in: Any, client_for: Any
) -> None:
    site(hub)
    phone = client_for(hub)
    tried = [phone.post("/api/v1/pass-qr", json={"secret": f"{n:032d}"}).status_code for n in range(BURST + 3)]
    assert tried == [404] * BURST + [429] * 3
    made = issue(sign_in(hub, "estate_manager"), hub)
    phone = client_for(hub)
    asked = [code_of(phone, made["link"]).status_code for _ in range(BURST + 1)]
    assert asked == [200] * BURST + [429]


def test_the_limit_fills_up_again_and_forgets_the_oldest_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [0.0]
    limiter = Limiter(lambda: at[0])
    assert [limiter.take("a") for _ in range(BURST + 1)] == [True] * BURST + [False]
    at[0] += EVERY_S
    assert [limiter.take("a"), limiter.take("a")] == [True, False]
    monkeypatch.setattr("hub.access.qr.KEYS_KEPT", 10)
    for n in range(50):
        assert limiter.take(str(n))
    assert len(limiter._full_at) == 10


def test_the_lease_systems_app_gets_a_members_code_by_its_key(
    hub: Hub, site: Setup, sign_in: Any, client_for: Any
) -> None:
    site(hub)
    key = {"X-Api-Key": auth.add_api_key(hub, "lease")}
    app = client_for(hub)
    wanted = {"tenancy": "T-1", "person": "P2"}
    assert app.post("/api/v1/member-qr", json=wanted).status_code == 401
    got = app.post("/api/v1/member-qr", json=wanted, headers=key)
    assert got.status_code == 200, got.text
    assert read(hub, got.json()["text"]).token == token_of(hub, "P2")
    other = app.post("/api/v1/member-qr", json={"tenancy": "T-2", "person": "P2"}, headers=key)
    assert other.status_code == 404, "not in somebody else's household"
    assert sign_in(hub, "estate_manager").post("/api/v1/member-qr", json=wanted).status_code == 403


def test_two_sources_with_the_same_numbers_give_nobody_anothers_code(hub: Hub, site: Setup, client_for: Any) -> None:
    """Numbers are a source's own. A second one (an upload, another office) has a T-1 and a P2 of its own, who moved in later."""
    site(hub)

    def of_another_source(session: Any) -> None:
        session.add(
            Tenancy(
                id="X-1", source="other", source_id="T-1", version=1, estate_id="E001", state="active",
                dwelling_id="E001.E001-B1-0202", from_date=date(2026, 1, 5),
            )
        )  # fmt: skip
        session.add(Person(id="XP2", source="other", source_id="P2", name="某某"))
        session.flush()
        session.add(
            HouseholdMember(
                id="XM2", tenancy_id="X-1", person_id="XP2", relation="applicant", ordinal=1, from_date=date(2026, 1, 5),
                offered={"cards": ["7777"], "photo": None},
            )
        )  # fmt: skip

    change(hub, of_another_source)
    publish.publish(hub)
    key = {"X-Api-Key": auth.add_api_key(hub, "lease")}
    got = client_for(hub).post("/api/v1/member-qr", json={"tenancy": "T-1", "person": "P2"}, headers=key)
    assert got.status_code == 409, "whose code it would be nobody can tell"
    assert "text" not in got.json()


def test_a_resident_with_a_phone_and_nothing_else_stands_on_the_lists_of_readers_of_codes(
    hub: Hub, site: Setup
) -> None:
    site(hub)

    def no_card(session: Any) -> None:
        session.get_one(HouseholdMember, "M3").offered = {"cards": [], "photo": None}

    change(hub, no_card)
    publish.publish(hub)
    token = token_of(hub, "P3")
    (gate,) = (c for c in desired(hub, GATE).credentials if c.token == token)
    assert gate.identifiers == ()
    assert decide(
        build_index(desired(hub, GATE)), "E001.G1-IN", Identifier(IdentifierType("token"), token), hub.now(),
        clock_trusted=True,
    ).granted  # fmt: skip
    assert token not in {c.token for c in desired(hub, BOARD).credentials}, "its reader reads cards only"


def test_a_way_that_no_door_of_the_pass_knows_is_refused_with_what_to_do(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    wanted = body(hub, identifier="pin", card="", doors=["E001.G1"])
    refused = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "way_not_usable")
    assert "北门的设备不识别密码，此处请改用二维码、刷卡、身份证" in refused.json()["error"]["message"]


def test_a_visitors_identity_card_is_kept_as_a_hash_and_never_shown(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    wanted = body(hub, identifier="id_card", card="", id_number=ID_NUMBER.lower())
    made = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert made.status_code == 201, made.text
    listed = client.get("/api/v1/estates/E001/passes").text
    with hub.db.reading() as session:
        (row,) = session.scalars(select(CredentialIdentifierRow).where(CredentialIdentifierRow.type == "id_card"))
    assert len(row.value) == 32
    assert ID_NUMBER[:17] not in listed + made.text + row.value
    assert row.value not in listed
    bad = client.post("/api/v1/estates/E001/passes", json={**wanted, "id_number": "123"})
    assert bad.json()["error"]["code"] == "id_number_bad"
    again = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert again.json()["error"]["code"] == "id_card_in_use"


def test_a_carers_hours_hold_within_the_pass_and_are_not_for_visitors(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    day = {"name": "白班", "ranges": [{"weekdays": [1], "start": "08:00", "end": "12:00"}], "reason": "护理时间"}
    schedule = client.post("/api/v1/estates/E001/schedules", json=day).json()["subject"]
    visitor = client.post("/api/v1/estates/E001/passes", json=body(hub, schedule_id=schedule))
    assert visitor.json()["error"]["code"] == "hours_unwanted"
    carer = client.post(
        "/api/v1/estates/E001/passes", json=body(hub, kind="carer", hours=24 * 80, schedule_id=schedule)
    )
    assert carer.status_code == 201, carer.text
    publish.publish(hub)
    held = desired(hub, BOARD)
    (one,) = (c for c in held.credentials if c.holder_class == HolderClass.VISITOR)
    (profile,) = (p for p in held.profiles if p.token in one.profiles)
    assert [p.schedule for p in profile.policies] == [schedule]
    (item,) = client.get("/api/v1/estates/E001/passes").json()["items"]
    assert (item["hours"], item["hours_en"]) == ("周一 08:00–12:00", "Mon 08:00–12:00")


def test_the_count_of_a_pass_travels_with_it(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    client.post("/api/v1/estates/E001/passes", json=body(hub, uses=3))
    publish.publish(hub)
    for device in (GATE, BOARD):
        assert [c.uses for c in desired(hub, device).credentials if c.holder_class == HolderClass.VISITOR] == [3]


def test_a_viewing_ends_when_the_dwelling_is_given_to_somebody(hub: Hub, site: Setup, sign_in: Any) -> None:
    site(hub)
    client = sign_in(hub, "estate_manager")
    wanted = body(hub, kind="viewing", dwelling_id=EMPTY)
    made = client.post("/api/v1/estates/E001/passes", json=wanted)
    assert made.status_code == 201, made.text

    def allocate(session: Any) -> None:
        given = {"source": "s", "version": 1, "estate_id": "E001", "from_date": hub.now().date()}
        session.add(Tenancy(id="T-9", source_id="T-9", dwelling_id=EMPTY, state="allocated", **given))

    change(hub, allocate)
    publish.publish(hub)
    with hub.db.reading() as session:
        row = session.scalars(select(CredentialRow).where(CredentialRow.holder_class == "visitor")).one()
        assert row.ended_because == "pass_withdrawn: the dwelling was given to tenancy T-9"
    refused = client.post("/api/v1/estates/E001/passes", json={**wanted, "card": "777"})
    assert refused.json()["error"]["code"] == "not_vacant"
    assert HOME != EMPTY
