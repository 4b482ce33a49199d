"""Care watches and calls: for who looks after people on the estate. Those who decide cases have no part in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import Principal, hub_of, in_scope, require
from hub.db import HELD
from hub.errors import ApiError, Conflict, NotFound
from hub.ids import new_id
from hub.lease import outbox
from hub.masking import mask_name
from hub.services import Hub
from hub.tables import Block, CareCall, CareWatch, Consent, Dwelling, HouseholdMember, Person, Tenancy
from hub.welfare import home
from hub.welfare.watch import JOB, PERIOD_S, ask, consent_lives, consented, end, tell

router = APIRouter(prefix="/api/v1", tags=["care"])
SAID = ("fine", "away", "ask")
"""States that say something; of the others a person must think."""

TheHub = Annotated[Hub, Depends(hub_of)]
Carer = Annotated[Principal, Depends(require("care.manage"))]


class NewWatch(BaseModel):
    """`hours`: 24, or 12 where the family asks. `contact`: whom to call first. `said`: who asked for it and how."""

    member_id: str
    hours: Literal[12, 24] = 24
    contact: str = Field(default="", max_length=200)
    said: str = Field(min_length=4, max_length=500)


class CareEnd(BaseModel):
    said: str = Field(min_length=4, max_length=500)


class CareAnswer(BaseModel):
    outcome: Literal["fine", "helped", "away", "false_alarm", "not_reached"]
    note: str = Field(default="", max_length=1000)


class CareMade(BaseModel):
    id: str


class CareWatchItem(BaseModel):
    """`state`: fine, ask, away, cannot_see, not_alone, or unknown: not looked at for half an hour."""

    id: str
    dwelling_id: str
    block_name: str
    number: str
    hours: int
    contact: str
    began_at: datetime
    state: str
    looked_at: datetime | None


class CareCallItem(BaseModel):
    id: str
    dwelling_id: str
    block_name: str
    number: str
    contact: str
    opened_at: datetime
    quiet_since: datetime


class CareCandidate(BaseModel):
    """Somebody who lives alone and consented (c), without a live watch. `name` is masked."""

    member_id: str
    dwelling_id: str
    block_name: str
    number: str
    name: str


class CareCandidates(BaseModel):
    items: list[CareCandidate]


class CareList(BaseModel):
    watches: list[CareWatchItem]
    calls: list[CareCallItem]


@router.get("/estates/{estate_id}/care")
def list_care(estate_id: str, hub: TheHub, principal: Carer) -> CareList:
    """Live watches, those first of which nothing can be said, and the calls that wait for an answer; oldest first."""
    in_scope(principal, estate_id)
    now = hub.now()
    with hub.db.reading() as session:
        watches = session.execute(
            select(CareWatch, Block.name, Dwelling.number)
            .join(Dwelling, Dwelling.id == CareWatch.dwelling_id)
            .join(Block, Block.id == Dwelling.block_id)
            .where(CareWatch.estate_id == estate_id, CareWatch.ended_at.is_(None))
            .order_by(CareWatch.began_at)
        ).all()
        calls = session.execute(
            select(CareCall, Block.name, Dwelling.number, CareWatch.contact)
            .join(Dwelling, Dwelling.id == CareCall.dwelling_id)
            .join(Block, Block.id == Dwelling.block_id)
            .join(CareWatch, CareWatch.id == CareCall.watch_id)
            .where(CareCall.estate_id == estate_id, CareCall.answered_at.is_(None))
            .order_by(CareCall.opened_at)
        ).all()
    items = [_item(row, block, number, now) for row, block, number in watches]
    return CareList(
        watches=sorted(items, key=lambda one: one.state in SAID),
        calls=[
            CareCallItem(
                id=row.id,
                dwelling_id=row.dwelling_id,
                block_name=block,
                number=number,
                contact=contact,
                opened_at=row.opened_at,
                quiet_since=row.quiet_since,
            )
            for row, block, number, contact in calls
        ],
    )


def _item(row: CareWatch, block: str, number: str, now: datetime) -> CareWatchItem:
    known = {name: getattr(row, name) for name in CareWatchItem.model_fields if name not in ("block_name", "number")}
    item = CareWatchItem(block_name=block, number=number, **known)
    if row.looked_at is None or abs(now - row.looked_at) > timedelta(seconds=3 * PERIOD_S):
        item.state = "unknown"
    return item


@router.get("/estates/{estate_id}/care/candidates")
def list_care_candidates(estate_id: str, hub: TheHub, principal: Carer) -> CareCandidates:
    """For whom a watch can begin: nobody is shown who did not ask for care."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        watched = set(session.scalars(select(CareWatch.person_id).where(CareWatch.ended_at.is_(None))))
        day = home.today(session, estate_id, hub.now())
        rows = session.execute(
            select(HouseholdMember.id, Tenancy.dwelling_id, Block.name, Dwelling.number, Person.id, Person.name)
            .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
            .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
            .join(Block, Block.id == Dwelling.block_id)
            .join(Person, Person.id == HouseholdMember.person_id)
            .join(Consent, Consent.person_id == Person.id)
            .where(Tenancy.dwelling_id.in_(home.of_one_person(estate_id, day)), home.lives(day))
            .where(consent_lives(hub.now()))
            .order_by(Block.name, Dwelling.number, HouseholdMember.id)
            .distinct()
        ).all()
    return CareCandidates(
        items=[
            CareCandidate(member_id=member, dwelling_id=dwelling, block_name=block, number=number, name=mask_name(name))
            for member, dwelling, block, number, person, name in rows
            if person not in watched
        ]
    )


