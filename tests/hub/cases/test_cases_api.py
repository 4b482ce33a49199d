"""A lead becomes a case, a person decides, the lease system is told: through the API, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from hub.cases import service
from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.services import Hub
from hub.tables import (
    AuditRow,
    CaseEntry,
    CaseFile,
    Coverage,
    Estate,
    Finding,
    MeterDay,
    OutboxMessage,
    PassDay,
    Tenancy,
)

HOME = "E001.E001-B1-0101"


@pytest.fixture
def vacancy(hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Dwelling 101: lived in for 60 days, then silent and dry for 95."""
    small_site(hub)
    _history(hub, lived=60, silent=95)
    analyse(hub)
    with hub.db.unit_of_work("test", "another estate", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="翠竹公租房小区", policy={}))
    return hub


def _history(hub: Hub, lived: int, silent: int) -> None:
    total = lived + silent
    first = hub.now().date() - timedelta(days=total)
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        session = uow.session
        session.execute(delete(Coverage))
        start = hub.now() - timedelta(days=total + 2)
        session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start, to_at=None))
        passes = [
            {
                "dwelling_id": HOME, "day": first + timedelta(days=i), "credential": "tok", "holder_class": "resident",
                "face": 0, "face_consented": 0, "other": 2,
            }
            for i in range(lived)
        ]  # fmt: skip
        meters = [
            {
                "meter_id": "E001.W-0101", "day": first + timedelta(days=i), "dwelling_id": HOME, "quantity": "water",
                "first_value": 100 + 0.2 * min(i, lived), "last_value": 100 + 0.2 * min(i + 1, lived), "ok_count": 2,
                "bad_count": 0, "first_at": None, "last_at": None,
            }
            for i in range(total)
        ]  # fmt: skip
        session.connection().execute(insert(PassDay), passes)
        session.connection().execute(insert(MeterDay), meters)


def _somebody_came(hub: Hub) -> None:
    """Yesterday a resident passed."""
    day = hub.now().date() - timedelta(days=1)
    with hub.db.unit_of_work("test", "a pass", audit=False) as uow:
        row = PassDay(dwelling_id=HOME, day=day, credential="tok", holder_class="resident")
        row.face, row.face_consented, row.other = 0, 0, 1
        uow.session.merge(row)
        mark_dirty(uow.session, {HOME: day})


def _case(hub: Hub) -> CaseFile:
    with hub.db.reading() as session:
        return session.scalars(select(CaseFile).order_by(CaseFile.number.desc())).first()  # type: ignore[return-value]


def _told(hub: Hub) -> list[str]:
    with hub.db.reading() as session:
        return sorted(session.scalars(select(OutboxMessage.kind)))


def _decide(client: Any, case: str, action: str, reason: str, opinion: str = "已电话核实，情况属实。") -> Any:
    body = {"action": action, "reason_code": reason, "opinion": opinion}
    return client.post(f"/api/v1/cases/{case}/decisions", json=body)


