"""The lease system hears of hand-overs and moves once, and again, corrected, when late records change them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.services import Hub
from hub.tables import AuditRow, Coverage, LifeFactRow, MeterDay, OutboxMessage, PassDay, Tenancy

HOME = "E001.E001-B1-0101"
SPAN = 40


@pytest.fixture
def handed(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Dwelling 101 was handed over 20 days ago, after 20 empty ones; the gate observed throughout, the water ran from day 25."""
    hub = sqlite_hub
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        session = uow.session
        session.execute(delete(Coverage))
        start = hub.now() - timedelta(days=SPAN + 1)
        session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
        begun = today - timedelta(days=20)
        session.execute(update(Tenancy).values(handover_at=begun, from_date=begun))
        meters = [
            {"meter_id": "E001.W-0101", "day": today - timedelta(days=SPAN - n), "dwelling_id": HOME, "quantity": "water",
             "last_value": 50 + 0.2 * max(0, n - 24), "ok_count": 1, "bad_count": 0}
            for n in range(SPAN)
        ]  # fmt: skip
        session.connection().execute(insert(MeterDay), meters)
    _passes(hub, range(25, SPAN))
    return hub


def _passes(hub: Hub, days: Iterable[int]) -> None:
    """Passes of the household, by days since the beginning; the dwelling is marked, as ingest does."""
    rows = [_day(hub, n) for n in days]
    with hub.db.unit_of_work("test", "passes", audit=False) as uow:
        row = {"dwelling_id": HOME, "credential": "tok", "holder_class": "resident", "face": 0, "face_consented": 0}
        uow.session.connection().execute(insert(PassDay), [{**row, "day": day, "other": 2} for day in rows])
        mark_dirty(uow.session, {HOME: min(rows)})


def _day(hub: Hub, n: int) -> date:
    return hub.now().date() - timedelta(days=SPAN - n)


def _messages(hub: Hub) -> dict[str, dict[str, Any]]:
    with hub.db.reading() as session:
        return {row.id: json.loads(row.body) for row in session.scalars(select(OutboxMessage))}


def test_a_move_is_told_with_proof_coverage_and_meter_readings(handed: Hub) -> None:
    analyse(handed)
    told = _messages(handed)
    assert set(told) == {"dwelling.handed_over:tenancy-1", "dwelling.moved_in:tenancy-1"}
    moved = told["dwelling.moved_in:tenancy-1"]
    assert (moved["first_day"], moved["tenancy_id"], moved["revision"]) == (str(_day(handed, 25)), "T-1", 1)
    assert (moved["proof"], moved["coverage"], moved["withdrawn"]) == (["F1", "F2"], 1.0, False)
    assert moved["access_changes"] is False
    (reading,) = moved["meters"]
    assert (reading["quantity"], reading["day"]) == ("water", str(_day(handed, 25)))
    assert "tok" not in json.dumps(told), "no credential leaves in the feed"
    analyse(handed)
    assert len(_messages(handed)) == 2, "said once is enough"


def test_late_passes_correct_the_day(handed: Hub) -> None:
    analyse(handed)
    with handed.db.unit_of_work("test", "the meter lied", audit=False) as uow:
        uow.session.execute(delete(MeterDay))  # with a dry meter they would be visits to the rooms, no move
    _passes(handed, [22, 23])
    analyse(handed)
    told = _messages(handed)
    assert len(told) == 4
    again = told["dwelling.moved_in:tenancy-1:r2"]
    assert (again["first_day"], again["corrects_day"]) == (str(_day(handed, 22)), str(_day(handed, 25)))
    assert (again["revision"], again["withdrawn"]) == (2, False)


