"""Cases kept: opening and closing them by facts, and people's decisions. Entries are only ever added."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.cases import workflow
from hub.cases.reasons import LABELS
from hub.cases.workflow import Action, ClosedCase, Facts, OnFacts, State, Transition
from hub.db import UnitOfWork
from hub.ids import new_id
from hub.lease import outbox
from hub.lease.feed import FeedMessage, Subject, message
from hub.tables import CaseEntry, CaseFile, Dwelling, Estate, Finding, Tenancy

SYSTEM = "system"


def facts_of(finding: Finding) -> Facts:
    """What the workflow looks at."""
    return Facts(finding.stage, finding.window_from, frozenset(finding.families))


def follow(uow: UnitOfWork, finding: Finding, tenancy_id: str | None) -> CaseFile | None:
    """Bring the case of a live finding in line with it. The case that was opened or changed, or None."""
    case = open_case(uow.session, finding.dwelling_id, finding.kind)
    facts = facts_of(finding)
    last = None if case else _last_closed(uow.session, finding)
    what = workflow.on_facts(facts, case.stage if case else None, last, uow.now)
    if what is OnFacts.OPEN:
        return _open(uow, finding, tenancy_id)
    if case is None or what is OnFacts.NOTHING:
        return None
    finding.case_id = case.id
    case.due_at = uow.now + workflow.UNPROVEN_AFTER
    if what is OnFacts.REFRESH:
        return None
    _add(uow, case, SYSTEM, "stage_changed", "S_FINDING", data={"from": case.stage, **_facts_data(facts)})
    uow.record("case.stage", case.id, number=case.number, old=case.stage, new=finding.stage)
    case.stage = finding.stage
    return case


def facts_gone(uow: UnitOfWork, finding: Finding) -> CaseFile | None:
    """A finding was closed, or fell below yellow: what its case makes of that."""
    case = open_case(uow.session, finding.dwelling_id, finding.kind)
    if case is None or case.id != finding.case_id:
        return None
    end = workflow.on_facts_gone(State(case.state))
    if end is None:
        _add(uow, case, SYSTEM, "facts_gone", "S_GONE")
        return case
    _close_by_system(uow, case, end, "S_GONE")
    return case


def close_due(uow: UnitOfWork, estate_id: str) -> list[CaseFile]:
    """Cases whose time is over and whose facts are gone."""
    live = select(Finding.case_id).where(Finding.closed_at.is_(None), Finding.case_id.is_not(None))
    rows = uow.session.scalars(
        select(CaseFile).where(
            CaseFile.estate_id == estate_id,
            CaseFile.closed_at.is_(None),
            CaseFile.due_at <= uow.now,
            CaseFile.id.not_in(live),
        )
    ).all()
    closed = []
    for case in rows:
        if end := workflow.on_due(State(case.state), case.due_at, False, uow.now):
            _close_by_system(uow, case, end, "S_EXPIRED")
            closed.append(case)
    return closed


def decide(
    uow: UnitOfWork,
    case: CaseFile,
    action: Action,
    reason_code: str,
    opinion: str,
    *,
    actor: str,
    decided_by: str,
    permissions: frozenset[str],
) -> Transition:
    """A person's decision, with its entry and its message to the lease system. Raises `workflow.Refused`.

    `actor`: the user's id, for our records; `decided_by`: the name an official signs with, for the lease system.
    """
    step = workflow.decide(State(case.state), action, reason_code, opinion, permissions, uow.now)
    finding = latest_finding(uow.session, case.id)
    data = _facts_data(facts_of(finding)) if finding else {}
    entry = _add(uow, case, actor, action.value, reason_code, opinion.strip(), data)
    _apply(uow, case, step)
    uow.record("case.decision", case.id, number=case.number, action=action.value, reason_code=reason_code)
    if step.feed:
        decision = {"action": action.value, "reason_code": reason_code, "reason_zh": LABELS[reason_code]}
        decision |= {"opinion": opinion.strip(), "decided_by": decided_by}
        _tell(uow, case, finding, step.feed, f"{case.id}:{entry.id}", {"decision": decision})
    return step


def open_case(session: Session, dwelling_id: str, kind: str) -> CaseFile | None:
    """The one open case of a dwelling and kind."""
    return session.scalar(
        select(CaseFile).where(CaseFile.dwelling_id == dwelling_id, CaseFile.kind == kind, CaseFile.closed_at.is_(None))
    )


def latest_finding(session: Session, case_id: str) -> Finding | None:
    """The finding a case rests on: the live one, else the last."""
    return session.scalar(
        select(Finding)
        .where(Finding.case_id == case_id)
        .order_by(Finding.closed_at.is_(None).desc(), Finding.updated_at.desc(), Finding.id)
        .limit(1)
    )


def subject_of(session: Session, dwelling_id: str, tenancy_id: str | None) -> Subject:
    """A dwelling and tenancy in the lease system's words."""
    code, estate = session.execute(
        select(Dwelling.code, Estate.code)
        .join(Estate, Estate.id == Dwelling.estate_id)
        .where(Dwelling.id == dwelling_id)
    ).one()
    source = session.scalar(select(Tenancy.source_id).where(Tenancy.id == tenancy_id)) if tenancy_id else None
    return Subject(dwelling_id, code, estate, source)


