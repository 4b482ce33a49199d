"""What doors and meters prove of tenancies' lives, for the console."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import in_english
from hub.errors import NotFound
from hub.lease.life import key_of
from hub.services import Hub
from hub.tables import Block, Dwelling, LifeFactRow, OutboxMessage

router = APIRouter(prefix="/api/v1", tags=["lease"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]


class LifeFactItem(BaseModel):
    """`kind`: handed_over, moved_in, moved_out or ready_to_relet. `proof`: F1 doors, F2 meters. `standing` False: taken back by
    later records. `delivered_at`: when the lease system took the newest message of it."""

    dwelling_id: str
    block: str
    number: str
    tenancy_id: str
    kind: str
    day: date
    standing: bool
    revision: int
    proof: list[str]
    coverage: float
    because: list[str]
    because_en: list[str]
    meters: list[dict[str, Any]]
    updated_at: datetime
    delivered_at: datetime | None


class LifeFactList(BaseModel):
    items: list[LifeFactItem]


@router.get("/dwellings/{dwelling_id}/life")
def dwelling_life(dwelling_id: str, hub: TheHub, principal: Viewer) -> LifeFactList:
    """Newest first, of all its tenancies."""
    with hub.db.reading() as session:
        row = session.get(Dwelling, dwelling_id)
        in_scope(principal, row.estate_id if row else None)
        if row is None:
            raise NotFound
        return _items(session, LifeFactRow.dwelling_id == dwelling_id, 50)


@router.get("/estates/{estate_id}/life")
def estate_life(
    estate_id: str,
    hub: TheHub,
    principal: Viewer,
    kind: str | None = None,
    limit: int = Query(100, ge=1, le=500),
) -> LifeFactList:
    """Of the whole estate, newest first. With a `kind` only what stands; `ready_to_relet`: the homes that can be let again."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        chosen = LifeFactRow.estate_id == estate_id
        if kind is not None:
            chosen &= (LifeFactRow.kind == kind) & LifeFactRow.standing
        return _items(session, chosen, limit)


def _items(session: Session, chosen: ColumnElement[bool], limit: int) -> LifeFactList:
    rows = session.execute(
        select(LifeFactRow, Dwelling.number, Block.name)
        .join(Dwelling, Dwelling.id == LifeFactRow.dwelling_id)
        .join(Block, Block.id == Dwelling.block_id)
        .where(chosen)
        .order_by(LifeFactRow.day.desc(), LifeFactRow.tenancy_id, LifeFactRow.kind)
        .limit(limit)
    ).all()
    ids = {f"dwelling.{row.kind}:{key_of(row)}" for row, _number, _block in rows}
    sent = dict(
        session.execute(select(OutboxMessage.id, OutboxMessage.delivered_at).where(OutboxMessage.id.in_(ids))).all()
    )
    return LifeFactList(
        items=[
            LifeFactItem(
                number=number,
                block=block,
                because_en=in_english(row.because),
                delivered_at=sent.get(f"dwelling.{row.kind}:{key_of(row)}"),
                **{name: getattr(row, name) for name in _COLUMNS},
            )
            for row, number, block in rows
        ]
    )


_COLUMNS = tuple(LifeFactItem.model_fields.keys() - {"number", "block", "because_en", "delivered_at"})
