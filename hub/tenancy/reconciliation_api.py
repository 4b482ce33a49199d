"""Both sides of a source on the console and as a file; and whether the hub's clock can be believed."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import clock
from hub.auth import Principal, hub_of, require
from hub.errors import ApiError, Conflict, NotFound
from hub.services import Hub
from hub.tables import ClockState, CredentialRow, Dwelling, HouseholdMember, SourceState, Tenancy
from hub.tenancy.api import Held, held_of
from hub.tenancy.fields import ZONE
from hub.tenancy.reasons import zh
from hub.tenancy.reconciliation import Report, reconcile_source, rows_of, said, said_zh
from hub.tenancy.records import EndDecision
from hub.tenancy.sheets import CSV, XLSX, as_csv, as_xlsx
from hub.tenancy.sources import SourceProblem

router = APIRouter(prefix="/api/v1", tags=["tenancy"])
Viewer = Annotated[Principal, Depends(require("tenancy.view"))]
Manager = Annotated[Principal, Depends(require("tenancy.manage"))]
TheHub = Annotated[Hub, Depends(hub_of)]


class SideItem(BaseModel):
    """How many are in each class; their sum is `total`. `only`: the other side has none of it."""

    total: int
    agree: int
    different: int
    held: int
    refused: int
    only: int


class DifferenceItem(BaseModel):
    tenancy: str
    dwelling_code: str
    person: str
    name: str
    here: str
    there: str


class OnlyItem(BaseModel):
    """`person` empty: the whole tenancy."""

    tenancy: str
    dwelling_code: str
    person: str


class RefusedItem(BaseModel):
    key: str
    reason: str
    reason_zh: str
    raw_masked: dict[str, str]


class TwiceItem(BaseModel):
    what: str
    where: list[str]


class PersonTwice(BaseModel):
    """Two records that may be of one person (see `/tenancy/people/candidates`)."""

    by: str
    persons: list[str]
    names: list[str]
    sources: list[str]


class Reconciliation(BaseModel):
    """`agrees`: nothing differs, nothing is refused or held. `said`: one line; `hub` and `source`: tenancies of each side."""

    name: str
    at: datetime
    agrees: bool
    said: str
    said_zh: str
    hub: SideItem
    source: SideItem
    hub_members: SideItem
    source_members: SideItem
    repeated: int
    differences: list[DifferenceItem]
    only_here: list[OnlyItem]
    only_there: list[OnlyItem]
    refused: list[RefusedItem]
    held: Held | None
    people_twice: list[PersonTwice]
    cards_twice: list[TwiceItem]
    dwellings_twice: list[TwiceItem]
    dwellings_unknown: list[str]


def _report(hub: Hub, principal: Principal, source: str) -> Report:
    with hub.db.reading() as session:
        state = session.get(SourceState, source)
    estate = state.detail.get("estate") if state else None
    if principal.estate_ids is not None and (estate is None or not principal.sees(str(estate))):
        raise NotFound("没有这个数据源，或它涉及您不管理的小区。")
    try:
        return reconcile_source(hub, source, principal.estate_ids)
    except SourceProblem as problem:
        raise ApiError(502, problem.reason, zh(problem.reason)) from problem


@router.get("/tenancy/sources/{source}/reconciliation")
def source_reconciliation(source: str, hub: TheHub, principal: Viewer) -> Reconciliation:
    """Reads the whole source again and compares; changes nothing."""
    report = _report(hub, principal, source)
    found = report.found
    return Reconciliation(
        name=report.source,
        at=report.at,
        agrees=report.agrees,
        said=said(report),
        said_zh=said_zh(report),
        hub=SideItem(total=found.hub.total, **found.hub.counts),
        source=SideItem(total=found.source.total, **found.source.counts),
        hub_members=SideItem(total=found.hub_members.total, **found.hub_members.counts),
        source_members=SideItem(total=found.source_members.total, **found.source_members.counts),
        repeated=report.repeated,
        differences=[DifferenceItem.model_validate(d, from_attributes=True) for d in found.differences],
        only_here=[_only(one) for one in found.only_here],
        only_there=[_only(one) for one in found.only_there],
        refused=[
            RefusedItem(key=r.key, reason=r.reason, reason_zh=zh(r.reason), raw_masked=r.raw) for r in report.refused
        ],
        held=held_of(report.held, principal),
        people_twice=[
            PersonTwice(
                by=pair.by,
                persons=[one.person for one in pair.records],
                names=[one.name for one in pair.records],
                sources=[f"{one.source}: {one.number}" for one in pair.records],
            )
            for pair in report.people_twice
        ],
        cards_twice=[TwiceItem(what=one.what, where=list(one.where)) for one in report.cards_twice],
        dwellings_twice=[TwiceItem(what=one.what, where=list(one.where)) for one in report.dwellings_twice],
        dwellings_unknown=report.dwellings_unknown,
    )


def _only(one: tuple[str, str, str]) -> OnlyItem:
    return OnlyItem(tenancy=one[0], dwelling_code=one[1], person=one[2])


@router.get("/tenancy/sources/{source}/reconciliation/file", response_class=Response)
def source_reconciliation_file(
    source: str, hub: TheHub, principal: Viewer, format: Literal["csv", "xlsx"] = "xlsx"
) -> Response:
    """The same as a table, masked."""
    rows = rows_of(_report(hub, principal, source))
    content, kind = (as_csv(rows), CSV) if format == "csv" else (as_xlsx(rows, "对账"), XLSX)
    name = f"reconciliation-{hub.now():%Y%m%d-%H%M}.{format}"
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


router.add_api_route(
    "/sources/{source}/reconciliation",
    source_reconciliation,
    response_model=Reconciliation,
    include_in_schema=False,
    name="source_reconciliation_short",
)


class ClockWaiting(BaseModel):
    """What would end if the days between were believed. `kind`: decision, left, pass."""

    kind: Literal["decision", "left", "pass"]
    estate_id: str
    dwelling_code: str
    tenancy: str
    on: datetime


class ClockItem(BaseModel):
    """`problem` empty: the clock is right. While it is not, nothing ends by date."""

    problem: str
    problem_zh: str
    now: datetime
    believed: datetime
    found_at: datetime | None
    asked_by: str
    asked_at: datetime | None
    waiting: list[ClockWaiting]


class ClockWord(BaseModel):
    reason: str = Field(min_length=4, max_length=500)


class ClockSaid(BaseModel):
    """`asked`: a second person must confirm; `confirmed`: time goes on."""

    state: Literal["asked", "confirmed"]


@router.get("/clock")
def get_clock(hub: TheHub, principal: Viewer) -> ClockItem:
    clock.look(hub)
    now = hub.now()
    with hub.db.reading() as session:
        row = session.get(ClockState, 1)
        seen = clock.believed(session, now)
        waiting = _waiting(session, seen, now) if row is not None and row.problem and now > seen else []
    return ClockItem(
        problem=row.problem if row else "",
        problem_zh=zh("clock_jumped") if row and row.problem else "",
        now=now,
        believed=seen,
        found_at=row.found_at if row else None,
        asked_by=row.asked_by if row else "",
        asked_at=row.asked_at if row else None,
        waiting=[one for one in waiting if principal.sees(one.estate_id)],
    )


@router.post("/clock/confirm", status_code=202)
def confirm_clock(body: ClockWord, hub: TheHub, principal: Manager) -> ClockSaid:
    """It is right after all: the first person asks, another confirms, and what waited by date takes effect."""
    if principal.estate_ids is not None:
        raise Conflict("时钟涉及全部小区，请由可查看全部小区的人员办理。")
    if not clock.confirm(hub, principal.name, body.reason):
        return ClockSaid(state="asked")
    for job in ("tenancy.sync", "access.publish"):
        hub.signal(job)
    return ClockSaid(state="confirmed")


def _wait(kind: Literal["decision", "left"], tenancy: Tenancy, code: str, day: date) -> ClockWaiting:
    on = datetime.combine(day, time(), ZONE)
    return ClockWaiting(kind=kind, estate_id=tenancy.estate_id, dwelling_code=code, tenancy=tenancy.source_id, on=on)


def _waiting(session: Session, seen: datetime, now: datetime) -> list[ClockWaiting]:
    """Announced move-outs, last days and passes between the time that was believed and what the clock shows."""
    from_day, to_day = seen.astimezone(ZONE).date(), now.astimezone(ZONE).date()
    found = []
    live = (
        select(Tenancy, Dwelling.code)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .where(Tenancy.state != "ended")
        .order_by(Dwelling.code)
    )
    for tenancy, code in session.execute(live.where(Tenancy.end_decision.is_not(None))):
        out = msgspec.convert(tenancy.end_decision, EndDecision).move_out_completed_on
        if out and from_day < out <= to_day:
            found.append(_wait("decision", tenancy, code, out))
    members = live.join(HouseholdMember, HouseholdMember.tenancy_id == Tenancy.id).add_columns(HouseholdMember.to_date)
    ending = members.where(HouseholdMember.to_date >= from_day, HouseholdMember.to_date < to_day)
    found += [_wait("left", tenancy, code, day) for tenancy, code, day in session.execute(ending)]
    passes = (
        select(CredentialRow.estate_id, CredentialRow.valid_to, Dwelling.code)
        .outerjoin(Dwelling, Dwelling.id == CredentialRow.dwelling_id)
        .where(CredentialRow.state == "active", CredentialRow.valid_to > seen, CredentialRow.valid_to <= now)
    )
    found += [
        ClockWaiting(kind="pass", estate_id=estate, dwelling_code=code or "", tenancy="", on=to)
        for estate, to, code in session.execute(passes)
        if to is not None
    ]
    return found
