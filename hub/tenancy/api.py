"""Tenancy sources on the console: how they stand, what was refused, what is held; and the upload of a list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Query, UploadFile
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import english
from hub.errors import BadRequest, Conflict, NotFound
from hub.services import Hub
from hub.tables import Estate, SourceRow, SourceState
from hub.tenancy import held, sync
from hub.tenancy.fields import Refused
from hub.tenancy.files import MAX_BYTES
from hub.tenancy.progress import BOARD, Meter
from hub.tenancy.reasons import zh
from hub.tenancy.records import RefusedRow
from hub.tenancy.upload import upload

router = APIRouter(prefix="/api/v1", tags=["tenancy"])
Viewer = Annotated[Principal, Depends(require("tenancy.view"))]
Manager = Annotated[Principal, Depends(require("tenancy.manage"))]
TheHub = Annotated[Hub, Depends(hub_of)]


class HeldHousehold(BaseModel):
    """A household that keeps its access although the source says otherwise.

    `losses`: what it would lose: ended, left, cards, photo, moved. `becomes`: the number its source uses now, `people`: (number
    now, number known here) of its members; `of_source`: whose record it is so far.
    """

    tenancy: str
    dwelling_id: str
    dwelling_code: str
    dwelling_number: str
    estate_id: str
    block_name: str
    members: int
    leaving: int
    reason: str
    reason_zh: str
    losses: list[str] = []
    becomes: str = ""
    people: list[list[str]] = []
    of_source: str = ""


class Held(BaseModel):
    """`set` empty: nothing waits for a decision (decisions that are not complete). `asked_by`: who is the first of two."""

    source: str
    at: datetime
    reason: str
    reason_zh: str
    removals: int
    households: list[HeldHousehold]
    set: str = ""
    asked_by: str = ""
    asked_at: datetime | None = None
    refused_by: str = ""
    refused_at: datetime | None = None
    refused_reason: str = ""


class SourceItem(BaseModel):
    source: str
    kind: str
    estate_id: str | None
    cursor: str
    last_ok_at: datetime | None
    last_full_at: datetime | None
    last_error: str
    last_error_zh: str
    held: Held | None
    missing: list[str]
    refused_rows: int


class Sources(BaseModel):
    items: list[SourceItem]


class RefusedRowItem(BaseModel):
    id: int
    source: str
    key: str
    reason: str
    reason_zh: str
    raw_masked: dict[str, str]
    seen_at: datetime


class RefusedRows(BaseModel):
    items: list[RefusedRowItem]
    total: int


class Accepted(BaseModel):
    accepted: bool = True


class Released(BaseModel):
    """`state`: `asked` (a second person must confirm), `released` (takes effect with the next run) or `refused`."""

    released: int
    state: Literal["asked", "released", "refused"]


class HeldWord(BaseModel):
    """`set`: the held set this person looked at; a word about another one is not taken (409 `held_changed`)."""

    reason: str = Field(min_length=4, max_length=500)
    set: str = Field(min_length=1, max_length=64)


class UploadRefusal(BaseModel):
    row: int
    reason: str
    reason_zh: str
    detail: str
    detail_en: str


class Changes(BaseModel):
    new: int
    changed: int
    ended: int
    unchanged: int


class UploadHousehold(BaseModel):
    """A household the list brings (`new`) or changes, without names; `members` live there afterwards."""

    dwelling_code: str
    change: Literal["new", "changed"]
    members: int


class UploadDetail(BaseModel):
    """The same household by masked names. `added`: who comes. `corrected`: (who, which field). `loses`: (who, what he would
    lose); `held`: the brake keeps it for now.
    """

    dwelling_code: str
    added: list[str] = []
    corrected: list[tuple[str, str]] = []
    loses: list[tuple[str, str]] = []
    held: bool = False


class UploadProgress(BaseModel):
    """`stage`: reading, checking, comparing, writing, done, failed, or unknown (no such ticket, or not begun)."""

    stage: str
    done: int
    total: int


class UploadResult(BaseModel):
    """`changes` counts households, `accepted` and `refused` rows; `noted`: accepted ones of which one cell was left out.

    `households`: the new and changed ones, by house code.

    `waiting`: the id under which the whole list waits for a second person; nothing of it is applied until then.
    """

    accepted: int
    refused: list[UploadRefusal]
    noted: list[UploadRefusal] = []
    changes: Changes
    households: list[UploadHousehold] = []
    details: list[UploadDetail] = []
    held: Held | None
    held_reason: str = ""
    held_reason_zh: str = ""
    waiting: str = ""
    applied: bool


def held_of(found: dict[str, Any] | None, principal: Principal) -> Held | None:
    """What of a held set this caller may see: households of own estates."""
    if found is None:
        return None
    mine = [h for h in found["households"] if principal.sees(h["estate_id"])]
    return Held.model_validate({**found, "households": mine, "removals": len(mine)})


@router.get("/tenancy/sources")
def list_tenancy_sources(hub: TheHub, principal: Viewer) -> Sources:
    with hub.db.reading() as session:
        states = list(session.scalars(select(SourceState).order_by(SourceState.source)))
        rows = session.execute(select(SourceRow.source, func.count()).group_by(SourceRow.source))
        counts = dict(rows.all())
    return Sources(
        items=[
            SourceItem(
                source=state.source,
                kind=str(state.detail.get("kind", "")),
                estate_id=state.detail.get("estate"),
                cursor=state.cursor,
                last_ok_at=state.last_ok_at,
                last_full_at=state.last_full_at,
                last_error=state.last_error,
                last_error_zh=zh(state.last_error.split(":")[0]) if state.last_error else "",
                held=held_of(state.held, principal),
                missing=list(state.detail.get("missing", ())) if principal.estate_ids is None else [],
                refused_rows=counts.get(state.source, 0) if _sees_rows(principal, state) else 0,
            )
            for state in states
            if _sees(principal, state)
        ]
    )


def _sees(principal: Principal, state: SourceState) -> bool:
    estate = state.detail.get("estate")
    return estate is None or principal.sees(str(estate))


def _source(hub: Hub, principal: Principal, source: str) -> None:
    with hub.db.reading() as session:
        state = session.get(SourceState, source)
    if state is None or not _sees(principal, state):
        raise NotFound("没有这个数据源。请返回数据源列表重新选择。")


@router.post("/tenancy/sources/{source}/run", status_code=202)
def run_tenancy_source(source: str, hub: TheHub, principal: Manager) -> Accepted:
    """Read everything of this source again, soon."""
    _source(hub, principal, source)
    with hub.db.unit_of_work(principal.name, "run wanted", now=hub.now()) as uow:
        sync.want_full(uow, uow.session.get_one(SourceState, source, with_for_update=True))
    hub.signal(sync.NAME)
    return Accepted()


@router.post("/tenancy/sources/{source}/held/release", status_code=202, deprecated=True)
def release_held(source: str, body: HeldWord, hub: TheHub, principal: Manager) -> Released:
    """The older name of `confirm`."""
    return confirm_held(source, body, hub, principal)


@router.post("/tenancy/sources/{source}/held/confirm", status_code=202)
def confirm_held(source: str, body: HeldWord, hub: TheHub, principal: Manager) -> Released:
    """The first person asks; the second, who is another, lets exactly the households both were shown pass the brake."""
    _whole(hub, principal, source)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        released = held.confirm(uow, uow.session.get_one(SourceState, source, with_for_update=True), body.set)
    if released is None:
        return Released(released=0, state="asked")
    hub.signal(sync.NAME)
    return Released(released=released, state="released")


@router.post("/tenancy/sources/{source}/held/refuse", status_code=202)
def refuse_held(source: str, body: HeldWord, hub: TheHub, principal: Manager) -> Released:
    """A second person says no: nothing of the set is removed. It is asked anew when the source says something else."""
    _whole(hub, principal, source)
    with hub.db.unit_of_work(principal.name, body.reason, now=hub.now()) as uow:
        held.refuse(uow, uow.session.get_one(SourceState, source, with_for_update=True), body.set)
    return Released(released=0, state="refused")


def _whole(hub: Hub, principal: Principal, source: str) -> None:
    _source(hub, principal, source)
    if principal.estate_ids is not None:
        raise Conflict("放行涉及多个小区，请由可查看全部小区的人员办理。")


@router.get("/tenancy/refused-rows")
def list_refused_rows(hub: TheHub, principal: Viewer, source: str | None = None, limit: int = 200) -> RefusedRows:
    """Newest first. Callers of single estates see the rows of those estates' own sources only."""
    with hub.db.reading() as session:
        seen = [s.source for s in session.scalars(select(SourceState)) if _sees_rows(principal, s)]
        query = select(SourceRow).where(SourceRow.source.in_(seen))
        if source is not None:
            query = query.where(SourceRow.source == source)
        total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = list(session.scalars(query.order_by(SourceRow.id.desc()).limit(max(1, min(limit, 1000)))))
    return RefusedRows(
        items=[
            RefusedRowItem(
                id=row.id,
                source=row.source,
                key=row.key,
                reason=row.reason,
                reason_zh=zh(row.reason),
                raw_masked={key: str(value) for key, value in row.raw.items()},
                seen_at=row.seen_at,
            )
            for row in rows
        ],
        total=total,
    )


