"""Cases: list, one with its evidence, and a person's decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hub.auth import PERMISSIONS, Principal, hub_of, in_scope, require
from hub.cases.decisions import case_in_scope, decide
from hub.cases.models import MOST_OPINION, CaseDetail, CaseItem
from hub.cases.steps import Action
from hub.cases.view import case_detail, case_rows, items_of
from hub.cases.workflow import Wish
from hub.errors import Forbidden
from hub.services import Hub
from hub.tables import Block, CaseFile, Dwelling

router = APIRouter(prefix="/api/v1", tags=["cases"])
MOST = 500


class CaseCounts(BaseModel):
    """Counts over the caller's estates (or the one asked for), before the other filters."""

    state: dict[str, int]
    stage: dict[str, int]
    kind: dict[str, int]
    late: int


class CaseList(BaseModel):
    items: list[CaseItem]
    counts: CaseCounts


class Decision(BaseModel):
    """`opinion`: the person's own words; never machine-written. `fields`: the action's form (see `CaseDetail.actions`)."""

    action: Action
    reason_code: str = Field("", max_length=40)
    opinion: str = Field(max_length=MOST_OPINION)
    fields: dict[str, str] = Field(default_factory=dict, max_length=20)


@router.get("/cases")
def list_cases(
    estate: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    stage: str | None = None,
    late: bool = False,
    limit: int = Query(200, ge=1, le=MOST),
    principal: Principal = Depends(require("case.view")),
    hub: Hub = Depends(hub_of),
) -> CaseList:
    """Newest first. Filters are exact; `state=open` is one state, not "not closed". `late`: a step of ours is overdue."""
    return cases_of(hub, principal, estate, {"state": state, "kind": kind, "stage": stage}, late=late, limit=limit)


def cases_of(
    hub: Hub, principal: Principal, estate: str | None, filters: Mapping[str, str | None], *, late: bool, limit: int
) -> CaseList:
    """What this person sees of the cases. `filters`: by state, kind and stage; None: any."""
    if not principal.may("case.view"):
        raise Forbidden
    if estate is not None:
        in_scope(principal, estate)
    chosen = _scoped(case_rows(), principal, estate)
    for column in (CaseFile.state, CaseFile.kind, CaseFile.stage):
        if (wanted := filters.get(column.key)) is not None:
            chosen = chosen.where(column == wanted)
    if late:
        chosen = chosen.where(CaseFile.step_due_at <= hub.now())
    with hub.db.reading() as session:
        rows = session.execute(chosen.order_by(CaseFile.opened_at.desc(), CaseFile.number.desc()).limit(limit)).all()
        return CaseList(
            items=items_of(session, [(row[0], row[1], row[2]) for row in rows]),
            counts=_counts(session, principal, estate, hub.now()),
        )


@router.get("/cases/{case_id}")
def get_case(
    case_id: str, principal: Principal = Depends(require("case.view")), hub: Hub = Depends(hub_of)
) -> CaseDetail:
    """One case with its finding, timeline and the actions open to the caller."""
    with hub.db.reading() as session:
        row = case_in_scope(session, case_id, principal)
        permissions = PERMISSIONS.get(principal.role, frozenset())
        return case_detail(session, row, principal.id, permissions, hub.now())


@router.post("/cases/{case_id}/decisions")
def decide_case(
    case_id: str,
    decision: Decision,
    principal: Principal = Depends(require("case.decide")),
    hub: Hub = Depends(hub_of),
) -> CaseItem:
    """A named person's decision with a reason and a written opinion; the lease system is told in the same unit of work."""
    return decide(
        hub, case_id, Wish(decision.action, decision.reason_code, decision.opinion, decision.fields), principal
    )


def _scoped(
    chosen: Select[CaseFile, Dwelling, Block], principal: Principal, estate: str | None
) -> Select[CaseFile, Dwelling, Block]:
    if estate is not None:
        return chosen.where(CaseFile.estate_id == estate)
    if principal.estate_ids is not None:
        return chosen.where(CaseFile.estate_id.in_(principal.estate_ids))
    return chosen


def _counts(session: Session, principal: Principal, estate: str | None, now: datetime) -> CaseCounts:
    found: dict[str, Any] = {}
    for name, column in (("state", CaseFile.state), ("stage", CaseFile.stage), ("kind", CaseFile.kind)):
        query = select(column, func.count()).group_by(column)
        if estate is not None:
            query = query.where(CaseFile.estate_id == estate)
        elif principal.estate_ids is not None:
            query = query.where(CaseFile.estate_id.in_(principal.estate_ids))
        found[name] = {value: count for value, count in session.execute(query)}  # noqa: C416
    late = _scoped(case_rows(), principal, estate).where(CaseFile.step_due_at <= now)
    found["late"] = (
        session.scalar(select(func.count()).select_from(late.with_only_columns(CaseFile.id).subquery())) or 0
    )
    return CaseCounts(**found)
