"""Every state, step and role of a case walked: each edge and each that must not be; then at random, with the rules checked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.auth import PERMISSIONS
from hub.cases import reasons
from hub.cases.forms import FieldKind, Refused
from hub.cases.guards import GUARDS, Context, was_heard
from hub.cases.question import question
from hub.cases.record import HARDSHIP_DAYS, NOTICE_DAYS, LogEntry, Record, record_of
from hub.cases.states import BEFORE_NOTICE, CASE_STAGES, CLOSED, INQUIRY, LIVE, NOTICES, STATES_ZH, State
from hub.cases.steps import ACTIONS, HARDSHIP, Action
from hub.cases.workflow import (
    QUIET,
    ClosedCase,
    Facts,
    OnFacts,
    Proposal,
    Wish,
    began,
    beside,
    decide,
    on_due,
    on_facts,
    on_facts_gone,
    open_steps,
    proposed,
)
from hub.english.phrases import english
from hub.occupancy.catalogue import HINT_KINDS_ZH
from hub.occupancy.finding import Kind

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
TODAY = date(2026, 11, 20)
OFFICIAL = PERMISSIONS["housing_official"]
NO_HARDSHIP = dict.fromkeys(HARDSHIP, "no")


def form(action: Action, today: date = TODAY, **given: str) -> dict[str, str]:
    """A form filled in so that it passes; `given` over it."""
    filled = {}
    for one in ACTIONS[action].fields:
        value = {FieldKind.TEXT: f"{one.label_zh}：{one.name}", FieldKind.CHOICE: next(iter(one.choices), "")}
        later = today + timedelta(days=70)
        filled[one.name] = value.get(one.kind) or (later if one.when == "future" else today).isoformat()
    return filled | given


def wish(action: Action, today: date = TODAY, **given: str) -> Wish:
    code = next(iter(ACTIONS[action].reason_codes), "")
    return Wish(action, code, "如实记录的意见", form(action, today, **given))


def ready(state: State, actor: str = "b") -> Context:
    """A case in which everything that could come first has come: only the edges themselves decide."""
    long_ago = TODAY - timedelta(days=200)
    log = [
        _entry("opened", long_ago),
        _entry(Action.REVIEWED, long_ago, **form(Action.REVIEWED)),
        _entry(Action.ASK, long_ago, channel="letter"),
        _entry(Action.ANSWER, long_ago),
        _entry(Action.VISITED, long_ago, **form(Action.VISITED)),
        _entry(Action.HARDSHIP, TODAY, **NO_HARDSHIP),
        _entry(Action.PROPOSE, long_ago, actor="a", conclusion="vacate", electronic="no"),
        _entry(Action.AGREE, long_ago, actor="c"),
    ]
    if state in (State.NOTICED, State.REFERRED, State.RECTIFIED):
        log.append(_entry(Action.SIGN, long_ago, actor="d", number="1号", deadline="2026-06-30"))
    if state in (State.NOTICED, State.REFERRED):
        log += [
            *([] if state is State.NOTICED else [_entry(Action.SERVED, long_ago, served_on="2026-05-06")]),
            _entry(Action.DEFENCE, long_ago),
            _entry(Action.HEARING_REQUESTED, long_ago),
            _entry(Action.APPEAL, long_ago),
            _entry("lease_decision", long_ago),
        ]
    return Context("sublet", "red", state, record_of(log), actor, TODAY, devices_reviewed=True)


def _entry(action: str, on: date, *, actor: str = "x", code: str = "", **fields: str) -> LogEntry:
    return LogEntry(datetime(on.year, on.month, on.day, 4, tzinfo=UTC), on, actor, action, code, fields)


S, A = State, Action
EDGES: dict[Action, dict[State, State]] = {
    A.RECHECK: {S.OPEN: S.RECHECK_REQUESTED},
    A.REVIEWED: {S.RECHECK_REQUESTED: S.RECHECK_REQUESTED, S.ASKED: S.ASKED},
    A.ASK: {S.RECHECK_REQUESTED: S.ASKED, S.ASKED: S.ASKED},
    A.ANSWER: {state: state for state in LIVE},
    A.VISIT: {S.RECHECK_REQUESTED: S.VISIT, S.ASKED: S.VISIT},
    A.VISITED: {S.VISIT: S.VISIT, S.INTERVIEW: S.INTERVIEW},
    A.INTERVIEW: {S.VISIT: S.INTERVIEW, S.ASKED: S.INTERVIEW},
    A.INTERVIEWED: {S.INTERVIEW: S.INTERVIEW},
    A.HARDSHIP: {state: state for state in LIVE},
    A.PROPOSE: {S.VISIT: S.DELIBERATION, S.INTERVIEW: S.DELIBERATION},
    A.AGREE: {S.DELIBERATION: S.CONCLUDED},
    A.DISAGREE: {S.DELIBERATION: S.RECHECK_REQUESTED, S.CONCLUDED: S.RECHECK_REQUESTED},
    A.SIGN: {S.CONCLUDED: S.NOTICED},
    A.SERVED: {S.NOTICED: S.NOTICED},
    A.DEFENCE: {S.NOTICED: S.NOTICED},
    A.REPLY: {S.NOTICED: S.NOTICED},
    A.HEARING_REQUESTED: {},
    A.HEARING_HELD: {S.NOTICED: S.NOTICED},
    A.APPEAL: {S.NOTICED: S.NOTICED, S.REFERRED: S.REFERRED, S.RECTIFIED: S.RECTIFIED},
    A.APPEAL_DECIDED: {S.NOTICED: S.NOTICED, S.REFERRED: S.REFERRED},
    A.COMPLIED: {S.NOTICED: S.RECTIFIED, S.REFERRED: S.RECTIFIED},
    A.REFER: {},
    A.OBJECTION: {state: state for state in LIVE},
    A.GOOD_CAUSE: dict.fromkeys(BEFORE_NOTICE - {S.DELIBERATION}, S.GOOD_CAUSE),
    A.DISMISS: dict.fromkeys(BEFORE_NOTICE - {S.DELIBERATION}, S.DISMISSED),
    A.WITHDRAW: {S.NOTICED: S.WITHDRAWN, S.REFERRED: S.WITHDRAWN},
    A.NOTE: {state: state for state in LIVE},
    A.ARCHIVE: dict.fromkeys(CLOSED - {S.ARCHIVED}, S.ARCHIVED),
}
"""The whole machine, written down a second time. Not here: what `ready` blocks (a hearing under way, an unserved notice, a red
lead asked before its data were looked at)."""


@pytest.mark.parametrize(("state", "action"), list(product(State, Action)))
def test_every_edge_and_every_one_that_must_not_be(state: State, action: Action) -> None:
    to = EDGES[action].get(state)
    context = ready(state)
    if to is None:
        with pytest.raises(Refused):
            decide(context, wish(action), OFFICIAL, NOW)
        return
    step = decide(context, wish(action), OFFICIAL, NOW)
    assert step.state is to
    assert step.closed == (to in CLOSED and state in LIVE)
    assert step.quiet_until == (NOW + QUIET if step.closed else None)
    assert (step.outcome is not None) == step.closed


@pytest.mark.parametrize("role", [role for role in PERMISSIONS if role != "housing_official"])
@pytest.mark.parametrize("action", list(Action))
def test_nobody_but_an_official_decides(role: str, action: Action) -> None:
    for state in ACTIONS[action].allowed_in:
        assert open_steps(ready(state), PERMISSIONS[role]) == ()
        with pytest.raises(Refused) as refused:
            decide(ready(state), wish(action), PERMISSIONS[role], NOW)
        assert refused.value.code == "forbidden"


@pytest.mark.parametrize("actor", ["", "system", "lease_system"])
@pytest.mark.parametrize("action", list(Action))
def test_no_machine_takes_a_step(actor: str, action: Action) -> None:
    for state in ACTIONS[action].allowed_in:
        with pytest.raises(Refused):
            decide(ready(state, actor), wish(action), OFFICIAL, NOW)


@pytest.mark.parametrize("action", list(Action))
def test_every_form_is_needed_and_no_more_than_it_is_taken(action: Action) -> None:
    state = next(iter(EDGES[action]), None)
    if state is None:
        return
    context, good = ready(state), wish(action)
    for opinion in ("", "   ", "短"):
        with pytest.raises(Refused) as refused:
            decide(context, replace(good, opinion=opinion), OFFICIAL, NOW)
        assert refused.value.code == "opinion_needed"
    with pytest.raises(Refused) as refused:
        decide(context, replace(good, reason_code="X"), OFFICIAL, NOW)
    assert refused.value.code == "unknown_reason"
    for one in ACTIONS[action].fields:
        for value in ("", "  ") if one.required else ():
            with pytest.raises(Refused):
                decide(context, replace(good, fields={**good.fields, one.name: value}), OFFICIAL, NOW)
        if one.kind is not FieldKind.TEXT:
            with pytest.raises(Refused) as refused:
                decide(context, replace(good, fields={**good.fields, one.name: "nonsense"}), OFFICIAL, NOW)
            assert refused.value.code == "bad_field"
    for name in ("access_ends", "revoke", "cut_water", "publish", "tell_neighbours"):
        with pytest.raises(Refused) as refused:
            decide(context, replace(good, fields={**good.fields, name: "yes"}), OFFICIAL, NOW)
        assert refused.value.code == "unknown_field"


def test_every_state_has_a_name_and_can_be_reached() -> None:
    assert set(STATES_ZH) == set(State)
    gone = on_facts_gone(State.OPEN)
    assert gone is not None
    reached = {State.OPEN, gone.state, State.REFERRED, *(to for edges in EDGES.values() for to in edges.values())}
    assert reached == set(State)


# --- what must come first -----------------------------------------------------------------------------------------------


def blocked(context: Context, action: Action, **given: str) -> str:
    with pytest.raises(Refused) as refused:
        decide(context, wish(action, context.today, **given), OFFICIAL, NOW)
    return refused.value.message


def with_(context: Context, **changes: object) -> Context:
    return replace(context, record=replace(context.record, **changes))  # type: ignore[arg-type]


def test_asked_before_visited_and_visited_before_interviewed() -> None:
    fresh = replace(ready(S.RECHECK_REQUESTED), record=Record(reviewed=True))
    assert "先询问，再上门" in blocked(fresh, A.VISIT)
    asked = with_(fresh, asked_on=(TODAY - timedelta(days=3),))
    assert "说明期至" in blocked(replace(asked, state=S.ASKED), A.VISIT)
    assert "入户核查至少一次" in blocked(replace(asked, state=S.ASKED), A.INTERVIEW)
    answered = with_(asked, answered_on=TODAY)
    assert decide(replace(answered, state=S.ASKED), wish(A.VISIT), OFFICIAL, NOW).state is S.VISIT


def test_a_yellow_lead_is_asked_at_once_and_concludes_nothing() -> None:
    fresh = replace(ready(S.OPEN), stage="yellow", record=Record())
    assert decide(fresh, wish(A.ASK), OFFICIAL, NOW).state is S.ASKED
    assert "先“转复核”" in blocked(replace(fresh, stage="red"), A.ASK)
    assert "黄色线索只能询问" in blocked(replace(ready(S.INTERVIEW), stage="yellow"), A.PROPOSE)


def test_a_household_is_not_written_to_more_than_once_a_week() -> None:
    asked = with_(ready(S.ASKED), asked_on=(TODAY - timedelta(days=6),))
    assert "7天" in blocked(asked, A.ASK)
    assert decide(replace(asked, today=TODAY + timedelta(days=1)), wish(A.ASK), OFFICIAL, NOW).state is S.ASKED


def test_nobody_is_interviewed_or_noticed_where_nobody_has_a_tenancy() -> None:
    for state, action in ((S.OPEN, A.ASK), (S.VISIT, A.INTERVIEW), (S.VISIT, A.PROPOSE)):
        assert "没有承租家庭" in blocked(replace(ready(state), household=False, stage="yellow"), action)
    empty = replace(ready(S.OPEN), household=False, record=Record())
    assert decide(empty, wish(A.VISIT), OFFICIAL, NOW).state is S.VISIT, "an empty home may be looked at the same day"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"second_staff": "核查人员一：first_staff"}, "两名不同"),
        ({"shown_id": "no"}, "工作证件"),
        ({"result": "others", "adult_present": "no"}, "成年家庭成员"),
        ({"result": "empty", "adult_present": "no"}, "成年家庭成员"),
        ({"time": "weekend"}, "时段与核查日期不符"),
        ({"time": "evening", "visited_on": "2026-11-15"}, "时段与核查日期不符"),
        ({"time": "workday", "visited_on": "2026-10-01"}, "时段与核查日期不符"),
        ({"time": "weekend", "visited_on": "2026-10-10"}, "时段与核查日期不符"),
    ],
)
def test_how_a_home_is_visited(given: dict[str, str], words: str) -> None:
    assert words in blocked(ready(S.VISIT), A.VISITED, **given)


def test_who_is_not_there_before_the_day_is_not_absent() -> None:
    arranged = with_(ready(S.INTERVIEW), interview_on=TODAY + timedelta(days=3))
    assert "未到场" in blocked(arranged, A.INTERVIEWED, came="no")
    assert decide(arranged, wish(A.INTERVIEWED, came="yes"), OFFICIAL, NOW).state is S.INTERVIEW, "who comes early came"
    past = with_(arranged, interview_on=TODAY)
    assert decide(past, wish(A.INTERVIEWED, came="no"), OFFICIAL, NOW).state is S.INTERVIEW


def test_nothing_is_dated_before_what_it_follows() -> None:
    """A visit before anybody asked, an interview before it was decided on, a defence older than its notice: not of this case."""
    asked, day = TODAY - timedelta(days=30), (TODAY - timedelta(days=31)).isoformat()
    assert "早于询问当事人之日" in blocked(with_(ready(S.VISIT), first_asked=asked), A.VISITED, visited_on=day)
    assert "早于转约谈之日" in blocked(with_(ready(S.INTERVIEW), state_since=asked), A.INTERVIEWED, held_on=day)
    noticed = ready(S.NOTICED)
    assert noticed.record.notice is not None
    older = (noticed.record.notice.on - timedelta(days=1)).isoformat()
    free = with_(noticed, hearing=None, hearing_on=None)
    dated = (
        (A.DEFENCE, "said_on"),
        (A.HEARING_REQUESTED, "asked_on"),
        (A.APPEAL, "appealed_on"),
        (A.COMPLIED, "done_on"),
    )
    for action, name in dated:
        assert "早于通知签发之日" in blocked(free, action, **{name: older}), action


def test_every_state_has_english_words() -> None:
    """A step that is refused names the state: `Agree as the second, 待签发` helps nobody."""
    for action in ACTIONS:
        for state in set(State) - ACTIONS[action].allowed_in:
            said = english(blocked(ready(state), action))
            assert not re.search("[\u4e00-\u9fff]", said), said


def test_every_help_of_a_form_has_english_words() -> None:
    helps = {one.help_zh for rule in ACTIONS.values() for one in rule.fields if one.help_zh}
    assert helps
    assert not [text for text in helps if re.search("[\u4e00-\u9fff]", english(text))]


def test_no_conclusion_before_the_household_was_heard() -> None:
    silent = with_(ready(S.INTERVIEW), heard=False, asked_on=(TODAY - timedelta(days=30),), tries=3)
    assert "听取当事人说明" in blocked(silent, A.PROPOSE)
    assert "听取当事人说明" in blocked(with_(silent, tries=4, off_hours_tries=0), A.PROPOSE)
    sought = with_(silent, tries=4, off_hours_tries=1)
    assert decide(sought, wish(A.PROPOSE), OFFICIAL, NOW).state is S.DELIBERATION
    assert not was_heard(replace(sought.record, asked_on=()), TODAY), "sought, but never asked"
    assert not was_heard(replace(sought.record, asked_on=(TODAY - timedelta(days=9),)), TODAY), "its time is not over"
    assert "听取当事人说明" in blocked(replace(silent, state=S.CONCLUDED), A.SIGN)


@pytest.mark.parametrize("question", HARDSHIP)
@pytest.mark.parametrize("answer", ["unknown", ""])
def test_no_notice_before_every_question_of_hardship_is_answered(question: str, answer: str) -> None:
    answers = {**NO_HARDSHIP, question: answer}
    for state, action in ((S.INTERVIEW, A.PROPOSE), (S.CONCLUDED, A.SIGN)):
        assert "困难情况筛查" in blocked(with_(ready(state), hardship=answers), action)
        assert "困难情况筛查" in blocked(with_(ready(state), hardship={}, hardship_on=None), action)
        assert "90天" in blocked(with_(ready(state), hardship_on=TODAY - timedelta(days=91)), action)


@pytest.mark.parametrize("question", HARDSHIP)
def test_hardship_needs_help_and_gives_more_time(question: str) -> None:
    answers = {**NO_HARDSHIP, question: "yes"}
    assert "帮扶" in blocked(with_(ready(S.CONCLUDED), hardship=answers), A.SIGN)
    helped = with_(ready(S.CONCLUDED), hardship={**answers, "measures": "社区结对，延长搬迁期"})
    soon = (TODAY + timedelta(days=HARDSHIP_DAYS["vacate"] - 1)).isoformat()
    assert "不得少于60天" in blocked(helped, A.SIGN, deadline=soon)
    assert decide(ready(S.CONCLUDED), wish(A.SIGN, deadline=soon), OFFICIAL, NOW).state is S.NOTICED
    assert all(HARDSHIP_DAYS[one] > NOTICE_DAYS[one] for one in NOTICES)


def test_two_people_conclude_and_a_second_signs() -> None:
    for action in (A.AGREE, A.DISAGREE):
        assert "另一人" in blocked(ready(S.DELIBERATION, "a"), action)
    assert "提请人以外" in blocked(ready(S.CONCLUDED, "a"), A.SIGN)
    not_agreed = ready(S.CONCLUDED)
    assert not_agreed.record.proposal is not None
    assert "两人会商" in blocked(
        with_(not_agreed, proposal=replace(not_agreed.record.proposal, agreed_by=None)), A.SIGN
    )


@pytest.mark.parametrize(("conclusion", "to"), [("good_cause", S.GOOD_CAUSE), ("unproven", S.CLOSED_UNPROVEN)])
def test_two_people_may_also_find_nothing(conclusion: str, to: State) -> None:
    context = ready(S.DELIBERATION)
    assert context.record.proposal is not None
    context = with_(context, proposal=replace(context.record.proposal, conclusion=conclusion, agreed_by=None))
    step = decide(context, wish(A.AGREE), OFFICIAL, NOW)
    assert (step.state, step.closed, step.outcome, step.feed) == (to, True, to.value, f"case.{to.value}")


def test_records_that_were_not_reviewed_are_no_evidence() -> None:
    context = replace(ready(S.INTERVIEW), devices_reviewed=False)
    assert "第四十一条" in blocked(context, A.PROPOSE, electronic="yes")
    assert decide(context, wish(A.PROPOSE, electronic="no"), OFFICIAL, NOW).state is S.DELIBERATION


def test_who_was_part_of_a_decision_does_not_judge_it() -> None:
    for who in ("a", "c", "d"):
        assert "未参与" in blocked(ready(S.NOTICED, who), A.APPEAL_DECIDED)
        assert "未参与" in blocked(ready(S.NOTICED, who), A.HEARING_HELD)
    assert "提请人以外" in blocked(ready(S.NOTICED, "a"), A.REPLY)


@pytest.mark.parametrize("action", [A.REPLY, A.HEARING_HELD, A.APPEAL_DECIDED])
def test_a_household_that_is_right_ends_the_notice(action: Action) -> None:
    step = decide(ready(S.NOTICED), wish(action, outcome="withdrawn"), OFFICIAL, NOW)
    assert (step.state, step.outcome, step.feed) == (S.WITHDRAWN, "withdrawn", "case.withdrawn")


def test_a_defence_never_makes_it_worse() -> None:
    log = [_entry(A.PROPOSE, TODAY, actor="a", conclusion="vacate"), _entry(A.AGREE, TODAY, actor="c")]
    log += [_entry(A.SIGN, TODAY, actor="d", number="1", deadline="2027-02-01"), _entry(A.DEFENCE, TODAY)]
    for outcome in next(one for one in ACTIONS[A.REPLY].fields if one.name == "outcome").choices:
        notice = record_of([*log, _entry(A.REPLY, TODAY, outcome=outcome)]).notice
        assert notice is not None
        order = list(NOTICES)
        assert order.index(notice.conclusion) <= order.index("vacate")
    assert order.index(notice.conclusion) == 0, "changed to a rectification"


def test_nothing_is_referred_before_everything_was_said_and_answered() -> None:
    noticed = ready(S.NOTICED)
    assert "尚未送达" in blocked(noticed, A.REFER)
    notice = noticed.record.notice
    assert notice is not None
    served = with_(noticed, notice=replace(notice, served_on=TODAY - timedelta(days=5)))
    assert "期满后" in blocked(served, A.REFER)
    late = with_(noticed, notice=replace(notice, served_on=date(2026, 5, 6)))
    for one in ("defence", "hearing", "appeal"):
        others = {name: None for name in ("defence", "hearing", "appeal") if name != one}
        assert "尚未办结" in blocked(with_(late, **others), A.REFER)
    done = with_(late, defence=None, hearing=None, appeal=None)
    reminded = {"reminded_on": (TODAY - timedelta(days=10)).isoformat()}
    assert decide(done, wish(A.REFER, **reminded), OFFICIAL, NOW).state is S.REFERRED
    too_young = {"reminded_on": (TODAY - timedelta(days=9)).isoformat()}
    assert "已满10日" in blocked(done, A.REFER, **too_young), "Administrative Compulsion Law art. 54"
    assert "届满后" in blocked(done, A.REFER, reminded_on="2026-06-30"), "a reminder follows a deadline that was missed"
    assert "签发人以外" in blocked(replace(done, actor="d"), A.REFER)
    assert "催告" in blocked(
        with_(done, notice=replace(done.record.notice, deadline=TODAY - timedelta(days=10))), A.REFER
    )  # type: ignore[type-var]
    light = with_(done, notice=replace(done.record.notice, conclusion="rectify"))  # type: ignore[type-var]
    assert "不能直接移送" in blocked(light, A.REFER)
    assert decide(light, wish(A.PROPOSE), OFFICIAL, NOW).state is S.DELIBERATION, (
        "not rectified in time: two people again"
    )
    assert "整改期满" in blocked(done, A.PROPOSE)


def test_a_hearing_is_told_seven_working_days_before() -> None:
    noticed = with_(ready(S.NOTICED), hearing=None)
    assert "七个工作日" in blocked(noticed, A.HEARING_REQUESTED, on=(TODAY + timedelta(days=10)).isoformat())
    assert decide(noticed, wish(A.HEARING_REQUESTED), OFFICIAL, NOW).state is S.NOTICED
    asked = LogEntry(NOW, TODAY, "x", A.HEARING_REQUESTED, "", {"on": (TODAY + timedelta(days=8)).isoformat()})
    arranged = record_of([asked])
    waiting = with_(ready(S.NOTICED), hearing=arranged.hearing, hearing_on=arranged.hearing_on)
    assert "不能早于" in blocked(waiting, A.HEARING_HELD), "not before the day the household was told"
    on_the_day = replace(waiting, today=TODAY + timedelta(days=8))
    assert "不能早于" in blocked(on_the_day, A.HEARING_HELD, held_on=TODAY.isoformat())
    assert decide(on_the_day, wish(A.HEARING_HELD, on_the_day.today), OFFICIAL, NOW).state is S.NOTICED


def test_a_notice_served_late_leaves_the_household_its_days() -> None:
    log = [
        _entry(A.HARDSHIP, TODAY, **{**NO_HARDSHIP, "disabled": "yes"}),
        _entry(A.PROPOSE, TODAY, conclusion="vacate"),
    ]
    log += [_entry(A.SIGN, TODAY, actor="d", number="1", deadline=(TODAY + timedelta(days=60)).isoformat())]
    signed, served = record_of(log).notice, record_of([*log, _entry(A.SERVED, TODAY, served_on="2027-01-10")]).notice
    assert signed is not None
    assert served is not None
    assert signed.until == TODAY + timedelta(days=60)
    assert served.until == date(2027, 1, 10) + timedelta(days=HARDSHIP_DAYS["vacate"])


def test_a_heavier_conclusion_not_agreed_to_leaves_the_notice_as_it_was() -> None:
    again = ready(S.NOTICED)
    proposed_again = replace(again, state=S.DELIBERATION, record=replace(again.record, notice=again.record.notice))
    assert decide(proposed_again, wish(A.DISAGREE), OFFICIAL, NOW).state is S.NOTICED
    log = [_entry(A.PROPOSE, TODAY, actor="a", conclusion="rectify"), _entry(A.AGREE, TODAY, actor="c")]
    log += [
        _entry(A.SIGN, TODAY, actor="d", deadline="2026-12-30"),
        _entry(A.PROPOSE, TODAY, actor="e", conclusion="vacate"),
    ]
    assert record_of([*log, _entry(A.DISAGREE, TODAY, actor="f")]).deciders == {"a", "c", "d", "e"}


def test_a_served_notice_is_not_served_again_nor_before_it_was_signed() -> None:
    assert "送达回证" in blocked(replace(ready(S.REFERRED), state=S.NOTICED), A.SERVED)
    assert "早于签发" in blocked(ready(S.NOTICED), A.SERVED, served_on="2026-01-01")


def test_a_referred_case_waits_for_the_lease_system() -> None:
    assert "回传" in blocked(with_(ready(S.REFERRED), returned=False, appeal=None, hearing=None), A.ARCHIVE)
    settled = with_(ready(S.REFERRED), appeal=None, hearing=None)
    assert decide(settled, wish(A.ARCHIVE), OFFICIAL, NOW).outcome == "upheld"


def test_nothing_is_archived_over_an_unanswered_appeal() -> None:
    assert "申诉" in blocked(ready(S.REFERRED), A.ARCHIVE)
    paid_under_protest = with_(ready(S.RECTIFIED), appeal=TODAY)
    assert "申诉" in blocked(paid_under_protest, A.ARCHIVE)
    step = decide(replace(paid_under_protest, actor="e"), wish(A.APPEAL_DECIDED, outcome="withdrawn"), OFFICIAL, NOW)
    assert (step.state, step.outcome) == (S.WITHDRAWN, "withdrawn")


def test_a_question_does_not_accuse() -> None:
    asked = replace(ready(S.RECHECK_REQUESTED), record=replace(ready(S.OPEN).record, asked_on=()))
    for words in ("您涉嫌转租，请限期说明。", "监控显示您长期不在家。", "我们将处罚违规行为。"):
        with pytest.raises(Refused, match="中性"):
            decide(asked, replace(wish(A.ASK), opinion=words), OFFICIAL, NOW)
    for kind in (*Kind, *HINT_KINDS_ZH):
        offered = replace(wish(A.ASK), opinion=question(kind, TODAY))
        assert decide(asked, offered, OFFICIAL, NOW).state is S.ASKED


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("vacancy", "外出"), ("not_moved_in", "入住"), ("sublet", "登记信息"), ("turnover", "登记信息"),
        ("over_occupancy", "登记信息"), ("brief_lend", "登记信息"), ("lease_over", "续租"),
    ],
)  # fmt: skip
def test_a_question_is_about_what_is_not_known(kind: str, of: str) -> None:
    assert of in question(kind, TODAY)


OPEN_CASES = {"vacancy": S.OPEN, "turnover": S.ASKED}


@pytest.mark.parametrize(
    ("kind", "open_cases", "what"),
    [
        ("sublet", {}, (OnFacts.OPEN, "")),
        ("sublet", {"vacancy": S.OPEN}, (OnFacts.OPEN, "")),
        ("sublet", OPEN_CASES, (OnFacts.JOIN, "turnover")),
        ("sublet", {"turnover": S.NOTICED}, (OnFacts.OPEN, "")),
        ("sublet", {"turnover": S.NOTICED, "over_occupancy": S.VISIT}, (OnFacts.JOIN, "over_occupancy")),
        ("over_occupancy", OPEN_CASES, (OnFacts.NOTHING, "")),
        ("stranger_household", {"sublet": S.NOTICED}, (OnFacts.NOTHING, "")),
        ("vacancy", {"sublet": S.OPEN}, (OnFacts.OPEN, "")),
        ("lease_over", OPEN_CASES, (OnFacts.OPEN, "")),
    ],
)
def test_who_lives_there_is_asked_once(kind: str, open_cases: dict[str, S], what: tuple[OnFacts, str]) -> None:
    assert beside(kind, open_cases) == what


def test_asked_again_the_household_has_its_days_again() -> None:
    log = [_entry(A.ASK, date(2026, 8, 1)), _entry(A.ANSWER, date(2026, 8, 3)), _entry(A.ASK, TODAY)]
    again = replace(ready(S.ASKED), record=replace(record_of(log), reviewed=True))
    assert "说明期至" in blocked(again, A.VISIT)


def test_a_conclusion_and_its_ground_agree() -> None:
    heard = ready(S.INTERVIEW)
    for conclusion, code in (("vacate", "G_NONE"), ("unproven", "G_SUBLET"), ("good_cause", "G_IDLE")):
        with pytest.raises(Refused, match="不一致"):
            decide(heard, replace(wish(A.PROPOSE, conclusion=conclusion), reason_code=code), OFFICIAL, NOW)


def test_idleness_is_not_found_by_records_before_the_place_s_time_is_over() -> None:
    orange = replace(ready(S.INTERVIEW), stage="orange", kind="vacancy")
    by_records = replace(wish(A.PROPOSE, conclusion="vacate", electronic="yes"), reason_code="G_IDLE")
    with pytest.raises(Refused, match="期限"):
        decide(orange, by_records, OFFICIAL, NOW)
    by_people = replace(wish(A.PROPOSE, conclusion="vacate", electronic="no"), reason_code="G_IDLE")
    assert decide(orange, by_people, OFFICIAL, NOW).state is S.DELIBERATION


def test_six_months_are_calendar_months() -> None:
    """Red at 180 days is up to four days short of the law's six months: until they have run nobody concludes from idleness."""
    since = date(2026, 5, 24)
    for state, action, code in ((S.INTERVIEW, A.PROPOSE, "G_IDLE"), (S.CONCLUDED, A.SIGN, "")):
        ready_now = ready(state)
        proposal = ready_now.record.proposal
        assert proposal is not None
        red = replace(
            with_(ready_now, proposal=replace(proposal, ground="G_IDLE")),
            kind="vacancy",
            idle_since=since,
            idle_months=6,
        )
        asked = wish(action, conclusion="vacate") if action is A.PROPOSE else wish(action)
        asked = replace(asked, reason_code=code)
        with pytest.raises(Refused, match="2026-11-24期满"):
            decide(replace(red, today=date(2026, 11, 23)), asked, OFFICIAL, NOW)
        later = {"deadline": "2027-03-01"} if action is A.SIGN else {}
        asked = replace(asked, fields={**asked.fields, **later})
        assert decide(replace(red, today=date(2026, 11, 24)), asked, OFFICIAL, NOW).state is not state
    assert (date(2026, 11, 20) - since).days == 180, "and red it has been since day 180"
    for since, early, day in (
        (date(2027, 8, 31), date(2028, 2, 29), date(2028, 3, 1)),
        (date(2026, 8, 29), date(2027, 2, 28), date(2027, 3, 1)),
        (date(2028, 2, 29), date(2028, 8, 28), date(2028, 8, 29)),
        (date(2027, 3, 1), date(2027, 8, 31), date(2027, 9, 1)),
    ):
        now = replace(with_(ready(S.INTERVIEW), hardship_on=early), kind="vacancy", idle_since=since, idle_months=6)
        asked = replace(wish(A.PROPOSE, conclusion="vacate"), reason_code="G_IDLE")
        with pytest.raises(Refused, match=f"{day}期满"):
            decide(replace(now, today=early), asked, OFFICIAL, NOW)
        assert decide(replace(now, today=day), asked, OFFICIAL, NOW).state is S.DELIBERATION
    other = replace(ready(S.INTERVIEW), kind="vacancy", idle_since=TODAY, idle_months=6)
    lent = replace(wish(A.PROPOSE, conclusion="vacate"), reason_code="G_SUBLET")
    assert decide(other, lent, OFFICIAL, NOW).state is S.DELIBERATION, "other grounds have no such term"


