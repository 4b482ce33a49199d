"""One sublet, from the lead to the archive, by four people through the API; and a household that was right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import auth
from hub.auth import LINK_MADE
from hub.cases.inbound import receive
from hub.cases.reminders import remind
from hub.cases.service import follow
from hub.services import Hub
from hub.tables import Absence, AuditRow, CaseEntry, CaseFile, DirtyDay, Finding, OutboxMessage, Tenancy

HOME = "E001.E001-B1-0101"


@pytest.fixture
def case(hub: Hub, small_site: Callable[[Hub], None]) -> str:
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "a red lead", now=hub.now()) as uow:
        finding = Finding(
            id="finding-1", estate_id="E001", dwelling_id=HOME, kind="sublet", rule="S1", rule_version="2026.2",
            policy_version="national 1", stage="red", families=["F1", "F2"], window_from=today - timedelta(days=45),
            window_to=today, coverage=0.99, because=["近45日未识别到登记人员，而用水为平时的90%。"],
            against=["本户平时有亲属常来。"], refuted_by=["入户核查确认本户居住。"],
            evidence=[{"kind": "meter", "ref": "E001.W-0101", "text_zh": "用水", "day": None}],
            inputs_hash="0" * 64, opened_at=hub.now(), updated_at=hub.now(),
        )  # fmt: skip
        uow.session.add(finding)
        uow.session.flush()
        tenancy = uow.session.scalars(select(Tenancy.id).where(Tenancy.dwelling_id == HOME)).first()
        opened = follow(uow, finding, tenancy)
        assert opened is not None
        return opened.id


class Officials:
    """Four people; each call comes with a session of its own, for days pass between the steps."""

    def __init__(self, hub: Hub, client_for: Any) -> None:
        self.hub, self.client_for = hub, client_for
        self.ids = {name: auth.add_user(hub, name, name, "housing_official", [], None, "test") for name in "abcd"}

    def __getitem__(self, name: str) -> Any:
        client = self.client_for(self.hub)
        token = auth.open_session(self.hub, self.ids[name])
        client.cookies.set(auth.COOKIE, token)
        client.headers["X-CSRF-Token"] = auth.by_session(self.hub, token).csrf
        return client


@pytest.fixture
def officials(hub: Hub, client_for: Any) -> Officials:
    return Officials(hub, client_for)


def _step(client: Any, case: str, action: str, code: str = "", opinion: str = "如实记录的意见", **fields: str) -> Any:
    body = {"action": action, "reason_code": code, "opinion": opinion, "fields": fields}
    return client.post(f"/api/v1/cases/{case}/decisions", json=body)


def _ok(client: Any, case: str, action: str, code: str = "", opinion: str = "如实记录的意见", **fields: str) -> str:
    answer = _step(client, case, action, code, opinion, **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


def _no(client: Any, case: str, action: str, words: str, code: str = "", **fields: str) -> None:
    answer = _step(client, case, action, code, **fields)
    assert answer.status_code in (409, 422), answer.text
    assert words in answer.json()["error"]["message"]


def _told(hub: Hub) -> list[str]:
    with hub.db.reading() as session:
        rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.created_at, OutboxMessage.id))
        return [row.kind for row in rows]


REVIEW = {"devices_sound": "yes", "register_current": "yes", "absence_checked": "yes", "signals_hold": "yes"}
SCREEN = {
    "lone_elderly": "no",
    "disabled": "no",
    "minors": "yes",
    "illness": "no",
    "victim": "no",
    "measures": "延长搬迁期",
}


def _visit(today: date) -> dict[str, str]:
    return {
        "visited_on": today.isoformat(), "time": "weekend", "first_staff": "赵一", "second_staff": "钱二", "shown_id": "yes",
        "adult_present": "yes", "result": "others",
    }  # fmt: skip


def _until_noticed(hub: Hub, case: str, o: Officials, clock: Any) -> None:
    a = o["a"]
    assert _ok(a, case, "recheck", "R_DATA") == "recheck_requested"
    _no(a, case, "ask", "数据复核结论", channel="phone")
    _ok(a, case, "reviewed", **REVIEW)
    assert _ok(a, case, "ask", opinion="您好，近期是否外出？请告知。", channel="phone") == "asked"
    _no(a, case, "visit", "说明期至")
    _ok(a, case, "answer", "A_OTHER", "亲戚暂住，我在外地。", said_by="lessee", channel="phone", said_on=_day(hub))
    assert _ok(a, case, "visit") == "visit"
    _no(a, case, "interview", "入户核查至少一次", on=_day(hub, 3), place="街道办")
    _ok(a, case, "visited", **_visit(hub.now().date()))
    assert _ok(a, case, "interview", on=_day(hub, 3), place="街道办") == "interview"
    clock.pass_(days=3)
    a = o["a"]
    _ok(a, case, "interviewed", held_on=_day(hub), came="yes")
    said = {"conclusion": "vacate", "facts": "整户由他人居住。", "against": "称亲戚暂住，未能说明期限。"}
    _no(a, case, "propose", "困难情况筛查", "G_SUBLET", electronic="no", **said)
    _ok(a, case, "hardship", **SCREEN)
    _no(a, case, "propose", "第四十一条", "G_SUBLET", electronic="yes", **said)
    assert _ok(a, case, "propose", "G_SUBLET", electronic="no", **said) == "deliberation"
    _no(a, case, "agree", "另一")
    assert _ok(o["b"], case, "agree") == "concluded"
    _no(a, case, "sign", "", number="房发1号", signer="孙三", deadline=_day(hub, 70))
    _no(o["c"], case, "sign", "60天", number="房发1号", signer="孙三", deadline=_day(hub, 59))
    assert _ok(o["c"], case, "sign", number="房发1号", signer="孙三 主任", deadline=_day(hub, 60)) == "noticed"
    _ok(a, case, "served", served_on=_day(hub), method="direct", receiver="承租人")


def _day(hub: Hub, later: int = 0) -> str:
    return (hub.now().date() + timedelta(days=later)).isoformat()


def test_from_the_lead_to_the_archive(hub: Hub, case: str, officials: Officials, clock: Any) -> None:
    with hub.db.reading() as session:
        before = session.scalars(select(Tenancy)).all()
    _until_noticed(hub, case, officials, clock)
    a, b, d = officials["a"], officials["b"], officials["d"]
    _ok(a, case, "defence", opinion="请求宽限。", said_on=_day(hub))
    _no(a, case, "reply", "提请人以外", outcome="upheld")
    _ok(b, case, "reply", outcome="upheld")
    _ok(a, case, "appeal", opinion="不服，请求复核。", appealed_on=_day(hub))
    _no(b, case, "appeal_decided", "未参与", outcome="upheld")
    _ok(d, case, "appeal_decided", outcome="upheld")
    _no(d, case, "refer", "陈述申辩期", route="civil", reminder_number="催1号", reminded_on=_day(hub, -12))
    clock.pass_(days=75)
    a, d = officials["a"], officials["d"]
    _ok(a, case, "objection", article="718", number="异1号", sent_on=_day(hub))
    assert _ok(d, case, "refer", route="civil", reminder_number="催1号", reminded_on=_day(hub, -12)) == "referred"
    _no(d, case, "archive", "回传", archive_number="档1")
    number = d.get(f"/api/v1/cases/{case}").json()["number"]
    with hub.db.unit_of_work("lease", "a decision", now=hub.now()) as uow:
        body = {"case_number": number, "result": "判决解除", "document_number": "民初1号"}
        assert "noted on case" in receive(uow, "dec-1", "case_result", body)
    assert _ok(d, case, "archive", archive_number="档1") == "archived"
    shown = d.get(f"/api/v1/cases/{case}").json()
    assert (shown["outcome"], shown["log_holds"], shown["actions"], shown["timers"]) == ("upheld", True, [], [])
    filled = {one["label_zh"]: one["value_zh"] for entry in shown["timeline"] for one in entry["filled"]}
    assert filled["签发人姓名、职务"] == "孙三 主任"
    assert filled["送达方式"] == "直接送达"
    told = _told(hub)
    for kind in (
        "asked",
        "answered",
        "visit",
        "interview",
        "concluded",
        "noticed",
        "served",
        "appeal",
        "referred",
        "archived",
    ):
        assert f"case.{kind}" in told
    with hub.db.reading() as session:
        assert [(t.state, t.ended_at, t.to_date) for t in session.scalars(select(Tenancy))] == [
            (t.state, t.ended_at, t.to_date) for t in before
        ], "no step of a case touches the tenancy"
        bodies = [
            json.loads(row.body) for row in session.scalars(select(OutboxMessage)) if row.kind.startswith("case.")
        ]
        whats = {change["what"] for row in session.scalars(select(AuditRow)) for change in row.changes}
    assert all(body["access_changes"] is False for body in bodies)
    text = json.dumps(bodies, ensure_ascii=False)
    assert "亲戚暂住，我在外地" not in text, "the household's own words stay here"
    assert not any(what.startswith(("credential", "revocation", "access", "command")) for what in whats)


def test_a_household_that_was_right(hub: Hub, case: str, officials: Officials, clock: Any) -> None:
    _until_noticed(hub, case, officials, clock)
    with hub.db.unit_of_work("lease", "from the tenant's page", now=hub.now()) as uow:
        number = uow.session.scalars(select(CaseFile.number)).one()
        receive(uow, "say-1", "household_appeal", {"case_number": number, "text": "亲属已登记为共住人。"})
    _no(officials["b"], case, "appeal_decided", "未参与", outcome="withdrawn")
    assert _ok(officials["d"], case, "appeal_decided", outcome="withdrawn") == "withdrawn"
    shown = officials["d"].get(f"/api/v1/cases/{case}").json()
    assert shown["outcome"] == "withdrawn"
    assert [one["action"] for one in shown["actions"]] == ["archive"]


def test_the_second_is_not_one_whom_the_first_let_in(hub: Hub, case: str, officials: Officials, clock: Any) -> None:
    with hub.db.reading() as session:
        rows = session.scalars(select(CaseFile)).all()
    assert rows[0].state == "open"
    with hub.db.unit_of_work("x", "in the middle", now=hub.now(), audit=False) as uow:
        row = uow.session.scalars(select(CaseFile)).one()
        row.state = "deliberation"
        proposer = officials.ids["a"]
        data = {"fields": {"conclusion": "unproven", "electronic": "no"}}
        uow.session.add(
            CaseEntry(case_id=case, at=hub.now(), actor=proposer, action="propose", reason_code="G_NONE", data=data)
        )
    second = officials.ids["b"]
    with hub.db.unit_of_work(proposer, LINK_MADE, now=hub.now()) as uow:
        uow.record("sign_in_link.made", second)
    answer = _step(officials["b"], case, "agree")
    assert answer.json()["error"]["code"] == "same_person", answer.text
    assert _ok(officials["c"], case, "agree") == "closed_unproven"


def test_late_cases_are_found_and_reminded_of_once(hub: Hub, case: str, officials: Officials, clock: Any) -> None:
    a = officials["a"]
    assert a.get("/api/v1/cases?late=true").json()["items"] == [], "nothing is late on the first day"
    clock.pass_(days=9)
    assert remind(hub) == "1 cases looked at, 1 reminded"
    assert remind(hub) == "1 cases looked at, 0 reminded"
    a = officials["a"]
    listed = a.get("/api/v1/cases?late=true").json()
    assert [item["id"] for item in listed["items"]] == [case]
    assert listed["counts"]["late"] == 1
    timeline = a.get(f"/api/v1/cases/{case}").json()["timeline"]
    assert [entry["action"] for entry in timeline] == ["opened", "reminder"]
    assert "初筛" in timeline[-1]["opinion"]
    clock.pass_(days=82)
    remind(hub)
    assert _told(hub).count("case.deadline") == 2, "and at day 90 the objection of article 718"
    _ok(officials["a"], case, "objection", article="718", number="异1号", sent_on=_day(hub))
    clock.pass_(days=100)
    assert remind(hub) == "1 cases looked at, 0 reminded"


def test_an_answer_that_tells_of_an_absence_is_one(hub: Hub, case: str, officials: Officials) -> None:
    """The household's answer is evidence: the days it was away by its own word do not count, with no document asked."""
    a = officials["a"]
    _ok(a, case, "recheck", "R_DATA")
    said = {"said_by": "member", "channel": "phone", "said_on": _day(hub)}
    _no(a, case, "answer", "早于", "IE03", **said, away_from=_day(hub, -10), away_until=_day(hub, -20))
    _ok(a, case, "answer", "IE03", "住院三周。", **said, away_from=_day(hub, -40), away_until=_day(hub, 5))
    with hub.db.reading() as session:
        row = session.scalars(select(Absence).where(Absence.dwelling_id == HOME)).one()
        assert (row.reason, row.from_date.isoformat(), row.to_date and row.to_date.isoformat()) == (
            "hospital", _day(hub, -40), _day(hub, 5)
        )  # fmt: skip
        assert session.get_one(DirtyDay, HOME).from_day <= row.from_date, "its days are judged again"


