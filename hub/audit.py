"""The audit trail: read, and checked link by link."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import Principal, hub_of, require
from hub.db import GENESIS, audit_hash
from hub.services import Hub
from hub.tables import AuditRow

router = APIRouter(prefix="/api/v1", tags=["audit"])


class AuditItem(BaseModel):
    id: int
    at: datetime
    actor: str
    reason: str
    estate_id: str | None
    changes: list[dict[str, Any]]


class AuditPage(BaseModel):
    """`chain_ok` False: a row was changed, taken away or slipped in."""

    items: list[AuditItem]
    next_before: int | None
    chain_ok: bool


def first_broken(session: Session) -> int | None:
    """The id of the first row that does not follow from the one before; None when the chain holds."""
    previous = GENESIS
    query = select(AuditRow).order_by(AuditRow.id).execution_options(yield_per=1000)
    for row in session.scalars(query):
        wanted = audit_hash(previous, row.at, row.actor, row.reason, row.estate_id, row.changes)
        if row.previous_hash != previous or row.hash != wanted:
            return row.id
        previous = row.hash
    return None


@router.get("/audit", response_model=AuditPage)
def audit_trail(
    hub: Annotated[Hub, Depends(hub_of)],
    principal: Annotated[Principal, Depends(require("audit.view"))],
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    actor: str | None = None,
) -> Any:
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if principal.estate_ids is not None:
        query = query.where(AuditRow.estate_id.in_(principal.estate_ids))
    if before is not None:
        query = query.where(AuditRow.id < before)
    if actor:
        query = query.where(AuditRow.actor == actor)
    with hub.db.reading() as session:
        rows = session.scalars(query).all()
        chain_ok = first_broken(session) is None
    names = ("id", "at", "actor", "reason", "estate_id", "changes")
    items = [{name: getattr(row, name) for name in names} for row in rows]
    return {"items": items, "next_before": rows[-1].id if len(rows) == limit else None, "chain_ok": chain_ok}
