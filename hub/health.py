"""Which parts are well. Public: it says nothing of people or places."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hub.auth import hub_of
from hub.services import Hub
from hub.tables import Edge, JobRun, OutboxMessage, SourceState

router = APIRouter(prefix="/api/v1", tags=["health"])
VERSION = "0.1.0"
LOW_DISK = 512 * 1024 * 1024
OUTBOX_LATE = timedelta(minutes=15)
CERTIFICATE_LEFT = timedelta(days=14)  # a box renews when 30 are left


class Part(BaseModel):
    name: str
    ok: bool
    detail: str


class Health(BaseModel):
    ok: bool
    version: str
    parts: list[Part]


@router.get("/health", response_model=Health)
def health(hub: Annotated[Hub, Depends(hub_of)]) -> Any:
    parts = [*_database_parts(hub), _broker(hub), _disk(hub)]
    return {"ok": all(part.ok for part in parts), "version": VERSION, "parts": parts}


def _database_parts(hub: Hub) -> list[Part]:
    try:
        with hub.db.reading() as session:
            session.execute(select(1))
            parts = [_jobs(session), _edges(session, hub), _source(session), _outbox(session, hub), _law(session)]
    except OperationalError:
        return [Part(name="database", ok=False, detail="the database does not answer")]
    return [Part(name="database", ok=True, detail=hub.db.engine.dialect.name), *parts]


def _jobs(session: Session) -> Part:
    failed = [row.job for row in session.scalars(select(JobRun).where(JobRun.ok.is_(False)))]
    total = session.scalar(select(func.count()).select_from(JobRun)) or 0
    return Part(name="jobs", ok=not failed, detail=f"failed: {', '.join(failed)}" if failed else f"{total} jobs well")


def _edges(session: Session, hub: Hub) -> Part:
    online = session.execute(select(Edge.online).where(Edge.enrolled_at.is_not(None))).scalars().all()
    unsent = sorted(hub.unsent)
    ending = select(Edge.id).where(Edge.secret_hash.is_not(None), Edge.certificate_until < hub.now() + CERTIFICATE_LEFT)
    ends = session.scalars(ending.order_by(Edge.id)).all()
    detail = f"{sum(online)} of {len(online)} online"
    if ends:
        detail += f"; certificate not renewed: {', '.join(ends[:5])}"
    if unsent:
        detail += f"; too large to be sent: {', '.join(unsent[:5])}"
    return Part(name="edges", ok=all(online) and not unsent and not ends, detail=detail)


def _source(session: Session) -> Part:
    rows = session.scalars(select(SourceState)).all()
    bad = [row.source for row in rows if row.last_error]
    held = [row.source for row in rows if row.held]
    detail = f"errors: {', '.join(bad)}" if bad else f"{len(rows)} sources"
    return Part(name="tenancy_source", ok=not bad, detail=detail + (f"; held back: {', '.join(held)}" if held else ""))


def _outbox(session: Session, hub: Hub) -> Part:
    waiting = session.scalars(select(OutboxMessage.created_at).where(OutboxMessage.delivered_at.is_(None))).all()
    late = [at for at in waiting if hub.now() - at > OUTBOX_LATE]
    return Part(name="lease_outbox", ok=not late, detail=f"{len(waiting)} waiting, {len(late)} late")


def _law(session: Session) -> Part:
    """The running set-up against the law, as the last check found it."""
    row = session.get(JobRun, "law.check")
    return Part(
        name="law",
        ok=row is None or row.detail.startswith("0 unlawful"),
        detail=row.detail if row else "not checked yet",
    )


def _broker(hub: Hub) -> Part:
    up = hub.link is not None and hub.link.connected
    return Part(name="broker", ok=up, detail="connected" if up else "no link to the broker")


def _disk(hub: Hub) -> Part:
    free = shutil.disk_usage(hub.config.dir).free
    return Part(name="disk", ok=free > LOW_DISK, detail=f"{free // 2**20} MB free")
