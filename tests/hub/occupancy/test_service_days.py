"""A new gate says nothing of the days before it stood, one that is gone nothing of those after; what they saw stays seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from hub.cases.nightly import analyse
from hub.estate import adding
from hub.estate.adding import NewDoor, PointWish
from hub.estate.service_days import ServiceDays
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.estate_view import EstateView, load_day, load_estate
from hub.occupancy.point_days import in_service
from hub.services import Hub
from hub.tables import AccessPoint, Coverage, Device, DirtyDay, Door, Dwelling, Estate, PassDay, PresenceDay

FIRST, LAST = date(2026, 11, 10), date(2026, 11, 20)
HOME, BLOCK, OLD, NEW = "E001.E001-B1-0101", "E001.B1", "E001.face-g1", "E001.face-g2"
GATE = "E001.G1-IN"
NOON = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
"""At which something at the doors changes: noon of the 16th, there."""


@pytest.fixture
def site(sqlite_hub: Hub, small_site: Callable[[Hub], None], clock: Any) -> Hub:
    """The gate's terminal has observed since the 10th; a second one has come and was not mapped yet."""
    small_site(sqlite_hub)
    clock.at = NOON
    with sqlite_hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        uow.session.execute(delete(PassDay))
        uow.session.add(
            Device(id=NEW, code="face-g2", name="新终端", kind="face_terminal", estate_id="E001", edge_id="edge-aaaa")
        )
    _covers(sqlite_hub, OLD, datetime(2026, 11, 9, 16, 0, tzinfo=UTC))
    return sqlite_hub


def _covers(hub: Hub, device: str, at: datetime, until: datetime | None = None) -> None:
    with hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        uow.session.add(Coverage(estate_id="E001", device_id=device, state="ok", from_at=at, to_at=until))


def _maps(hub: Hub, device: str, *wishes: PointWish) -> None:
    with hub.db.unit_of_work("test", "doors of the device", now=NOON) as uow:
        adding.map_in(uow, device, wishes)


def _adds_a_gate(hub: Hub, **said: Any) -> str:
    """Its access point's id."""
    _maps(hub, NEW, PointWish("door1", door=NewDoor("西门"), **said))
    with hub.db.reading() as session:
        return session.scalars(select(AccessPoint.id).where(AccessPoint.device_id == NEW)).one()


def _let_go(hub: Hub) -> None:
    """The old gate is walled up: its device is taken out and controls no door."""
    adding.change(hub, "test", OLD, adding.Change(in_service=False), "北门封闭")
    _maps(hub, OLD)
    with hub.db.unit_of_work("test", "coverage", audit=False) as uow:
        row = uow.session.scalars(select(Coverage).where(Coverage.device_id == OLD)).one()
        row.to_at = NOON


def _view(hub: Hub) -> EstateView:
    with hub.db.reading() as session:
        view = load_estate(session, session.get_one(Estate, "E001"), LAST, NOON + timedelta(days=9))
    assert view is not None
    return view


def _of(gaps: Sequence[Any], device: str) -> list[float]:
    return [day.get(device, 0.0) for day in gaps]


def _said(hub: Hub, point: str, since: date | None, until: date | None) -> None:
    with hub.db.reading() as session:
        door = session.get_one(AccessPoint, point).door_id
    adding.change_door(hub, "test", door, adding.DoorChange(days=(ServiceDays(point, since, until),)), "现场核对")


DAYS = [1.0, 1.0, 0.5, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("since", "until", "out"),
    [
        (None, None, []),
        (1, None, [0]),
        (None, 4, [5]),
        (1, 4, [0, 5]),
        (2, 3, [0, 1, 4, 5]),
        (5, None, [0, 1]),
        (None, 0, [4, 5]),
        (9, None, [0, 1]),
        (-3, 20, []),
    ],
)
def test_what_observed_was_in_service_whatever_is_written(since: int | None, until: int | None, out: list[int]) -> None:
    def day(number: int | None) -> date | None:
        return None if number is None else FIRST + timedelta(days=number)

    shares = in_service(DAYS, FIRST, day(since), day(until))
    assert [number for number, share in enumerate(shares) if share is None] == out
    assert all(share == DAYS[number] for number, share in enumerate(shares) if share is not None)


