"""The outbox as it stands, and the lease system's decisions."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from hub.auth import Principal, hub_of, require
from hub.lease.inbound import receive
from hub.services import Hub
from hub.tables import Dwelling, OutboxMessage

router = APIRouter(prefix="/api/v1", tags=["lease"])


class OutboxItem(BaseModel):
    """`subject` is the dwelling's id; the body stays inside."""

    id: str
    kind: str
    subject: str
    created_at: datetime
    attempts: int
    last_error: str
    delivered_at: datetime | None


class OutboxList(BaseModel):
    items: list[OutboxItem]
    undelivered: int


class LeaseDecision(BaseModel):
    """A decision of the lease system. Further fields are kept as received."""

    model_config = ConfigDict(extra="allow")
    id: str = Field(min_length=1, max_length=120)
    kind: str = Field(min_length=1, max_length=60)


class LeaseDecisionTaken(BaseModel):
    id: str
    result: str


@router.get("/outbox")
def list_outbox(
    limit: int = Query(50, ge=1, le=500),
    principal: Principal = Depends(require("case.view")),
    hub: Hub = Depends(hub_of),
) -> OutboxList:
    """Messages to the lease system, newest first, of the estates the caller sees."""
    chosen = select(OutboxMessage)
    if principal.estate_ids is not None:
        mine = select(Dwelling.id).where(Dwelling.estate_id.in_(principal.estate_ids))
        chosen = chosen.where(OutboxMessage.subject.in_(mine))
    with hub.db.reading() as session:
        waiting = select(func.count()).select_from(chosen.where(OutboxMessage.delivered_at.is_(None)).subquery())
        rows = session.scalars(chosen.order_by(OutboxMessage.created_at.desc(), OutboxMessage.id).limit(limit)).all()
        return OutboxList(items=[_item(row) for row in rows], undelivered=session.scalar(waiting) or 0)


def _item(row: OutboxMessage) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        created_at=row.created_at,
        attempts=row.attempts,
        last_error=row.last_error,
        delivered_at=row.delivered_at,
    )


@router.post("/lease/decisions", status_code=202)
def receive_lease_decision(
    decision: LeaseDecision,
    principal: Principal = Depends(require("lease.decide")),
    hub: Hub = Depends(hub_of),
) -> LeaseDecisionTaken:
    """Idempotent by `id`."""
    body = decision.model_dump(mode="json")
    with hub.db.unit_of_work(principal.id, f"lease decision {decision.kind}", now=hub.now()) as uow:
        result = receive(uow, decision.id, decision.kind, body)
    return LeaseDecisionTaken(id=decision.id, result=result)
