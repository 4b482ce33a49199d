"""A clock that jumps, seen from the feed: what ends by date waits, what a source takes away waits, what it adds goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tenancy_feed import DECISION, MANY, Feed, access, household, member, over, run, state

from hub.access import publish
from hub.services import Hub
from hub.tenancy import sync

SignIn = Callable[..., TestClient]


def settle_dates(hub: Hub, feed: Feed) -> dict[str, set[str]]:
    """One household has an announced end next month, one somebody who leaves next month. Gives the access of today."""
    later: dict[str, Any] = DECISION | {"move_out_completed_on": "2026-12-20"}
    feed.records[0] = household(0, 2, state="ended", end_decision=later)
    feed.records[1] = household(1, 2, members=[member(2), member(3, relation="child", to="2026-12-20")])
    run(hub)
    return access(hub)


@pytest.mark.parametrize("days", [400, -9000, 27000])
def test_nothing_ends_while_the_clock_is_wrong(ready: Hub, feed: Feed, days: int) -> None:
    clock: Any = ready.clock
    before = settle_dates(ready, feed)
    clock.jump(days=days)
    feed.records[2] = over(2)
    feed.records.append(household(44))
    for _ in range(3):
        told = run(ready)
        publish.run(ready)
        publish.revoke(ready)
    assert "held: clock_jumped" in told
    now = access(ready)
    assert now.pop(household(44)["dwelling_code"]), "additions go on"
    assert now == before
    held = state(ready).held
    assert held is not None
    assert [h["tenancy"] for h in held["households"] if h["reason"] == "clock_jumped"] == ["T-000002"]
    assert "时钟" in held["reason_zh"]
    clock.jump(days=-days)
    run(ready)
    assert state(ready).held["reason"] == "move_out_pending", "the clock is right: the single signed end took effect"  # type: ignore[index]
    assert household(2)["dwelling_code"] not in access(ready)
    clock.pass_(days=31)
    run(ready)
    publish.publish(ready)
    now = access(ready)
    assert household(0)["dwelling_code"] not in now, "and days that really pass count"
    assert now[household(1)["dwelling_code"]] == {"3000002"}


@pytest.mark.parametrize("ready", ["sqlite_hub", "postgres_hub"], indirect=True)
def test_two_persons_see_what_waits_and_let_time_go_on(ready: Hub, feed: Feed, sign_in: SignIn) -> None:
    clock: Any = ready.clock
    before = settle_dates(ready, feed)
    well = sign_in(ready, "housing_official")
    assert well.get("/api/v1/clock").json()["problem"] == ""
    assert well.post("/api/v1/clock/confirm", json={"reason": "没有异常"}).status_code == 409
    clock.jump(days=60)
    run(ready)
    assert access(ready) == before
    first, second = sign_in(ready, "housing_official"), sign_in(ready, "administrator")  # the jump ended every session
    shown = first.get("/api/v1/clock").json()
    assert shown["problem"] == "forward"
    waiting = [(w["kind"], w["dwelling_code"]) for w in shown["waiting"]]
    assert waiting == [("decision", household(0)["dwelling_code"]), ("left", household(1)["dwelling_code"])]
    said = {"reason": "停电两个月后恢复，已核对时间"}
    assert sign_in(ready, "estate_manager", ["E001"]).post("/api/v1/clock/confirm", json=said).status_code == 403
    assert first.post("/api/v1/clock/confirm", json=said).json() == {"state": "asked"}
    assert first.post("/api/v1/clock/confirm", json=said).status_code == 409
    run(ready)
    assert access(ready) == before, "one person is not enough"
    assert second.post("/api/v1/clock/confirm", json=said).json() == {"state": "confirmed"}
    run(ready)
    now = access(ready)
    assert household(0)["dwelling_code"] not in now
    assert now[household(1)["dwelling_code"]] == {"3000002"}
    assert first.get("/api/v1/clock").json()["problem"] == ""


def test_a_hub_that_was_off_for_long_asks_before_it_believes(ready: Hub, feed: Feed) -> None:
    """Started anew, its counter says nothing of the time it was off."""
    clock: Any = ready.clock
    before = settle_dates(ready, feed)
    ready.sighting = None
    ready.steady = lambda: None
    clock.pass_(days=90)
    assert "held: clock_jumped" in run(ready)
    assert access(ready) == before
    assert len(before) == MANY
    assert "clock" in sync.run(ready)
