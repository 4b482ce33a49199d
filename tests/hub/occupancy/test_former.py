"""Passes of who moved out, whose credential was revoked late or which a reader still tells: nobody of the household was there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hub.cases.nightly import analyse
from hub.occupancy.dirty import mark_dirty
from hub.services import Hub
from hub.tables import Coverage, CredentialRow, DwellingMemory, HouseholdMember, PassDay, Person, PresenceDay, Tenancy

HOME, TOKEN = "E001.E001-B1-0101", "a1b2c3d4e5f6g7h8i9j0"
ZONE = ZoneInfo("Asia/Shanghai")
LET_AGAIN = 6
"""So many days ago."""


def _day(hub: Hub, back: int) -> date:
    return hub.now().astimezone(ZONE).date() - timedelta(days=back)


@pytest.fixture
def home(sqlite_hub: Hub, small_site: Callable[[Hub], None]) -> Hub:
    """Doors observed for three weeks. Household T-1 left twelve days ago; T-2 (person 2, a card) has had the keys for six."""
    small_site(sqlite_hub)
    hub = sqlite_hub
    with hub.db.unit_of_work("test", "let again", audit=False) as uow:
        start = hub.now() - timedelta(days=21)
        uow.session.add(Coverage(estate_id="E001", device_id="E001.face-g1", state="ok", from_at=start))
        over = {"state": "ended", "ended_at": hub.now() - timedelta(days=12)}
        uow.session.execute(update(Tenancy).where(Tenancy.id == "tenancy-1").values(**over))
        since = _day(hub, LET_AGAIN)
        uow.session.add(
            Person(id="person-2", source="test", source_id="P-2", name="王小明", birth_date=date(1985, 1, 2))
        )
        place = {"estate_id": "E001", "dwelling_id": HOME}
        uow.session.add(
            Tenancy(
                id="tenancy-2",
                source="test",
                source_id="T-2",
                state="active",
                from_date=since,
                handover_at=since,
                **place,
            )
        )
        uow.session.flush()
        _member(uow.session, "person-2", since)
        card = {"holder_class": "resident", "label": "成员2", "created_at": hub.now(), "person_id": "person-2", **place}
        uow.session.add(CredentialRow(token="new-card", tenancy_id="tenancy-2", **card))
    return hub


def _member(session: Session, person: str, since: date, until: date | None = None) -> None:
    of = {"tenancy_id": "tenancy-2", "person_id": person, "relation": "other", "from_date": since, "to_date": until}
    session.add(HouseholdMember(id=f"member-of-{person}", **of))


def _pass(hub: Hub, back: int, credential: str, face: int = 0) -> None:
    day = _day(hub, back)
    with hub.db.unit_of_work("test", "pass", audit=False) as uow:
        counts = {"face": face, "face_consented": face, "other": 0 if face else 2}
        uow.session.add(PassDay(dwelling_id=HOME, day=day, credential=credential, holder_class="resident", **counts))
        mark_dirty(uow.session, {HOME: day})


def _judged(hub: Hub, days: int) -> list[tuple[str, int]]:
    """(state, passes) of the last days."""
    analyse(hub)
    with hub.db.reading() as session:
        rows = session.scalars(select(PresenceDay).where(PresenceDay.dwelling_id == HOME).order_by(PresenceDay.day))
        return [(row.state, row.signals.get("doors", 0)) for row in rows][-days:]


def _change(hub: Hub, change: Callable[[Session], object]) -> None:
    with hub.db.unit_of_work("test", "otherwise", audit=False) as uow:
        change(uow.session)


@pytest.mark.parametrize("face", [0, 1])
def test_a_former_tenants_pass_is_nobodys_presence(home: Hub, face: int) -> None:
    for back in (4, 3, 2):
        _pass(home, back, TOKEN, face)
    _pass(home, 1, "new-card")
    assert _judged(home, 4) == [("absent", 0)] * 3 + [("present", 2)]


def test_nor_of_who_left_the_household_that_goes_on(home: Hub) -> None:
    _change(home, lambda session: _member(session, "person-1", _day(home, LET_AGAIN), _day(home, 3)))
    for back in (4, 3, 2, 1):
        _pass(home, back, TOKEN)
    assert _judged(home, 4) == [("present", 2), ("present", 2), ("absent", 0), ("absent", 0)]


def test_who_has_the_home_again_comes_with_the_card_of_before(home: Hub) -> None:
    """A renewal: the old lease's card opens until the new one is handed out."""
    _change(home, lambda session: _member(session, "person-1", _day(home, LET_AGAIN)))
    _pass(home, 1, TOKEN)
    assert _judged(home, 1) == [("present", 2)]


def test_a_tenancy_that_goes_on_beside_is_nobody_who_moved_out(home: Hub) -> None:
    goes_on = {"state": "active", "ended_at": None}
    _change(home, lambda session: session.execute(update(Tenancy).where(Tenancy.id == "tenancy-1").values(**goes_on)))
    _pass(home, 1, TOKEN)
    assert _judged(home, 1) == [("present", 2)]


def test_who_has_another_home_by_now_has_moved_out_of_this_one(home: Hub) -> None:
    swapped = {"state": "active", "ended_at": None, "dwelling_id": "E001.E001-B1-0102"}
    _change(home, lambda session: session.execute(update(Tenancy).where(Tenancy.id == "tenancy-1").values(**swapped)))
    _pass(home, 1, TOKEN)
    assert _judged(home, 1) == [("absent", 0)]


def test_before_the_keys_and_in_an_empty_home_it_is_use(home: Hub) -> None:
    """Who is still there has not left: it says so of the tenancy that is over, and of a home that should be empty."""
    _pass(home, LET_AGAIN + 1, TOKEN)
    assert _judged(home, LET_AGAIN + 1)[0] == ("present", 2)
    for table in (HouseholdMember, CredentialRow, Tenancy):
        column = table.id if table is Tenancy else table.tenancy_id  # type: ignore[attr-defined]
        _change(home, lambda session, of=table, at=column: session.execute(delete(of).where(at == "tenancy-2")))  # type: ignore[misc]
    _pass(home, 1, TOKEN)
    assert _judged(home, 1) == [("present", 2)]


def test_nights_say_of_it_what_the_whole_record_says(home: Hub, clock: Any) -> None:
    analyse(home)
    for _night in range(3):
        clock.pass_(days=1)
        _pass(home, 1, TOKEN, face=1)
        analyse(home)
    nights = _judged(home, 5)
    assert [state for state, _doors in nights] == ["absent"] * 5
    with home.db.unit_of_work("test", "anew", audit=False) as uow:
        for table in (DwellingMemory, PresenceDay):
            uow.session.execute(delete(table))
    assert _judged(home, 5) == nights