def _open(uow: UnitOfWork, finding: Finding, tenancy_id: str | None) -> CaseFile:
    case = CaseFile(
        id=new_id("case"),
        number=_next_number(uow, finding.estate_id),
        estate_id=finding.estate_id,
        dwelling_id=finding.dwelling_id,
        tenancy_id=tenancy_id,
        kind=finding.kind,
        stage=finding.stage,
        state=State.OPEN.value,
        opened_at=uow.now,
        due_at=uow.now + workflow.UNPROVEN_AFTER,
    )
    uow.session.add(case)
    uow.session.flush()
    finding.case_id = case.id
    _add(uow, case, SYSTEM, "opened", "S_FINDING", data={"finding": finding.id, **_facts_data(facts_of(finding))})
    uow.record("case.opened", case.id, number=case.number, kind=case.kind, stage=case.stage)
    _tell(uow, case, finding, "case.opened", case.id, {})
    if case.kind == "vacant_used":
        _tell(uow, case, finding, "dwelling.vacant_used", case.id, {})
    return case


def _next_number(uow: UnitOfWork, estate_id: str) -> str:
    """`{estate code}-{year}-{four digits}`; one writer at a time (the analysis job) gives numbers."""
    code = uow.session.scalars(select(Estate.code).where(Estate.id == estate_id)).one()
    prefix = f"{code}-{uow.now.year}-"
    last = uow.session.scalar(select(func.max(CaseFile.number)).where(CaseFile.number.startswith(prefix)))
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"


def _close_by_system(uow: UnitOfWork, case: CaseFile, end: Transition, reason: str) -> None:
    finding = latest_finding(uow.session, case.id)
    data = _facts_data(facts_of(finding)) if finding else {}
    _add(uow, case, SYSTEM, end.state.value, reason, data=data)
    _apply(uow, case, end)
    uow.record("case.closed", case.id, number=case.number, outcome=end.state.value)
    if end.feed:
        _tell(uow, case, finding, end.feed, case.id, {"decision": {"action": end.state.value, "reason_code": reason}})


def _apply(uow: UnitOfWork, case: CaseFile, step: Transition) -> None:
    case.state = step.state.value
    if step.closed:
        case.closed_at, case.outcome, case.quiet_until, case.due_at = uow.now, step.state.value, step.quiet_until, None


def _add(
    uow: UnitOfWork,
    case: CaseFile,
    actor: str,
    action: str,
    reason_code: str,
    opinion: str = "",
    data: dict[str, Any] | None = None,
) -> CaseEntry:
    entry = CaseEntry(
        case_id=case.id,
        at=uow.now,
        actor=actor,
        action=action,
        reason_code=reason_code,
        opinion=opinion,
        data=data or {},
    )
    uow.session.add(entry)
    uow.session.flush()
    return entry


def _facts_data(facts: Facts) -> dict[str, Any]:
    return {
        "stage": facts.stage,
        "window_from": facts.window_from.isoformat(),
        "families": sorted(facts.families),
    }


def _last_closed(session: Session, finding: Finding) -> ClosedCase | None:
    case = session.scalar(
        select(CaseFile)
        .where(
            CaseFile.dwelling_id == finding.dwelling_id, CaseFile.kind == finding.kind, CaseFile.closed_at.is_not(None)
        )
        .order_by(CaseFile.closed_at.desc(), CaseFile.number.desc())
        .limit(1)
    )
    if case is None or case.closed_at is None:
        return None
    data = session.scalar(
        select(CaseEntry.data).where(CaseEntry.case_id == case.id).order_by(CaseEntry.id.desc()).limit(1)
    )
    known = data or {}
    since = date.fromisoformat(known["window_from"]) if "window_from" in known else case.opened_at.date()
    facts = Facts(known.get("stage", case.stage), since, frozenset(known.get("families", ())))
    return ClosedCase(case.closed_at.date(), case.quiet_until, facts)


def _tell(
    uow: UnitOfWork, case: CaseFile, finding: Finding | None, kind: str, key: str, content: dict[str, Any]
) -> None:
    about: dict[str, Any] = {
        "case": {"number": case.number, "kind": case.kind, "stage": case.stage, "state": case.state},
        **content,
    }
    if finding is not None:
        about["finding"] = {
            "rule": finding.rule,
            "rule_version": finding.rule_version,
            "policy_version": finding.policy_version,
            "families": finding.families,
            "window_from": finding.window_from,
            "window_to": finding.window_to,
            "coverage": finding.coverage,
            "because": finding.because,
            "against": finding.against,
            "inputs_hash": finding.inputs_hash,
        }
    subject = subject_of(uow.session, case.dwelling_id, case.tenancy_id)
    sent: FeedMessage = message(kind, key, subject, uow.now, about)
    outbox.enqueue(uow, sent)
