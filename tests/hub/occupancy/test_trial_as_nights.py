"""A pack tried on an estate's past says what the nights under it said, day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hub.cases.nightly import analyse
from hub.occupancy.analyse import last_whole_day
from hub.occupancy.policy import pack_named
from hub.occupancy.try_pack import try_pack
from hub.services import Hub
from hub.tables import Coverage, Estate, Finding, MeterDay, PassDay

HOME, TOKEN = "E001.E001-B1-0101", "a1b2c3d4e5f6g7h8i9j0"
ZONE = "Asia/Shanghai"
LIVED, SILENT = 60, 150
TIERS = ("yellow", "orange", "red")
OFF, SHIFT = (range(72, 77), range(118, 150))
"""Of the silent days: the gate was off; a little water ran, too little to live by and too much for nobody."""


@pytest.fixture
def past(sqlite_hub: Hub, small_site: Callable[[Hub], None], clock: Any) -> tuple[Hub, date]:
    """(the hub on its 50th day, the first of them): home 101 is lived in for 60 days and then silent for 150 still to come."""
    small_site(sqlite_hub)
    first = last_whole_day(clock.at, ZONE) - timedelta(days=49)
    with sqlite_hub.db.unit_of_work("test", "what was and will be", audit=False) as uow:
        uow.session.query(Coverage).delete()
        _observed(uow.session, clock.at - timedelta(days=50), first)
        value = 100.0
        for n in range(-1, LIVED + SILENT):
            silent = n - LIVED
            value += (0.14, 0.2, 0.26)[n % 3] if silent < 0 else 0.1 if silent in SHIFT else 0.0
            uow.session.add(
                MeterDay(
                    meter_id="E001.W-0101", day=first + timedelta(days=n), dwelling_id=HOME, quantity="water",
                    last_value=round(value, 3), ok_count=4, bad_count=0,
                )
            )  # fmt: skip
            if 0 <= n < LIVED:
                uow.session.add(
                    PassDay(
                        dwelling_id=HOME, day=first + timedelta(days=n), credential=TOKEN, holder_class="resident",
                        face_consented=2, other=0, hours=1 << 8 | 1 << 19,
                    )
                )  # fmt: skip
    return sqlite_hub, first


def _observed(session: Any, begin: datetime, first: date) -> None:
    off = begin + timedelta(days=LIVED + OFF.start)
    on = off + timedelta(days=len(OFF))
    for state, since, until in (("ok", begin, off), ("down", off, on), ("ok", on, None)):
        session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state=state, from_at=since, to_at=until))
    assert first <= begin.date() + timedelta(days=1)


@pytest.mark.parametrize("pack", ["national", "hong_kong", "beijing", "hangzhou_qiantang", "national_measured"])
def test_a_trial_says_what_the_nights_said(past: tuple[Hub, date], clock: Any, pack: str) -> None:
    hub, first = past
    with hub.db.unit_of_work("test", "in force from the beginning", audit=False) as uow:
        uow.session.get_one(Estate, "E001").policy_pack = pack
    rows: dict[str, dict[str, date]] = {}
    for _ in range(LIVED + SILENT - 50):
        clock.pass_(days=1)
        analyse(hub)
        with hub.db.reading() as session:
            for row in session.scalars(select(Finding).where(Finding.dwelling_id == HOME, Finding.closed_at.is_(None))):
                if row.stage in TIERS:
                    entered = rows.setdefault(row.id, {})
                    for tier in TIERS[: TIERS.index(row.stage) + 1]:
                        entered.setdefault(tier, row.window_to)
    with hub.db.reading() as session:
        open_now = session.scalars(select(Finding).where(Finding.dwelling_id == HOME, Finding.closed_at.is_(None)))
        standing = Counter(row.stage for row in open_now if row.stage in TIERS)
    opened = Counter(max(entered, key=TIERS.index) for entered in rows.values())
    months = Counter((f"{day:%Y-%m}", tier) for entered in rows.values() for tier, day in entered.items())
    said = try_pack(hub.db, "E001", pack_named(pack), hub.now(), lambda _done, _of: None)
    assert last_whole_day(hub.now(), ZONE) == first + timedelta(days=LIVED + SILENT - 1)
    for one in (said["tried"], said["in_force"]):
        assert one["opened"] == {tier: opened[tier] for tier in TIERS}
        assert one["standing"] == {tier: standing[tier] for tier in TIERS}
        assert {(m, t): n for m, counts in one["months"].items() for t, n in counts.items()} == dict(months)
    if pack == "national":
        assert (opened, standing) == ({"orange": 1}, {"yellow": 1}), "one lead, for all that it was interrupted"