def test_a_lead_with_its_evidence_is_shown_to_an_official(vacancy: Hub, sign_in: Any) -> None:
    official = sign_in(vacancy, "housing_official")
    listed = official.get("/api/v1/cases?estate=E001&state=open").json()
    assert listed["counts"] == {"state": {"open": 1}, "stage": {"orange": 1}, "kind": {"vacancy": 1}, "late": 0}
    (item,) = listed["items"]
    assert (item["number"], item["stage"], item["state_zh"]) == ("E001-2026-0001", "orange", "线索待初筛")
    assert item["block_name"] == "1号楼"
    assert "95个可观测日" in item["headline"]
    detail = official.get(f"/api/v1/cases/{item['id']}").json()
    finding = detail["finding"]
    assert (finding["rule"], finding["families"], finding["coverage"]) == ("V3", ["F1", "F2"], 1.0)
    assert finding["policy_title_zh"].startswith("全国")
    assert "第二十七条" in finding["legal_basis"]
    assert finding["against"]
    assert finding["refuted_by"]
    assert {"days", "day", "meter"} <= {evidence["kind"] for evidence in finding["evidence"]}
    open_now = [action["action"] for action in detail["actions"] if not action["blocked"]]
    assert open_now == ["recheck", "answer", "hardship", "objection", "good_cause", "dismiss", "note"]
    blocked = {action["action"]: action["blocked"] for action in detail["actions"] if action["blocked"]}
    assert set(blocked) == {"ask", "visit"}
    assert "转复核" in blocked["visit"], "it says what must come first"
    assert detail["proposed"]["step"] == "A3"
    assert [(one["code"], one["late"]) for one in detail["timers"]] == [("screen", False)]
    assert (detail["heard"], detail["log_holds"], len(detail["hardship"]["open"])) == (False, True, 5)
    assert [entry["action"] for entry in detail["timeline"]] == ["opened"]
    assert [message["kind"] for message in detail["delivery"]] == ["case.opened"]
    assert "李建华" not in json.dumps(detail, ensure_ascii=False), "a case names no one"
    assert official.get("/api/v1/cases?state=dismissed").json()["items"] == []


def test_who_may_see_and_decide(vacancy: Hub, sign_in: Any, client_for: Any) -> None:
    case = _case(vacancy).id
    assert client_for(vacancy).get("/api/v1/cases").status_code == 401
    for role, sees in (("estate_manager", 403), ("administrator", 403), ("auditor", 200)):
        client = sign_in(vacancy, role)
        assert client.get("/api/v1/cases").status_code == sees, role
        assert client.get(f"/api/v1/cases/{case}").status_code == sees, role
        assert _decide(client, case, "dismiss", "IE05").status_code == 403, role
    auditor = sign_in(vacancy, "auditor")
    assert auditor.get(f"/api/v1/cases/{case}").json()["actions"] == []
    elsewhere = sign_in(vacancy, "housing_official", ["E002"])
    assert elsewhere.get("/api/v1/cases").json()["items"] == []
    assert elsewhere.get("/api/v1/cases").json()["counts"]["state"] == {}
    assert elsewhere.get("/api/v1/cases?estate=E001").status_code == 404
    assert elsewhere.get(f"/api/v1/cases/{case}").status_code == 404
    assert _decide(elsewhere, case, "dismiss", "IE05").status_code == 404
    assert _case(vacancy).state == "open"


def test_dismissing_tells_the_lease_system_and_keeps_quiet(vacancy: Hub, sign_in: Any, clock: Any) -> None:
    official = sign_in(vacancy, "housing_official")
    case = _case(vacancy).id
    refused = _decide(official, case, "dismiss", "IE05", "短")
    assert refused.status_code == 422
    assert "书面意见" in refused.json()["error"]["message"]
    assert _decide(official, case, "dismiss", "R_DATA").status_code == 422
    answer = _decide(official, case, "dismiss", "IE05")
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "dismissed"
    quiet = official.get(f"/api/v1/cases/{case}").json()["quiet_until"]
    assert datetime.fromisoformat(quiet) == vacancy.now() + timedelta(days=90), "it says until when it keeps quiet"
    assert _told(vacancy) == ["case.dismissed", "case.opened"]
    with vacancy.db.reading() as session:
        body = json.loads(
            session.scalars(select(OutboxMessage.body).where(OutboxMessage.kind == "case.dismissed")).one()
        )
        assert body["decision"]["reason_code"] == "IE05"
        assert body["tenancy_id"] == "T-1"
        audits = [change for row in session.scalars(select(AuditRow)) for change in row.changes]
    assert [c["action"] for c in audits if c["what"] == "case.decision"] == ["dismiss"]
    assert _decide(official, case, "note", "N_OTHER").status_code == 409, "a closed case is closed"
    clock.pass_(days=60)
    analyse(vacancy)
    assert _told(vacancy) == ["case.dismissed", "case.opened"], "the same facts, within 90 days: silence"
    clock.pass_(days=31)
    with vacancy.db.unit_of_work("test", "meter goes on", audit=False) as uow:
        mark_dirty(uow.session, {HOME: vacancy.now().date() - timedelta(days=1)})
    analyse(vacancy)
    assert _case(vacancy).number == "E001-2027-0001", "after the quiet time the facts that go on may open another case"


