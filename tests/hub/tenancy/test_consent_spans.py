"""A consent counts from when it counts: what was taken back and comes back with its old date covers no day in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_feed import household, member

from hub.access import publish
from hub.access.desk import withdraw_consent
from hub.consents import Given, spans
from hub.events.places import _holders
from hub.occupancy.values import withheld_of
from hub.services import Hub
from hub.tables import Consent, CredentialRow, Estate, HouseholdMember, Person
from hub.tenancy import push
from hub.tenancy.sources import load_sources

DAY = timedelta(days=1)
OLD = "2026-10-05T10:00:00+08:00"


def tell(hub: Hub, version: int, at: str | None, purpose: str = "b") -> None:
    """A record of household 1 comes in which its first member consents as of `at`, or does not."""
    given = {"at": at, "notice": "v1"} if at else None
    none = dict.fromkeys("abc")
    people = [member(2, consents={**none, purpose: given}), member(3, relation="spouse", consents=none)]
    (source,) = load_sources(hub.config.dir)
    push.take(hub, source, [household(1, version, members=people)])


def of_first(hub: Hub) -> tuple[str, str]:
    """(member's id, token) of that member."""
    with hub.db.reading() as session:
        query = select(HouseholdMember.id, CredentialRow.token).join(Person, Person.id == HouseholdMember.person_id)
        query = query.join(CredentialRow, CredentialRow.person_id == Person.id)
        return tuple(session.execute(query.where(Person.source_id == "P-000002")).one())  # type: ignore[return-value]


@pytest.fixture
def told(hub: Hub, fed: Callable[[Hub], None]) -> Hub:
    fed(hub)
    with hub.db.unit_of_work("test", "brake", audit=False) as uow:
        wide = {"share": 1.0, "households": 1_000, "floor": 1_000, "weekly": 1_000}
        uow.session.get_one(Estate, "E001").policy = {"brake": wide}
    return hub


def test_a_late_pass_of_the_days_without_consent_is_not_looked_at(told: Hub, clock: Any) -> None:
    tell(told, 1, OLD)
    publish.publish(told)
    began = told.now()
    clock.pass_(days=2)
    tell(told, 2, None)
    clock.pass_(days=3)
    tell(told, 3, OLD)
    _, token = of_first(told)
    with told.db.reading() as session:
        holder = _holders(session, {token}, "E001")[token]
        live = session.scalars(select(Consent.granted_at).where(Consent.withdrawn_at.is_(None))).all()
    assert live == [datetime.fromisoformat(OLD).astimezone(UTC)], "the ledger says what the record says"
    assert holder.consented(began - DAY), "before it was taken back"
    assert not holder.consented(began + 3 * DAY), "a late pass of the days between"
    assert holder.consented(began + 5 * DAY), "from when it came back"


def test_a_consent_of_days_ago_that_was_never_taken_back_counts_from_its_day(told: Hub) -> None:
    """On paper in October, in the records in November."""
    tell(told, 1, None)
    tell(told, 2, OLD)
    publish.publish(told)
    _, token = of_first(told)
    with told.db.reading() as session:
        holder = _holders(session, {token}, "E001")[token]
    assert holder.consented(datetime(2026, 10, 6, tzinfo=UTC))


def test_a_consent_that_was_to_begin_later_is_taken_back_for_good(told: Hub, clock: Any) -> None:
    later = (told.now() + 20 * DAY).isoformat()
    tell(told, 1, later, "a")
    publish.publish(told)
    member_id, _ = of_first(told)
    clock.pass_(days=1)
    with told.db.unit_of_work("desk", "本人到窗口撤回", now=told.now()) as uow:
        withdraw_consent(uow, "E001", member_id, "a")
    tell(told, 2, later, "a")
    with told.db.reading() as session:
        assert session.scalars(select(Consent.id).where(Consent.withdrawn_at.is_(None))).all() == []
    tell(told, 3, (told.now() + 21 * DAY).isoformat(), "a")
    with told.db.reading() as session:
        assert len(session.scalars(select(Consent.id).where(Consent.withdrawn_at.is_(None))).all()) == 1


def test_spans() -> None:
    first, taken, back = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 6, 7))
    again = [Given(first, taken, first), Given(first, None, back)]
    assert spans(again) == [(first, taken), (back, None)]
    assert spans([Given(first, taken), Given(first)]) == [(first, taken), (first, None)], "nobody knows when it came"
    assert spans([Given(first, None, back)]) == [(first, None)]
    assert spans([Given(first, back, first), Given(taken, None, back)]) == [(first, back), (back, None)], "no gap"
    days = [(since.date(), until.date() if until else None) for since, until in spans(again)]
    assert withheld_of(days, back.date()) == ((taken.date(), datetime(2026, 6, 30, tzinfo=UTC).date()),)
