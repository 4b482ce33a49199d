"""What the lease system is told of a home's life, by the real processes: hub, edge, brokers, meters, back office."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from journeys_support import truth_of

pytestmark = pytest.mark.timeout(1200)
KINDS = ("dwelling.moved_out", "dwelling.ready_to_relet")


def test_late_news_of_an_end_is_told_once_and_taken_back_with_the_end(running: Any, eventually: Any) -> None:
    """A home that has long stood empty: its end, heard of today, was completed a month ago; then the end is withdrawn."""
    official = running.sign_in("housing_official")
    estate = official.me["estates"][0]["id"]
    code, record = _empty_home(running)
    dwelling = next(
        d["id"]
        for b in official.get(f"/estates/{estate}/blocks")["blocks"]
        for d in b["dwellings"]
        if d["code"] == code
    )
    left = datetime.now(UTC).date() - timedelta(days=30)
    decision = {"number": "青房退〔2026〕77号", "date": str(left - timedelta(days=20)), "kind": "surrender",
                "move_out_completed_on": str(left), "signed_by": "虚构市住房保障中心"}  # fmt: skip
    before = _told(running, record["id"])
    reply = running.back_office.post("/control/end-tenancy", json={"id": record["id"], "decision": decision})
    assert reply.status_code == 200, reply.text
    eventually(lambda: official.get(f"/dwellings/{dwelling}")["tenancy"] is None, "the hub to hear of the end")
    _look(official, dwelling)
    eventually(lambda: len(_told(running, record["id"])) == len(before) + 2, "moved out and ready, in the inbox")
    told = [item["body"] for item in _told(running, record["id"])[len(before) :]]
    assert sorted(body["kind"] for body in told) == list(KINDS), told
    for body in told:
        since = date.fromisoformat(body.get("gone_since") or body["unused_since"])
        assert left <= since <= left + timedelta(days=2), f"from the completed move-out on, not from today: {body}"
        assert body["access_changes"] is False
    appeal = running.back_office.post("/control/event", json={"kind": "appeal", "dwelling_code": code})
    assert appeal.status_code == 200, appeal.text
    eventually(lambda: official.get(f"/dwellings/{dwelling}")["tenancy"], "the tenancy to go on")
    _look(official, dwelling)
    eventually(lambda: len(_told(running, record["id"])) == len(before) + 4, "both taken back")
    back = [item["body"] for item in _told(running, record["id"])[len(before) + 2 :]]
    assert sorted(body["kind"] for body in back) == list(KINDS)
    assert all(body["withdrawn"] and body["revision"] == 2 for body in back), back
    items = running.back_office.get("/api/inbox").json()["items"]
    assert {item["times"] for item in items} == {1}, "each message is delivered once"
    assert not [item for item in items if item["body"]["kind"].startswith("care.")], "nobody asked for care"


def _empty_home(running: Any) -> tuple[str, dict[str, Any]]:
    """A home in which nobody has been for months (a declared stay in hospital: no lead is about it), with its tenancy record."""
    away = {d["dwelling_code"] for d in truth_of(running) if d["group"] == "hospital_declared"}
    items = running.back_office.get("/api/tenancies", params={"cursor": "", "limit": 1000}).json()["items"]
    found = [r for r in items if r["state"] == "active" and r["dwelling_code"] in away]
    assert found, "the estate has no home that stands empty"
    return str(found[-1]["dwelling_code"]), found[-1]


def _told(running: Any, tenancy: str) -> list[dict[str, Any]]:
    items = running.back_office.get("/api/inbox").json()["items"]
    return [item for item in items if item["body"]["tenancy_id"] == tenancy and item["body"]["kind"] in KINDS]


def _look(official: Any, dwelling: str) -> None:
    """A sign from outside has the analysis run at once, not within five minutes; it is taken back again."""
    path = f"/dwellings/{dwelling}/outside-signs"
    made = official.send("POST", path, {"kind": "patrol_home", "on": str(datetime.now(UTC).date() - timedelta(days=1))})
    assert made.status_code == 201, made.text
    assert official.send("POST", f"/outside-signs/{made.json()['id']}/withdraw").status_code == 204
