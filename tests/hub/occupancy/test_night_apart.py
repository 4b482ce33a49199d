"""A night is read and judged while everybody else may write: what came meanwhile is never overwritten, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from hub.cases.nightly import analyse
from hub.occupancy.analyse import Due, due_dwellings, judge_anew, judge_night, last_whole_day, write_anew, write_night
from hub.occupancy.anew import Anew
from hub.occupancy.dirty import mark_dirty, marks_of, take_marks
from hub.occupancy.estate_view import EstateView, load_day, load_estate
from hub.occupancy.night_write import Night
from hub.services import Hub
from hub.tables import (
    Absence,
    Consent,
    Coverage,
    DirtyDay,
    DwellingMemory,
    Estate,
    HouseholdMember,
    MeterDay,
    PassDay,
    Person,
    PresenceDay,
    Tenancy,
)

HOME = "E001.E001-B1-0101"


@pytest.fixture
def home(hub: Hub, small_site: Callable[[Hub], None], clock: Any) -> Hub:
    """Dwelling 101 lived in for 20 days and analysed; a day has passed since, with passes and a reading. It is the night."""
    small_site(hub)
    today = hub.now().date()
    with hub.db.unit_of_work("test", "history", audit=False) as uow:
        start = hub.now() - timedelta(days=21)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
        for back in range(20, 0, -1):
            _live(uow.session, today - timedelta(days=back))
    analyse(hub)
    with hub.db.unit_of_work("test", "a day", audit=False) as uow:
        _live(uow.session, today)
    clock.pass_(days=1)
    return hub


def _live(session: Session, day: date) -> None:
    reading = {"meter_id": "E001.W-0101", "day": day, "dwelling_id": HOME, "quantity": "water", "last_value": 5.0}
    session.connection().execute(insert(MeterDay), [{**reading, "ok_count": 1, "bad_count": 0}])
    _pass(session, day, "tok")


def _pass(session: Session, day: date, credential: str) -> None:
    """As ingest writes it: with its mark."""
    row = {"dwelling_id": HOME, "day": day, "credential": credential, "holder_class": "resident", "other": 2}
    session.connection().execute(insert(PassDay), [row])
    mark_dirty(session, {HOME: day})


def _due(hub: Hub) -> tuple[EstateView, Due]:
    with hub.db.reading() as session:
        estate = session.get_one(Estate, "E001")
        last = last_whole_day(hub.now(), estate.time_zone)
        return load_day(session, estate, last, hub.now()), due_dwellings(session, estate, last)


def _judged(hub: Hub, view: EstateView, due: Due) -> Night:
    assert HOME in due.night, "an ordinary night"
    with hub.db.reading() as session:
        return judge_night(session, view, due.night)


def _write(hub: Hub, view: EstateView, night: Night) -> list[str]:
    with hub.db.unit_of_work("test", "night", now=hub.now()) as uow:
        return write_night(uow, view, night)[1]


def _doors(hub: Hub) -> dict[date, int]:
    """Passes of each judged day of the dwelling."""
    with hub.db.reading() as session:
        days = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME))
        return {row.day: row.signals["doors"] for row in days}


def _change(hub: Hub, change: Callable[[Session], object]) -> None:
    with hub.db.unit_of_work("test", "meanwhile", audit=False) as uow:
        change(uow.session)


def test_nothing_came_and_all_is_written(home: Hub) -> None:
    view, due = _due(home)
    assert _write(home, view, _judged(home, view, due)) == []
    assert _doors(home)[view.last] == 2
    with home.db.reading() as session:
        assert not marks_of(session, [HOME], view.last), "what was judged is no longer marked"
    assert analyse(home).startswith("0 dwellings"), "nothing is due twice"


def test_a_late_pass_of_the_same_day_is_not_overlooked(home: Hub) -> None:
    view, due = _due(home)
    night = _judged(home, view, due)
    _change(home, lambda session: _pass(session, view.last, "late"))
    assert _write(home, view, night) == [HOME], "it was judged without the late pass, of a day that was marked already"
    assert view.last not in _doors(home)
    assert analyse(home).startswith("1 dwellings"), "it stays due"
    assert _doors(home)[view.last] == 4


def test_a_late_pass_of_an_earlier_day_is_not_lost(home: Hub) -> None:
    view, due = _due(home)
    earlier = view.last - timedelta(days=5)
    _change(home, lambda session: _pass(session, earlier, "late"))
    night = _judged(home, view, due)
    assert _write(home, view, night) == [HOME], "its mark asks for more than yesterday"
    assert analyse(home).startswith("1 dwellings, 6 days")
    assert _doors(home)[earlier] == 4
    assert _doors(home)[view.last] == 2


def _anew(hub: Hub, last: date, since: date | None) -> tuple[EstateView, list[Anew]]:
    with hub.db.reading() as session:
        whole = load_estate(session, session.get_one(Estate, "E001"), last, hub.now())
        assert whole is not None
        return whole, judge_anew(session, whole, {HOME: since})


def _write_anew(hub: Hub, view: EstateView, judged: list[Anew]) -> list[str]:
    with hub.db.unit_of_work("test", "long way round", now=hub.now()) as uow:
        return write_anew(uow, view, judged)[1]


def test_a_late_pass_before_the_days_that_are_judged_anew_is_not_lost(home: Hub) -> None:
    last = _due(home)[0].last
    earlier = last - timedelta(days=5)
    _change(home, lambda session: _pass(session, earlier, "late"))
    assert _write_anew(home, *_anew(home, last, last)) == []
    assert _doors(home)[earlier] == 2, "only yesterday was to be judged"
    assert analyse(home).startswith("4 dwellings")
    assert _doors(home)[earlier] == 4, "the mark was taken though its day was not judged"


def test_what_is_judged_anew_is_not_written_over_what_came_meanwhile(home: Hub) -> None:
    last = _due(home)[0].last
    view, judged = _anew(home, last, None)
    _change(home, lambda session: _pass(session, last - timedelta(days=5), "late"))
    assert _write_anew(home, view, judged) == [HOME]
    analyse(home)
    assert _doors(home)[last - timedelta(days=5)] == 4
    assert _write_anew(home, *_anew(home, last, None)) == [], "nothing came"
    view, judged = _anew(home, last, None)
    _change(home, _another_member)
    assert _write_anew(home, view, judged) == [HOME], "it was judged by who lived there before"


def test_a_first_analysis_twice_at_once_writes_once(home: Hub) -> None:
    last = _due(home)[0].last
    for table in (DwellingMemory, PresenceDay):
        _change(home, lambda session, table=table: session.execute(delete(table)))  # type: ignore[misc]
    (view, one), (_view, other) = _anew(home, last, None), _anew(home, last, None)
    assert _write_anew(home, view, one) == []
    assert _write_anew(home, view, other) == [HOME]


def _another_household(session: Session) -> None:
    session.execute(update(Tenancy).values(state="ended", ended_at=session.scalar(select(Consent.granted_at))))
    session.add(
        Tenancy(
            id="tenancy-2", source="test", source_id="T-2", estate_id="E001", dwelling_id=HOME, state="active",
            from_date=date(2026, 11, 20),
        )
    )  # fmt: skip


def _another_member(session: Session) -> None:
    session.add(Person(id="person-2", source="test", source_id="P-2", name="x", birth_date=date(1981, 1, 2)))
    session.flush()
    session.add(
        HouseholdMember(
            id="member-2", tenancy_id="tenancy-1", person_id="person-2", relation="spouse", from_date=date(2026, 11, 1)
        )
    )


def _declared(session: Session) -> None:
    days = {"from_date": date(2026, 11, 1), "to_date": date(2026, 12, 1), "declared_on": date(2026, 11, 1)}
    session.add(Absence(id="absence-1", dwelling_id=HOME, reason="family", **days))


MEANWHILE: dict[str, Callable[[Session], object]] = {
    "another household": _another_household,
    "the tenancy ended": lambda session: session.execute(update(Tenancy).values(state="ended")),
    "another member": _another_member,
    "consent withdrawn": lambda session: session.execute(update(Consent).values(withdrawn_at=Consent.granted_at)),
    "declared absence": _declared,
}


@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE.keys())
def test_who_lives_there_changed_meanwhile(home: Hub, change: Callable[[Session], object]) -> None:
    view, due = _due(home)
    night = _judged(home, view, due)
    _change(home, change)  # without a mark: not every register sets one for yesterday
    assert _write(home, view, night) == [HOME], "it was judged by who lived there before"
    assert view.last not in _doors(home)
    analyse(home)
    assert view.last in _doors(home), "it stays due"


def test_of_two_nights_at_once_the_second_writes_nothing(home: Hub) -> None:
    view, due = _due(home)
    one, other = _judged(home, view, due), _judged(home, view, due)
    assert _write(home, view, one) == []
    with home.db.reading() as session:
        before = session.execute(select(DwellingMemory.dwelling_id, DwellingMemory.body)).all()
    assert _write(home, view, other) == list(due.night)
    with home.db.reading() as session:
        assert session.execute(select(DwellingMemory.dwelling_id, DwellingMemory.body)).all() == before
    again = _judged(home, view, due)
    assert not again.judged, "what was judged already is not judged once more"


def test_a_memory_that_was_taught_anew_meanwhile_stands(home: Hub) -> None:
    view, due = _due(home)
    night = _judged(home, view, due)
    _change(home, lambda s: s.execute(update(DwellingMemory).values(first_day=view.last - timedelta(days=7))))
    assert _write(home, view, night) == list(due.night)


def test_a_mark_set_since_it_was_read_is_not_taken(home: Hub) -> None:
    with home.db.reading() as session:
        seen = marks_of(session, [HOME], home.now().date())
    assert seen
    _change(home, lambda session: mark_dirty(session, {HOME: seen[HOME][0]}))
    _change(home, lambda session: take_marks(session, seen))
    with home.db.reading() as session:
        assert session.scalar(select(DirtyDay.from_day).where(DirtyDay.dwelling_id == HOME)) == seen[HOME][0]
    _change(home, lambda session: take_marks(session, marks_of(session, [HOME], home.now().date())))
    with home.db.reading() as session:
        assert session.get(DirtyDay, HOME) is None
