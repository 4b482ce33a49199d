"""Cases: list, one with its evidence, and a person's decision."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hub.auth import PERMISSIONS, Principal, hub_of, in_scope, require
from hub.cases import nightly
from hub.cases.forms import Refused
from hub.cases.models import CaseDetail, CaseItem
from hub.cases.steps import Action
from hub.cases.taken import contact_of, take
from hub.cases.view import case_detail, case_items, case_rows, items_of
from hub.cases.workflow import Wish
from hub.errors import ApiError, NotFound
from hub.lease import outbox
from hub.occupancy.contacts import CONTACT_CODES
from hub.occupancy.dirty import mark_dirty
from hub.second_person import require_other
from hub.services import Hub
from hub.tables import Block, CaseEntry, CaseFile, Dwelling

router = APIRouter(prefix="/api/v1", tags=["cases"])
REFUSED_STATUS = {"forbidden": 403, "wrong_state": 409, "not_yet": 409}
MOST = 500
SECONDED = frozenset({Action.AGREE, Action.DISAGREE, Action.SIGN})


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
    opinion: str = Field(max_length=4000)
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
    if estate is not None:
        in_scope(principal, estate)
    chosen = _scoped(case_rows(), principal, estate)
    for column, wanted in ((CaseFile.state, state), (CaseFile.kind, kind), (CaseFile.stage, stage)):
        if wanted is not None:
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
        row = _case(session, case_id, principal)
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
    with hub.db.reading() as session:
        estate_id = _case(session, case_id, principal)[0].estate_id
    wish = Wish(decision.action, decision.reason_code, decision.opinion, decision.fields)
    reason = f"case decision {decision.action}"
    contact = decision.reason_code in CONTACT_CODES or contact_of(wish) is not None
    with hub.db.unit_of_work(principal.id, reason, estate_id=estate_id, now=hub.now()) as uow:
        case = uow.session.scalars(select(CaseFile).where(CaseFile.id == case_id).with_for_update()).one()
        if decision.action in SECONDED:
            _another(uow.session, case_id, principal, hub)
        try:
            take(
                uow,
                case,
                wish,
                actor=principal.id,
                decided_by=principal.display_name,
                permissions=PERMISSIONS.get(principal.role, frozenset()),
            )
        except Refused as refused:
            raise ApiError(REFUSED_STATUS.get(refused.code, 422), refused.code, refused.message) from refused
        if contact:
            mark_dirty(uow.session, {case.dwelling_id: uow.now.date()}, back_days=2)
    if contact:
        hub.signal(nightly.JOB)
    hub.signal(outbox.JOB)
    with hub.db.reading() as session:
        item = case_items(session, [case_id])[0]
    nightly.announce(hub, estate_id, [case_id])
    return item


def _another(session: Session, case_id: str, principal: Principal, hub: Hub) -> None:
    """Whom the proposer let in within a day is no second person either."""
    proposed_by = session.scalar(
        select(CaseEntry.actor)
        .where(CaseEntry.case_id == case_id, CaseEntry.action == Action.PROPOSE.value)
        .order_by(CaseEntry.id.desc())
        .limit(1)
    )
    if proposed_by:
        require_other(session, proposed_by, "", principal, hub.now())


def _scoped(
    chosen: Select[CaseFile, Dwelling, Block], principal: Principal, estate: str | None
) -> Select[CaseFile, Dwelling, Block]:
    if estate is not None:
        return chosen.where(CaseFile.estate_id == estate)
    if principal.estate_ids is not None:
        return chosen.where(CaseFile.estate_id.in_(principal.estate_ids))
    return chosen


def _case(session: Session, case_id: str, principal: Principal) -> tuple[CaseFile, Dwelling, Block]:
    row = session.execute(case_rows().where(CaseFile.id == case_id)).one_or_none()
    if row is None:
        raise NotFound
    in_scope(principal, row[0].estate_id)
    return row[0], row[1], row[2]


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
