"""Which meter says what a home used on a day, where one has taken another's place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select

from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.presence import Reading, daily_use
from hub.services import Hub
from hub.tables import Coverage, DwellingMemory, Meter, MeterDay, PresenceDay

HOME, OLD, NEW = "E001.E001-B1-0101", "E001.W-0101", "E001.W-0101-2026"
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def home(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Observed for three weeks; the old meter's row stands first."""
    small_site(sqlite_hub)
    with sqlite_hub.db.unit_of_work("test", "history", audit=False) as uow:
        start = sqlite_hub.now() - timedelta(days=21)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
    return sqlite_hub


def _hang(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "a new meter", audit=False) as uow:
        where = {"estate_id": "E001", "dwelling_id": HOME, "device_id": "E001.meters-b1"}
        uow.session.add(Meter(id=NEW, point="unit-2", quantity="water", **where))


def _read(hub: Hub, meter: str, back: int, value: float, hour: int = 20) -> None:
    """`back`: days before today."""
    day = hub.now().astimezone(ZONE).date() - timedelta(days=back)
    at = datetime.combine(day, time(hour), ZONE)
    with hub.db.unit_of_work("test", "reading", audit=False) as uow:
        values = {"first_value": value, "first_at": at, "last_value": value, "last_at": at, "ok_count": 1}
        row = {"meter_id": meter, "day": day, "dwelling_id": HOME, "quantity": "water", "bad_count": 0, **values}
        uow.session.connection().execute(insert(MeterDay), [row])
        mark_dirty(uow.session, {HOME: day})


def _water(hub: Hub, days: int) -> list[float | None]:
    """Of the last days."""
    with hub.db.reading() as session:
        rows = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME).order_by(PresenceDay.day))
        return [row.signals.get("water") for row in rows][-days:]


@pytest.mark.parametrize("hour", [8, 21])
def test_after_a_meter_was_replaced_the_new_one_speaks(home: Hub, hour: int) -> None:
    """The old one counts to its last whole day; the day of the change was measured whole by neither."""
    _hang(home)
    for back in range(9, 4, -1):
        _read(home, OLD, back, 100 + 0.2 * (9 - back), hour=7)
    for back in range(5, 0, -1):
        _read(home, NEW, back, 101 + 0.3 * (5 - back), hour=hour)
    analyse(home)
    assert _water(home, 8) == [0.2, 0.2, 0.2, None, 0.3, 0.3, 0.3, 0.3]


def test_a_row_that_never_read_hides_no_meter(home: Hub) -> None:
    """Its code was mistyped and sorts first."""
    with home.db.unit_of_work("test", "mistyped", audit=False) as uow:
        where = {"estate_id": "E001", "dwelling_id": HOME, "device_id": "E001.meters-b1"}
        uow.session.add(Meter(id="E001.A-0101", point="unit-9", quantity="water", **where))
    for back in range(4, 0, -1):
        _read(home, OLD, back, 100 + 0.2 * (4 - back))
    analyse(home)
    assert _water(home, 3) == [0.2, 0.2, 0.2]


def test_of_two_side_by_side_one_speaks_for_the_home(home: Hub) -> None:
    """The other's difference is another tap's; a day on which the one was not read is not known."""
    _hang(home)
    for back in range(6, 0, -1):
        _read(home, NEW, back, 500 + 0.5 * (6 - back))
        if back > 2:
            _read(home, OLD, back, 100 + 0.2 * (6 - back))
    analyse(home)
    assert _water(home, 5) == [0.2, 0.2, 0.2, None, None]


def test_nights_say_what_the_whole_record_says(home: Hub, clock: Any) -> None:
    _hang(home)
    for back in range(4, 0, -1):
        _read(home, OLD, back, 100 + 0.2 * (4 - back))
    analyse(home)
    for night in range(5):
        old = night < 2
        clock.pass_(days=1)
        _read(home, OLD if old else NEW, 1, 100.8 + 0.2 * night if old else 0.3 * (night - 2))
        analyse(home)
    nights = _water(home, 8)
    assert nights == [0.2, 0.2, 0.2, 0.2, 0.2, None, 0.3, 0.3]
    with home.db.unit_of_work("test", "anew", audit=False) as uow:
        for table in (DwellingMemory, PresenceDay):
            uow.session.execute(delete(table))
    analyse(home)
    assert _water(home, 8) == nights


def test_between_two_meters_nothing_was_used() -> None:
    start = date(2026, 3, 1)
    days = [(0, 3.0, "old"), (1, 3.2, "old"), (2, 5.0, "new"), (3, 5.4, "new")]
    found = daily_use("water", [Reading(start + timedelta(days=n), value, meter) for n, value, meter in days])
    assert found == pytest.approx({start + timedelta(days=1): 0.2, start + timedelta(days=3): 0.4})


def test_a_meter_of_whole_cubic_metres_before_a_finer_one_stays_one() -> None:
    """On days on which it stands still it says nothing, whatever its successor counts."""
    start = date(2026, 3, 1)
    days = [(0, 3.0, "old"), (1, 3.0, "old"), (2, 0.5, "new"), (3, 0.9, "new")]
    found = daily_use("water", [Reading(start + timedelta(days=n), value, meter) for n, value, meter in days])
    assert found == pytest.approx({start + timedelta(days=3): 0.4})
