"""Whose a case is, what it tells to whom, and what its papers notice: on the way through service, feed and pack."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from hub import auth, caselog
from hub.case_terminal import taken
from hub.cases import service
from hub.cases.inbound import receive
from hub.cases.known import context_of, latest_finding
from hub.cases.models import MOST_OPINION
from hub.errors import BadRequest
from hub.evidence.archive import Entry, packed
from hub.evidence.pack import make
from hub.evidence.verify import verify
from hub.services import Hub
from hub.tables import (
    CaseEntry,
    CaseFile,
    Estate,
    Finding,
    HouseholdMember,
    OutboxMessage,
    OutsideSign,
    Person,
    Tenancy,
)

HOME = "E001.E001-B1-0101"
SHELTER = "当事人称因受家暴，现住在城东妇联庇护所。"
Found = Callable[[Hub], Finding]


@pytest.fixture
def hub(sqlite_hub: Hub) -> Hub:
    return sqlite_hub


@pytest.fixture
def official(hub: Hub) -> str:
    return auth.add_user(hub, "a", "赵一", "housing_official", [], None, "test")


@pytest.fixture
def step(hub: Hub, official: str, client_for: Any) -> Callable[..., Any]:
    """`step(case, action, code, opinion, **fields)`: the answer of the console."""

    def take(case: str, action: str, code: str = "", opinion: str = "如实记录的意见", **fields: str) -> Any:
        client, token = client_for(hub), auth.open_session(hub, official)
        client.cookies.set(auth.COOKIE, token)
        client.headers["X-CSRF-Token"] = auth.by_session(hub, token).csrf
        body = {"action": action, "reason_code": code, "opinion": opinion, "fields": fields}
        return client.post(f"/api/v1/cases/{case}/decisions", json=body)

    return take


def put(hub: Hub, case: str, **columns: object) -> None:
    with hub.db.unit_of_work("test", "as it stands", now=hub.now()) as uow:
        for name, value in columns.items():
            setattr(uow.session.get_one(CaseFile, case), name, value)


def log(hub: Hub, case: str, *entries: tuple[str, str, dict[str, str]]) -> None:
    with hub.db.unit_of_work("test", "what was done", now=hub.now()) as uow:
        for number, (action, code, fields) in enumerate(entries):
            caselog.append(uow, case, f"person-{number}", action, code, data={"fields": fields} if fields else {})


def next_household(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "the next household", now=hub.now()) as uow:
        old = uow.session.scalars(select(Tenancy).where(Tenancy.dwelling_id == HOME)).one()
        old.state, old.ended_at = "ended", uow.now
        uow.session.flush()
        lease = Tenancy(
            id="T-next", source=old.source, source_id="T-next", estate_id="E001", dwelling_id=HOME, state="active"
        )
        lease.from_date = uow.now.date()
        uow.session.add(lease)


# --- whose it is ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["asked", "noticed"])
def test_the_next_household_has_a_case_of_its_own(hub: Hub, case: str, found: Found, clock: Any, state: str) -> None:
    put(hub, case, state=state)
    with hub.db.unit_of_work("test", "gone", now=hub.now()) as uow:
        first = uow.session.get_one(Finding, "finding-1")
        first.closed_at = uow.now
        service.facts_gone(uow, first)
    next_household(hub)
    clock.pass_(days=60)
    with hub.db.unit_of_work("test", "a night", now=hub.now()) as uow:
        row = found(hub)
        row.id = "finding-2"
        uow.session.add(row)
        uow.session.flush()
        fresh = service.follow(uow, row, "T-next")
        uow.session.flush()
        assert fresh is not None
        assert fresh.id != case, "their lead goes on in no case of who lived there before"
        assert fresh.tenancy_id == "T-next"
        rests_on = latest_finding(uow.session, case)
        assert rests_on is not None
        assert rests_on.id == "finding-1", "nor does the former household's case show theirs"


def test_the_next_household_waits_for_nothing_that_was_decided_before(
    hub: Hub, case: str, found: Found, clock: Any
) -> None:
    put(
        hub,
        case,
        state="dismissed",
        outcome="dismissed",
        closed_at=hub.now(),
        quiet_until=hub.now() + timedelta(days=90),
    )
    next_household(hub)
    clock.pass_(days=5)
    with hub.db.unit_of_work("test", "a night", now=hub.now()) as uow:
        row = found(hub)
        row.id = "finding-2"
        uow.session.add(row)
        uow.session.flush()
        assert service.follow(uow, row, "T-next") is not None, "the quiet time is the former household's"


def test_who_moved_in_is_not_asked_or_visited_for_who_moved_out(hub: Hub, case: str, clock: Any, step: Any) -> None:
    put(hub, case, stage="yellow", state="asked")
    log(hub, case, ("reviewed", "", {"devices_sound": "yes", "signals_hold": "yes"}), ("ask", "", {}))
    next_household(hub)
    clock.pass_(days=20)
    for answer in (step(case, "ask", channel="message"), step(case, "visit")):
        assert answer.status_code == 409, answer.text
        assert "租约已经结束" in answer.json()["error"]["message"]
    assert step(case, "dismiss", "IE27", "租约已结束。").status_code == 200


def test_facts_that_came_back_are_not_gone(hub: Hub, case: str, found: Found, clock: Any) -> None:
    put(hub, case, state="visit")
    with hub.db.unit_of_work("test", "gone", now=hub.now()) as uow:
        first = uow.session.get_one(Finding, "finding-1")
        first.closed_at = uow.now
        service.facts_gone(uow, first)
    clock.pass_(days=5)
    with hub.db.unit_of_work("test", "back", now=hub.now()) as uow:
        row, open_case = found(hub), uow.session.get_one(CaseFile, case)
        row.id = "finding-2"
        uow.session.add(row)
        uow.session.flush()
        for _night in range(2):
            service.follow(uow, row, open_case.tenancy_id)
        uow.session.flush()
        assert context_of(uow.session, open_case, "u", uow.now).record.facts_gone_on is None
        entries = uow.session.scalars(
            select(CaseEntry.action).where(CaseEntry.case_id == case).order_by(CaseEntry.id)
        ).all()
        assert entries[-2:] == ["facts_gone", "facts_back"], "once"


# --- numbers ----------------------------------------------------------------------------------------------------------------


def test_a_number_is_of_the_estates_year(hub: Hub, case: str, found: Found) -> None:
    new_year = datetime(2026, 12, 31, 18, tzinfo=UTC)  # two in the morning there
    with hub.db.unit_of_work("test", "a night", now=new_year) as uow:
        row = found(hub)
        row.id, row.kind = "finding-2", "vacancy"
        uow.session.add(row)
        uow.session.flush()
        opened = service.follow(uow, row, uow.session.get_one(CaseFile, case).tenancy_id)
        assert opened is not None
        assert opened.number == "E001-2027-0001"


def test_an_estates_code_is_no_pattern(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "another estate", now=hub.now()) as uow:
        uow.session.add(Estate(id="X", code="E_01", name="x", policy={}))
        uow.session.flush()
        assert service._next_number(uow, "X") == f"E_01-{uow.now.year}-0001", "E001's numbers are not its own"


# --- what the lease system is told, and tells ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["hearing_requested", "hearing_held"])
def test_what_is_said_about_a_hearing_stays_here(hub: Hub, case: str, step: Any, action: str) -> None:
    """IE11: where somebody fled to is told to nobody."""
    put(hub, case, state="noticed")
    day = hub.now().date()
    ago, ahead = (day - timedelta(days=9)).isoformat(), (day + timedelta(days=30)).isoformat()
    log(
        hub, case, ("propose", "G_SUBLET", {"conclusion": "vacate", "electronic": "no"}), ("agree", "", {}),
        ("sign", "", {"number": "1", "deadline": ago}),
    )  # fmt: skip
    if action == "hearing_held":
        log(hub, case, ("hearing_requested", "", {"asked_on": ago, "on": ago}))
        answer = step(case, action, opinion=SHELTER, held_on=day.isoformat(), chair="某", outcome="upheld")
    else:
        answer = step(case, action, opinion=SHELTER, asked_on=day.isoformat(), on=ahead)
    assert answer.status_code == 200, answer.text
    with hub.db.reading() as session:
        told = session.scalars(select(OutboxMessage.body).where(OutboxMessage.body.contains(action))).all()
    assert told, "that there is one is told"
    assert "庇护所" not in " ".join(told)


def test_a_sign_that_was_taken_back_before_it_came_counts_for_nothing(hub: Hub, case: str) -> None:
    sign = {"id": "m1", "kind": "outside_sign", "dwelling_code": "E001-B1-0101", "sign": "rent_by_other"}
    messages = [
        ("m2", {"id": "m2", "kind": "outside_sign", "withdraws": "m1"}),
        ("m1", sign | {"on": hub.now().date().isoformat()}),
    ]
    for number, body in messages:
        with hub.db.unit_of_work("lease", "a message", now=hub.now()) as uow:
            receive(uow, number, "outside_sign", body)
    with hub.db.reading() as session:
        (row,) = session.scalars(select(OutsideSign))
    assert row.withdrawn_at is not None


def test_the_command_takes_no_longer_an_opinion_than_the_console(hub: Hub, case: str, official: str, step: Any) -> None:
    long = "长" * (MOST_OPINION + 1)
    assert step(case, "note", "N_OTHER", long).status_code == 422
    principal = auth.by_session(hub, auth.open_session(hub, official))
    with pytest.raises(BadRequest, match="书面意见最多"):
        taken(hub, principal, case, "note", "N_OTHER", long, {})


# --- its papers ---------------------------------------------------------------------------------------------------------------


def files(hub: Hub, case: str, *, masked: bool = True) -> tuple[bytes, dict[str, Any]]:
    """(the pack, its JSON by name)."""
    with hub.db.reading() as session:
        data = make(hub, session, session.get_one(CaseFile, case), "王", masked=masked).zip
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return data, {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


def test_what_is_secret_does_not_stand_beside_it(hub: Hub, case: str, step: Any) -> None:
    day = hub.now().date()
    away = {"away_from": (day - timedelta(days=33)).isoformat(), "away_until": (day + timedelta(days=77)).isoformat()}
    said = {"said_by": "agent", "channel": "in_person", "said_on": day.isoformat()}
    answer = step(case, "answer", "IE11", "因家暴离家。", **said, **away)
    assert answer.status_code == 200, answer.text
    shown = json.dumps(files(hub, case)[1]["log.json"])
    assert away["away_from"] not in shown, "the note that counts the answer tells nothing of it"


def test_a_last_entry_that_was_removed_is_missed(hub: Hub, case: str) -> None:
    """The chain that is left holds; the audit trail knows of one more."""
    with hub.db.unit_of_work("test", "the household", now=hub.now()) as uow:
        caselog.append(uow, case, "u", "answer", "A_OTHER", "我一直住在这里。")
    assert files(hub, case, masked=False)[1]["log.json"]["holds"]
    with hub.db.engine.begin() as connection:
        connection.execute(delete(CaseEntry.__table__).where(CaseEntry.__table__.c.action == "answer"))  # type: ignore[arg-type]
    data, shown = files(hub, case, masked=False)
    assert not shown["log.json"]["holds"]
    assert any("missing" in problem for problem in verify(data).problems)


@pytest.mark.parametrize("bad", [b'{"format":NaN}', b'{"a":"\\ud800","format":"estate-hub-evidence/1"}'])
def test_a_manifest_that_cannot_be_is_told_as_that(bad: bytes) -> None:
    assert verify(packed([Entry("manifest.json", bad)])).problems


def test_a_seal_that_cannot_be_is_told_as_that() -> None:
    line = base64.b64encode(b'{"a":NaN}') + b"." + base64.b64encode(b"x")
    assert verify(b"%PDF-1.7\n%EstateHubSeal " + line + b"\nstartxref").problems


def test_a_name_is_masked_however_its_point_is_written(hub: Hub, case: str) -> None:
    with hub.db.unit_of_work("test", "a name", now=hub.now()) as uow:
        member = select(HouseholdMember.person_id).join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        person = uow.session.scalars(
            select(Person).where(Person.id.in_(member.where(Tenancy.dwelling_id == HOME)))
        ).first()
        assert person is not None
        person.name = "阿卜杜拉·买买提"
        caselog.append(
            uow, case, "u", "note", "C_PHONE", "电话联系阿卜杜拉•买买提、阿卜杜拉・买买提、阿卜杜拉 · 买买提未接通"
        )
    assert "杜拉" not in json.dumps(files(hub, case)[1]["log.json"], ensure_ascii=False)
