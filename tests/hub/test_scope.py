"""Nobody sees or does what is another estate's, another role's, or for a second person; also not by a way round."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from device_drivers.contract import id_card
from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.events import AccessEvent, Event
from device_drivers.contract.messages import CredentialRefusal, DeviceReported, EventBatch
from device_drivers.contract.words import DeviceCondition
from hub import auth
from hub.cases.service import follow as opens
from hub.estate.devices import take_report
from hub.events.ingest import Ingest
from hub.jobs import Job, JobRunner
from hub.occupancy.outside import SIGN_KINDS
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    AuditRow,
    Block,
    Consent,
    CredentialRow,
    DesiredEntry,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    Finding,
    HouseholdMember,
    JobRun,
    Person,
    SourceRow,
    SourceState,
    Tenancy,
)

HOME = "E001.E001-B1-0101"
TOKEN = "a1b2c3d4e5f6g7h8i9j0"
SignIn = Callable[..., TestClient]


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """E001 as it is, and E002 with an edge, a terminal, a door and a dwelling in which person-1's double lives (person-2)."""
    hub = sqlite_hub
    small_site(hub)
    with hub.db.unit_of_work("test", "second", audit=False) as uow:
        s = uow.session
        s.add(Estate(id="E002", code="E002", name="翠竹小区", policy={}))
        s.flush()
        s.add(Block(id="E002.B9", estate_id="E002", code="B9", name="9号楼", floors=1, dwellings_per_floor=1))
        s.add(Edge(id="edge-bbbb", estate_id="E002", name="翠竹边缘机", enrolled_at=hub.now()))
        s.flush()
        s.add(
            Dwelling(
                id="E002.E002-B9-0101",
                estate_id="E002",
                block_id="E002.B9",
                code="E002-B9-0101",
                floor=1,
                number="101",
                rooms=2,
            )
        )
        s.add(
            Device(
                id="E002.face-g9",
                code="face-g9",
                name="翠竹南门终端",
                kind="face_terminal",
                estate_id="E002",
                edge_id="edge-bbbb",
            )
        )
        s.add(Door(id="E002.G9", estate_id="E002", code="G9", name="翠竹南门", scope="estate"))
        s.flush()
        s.add(
            AccessPoint(
                id="E002.G9-IN",
                estate_id="E002",
                door_id="E002.G9",
                code="G9-IN",
                name="翠竹南门 进",
                side="in",
                device_id="E002.face-g9",
                point="door1",
            )
        )
        s.add(
            Person(
                id="person-2",
                source="other",
                source_id="Q-77",
                name="李建华",
                id_number_last4="123X",
                birth_date=date(1980, 1, 2),
            )
        )
        s.add(
            Tenancy(
                id="tenancy-2",
                source="other",
                source_id="T-77",
                estate_id="E002",
                dwelling_id="E002.E002-B9-0101",
                state="active",
                from_date=date(2025, 3, 1),
            )
        )
        s.flush()
        s.add(
            HouseholdMember(
                id="member-2",
                tenancy_id="tenancy-2",
                person_id="person-2",
                relation="applicant",
                from_date=date(2025, 3, 1),
                offered={"cards": ["7776665"]},
            )
        )
    return hub


def follow(hub: Hub, client_for: Any, url: str) -> TestClient:
    client = client_for(hub)
    assert client.post("/signin/" + url.rpartition("/signin/")[2], follow_redirects=False).status_code == 303
    client.headers["X-CSRF-Token"] = client.get("/api/v1/me").json()["csrf"]
    return client


def test_who_let_the_first_in_is_no_second(site: Hub, sign_in: SignIn, client_for: Any) -> None:
    """The reverse of `_not_let_in`: the administrator signs in as an official, asks, and confirms as himself."""
    admin, official = sign_in(site, "administrator"), sign_in(site, "housing_official")
    victim = official.get("/api/v1/me").json()["id"]
    link = admin.post(f"/api/v1/admin/users/{victim}/sign-in-link").json()["url"]
    as_official = follow(site, client_for, link)
    said = {"reason": "核对了两份证件"}
    asked = as_official.post("/api/v1/tenancy/people/same", json=said | {"kept": "person-1", "other": "person-2"})
    assert asked.status_code == 202, asked.text
    reply = admin.post(f"/api/v1/tenancy/people/same/{asked.json()['link']}/confirm", json=said)
    assert (reply.status_code, reply.json().get("error", {}).get("code")) == (409, "same_person"), reply.text