def test_a_new_gate_makes_no_past_day_unseen(site: Hub) -> None:
    point = _adds_a_gate(site)
    _covers(site, NEW, NOON)
    with site.db.reading() as session:
        assert session.get_one(AccessPoint, point).in_service_since == date(2026, 11, 16), "today, in the estate's zone"
    view = _view(site)
    assert view.way_home(HOME) == {OLD, NEW}
    assert _of(view.gaps(HOME), NEW) == [0] * 6 + [0.5] + [0] * 4, "from the day on which it came, half of it seen"


def test_a_gate_that_always_stood_there_was_watched_by_nobody(site: Hub) -> None:
    _adds_a_gate(site, always=True)
    _covers(site, NEW, NOON)
    assert _of(_view(site).gaps(HOME), NEW) == [1.0] * 6 + [0.5] + [0] * 4


def test_a_gate_comes_into_service_on_the_day_that_people_say(site: Hub) -> None:
    _adds_a_gate(site, in_service_since=date(2026, 11, 14))
    _covers(site, NEW, NOON)
    assert _of(_view(site).gaps(HOME), NEW) == [0] * 4 + [1.0, 1.0, 0.5] + [0] * 4


def test_past_days_judged_anew_stay_what_they_were(site: Hub, clock: Any) -> None:
    """A late word comes after the gate was added: the whole record is judged once more."""

    def states() -> dict[date, tuple[str, float]]:
        with site.db.reading() as session:
            rows = session.execute(select(PresenceDay).where(PresenceDay.dwelling_id == HOME)).scalars()
            return {row.day: (row.state, row.coverage) for row in rows}

    analyse(site)
    before = states()
    assert len(before) == 6
    assert {coverage for _state, coverage in before.values()} == {1.0}
    _adds_a_gate(site)
    _covers(site, NEW, NOON)
    with site.db.unit_of_work("test", "a late event", audit=False) as uow:
        mark_dirty(uow.session, {HOME: FIRST})
    clock.at = NOON + timedelta(days=2)
    analyse(site)
    after = states()
    assert {day: after[day] for day in before} == before, "an added gate made past days unseen"
    assert after[date(2026, 11, 16)] == ("unknown", 0.5)
    assert after[date(2026, 11, 17)][1] == 1.0


def test_a_history_that_comes_later_makes_nobody_absent(site: Hub) -> None:
    """The new gate's terminal brings its own records: what it did not see on those days was not seen, whatever the date says."""
    _adds_a_gate(site)
    _covers(site, NEW, datetime(2026, 11, 11, 16, 0, tzinfo=UTC), datetime(2026, 11, 12, 16, 0, tzinfo=UTC))
    _covers(site, NEW, NOON)
    assert _of(_view(site).gaps(HOME), NEW) == [0, 0, 0, 1.0, 1.0, 1.0, 0.5, 0, 0, 0, 0]


def test_a_first_device_at_a_point_that_stood_without_one_is_the_same(site: Hub) -> None:
    with site.db.unit_of_work("test", "a door by the plan", audit=False) as uow:
        uow.session.add(Door(id="E001.G2", estate_id="E001", code="G2", name="西门", scope="estate"))
        uow.session.flush()
        one = AccessPoint(id="E001.G2-IN", estate_id="E001", door_id="E001.G2", code="G2-IN", name="西门 进", side="in")
        uow.session.add(one)
    assert _view(site).way_home(HOME) == {OLD}, "where no device ever was nobody was meant to be seen"
    _maps(site, NEW, PointWish("door1", access_point_id="E001.G2-IN"))
    assert _of(_view(site).gaps(HOME), NEW)[:6] == [0] * 6


def test_before_anything_was_observed_a_gate_stands_for_ever(site: Hub) -> None:
    with site.db.unit_of_work("test", "a fresh estate", audit=False) as uow:
        uow.session.execute(delete(Coverage))
    point = _adds_a_gate(site)
    with site.db.reading() as session:
        assert session.get_one(AccessPoint, point).in_service_since is None


