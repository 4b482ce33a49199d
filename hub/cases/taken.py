"""A step of a case, taken by a named person: its entry, its effect on the case, and its message, in one unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from hub import caselog
from hub.cases import workflow
from hub.cases.calendar import household_day
from hub.cases.forms import Refused
from hub.cases.known import context_of, latest_finding, pack_of, set_step_due, zone_of
from hub.cases.reasons import ABSENCE_OF, CONFIDENTIAL, COUNTED_ZH, LABELS
from hub.cases.record import ANSWER_DAYS
from hub.cases.service import apply, facts_data
from hub.cases.steps import ACTIONS, Action
from hub.cases.telling import tell
from hub.cases.workflow import Transition, Wish
from hub.db import UnitOfWork, one_at_a_time
from hub.ids import new_id
from hub.occupancy.dirty import mark_dirty
from hub.tables import Absence, CaseEntry, CaseFile, Finding

WORDS_OF_THE_HOUSEHOLD = frozenset(
    {Action.ANSWER, Action.DEFENCE, Action.APPEAL, Action.HARDSHIP, Action.HEARING_REQUESTED, Action.HEARING_HELD}
)
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
    data: dict[str, Any] = facts_data(finding) if finding else {}
    if step.fields:
        data["fields"] = dict(step.fields)
    if wish.action is Action.SIGN:
        _number_is_new(uow, case, step.fields["number"])
    entry = caselog.append(uow, case.id, actor, wish.action.value, wish.reason_code, wish.opinion.strip(), data)
    if wish.action is Action.ANSWER and "away_from" in step.fields:
        _declare_absence(uow, case, wish.reason_code, step.fields)
    if contact := contact_of(wish):
        counted = facts_data(finding) if finding else {}  # no fields: what was said may be a secret of the entry before
        caselog.append(uow, case.id, actor, Action.NOTE.value, contact, COUNTED_ZH, counted)
    uow.record("case.decision", case.id, number=case.number, action=wish.action.value, reason_code=wish.reason_code)
    apply(uow, case, step)
    if step.evidence and not step.closed:
        case.due_at = uow.now + workflow.UNPROVEN_AFTER
    uow.session.flush()
    set_step_due(uow.session, case, uow.now)
    if step.feed:
        _tell(uow, case, finding, step, wish, decided_by, f"{case.id}:{entry.id}")
    return step


def _number_is_new(uow: UnitOfWork, case: CaseFile, number: str) -> None:
    """No two notices of an estate have the same number, nor two that are signed at once."""
    one_at_a_time(uow.session, f"notices of {case.estate_id}")
    rows = uow.session.scalars(
        select(CaseEntry.data)
        .join(CaseFile, CaseFile.id == CaseEntry.case_id)
        .where(CaseFile.estate_id == case.estate_id, CaseEntry.action == Action.SIGN.value)
    )
    if any(data.get("fields", {}).get("number") == number for data in rows):
        raise Refused("not_so", f"文号“{number}”已用于另一份通知，请核对。")


def _declare_absence(uow: UnitOfWork, case: CaseFile, reason_code: str, said: Mapping[str, str]) -> None:
    """The household's answer is evidence: the days it says it was away do not count. A class of reason, no document."""
    first = date.fromisoformat(said["away_from"])
    last = date.fromisoformat(said["away_until"]) if "away_until" in said else None
    if last is not None and last < first:
        raise Refused("bad_field", "“自述返回”早于“自述离家起始”，请更正。")
    row = Absence(
        id=f"case:{new_id('abs')}",
        dwelling_id=case.dwelling_id,
        from_date=first,
        to_date=last,
        reason=ABSENCE_OF.get(reason_code, "other"),
        declared_on=uow.now.date(),
    )
    uow.session.add(row)
    uow.record("absence.declared", row.id, reason=row.reason, dwelling=case.dwelling_id, case=case.number)
    mark_dirty(uow.session, {case.dwelling_id: first})


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


def _bar(uow: UnitOfWork, case: CaseFile, finding: Finding | None) -> dict[str, Any] | None:
    """How long this place's rule bars who loses a home for idleness: stated with the signed notice, applied by nobody here."""
    proposal = context_of(uow.session, case, "", uow.now).record.proposal
    pack = pack_of(finding)
    if proposal is None or pack is None or pack.bar_years is None:
        return None
    if proposal.ground != "G_IDLE" or proposal.conclusion not in ("terminate", "vacate"):
        return None
    basis = next((one.text_zh for one in pack.anchors if one.about == "bar"), "")
    return {"years": pack.bar_years, "basis": basis, "policy": finding.policy_version if finding else ""}


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
    if wish.action in WORDS_OF_THE_HOUSEHOLD or wish.reason_code in CONFIDENTIAL:
        decision |= {"reason_code": "", "reason_zh": ""}
    else:
        decision |= {"opinion": wish.opinion.strip(), "fields": dict(step.fields)}
    told: dict[str, Any] = {"decision": decision}
    if wish.action is Action.SIGN and (bar := _bar(uow, case, finding)):
        told["bar"] = bar
    if wish.action is Action.ASK:
        until = household_day(uow.now.astimezone(zone_of(uow.session, case.estate_id)).date(), ANSWER_DAYS)
        told["question"] = {"text": wish.opinion.strip(), "answer_until": until}
        finding = None  # what goes to a household asks; it does not show what was recorded
    tell(uow, case, finding, step.feed or "", key, told)