def test_two_whom_one_person_let_in_are_not_two(site: Hub, sign_in: SignIn, client_for: Any) -> None:
    """One administrator, two links, two officials' sessions: both halves of every second-person rule."""
    admin = sign_in(site, "administrator")
    sessions = []
    for _ in range(2):
        one = sign_in(site, "housing_official").get("/api/v1/me").json()["id"]
        sessions.append(follow(site, client_for, admin.post(f"/api/v1/admin/users/{one}/sign-in-link").json()["url"]))
    first, second = sessions
    said = {"reason": "核对了两份证件"}
    asked = first.post("/api/v1/tenancy/people/same", json=said | {"kept": "person-1", "other": "person-2"})
    reply = second.post(f"/api/v1/tenancy/people/same/{asked.json()['link']}/confirm", json=said)
    assert reply.status_code == 409, reply.text


@pytest.mark.parametrize("named", ["second", "{bystander}"])
def test_an_administrator_behind_another_account_is_not_two(
    site: Hub, sign_in: SignIn, client_for: Any, named: str
) -> None:
    """He makes a second administrator, whose links count like his own, also where the account is called by somebody's id."""
    admin, official = sign_in(site, "administrator"), sign_in(site, "housing_official")
    name = named.format(bystander=sign_in(site, "auditor").get("/api/v1/me").json()["id"])
    made = admin.post("/api/v1/admin/users", json={"name": name, "role": "administrator", "estates": []})
    if name != named:
        assert made.status_code == 400, "no account is called as another's id"
        return
    link = admin.post(f"/api/v1/admin/users/{made.json()['id']}/sign-in-link").json()["url"]
    second = follow(site, client_for, link)
    sessions = []
    for behind, one in ((second, official), (admin, sign_in(site, "housing_official"))):
        user = one.get("/api/v1/me").json()["id"]
        sessions.append(follow(site, client_for, behind.post(f"/api/v1/admin/users/{user}/sign-in-link").json()["url"]))
    said = {"reason": "核对了两份证件"}
    asked = sessions[0].post("/api/v1/tenancy/people/same", json=said | {"kept": "person-1", "other": "person-2"})
    assert asked.status_code == 202, asked.text
    reply = sessions[1].post(f"/api/v1/tenancy/people/same/{asked.json()['link']}/confirm", json=said)
    assert (reply.status_code, reply.json().get("error", {}).get("code")) == (409, "same_person"), reply.text


def test_an_administrator_of_one_estate_makes_no_user_of_all(site: Hub, sign_in: SignIn) -> None:
    scoped = sign_in(site, "administrator", ["E002"])
    assert scoped.get("/api/v1/estates/E001/summary").status_code == 404, "he is scoped"
    made = scoped.post("/api/v1/admin/users", json={"name": "all", "role": "housing_official", "estates": []})
    assert made.status_code >= 400, "an official of every estate, with case.view and case.decide"


def test_an_administrator_of_one_estate_signs_in_as_nobody_beyond(site: Hub, sign_in: SignIn, client_for: Any) -> None:
    scoped, official = sign_in(site, "administrator", ["E002"]), sign_in(site, "housing_official")
    victim = official.get("/api/v1/me").json()["id"]
    reply = scoped.post(f"/api/v1/admin/users/{victim}/sign-in-link")
    if reply.status_code == 201:
        as_official = follow(site, client_for, reply.json()["url"])
        body = {"dwelling_id": HOME, "reason_code": "counter_service", "reason": "窗口核对身份"}
        assert "李建华" not in as_official.post("/api/v1/reveals", json=body).text, (
            "another estate's household, unmasked"
        )
    assert reply.status_code == 404


def test_an_administrator_of_one_estate_lists_only_its_people(site: Hub, sign_in: SignIn) -> None:
    sign_in(site, "estate_manager", ["E001"])
    scoped = sign_in(site, "administrator", ["E002"])
    assert "E001" not in scoped.get("/api/v1/admin/users").text
    reply = scoped.post("/api/v1/admin/users", json={"name": "x", "role": "auditor", "estates": ["E001"]})
    assert reply.status_code == 400