def test_what_a_gate_that_is_gone_missed_stays_missed(site: Hub) -> None:
    """Days on which it was down were not seen; with the gate gone they must not become days of absence."""
    with site.db.unit_of_work("test", "down on the 12th", audit=False) as uow:
        row = uow.session.scalars(select(Coverage).where(Coverage.device_id == OLD)).one()
        row.to_at = datetime(2026, 11, 11, 16, 0, tzinfo=UTC)
    _covers(site, OLD, datetime(2026, 11, 12, 16, 0, tzinfo=UTC), NOON)
    _adds_a_gate(site, in_service_since=FIRST)
    _covers(site, NEW, datetime(2026, 11, 9, 16, 0, tzinfo=UTC))
    adding.change(site, "test", OLD, adding.Change(in_service=False), "北门封闭")
    _maps(site, OLD)
    view = _view(site)
    assert view.way_home(HOME) == {NEW}
    assert _of(view.gaps(HOME), OLD) == [0, 0, 1.0, 0, 0, 0, 0.5, 0, 0, 0, 0]
    with site.db.reading() as session:
        night = load_day(session, session.get_one(Estate, "E001"), LAST, NOON + timedelta(days=9))
    assert night.way_home(HOME) == view.way_home(HOME), "the night and the whole record draw on the same doors"


def test_with_the_only_gate_gone_nobody_is_absent(site: Hub) -> None:
    _let_go(site)
    view = _view(site)
    assert view.way_home(HOME) == frozenset()
    assert _of(view.gaps(HOME), OLD) == [0] * 6 + [0.5] + [1.0] * 4
    with site.db.reading() as session:
        assert session.get_one(AccessPoint, GATE).in_service_until == date(2026, 11, 16)


def test_a_gate_that_stands_with_no_device_is_watched_by_nobody_until_people_say_it_is_gone(site: Hub) -> None:
    """Its device was removed and the gate stands: whoever passes there is not seen."""
    _adds_a_gate(site, in_service_since=FIRST)
    _covers(site, NEW, datetime(2026, 11, 9, 16, 0, tzinfo=UTC))
    adding.change(site, "test", OLD, adding.Change(in_service=False), "旧终端损坏")
    adding.remove(site, "test", OLD, "旧终端报废")
    with site.db.unit_of_work("test", "coverage ends", audit=False) as uow:
        uow.session.scalars(select(Coverage).where(Coverage.device_id == OLD)).one().to_at = NOON
    assert _of(_view(site).gaps(HOME), OLD) == [0] * 6 + [0.5] + [1.0] * 4
    _said(site, GATE, None, date(2026, 11, 18))
    assert _of(_view(site).gaps(HOME), OLD) == [0] * 6 + [0.5, 1.0, 1.0, 0, 0]


def test_a_lock_counts_from_its_own_day(site: Hub) -> None:
    """Also where the dwelling's own door is all there is: the days before it were seen by nobody."""
    with site.db.unit_of_work("test", "a lock", audit=False) as uow:
        lock = Door(id="E001.L", estate_id="E001", code="L", name="户门", scope="dwelling", dwelling_id=HOME)
        uow.session.add(lock)
    _maps(site, NEW, PointWish("door1", door_id="E001.L"))
    _covers(site, NEW, NOON)
    assert _of(_view(site).gaps(HOME), NEW) == [0] * 6 + [0.5] + [0] * 4
    with site.db.unit_of_work("test", "no gate at all", audit=False) as uow:
        uow.session.execute(delete(AccessPoint).where(AccessPoint.id == GATE))
    view = _view(site)
    assert _of(view.gaps(HOME), NEW) == [1.0] * 6 + [0.5] + [0] * 4
    assert view.way_home(HOME) == view.ever_home(HOME) == {NEW}


def test_another_day_has_the_homes_behind_it_judged_anew(site: Hub) -> None:
    point = _adds_a_gate(site)

    def marks() -> dict[str, date]:
        with site.db.unit_of_work("test", "read and clear", audit=False) as uow:
            found = {row.dwelling_id: row.from_day for row in uow.session.scalars(select(DirtyDay))}
            uow.session.execute(delete(DirtyDay))
        return found

    marks()
    _said(site, point, date(2026, 11, 14), None)
    with site.db.reading() as session:
        homes = set(session.scalars(select(Dwelling.id)))
    assert marks() == dict.fromkeys(homes, date(2026, 11, 14))
    _said(site, point, date(2026, 11, 14), None)
    assert marks() == {}, "the same days again change nothing"
    _said(site, point, None, None)
    assert set(marks().values()) == {date(2025, 10, 13)}, "all the days that are kept"