def test_recheck_is_told_and_stays_with_people(vacancy: Hub, sign_in: Any) -> None:
    official = sign_in(vacancy, "housing_official")
    case = _case(vacancy).id
    assert _decide(official, case, "recheck", "R_ELIGIBILITY").json()["state"] == "recheck_requested"
    assert _told(vacancy)[-1] == "case.recheck_requested"
    assert _decide(official, case, "recheck", "R_ELIGIBILITY").status_code == 409
    _somebody_came(vacancy)
    analyse(vacancy)
    assert _case(vacancy).state == "recheck_requested", "what people have taken up does not end by itself"
    detail = official.get(f"/api/v1/cases/{case}").json()
    assert [entry["action"] for entry in detail["timeline"]] == ["opened", "recheck", "facts_gone"]
    with vacancy.db.unit_of_work("test", "the next night", now=vacancy.now()) as uow:
        finding = uow.session.scalars(select(Finding)).one()
        assert service.facts_gone(uow, finding) is None, (
            "a note that stands is judged anew every night: it is said once"
        )
    assert [one["action"] for one in official.get(f"/api/v1/cases/{case}").json()["timeline"]][-2:] == [
        "recheck",
        "facts_gone",
    ]
    assert detail["timeline"][1]["opinion"] == "已电话核实，情况属实。"
    assert detail["finding"]["rule"] == "V3", "the evidence stays readable"


def test_a_lead_ends_when_its_facts_do(vacancy: Hub) -> None:
    _somebody_came(vacancy)
    assert analyse(vacancy) == "1 dwellings, 1 days, 1 findings, 1 cases"
    case = _case(vacancy)
    assert (case.state, case.outcome) == ("closed_unproven", "closed_unproven")
    assert _told(vacancy) == ["case.closed_unproven", "case.opened"]
    with vacancy.db.reading() as session:
        assert session.scalars(select(Finding.closed_at)).one() is not None


def test_a_case_in_recheck_without_facts_ends_after_ninety_days(vacancy: Hub, sign_in: Any, clock: Any) -> None:
    _decide(sign_in(vacancy, "housing_official"), _case(vacancy).id, "recheck", "R_DATA")
    _somebody_came(vacancy)
    analyse(vacancy)
    with vacancy.db.unit_of_work("test", "moved out of the record", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="ended", ended_at=vacancy.now()))
    clock.pass_(days=89)
    analyse(vacancy)
    assert _case(vacancy).state == "recheck_requested"
    clock.pass_(days=2)
    analyse(vacancy)
    assert _case(vacancy).state == "closed_unproven"


def test_failed_contacts_recorded_as_notes_make_half_a_year_red(
    hub: Hub, sign_in: Any, small_site: Callable[[Hub], None]
) -> None:
    small_site(hub)
    _history(hub, lived=60, silent=185)
    analyse(hub)
    official = sign_in(hub, "housing_official")
    case = _case(hub).id
    shown = official.get(f"/api/v1/cases/{case}").json()
    assert (shown["finding"]["rule"], shown["stage"]) == ("V5", "orange")
    assert any("尚缺" in text for text in shown["finding"]["because"])
    for code in ("C_PHONE", "C_PHONE", "C_VISIT_DAY"):
        assert _decide(official, case, "note", code).status_code == 200
    analyse(hub)
    assert _case(hub).stage == "orange"
    _decide(official, case, "note", "C_VISIT_OFF")
    analyse(hub)
    shown = official.get(f"/api/v1/cases/{case}").json()
    assert (shown["stage"], shown["state"]) == ("red", "open"), "red is a file for people: it decides nothing"
    assert "F5" in shown["finding"]["families"]
    assert shown["timeline"][-1]["action"] == "stage_changed"
    _decide(official, case, "note", "C_REACHED")
    analyse(hub)
    assert _case(hub).stage == "orange", "somebody was reached: hear them first"