def test_what_late_records_refute_is_taken_back_and_may_come_again(handed: Hub, sign_in: Any) -> None:
    analyse(handed)
    with handed.db.unit_of_work("test", "they were another household's passes", audit=False) as uow:
        uow.session.execute(delete(PassDay))
        uow.session.execute(delete(MeterDay))
        mark_dirty(uow.session, {HOME: _day(handed, 25)})
    analyse(handed)
    gone = _messages(handed)["dwelling.moved_in:tenancy-1:r2"]
    assert (gone["withdrawn"], gone["corrects_day"]) == (True, str(_day(handed, 25)))
    _passes(handed, [30, 31])
    analyse(handed)
    again = _messages(handed)["dwelling.moved_in:tenancy-1:r3"]
    assert (again["withdrawn"], again["first_day"]) == (False, str(_day(handed, 30)))
    official = sign_in(handed, "housing_official")
    items = official.get(f"/api/v1/dwellings/{HOME}/life").json()["items"]
    assert {(i["kind"], i["revision"], i["standing"]) for i in items} == {
        ("moved_in", 3, True),
        ("handed_over", 3, True),
    }
    assert official.get("/api/v1/estates/E001/life?kind=ready_to_relet").json() == {"items": []}
    with handed.db.reading() as session:
        audited = [c for changes in session.scalars(select(AuditRow.changes)) for c in changes]
    assert sum(c.get("what") == "life.told" for c in audited) == 6


def test_moved_out_and_ready_after_the_end(handed: Hub) -> None:
    with handed.db.unit_of_work("test", "they left", audit=False) as uow:
        uow.session.execute(delete(PassDay).where(PassDay.day >= _day(handed, 33)))
        uow.session.execute(delete(MeterDay).where(MeterDay.day >= _day(handed, 33)))
        uow.session.execute(update(Tenancy).values(state="ended", ended_at=handed.now() - timedelta(days=8)))
    analyse(handed)
    told = _messages(handed)
    assert set(told) == {"dwelling.moved_out:tenancy-1", "dwelling.ready_to_relet:tenancy-1"}
    assert told["dwelling.moved_out:tenancy-1"]["gone_since"] == str(_day(handed, 33))
    assert told["dwelling.ready_to_relet:tenancy-1"]["proof"] == ["F1"], "no meter could be read"
    with handed.db.reading() as session:
        assert session.scalars(select(LifeFactRow.standing)).all() == [True, True]


DECISION = {
    "number": "青房退〔2026〕12号",
    "date": "2026-10-20",
    "kind": "surrender",
    "signed_by": "虚构市住房保障中心",
}


def _empty_since(hub: Hub, n: int) -> None:
    with hub.db.unit_of_work("test", "nobody since", audit=False) as uow:
        uow.session.execute(delete(PassDay).where(PassDay.day >= _day(hub, n)))
        dry = update(MeterDay).where(MeterDay.day >= _day(hub, n)).values(last_value=50 + 0.2 * max(0, n - 25))
        uow.session.execute(dry)
        mark_dirty(uow.session, {HOME: _day(hub, n)})


def _ended(hub: Hub, left: int | None, heard_days_ago: int = 0) -> None:
    """T-1 is over: left on this day, of which the hub heard so long ago."""
    decision = None if left is None else {**DECISION, "move_out_completed_on": str(_day(hub, left))}
    with hub.db.unit_of_work("test", "over", audit=False) as uow:
        heard = hub.now() - timedelta(days=heard_days_ago)
        values = {"state": "ended", "ended_at": heard, "end_decision": decision}
        uow.session.execute(update(Tenancy).where(Tenancy.id == "tenancy-1").values(**values))


def test_the_completed_move_out_counts_not_the_day_the_hub_heard_of_it(handed: Hub) -> None:
    _empty_since(handed, 30)
    _ended(handed, left=32)
    analyse(handed)
    told = _messages(handed)
    assert told["dwelling.moved_out:tenancy-1"]["gone_since"] == str(_day(handed, 32)), (
        "news that came today, of days ago"
    )
    assert told["dwelling.ready_to_relet:tenancy-1"]["unused_since"] == str(_day(handed, 33))


