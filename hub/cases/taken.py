"""A step of a case, taken by a named person: its entry, its effect on the case, and its message, in one unit of work."""

from __future__ import annotations

from typing import Any

from hub import caselog
from hub.cases import workflow
from hub.cases.known import context_of, latest_finding, set_step_due
from hub.cases.reasons import LABELS
from hub.cases.service import apply, facts_data, facts_of
from hub.cases.steps import ACTIONS, Action
from hub.cases.telling import tell
from hub.cases.workflow import Transition, Wish
from hub.db import UnitOfWork
from hub.tables import CaseFile, Finding

WORDS_OF_THE_HOUSEHOLD = frozenset({Action.ANSWER, Action.DEFENCE, Action.APPEAL, Action.HARDSHIP})
"""What the household said of itself is evidence here; the lease system learns that it spoke, not what (IE11: never where)."""


def take(
    uow: UnitOfWork, case: CaseFile, wish: Wish, *, actor: str, decided_by: str, permissions: frozenset[str]
) -> Transition:
    """Raises `Refused`. The caller holds the case's row.

    `actor`: the user's id, for our records; `decided_by`: the name an official signs with, for the lease system.
    """
    context = context_of(uow.session, case, actor, uow.now)
    step = workflow.decide(context, wish, permissions, uow.now)
    finding = latest_finding(uow.session, case.id)
    data: dict[str, Any] = facts_data(facts_of(finding)) if finding else {}
    if step.fields:
        data["fields"] = dict(step.fields)
    entry = caselog.append(uow, case.id, actor, wish.action.value, wish.reason_code, wish.opinion.strip(), data)
    if contact := contact_of(wish):
        caselog.append(uow, case.id, actor, Action.NOTE.value, contact, "由记录自动计入联系次数", data)
    uow.record("case.decision", case.id, number=case.number, action=wish.action.value, reason_code=wish.reason_code)
    apply(uow, case, step)
    if step.evidence and not step.closed:
        case.due_at = uow.now + workflow.UNPROVEN_AFTER
    uow.session.flush()
    set_step_due(uow.session, case, uow.now)
    if step.feed:
        _tell(uow, case, finding, step, wish, decided_by, f"{case.id}:{entry.id}")
    return step


def contact_of(wish: Wish) -> str | None:
    """The contact code that a record of a visit, an interview or an answer stands for, so that it is counted once and alike."""
    told = wish.fields
    if wish.action is Action.ANSWER:
        return "C_REACHED"
    if wish.action is Action.VISITED and told.get("result") == "nobody":
        return "C_VISIT_DAY" if told.get("time") == "workday" else "C_VISIT_OFF"
    if wish.action is Action.VISITED or (wish.action is Action.INTERVIEWED and told.get("came") != "no"):
        return "C_REACHED" if told.get("result") != "not_admitted" else None
    return None


def _tell(
    uow: UnitOfWork, case: CaseFile, finding: Finding | None, step: Transition, wish: Wish, by: str, key: str
) -> None:
    decision: dict[str, Any] = {
        "action": wish.action.value,
        "action_zh": ACTIONS[wish.action].label_zh,
        "reason_code": wish.reason_code,
        "reason_zh": LABELS.get(wish.reason_code, ""),
        "decided_by": by,
    }
    if wish.action in WORDS_OF_THE_HOUSEHOLD:
        decision |= {"reason_code": "", "reason_zh": ""}
    else:
        decision |= {"opinion": wish.opinion.strip(), "fields": dict(step.fields)}
    tell(uow, case, finding, step.feed or "", key, {"decision": decision})