def test_no_more_appointments_in_a_month_than_the_place_has() -> None:
    home = {"visited_on": "2026-11-18", "time": "evening", "result": "nobody", "adult_present": "no"}
    log = [
        LogEntry(NOW, TODAY, "x", A.VISITED, "", {**home, "visited_on": "2026-11-03"}),
        LogEntry(NOW, TODAY, "x", A.NOTE, "C_VISIT_OFF"),  # the note beside it: the same visit
        LogEntry(NOW + timedelta(hours=1), TODAY, "x", A.NOTE, "C_VISIT_DAY"),
        LogEntry(NOW + timedelta(hours=2), TODAY, "x", A.NOTE, "C_PHONE"),
    ]
    record = record_of(log)
    assert record.appointments == (date(2026, 11, 3), TODAY)
    beijing = replace(with_(ready(S.VISIT), appointments=record.appointments), appointments_per_month=2)
    assert "每月预约入户2次" in blocked(beijing, A.VISITED, **home)
    in_october = {**home, "visited_on": "2026-10-28"}
    assert decide(beijing, wish(A.VISITED, **in_october), OFFICIAL, NOW).state is S.VISIT
    with pytest.raises(Refused, match="每月预约入户2次"):
        decide(beijing, Wish(A.NOTE, "C_VISIT_DAY", "无人应门"), OFFICIAL, NOW)
    assert decide(beijing, Wish(A.NOTE, "C_PHONE", "无人接听"), OFFICIAL, NOW).state is S.VISIT
    elsewhere = replace(beijing, appointments_per_month=None)
    assert decide(elsewhere, wish(A.VISITED, **home), OFFICIAL, NOW).state is S.VISIT