def test_without_a_day_in_the_decision_the_day_the_hub_heard_counts(handed: Hub) -> None:
    _empty_since(handed, 30)
    _ended(handed, left=None, heard_days_ago=5)
    analyse(handed)
    assert _messages(handed)["dwelling.moved_out:tenancy-1"]["gone_since"] == str(_day(handed, SPAN - 5))


def test_an_end_withdrawn_takes_back_what_was_told_of_it(handed: Hub, clock: Any) -> None:
    _empty_since(handed, 30)
    _ended(handed, left=32)
    analyse(handed)
    with handed.db.unit_of_work("test", "the end is withdrawn", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="active", ended_at=None, end_decision=None))
    clock.pass_(days=1)
    analyse(handed)
    told = _messages(handed)
    for kind in ("moved_out", "ready_to_relet"):
        again = told[f"dwelling.{kind}:tenancy-1:r2"]
        assert again["withdrawn"], f"{kind} stands although the tenancy goes on"
        assert again["because"] == ["租约仍在履行，退租未发生或已撤回。"]
    before = len(told)
    clock.pass_(days=1)
    analyse(handed)
    assert len(_messages(handed)) == before, "said once is enough"


def test_a_home_that_is_let_again_is_no_longer_ready(handed: Hub, clock: Any, sign_in: Any) -> None:
    _empty_since(handed, 30)
    _ended(handed, left=32)
    analyse(handed)
    ready = "/api/v1/estates/E001/life?kind=ready_to_relet"
    listed = sign_in(handed, "housing_official").get(ready).json()["items"]
    assert [one["tenancy_id"] for one in listed] == ["tenancy-1"]
    _let_again(handed, handed.now().date())
    clock.pass_(days=1)
    analyse(handed)
    told = _messages(handed)
    again = told["dwelling.ready_to_relet:tenancy-1:r2"]
    assert (again["withdrawn"], again["because"]) == (True, ["房屋已由另一租约配租。"]), (
        "a home that is let is not to let"
    )
    assert "dwelling.moved_out:tenancy-1:r2" not in told, "who lived there before is gone all the same"
    assert sign_in(handed, "housing_official").get(ready).json() == {"items": []}, "nor is it offered in the console"


def _let_again(hub: Hub, day: date) -> None:
    with hub.db.unit_of_work("test", "let again", audit=False) as uow:
        place = {"estate_id": "E001", "dwelling_id": HOME, "state": "active"}
        uow.session.add(
            Tenancy(id="tenancy-2", source="test", source_id="T-2", from_date=day, handover_at=day, **place)
        )
        mark_dirty(uow.session, {HOME: day})


def test_late_news_of_an_end_reaches_back_behind_the_household_that_came_since(handed: Hub) -> None:
    """Both are heard of on one day: T-1 left on day 32, T-2 came on day 37."""
    _empty_since(handed, 32)
    _ended(handed, left=32)
    _let_again(handed, _day(handed, 37))
    analyse(handed)
    told = _messages(handed)
    assert told["dwelling.moved_out:tenancy-1"]["gone_since"] == str(_day(handed, 32))
    assert not [id for id in told if id.startswith("dwelling.ready_to_relet")], "it is let"


def test_a_meter_that_runs_on_takes_ready_back(handed: Hub, clock: Any) -> None:
    _empty_since(handed, 30)
    _ended(handed, left=32)
    analyse(handed)
    with handed.db.unit_of_work("test", "the water runs", audit=False) as uow:
        used = {"meter_id": "E001.W-0101", "dwelling_id": HOME, "quantity": "water", "ok_count": 1, "bad_count": 0}
        uow.session.connection().execute(insert(MeterDay), [{**used, "day": handed.now().date(), "last_value": 60.0}])
    clock.pass_(days=1)
    analyse(handed)
    again = _messages(handed)["dwelling.ready_to_relet:tenancy-1:r2"]
    assert again["withdrawn"], "a home in which water runs is not ready"
    assert "仍有使用迹象" in again["because"][0]
