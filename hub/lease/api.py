"""The outbox as it stands."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import func, select

from hub.auth import Principal, hub_of, require
from hub.english.phrases import english
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
    last_error_en: str
    delivered_at: datetime | None


class OutboxList(BaseModel):
    items: list[OutboxItem]
    undelivered: int


@router.get("/outbox")
def list_outbox(
    limit: int = Query(50, ge=1, le=500),
    principal: Principal = Depends(require("case.view")),
    hub: Hub = Depends(hub_of),
) -> OutboxList:
    """Messages to the lease system, newest first, of the estates the caller sees. Those of care are not for who decides cases."""
    chosen = select(OutboxMessage).where(OutboxMessage.kind.not_like("care.%"))
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
        last_error_en=english(row.last_error),
        delivered_at=row.delivered_at,
    )
