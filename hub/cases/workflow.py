"""(P) What becomes of a case: which steps are open to whom, what each does, and when facts open, keep quiet or end one.

线索 → 初筛 → 数据复核 → 当事人说明 → 入户核查 → 约谈 → 认定会商 (two people) → 整改 / 解除 / 限期腾退 (signed, numbered) →
陈述申辩 / 听证 → 移送 → 归档. A case is about facts: no state and no step has an effect on anybody's access, and the program
proposes at most an interview; everything beyond is a named person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from hub.cases.forms import Refused, filled
from hub.cases.guards import ABOUT, GUARDS, Context
from hub.cases.states import CASE_STAGES as CASE_STAGES
from hub.cases.states import INQUIRY, LIVE, NOTICES, OTHERS, STATES_ZH, WHO_LIVES_THERE, State
from hub.cases.steps import ACTIONS, Action, ActionRule

QUIET = timedelta(days=90)
"""So long a household is not flagged again on the same facts."""

UNPROVEN_AFTER = timedelta(days=90)
"""A case without new evidence for so long ends as 未证实."""

MIN_OPINION = 4
NOT_A_PERSON = frozenset({"", "system", "lease_system"})
OUTCOMES = {"good_cause": State.GOOD_CAUSE, "unproven": State.CLOSED_UNPROVEN}


class Proposal(StrEnum):
    """What the program itself may propose. There is no word here for a notice or a file, so it cannot propose one."""

    MESSAGE = "A1"
    CALL = "A2"
    VISIT = "A3"
    INTERVIEW = "A4"


PROPOSALS_ZH = {
    Proposal.MESSAGE: "发中性询问：如近期不在家，请告知",
    Proposal.CALL: "在不同日期电话联系两次",
    Proposal.VISIT: "询问后入户核查（两名人员、出示证件、成年人在场、不同时段）",
    Proposal.INTERVIEW: "询问和入户核查后约谈",
}


def proposed(kind: str, stage: str) -> Proposal:
    """By stage alone: what the household is like plays no part."""
    if kind == "vacant_used":
        return Proposal.VISIT
    return {"yellow": Proposal.MESSAGE, "orange": Proposal.VISIT, "red": Proposal.INTERVIEW}.get(stage, Proposal.CALL)


@dataclass(frozen=True, slots=True)
class Transition:
    """What a step does to the case: nothing else happens by it. `evidence`: its time to end by itself starts anew."""

    state: State
    closed: bool
    outcome: str | None
    quiet_until: datetime | None
    feed: str | None
    fields: Mapping[str, str] = field(default_factory=dict)
    evidence: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """A step open to somebody. `blocked`: what is missing yet (zh-CN); empty when it can be taken now."""

    action: Action
    rule: ActionRule
    blocked: str


def open_steps(context: Context, permissions: frozenset[str]) -> tuple[Open, ...]:
    """What this person may do in this state, also what is still blocked, with why; not what there is no occasion for."""
    return tuple(
        Open(action, rule, (guard(context, None) if (guard := GUARDS.get(action)) else None) or "")
        for action, rule in ACTIONS.items()
        if context.state in rule.allowed_in and rule.permission in permissions and _occasion(context, action)
    )


def _occasion(context: Context, action: Action) -> bool:
    about = ABOUT.get(action)
    return about is None or about(context.record) is not None


@dataclass(frozen=True, slots=True)
class Wish:
    """A step as a person asks for it."""

    action: Action
    reason_code: str
    opinion: str
    fields: Mapping[str, object] = field(default_factory=dict)


def decide(context: Context, wish: Wish, permissions: frozenset[str], now: datetime) -> Transition:
    """One step by one person. Raises `Refused` without a permission, a form, a reason, a written part or what comes first."""
    rule = ACTIONS[wish.action]
    if rule.permission not in permissions or context.actor in NOT_A_PERSON:
        raise Refused("forbidden", "您的岗位没有办理案件的权限。")
    if context.state not in rule.allowed_in:
        raise Refused("wrong_state", f"案件当前为“{STATES_ZH[context.state]}”，不能“{rule.label_zh}”。请刷新后查看。")
    guard = GUARDS.get(wish.action)
    if guard and (problem := guard(context, None)):
        raise Refused("not_yet", problem)
    if rule.reason_codes and wish.reason_code not in rule.reason_codes:
        raise Refused("unknown_reason", f"请为“{rule.label_zh}”选择一个理由。")
    if not rule.reason_codes and wish.reason_code:
        raise Refused("unknown_reason", f"“{rule.label_zh}”没有可选的理由，请刷新页面。")
    fields = filled(rule.fields, wish.fields, context.today)
    told = {**fields, "reason_code": wish.reason_code, "opinion": wish.opinion}
    if guard and (problem := guard(context, told)):
        raise Refused("not_so", problem)
    if len(wish.opinion.strip()) < MIN_OPINION:
        raise Refused("opinion_needed", f"请填写{rule.opinion_zh}（至少{MIN_OPINION}个字）。")
    return _transition(context, wish.action, rule, fields, now)


def _transition(
    context: Context, action: Action, rule: ActionRule, fields: Mapping[str, str], now: datetime
) -> Transition:
    to, feed = rule.to or context.state, rule.feed
    if action is Action.AGREE and context.record.proposal:
        conclusion = context.record.proposal.conclusion
        to = State.CONCLUDED if conclusion in NOTICES else OUTCOMES[conclusion]
        feed = {State.CONCLUDED: "case.concluded"}.get(to, f"case.{to.value}")
    if action is Action.DISAGREE and context.record.notice is not None:
        to = State.NOTICED  # a notice stands: that a second, heavier one was not agreed to takes nothing of it back
    if fields.get("outcome") == "withdrawn":
        to, feed = State.WITHDRAWN, "case.withdrawn"
    withdrawn_now = to is State.WITHDRAWN and context.state is not to
    closes = to not in LIVE and (context.state in LIVE or withdrawn_now)
    outcome = None if not closes else "upheld" if to is State.ARCHIVED else to.value
    quiet = now + QUIET if closes else None
    return Transition(to, closes, outcome, quiet, feed, fields, rule.evidence)


# --- facts --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finding says now, as far as a case looks at it. `began`: the first day of what it says."""

    stage: str
    began: date
    families: frozenset[str]


