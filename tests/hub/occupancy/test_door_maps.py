"""A door mapped to the wrong block: found by who uses it, shown, and never a lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from hub.cases.nightly import analyse
from hub.occupancy.door_doubts import check
from hub.occupancy.door_maps import FEWEST, Doubt, doubt, right_again
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    AuditRow,
    Block,
    Coverage,
    CredentialRow,
    Device,
    Door,
    DoorDoubt,
    Dwelling,
    EventRow,
    Finding,
    PresenceDay,
)

LAST = date(2026, 11, 20)
ZONE = ZoneInfo("Asia/Shanghai")


def _days(*of_day: dict[str, int]) -> dict[date, dict[str, int]]:
    """The last days, ending with LAST."""
    return {LAST - timedelta(days=len(of_day) - 1 - n): counts for n, counts in enumerate(of_day)}


OWN, OTHERS = {"B1": 20, "B2": 1}, {"B2": 20, "B1": 1}


def test_a_door_of_others_is_doubted_since_they_came() -> None:
    assert doubt("B1", _days(*[OWN] * 20, *[OTHERS] * 12), LAST) == Doubt(LAST - timedelta(days=11), "B2", 147, 7)
    assert doubt("B1", _days(*[OTHERS] * 90), LAST) == Doubt(LAST - timedelta(days=59), "B2", 147, 7)
    assert doubt("B2", _days(*[OTHERS] * 90), LAST) is None


@pytest.mark.parametrize(
    ("why", "days"),
    [
        ("its own people use it too", [{"B1": 5, "B2": 20}] * 7),
        ("few passes prove nothing", [{"B2": 5}] * 7),
        ("a party of all blocks", [{"B2": 10, "B3": 10, "B4": 10}] * 7),
        ("nobody passed", [{}] * 7),
        ("two odd days", [OWN] * 5 + [OTHERS] * 2),
    ],
)
def test_what_proves_nothing(why: str, days: list[dict[str, int]]) -> None:
    assert doubt("B1", _days(*days), LAST) is None, why


@given(st.lists(st.dictionaries(st.sampled_from(["B1", "B2", "B3"]), st.integers(0, 60)), max_size=70))
def test_no_door_is_doubted_and_right_at_once(of_day: list[dict[str, int]]) -> None:
    days = _days(*of_day)
    found = doubt("B1", days, LAST)
    assert not (found and right_again("B1", days, LAST))
    assert found is None or (found.attempts >= FEWEST and found.since <= LAST)


HOME = "E001.E001-B1-0101"


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Block 1's entrance is served by a reader that hangs at block 2: its people show their cards there."""
    hub = sqlite_hub
    small_site(hub)
    with hub.db.unit_of_work("test", "second block", audit=False) as uow:
        add = uow.session.add
        add(Block(id="E001.B2", estate_id="E001", code="B2", name="2号楼", floors=1, dwellings_per_floor=1))
        add(Device(id="E001.r", code="r", name="门", kind="modbus_door", estate_id="E001", edge_id="edge-aaaa"))
        uow.session.flush()
        add(Dwelling(id="E001.D2", estate_id="E001", block_id="E001.B2", code="D2", floor=1, number="0101"))
        add(Door(id="E001.B1D", estate_id="E001", block_id="E001.B1", code="B1D", name="1号楼门", scope="block"))
        uow.session.flush()
        add(
            AccessPoint(
                id="E001.B1D-IN", estate_id="E001", door_id="E001.B1D", code="B1D-IN", name="进", side="in",
                device_id="E001.r", point="1",
            )
        )  # fmt: skip
        token = {"estate_id": "E001", "holder_class": "resident", "dwelling_id": "E001.D2", "label": "x"}
        add(CredentialRow(token="of-block-2", created_at=hub.now(), **token))
        for device in ("E001.r", "E001.face-g1"):
            begin = hub.now() - timedelta(days=120)
            add(Coverage(estate_id="E001", device_id=device, state="ok", from_at=begin))
    return hub


def _attempts(hub: Hub, token: str, day: date, count: int, outcome: str) -> None:
    with hub.db.unit_of_work("test", "attempts", audit=False) as uow:
        noon = datetime.combine(day, time(12), ZONE)
        uow.session.add_all(
            EventRow(
                edge_id="edge-aaaa", epoch=f"{token}{day}", seq=n, estate_id="E001", kind="access", device_id="E001.r",
                access_point_id="E001.B1D-IN", credential=token, outcome=outcome, at=noon + timedelta(minutes=n),
                received_at=noon, ingested_at=noon, late=False, data="{}",
            )
            for n in range(count)
        )  # fmt: skip


def _blind_days(hub: Hub) -> list[date]:
    with hub.db.reading() as session:
        rows = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME))
        return sorted(row.day for row in rows if row.coverage < 0.5)


def test_a_doubted_door_lowers_what_is_known_is_shown_and_ends_when_it_is_mapped_right(
    site: Hub, clock: Any, sign_in: Callable[..., TestClient], token_of_household: str
) -> None:
    analyse(site)
    with site.db.reading() as session:
        leads = set(session.execute(select(Finding.dwelling_id, Finding.stage)))
    assert len(_blind_days(site)) == 1, "but for the day of installation all was seen"
    yesterday = site.now().date() - timedelta(days=1)
    for back in range(10):
        _attempts(site, "of-block-2", yesterday - timedelta(days=back), 12, "denied")
        _attempts(site, token_of_household, yesterday - timedelta(days=back), 1, "granted")
    assert check(site) == "1 doors doubted, 0 right again"
    assert check(site) == "0 doors doubted, 0 right again", "said once"
    analyse(site)
    assert _blind_days(site)[1:] == [yesterday - timedelta(days=n) for n in range(9, -1, -1)]
    with site.db.reading() as session:
        now = set(session.execute(select(Finding.dwelling_id, Finding.stage).where(Finding.closed_at.is_(None))))
        assert now <= leads | {(HOME, "insufficient_data")}, "a doubted map made a lead"
        said = [change for row in session.scalars(select(AuditRow)) for change in row.changes]
    assert [c["seen"] for c in said if c["what"] == "door_map.doubted"] == ["E001.B2"]
    page = sign_in(site, "estate_manager", ["E001"]).get("/api/v1/devices/E001.r").json()
    (span,) = [span for span in page["coverage"] if span["state"] == "wrong_map"]
    assert "2号楼" in span["reason"]
    assert span["to_at"] is None
    with site.db.unit_of_work("test", "mapped right", audit=False) as uow:
        uow.session.execute(update(Door).where(Door.id == "E001.B1D").values(block_id="E001.B2"))
    assert check(site) == "0 doors doubted, 1 right again"
    with site.db.reading() as session:
        assert session.scalars(select(DoorDoubt.to_at)).all() == [site.now()]


@pytest.fixture
def token_of_household() -> str:
    return "a1b2c3d4e5f6g7h8i9j0"
