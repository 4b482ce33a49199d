"""Outside signs: from the lease system a class and a day and nothing more; from staff what they saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import auth
from hub.services import Hub
from hub.tables import DirtyDay, Estate, InboundDecision, OutboxMessage, OutsideSign, PresenceDay

HOME = "E001.E001-B1-0101"
URL = f"/api/v1/dwellings/{HOME}/outside-signs"


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(sqlite_hub)
    return sqlite_hub


@pytest.fixture
def lease(site: Hub, client_for: Any) -> Callable[..., Any]:
    client = client_for(site)
    client.headers["X-Api-Key"] = auth.add_api_key(site, "lease", "lease_system", "test")

    def send(id: str, **body: Any) -> Any:
        said = {"dwelling_code": "E001-B1-0101", "on": _day(site), **body}
        return client.post("/api/v1/lease/decisions", json={"id": id, "kind": "outside_sign", **said})

    return send


def _day(hub: Hub, back: int = 3) -> str:
    return (hub.now().date() - timedelta(days=back)).isoformat()


def _signs(hub: Hub) -> list[OutsideSign]:
    with hub.db.reading() as session:
        return list(session.scalars(select(OutsideSign).order_by(OutsideSign.on, OutsideSign.id)))


def test_a_class_and_a_day_are_kept_once(site: Hub, lease: Any) -> None:
    for _ in range(2):
        answer = lease("m1", sign="rent_by_other")
        assert answer.json() == {"id": "m1", "result": "sign kept"}
    row = _signs(site)[0]
    assert (row.kind, row.source, row.source_id, row.dwelling_id) == ("rent_by_other", "lease_system", "m1", HOME)
    with site.db.reading() as session:
        assert session.get_one(DirtyDay, HOME).from_day <= date.fromisoformat(_day(site)), "its day is judged again"
        assert session.scalars(select(OutboxMessage)).all() == [], "nobody is told of it"


@pytest.mark.parametrize("field", ["amount", "payer", "name", "address", "school", "id_number"])
def test_an_amount_or_a_name_is_refused_and_not_kept(site: Hub, lease: Any, field: str) -> None:
    answer = lease("m1", sign="rent_arrears", **{field: "1234.50"})
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]
    with site.db.reading() as session:
        assert session.scalars(select(InboundDecision)).all() == []
    assert _signs(site) == []


@pytest.mark.parametrize(
    "body",
    [{"sign": "patrol_home"}, {"sign": "unheard_of"}, {"sign": ""}, {"sign": "rent_paid", "on": None},
     {"sign": "rent_paid", "until": "2027-01-01"}, {"sign": "rent_paid", "on": "2020-01-01"}],
)  # fmt: skip
def test_what_the_lease_system_cannot_say(lease: Any, site: Hub, body: dict[str, Any]) -> None:
    assert lease("m1", **body).status_code in (400, 422)
    assert _signs(site) == []


def test_what_was_wrong_is_taken_back_and_stays_on_record(site: Hub, lease: Any) -> None:
    lease("m1", sign="registry_others")
    assert lease("m2", withdraws="m1").json()["result"] == "sign withdrawn"
    assert _signs(site)[0].withdrawn_at is not None
    assert "not known" in lease("m3", withdraws="m9").json()["result"]


def test_staff_record_what_they_saw(site: Hub, sign_in: Any) -> None:
    manager, official = sign_in(site, "estate_manager", ["E001"]), sign_in(site, "housing_official")
    assert manager.post(URL, json={"kind": "patrol_home", "on": _day(site)}).status_code == 201
    assert manager.post(URL, json={"kind": "rent_arrears", "on": _day(site)}).status_code == 400, "not theirs to say"
    assert manager.post(URL, json={"kind": "advert", "on": _day(site)}).status_code == 400, "without its copy's digest"
    made = official.post(URL, json={"kind": "advert", "on": _day(site), "digest": "a" * 64})
    assert made.status_code == 201
    assert manager.get(URL).status_code == 403, "who records need not see what others say"
    shown = official.get(URL).json()["items"]
    assert {(one["kind"], one["family"]) for one in shown} == {("advert", "F5"), ("patrol_home", "F5")}
    assert official.post(f"/api/v1/outside-signs/{made.json()['id']}/withdraw").status_code == 204
    assert official.post(f"/api/v1/outside-signs/{made.json()['id']}/withdraw").status_code == 409
    with site.db.unit_of_work("test", "another estate", audit=False) as uow:
        uow.session.add(Estate(id="E002", code="E002", name="另一小区"))
    elsewhere = sign_in(site, "estate_manager", ["E002"])
    assert elsewhere.post(URL, json={"kind": "patrol_home", "on": _day(site)}).status_code == 404


def test_the_lease_system_takes_its_own_back(site: Hub, lease: Any, sign_in: Any) -> None:
    lease("m1", sign="rent_paid")
    official = sign_in(site, "housing_official")
    answer = official.post(f"/api/v1/outside-signs/{_signs(site)[0].id}/withdraw")
    assert answer.json()["error"]["code"] == "sign_of_feed"


def test_the_calendar_shows_them_to_who_may_see_cases(site: Hub, sign_in: Any) -> None:
    day = site.now().date() - timedelta(days=3)
    with site.db.unit_of_work("test", "a judged day", audit=False) as uow:
        signals = {"doors": 1, "told": ["rent_arrears"]}
        uow.session.add(PresenceDay(dwelling_id=HOME, day=day, state="present", coverage=1.0, signals=signals))
    seen = {}
    for role, estates in (("housing_official", None), ("estate_manager", ["E001"])):
        days = sign_in(site, role, estates).get(f"/api/v1/dwellings/{HOME}/presence").json()["days"]
        seen[role] = next(one["signals"]["told"] for one in days if one["day"] == day.isoformat())
    assert seen == {"housing_official": ["rent_arrears"], "estate_manager": []}


def test_who_decides_cases_sees_no_message_of_care(site: Hub, sign_in: Any) -> None:
    """Welfare signals never reach enforcement: not by the list of what the lease system was told either."""
    with site.db.unit_of_work("test", "messages", audit=False) as uow:
        for kind in ("care.asked", "care.answered", "case.opened"):
            uow.session.add(
                OutboxMessage(
                    id=f"{kind}:1", kind=kind, subject=HOME, body=json.dumps({}), created_at=uow.now,
                    next_attempt_at=uow.now,
                )
            )  # fmt: skip
    shown = sign_in(site, "housing_official").get("/api/v1/outbox").json()
    assert [item["kind"] for item in shown["items"]] == ["case.opened"]
    assert shown["undelivered"] == 1
