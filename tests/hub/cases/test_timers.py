"""The clocks of a case, day by day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.cases.calendar import household_day, months_after, workdays_after
from hub.cases.record import Notice, Record
from hub.cases.states import CLOSED, STATES_ZH, State
from hub.cases.timers import HOUSEHOLD, OURS, Clock, Timer, next_due, timers

MONDAY = date(2026, 11, 16)


def running(
    state: State, today: date = MONDAY, kind: str = "vacancy", lease_end: date | None = None, **known: object
) -> dict[str, Timer]:
    record = Record(state_since=MONDAY, **known)  # type: ignore[arg-type]
    return {one.code: one for one in timers(Clock(kind, state, record, MONDAY, today, lease_end))}


@pytest.mark.parametrize(
    ("start", "count", "wanted"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, 1, date(2026, 11, 17)),
        (MONDAY, 5, date(2026, 11, 23)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 21), 1, date(2026, 11, 23)),
    ],
)
def test_working_days(start: date, count: int, wanted: date) -> None:
    assert workdays_after(start, count) == wanted


@pytest.mark.parametrize(
    ("start", "count", "wanted", "why"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14), "the Saturday before Spring Festival makes up for a day off"),
        (date(2026, 2, 14), 1, date(2026, 2, 24), "nine days of Spring Festival"),
        (date(2026, 9, 30), 2, date(2026, 10, 9), "seven days of October"),
        (date(2026, 10, 9), 1, date(2026, 10, 10), "and the Saturday that makes up for them"),
    ],
)
def test_working_days_are_those_of_the_yearly_notice(start: date, count: int, wanted: date, why: str) -> None:
    assert workdays_after(start, count) == wanted, why


def test_of_a_year_without_a_notice_monday_to_friday_count_and_it_is_said() -> None:
    far = date(2099, 2, 2)
    assert workdays_after(far, 5) == date(2099, 2, 9)
    record = Record(state_since=far)
    (timer,) = timers(Clock("vacancy", State.OPEN, record, far, far))
    assert "2099年放假安排尚未公布" in timer.label_zh
    assert "公布" not in running(State.OPEN)["screen"].label_zh


def test_a_households_term_ends_on_a_working_day() -> None:
    assert household_day(date(2026, 11, 11), 10) == date(2026, 11, 23), "the 21st is a Saturday"
    assert household_day(date(2026, 11, 12), 10) == date(2026, 11, 23)
    assert household_day(date(2026, 11, 13), 10) == date(2026, 11, 23)
    assert household_day(date(2026, 9, 20), 13) == date(2026, 10, 8), "not within the October holidays"


@pytest.mark.parametrize(
    ("start", "months", "wanted"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 6, 15), 6, date(2026, 12, 15)),
        (date(2026, 5, 31), 7, date(2026, 12, 31)),
    ],
)
def test_months(start: date, months: int, wanted: date) -> None:
    assert months_after(start, months) == wanted


@pytest.mark.parametrize("state", [one for one in State if one is not State.ARCHIVED])
def test_every_state_has_a_clock(state: State) -> None:
    notice = Notice("1", "d", MONDAY, "vacate", MONDAY + timedelta(days=40))
    known = {"notice": notice} if state in (State.NOTICED, State.REFERRED) else {}
    found = running(state, asked_on=(MONDAY,), **known)
    assert found or state is State.REFERRED, f"{STATES_ZH[state]} would lie for ever"
    assert not any(one.late for one in found.values())


def test_ours_is_late_the_day_after_and_the_households_never() -> None:
    assert not running(State.OPEN, date(2026, 11, 23))["screen"].late
    assert running(State.OPEN, date(2026, 11, 24))["screen"].late
    asked = running(State.ASKED, date(2027, 3, 1), asked_on=(MONDAY,))
    assert (asked["answer"].due, asked["answer"].late, asked["answer"].whose) == (date(2026, 11, 30), False, HOUSEHOLD)
    assert asked["after_answer"].late


def test_a_statement_is_answered_within_fifteen_working_days() -> None:
    found = running(State.ASKED, asked_on=(MONDAY,), answered_on=MONDAY, unanswered_since=MONDAY)
    assert found["reply"].due == date(2026, 12, 7)
    assert "answer" not in found


def test_a_sublet_has_six_months_to_be_objected_to() -> None:
    due = date(2027, 5, 16)
    for days, warn in ((0, ""), (89, ""), (90, "warn"), (149, "warn"), (150, "press")):
        one = running(State.INTERVIEW, MONDAY + timedelta(days=days), "sublet")["objection_718"]
        assert (one.due, one.warn, one.late) == (due, warn, False)
    late = running(State.INTERVIEW, due + timedelta(days=1), "sublet")["objection_718"]
    assert late.late
    keys = {
        running(State.INTERVIEW, MONDAY + timedelta(days=days), "sublet")["objection_718"].reminder
        for days in range(200)
    }
    assert len(keys) == 4, "not yet, warned, pressed, late: each said once"
    assert "objection_718" not in running(State.INTERVIEW, due, "sublet", objections=frozenset({"718"}))
    assert "objection_718" not in running(State.INTERVIEW, due, "vacancy")


def test_a_lease_that_ended_is_objected_to_or_renewed() -> None:
    end = MONDAY - timedelta(days=1)
    assert running(State.VISIT, lease_end=end)["objection_734"].due == end + timedelta(days=30)
    assert "objection_734" not in running(State.VISIT, lease_end=MONDAY)
    assert "objection_734" not in running(State.VISIT, lease_end=end, objections=frozenset({"734"}))


def test_a_notice_is_served_heard_and_enforced_in_time() -> None:
    notice = Notice("1", "d", MONDAY, "vacate", date(2026, 12, 31))
    assert running(State.NOTICED, notice=notice)["serve"].due == date(2026, 11, 23)
    served = Notice("1", "d", MONDAY, "vacate", date(2026, 12, 31), date(2026, 11, 18))
    found = running(State.NOTICED, notice=served, appeal=MONDAY)
    assert found["defend"].due == date(2026, 11, 30), "ten days, and no weekend"
    assert found["comply"].due == date(2026, 12, 31)
    assert found["enforce"].due == date(2027, 8, 18), "three months after the six in which it may be sued against"
    assert found["appeal"].due == date(2026, 12, 7)


def test_who_waits_for_the_courts_enforcement_is_not_late_meanwhile() -> None:
    served = Notice("1", "d", MONDAY, "vacate", date(2026, 12, 31), date(2026, 11, 18))
    first = running(State.NOTICED, notice=served)["after_deadline"].due
    assert first < date(2027, 2, 1), "sue, or wait: the choice is asked for soon after the deadline"
    waiting = running(State.NOTICED, first + timedelta(days=1), notice=served)["after_deadline"]
    assert not waiting.late
    assert served.sue_until is not None
    assert waiting.due > served.sue_until, "before it the court does not enforce (Administrative Compulsion Law 53)"
    assert running(State.NOTICED, waiting.due + timedelta(days=1), notice=served)["after_deadline"].late
    told = Notice("1", "d", MONDAY, "rectify", date(2026, 12, 31), date(2026, 11, 18))
    assert running(State.NOTICED, first + timedelta(days=1), notice=told)["after_deadline"].late, (
        "no court waits for it"
    )


def test_what_is_closed_only_waits_for_the_archive() -> None:
    for state in CLOSED - {State.ARCHIVED}:
        assert set(running(state, kind="sublet", defence=MONDAY, unanswered_since=MONDAY)) == {"archive"}
        assert set(running(state, appeal=MONDAY)) == {"archive", "appeal"}, "an appeal is decided in a closed case, too"
    assert running(State.ARCHIVED) == {}


def test_the_next_is_ours_and_the_earliest() -> None:
    ours = Timer("a", "", date(2026, 12, 2), OURS, False)
    assert (
        next_due((Timer("h", "", MONDAY, HOUSEHOLD, False), ours, Timer("b", "", date(2026, 12, 9), OURS, False)))
        == ours.due
    )
    assert next_due(()) is None
