"""(P) The states of a case, who may do what in them, and when facts open, keep quiet or end one.

The full path is 线索 → 初筛 → 数据复核 → 当事人说明 → 入户核查 → 约谈 → 认定会商 → …; this is its first part. A case is about
facts: no state and no action has an effect on anybody's access, and none is a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from hub.cases import reasons

QUIET = timedelta(days=90)
"""So long a household is not flagged again on the same facts."""

UNPROVEN_AFTER = timedelta(days=90)
"""A case without new evidence for so long ends as 未证实."""

MIN_OPINION = 4
CASE_STAGES = ("yellow", "orange", "red")
DECIDE = "case.decide"


class State(StrEnum):
    OPEN = "open"
    RECHECK_REQUESTED = "recheck_requested"
    DISMISSED = "dismissed"
    GOOD_CAUSE = "good_cause"
    CLOSED_UNPROVEN = "closed_unproven"


STATES_ZH = {
    State.OPEN: "线索待初筛",
    State.RECHECK_REQUESTED: "已转复核",
    State.DISMISSED: "已排除",
    State.GOOD_CAUSE: "有正当理由",
    State.CLOSED_UNPROVEN: "未证实（已结）",
}
LIVE = frozenset({State.OPEN, State.RECHECK_REQUESTED})
KINDS_ZH = {
    "vacancy": "疑似空置",
    "not_moved_in": "疑似未入住",
    "sublet": "疑似转租转借",
    "vacant_used": "空置房疑似使用",
}


class Action(StrEnum):
    DISMISS = "dismiss"
    RECHECK = "recheck"
    GOOD_CAUSE = "good_cause"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class ActionRule:
    """`to` None: the state stays. `destructive`: ends the case; asked twice on the screen."""

    label_zh: str
    allowed_in: frozenset[State]
    to: State | None
    reason_codes: Mapping[str, str]
    destructive: bool
    feed: str | None
    permission: str = DECIDE


ACTIONS: dict[Action, ActionRule] = {
    Action.RECHECK: ActionRule(
        "转复核", frozenset({State.OPEN}), State.RECHECK_REQUESTED, reasons.RECHECK, False, "case.recheck_requested"
    ),
    Action.GOOD_CAUSE: ActionRule(
        "认定有正当理由", LIVE, State.GOOD_CAUSE, reasons.GOOD_CAUSE, True, "case.good_cause"
    ),
    Action.DISMISS: ActionRule("排除线索", LIVE, State.DISMISSED, reasons.DISMISS, True, "case.dismissed"),
    Action.NOTE: ActionRule("记录", LIVE, None, reasons.NOTE, False, None),
}

ACTIONS_ZH = {
    **{action.value: rule.label_zh for action, rule in ACTIONS.items()},
    "opened": "立案（系统线索）",
    "stage_changed": "线索等级变化",
    "facts_gone": "线索事实消失",
    "closed_unproven": "结案：未证实",
    "lease_decision": "租赁系统回传",
}


class Refused(Exception):
    """The decision cannot be taken so; `message` is zh-CN and says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Transition:
    """What a decision does to the case: nothing else happens by it."""

    state: State
    closed: bool
    quiet_until: datetime | None
    feed: str | None


def actions_in(state: State, permissions: frozenset[str]) -> tuple[Action, ...]:
    """What this person may do now."""
    return tuple(a for a, rule in ACTIONS.items() if state in rule.allowed_in and rule.permission in permissions)


def decide(
    state: State, action: Action, reason_code: str, opinion: str, permissions: frozenset[str], now: datetime
) -> Transition:
    """One decision of one person. Raises `Refused` without a permission, a known reason or a written opinion."""
    rule = ACTIONS[action]
    if rule.permission not in permissions:
        raise Refused("forbidden", "您的岗位没有办理案件的权限。")
    if state not in rule.allowed_in:
        raise Refused("wrong_state", f"案件当前为“{STATES_ZH[state]}”，不能再“{rule.label_zh}”。请刷新后查看。")
    if reason_code not in rule.reason_codes:
        raise Refused("unknown_reason", f"请为“{rule.label_zh}”选择一个理由。")
    if len(opinion.strip()) < MIN_OPINION:
        raise Refused("opinion_needed", f"请填写书面意见（至少{MIN_OPINION}个字）。")
    to = rule.to or state
    closed = to not in LIVE
    return Transition(to, closed, now + QUIET if closed else None, rule.feed)


# --- facts --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finding says now, as far as a case looks at it."""

    stage: str
    window_from: date
    families: frozenset[str]


@dataclass(frozen=True, slots=True)
class ClosedCase:
    """The latest closed case of the same dwelling and kind, with the facts it was closed on."""

    closed_on: date
    quiet_until: datetime | None
    facts: Facts


class OnFacts(StrEnum):
    """What facts do: open a case, change its stage, refresh it, or nothing."""

    OPEN = "open"
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


def is_new(facts: Facts, last: ClosedCase) -> bool:
    """Facts that began after the decision, or rest on a family of signals that was not there."""
    return facts.window_from > last.closed_on or not facts.families <= last.facts.families


def on_facts_gone(state: State) -> Transition | None:
    """A lead nobody has taken up ends with its facts; one in recheck stays with the people who have it."""
    return Transition(State.CLOSED_UNPROVEN, True, None, "case.closed_unproven") if state is State.OPEN else None


def on_due(state: State, due_at: datetime | None, facts_live: bool, now: datetime) -> Transition | None:
    """Without live facts a case ends as unproven when its time is over."""
    if state not in LIVE or facts_live or due_at is None or now < due_at:
        return None
    return Transition(State.CLOSED_UNPROVEN, True, now + QUIET, "case.closed_unproven")
