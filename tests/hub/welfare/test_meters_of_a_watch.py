"""Which water meters speak for the home of who is watched: one that was replaced or taken down reads never again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.services import Hub
from hub.tables import CareWatch, Device, Meter, MeterDay
from hub.welfare.watch import watch

HOME, OLD, NEW = "E001.E001-B1-0101", "E001.W-0101", "E001.W-0101-2026"


@pytest.fixture
def watched(alone: Hub, sign_in: Any, ask_for_care: Any) -> Hub:
    """The watch has begun; the one meter of the home (`OLD`) stood still for a day."""
    assert ask_for_care(sign_in(alone, "care_worker", ["E001"])).status_code == 201
    return alone


def _second(hub: Hub, point: str = "unit-2", device: str = "E001.meters-b1") -> None:
    with hub.db.unit_of_work("test", "a second meter", audit=False) as uow:
        where = {"estate_id": "E001", "dwelling_id": HOME, "device_id": device}
        uow.session.add(Meter(id=NEW, point=point, quantity="water", **where))


def _read(hub: Hub, meter: str, *hours_ago: float) -> None:
    """Readings of the daily table, one a day, as they are held of the time before the window."""
    with hub.db.unit_of_work("test", "daily readings", audit=False) as uow:
        for hours in hours_ago:
            at: datetime = hub.now() - timedelta(hours=hours)
            values: dict[str, Any] = {"first_value": 55.0, "first_at": at, "last_value": 55.0, "last_at": at}
            uow.session.add(
                MeterDay(meter_id=meter, day=at.date(), dwelling_id=HOME, quantity="water", ok_count=1, **values)
            )


def _flows(hub: Hub, happens: Any, *values: float) -> None:
    """The new meter in the window."""
    for n, (hours, value) in enumerate(zip((25.5, 12.5, 0.5), values, strict=True)):
        happens(hub, 20 + n, hours, "meter", {"meter": NEW, "value": value, "ok": True}, reason="water")


def _state(hub: Hub) -> str:
    with hub.db.reading() as session:
        return session.scalars(select(CareWatch.state)).one()


@pytest.fixture
def replaced(watched: Hub, happens: Any) -> Hub:
    """The old meter was last read ten days ago; the other one has read since."""
    with watched.db.unit_of_work("test", "another code", audit=False) as uow:
        uow.session.execute(update(Meter).where(Meter.id == OLD).values(id="E001.W-0101-gone"))
    _second(watched)
    _read(watched, "E001.W-0101-gone", 480, 240)
    _read(watched, NEW, 239, 120, 25)
    return watched


def test_a_meter_that_was_replaced_blinds_no_watch(replaced: Hub, happens: Any) -> None:
    _flows(replaced, happens, 0.0, 0.0, 0.0)
    assert watch(replaced) == "1 watches, 1 calls opened"


def test_the_new_meters_water_is_a_sign_of_life(replaced: Hub, happens: Any) -> None:
    _flows(replaced, happens, 0.0, 0.0, 0.02)
    assert watch(replaced) == "1 watches, 0 calls opened"
    assert _state(replaced) == "fine"


def test_one_of_two_that_broke_is_not_replaced_by_the_other(watched: Hub, happens: Any) -> None:
    """Both have read side by side: what runs through the broken one nobody sees."""
    _second(watched)
    _read(watched, NEW, 480, 240)
    _read(watched, OLD, 480, 240, 25)
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == "cannot_see"


def test_a_meter_of_which_no_reading_is_held_any_more_is_not_there(watched: Hub) -> None:
    """The old one's days were deleted in their time; a row that never read, of a mistyped code, is no other."""
    _second(watched)
    _read(watched, OLD, *range(25, 24 * 32, 24))
    assert watch(watched) == "1 watches, 1 calls opened"


def test_a_meter_that_is_to_read_yet_leaves_it_open(watched: Hub) -> None:
    _second(watched)
    _read(watched, OLD, 240, 25)
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == "cannot_see"


def test_a_meter_whose_gateway_was_taken_down_is_not_there(watched: Hub) -> None:
    with watched.db.unit_of_work("test", "a gateway", audit=False) as uow:
        values = {"estate_id": "E001", "edge_id": "edge-aaaa", "removed_at": uow.now}
        uow.session.add(Device(id="E001.m2", code="m2", name="旧网关", kind="modbus_meter", **values))
    _second(watched, device="E001.m2")
    _read(watched, NEW, 480, 240, 25)
    _read(watched, OLD, 480, 240, 25)
    assert watch(watched) == "1 watches, 1 calls opened"


def test_two_codes_of_one_register_are_one_meter(watched: Hub, happens: Any) -> None:
    """The code was changed and the point stayed: what it counts is counted once."""
    _second(watched, point="unit-1")
    _read(watched, OLD, 480, 240, 25)
    _read(watched, NEW, 240, 25)
    _flows(watched, happens, 55.0, 55.0, 55.006)
    happens(watched, 9, 0.5, "meter", {"meter": OLD, "value": 55.006, "ok": True}, reason="water")
    assert watch(watched) == "1 watches, 1 calls opened"
