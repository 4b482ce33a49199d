"""What the lease system decided: kept as received, applied once. Nothing here touches access: the tenancy feed carries that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import caselog
from hub.cases.known import set_step_due
from hub.cases.reasons import COUNTED_MESSAGE_ZH
from hub.cases.states import LIVE, State
from hub.cases.steps import Action
from hub.cases.workflow import UNPROVEN_AFTER
from hub.db import UnitOfWork
from hub.errors import Conflict
from hub.lease import outside
from hub.occupancy.dirty import mark_dirty
from hub.tables import CaseFile, InboundDecision

STORED = "stored; the tenancy feed carries it"
ON_CASES = {
    "case_result": ("lease_decision", "result"),
    "household_statement": ("household_statement", "text"),
    "household_appeal": ("household_appeal", "text"),
}
"""Kinds that belong to a case: the entry's action, and where the words stand. A household may speak through the lease system."""


def receive(uow: UnitOfWork, id: str, kind: str, body: dict[str, Any]) -> str:
    """Keep and apply a decision; the same id again gives the first answer. 409 when its content is another."""
    known = uow.session.get(InboundDecision, id)
    if known is not None:
        if known.kind != kind or known.body != body:
            raise Conflict("这个决定编号已收到过不同的内容。请使用新的编号。", "decision_changed")
        return known.result
    result = _apply(uow, id, kind, body)
    uow.session.add(
        InboundDecision(id=id, received_at=uow.now, kind=kind, body=body, applied_at=uow.now, result=result)
    )
    uow.record("lease.decision", id, kind=kind, result=result)
    return result


def _apply(uow: UnitOfWork, id: str, kind: str, body: dict[str, Any]) -> str:
    if kind == "end_tenancy":
        return STORED
    if kind == outside.KIND:
        return outside.receive(uow, id, body)
    if kind in ON_CASES:
        return _note_on_case(uow, id, kind, body)
    return "stored; this kind is not known here"


def _note_on_case(uow: UnitOfWork, id: str, kind: str, body: dict[str, Any]) -> str:
    """It stands in the case's record; what follows from it is a person's decision. Who spoke up was reached: that is evidence."""
    action, words = ON_CASES[kind]
    number = str(body.get("case_number", ""))
    case = uow.session.scalar(select(CaseFile).where(CaseFile.number == number).with_for_update())
    if case is None:
        return "stored; no case has this number"
    uow.estate_id = case.estate_id
    data = {"decision_id": id, "document_number": str(body.get("document_number", ""))[:100]}
    caselog.append(uow, case.id, "lease_system", action, opinion=str(body.get(words, ""))[:4000], data=data)
    if case.state == State.ARCHIVED.value:
        return f"stored; noted on case {number}, which is archived: answer outside of it"
    if action != "lease_decision" and State(case.state) in LIVE:
        caselog.append(uow, case.id, "lease_system", Action.NOTE.value, "C_REACHED", COUNTED_MESSAGE_ZH)
        case.due_at = uow.now + UNPROVEN_AFTER
        mark_dirty(uow.session, {case.dwelling_id: uow.now.date()}, back_days=2)
    set_step_due(uow.session, case, uow.now)
    return f"stored; noted on case {number}"
