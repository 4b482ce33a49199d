"""Taking consent (b) back is never a sign against anybody: what doors may not look at, they did not see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from hub.occupancy.estate_view import load_day
from hub.occupancy.load import households_of
from hub.occupancy.presence import presence
from hub.occupancy.values import CredentialUse, DayState, Household, Member, ObservedDay, withheld_of
from hub.services import Hub
from hub.tables import Consent, Estate

HOME = "E001.E001-B1-0101"
MAY = [date(2026, 5, day) for day in range(1, 32)]


@pytest.mark.parametrize(
    ("given", "spans"),
    [
        ((), ()),
        (((MAY[0], None),), ()),
        (((MAY[0], MAY[9]),), ((MAY[9], None),)),
        (((MAY[0], MAY[9]), (MAY[19], None)), ((MAY[9], MAY[18]),)),
        (((MAY[0], MAY[9]), (MAY[9], None)), ()),  # a new notice: one ends, the other begins
        (((MAY[0], MAY[4]), (MAY[9], MAY[14])), ((MAY[4], MAY[8]), (MAY[14], None))),
        (((MAY[0], MAY[29]),), ()),  # not yet, on the 25th
    ],
)
def test_spans_without_a_consent_that_had_been_given(given: Any, spans: Any) -> None:
    assert withheld_of(given, MAY[24]) == spans, "who never consented has taken nothing back"


def days(withheld: bool, **of_day: Any) -> list[DayState]:
    """A month of a family that came by face, and ten days after one of them took it back."""
    face = (CredentialUse("tok", True, identified=2),)
    seen = [ObservedDay(day, uses=face, water=0.2) for day in MAY]
    after = [ObservedDay(MAY[-1] + timedelta(days=n), withheld=withheld, **of_day) for n in range(1, 31)]
    return [one.state for one in presence([*seen, *after], frozenset({"gate"}))[len(MAY) :]]


def test_nobody_is_absent_whom_doors_may_not_look_at() -> None:
    assert set(days(False, water=0.0)) == {DayState.ABSENT}
    assert set(days(True, water=0.0)) == {DayState.UNKNOWN}


def unlooked(**of_day: Any) -> list[DayState]:
    """Two months of a family of which nobody consented yet."""
    two = [MAY[0] + timedelta(days=n) for n in range(60)]
    return [one.state for one in presence([ObservedDay(d, unlooked=True, **of_day) for d in two], frozenset({"gate"}))]


def test_nobody_is_absent_whom_doors_might_never_look_at() -> None:
    assert set(unlooked()) == {DayState.UNKNOWN}, "by face, as far as anybody knows"
    assert set(unlooked(water=0.0)) == {DayState.ABSENT}, "no water for months says it without a door"
    assert set(unlooked(water=0.2)[:14]) == {DayState.UNKNOWN}
    assert set(unlooked(water=0.2)[15:]) == {DayState.PRESENT}


def test_whom_cards_show_doors_have_seen() -> None:
    card = ObservedDay(MAY[0], uses=(CredentialUse("tok", True, other=1),), unlooked=True)
    seen = [ObservedDay(day, uses=card.uses, unlooked=True) for day in MAY[:5]]
    gone = [ObservedDay(day, unlooked=True) for day in MAY[5:]]
    states = [one.state for one in presence([*seen, *gone], frozenset({"gate"}))]
    assert set(states[5:]) == {DayState.ABSENT}, "who came by card and comes no more"


def test_water_of_a_household_that_may_not_be_looked_at_is_its_own() -> None:
    assert DayState.OTHER_USE in days(False, water=0.2), "with consent: seen no more, and water runs"
    assert set(days(True, water=0.2)) == {DayState.PRESENT}


def test_a_card_counts_as_ever() -> None:
    assert set(days(True, uses=(CredentialUse("tok", True, other=1),), water=0.2)) == {DayState.PRESENT}


def test_it_is_the_households(hub: Hub, small_site: Callable[[Hub], None]) -> None:
    small_site(hub)
    day = datetime(2026, 10, 1, 18, tzinfo=UTC)  # the second in China
    with hub.db.unit_of_work("test", "taken back", now=hub.now()) as uow:
        assert uow.session.scalars(select(Consent.purpose)).all() == ["b"]
        uow.session.execute(update(Consent).values(withdrawn_at=day))
    with hub.db.reading() as session:
        view = load_day(session, session.get_one(Estate, "E001"), date(2026, 11, 1), hub.now())
        household = households_of(session, view, [HOME])[HOME]
    assert household.members[0].withheld == ((date(2026, 10, 2), None),)
    assert [household.withheld_on(date(2026, 10, n)) for n in (1, 2, 30)] == [False, True, True]
    assert household.looked_from < date(2026, 10, 1)
    assert not Household("t", MAY[0], None, (Member("m", True, False),)).withheld_on(MAY[5])


@pytest.mark.parametrize("purpose", ["a", None])
def test_who_has_no_face_at_the_doors_comes_by_card(
    hub: Hub, small_site: Callable[[Hub], None], purpose: str | None
) -> None:
    """Consent (a) alone: they may come by face, and nobody may look. None at all: doors show whoever comes."""
    small_site(hub)
    with hub.db.unit_of_work("test", "other consents", now=hub.now()) as uow:
        statement = update(Consent).values(purpose=purpose) if purpose else delete(Consent)
        uow.session.execute(statement)
    with hub.db.reading() as session:
        view = load_day(session, session.get_one(Estate, "E001"), date(2026, 11, 1), hub.now())
        household = households_of(session, view, [HOME])[HOME]
    assert household.members[0].looked_from == (None if purpose else date.min)
