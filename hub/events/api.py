"""Search in what happened, daily counts, pictures, and the live stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import pairwise
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from hub.auth import COOKIE, Principal, hub_of, in_scope, require, still_signed_in
from hub.errors import BadRequest, NotFound
from hub.estate import coverage
from hub.events.items import EventItem, Names, Shot, to_item
from hub.live import CASE_TOPICS
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    CredentialRow,
    Device,
    Dwelling,
    Estate,
    EventRow,
    FaceLook,
    Snapshot,
)

router = APIRouter(prefix="/api/v1", tags=["events"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]
COLUMNS = EventRow.__table__.columns.keys()


class EventPage(BaseModel):
    """Newest first; `next_before` goes back in as `before`."""

    items: list[EventItem]
    next_before: str | None


class PassDayItem(BaseModel):
    """`coverage`: share of the day in which the estate's access points could observe (0..1)."""

    day: date
    passes: int
    denied: int
    coverage: float


class PassDays(BaseModel):
    days: list[PassDayItem]


@router.get("/estates/{estate_id}/events", response_model=EventPage)
def search_events(
    estate_id: str,
    hub: TheHub,
    principal: Viewer,
    kind: str | None = None,
    access_point: str | None = None,
    dwelling: str | None = None,
    device: str | None = None,
    outcome: str | None = None,
    from_: Annotated[datetime | None, Query(alias="from")] = None,
    to: datetime | None = None,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Any:
    in_scope(principal, estate_id)
    wanted = {
        EventRow.kind: kind,
        EventRow.access_point_id: access_point,
        EventRow.dwelling_id: dwelling,
        EventRow.device_id: device,
        EventRow.outcome: outcome,
    }
    query = select(EventRow).where(EventRow.estate_id == estate_id)
    for column, value in wanted.items():
        if value:
            query = query.where(column == value)
    if from_:
        query = query.where(EventRow.at >= _aware(from_))
    if to:
        query = query.where(EventRow.at < _aware(to))
    if before:
        query = query.where(_older_than(before))
    order = (EventRow.at.desc(), EventRow.edge_id.desc(), EventRow.epoch.desc(), EventRow.seq.desc())
    with hub.db.reading() as session:
        rows = session.scalars(query.order_by(*order).limit(limit)).all()
        names = _names(session, rows)
    items = [to_item({column: getattr(row, column) for column in COLUMNS}, names) for row in rows]
    return {"items": items, "next_before": _position(rows[-1]) if len(rows) == limit else None}


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _position(row: EventRow) -> str:
    return f"{row.at.astimezone(UTC).isoformat()}|{row.edge_id}|{row.epoch}|{row.seq}"


def _older_than(position: str) -> Any:
    try:
        at, edge, epoch, seq = position.split("|")
        when, number = _aware(datetime.fromisoformat(at.replace(" ", "+"))), int(seq)
    except ValueError as error:
        raise BadRequest("翻页位置无效，请从第一页开始。") from error
    same = and_(
        EventRow.at == when,
        tuple_(EventRow.edge_id, EventRow.epoch, EventRow.seq) < tuple_(edge, epoch, number),
    )
    return or_(EventRow.at < when, same)


def _names(session: Session, rows: Any) -> Names:
    """What the ids on this page are called; whatever a box says, nobody and nothing of another estate."""
    estates = {row.estate_id for row in rows}
    devices = {row.device_id for row in rows}
    points = {row.access_point_id for row in rows if row.access_point_id}
    dwellings = {row.dwelling_id for row in rows if row.dwelling_id}
    tokens = {row.credential for row in rows if row.credential}
    passes = [row.seq for row in rows if row.kind == "access"]
    holders = select(CredentialRow.token, CredentialRow.label, CredentialRow.holder_class)
    asked = [row.seq for row in rows if row.kind in ("access", "camera")]
    pictures = select(Snapshot).where(Snapshot.of_seq.in_(passes))
    looks = select(FaceLook).where(FaceLook.of_seq.in_(asked))
    return Names(
        devices=_pairs(session, Device, Device.name, devices),
        access_points=_pairs(session, AccessPoint, AccessPoint.name, points, AccessPoint.estate_id.in_(estates)),
        dwellings=_pairs(session, Dwelling, Dwelling.number, dwellings, Dwelling.estate_id.in_(estates)),
        holders={
            row.token: (row.label, row.holder_class)
            for row in session.execute(
                holders.where(CredentialRow.token.in_(tokens), CredentialRow.estate_id.in_(estates))
            )
        },
        pictures={
            (row.edge_id, row.epoch, row.of_seq): Shot(row.sha256, row.taken_at, row.proof)
            for row in session.scalars(pictures)
            if row.of_seq is not None
        },
        faces={(row.edge_id, row.epoch, row.of_seq): (row.outcome, row.text) for row in session.scalars(looks)},
    )


def _pairs(session: Session, table: Any, name: Any, ids: set[str], *of: ColumnElement[bool]) -> dict[str, str]:
    if not ids:
        return {}
    return {row[0]: row[1] for row in session.execute(select(table.id, name).where(table.id.in_(ids), *of))}


@router.get("/estates/{estate_id}/passes-daily", response_model=PassDays)
def passes_daily(estate_id: str, hub: TheHub, principal: Viewer, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Any:
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        estate = session.get(Estate, estate_id)
        if estate is None:
            raise NotFound
        zone = ZoneInfo(estate.time_zone)
        today = hub.now().astimezone(zone).date()
        span = [today - timedelta(days=n) for n in range(days - 1, -1, -1)]
        starts = [datetime.combine(day, time(), zone) for day in [*span, today + timedelta(days=1)]]
        controlling = set(
            session.scalars(select(AccessPoint.device_id).where(AccessPoint.estate_id == estate_id).distinct())
        )
        held = coverage.load(session, [id for id in controlling if id], starts[0])
        counts = [_outcomes(session, estate_id, *pair) for pair in pairwise(starts)]
    now = hub.now()
    items = []
    for day, start, end, count in zip(span, starts[:-1], starts[1:], counts, strict=True):
        length = (min(end, now) - start).total_seconds() * max(1, len(controlling))
        seen = sum(coverage.covered_seconds(intervals, start, min(end, now)) for intervals in held.values())
        passes = count.get("granted", 0) + count.get("taken", 0)
        share = round(min(1.0, seen / length), 4) if length > 0 else 0.0
        items.append({"day": day, "passes": passes, "denied": count.get("denied", 0), "coverage": share})
    return {"days": items}


def _outcomes(session: Session, estate_id: str, start: datetime, end: datetime) -> dict[str, int]:
    query = (
        select(EventRow.outcome, func.count())
        .where(EventRow.estate_id == estate_id, EventRow.at >= start, EventRow.at < end, EventRow.kind == "access")
        .group_by(EventRow.outcome)
    )
    return {str(row[0]): row[1] for row in session.execute(query)}


@router.get("/snapshots/{sha256}", response_class=FileResponse)
def snapshot(sha256: str, hub: TheHub, principal: Viewer) -> Response:
    """A picture. Looking at it is written down."""
    with hub.db.reading() as session:
        row = session.get(Snapshot, sha256)
    in_scope(principal, row.estate_id if row else None)
    if row is None or not (hub.config.dir / row.file).is_file():
        raise NotFound("图片不存在或已按保存期限删除。")
    with hub.db.unit_of_work(principal.id, "snapshot viewed", estate_id=row.estate_id, now=hub.now()) as uow:
        uow.record("snapshot.viewed", sha256)
    return FileResponse(hub.config.dir / row.file, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/stream", response_class=StreamingResponse)
async def live_stream(request: Request, estate: str, hub: TheHub, principal: Viewer) -> StreamingResponse:
    """Server-sent events: hello, batch, gap. The stream ends with its session (sign-out, disabled user, expiry)."""
    in_scope(principal, estate)
    hidden = frozenset[str]() if principal.may("case.view") else CASE_TOPICS
    still = partial(still_signed_in, hub, request.cookies.get(COOKIE, ""), principal)
    frames: AsyncIterator[bytes] = hub.live.stream(estate, hidden, still)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)
