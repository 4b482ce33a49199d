"""A clock that jumps ends nothing: it is told at once, time stands still, and goes on when it is right or two persons say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub import clock
from hub.errors import Conflict
from hub.services import Hub
from hub.tables import AuditRow

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("step", "elapsed", "problem"),
    [
        (timedelta(0), None, ""),
        (timedelta(days=6), None, ""),
        (timedelta(days=8), None, "forward"),
        (timedelta(days=4000), None, "forward"),
        (timedelta(minutes=-5), None, ""),
        (timedelta(minutes=-11), None, "back"),
        (timedelta(days=30), timedelta(days=30), ""),
        (timedelta(hours=1), timedelta(seconds=30), "forward"),
        (timedelta(minutes=9), timedelta(seconds=30), ""),
        (timedelta(0), timedelta(hours=1), "back"),
        (timedelta(days=-9000), timedelta(seconds=1), "back"),
    ],
)
def test_what_can_follow(step: timedelta, elapsed: timedelta | None, problem: str) -> None:
    assert clock.clock_sane(NOW, NOW + step, elapsed) == problem
    assert clock.clock_sane(None, NOW + step, elapsed) == "", "a first look has nothing to compare"


@pytest.mark.parametrize("days", [400, 0.1, -9000])
def test_days_stand_still_until_the_clock_is_right_again(hub: Hub, days: float) -> None:
    wrong: Any = hub.clock
    assert clock.look(hub) == ""
    wrong.pass_(minutes=5)
    assert clock.look(hub) == ""
    right = wrong.at
    wrong.jump(days=days)
    for _ in range(3):
        assert clock.look(hub) != ""
        wrong.pass_(minutes=5)
    with hub.db.reading() as session:
        assert clock.believed(session, hub.now()) == right
        told = [c["what"] for row in session.scalars(select(AuditRow)) for c in row.changes]
    assert told == ["clock.jumped"], "told once"
    wrong.jump(days=-days)
    assert clock.look(hub) == ""
    with hub.db.reading() as session:
        assert clock.believed(session, hub.now()) == hub.now()


def test_two_persons_may_say_that_it_is_right_after_all(hub: Hub) -> None:
    with pytest.raises(Conflict, match="clock_right"):
        clock.confirm(hub, "王", "没有异常")
    clock.look(hub)
    moved: Any = hub.clock
    moved.jump(days=400)
    assert clock.look(hub) == "forward"
    assert clock.confirm(hub, "王", "停机一年后重启") is False
    with pytest.raises(Conflict, match="same_person"):
        clock.confirm(hub, "王", "停机一年后重启")
    assert clock.look(hub) == "forward", "one person is not enough"
    assert clock.confirm(hub, "李", "停机一年后重启") is True
    assert clock.look(hub) == ""
    with hub.db.reading() as session:
        assert clock.believed(session, hub.now()) == hub.now()


def test_a_machine_started_anew_remembers_what_it_last_believed(hub: Hub) -> None:
    clock.look(hub)
    hub.sighting = None  # another process: its counter says nothing about ours
    moved: Any = hub.clock
    moved.jump(days=3)
    assert clock.look(hub) == "", "switched off over a weekend"
    hub.sighting = None
    moved.jump(days=90)
    assert clock.look(hub) == "forward"
    hub.sighting = None
    assert clock.look(hub) == "forward", "a restart is no confirmation"