@router.post("/dwellings/{dwelling_id}/care-watches", status_code=201)
def begin_care_watch(dwelling_id: str, body: NewWatch, hub: TheHub, principal: Carer) -> CareMade:
    """Only for who lives alone and consented (c). 422 without."""
    with hub.db.unit_of_work(principal.name, "关怀探访开启", now=hub.now()) as uow:
        session = uow.session
        estate = session.scalar(select(Dwelling.estate_id).where(Dwelling.id == dwelling_id))
        in_scope(principal, estate)
        person = _alone(session, dwelling_id, body.member_id, home.today(session, estate or "", hub.now()))
        session.get_one(Person, person, with_for_update=HELD)  # two clicks make one watch
        if not consented(session, person, hub.now()):
            raise ApiError(422, "no_consent", "本人没有同意“关怀探访”（同意项c），不能开启。请先由本人单独同意。")
        if session.scalar(select(CareWatch.id).where(CareWatch.person_id == person, CareWatch.ended_at.is_(None))):
            raise Conflict("已经开启，不必重复。", "care_known")
        uow.estate_id = estate
        row = CareWatch(
            id=new_id("watch"),
            estate_id=estate or "",
            dwelling_id=dwelling_id,
            person_id=person,
            hours=body.hours,
            contact=body.contact.strip(),
            said=body.said.strip(),
            began_by=principal.name,
            began_at=uow.now,
        )
        uow.session.add(row)
        uow.record("care.began", row.id)
        id = row.id
    hub.signal(JOB)
    return CareMade(id=id)


def _alone(session: Session, dwelling_id: str, member_id: str, day: date) -> str:
    """The member's person id. Raises NotFound, ApiError where others live there too."""
    rows = session.execute(
        select(HouseholdMember.id, HouseholdMember.person_id)
        .join(Tenancy, Tenancy.id == HouseholdMember.tenancy_id)
        .where(Tenancy.dwelling_id == dwelling_id, home.lives(day))
    ).all()
    mine = next((row.person_id for row in rows if row.id == member_id), None)
    if mine is None:
        raise NotFound
    if len({row.person_id for row in rows}) > 1:
        raise ApiError(422, "not_alone", "本户登记有其他同住人。关怀探访只为独居的住户开启。")
    return str(mine)


@router.post("/care-watches/{watch_id}/end", status_code=204)
def end_care_watch(watch_id: str, body: CareEnd, hub: TheHub, principal: Carer) -> Response:
    """The person does not want it any more; no reason is owed."""
    with hub.db.unit_of_work(principal.name, "关怀探访结束", now=hub.now()) as uow:
        row = uow.session.get(CareWatch, watch_id, with_for_update=HELD)
        in_scope(principal, row.estate_id if row else None)
        if row is None or row.ended_at is not None:
            raise NotFound
        uow.estate_id, row.ended_said = row.estate_id, body.said.strip()
        end(uow, row, "by wish")
    return Response(status_code=204)


@router.post("/care-calls/{call_id}/answer", status_code=204)
def answer_care_call(call_id: str, body: CareAnswer, hub: TheHub, principal: Carer) -> Response:
    """Somebody looked in. What they found stays here for thirty days. Nobody was reached: the next call stands at once."""
    with hub.db.unit_of_work(principal.name, "关怀探访答复", now=hub.now()) as uow:
        row = uow.session.get(CareCall, call_id)
        in_scope(principal, row.estate_id if row else None)
        if row is None:
            raise NotFound
        watch = uow.session.get_one(CareWatch, row.watch_id, with_for_update=HELD)
        uow.session.refresh(row)
        if row.answered_at is not None:
            raise Conflict("这次探访已有人答复。", "care_answered")
        row.answered_at, row.answered_by, uow.estate_id = uow.now, principal.name, row.estate_id
        row.outcome, row.note = body.outcome, body.note.strip()
        uow.record("care.answered", row.id)
        tell(uow, "care.answered", row)
        if body.outcome == "not_reached" and watch.ended_at is None:
            ask(uow, watch, row.quiet_since)
    hub.signal(outbox.JOB)
    return Response(status_code=204)
