"""From the counter to the door, over real sockets: a visitor's PIN at a keypad, a visitor's phone at a terminal's reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from journeys_support import record_of
from patience import PATIENCE_S

pytestmark = pytest.mark.timeout(1200)


def issue(running: Any, way: str, skip: int, **more: Any) -> dict[str, Any]:
    """What the counter hands over: a visitor's pass to the home of a household, valid from now."""
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    code = record_of(running, state="active", skip=skip)["dwelling_code"]
    home = next(
        cell["id"]
        for block in manager.get(f"/estates/{estate}/blocks")["blocks"]
        for cell in block["dwellings"]
        if cell["code"] == code
    )
    now = datetime.now(UTC)
    body = {
        "kind": "visitor", "dwelling_id": home, "identifier": way, "reason": "亲友来访", "visitor": "来客",
        "valid_from": now.isoformat(), "valid_to": (now + timedelta(hours=2)).isoformat(), **more,
    }  # fmt: skip
    reply = manager.send("POST", f"/estates/{estate}/passes", body)
    assert reply.status_code == 201, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def shown(running: Any, device: str, **what: str) -> None:
    reply = running.control.post(f"/devices/{device}/present", json=what)
    assert reply.status_code == 200, reply.text


def events(running: Any, kind: str) -> list[dict[str, Any]]:
    """Live passes of the last hour that were shown this way, oldest first."""
    manager = running.sign_in("estate_manager")
    estate = manager.me["estates"][0]["id"]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    items = manager.get(f"/estates/{estate}/events", **{"kind": "access", "from": since, "limit": 500})["items"]
    return sorted((item for item in items if item["identifier"] == kind), key=lambda item: str(item["received_at"]))


def test_a_pin_from_the_counter_opens_at_the_keypad(running: Any, eventually: Any) -> None:
    pin = issue(running, "pin", skip=5)["number"]

    def opened() -> bool:
        before = len(running.control.get("/devices/door-b1").json()["pulses"])
        shown(running, "door-b1", pin=pin)
        return bool(
            eventually(
                lambda: (
                    len(running.control.get("/devices/door-b1").json()["pulses"]) > before
                    or (events(running, "pin") or [{"outcome": ""}])[-1]["outcome"] == "denied"
                ),
                "an answer to the PIN",
            )
            and len(running.control.get("/devices/door-b1").json()["pulses"]) > before
        )

    eventually(opened, "the PIN to open once its list is at the box")
    told = eventually(lambda: [e for e in events(running, "pin") if e["outcome"] == "granted"], "the pass at the hub")
    assert told[-1]["holder"].startswith("访客"), told[-1]
    assert pin not in str(events(running, "pin")), "no digits in any event"


def test_a_phones_code_opens_at_the_gate_and_once(running: Any, eventually: Any) -> None:
    link = issue(running, "qr", skip=6)["link"]
    phone = httpx.Client(base_url=running.url, timeout=PATIENCE_S, trust_env=False)  # nobody is signed in on it

    def code() -> str:
        reply = phone.post("/api/v1/pass-qr", json={"secret": link.split("#")[1]})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["text"])

    def opened() -> str:
        """The code that opened, once the terminal's edge has the list."""
        text, seen = code(), len(events(running, "qr"))
        shown(running, "face-g1", qr=text)
        last = eventually(lambda: events(running, "qr")[seen:], "the decision to be told")[-1]
        return text if last["outcome"] in ("granted", "taken") else ""

    pace = 6.0  # the page of a pass asks for a new code no more often than this
    used = eventually(opened, "the phone's code to open", 8 * pace)
    seen = len(events(running, "qr"))
    shown(running, "face-g1", qr=used)
    again = eventually(lambda: events(running, "qr")[seen:], "the second showing")[-1]
    assert (again["outcome"], again["reason"]) == ("denied", "code_used"), "a photograph of it opens nothing"