def test_nothing_is_signed_on_records_that_no_longer_stand() -> None:
    concluded = ready(S.CONCLUDED)
    proposal = concluded.record.proposal
    assert proposal is not None
    electronic = with_(concluded, proposal=replace(proposal, electronic=True))
    assert decide(electronic, wish(A.SIGN), OFFICIAL, NOW).state is S.NOTICED
    assert "消失" in blocked(with_(electronic, facts_gone_on=TODAY), A.SIGN)
    assert "第四十一条" in blocked(replace(electronic, devices_reviewed=False), A.SIGN)
    assert "黄色" in blocked(replace(concluded, stage="yellow"), A.SIGN)


# --- what the program proposes ------------------------------------------------------------------------------------------


def test_the_program_proposes_at_most_an_interview() -> None:
    assert {one.value for one in Proposal} == {"A1", "A2", "A3", "A4"}, "no word for a notice: it cannot be proposed"
    for kind, stage in product(("vacancy", "sublet", "not_moved_in", "vacant_used", "?"), (*CASE_STAGES, "note", "?")):
        assert proposed(kind, stage) in Proposal
    assert [proposed("vacancy", stage).value for stage in CASE_STAGES] == ["A1", "A3", "A4"]


def test_every_innocent_explanation_is_a_reason_to_dismiss_and_an_answer() -> None:
    codes = {f"IE{n:02d}" for n in range(1, 33)}
    assert codes <= set(reasons.DISMISS)
    assert codes <= set(reasons.ANSWER)
    assert set(reasons.GOOD_CAUSE) <= set(reasons.INNOCENT)
    assert not codes & set(reasons.GROUNDS), "refusing face recognition (IE20) and the like are never a ground"


