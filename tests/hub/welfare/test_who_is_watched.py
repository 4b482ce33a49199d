"""Whom a watch looks at, and by which signs: the person who asked, where that person lives now, and nobody else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from hub.estate import coverage
from hub.services import Hub
from hub.tables import (
    Absence,
    CareCall,
    CareWatch,
    Consent,
    Coverage,
    CredentialRow,
    HouseholdMember,
    Meter,
    Person,
    Tenancy,
)
from hub.welfare.rules import used
from hub.welfare.signs import SLACK
from hub.welfare.watch import watch

HOME, OTHER_HOME = "E001.E001-B1-0101", "E001.E001-B1-0102"
TOKEN = "a1b2c3d4e5f6g7h8i9j0"
ENDED: dict[str, Any] = {
    "state": "ended",
    "end_decision": {"number": "青房退〔2026〕12号", "date": "2026-11-01", "move_out_completed_on": "2026-11-10"},
}


@pytest.fixture
def watched(alone: Hub, sign_in: Any, ask_for_care: Any) -> Hub:
    """The watch has begun; nothing was looked at yet."""
    assert ask_for_care(sign_in(alone, "care_worker", ["E001"])).status_code == 201
    return alone


def _state(hub: Hub) -> tuple[str, bool]:
    """(state, whether the watch goes on) of the one watch."""
    with hub.db.reading() as session:
        row = session.scalars(select(CareWatch)).one()
        return row.state, row.ended_at is None


def _waiting(hub: Hub) -> list[str]:
    """Dwellings of calls that wait for an answer."""
    with hub.db.reading() as session:
        return list(session.scalars(select(CareCall.dwelling_id).where(CareCall.answered_at.is_(None))))


def _somebody(hub: Hub, tenancy: str, dwelling: str = HOME, since: date = date(2025, 3, 1)) -> None:
    """Person 2, a member of this tenancy (made where it is a new one) with a card."""
    with hub.db.unit_of_work("test", "somebody else", audit=False) as uow:
        person = Person(id="person-2", source="test", source_id="P-2", name="王小明", birth_date=date(1985, 1, 2))
        uow.session.add(person)
        if uow.session.get(Tenancy, tenancy) is None:
            place = {"estate_id": "E001", "dwelling_id": dwelling, "state": "active"}
            uow.session.add(Tenancy(id=tenancy, source="test", source_id=tenancy, from_date=since, **place))
        uow.session.flush()
        member = {"person_id": "person-2", "tenancy_id": tenancy, "relation": "other", "from_date": since}
        uow.session.add(HouseholdMember(id="member-2", **member))
        card = {"holder_class": "resident", "label": "成员2", "created_at": hub.now(), "estate_id": "E001"}
        of = {"person_id": "person-2", "tenancy_id": tenancy, "dwelling_id": dwelling}
        uow.session.add(CredentialRow(token="other-token", **card, **of))


@pytest.mark.parametrize("credential", ["a-visitors-pass", "other-token", None])
def test_a_pass_of_somebody_else_is_no_sign_of_life(watched: Hub, happens: Any, credential: str | None) -> None:
    """Who was at the gate with a visitor's pass may have knocked in vain: only the person's own passes say how the person is."""
    happens(watched, 9, 3, "access", {}, outcome="granted", credential=credential)
    assert watch(watched) == "1 watches, 1 calls opened"


def test_an_own_pass_is_a_sign_also_at_another_homes_time(watched: Hub, happens: Any) -> None:
    happens(watched, 9, 3, "access", {}, outcome="taken", credential=TOKEN)
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == ("fine", True)


def test_who_moved_out_is_watched_no_longer(watched: Hub) -> None:
    """The next household never agreed to it, and nobody is to look in on an empty home."""
    with watched.db.unit_of_work("test", "over", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(**ENDED, ended_at=watched.now()))
    _somebody(watched, "tenancy-2", since=watched.now().date())
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched)[1] is False
    assert _waiting(watched) == []


def test_a_watch_moves_with_who_moves(watched: Hub, sign_in: Any) -> None:
    watch(watched)
    assert _waiting(watched) == [HOME]
    with watched.db.unit_of_work("test", "moved within the estate", audit=False) as uow:
        uow.session.execute(update(Tenancy).values(dwelling_id=OTHER_HOME))
    watch(watched)
    assert _waiting(watched) == [], "nobody is sent to the home that was left"
    shown = sign_in(watched, "care_worker", ["E001"]).get("/api/v1/estates/E001/care").json()["watches"]
    assert [(one["dwelling_id"], one["state"]) for one in shown] == [(OTHER_HOME, "cannot_see")], "no meter is there"


def test_who_lives_alone_no_longer_is_shown_so_and_nobody_is_called(watched: Hub, sign_in: Any) -> None:
    """Water of two says nothing of one of them. A person ends the watch, or begins it anew later: it is not silently gone."""
    _somebody(watched, "tenancy-1", since=watched.now().date() - timedelta(days=3))
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == ("not_alone", True)
    with watched.db.unit_of_work("test", "left again", audit=False) as uow:
        gone = update(HouseholdMember).where(HouseholdMember.id == "member-2")
        uow.session.execute(gone.values(to_date=watched.now().date() - timedelta(days=1)))
    assert watch(watched) == "1 watches, 1 calls opened"


def test_who_moves_in_later_is_not_there_yet(watched: Hub) -> None:
    _somebody(watched, "tenancy-1", since=watched.now().date() + timedelta(days=30))
    assert watch(watched) == "1 watches, 1 calls opened"


def test_who_was_allotted_the_home_and_has_no_keys_does_not_live_there(watched: Hub) -> None:
    _somebody(watched, "tenancy-2")
    with watched.db.unit_of_work("test", "no keys yet", audit=False) as uow:
        uow.session.execute(update(Tenancy).where(Tenancy.id == "tenancy-2").values(state="allocated"))
    assert watch(watched) == "1 watches, 1 calls opened"


def test_days_are_the_estates_own(alone: Hub, clock: Any, sign_in: Any, ask_for_care: Any) -> None:
    """At half past midnight in Shanghai it is still yesterday in UTC: who left yesterday does not live there any more."""
    clock.at = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
    _somebody(alone, "tenancy-1")
    with alone.db.unit_of_work("test", "last day", audit=False) as uow:
        gone = update(HouseholdMember).where(HouseholdMember.id == "member-2")
        uow.session.execute(gone.values(to_date=date(2026, 11, 21)))
    carer = sign_in(alone, "care_worker", ["E001"])
    assert carer.get("/api/v1/estates/E001/care/candidates").json()["items"] != []
    assert ask_for_care(carer).status_code == 201
    with alone.db.unit_of_work("test", "last day is today", audit=False) as uow:
        uow.session.execute(delete(CareWatch))
        gone = update(HouseholdMember).where(HouseholdMember.id == "member-2")
        uow.session.execute(gone.values(to_date=date(2026, 11, 22)))
    assert carer.get("/api/v1/estates/E001/care/candidates").json()["items"] == []
    assert ask_for_care(carer).json()["error"]["code"] == "not_alone"


@pytest.mark.parametrize("hours", [12, 24])
def test_water_in_the_window_is_water_in_the_window(hours: int) -> None:
    """A meter read every quarter of an hour: somebody drank a glass an hour after the window began."""
    now = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
    begin = now - timedelta(hours=hours)
    drunk = begin + timedelta(hours=1)
    quarters = [begin - SLACK + n * timedelta(minutes=15) for n in range((hours + 3) * 4 + 1)]
    readings = [(at, 55.02 if at >= drunk else 55.0) for at in quarters]
    assert used(readings, begin, now, SLACK) == pytest.approx(0.02)


def test_two_meters_are_two(watched: Hub, happens: Any) -> None:
    """Kitchen and bath each count on their own: their difference is no water."""
    with watched.db.unit_of_work("test", "a second meter", audit=False) as uow:
        where = {"estate_id": "E001", "dwelling_id": HOME, "device_id": "E001.meters-b1"}
        uow.session.add(Meter(id="E001.W-0101b", point="unit-2", quantity="water", **where))
    for n, hours in enumerate((25.5, 12.5, 0.5)):
        happens(watched, 20 + n, hours, "meter", {"meter": "E001.W-0101b", "value": 90.0, "ok": True}, reason="water")
    assert watch(watched) == "1 watches, 1 calls opened"


def test_one_meter_of_two_that_cannot_be_read_leaves_it_open(watched: Hub) -> None:
    with watched.db.unit_of_work("test", "a second meter", audit=False) as uow:
        where = {"estate_id": "E001", "dwelling_id": HOME, "device_id": "E001.meters-b1"}
        uow.session.add(Meter(id="E001.W-0101b", point="unit-2", quantity="water", **where))
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == ("cannot_see", True)


def test_an_absence_of_who_lived_there_before_silences_nobody(watched: Hub) -> None:
    """Declared without an end by the household that left two years ago."""
    with watched.db.unit_of_work("test", "old", audit=False) as uow:
        told = {"dwelling_id": HOME, "reason": "work", "declared_on": date(2024, 5, 1)}
        uow.session.add(Absence(id="a", from_date=date(2024, 5, 1), to_date=None, **told))
    assert watch(watched) == "1 watches, 1 calls opened"


def test_who_came_back_from_an_absence_without_an_end_is_looked_after(watched: Hub, happens: Any) -> None:
    """In hospital ten days ago, no end was told; seen at the gate three days ago, and nothing since."""
    today = watched.now().date()
    with watched.db.unit_of_work("test", "hospital", audit=False) as uow:
        told = {"dwelling_id": HOME, "reason": "hospital", "declared_on": today - timedelta(days=10)}
        uow.session.add(Absence(id="a", from_date=today - timedelta(days=10), to_date=None, **told))
    happens(watched, 8, 10 * 24, "access", {}, outcome="granted", credential=TOKEN)
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == ("away", True), "the day on which somebody leaves is no return"
    happens(watched, 9, 3 * 24, "access", {}, outcome="granted", credential=TOKEN)
    assert watch(watched) == "1 watches, 1 calls opened"


def test_a_box_that_starts_again_blinds_nobody(watched: Hub) -> None:
    """Its devices say `ok` anew: one interval follows the other, and all of the window was observed."""
    with watched.db.unit_of_work("test", "said again", audit=False) as uow:
        again = coverage.Change("ok", "", watched.now() - timedelta(hours=5))
        coverage.apply_changes(uow.session, "E001", {"E001.face-g1": [again]})
        assert uow.session.scalar(select(func.count()).select_from(Coverage)) == 2
    assert watch(watched) == "1 watches, 1 calls opened"


@pytest.mark.parametrize(("minutes", "state"), [(5, "ask"), (120, "cannot_see")])
def test_a_short_outage_is_no_blindness_and_a_long_one_is(watched: Hub, minutes: int, state: str) -> None:
    """From 95 per cent of its time on, a window counts as observed (rule catalogue 4.0)."""
    at = watched.now() - timedelta(hours=5)
    with watched.db.unit_of_work("test", "down", audit=False) as uow:
        changes = [
            coverage.Change("down", "unreachable", at),
            coverage.Change("ok", "", at + timedelta(minutes=minutes)),
        ]
        coverage.apply_changes(uow.session, "E001", {"E001.face-g1": changes})
    watch(watched)
    assert _state(watched) == (state, True)


def test_a_door_that_is_down_says_so_and_calls_nobody(watched: Hub) -> None:
    with watched.db.unit_of_work("test", "down", audit=False) as uow:
        down = coverage.Change("down", "unreachable", watched.now() - timedelta(hours=5))
        coverage.apply_changes(uow.session, "E001", {"E001.face-g1": [down]})
    assert watch(watched) == "1 watches, 0 calls opened"
    assert _state(watched) == ("cannot_see", True)
    assert _waiting(watched) == []


def _shown(hub: Hub, sign_in: Any) -> list[tuple[str, str]]:
    """(dwelling, state) of the watches as the carer reads them."""
    listed = sign_in(hub, "care_worker", ["E001"]).get("/api/v1/estates/E001/care").json()
    return [(one["dwelling_id"], one["state"]) for one in listed["watches"]]


def test_who_cannot_be_seen_stands_before_who_stirs(watched: Hub, sign_in: Any, happens: Any) -> None:
    """Nobody calls for them: the carer must come upon them, not look for them among a hundred."""
    happens(watched, 9, 3, "access", {}, outcome="taken", credential=TOKEN)
    _somebody(watched, "tenancy-2", dwelling=OTHER_HOME)
    with watched.db.unit_of_work("test", "a second watch, of a home without a meter", audit=False) as uow:
        uow.session.add(Consent(id="c-2", person_id="person-2", purpose="c", granted_at=watched.now()))
        place = {"estate_id": "E001", "dwelling_id": OTHER_HOME, "person_id": "person-2"}
        began = {"began_by": "x", "began_at": watched.now() + timedelta(minutes=1)}
        uow.session.add(CareWatch(id="watch-2", hours=24, **place, **began))
    watch(watched)
    assert _shown(watched, sign_in) == [(OTHER_HOME, "cannot_see"), (HOME, "fine")]


def test_what_was_looked_at_long_ago_is_not_known_now(watched: Hub, sign_in: Any, happens: Any, clock: Any) -> None:
    """While the clock cannot be believed nobody looks: yesterday's "stirring" says nothing of today."""
    happens(watched, 9, 3, "access", {}, outcome="taken", credential=TOKEN)
    watch(watched)
    clock.pass_(minutes=25)
    assert _shown(watched, sign_in) == [(HOME, "fine")]
    clock.jump(days=30)
    assert watch(watched) == "waits: the clock cannot be believed"
    assert _shown(watched, sign_in) == [(HOME, "unknown")]
