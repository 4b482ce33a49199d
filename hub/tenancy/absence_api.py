"""Declared absences at the counter."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from hub.auth import Principal, hub_of, in_scope, require
from hub.services import Hub
from hub.tables import Absence, Dwelling
from hub.tenancy import absences

router = APIRouter(prefix="/api/v1", tags=["tenancy"])
TheHub = Annotated[Hub, Depends(hub_of)]
Clerk = Annotated[Principal, Depends(require("absence.declare"))]


class NewAbsence(BaseModel):
    """`reason`: hospital, care, work, travel, home_visit, renovation or other. `said`: who said so and how, for the trail."""

    from_date: date
    to_date: date | None = None
    reason: str
    said: str = Field(min_length=4, max_length=500)


class AbsenceEnd(BaseModel):
    said: str = Field(min_length=4, max_length=500)


class AbsenceMade(BaseModel):
    id: str


@router.post("/dwellings/{dwelling_id}/absences", status_code=201)
def declare_absence(dwelling_id: str, body: NewAbsence, hub: TheHub, principal: Clerk) -> AbsenceMade:
    """No document is asked. While it lasts, days without anybody do not count."""
    _scope(hub, principal, dwelling_id)
    wish = absences.Wish(body.from_date, body.to_date, body.reason)
    return AbsenceMade(id=absences.declare(hub, principal.name, dwelling_id, wish, body.said.strip()))


@router.post("/absences/{absence_id}/end", status_code=204)
def end_absence(absence_id: str, body: AbsenceEnd, hub: TheHub, principal: Clerk) -> Response:
    """The household is back."""
    with hub.db.reading() as session:
        dwelling = session.scalar(select(Absence.dwelling_id).where(Absence.id == absence_id))
    _scope(hub, principal, dwelling or "")
    absences.end(hub, principal.name, absence_id, body.said.strip())
    return Response(status_code=204)


def _scope(hub: Hub, principal: Principal, dwelling_id: str) -> None:
    with hub.db.reading() as session:
        in_scope(principal, session.scalar(select(Dwelling.estate_id).where(Dwelling.id == dwelling_id)))