def _sees_rows(principal: Principal, state: SourceState) -> bool:
    """A refused row often names no known dwelling: it is shown with the whole source or not at all."""
    estate = state.detail.get("estate")
    return principal.estate_ids is None or (estate is not None and principal.sees(str(estate)))


@router.post("/tenancy/upload")
def upload_tenancies(
    estate: str,
    hub: TheHub,
    principal: Manager,
    file: Annotated[UploadFile, File()],
    dry_run: bool = True,
    ticket: Annotated[str, Query(max_length=64)] = "",
) -> UploadResult:
    """A CSV or XLSX list for one estate. A dry run only says what would change. `ticket`: any word, to ask how far it is."""
    in_scope(principal, estate)
    with hub.db.reading() as session:
        row = session.get(Estate, estate)
    if row is None:
        raise NotFound
    content = file.file.read(MAX_BYTES + 1)
    meter = Meter(BOARD, f"{principal.id}:{ticket}" if ticket else "")
    try:
        outcome = upload(
            hub, row, principal.name, file.filename or "", content, dry_run=dry_run, meter=meter, who=principal.id
        )
    except Refused as no:
        meter.at("failed", meter.stage.done, meter.stage.total)
        raise BadRequest(zh(no.reason) + (f"（{no.detail}）" if no.detail else ""), code=no.reason) from no
    return UploadResult(
        accepted=outcome.accepted,
        refused=[_row(row) for row in outcome.refused],
        noted=[_row(row) for row in outcome.noted],
        changes=Changes(**outcome.household_changes),
        households=[UploadHousehold.model_validate(h, from_attributes=True) for h in outcome.households],
        details=[UploadDetail.model_validate(h, from_attributes=True) for h in outcome.households],
        held=None,
        held_reason=outcome.held,
        held_reason_zh=zh(outcome.held) if outcome.held else "",
        waiting=outcome.waiting,
        applied=outcome.applied,
    )


def _row(row: RefusedRow) -> UploadRefusal:
    return UploadRefusal(
        row=int(row.key.split()[-1]),
        reason=row.reason,
        reason_zh=zh(row.reason),
        detail=row.detail,
        detail_en=english(row.detail),
    )


@router.get("/tenancy/upload/progress")
def upload_progress(ticket: Annotated[str, Query(min_length=1, max_length=64)], principal: Manager) -> UploadProgress:
    """How far an upload of this caller is."""
    stage = BOARD.get(f"{principal.id}:{ticket}")
    if stage is None:
        return UploadProgress(stage="unknown", done=0, total=0)
    return UploadProgress(stage=stage.name, done=stage.done, total=stage.total)
