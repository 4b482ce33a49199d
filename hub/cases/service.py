"""Cases kept: opened, followed and closed by facts. What people do in them stands in `taken`. Entries are only ever added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub import caselog
from hub.cases import workflow
from hub.cases.known import OF_VACANCY, set_step_due
from hub.cases.known import latest_finding as latest_finding
from hub.cases.states import State
from hub.cases.telling import subject_of as subject_of
from hub.cases.telling import tell
from hub.cases.workflow import ClosedCase, Facts, OnFacts, Transition
from hub.db import UnitOfWork, one_at_a_time
from hub.ids import new_id
from hub.occupancy.finding import Stage
from hub.tables import CaseEntry, CaseFile, Estate, Finding

SYSTEM = "system"


def facts_of(finding: Finding) -> Facts:
    """What the workflow looks at."""
    of_absence = finding.kind in OF_VACANCY
    began = workflow.began(finding.window_from, finding.window_to, finding.opened_at.date(), of_absence)
    return Facts(finding.stage, began, frozenset(finding.families))


def hold(session: Session, estate_id: str, dwellings: Iterable[str]) -> None:
    """Until the unit of work ends nobody else opens cases of this estate, and no step is taken in those of these dwellings, which
    are held in the order in which all who hold several take them."""
    one_at_a_time(session, f"cases of {estate_id}")
    session.scalars(
        select(CaseFile.id)
        .where(CaseFile.dwelling_id.in_(list(dwellings)), CaseFile.closed_at.is_(None))
        .order_by(CaseFile.number)
        .with_for_update()
    ).all()


def follow(uow: UnitOfWork, finding: Finding, tenancy_id: str | None) -> CaseFile | None:
    """Bring the case of a live finding in line with it. The case that was opened or changed, or None."""
    case = open_case(uow.session, finding.dwelling_id, finding.kind, tenancy_id)
    facts = facts_of(finding)
    last = None if case else _last_closed(uow.session, finding, tenancy_id)
    what = workflow.on_facts(facts, case.stage if case else None, last, uow.now)
    if what is OnFacts.OPEN:
        others = _open_cases(uow.session, finding.dwelling_id, tenancy_id)
        what, kind = workflow.beside(finding.kind, {one.kind: State(one.state) for one in others.values()})
        if what is OnFacts.OPEN:
            return _open(uow, finding, tenancy_id)
        return _join(uow, others[kind], finding) if what is OnFacts.JOIN else None
    if case is None or what is OnFacts.NOTHING:
        return None
    finding.case_id = case.id
    case.due_at = uow.now + workflow.UNPROVEN_AFTER
    if what is OnFacts.REFRESH:
        if _last_said(uow.session, case.id) != "facts_gone":
            return None
        caselog.append(uow, case.id, SYSTEM, "facts_back", "S_FINDING", data=facts_data(finding))
        return case
    caselog.append(uow, case.id, SYSTEM, "stage_changed", "S_FINDING", data={"from": case.stage, **facts_data(finding)})
    uow.record("case.stage", case.id, number=case.number, old=case.stage, new=finding.stage)
    case.stage = finding.stage
    return case


def _open_cases(session: Session, dwelling_id: str, tenancy_id: str | None) -> dict[str, CaseFile]:
    """Of this household, by kind; held."""
    rows = session.scalars(
        select(CaseFile)
        .where(CaseFile.dwelling_id == dwelling_id, CaseFile.closed_at.is_(None))
        .where(CaseFile.tenancy_id == tenancy_id)
        .order_by(CaseFile.opened_at, CaseFile.id)
        .with_for_update()
    )
    return {case.kind: case for case in rows}


def _join(uow: UnitOfWork, case: CaseFile, finding: Finding) -> CaseFile:
    """A graver lead that asks the same goes on in this case, which takes its kind: who was asked is not asked twice."""
    data = {"finding": finding.id, "kind_from": case.kind, "from": case.stage, **facts_data(finding)}
    caselog.append(uow, case.id, SYSTEM, "kind_changed", "S_FINDING", data=data)
    uow.record("case.kind", case.id, number=case.number, old=case.kind, new=finding.kind)
    finding.case_id = case.id
    case.kind, case.stage, case.due_at = finding.kind, finding.stage, uow.now + workflow.UNPROVEN_AFTER
    uow.session.flush()
    set_step_due(uow.session, case, uow.now)
    return case


def facts_gone(uow: UnitOfWork, finding: Finding) -> CaseFile | None:
    """A finding was closed, or fell below yellow: what its case makes of that."""
    case = uow.session.scalar(
        select(CaseFile).where(CaseFile.id == finding.case_id, CaseFile.closed_at.is_(None)).with_for_update()
    )
    if case is None or case.kind != finding.kind:
        return None
    end = workflow.on_facts_gone(State(case.state))
    if end is None:
        if _last_said(uow.session, case.id) == "facts_gone":
            return None  # a note that stands is judged anew every night
        caselog.append(uow, case.id, SYSTEM, "facts_gone", "S_GONE")
        return case
    _close_by_system(uow, case, end, "S_GONE")
    return case


def close_due(uow: UnitOfWork, estate_id: str) -> list[CaseFile]:
    """Cases whose time is over and whose facts are gone: no finding stands, or it is a note."""
    live = select(Finding.case_id).where(
        Finding.closed_at.is_(None), Finding.case_id.is_not(None), Finding.stage != Stage.NOTE
    )
    rows = uow.session.scalars(
        select(CaseFile)
        .where(
            CaseFile.estate_id == estate_id,
            CaseFile.closed_at.is_(None),
            CaseFile.due_at <= uow.now,
            CaseFile.id.not_in(live),
        )
        .order_by(CaseFile.number)
        .with_for_update()
    ).all()
    closed = []
    for case in rows:
        if end := workflow.on_due(State(case.state), case.due_at, False, uow.now):
            _close_by_system(uow, case, end, "S_EXPIRED")
            closed.append(case)
    return closed


def _last_said(session: Session, case_id: str) -> str | None:
    """What the system itself entered last; what people have done since does not make it news."""
    entries = select(CaseEntry.action).where(CaseEntry.case_id == case_id, CaseEntry.actor == SYSTEM)
    return session.scalar(entries.order_by(CaseEntry.id.desc()).limit(1))


def open_case(session: Session, dwelling_id: str, kind: str, tenancy_id: str | None) -> CaseFile | None:
    """The one open case of a kind of this household (the next one has its own), held: while its facts are followed nobody takes a
    step in it."""
    return session.scalar(
        select(CaseFile)
        .where(CaseFile.dwelling_id == dwelling_id, CaseFile.kind == kind, CaseFile.closed_at.is_(None))
        .where(CaseFile.tenancy_id == tenancy_id)
        .with_for_update()
    )


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
    data = {
        "finding": finding.id,
        "proposed": workflow.proposed(case.kind, case.stage),
        **facts_data(finding),
    }
    caselog.append(uow, case.id, SYSTEM, "opened", "S_FINDING", data=data)
    set_step_due(uow.session, case, uow.now)
    uow.record("case.opened", case.id, number=case.number, kind=case.kind, stage=case.stage)
    tell(uow, case, finding, "case.opened", case.id, {})
    return case


def _next_number(uow: UnitOfWork, estate_id: str) -> str:
    """`{estate code}-{year}-{four digits}`. Who may open cases (`hold`) gives numbers."""
    code, zone = uow.session.execute(select(Estate.code, Estate.time_zone).where(Estate.id == estate_id)).one()
    prefix = f"{code}-{uow.now.astimezone(ZoneInfo(zone)).year}-"
    last = uow.session.scalar(
        select(func.max(CaseFile.number)).where(CaseFile.number.startswith(prefix, autoescape=True))
    )
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"


def _close_by_system(uow: UnitOfWork, case: CaseFile, end: Transition, reason: str) -> None:
    finding = latest_finding(uow.session, case.id)
    data = facts_data(finding) if finding else {}
    caselog.append(uow, case.id, SYSTEM, end.state.value, reason, data=data)
    apply(uow, case, end)
    set_step_due(uow.session, case, uow.now)
    uow.record("case.closed", case.id, number=case.number, outcome=end.state.value)
    if end.feed:
        tell(uow, case, finding, end.feed, case.id, {"decision": {"action": end.state.value, "reason_code": reason}})


def apply(uow: UnitOfWork, case: CaseFile, step: Transition) -> None:
    """The one place that moves a case to another state."""
    case.state = step.state.value
    if step.closed:
        case.closed_at, case.outcome, case.quiet_until, case.due_at = uow.now, step.outcome, step.quiet_until, None


def facts_data(finding: Finding) -> dict[str, Any]:
    """What a case's log keeps of the finding it rests on."""
    return {
        "stage": finding.stage,
        "window_from": finding.window_from.isoformat(),
        "families": sorted(set(finding.families)),
    }


def _last_closed(session: Session, finding: Finding, tenancy_id: str | None) -> ClosedCase | None:
    case = session.scalar(
        select(CaseFile)
        .where(
            CaseFile.dwelling_id == finding.dwelling_id, CaseFile.kind == finding.kind, CaseFile.closed_at.is_not(None)
        )
        .where(CaseFile.tenancy_id == tenancy_id)
        .order_by(CaseFile.closed_at.desc(), CaseFile.number.desc())
        .limit(1)
    )
    if case is None or case.closed_at is None:
        return None
    rows = session.scalars(select(CaseEntry.data).where(CaseEntry.case_id == case.id).order_by(CaseEntry.id.desc()))
    known: dict[str, Any] = next((data for data in rows if "window_from" in data), {})
    since = date.fromisoformat(known["window_from"]) if "window_from" in known else case.opened_at.date()
    facts = Facts(known.get("stage", case.stage), since, frozenset(known.get("families", ())))
    return ClosedCase(case.closed_at.date(), case.quiet_until, facts)
