"""The law's terms in a case: what may not come too early, what must be answered first, and that nobody is left waiting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from hub.auth import PERMISSIONS
from hub.cases.calendar import household_day, household_months, is_workday
from hub.cases.forms import FieldKind, Refused
from hub.cases.guards import Context, was_heard
from hub.cases.record import LogEntry, record_of
from hub.cases.states import CLOSED, State
from hub.cases.steps import ACTIONS, HARDSHIP, Action
from hub.cases.timers import OURS, Clock, Timer, timers
from hub.cases.workflow import Transition, Wish, decide, open_steps

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OFFICIAL = PERMISSIONS["housing_official"]
OPENED, SIGNED = date(2026, 4, 1), date(2026, 5, 6)
JUNE = date(2026, 6, 20)
S, A = State, Action


def entry(action: str, on: date, /, *, actor: str = "x", code: str = "", **fields: str) -> LogEntry:
    return LogEntry(datetime(on.year, on.month, on.day, 4, tzinfo=UTC), on, actor, action, code, fields)


REVIEWED = {"devices_sound": "yes", "signals_hold": "yes"}
NO_HARDSHIP = dict.fromkeys(HARDSHIP, "no")


def inquiry(on: date = OPENED) -> list[LogEntry]:
    """Reviewed and asked."""
    return [entry("opened", on), entry(A.REVIEWED, on, **REVIEWED), entry(A.ASK, on, channel="letter")]


def noticed(signed: date = SIGNED, *, conclusion: str = "vacate", deadline: date = date(2026, 6, 30)) -> list[LogEntry]:
    """Up to a notice that is signed and served on one day."""
    return [
        *inquiry(),
        entry(A.ANSWER, OPENED, code="A_OTHER"),
        entry(A.VISITED, OPENED, time="workday", visited_on=OPENED.isoformat()),
        entry(A.HARDSHIP, signed, **NO_HARDSHIP),
        entry(A.PROPOSE, signed, actor="a", code="G_SUBLET", conclusion=conclusion, electronic="no"),
        entry(A.AGREE, signed, actor="c"),
        entry(A.SIGN, signed, actor="d", number="1号", deadline=deadline.isoformat()),
        entry(A.SERVED, signed, served_on=signed.isoformat()),
    ]


def heavier(*said: LogEntry) -> list[LogEntry]:
    """A notice to rectify has passed in vain, and two have agreed to a heavier one; `said` meanwhile."""
    return [
        *noticed(conclusion="rectify", deadline=date(2026, 6, 1)),
        entry(A.HARDSHIP, JUNE, **NO_HARDSHIP),
        entry(A.PROPOSE, JUNE, actor="a", code="G_SUBLET", conclusion="vacate", electronic="no"),
        *said,
        entry(A.AGREE, JUNE, actor="c"),
    ]


def context(log: list[LogEntry], state: State, today: date, actor: str = "b") -> Context:
    return Context("sublet", "red", state, record_of(log), actor, today, devices_reviewed=True)


def step(case: Context, action: Action, **given: str) -> Transition:
    """Taken with a form that is filled in so that it passes, `given` over it."""
    fields = {}
    for one in ACTIONS[action].fields:
        value = {FieldKind.TEXT: f"{one.label_zh}：{one.name}", FieldKind.CHOICE: next(iter(one.choices), "")}
        later = case.today + timedelta(days=70)
        fields[one.name] = value.get(one.kind) or (later if one.when == "future" else case.today).isoformat()
    code = next(iter(ACTIONS[action].reason_codes), "")
    return decide(case, Wish(action, code, "如实记录的意见", fields | given), OFFICIAL, NOW)


def refused(case: Context, action: Action, **given: str) -> str:
    with pytest.raises(Refused) as why:
        step(case, action, **given)
    return why.value.message


def clocks(log: list[LogEntry], state: State, today: date) -> dict[str, Timer]:
    running = timers(Clock("vacancy", state, record_of(log), OPENED, today))
    return {one.code: one for one in running}


# --- terms --------------------------------------------------------------------------------------------------------------


def test_a_hearing_is_told_seven_working_days_before() -> None:
    case = context(noticed(date(2026, 9, 25), deadline=date(2026, 12, 1)), S.NOTICED, date(2026, 9, 28))
    for on in (date(2026, 10, 5), date(2026, 10, 12)):
        said = refused(case, A.HEARING_REQUESTED, on=on.isoformat())
        assert "2026-10-13" in said, "Administrative Penalty Law arts. 64 and 85: the October holidays do not count"
    assert step(case, A.HEARING_REQUESTED, on="2026-10-13").state is S.NOTICED


def test_a_reminder_before_enforcement_runs_ten_working_days() -> None:
    log, reminded = noticed(date(2026, 3, 2), deadline=date(2026, 4, 30)), "2026-09-25"
    case = context(log, S.NOTICED, date(2026, 10, 15))
    said = refused(case, A.REFER, route="enforcement", reminded_on=reminded)
    assert "2026-10-15" in said, "Administrative Compulsion Law arts. 54 and 69: it is over with its tenth working day"
    later = replace(case, today=date(2026, 10, 16))
    assert step(later, A.REFER, route="enforcement", reminded_on=reminded).state is S.REFERRED
    assert step(case, A.REFER, route="civil", reminded_on=reminded).state is S.REFERRED, "a suit has no such term"


def test_nothing_is_enforced_while_the_household_may_sue() -> None:
    case = context(noticed(), S.NOTICED, date(2026, 11, 6))
    said = refused(case, A.REFER, route="enforcement", reminded_on="2026-07-01")
    assert "起诉至2026-11-06" in said, (
        "Administrative Litigation Law art. 46: six months from service, its last day too"
    )
    later = replace(case, today=date(2026, 11, 7))
    assert step(later, A.REFER, route="enforcement", reminded_on="2026-07-01").state is S.REFERRED


def test_the_application_for_enforcement_has_three_months_from_the_end_of_the_time_to_sue() -> None:
    due = clocks(noticed(), S.NOTICED, date(2026, 7, 2))["enforce"].due
    assert due == date(2027, 2, 6), "Administrative Compulsion Law art. 53"


@pytest.mark.parametrize("year", range(2026, 2031))
def test_a_households_term_never_ends_on_a_holiday_with_a_fixed_date(year: int) -> None:
    for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)):
        holiday = date(year, month, day)
        assert not is_workday(holiday), "whether or not the year's arrangement is published"
        assert household_day(holiday - timedelta(days=14), 14) > holiday, "Civil Code art. 203"
    assert household_months(date(year - 1, 7, 1), 6) > date(year, 1, 1), "the same for a term of months"


# --- what the household said --------------------------------------------------------------------------------------------


def test_no_notice_is_signed_over_an_open_appeal() -> None:
    log = heavier(entry("household_appeal", JUNE, actor="lease_system"))
    assert "尚未办结" in refused(context(log, S.CONCLUDED, JUNE, "d"), A.SIGN)
    assert "未参与" in refused(context(log, S.CONCLUDED, JUNE, "a"), A.APPEAL_DECIDED)
    assert step(context(log, S.CONCLUDED, JUNE, "e"), A.APPEAL_DECIDED, outcome="upheld").state is S.CONCLUDED
    log.append(entry(A.APPEAL_DECIDED, JUNE, actor="e", outcome="upheld"))
    assert step(context(log, S.CONCLUDED, JUNE, "d"), A.SIGN).state is S.NOTICED


def test_what_was_said_before_a_second_notice_outlives_it() -> None:
    log = heavier(entry("household_appeal", JUNE), entry(A.DEFENCE, JUNE))
    signed = record_of([*log, entry(A.SIGN, JUNE, actor="d", number="2号", deadline="2026-09-01")])
    assert (signed.appeal, signed.defence) == (JUNE, JUNE), "a log of before is not read as if all had been answered"


@pytest.mark.parametrize("state", [S.DELIBERATION, S.CONCLUDED])
def test_a_household_speaks_against_its_notice_while_a_heavier_one_is_considered(state: State) -> None:
    case = context(heavier(), state, JUNE)
    assert step(case, A.APPEAL).state is state
    assert step(case, A.DEFENCE).state is state
    defended = context(heavier(entry(A.DEFENCE, JUNE)), state, JUNE)
    assert step(defended, A.REPLY, outcome="upheld").state is state
    right = step(defended, A.REPLY, outcome="withdrawn")
    assert (right.state, right.closed) == (S.WITHDRAWN, True), "and is found right"


def test_against_a_first_notice_nobody_speaks_before_it_is_signed() -> None:
    first = context(inquiry(), S.DELIBERATION, JUNE)
    for action in (A.DEFENCE, A.APPEAL):
        assert "没有已签发的通知" in refused(first, action), action
    shown = {one.action for one in open_steps(first, OFFICIAL)}
    assert not shown & {A.DEFENCE, A.REPLY, A.APPEAL, A.APPEAL_DECIDED}, "nor is it shown where there is no occasion"


@pytest.mark.parametrize("how", ["household_statement", A.ANSWER])
def test_whatever_is_said_after_a_notice_is_a_defence(how: str) -> None:
    """Administrative Penalty Law art. 45: what is stated is reviewed, in whatever way it came."""
    log, today = [*noticed(), entry(how, date(2026, 5, 10))], date(2026, 8, 3)
    assert "尚未办结" in refused(context(log, S.NOTICED, today), A.REFER, route="civil", reminded_on="2026-07-10")
    assert set(clocks(log, S.NOTICED, date(2026, 5, 11))) >= {"reply_defence"}
    answered = context([*log, entry(A.REPLY, date(2026, 5, 12), outcome="upheld")], S.NOTICED, today)
    assert step(answered, A.REFER, route="civil", reminded_on="2026-07-10").state is S.REFERRED


def test_before_a_notice_and_after_its_referral_a_statement_is_none() -> None:
    spoke = entry("household_statement", date(2026, 8, 5))
    asked, referred = record_of([*inquiry(), spoke]), record_of([*noticed(), entry(A.REFER, date(2026, 8, 3)), spoke])
    for record in (asked, referred):
        assert (record.defence, record.unanswered_since) == (None, spoke.on), (
            "nobody could answer it as a defence there"
        )


def test_sought_in_vain_is_on_four_days_after_a_written_question() -> None:
    days = [OPENED + timedelta(days=16 + n) for n in range(4)]
    calls = [entry(A.NOTE, day, code="C_PHONE") for day in days[:3]]
    off = entry(A.NOTE, days[3], code="C_VISIT_OFF")
    assert was_heard(record_of([*inquiry(), *calls, off]), days[3])
    in_a_minute = [entry(A.NOTE, days[3], code="C_PHONE")] * 3
    assert not was_heard(record_of([*inquiry(), *in_a_minute, off]), days[3]), "four calls of one day are one"
    early = [entry(A.NOTE, OPENED - timedelta(days=n), code="C_PHONE") for n in (3, 2, 1)]
    assert not was_heard(record_of([*early, *inquiry(), off]), days[3]), "nor do those before it was asked count"
    for channel in ("phone", "in_person"):
        spoken = [*inquiry()[:2], entry(A.ASK, OPENED, channel=channel), *calls, off]
        assert not was_heard(record_of(spoken), days[3]), f"asked by {channel} is not in writing"


def test_a_visit_out_of_hours_counts_on_a_day_with_a_call() -> None:
    days = [OPENED + timedelta(days=16 + n) for n in range(4)]
    calls = [entry(A.NOTE, day, code="C_PHONE") for day in days]
    assert was_heard(record_of([*inquiry(), *calls, entry(A.NOTE, days[3], code="C_VISIT_OFF")]), days[3])


# --- facts --------------------------------------------------------------------------------------------------------------


def test_no_conclusion_on_records_whose_facts_are_gone() -> None:
    gone, today = date(2026, 4, 10), date(2026, 4, 12)
    screened = entry(A.HARDSHIP, today, **NO_HARDSHIP)
    log = [*inquiry(), entry(A.ANSWER, OPENED), entry("facts_gone", gone), screened]
    electronic = {"conclusion": "vacate", "electronic": "yes"}
    assert "2026-04-10消失" in refused(context(log, S.VISIT, today), A.PROPOSE, **electronic)
    assert step(context(log, S.VISIT, today), A.PROPOSE, **electronic | {"electronic": "no"}).state is S.DELIBERATION
    for again in (entry(A.REVIEWED, today, **REVIEWED), entry("stage_changed", today)):
        known = context([*log, again], S.VISIT, today)
        assert step(known, A.PROPOSE, **electronic).state is S.DELIBERATION, again.action
    unsound = entry(A.REVIEWED, today, **REVIEWED | {"signals_hold": "no"})
    assert "消失" in refused(context([*log, unsound], S.VISIT, today), A.PROPOSE, **electronic)
    twice = [*log, entry(A.REVIEWED, today, **REVIEWED), entry("facts_gone", today)]
    assert "消失" in refused(context(twice, S.VISIT, today), A.PROPOSE, **electronic), "gone once more after the review"


# --- nobody is left waiting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [A.APPEAL, A.HEARING_REQUESTED])
@pytest.mark.parametrize("end", [A.WITHDRAW, A.COMPLIED])
def test_an_ended_case_can_be_archived(said: Action, end: Action) -> None:
    on, later = date(2026, 5, 20), date(2026, 7, 20)
    log = [*noticed(), entry(said, on, on="2026-06-01")]
    closed = step(context(log, S.NOTICED, on), end)
    log.append(entry(end, on, done_on=on.isoformat()))
    case = context(log, closed.state, later, "z")
    if said is A.APPEAL and end is A.COMPLIED:
        assert "尚未办结" in refused(case, A.ARCHIVE), "who complied may still be right"
        case = context([*log, entry(A.APPEAL_DECIDED, later, outcome="upheld")], closed.state, later, "z")
    assert step(case, A.ARCHIVE).state is S.ARCHIVED


@pytest.mark.parametrize("state", [one for one in State if one is not S.ARCHIVED])
def test_an_appeal_is_decided_wherever_it_stands(state: State) -> None:
    log = [*inquiry(), entry("household_appeal", date(2026, 4, 5), actor="lease_system")]
    case = context(log, state, date(2026, 4, 20))
    assert clocks(log, state, case.today)["appeal"].whose == OURS, "it has a clock, so somebody must be able to stop it"
    assert A.APPEAL_DECIDED in {one.action for one in open_steps(case, OFFICIAL) if not one.blocked}
    decided = step(case, A.APPEAL_DECIDED, outcome="upheld")
    assert (decided.state, decided.closed) == (state, False), "that changes nothing else"
    assert "没有通知可以撤销" in refused(case, A.APPEAL_DECIDED, outcome="withdrawn")
    if state in CLOSED:
        log.append(entry(A.APPEAL_DECIDED, case.today, outcome="upheld"))
        assert "申诉" in refused(case, A.ARCHIVE)
        assert step(context(log, state, case.today), A.ARCHIVE).state is S.ARCHIVED


def test_a_withdrawn_case_is_not_closed_once_more() -> None:
    log = [*noticed(), entry(A.WITHDRAW, JUNE), entry("household_appeal", JUNE)]
    late = step(context(log, S.WITHDRAWN, JUNE), A.APPEAL_DECIDED, outcome="withdrawn")
    assert (late.state, late.closed, late.quiet_until) == (S.WITHDRAWN, False, None)


def test_a_statement_waits_for_its_reply_through_review_and_objection() -> None:
    said = OPENED + timedelta(days=2)
    log = [*inquiry(), entry(A.ANSWER, said, code="A_OTHER")]
    log += [entry(A.REVIEWED, said, **REVIEWED), entry(A.OBJECTION, said, article="718")]
    found = clocks(log, S.ASKED, date(2026, 9, 1))
    assert found["reply"].late, "neither tells the household what becomes of its words"
    assert found["after_answer"].due == date(2026, 4, 13), "five working days after the answer"


def test_an_answered_case_has_a_clock_when_its_reply_was_given() -> None:
    record = replace(record_of([*inquiry(), entry(A.ANSWER, OPENED)]), unanswered_since=None)
    running = timers(Clock("vacancy", S.ASKED, record, OPENED, date(2026, 9, 1)))
    assert [(one.code, one.late) for one in running] == [("after_answer", True)]


def test_a_result_before_the_referral_is_not_its_result() -> None:
    log = [*noticed(), entry("lease_decision", date(2026, 5, 20)), entry(A.REFER, date(2026, 8, 1))]
    assert "回传" in refused(context(log, S.REFERRED, date(2026, 8, 2)), A.ARCHIVE)
    log.append(entry("lease_decision", date(2026, 8, 2)))
    assert step(context(log, S.REFERRED, date(2026, 8, 2)), A.ARCHIVE).state is S.ARCHIVED