@pytest.mark.parametrize("role", ["auditor", "administrator"])
def test_the_audit_trail_does_not_tell_who_is_looked_after(site: Hub, sign_in: SignIn, role: str) -> None:
    with site.db.unit_of_work("test", "consent c", audit=False) as uow:
        uow.session.add(Consent(id="c-1", person_id="person-1", purpose="c", granted_at=site.now() - timedelta(days=9)))
    carer = sign_in(site, "care_worker", ["E001"])
    body = {"member_id": "member-1", "hours": 24, "contact": "女儿", "said": "独居，心脏病，女儿来电申请"}
    assert carer.post(f"/api/v1/dwellings/{HOME}/care-watches", json=body).status_code == 201
    rows = [
        r
        for r in sign_in(site, role).get("/api/v1/audit").json()["items"]
        if any(c["what"].startswith("care.") for c in r["changes"])
    ]
    text = json.dumps(rows, ensure_ascii=False)
    assert HOME not in text, text
    assert "心脏病" not in text, text


def _case(hub: Hub) -> str:

    today = hub.now().date()
    with hub.db.unit_of_work("system", "night", estate_id="E001", now=hub.now()) as uow:
        uow.session.add(
            Finding(
                id="finding-1",
                estate_id="E001",
                dwelling_id=HOME,
                kind="sublet",
                rule="S1",
                rule_version="2026.2",
                policy_version="national 1",
                stage="red",
                families=["F1", "F2"],
                window_from=today - timedelta(days=60),
                window_to=today,
                coverage=0.97,
                because=["x"],
                against=["y"],
                refuted_by=["z"],
                evidence=[],
                observed="45日",
                threshold="30日",
                inputs_hash="ab" * 32,
                opened_at=hub.now(),
                updated_at=hub.now(),
            )
        )
        uow.session.flush()
        found = opens(uow, uow.session.get_one(Finding, "finding-1"), "tenancy-1")
        assert found is not None
        return found.id


def test_who_may_not_see_cases_does_not_read_them_in_the_audit_trail(site: Hub, sign_in: SignIn) -> None:
    case, official = _case(site), sign_in(site, "housing_official")
    url = f"/api/v1/cases/{case}/decisions"
    for action, code, fields in (
        ("recheck", "R_DATA", {}),
        (
            "answer",
            "IE03",
            {
                "said_by": "member",
                "channel": "phone",
                "said_on": site.now().date().isoformat(),
                "away_from": (site.now().date() - timedelta(days=40)).isoformat(),
            },
        ),
        ("good_cause", "IE11", {}),
    ):
        reply = official.post(
            url, json={"action": action, "reason_code": code, "opinion": "如实记录", "fields": fields}
        )
        assert reply.status_code == 200, (action, reply.text)
    kind = next(kind for kind, one in SIGN_KINDS.items() if one.by_people and kind != "advert")
    sign = {"kind": kind, "on": site.now().date().isoformat()}
    assert official.post(f"/api/v1/dwellings/{HOME}/outside-signs", json=sign).status_code == 201
    admin = sign_in(site, "administrator")
    assert admin.get(f"/api/v1/cases/{case}").status_code == 403, "an administrator has no case.view"
    assert admin.get(f"/api/v1/dwellings/{HOME}/outside-signs").status_code == 403
    items = admin.get("/api/v1/audit").json()["items"]
    leaks = [c for r in items for c in r["changes"] if c["what"].startswith(("case.", "sign.")) or "case" in c]
    assert not leaks, json.dumps(leaks, ensure_ascii=False, indent=1)


def second_home(site: Hub) -> None:
    """Person-1 has a home in E002 as well, with nothing but the face."""
    with site.db.unit_of_work("test", "a second home in E002", audit=False) as uow:
        s = uow.session
        s.add(Consent(id="c-a", person_id="person-1", purpose="a", granted_at=site.now() - timedelta(days=9)))
        s.add(
            HouseholdMember(
                id="member-3",
                tenancy_id="tenancy-2",
                person_id="person-1",
                relation="other",
                from_date=date(2025, 3, 1),
                offered={},
            )
        )
        s.flush()
        s.add(
            CredentialRow(
                token="z" * 20,
                estate_id="E002",
                holder_class="resident",
                person_id="person-1",
                tenancy_id="tenancy-2",
                dwelling_id="E002.E002-B9-0101",
                label="9号楼-0101 · 成员2",
                created_at=site.now(),
            )
        )


