"""One person who lives alone and asked for care, and what stirs there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hub.services import Hub
from hub.tables import Consent, Coverage, EventRow

HOME = "E001.E001-B1-0101"


@pytest.fixture
def alone(sqlite_hub: Hub, small_site: Callable[[Hub], None], happens: Callable[..., None]) -> Hub:
    """Household T-1 is one person, with consent (c); doors and meter observe; nothing has stirred for a day."""
    hub = sqlite_hub
    small_site(hub)
    with hub.db.unit_of_work("test", "consent c", audit=False) as uow:
        at = hub.now() - timedelta(days=10)
        uow.session.add(Consent(id="c-1", person_id="person-1", purpose="c", granted_at=at))
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=at))
    for n, hours in enumerate((25, 12, 1)):
        happens(hub, n, hours, "meter", {"meter": "E001.W-0101", "value": 55.0, "ok": True}, reason="water")
    return hub


@pytest.fixture(scope="session")
def happens() -> Callable[..., None]:
    """`happens(hub, seq, hours_ago, kind, body, **columns)`: one event of that dwelling."""

    def add(hub: Hub, seq: int, hours_ago: float, kind: str, data: dict[str, Any], **more: Any) -> None:
        at = hub.now() - timedelta(hours=hours_ago)
        common = {"edge_id": "edge-aaaa", "epoch": "e", "estate_id": "E001", "device_id": "E001.face-g1", "late": False}
        with hub.db.unit_of_work("test", "event", audit=False) as uow:
            times = {"at": at, "received_at": at, "ingested_at": at}
            values = {"dwelling_id": HOME, **common, **times, **more}
            uow.session.add(EventRow(seq=seq, kind=kind, data=json.dumps(data), **values))

    return add


@pytest.fixture(scope="session")
def ask_for_care() -> Callable[..., Any]:
    """`ask_for_care(client, **changes)`: the answer to beginning a watch over that person."""

    def begin(client: Any, **changes: Any) -> Any:
        body = {"member_id": "member-1", "hours": 24, "contact": "女儿", "said": "本人在窗口申请", **changes}
        return client.post(f"/api/v1/dwellings/{HOME}/care-watches", json=body)

    return begin