def began(window_from: date, window_to: date, opened_on: date, of_absence: bool) -> date:
    """The first day of what a finding says. The window of an absence begins with it; any other slides with the days, and stands
    for those before the finding opened."""
    return window_from if of_absence else opened_on - (window_to - window_from)


@dataclass(frozen=True, slots=True)
class ClosedCase:
    """The latest closed case of the same dwelling and kind, with the facts it was closed on."""

    closed_on: date
    quiet_until: datetime | None
    facts: Facts


class OnFacts(StrEnum):
    """What facts do: open a case, go on in one of another kind, change its stage, refresh it, or nothing."""

    OPEN = "open"
    JOIN = "join"
    STAGE = "stage"
    REFRESH = "refresh"
    NOTHING = "nothing"


def on_facts(facts: Facts, open_stage: str | None, last: ClosedCase | None, now: datetime) -> OnFacts:
    """One open case a dwelling and kind; after a decision, only new facts or the end of the quiet time open another."""
    if facts.stage not in CASE_STAGES:
        return OnFacts.NOTHING
    if open_stage is not None:
        return OnFacts.REFRESH if open_stage == facts.stage else OnFacts.STAGE
    if last is not None and last.quiet_until is not None and now < last.quiet_until and not is_new(facts, last):
        return OnFacts.NOTHING
    return OnFacts.OPEN


def beside(kind: str, open_cases: Mapping[str, State]) -> tuple[OnFacts, str]:
    """What a finding does that would open a case, beside the open ones of this household (kind to state): open it, nothing, or
    join the case of the kind that is told.

    Nobody is asked by two cases who lives there. A lead on others goes on in the case of a smaller rule while that is still
    finding out; a smaller rule opens none beside another.
    """
    same = {one: state for one, state in open_cases.items() if one in WHO_LIVES_THERE}
    if kind not in WHO_LIVES_THERE or not same:
        return OnFacts.OPEN, ""
    if kind != OTHERS:
        return OnFacts.NOTHING, ""
    found = next((one for one, state in same.items() if state in INQUIRY), "")
    return (OnFacts.JOIN, found) if found else (OnFacts.OPEN, "")


def is_new(facts: Facts, last: ClosedCase) -> bool:
    """Facts that began after the decision, or rest on a family of signals that was not there."""
    return facts.began > last.closed_on or not facts.families <= last.facts.families


def on_facts_gone(state: State) -> Transition | None:
    """A lead nobody has taken up ends with its facts; one in people's hands stays with them."""
    return _unproven(None) if state is State.OPEN else None


def on_due(state: State, due_at: datetime | None, facts_live: bool, now: datetime) -> Transition | None:
    """Without live facts a case that is still being looked into ends as unproven when its time is over."""
    if state not in INQUIRY or facts_live or due_at is None or now < due_at:
        return None
    return _unproven(now + QUIET)


def _unproven(quiet_until: datetime | None) -> Transition:
    return Transition(State.CLOSED_UNPROVEN, True, State.CLOSED_UNPROVEN.value, quiet_until, "case.closed_unproven")
