"""What the journeys look at, from outside."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any
from urllib.parse import quote


def devices_by_code(person: Any, estate: str) -> dict[str, dict[str, Any]]:
    return {d["code"]: d for d in person.get(f"/estates/{estate}/devices")["items"]}


def passes_of(person: Any, estate: str, dwelling: str, since: str) -> list[dict[str, Any]]:
    """Access events of a dwelling since an instant (ISO 8601), all of them different."""
    items = person.get(f"/estates/{estate}/events", **{"kind": "access", "dwelling": dwelling, "from": since})["items"]
    ids = [item["id"] for item in items]
    assert len(ids) == len(set(ids)), "an event stands twice on the page"
    found: list[dict[str, Any]] = items
    return found


def present_card(running: Any, device: str, card: str, patience_s: float = 3.0) -> bool:
    """Holds a card to a block door's reader. True when the bolt was pulsed, False when it was not in so many seconds: longer
    where it must be.

    Nobody else walks meanwhile: the estate's people stand still (see the fixture).
    """
    before = len(running.control.get(f"/devices/{device}").json()["pulses"])
    reply = running.control.post(f"/devices/{device}/present", json={"card": card})
    assert reply.status_code == 200, reply.text
    deadline, pace = time.monotonic() + patience_s, threading.Event()
    while time.monotonic() < deadline:
        if len(running.control.get(f"/devices/{device}").json()["pulses"]) > before:
            return True
        pace.wait(0.05)
    return False


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
