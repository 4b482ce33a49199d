"""The reminder chain of lease ends: each step once, never twice, never a lock-out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.access import publish
from hub.lease.chain import KIND, remind
from hub.lease.reminders import STEPS, due
from hub.services import Hub
from hub.tables import CredentialRow, OutboxMessage, OutsideSign, Tenancy

END = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        (-91, []), (-90, ["before_90"]), (-31, ["before_90"]), (-30, ["before_30"]), (0, ["before_30"]),
        (1, ["after_1"]), (14, ["after_1"]), (15, ["after_15"]), (30, ["after_30"]), (4000, ["after_30"]),
    ],
)  # fmt: skip
def test_the_step_of_a_day(days: int, codes: list[str]) -> None:
    assert [step.code for step in due(END, END + timedelta(days=days))] == codes


def test_no_step_speaks_of_a_lock_out() -> None:
    assert [(s.stage, s.days) for s in STEPS] == [("L1", -90), ("L1", -30), ("L1", 1), ("L2", 15), ("L3", 30)]
    for step in STEPS:
        assert step.action in {"renewal_reminder", "status_question", "interview", "objection_letter_ready"}


def reminders(hub: Hub) -> list[dict[str, Any]]:
    with hub.db.reading() as session:
        rows = session.scalars(
            select(OutboxMessage).where(OutboxMessage.kind == KIND).order_by(OutboxMessage.created_at)
        )
        return [json.loads(row.body) for row in rows]


def test_each_step_is_told_once_and_everybody_still_passes(
    hub: Hub, small_site: Callable[[Hub], None], clock: Any
) -> None:
    small_site(hub)
    today = clock.at.date()
    end = today + timedelta(days=90)
    with hub.db.unit_of_work("test", "lease end", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(to_date=end))
    publish.publish(hub)
    with hub.db.reading() as session:
        before = {c.token: (c.state, c.valid_to) for c in session.scalars(select(CredentialRow))}
    for _ in range(130):
        remind(hub)
        remind(hub)
        clock.pass_(days=1)
    told = reminders(hub)
    assert [m["step"] for m in told] == ["before_90", "before_30", "after_1", "after_15", "after_30"]
    assert [m["stage"] for m in told] == ["L1", "L1", "L1", "L2", "L3"]
    assert {m["tenancy_id"] for m in told} == {"T-1"}
    assert all(m["access_changes"] is False for m in told)
    publish.publish(hub)
    with hub.db.reading() as session:
        after = {c.token: (c.state, c.valid_to) for c in session.scalars(select(CredentialRow))}
    assert after == before, "a lease that ended by date locks nobody out"


def test_a_renewed_lease_has_a_chain_of_its_own_and_an_ended_tenancy_none(
    hub: Hub, small_site: Callable[[Hub], None], clock: Any
) -> None:
    small_site(hub)
    today = clock.at.date()
    for end in (today + timedelta(days=30), today + timedelta(days=89)):
        with hub.db.unit_of_work("test", "lease end", audit=False) as uow:
            uow.session.execute(update(Tenancy).values(to_date=end))
        assert remind(hub) == "1 reminders added"
        assert remind(hub) == "0 reminders added"
    with hub.db.unit_of_work("test", "ended", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(state="ended"))
    clock.pass_(days=200)
    assert remind(hub) == "0 reminders added"


def test_who_applied_for_renewal_is_not_reminded(hub: Hub, small_site: Callable[[Hub], None]) -> None:
    small_site(hub)
    end = hub.now().date() - timedelta(days=15)
    with hub.db.unit_of_work("test", "the lease is over", audit=False, now=hub.now()) as uow:
        tenancy = uow.session.scalars(select(Tenancy).where(Tenancy.state == "active")).first()
        assert tenancy is not None
        uow.session.execute(update(Tenancy).values(to_date=None))
        uow.session.execute(update(Tenancy).where(Tenancy.id == tenancy.id).values(to_date=end))
        uow.session.add(
            OutsideSign(
                id="s", estate_id=tenancy.estate_id, dwelling_id=tenancy.dwelling_id, kind="renewal_applied",
                on=end - timedelta(days=20), source="lease_system", source_id="1", recorded_by="lease_system",
                recorded_at=uow.now,
            )
        )  # fmt: skip
    assert remind(hub) == "0 reminders added"
    with hub.db.unit_of_work("test", "it was wrong", audit=False, now=hub.now()) as uow:
        uow.session.execute(update(OutsideSign).values(withdrawn_at=uow.now))
    assert remind(hub) == "1 reminders added"
