"""Care, when two act at once: one watch for one person, and nobody looks in on who has just opted out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from meeting import after, meeting
from sqlalchemy import func, select

from hub.services import Hub
from hub.tables import CareCall, CareWatch, Consent
from hub.welfare import api, watch
from hub.welfare.rules import Care

HOME = "E001.E001-B1-0101"


@pytest.fixture
def site(postgres_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    small_site(postgres_hub)
    with postgres_hub.db.unit_of_work("test", "asked to be looked after", audit=False) as uow:
        at = postgres_hub.now() - timedelta(days=10)
        uow.session.add(Consent(id="c-1", person_id="person-1", purpose="c", granted_at=at))
    return postgres_hub


def begin(client: Any) -> Any:
    wish = {"member_id": "member-1", "hours": 24, "contact": "女儿", "said": "本人在窗口申请"}
    return client.post(f"/api/v1/dwellings/{HOME}/care-watches", json=wish)


def test_two_clicks_make_one_watch(site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = sign_in(site, "care_worker", ["E001"]), sign_in(site, "care_worker", ["E001"])
    answers: list[int] = []
    met = meeting(site, lambda: answers.append(begin(other).status_code))
    after(monkeypatch, api, "new_id", met)
    answers.append(begin(one).status_code)
    met.over()
    assert sorted(answers) == [201, 409]
    with site.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(CareWatch)) == 1


def test_nobody_looks_in_on_who_has_just_opted_out(site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in(site, "care_worker", ["E001"])
    made = begin(client).json()["id"]

    def opts_out() -> None:
        answer = client.post(f"/api/v1/care-watches/{made}/end", json={"said": "本人不再需要"})
        assert answer.status_code == 204, answer.text

    met = meeting(site, opts_out)
    after(monkeypatch, watch, "signs_of", met)
    monkeypatch.setattr(watch, "look", lambda *_: Care.ASK)
    watch.watch(site)
    met.over()
    with site.db.reading() as session:
        assert session.get_one(CareWatch, made).ended_at is not None
        assert session.scalars(select(CareCall).where(CareCall.answered_at.is_(None))).all() == []


def test_an_answer_and_the_end_of_a_watch_wait_for_each_other(
    site: Hub, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for ever: both take the watch first. And after the end nobody is sent once more."""
    client = sign_in(site, "care_worker", ["E001"])
    made = begin(client).json()["id"]
    monkeypatch.setattr(watch, "look", lambda *_: Care.ASK)
    watch.watch(site)
    with site.db.reading() as session:
        call = session.scalars(select(CareCall.id)).one()
    body = {"outcome": "not_reached", "note": ""}
    said: list[int] = []
    met = meeting(site, lambda: said.append(client.post(f"/api/v1/care-calls/{call}/answer", json=body).status_code))
    with site.db.unit_of_work("b", "opted out", now=site.now()) as uow:
        row = uow.session.get_one(CareWatch, made, with_for_update=True)
        met()
        watch.end(uow, row, "by wish")
    met.over()
    assert said == [409]
    with site.db.reading() as session:
        assert session.scalars(select(CareCall).where(CareCall.answered_at.is_(None))).all() == []