# --- facts --------------------------------------------------------------------------------------------------------------

FACTS = Facts("orange", date(2026, 8, 1), frozenset({"F1", "F2"}))
CLOSED_CASE = ClosedCase(date(2026, 11, 1), datetime(2027, 1, 30, tzinfo=UTC), FACTS)


@pytest.mark.parametrize(
    ("facts", "open_stage", "last", "wanted"),
    [
        (FACTS, None, None, OnFacts.OPEN),
        (FACTS, "orange", None, OnFacts.REFRESH),
        (FACTS, "yellow", None, OnFacts.STAGE),
        (Facts("note", date(2026, 8, 1), frozenset({"F1"})), None, None, OnFacts.NOTHING),
        (Facts("insufficient_data", date(2026, 8, 1), frozenset()), "yellow", None, OnFacts.NOTHING),
        (FACTS, None, CLOSED_CASE, OnFacts.NOTHING),
        (Facts("red", date(2026, 8, 1), frozenset({"F1", "F2"})), None, CLOSED_CASE, OnFacts.NOTHING),
        (Facts("orange", date(2026, 8, 1), frozenset({"F1", "F2", "F3"})), None, CLOSED_CASE, OnFacts.OPEN),
        (Facts("yellow", date(2026, 11, 1), frozenset({"F1"})), None, CLOSED_CASE, OnFacts.NOTHING),
        (Facts("yellow", date(2026, 11, 2), frozenset({"F1"})), None, CLOSED_CASE, OnFacts.OPEN),
        (FACTS, None, ClosedCase(CLOSED_CASE.closed_on, NOW, FACTS), OnFacts.OPEN),
        (FACTS, None, ClosedCase(CLOSED_CASE.closed_on, NOW + timedelta(seconds=1), FACTS), OnFacts.NOTHING),
        (FACTS, None, ClosedCase(CLOSED_CASE.closed_on, None, FACTS), OnFacts.OPEN),
    ],
)
def test_what_facts_do(facts: Facts, open_stage: str | None, last: ClosedCase | None, wanted: OnFacts) -> None:
    assert on_facts(facts, open_stage, last, NOW) is wanted