def test_consent_withdrawn_tells_nothing_of_another_estate(site: Hub, sign_in: SignIn) -> None:

    second_home(site)
    with site.db.unit_of_work("test", "held on the terminal of E002", audit=False) as uow:
        uow.session.add(DesiredEntry(device_id="E002.face-g9", token="z" * 20, generation=1))
    manager = sign_in(site, "estate_manager", ["E001"])
    reply = manager.post("/api/v1/members/member-1/consents/withdraw", json={"purpose": "a", "reason": "本人到窗口"})
    assert reply.status_code == 200, reply.text
    assert "z" * 20 not in reply.text, reply.text
    assert "E002" not in reply.text, reply.text
    assert "翠竹" not in reply.text, reply.text
    assert any("服务台" in one for one in reply.json()["warnings"]), "but that he needs a way in elsewhere"
    assert any("desk" in one for one in reply.json()["warnings_en"])


def test_the_desk_of_the_other_estate_is_told_who_needs_a_way_in_there(site: Hub, sign_in: SignIn) -> None:

    second_home(site)
    here, there = sign_in(site, "estate_manager", ["E001"]), sign_in(site, "estate_manager", ["E002"])
    told = here.post("/api/v1/members/member-1/consents/withdraw", json={"purpose": "a", "reason": "本人到窗口"})
    assert told.status_code == 200
    first = there.get("/api/v1/estates/E002/sync").json()["no_way_in"][0]
    assert first["token"] == "z" * 20
    assert first["since"] is not None, "he had a way in until then: not one of those who never came for a card"
    assert "撤回" in first["why"]
    assert "took back" in first["why_en"]
    assert "E001" not in str(first), "and no word of where"


def test_a_pass_with_a_foreign_credential_names_nobody_of_the_other_estate(site: Hub, sign_in: SignIn) -> None:

    event = msgspec.convert(
        {
            "seq": 1,
            "received_at": site.now().isoformat(),
            "device": "E002.face-g9",
            "body": {
                "type": "access",
                "access_point": "E001.G1-IN",
                "outcome": "denied",
                "credential": TOKEN,
                "identifier": "qr",
                "reason": "unknown",
            },
        },
        Event,
    )
    assert isinstance(event.body, AccessEvent)
    done = Ingest(site).take("edge-bbbb", "e1", [EventBatch(epoch="e1", first_seq=1, events=(event,))])
    assert done is not None
    assert done.dead == 0
    item = sign_in(site, "estate_manager", ["E002"]).get("/api/v1/estates/E002/events").json()["items"][0]
    assert done.items == [] or done.items[0]["holder"] is None, "the live page knows better"
    assert item["holder"] is None, item["holder"]
    assert item["access_point_name"] is None, item["access_point_name"]


def test_people_twice_shows_only_homes_of_own_estates(site: Hub, sign_in: SignIn) -> None:
    manager = sign_in(site, "estate_manager", ["E001"])
    reply = manager.get("/api/v1/tenancy/people/candidates")
    text = reply.text
    assert "E002-B9-0101" not in text, text
    assert "T-77" not in text
    assert "***6665" not in text


def test_reconciliation_counts_no_people_of_other_estates(site: Hub, sign_in: SignIn) -> None:
    """Sources of the whole hub: how many rows were refused is told to who sees one estate."""
    with site.db.unit_of_work("test", "refused", audit=False) as uow:
        uow.session.add(
            SourceState(source="back-office", cursor="", last_error="", last_total=0, detail={"kind": "http"})
        )
        uow.session.flush()
        uow.session.add(
            SourceRow(
                source="back-office",
                key="T-9",
                reason="id_number_length",
                raw={"dwelling_code": "E001-B1-0101"},
                seen_at=site.now(),
            )
        )
    manager = sign_in(site, "estate_manager", ["E002"])
    assert manager.get("/api/v1/tenancy/refused-rows").json()["total"] == 0
    (source,) = manager.get("/api/v1/tenancy/sources").json()["items"]
    assert source["refused_rows"] == 0


