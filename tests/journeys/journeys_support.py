"""What the journeys look at, from outside."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest
from patience import PATIENCE_S


def devices_by_code(person: Any, estate: str) -> dict[str, dict[str, Any]]:
    return {d["code"]: d for d in person.get(f"/estates/{estate}/devices")["items"]}


def passes_of(person: Any, estate: str, dwelling: str, since: str) -> list[dict[str, Any]]:
    """Access events of a dwelling since an instant (ISO 8601), all of them different."""
    items = person.get(f"/estates/{estate}/events", **{"kind": "access", "dwelling": dwelling, "from": since})["items"]
    ids = [item["id"] for item in items]
    assert len(ids) == len(set(ids)), "an event stands twice on the page"
    found: list[dict[str, Any]] = items
    return found


def present_card(running: Any, device: str, card: str) -> bool:
    """Holds a card to a block door's reader. True when the bolt was pulsed, False when the hub has the edge's refusal instead.

    Nobody else walks meanwhile: the estate's people stand still (see the fixture). An answer is waited for: that nothing has
    happened yet is none.
    """
    manager = running.sign_in("estate_manager")
    refused = len(refusals(manager, device))
    before = len(running.control.get(f"/devices/{device}").json()["pulses"])
    reply = running.control.post(f"/devices/{device}/present", json={"card": card})
    assert reply.status_code == 200, reply.text
    deadline, pace = time.monotonic() + PATIENCE_S, threading.Event()
    while time.monotonic() < deadline:
        if len(running.control.get(f"/devices/{device}").json()["pulses"]) > before:
            return True
        if len(refusals(manager, device)) > refused:
            return False
        pace.wait(0.1)
    pytest.fail(f"{device} neither opened to {card} nor is a refusal at the hub\n{running.logs()}")


def refusals(person: Any, device: str) -> list[dict[str, Any]]:
    """Where a device of the estate let nobody in, newest first."""
    estate = person.me["estates"][0]["id"]
    asked = {"kind": "access", "outcome": "denied", "device": f"{estate}.{device}", "limit": 500}
    found: list[dict[str, Any]] = person.get(f"/estates/{estate}/events", **asked)["items"]
    return found


def record_of(running: Any, state: str, skip: int = 0) -> dict[str, Any]:
    """A tenancy record of the back office with at least one card, the `skip`-th such."""
    items = running.back_office.get("/api/tenancies", params={"cursor": "", "limit": 1000}).json()["items"]
    good = [r for r in items if r["state"] == state and r["members"] and r["members"][0]["cards"]]
    found: dict[str, Any] = good[skip]
    return found


def truth_of(running: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((running.directory / "site/truth.json").read_text())["dwellings"]
    return found


def shown_by_phone_only(running: Any, device: str) -> int:
    """How many of a terminal's list have neither card nor face: nothing of them is written to it."""
    name = quote(device, safe="").replace(".", "%2E")
    signed = json.loads((running.directory / f"edge/lists/{name}.json").read_text())
    credentials = json.loads(base64.b64decode(signed["payload"]))["credentials"]
    types = [{i["type"] for i in c["identifiers"]} for c in credentials if not c.get("blocked")]
    return sum(not known & {"card", "face"} for known in types)
