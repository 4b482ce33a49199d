"""What has had its time goes, on both databases, with proof; what people still need stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from hub.audit import first_broken
from hub.cases.nightly import analyse
from hub.occupancy.recognised import WITHIN_DAYS
from hub.occupancy.values import LOOK_BACK_DAYS
from hub.privacy import purge as rooms
from hub.privacy.periods import periods
from hub.privacy.purge import RULES, purge
from hub.services import Hub
from hub.tables import (
    AccessPass,
    AuditRow,
    Base,
    CaseFile,
    Coverage,
    CredentialIdentifierRow,
    CredentialRow,
    DoorDay,
    DwellingMemory,
    EventRow,
    FaceLook,
    Finding,
    HouseholdMember,
    MeterDay,
    OutboxMessage,
    PassDay,
    Person,
    PresenceDay,
    RetentionRun,
    SourceRow,
    Tenancy,
)

HOME, NEXT = "E001.E001-B1-0101", "E001.E001-B1-0102"
NAME = "李建华"
SignIn = Callable[..., Any]


@pytest.fixture
def site(hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(hub)
    return hub


def _past(hub: Hub, home: str, *days: int) -> None:
    """A pass, its count, a judged day and a reading, so many days ago."""
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        for back in days:
            at = hub.now() - timedelta(days=back)
            uow.session.add(
                EventRow(
                    edge_id="edge-aaaa", epoch=home, seq=back, estate_id="E001", kind="access", device_id="", at=at,
                    dwelling_id=home, received_at=at, ingested_at=at, late=False, data="{}",
                )
            )  # fmt: skip
            day = at.date()
            uow.session.add(PassDay(dwelling_id=home, day=day, credential="tok", holder_class="resident", other=1))
            uow.session.add(PresenceDay(dwelling_id=home, day=day, state="present", coverage=1.0, signals={}))
            uow.session.add(DoorDay(door_id=f"door-{home}", day=day, passes=1))
            uow.session.add(
                MeterDay(meter_id=f"m-{home}", day=day, dwelling_id=home, quantity="water", ok_count=1, bad_count=0)
            )


def _kept(hub: Hub, table: Any, home: str) -> int:
    with hub.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(table.dwelling_id == home)) or 0


def _case(hub: Hub, home: str, closed: datetime | None = None) -> None:
    with hub.db.unit_of_work("test", "case", audit=False) as uow:
        uow.session.add(
            CaseFile(
                id="case-1", number="1", estate_id="E001", dwelling_id=home, kind="vacancy", stage="red", state="visit",
                opened_at=hub.now(), closed_at=closed,
            )
        )  # fmt: skip


def _untold(hub: Hub, home: str) -> None:
    with hub.db.unit_of_work("test", "message", audit=False) as uow:
        now = hub.now()
        uow.session.add(
            OutboxMessage(id="m1", kind="case.opened", subject=home, body=NAME, created_at=now, next_attempt_at=now)
        )


def _moved_out(hub: Hub, days: int) -> None:
    at = hub.now() - timedelta(days=days)
    with hub.db.unit_of_work("test", "moved out", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="ended", ended_at=at))
        uow.session.execute(update(CredentialRow).values(state="ended", ended_at=at))
        uow.session.execute(update(HouseholdMember).values(offered={"cards": ["3001"], "note": NAME}))
        uow.session.add(CredentialIdentifierRow(id="c1", token="a1b2c3d4e5f6g7h8i9j0", type="card", value="3001"))


def test_each_kind_goes_by_its_own_period_and_every_run_is_proved(site: Hub) -> None:
    _past(site, HOME, 1, 179, 182, 428, 432)
    assert "pass_event 3" in purge(site)
    assert [_kept(site, table, HOME) for table in (EventRow, PassDay, PresenceDay, MeterDay)] == [2, 4, 4, 4]
    with site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(DoorDay)) == 4, (
            "counts of doors go with the days they explain"
        )
        runs = {run.period: run for run in session.scalars(select(RetentionRun))}
        said = [change for row in session.scalars(select(AuditRow)) for change in row.changes]
        assert first_broken(session) is None
    assert runs.keys() == periods().keys() == RULES.keys(), "every period has its rule, and every run its proof"
    assert (runs["pass_event"].deleted, runs["pass_day"].deleted, runs["person"].deleted) == (3, 1, 0)
    assert {c["subject"]: c["count"] for c in said if c["what"] == "retention.deleted"} == {
        "pass_event": 3, "pass_day": 1, "presence_day": 1, "meter_day": 1,
    }  # fmt: skip
    assert purge(site) == "nothing is due"


def test_batches_go_on_until_all_has_gone(site: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "EVENTS", 2)
    monkeypatch.setattr(rooms, "HOMES", 1)
    _past(site, HOME, *range(431, 436))
    _past(site, NEXT, 440)
    purge(site)
    assert [_kept(site, table, home) for table in (EventRow, PassDay) for home in (HOME, NEXT)] == [0, 0, 0, 0]
    with site.db.reading() as session:
        rows = [c for row in session.scalars(select(AuditRow)) for c in row.changes if c["subject"] == "pass_event"]
    assert [row["count"] for row in rows] == [2, 2, 2]


@pytest.mark.parametrize("why", ["open case", "case that may be contested", "message not delivered"])
def test_what_people_still_need_is_held(site: Hub, why: str) -> None:
    _past(site, HOME, 500)
    _past(site, NEXT, 500)
    _moved_out(site, 500)
    if why == "message not delivered":
        _untold(site, HOME)
    else:
        _case(site, HOME, None if why == "open case" else site.now() - timedelta(days=100))
    purge(site)
    assert [_kept(site, table, HOME) for table in (EventRow, PassDay, PresenceDay, MeterDay)] == [1, 1, 1, 1]
    assert _kept(site, EventRow, NEXT) == 0
    with site.db.reading() as session:
        assert session.get_one(Person, "person-1").name == NAME
        held = {run.period: run.held for run in session.scalars(select(RetentionRun))}
    assert (held["pass_event"], held["pass_day"], held["person"]) == (1, 1, 1)
    with site.db.unit_of_work("test", "settled", audit=False) as uow:
        uow.session.execute(update(CaseFile).values(closed_at=site.now() - timedelta(days=400)))
        uow.session.execute(update(OutboxMessage).values(delivered_at=site.now()))
    purge(site)
    assert _kept(site, EventRow, HOME) == 0
    with site.db.reading() as session:
        assert session.get_one(Person, "person-1").erased_at == site.now()


def test_nothing_says_any_more_who_a_deleted_person_was(site: Hub) -> None:
    _moved_out(site, 400)
    _untold(site, NEXT)
    old = site.now() - timedelta(days=200)
    with site.db.unit_of_work("test", "traces", audit=False) as uow:
        uow.session.execute(update(OutboxMessage).values(delivered_at=old))
        uow.session.add(SourceRow(source="s", key="k", reason="r", raw={"name": NAME}, seen_at=old))
        uow.session.add(
            AccessPass(
                id="pass-1", estate_id="E001", token="a1b2c3d4e5f6g7h8i9j0", kind="visitor", doors=[], visitor=NAME,
                reason="x", issued_by="x", issued_at=old,
            )
        )  # fmt: skip
    assert _found(site) != []
    purge(site)
    assert _found(site) == [], "the name stands somewhere still"
    with site.db.reading() as session:
        person = session.get_one(Person, "person-1")
        assert (person.birth_date, person.id_number_hash, person.id_number_last4) == (None, None, "")
        assert session.scalars(select(CredentialIdentifierRow.value)).all() == []


def _found(hub: Hub) -> list[str]:
    """Tables in which the name stands."""
    with hub.db.reading() as session:
        return [
            table.name
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
            if any(NAME in str(value) for value in row)
        ]


@pytest.mark.parametrize("left", [100, None])
def test_who_lives_here_or_left_lately_stays(site: Hub, left: int | None) -> None:
    if left is not None:
        _moved_out(site, left)
    purge(site)
    with site.db.reading() as session:
        assert session.get_one(Person, "person-1").name == NAME


@pytest.mark.parametrize(
    ("moved_out", "heard", "goes"),
    [(200, 100, True), (200, 20, False), (100, 90, False), (183, 100, False), (None, 200, True)],
)
def test_the_time_of_a_household_counts_from_its_move_out_not_from_the_news(
    site: Hub, moved_out: int | None, heard: int, goes: bool
) -> None:
    """The news may come late. What it deletes is gone for good: a fresh one deletes nobody yet."""
    _moved_out(site, heard)
    today = site.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    day = None if moved_out is None else (today - timedelta(days=moved_out)).isoformat()
    with site.db.unit_of_work("test", "the decision", audit=False) as uow:
        decision = {"number": "D-1", "move_out_completed_on": day}
        uow.session.execute(update(Tenancy).values(end_decision=decision))
    purge(site)
    with site.db.reading() as session:
        assert (session.get_one(Person, "person-1").erased_at is not None) == goes


def test_periods_cover_what_analysis_looks_at() -> None:
    for key in ("pass_day", "meter_day", "presence_day"):
        assert periods()[key].days >= LOOK_BACK_DAYS + WITHIN_DAYS, f"{key} would be missing where a night looks back"


def test_days_that_went_are_no_absence(site: Hub, clock: Any) -> None:
    """A home lived in every day for 450 days: the night goes on from its memory, and judged anew nothing is found either."""
    with site.db.unit_of_work("test", "coverage", audit=False) as uow:
        begin = site.now() - timedelta(days=460)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=begin))
        today = site.now().date()
        uow.session.add_all(
            PassDay(
                dwelling_id=HOME, day=today - timedelta(days=n), credential="a1b2c3d4e5f6g7h8i9j0",
                holder_class="resident", face=1, face_consented=1, hours=1 << 8,
            )
            for n in range(450)
        )  # fmt: skip
    analyse(site)
    assert "pass_day 19" in purge(site)
    clock.pass_(days=1)
    analyse(site)
    with site.db.unit_of_work("test", "anew", audit=False) as uow:
        uow.session.query(DwellingMemory).delete()
    analyse(site)
    with site.db.reading() as session:
        assert session.scalars(select(Finding).where(Finding.dwelling_id == HOME)).all() == []
        states = set(session.scalars(select(PresenceDay.state).where(PresenceDay.dwelling_id == HOME)))
    assert states <= {"present"}


def test_the_page_says_what_is_kept_how_long_and_why(site: Hub, sign_in: SignIn) -> None:
    _past(site, HOME, 200)
    auditor = sign_in(site, "auditor")
    before = auditor.get("/api/v1/retention").json()["items"]
    assert [item["last"] for item in before] == [None] * len(periods())
    purge(site)
    items = {item["key"]: item for item in auditor.get("/api/v1/retention").json()["items"]}
    assert items["pass_event"]["days"] == 180
    assert items["pass_event"]["last"]["deleted"] == items["pass_event"]["total"] == 1
    assert all(item["basis"] for item in items.values())
    assert datetime.fromisoformat(items["pass_event"]["last"]["at"]) <= datetime.now(UTC) + timedelta(days=3650)
    assert date.fromisoformat(items["pass_event"]["last"]["before"]) < site.now().date()


def test_what_a_look_at_a_face_said_goes_with_its_event(site: Hub) -> None:
    _past(site, HOME, 1, 182)
    with site.db.unit_of_work("test", "looks", audit=False) as uow:
        for back in (1, 182):
            uow.session.add(FaceLook(edge_id="edge-aaaa", epoch=HOME, of_seq=back, outcome="same", text=""))
    purge(site)
    with site.db.reading() as session:
        assert session.scalars(select(FaceLook.of_seq)).all() == [1]