def test_a_database_error_holds_no_names(site: Hub) -> None:
    """Its text goes to the log, to job_run.detail and to dead letters."""

    def fails(hub: Hub) -> str:
        with hub.db.unit_of_work("x", "y", now=hub.now()) as uow:
            uow.session.add(Person(id="person-1", source="s", source_id="z", name="欧阳修", id_number_last4="987X"))
        return ""

    runner = JobRunner(site, (Job("fails", 60.0, fails),))
    runner.run_once("fails")
    with site.db.reading() as session:
        detail = session.get_one(JobRun, "fails").detail
    assert "欧阳修" not in detail, detail
    assert "987X" not in detail, detail


def test_a_stream_ends_with_its_idle_session(site: Hub, clock: Any) -> None:
    user = auth.add_user(site, "idle", "", "housing_official", [], None, "test")
    token = auth.open_session(site, user)
    principal = auth.by_session(site, token)
    clock.pass_(hours=3)
    with pytest.raises(auth.ApiError):
        auth.by_session(site, token)
    assert not auth.still_signed_in(site, token, principal)


def id_number(serial: int) -> str:
    """Of somebody born on 1980-01-02, with its check digit (GB 11643)."""
    body = f"11010119800102{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(a) * b for a, b in zip(body, weights, strict=True)) % 11]


def test_guesses_at_an_identity_number_are_few_and_on_record(site: Hub, sign_in: SignIn, clock: Any) -> None:
    """Nobody may see the number; whether a guess is it, the counter would say as often as one asks."""
    with site.db.unit_of_work("test", "its hash", audit=False) as uow:
        uow.session.get_one(Person, "person-1").id_number_hash = site.keys.blind(id_card.normalise(id_number(123)))
    manager = sign_in(site, "estate_manager", ["E001"])

    def guess(serial: int) -> int:
        body = {"id_number": id_number(serial), "reason": "本人到窗口"}
        return int(manager.post("/api/v1/members/member-1/id-card", json=body).status_code)

    assert [guess(n) for n in range(60, 68)] == [400] * 5 + [429] * 3
    assert guess(123) == 429, "the right one is not told apart"
    with site.db.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.reason == "身份证号与登记的不一致")).all()
    assert len(rows) == 5
    assert {one["subject"] for row in rows for one in row.changes} == {"member-1"}
    clock.pass_(hours=1, minutes=1)
    assert guess(123) in (200, 202), "the card itself, an hour later"


def test_a_lock_does_not_tell_that_the_name_exists(site: Hub, client_for: Any) -> None:
    auth.add_user(site, "wang", "", "auditor", [], "correct horse", "test")
    client = client_for(site)
    told = {
        name: [client.post("/api/v1/session", json={"name": name, "password": "x" * 12}).status_code for _ in range(7)]
        for name in ("wang", "nobody")
    }
    assert told["wang"] == told["nobody"], told


def test_the_link_for_a_home_in_another_estate_is_not_handed_to_this_desk(
    site: Hub, sign_in: SignIn, client_for: Any
) -> None:
    """The clerk of E001 gets the secret that opens E002's doors."""
    second_home(site)
    manager = sign_in(site, "estate_manager", ["E001"])
    said = {"purpose": "a", "reason": "本人到窗口"}
    link = manager.post("/api/v1/members/member-1/consents/withdraw", json=said).json()["link"]
    shown = client_for(site).post("/api/v1/pass-qr", json={"secret": link.partition("#")[2] or "x" * 20})
    assert shown.status_code == 404, shown.text


def test_a_refusal_of_a_foreign_credential_names_no_home_of_the_other_estate(site: Hub, sign_in: SignIn) -> None:

    refused = msgspec.convert([{"token": TOKEN, "code": "x", "text": "x"}], tuple[CredentialRefusal, ...])
    take_report(
        site,
        "edge-bbbb",
        DeviceReported(
            device="E002.face-g9",
            status=DeviceStatus(DeviceCondition.ONLINE, site.now()),
            generation=0,
            digest="",
            wanted=0,
            confirmed=0,
            refused=refused,
            reported_at=site.now(),
            read_back_at=site.now(),
        ),
    )
    text = sign_in(site, "estate_manager", ["E002"]).get("/api/v1/devices/E002.face-g9").text
    assert "E001.E001-B1-0101" not in text, text
