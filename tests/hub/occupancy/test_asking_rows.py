"""From which chance on a hub's questions are put: which findings decide on a week, and that a week is settled once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.cases.nightly import analyse
from hub.occupancy import asking_rows
from hub.occupancy.asking_rows import above_now, above_since, asking_now, unsettled
from hub.services import Hub
from hub.tables import AskingWeek, AuditRow, Estate, Finding

MONDAY = date(2026, 11, 2)
HOME = "E001.E001-B1-0101"


@pytest.fixture
def measured(sqlite_hub: Hub, small_site: Callable[[Hub], None], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub whose estate takes its chances from the fitted model, and can bear two questions."""
    small_site(sqlite_hub)
    monkeypatch.setattr("hub.occupancy.asking.FEWEST", 2)
    monkeypatch.setattr("hub.occupancy.asking.SHARE", 0.0)
    _pack(sqlite_hub, "national_measured")
    return sqlite_hub


def _pack(hub: Hub, name: str) -> None:
    with hub.db.unit_of_work("test", "a pack", audit=False) as uow:
        uow.session.execute(update(Estate).values(policy_pack=name))


def put(hub: Hub, peak: float, on: date, closed: bool = False, waits: bool = False, **stated: Any) -> None:
    """A finding that began on this day."""
    at = datetime.combine(on + timedelta(days=1), time(18), UTC)
    said = [{"on": on.isoformat(), "rule": "S1", "stage": "yellow", "chance": peak, "fitted": peak, **stated}]
    with hub.db.unit_of_work("test", "a finding", audit=False) as uow:
        uow.session.add(
            Finding(
                id=f"f{peak}{on}", estate_id="E001", dwelling_id=HOME, kind="sublet", stage="yellow", rule="S1",
                rule_version="1", policy_version="p 1", families=[], window_from=on, window_to=on, coverage=1.0, because=[],
                against=[], refuted_by=[], evidence=[], inputs_hash="", stated=said, peak=peak, waits=waits, opened_at=at,
                updated_at=at, closed_at=at if closed else None,
            )
        )  # fmt: skip


def week(hub: Hub, last: date) -> AskingWeek | None:
    with hub.db.reading() as session:
        return unsettled(session, last)


def test_what_began_before_a_monday_decides_on_its_week(measured: Hub) -> None:
    put(measured, 0.30, MONDAY - timedelta(days=1))
    put(measured, 0.40, MONDAY - timedelta(days=60), closed=True)
    put(measured, 0.50, MONDAY - timedelta(days=120))
    put(measured, 0.60, MONDAY - timedelta(days=20))
    put(measured, 0.91, MONDAY)
    put(measured, 0.92, MONDAY - timedelta(days=121))
    put(measured, 0.93, MONDAY - timedelta(days=2), due=True)
    put(measured, 0.0, MONDAY - timedelta(days=2))
    for last in (MONDAY, MONDAY + timedelta(days=6)):
        found = week(measured, last)
        assert found is not None
        assert (found.monday, found.begun, found.most, found.above) == (
            MONDAY, 4, 2, 0.4,
        ), "not what began that week, what began long before, what the law made due, or what no model states"  # fmt: skip


def test_a_week_is_settled_once_before_its_first_day_is_judged_and_is_on_record(measured: Hub, clock: Any) -> None:
    for number in range(3):
        put(measured, 0.3 + number / 10, MONDAY - timedelta(days=5 + number))
    clock.at = datetime(2026, 11, 3, 19, tzinfo=UTC)  # Wednesday 03:00 there: Tuesday is judged
    analyse(measured)
    with measured.db.reading() as session:
        assert above_since(session, MONDAY) == ((MONDAY, 0.3),)
        tuesday = MONDAY + timedelta(days=1)
        assert above_now(session, tuesday) == ((date.min, 1.0), (tuesday, 0.0), (tuesday, 0.3)), (
            "nobody was asked before it"
        )
        (said,) = [c for row in session.scalars(select(AuditRow)) for c in row.changes if c["what"] == "asking.settled"]
    assert said["above"] == 0.3
    put(measured, 0.9, MONDAY - timedelta(days=1))
    analyse(measured)
    assert week(measured, MONDAY + timedelta(days=3)) is None
    with measured.db.reading() as session:
        now = asking_now(session)
        assert now == asking_rows.Asking(0.3, 3, 2, 0), "what comes late changes no week that was settled"


@pytest.mark.parametrize("history", [False, True])
def test_where_it_is_monday_in_one_estate_and_sunday_in_another_both_weeks_are_settled(
    measured: Hub, clock: Any, monkeypatch: pytest.MonkeyPatch, history: bool
) -> None:
    with measured.db.unit_of_work("test", "an estate far west", audit=False) as uow:
        zone = "America/Los_Angeles"
        uow.session.add(
            Estate(id="E002", code="E002", name="x", policy={}, policy_pack="national_measured", time_zone=zone)
        )
    monkeypatch.setattr(asking_rows, "history_came", lambda *_: history)
    for number in range(3):
        put(measured, 0.3 + number / 10, MONDAY - timedelta(days=5 + number))
    clock.at = datetime(2026, 11, 9, 19, tzinfo=UTC)  # Tuesday 03:00 there, Monday morning far west
    analyse(measured)
    with measured.db.reading() as session:
        settled = session.execute(select(AskingWeek.monday, AskingWeek.above).order_by(AskingWeek.monday)).all()
    assert [tuple(one) for one in settled] == [(MONDAY, 0.3), (MONDAY + timedelta(days=7), 0.3)]


def test_estates_without_fitted_chances_have_no_part_in_it(measured: Hub) -> None:
    _pack(measured, "national")
    put(measured, 0.9, MONDAY - timedelta(days=1), fitted=None)
    assert week(measured, MONDAY) is None
    with measured.db.reading() as session:
        assert asking_now(session) is None


def test_how_many_wait(measured: Hub) -> None:
    put(measured, 0.3, MONDAY - timedelta(days=3), waits=True)
    put(measured, 0.31, MONDAY - timedelta(days=3), waits=True, closed=True)
    put(measured, 0.5, MONDAY - timedelta(days=3))
    with measured.db.unit_of_work("test", "a week", audit=False) as uow:
        uow.session.add(AskingWeek(monday=MONDAY, above=0.4, begun=3, most=2))
    with measured.db.reading() as session:
        assert asking_now(session) == asking_rows.Asking(0.4, 3, 2, 1)
