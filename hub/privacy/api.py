"""How long records of people are kept, and what the last run let go: for whoever may see the estate's rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import func, select

from hub.auth import Principal, hub_of, require
from hub.english.phrases import english
from hub.privacy.periods import periods
from hub.services import Hub
from hub.tables import RetentionRun

router = APIRouter(prefix="/api/v1", tags=["privacy"])


class LastRun(BaseModel):
    at: datetime
    before: date
    deleted: int
    held: int


class PeriodItem(BaseModel):
    """`total`: let go in all runs. `last`: None until the job ran."""

    key: str
    title: str
    title_en: str
    days: int
    basis: str
    basis_en: str
    total: int
    last: LastRun | None


class PeriodList(BaseModel):
    items: list[PeriodItem]


@router.get("/retention", response_model=PeriodList)
def retention(
    hub: Annotated[Hub, Depends(hub_of)], _principal: Annotated[Principal, Depends(require("estate.view"))]
) -> Any:
    with hub.db.reading() as session:
        totals: dict[str, int] = dict(
            session.execute(
                select(RetentionRun.period, func.sum(RetentionRun.deleted)).group_by(RetentionRun.period)
            ).all()
        )
        newest = select(func.max(RetentionRun.id)).group_by(RetentionRun.period)
        last = {row.period: row for row in session.scalars(select(RetentionRun).where(RetentionRun.id.in_(newest)))}
    return PeriodList(
        items=[
            PeriodItem(
                key=one.key,
                title=one.title_zh,
                title_en=english(one.title_zh),
                days=one.days,
                basis=one.basis,
                basis_en=english(one.basis),
                total=totals.get(one.key, 0),
                last=_last(last.get(one.key)),
            )
            for one in periods().values()
        ]
    )


def _last(row: RetentionRun | None) -> LastRun | None:
    return None if row is None else LastRun(at=row.finished_at, before=row.before, deleted=row.deleted, held=row.held)
