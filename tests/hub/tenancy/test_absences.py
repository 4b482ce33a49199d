"""Absences told at the counter: days away do not count, days back do; nothing is asked that is not needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.services import Hub
from hub.tables import Absence, AuditRow, DirtyDay, Estate

HOME = "E001.E001-B1-0101"
WHERE = f"/api/v1/dwellings/{HOME}/absences"
TODAY = date(2026, 11, 21)


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(sqlite_hub)
    return sqlite_hub


def _body(**changes: Any) -> dict[str, Any]:
    return {
        "from_date": str(TODAY - timedelta(days=10)),
        "to_date": str(TODAY + timedelta(days=20)),
        "reason": "hospital",
        "said": "本人电话报备",
        **changes,
    }


def _rows(hub: Hub) -> list[Absence]:
    with hub.db.reading() as session:
        return list(session.scalars(select(Absence)))


def test_declared_at_the_counter_and_judged_anew_from_its_first_day(site: Hub, sign_in: Any) -> None:
    clerk = sign_in(site, "estate_manager")
    made = clerk.post(WHERE, json=_body())
    assert made.status_code == 201
    (row,) = _rows(site)
    assert (row.id, row.declared_on, row.reason) == (made.json()["id"], TODAY, "hospital")
    with site.db.reading() as session:
        assert session.get_one(DirtyDay, HOME).from_day == TODAY - timedelta(days=10)
        changes = [c for row in session.scalars(select(AuditRow.changes)) for c in row]
    assert any(c.get("what") == "absence.declared" for c in changes)
    shown = clerk.get(f"/api/v1/dwellings/{HOME}").json()["absences"]
    assert [one["reason"] for one in shown] == ["hospital"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"reason": "holiday"}, 400),
        ({"to_date": str(TODAY - timedelta(days=11))}, 400),
        ({"from_date": str(TODAY - timedelta(days=400))}, 400),
        ({"from_date": str(TODAY + timedelta(days=400)), "to_date": None}, 400),
        ({"to_date": str(TODAY + timedelta(days=800))}, 400),
        ({"said": ""}, 422),
        ({"from_date": "soon"}, 422),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    site: Hub, sign_in: Any, changes: dict[str, Any], status: int
) -> None:
    reply = sign_in(site, "housing_official").post(WHERE, json=_body(**changes))
    assert reply.status_code == status
    assert _rows(site) == []


def test_back_early(site: Hub, sign_in: Any) -> None:
    clerk = sign_in(site, "housing_official")
    id = clerk.post(WHERE, json=_body()).json()["id"]
    assert clerk.post(WHERE, json=_body()).json()["error"]["code"] == "absence_known"
    assert clerk.post(f"/api/v1/absences/{id}/end", json={"said": "已回家"}).status_code == 422
    assert clerk.post(f"/api/v1/absences/{id}/end", json={"said": "本人已回家居住"}).status_code == 204
    assert [row.to_date for row in _rows(site)] == [TODAY - timedelta(days=1)]
    assert clerk.post(f"/api/v1/absences/{id}/end", json={"said": "本人已回家居住"}).status_code == 409


def test_one_that_has_not_begun_is_taken_off(site: Hub, sign_in: Any) -> None:
    clerk = sign_in(site, "estate_manager")
    ahead = _body(from_date=str(TODAY + timedelta(days=5)), to_date=None)
    id = clerk.post(WHERE, json=ahead).json()["id"]
    assert clerk.post(f"/api/v1/absences/{id}/end", json={"said": "不去了，取消"}).status_code == 204
    assert _rows(site) == []


def test_what_a_feed_declared_is_ended_there(site: Hub, sign_in: Any) -> None:
    with site.db.unit_of_work("test", "feed", audit=False) as uow:
        uow.session.add(
            Absence(
                id="back-office:A-1", dwelling_id=HOME, from_date=TODAY, to_date=None, reason="work", declared_on=TODAY
            )
        )
    reply = sign_in(site, "estate_manager").post("/api/v1/absences/back-office:A-1/end", json={"said": "已经回来"})
    assert reply.json()["error"]["code"] == "absence_of_feed"


def test_of_another_estate_it_reads_as_not_found(site: Hub, sign_in: Any) -> None:
    with site.db.unit_of_work("test", "another estate", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="翠竹公租房小区", policy={}))
    stranger = sign_in(site, "estate_manager", ["E002"])
    assert stranger.post(WHERE, json=_body()).status_code == 404
    assert sign_in(site, "auditor").post(WHERE, json=_body()).status_code == 403
