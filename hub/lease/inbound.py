"""What the lease system decided: kept as received, applied once. Nothing here touches access: the tenancy feed carries that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.db import UnitOfWork
from hub.errors import Conflict
from hub.tables import CaseEntry, CaseFile, InboundDecision

STORED = "stored; the tenancy feed carries it"


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
    if kind == "case_result":
        return _note_on_case(uow, id, body)
    return "stored; this kind is not known here"


def _note_on_case(uow: UnitOfWork, id: str, body: dict[str, Any]) -> str:
    """The outcome stands in the case's record; closing it is a person's decision."""
    number, result = str(body.get("case_number", "")), str(body.get("result", ""))
    case = uow.session.scalar(select(CaseFile).where(CaseFile.number == number))
    if case is None:
        return "stored; no case has this number"
    uow.session.add(
        CaseEntry(
            case_id=case.id,
            at=uow.now,
            actor="lease_system",
            action="lease_decision",
            opinion=result[:2000],
            data={"decision_id": id, "document_number": str(body.get("document_number", ""))[:100]},
        )
    )
    return f"stored; noted on case {number}"