def test_what_may_endanger_somebody_does_not_travel(hub: Hub, case: str, officials: Officials) -> None:
    """IE11: who fled violence at home must not be found by what the lease system shows the household."""
    a = officials["a"]
    _ok(a, case, "good_cause", "IE11", "因家庭暴力离家，现住妇联安排处。")
    with hub.db.reading() as session:
        body = session.scalars(select(OutboxMessage.body).where(OutboxMessage.kind == "case.good_cause")).one()
    assert not any(word in body for word in ("IE11", "暴力", "妇联")), body


def test_the_question_travels_without_what_was_recorded(hub: Hub, case: str, officials: Officials) -> None:
    a = officials["a"]
    _ok(a, case, "recheck", "R_DATA")
    _ok(a, case, "reviewed", **REVIEW)
    ask = next(one for one in a.get(f"/api/v1/cases/{case}").json()["actions"] if one["action"] == "ask")
    _ok(a, case, "ask", opinion=ask["offered"], channel="message")
    with hub.db.reading() as session:
        body = json.loads(session.scalars(select(OutboxMessage.body).where(OutboxMessage.kind == "case.asked")).one())
    assert body["question"]["text"] == ask["offered"]
    assert date.fromisoformat(body["question"]["answer_until"]) >= hub.now().date() + timedelta(days=14)
    assert "finding" not in body


def test_no_two_notices_have_one_number(hub: Hub, case: str, officials: Officials, clock: Any) -> None:
    _until_noticed(hub, case, officials, clock)
    with hub.db.unit_of_work("x", "as if not signed", now=hub.now(), audit=False) as uow:
        uow.session.scalars(select(CaseFile)).one().state = "concluded"
    again = {"number": "房发1号", "signer": "孙三", "deadline": _day(hub, 90)}
    _no(officials["c"], case, "sign", "已用于另一份通知", **again)


def test_a_household_that_speaks_through_the_lease_system_was_reached(
    hub: Hub, case: str, officials: Officials
) -> None:
    with hub.db.unit_of_work("lease", "from the tenant's page", now=hub.now()) as uow:
        number = uow.session.scalars(select(CaseFile.number)).one()
        receive(uow, "say-1", "household_statement", {"case_number": number, "text": "本人住院。"})
    shown = officials["a"].get(f"/api/v1/cases/{case}").json()
    assert shown["heard"] is True
    assert [e["reason_code"] for e in shown["timeline"]] == ["S_FINDING", "", "C_REACHED"]
    assert any(timer["code"] == "reply" for timer in shown["timers"]), "fifteen working days to answer"