def test_one_open_case_a_dwelling_and_kind(vacancy: Hub, clock: Any) -> None:
    for _ in range(3):
        clock.pass_(days=1)
        analyse(vacancy)
    with vacancy.db.reading() as session:
        assert len(session.scalars(select(CaseFile)).all()) == 1
        assert len(session.scalars(select(CaseEntry)).all()) == 1, "growing by a day is no event"
        assert len(session.scalars(select(Finding)).all()) == 1


def test_the_stream_is_told(vacancy: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(vacancy.live, "emit", lambda *what: said.append(what))
    official, case = sign_in(vacancy, "housing_official"), _case(vacancy).id
    _decide(official, case, "note", "N_OTHER")
    assert [(topic, item["id"]) for _, topic, item in said] == [("cases", case), ("dwellings", HOME)]
    assert said[1] == ("E001", "dwellings", {"id": HOME, "status": "suspected_idle", "plain": None})
    _decide(official, case, "dismiss", "IE05")
    assert said[3] == ("E001", "dwellings", {"id": HOME, "status": "occupied", "plain": None}), (
        "a dismissed lead colours nothing"
    )


def test_the_calendar(vacancy: Hub, sign_in: Any) -> None:
    manager = sign_in(vacancy, "estate_manager")
    shown = manager.get(f"/api/v1/dwellings/{HOME}/presence?days=200").json()
    assert (shown["from_day"], shown["to_day"]) == ("2026-05-05", "2026-11-20")
    states = [day["state"] for day in shown["days"]]
    assert len(states) == 200
    assert states[:43] == ["unknown"] * 43, "before the devices were there nothing is known"
    assert states[45:105] == ["present"] * 60
    assert states[105:] == ["absent"] * 95
    assert shown["days"][50]["signals"]["doors"] == 2
    (water,) = shown["meters"]
    assert water["quantity"] == "water"
    assert water["days"][0]["value"] == pytest.approx(0.2)
    assert manager.get("/api/v1/dwellings/nowhere/presence").status_code == 404
    assert manager.get(f"/api/v1/dwellings/{HOME}/presence?days=0").status_code == 422
    elsewhere = sign_in(vacancy, "estate_manager", ["E002"])
    assert elsewhere.get(f"/api/v1/dwellings/{HOME}/presence").status_code == 404


def test_the_policy_packs(vacancy: Hub, sign_in: Any) -> None:
    items = sign_in(vacancy, "estate_manager").get("/api/v1/policy-packs").json()["items"]
    assert {"national", "beijing"} <= {item["name"] for item in items}
    national = next(item for item in items if item["name"] == "national")
    assert (national["vacancy"]["red_days"], national["sublet"]["unseen_days"]) == (180, 30)


def test_moved_in_and_ready_to_relet_are_facts_for_the_feed(hub: Hub, small_site: Callable[[Hub], None]) -> None:
    small_site(hub)
    _history(hub, lived=20, silent=5)
    handover = hub.now().date() - timedelta(days=25)
    with hub.db.unit_of_work("test", "handed over", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(handover_at=handover, from_date=handover))
    analyse(hub)
    analyse(hub)
    assert _told(hub) == ["dwelling.handed_over", "dwelling.moved_in"]
    with hub.db.unit_of_work("test", "ended", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="ended", ended_at=hub.now() - timedelta(days=5)))
        mark_dirty(uow.session, {HOME: hub.now().date() - timedelta(days=5)})
    analyse(hub)
    assert _told(hub)[2:] == ["dwelling.moved_out", "dwelling.ready_to_relet"]