@pytest.mark.parametrize(
    ("of_absence", "first", "last", "wanted"),
    [
        (False, date(2026, 7, 13), date(2026, 8, 11), date(2026, 7, 13)),
        (False, date(2026, 10, 1), date(2026, 10, 30), date(2026, 7, 13)),
        (True, date(2026, 5, 1), date(2026, 8, 11), date(2026, 5, 1)),
        (True, date(2026, 5, 1), date(2026, 10, 30), date(2026, 5, 1)),
    ],
)
def test_facts_begin_where_they_began_however_long_they_go_on(
    of_absence: bool, first: date, last: date, wanted: date
) -> None:
    assert began(first, last, date(2026, 8, 11), of_absence) == wanted


def test_facts_that_go_end_only_what_nobody_has_taken_up() -> None:
    assert [state for state in State if on_facts_gone(state)] == [State.OPEN]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("due", [None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])
def test_time_ends_an_inquiry_without_facts(state: State, live: bool, due: datetime | None) -> None:
    step = on_due(state, due, live, NOW)
    assert (step is not None) == (state in INQUIRY and not live and due is not None and due <= NOW)


# --- at random ----------------------------------------------------------------------------------------------------------


class Case(RuleBasedStateMachine):
    """Officials do what they like, in any order, over any time; what was allowed must satisfy the rules, whatever the path."""

    def __init__(self) -> None:
        super().__init__()
        self.today, self.state, self.stage = date(2026, 1, 5), State.OPEN, "red"
        self.log: list[LogEntry] = [_entry("opened", self.today)]
        self.signed: list[tuple[str, Record]] = []

    @rule(days=st.integers(0, 40))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(stage=st.sampled_from(CASE_STAGES))
    def the_finding_changes(self, stage: str) -> None:
        self.stage = stage

    @precondition(lambda self: self.state in LIVE)
    @rule(data=st.data(), who=st.sampled_from("abcd"))
    def somebody_does_something(self, data: st.DataObject, who: str) -> None:
        record = record_of(self.log)
        context = Context("sublet", self.stage, self.state, record, who, self.today, devices_reviewed=False)
        actions = [one.action for one in open_steps(context, OFFICIAL) if not one.blocked]
        action = data.draw(st.sampled_from(actions))
        given = {
            one.name: data.draw(st.sampled_from(sorted(one.choices)), one.name)
            for one in ACTIONS[action].fields
            if one.kind is FieldKind.CHOICE
        }
        asked = wish(action, self.today, **given)
        try:
            step = decide(context, asked, OFFICIAL, NOW)
        except Refused:
            return
        self._check(action, context, record)
        self.log.append(_entry(action, self.today, actor=who, code=asked.reason_code, **dict(step.fields)))
        self.state = step.state

    def _check(self, action: Action, context: Context, before: Record) -> None:
        if action is Action.SIGN:
            assert before.proposal is not None
            assert before.proposal.agreed_by not in (None, before.proposal.by)
            assert context.actor != before.proposal.by
            assert was_heard(before, self.today)
            assert not before.hardship_open
        if action is Action.VISIT:
            assert before.reviewed
            assert before.asked_on
        if action is Action.REFER:
            assert before.notice is not None
            assert before.notice.served_on is not None
            assert (before.defence, before.hearing, before.appeal) == (None, None, None)

    @invariant()
    def a_notice_was_signed_by_one_after_two_agreed(self) -> None:
        if self.state in (State.NOTICED, State.REFERRED):
            done = [entry.action for entry in self.log]
            assert done.index(Action.PROPOSE) < done.index(Action.AGREE) < done.index(Action.SIGN)
            assert Action.HARDSHIP in done[: done.index(Action.SIGN)]
            assert Action.ASK in done[: done.index(Action.SIGN)]
            assert Action.VISITED in done[: done.index(Action.SIGN)] or Action.ANSWER in done


TestCase = Case.TestCase
TestCase.settings = settings(max_examples=20, stateful_step_count=40, deadline=None)


def test_every_guard_belongs_to_a_step() -> None:
    assert set(GUARDS) <= set(ACTIONS) == set(Action)
