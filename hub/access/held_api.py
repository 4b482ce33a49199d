"""What waits for a second person, and the second person's word."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import select

from hub.access import held
from hub.access.desk_parts import DeskAnswer, ReasonWanted, TheHub, Viewer, answer_of
from hub.auth import Principal, in_scope, require
from hub.english.phrases import english
from hub.errors import Conflict, NotFound
from hub.tables import Dwelling, HeldAction

router = APIRouter(prefix="/api/v1", tags=["access"])
Second = Annotated[Principal, Depends(require("tenancy.manage"))]


class HeldItem(BaseModel):
    id: str
    kind: str
    dwelling_id: str | None
    dwelling_code: str | None
    label: str
    label_en: str
    asked_by: str
    asked_at: datetime
    reason: str
    mine: bool


class HeldItems(BaseModel):
    items: list[HeldItem]


class HeldLoss(BaseModel):
    """`name` empty: the household as a whole. `what`: `card …1234`, ended, left, cards, photo, moved."""

    name: str
    what: str


class HeldHouseholdItem(BaseModel):
    dwelling_code: str
    loses: list[HeldLoss]


class HeldHouseholds(BaseModel):
    """`total`: of all pages."""

    total: int
    items: list[HeldHouseholdItem]


@router.get("/estates/{estate_id}/held-actions")
def list_held_actions(estate_id: str, hub: TheHub, principal: Viewer) -> HeldItems:
    """What waits for a second person, oldest first, each with the household it concerns."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        rows = held.waiting(session, estate_id)
        codes = dict(
            session.execute(
                select(Dwelling.id, Dwelling.code).where(
                    Dwelling.id.in_({r.dwelling_id for r in rows if r.dwelling_id})
                )
            ).all()
        )
    return HeldItems(
        items=[
            HeldItem(
                id=r.id,
                kind=r.kind,
                dwelling_id=r.dwelling_id,
                dwelling_code=codes.get(r.dwelling_id or ""),
                label=r.label,
                label_en=english(r.label),
                asked_by=r.asked_by,
                asked_at=r.asked_at,
                reason=r.reason,
                mine=(r.asked_by_id or r.asked_by) in (principal.id, principal.name),
            )
            for r in rows
        ]
    )


@router.get("/held-actions/{held_id}/households")
def held_households(
    held_id: str,
    hub: TheHub,
    principal: Viewer,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> HeldHouseholds:
    """Every household that would lose something if it were confirmed now, by house code, page by page."""
    with hub.db.reading() as session:
        row = session.get(HeldAction, held_id)
        in_scope(principal, row.estate_id if row else None)
        if row is None:
            raise NotFound
        found = held.households(hub, session, row)
    page = found[offset : offset + limit]
    return HeldHouseholds(
        total=len(found),
        items=[
            HeldHouseholdItem(
                dwelling_code=one.dwelling_code, loses=[HeldLoss(name=name, what=what) for name, what in one.loses]
            )
            for one in page
        ],
    )


@router.post("/held-actions/{held_id}/{decision}")
def decide_held_action(
    held_id: str, decision: Literal["confirm", "refuse"], body: ReasonWanted, hub: TheHub, principal: Second
) -> DeskAnswer:
    """By somebody else than who asked for it."""
    with hub.db.reading() as session:
        row = session.get(HeldAction, held_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    if row.state != "held":
        raise Conflict("已被处理或已过期（24小时），请刷新页面。", "held_gone")
    done = held.decide(hub, principal, row, confirm=decision == "confirm", reason=body.reason)
    return answer_of(hub, done) if done else DeskAnswer(subject=held_id)
