"""Access on the console: how far devices are in step with their lists, and why somebody may pass."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from hub.access.revocations import unconfirmed
from hub.access.states import device_lists
from hub.access.step import held_for, no_way_in, step_item
from hub.auth import Principal, hub_of, in_scope, require
from hub.english.own_words import both
from hub.english.phrases import english
from hub.errors import NotFound
from hub.services import Hub
from hub.tables import Estate

router = APIRouter(prefix="/api/v1", tags=["access"])
Viewer = Annotated[Principal, Depends(require("estate.view"))]
TheHub = Annotated[Hub, Depends(hub_of)]


class DeviceStep(BaseModel):
    """`state`: in_step, pending, behind, refusals, unknown."""

    device_id: str
    device_name: str
    kind: str
    wanted: int
    confirmed: int
    assumed: int
    pending: int
    refused: int
    foreign: int
    read_back_at: datetime | None
    drift: int
    drift_at: datetime | None
    state: str


class Removal(BaseModel):
    """`part`: empty or `face`. `told`: why the edge could not yet, in its words."""

    token: str
    label: str
    device_id: str
    device_name: str
    since: datetime
    part: str
    because: str
    told: str
    told_zh: str
    told_en: str
    edge_online: bool


class StuckMember(BaseModel):
    """`face_only`: the face opens, and nothing else does. `since`: when the consent to it was taken back, where it was all there
    was; at this desk, at another estate's, or by the records."""

    token: str
    label: str
    dwelling_id: str
    why: str
    why_en: str
    face_only: bool
    since: datetime | None


class SyncHousehold(BaseModel):
    tenancy: str
    dwelling_id: str
    dwelling_code: str
    dwelling_number: str
    block_name: str
    members: int
    leaving: int
    reason: str
    reason_zh: str


class SyncHeld(BaseModel):
    source: str
    at: datetime
    reason: str
    reason_zh: str
    removals: int
    households: list[SyncHousehold]


class EstateSync(BaseModel):
    devices: list[DeviceStep]
    unconfirmed_removals: list[Removal]
    held: SyncHeld | None
    no_way_in: list[StuckMember]


@router.get("/estates/{estate_id}/sync")
def get_estate_sync(estate_id: str, hub: TheHub, principal: Viewer) -> EstateSync:
    """Wanted against held, device by device; removals not yet confirmed; what the brake holds; who has no way in."""
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        estate = session.get(Estate, estate_id)
        if estate is None:
            raise NotFound
        held = held_for(session, estate_id)
        return EstateSync(
            devices=[DeviceStep(**step_item(lists)) for lists in device_lists(session, {estate_id})],
            unconfirmed_removals=[
                Removal(**{**asdict(r), **both("told", r.told)}) for r in unconfirmed(session, estate_id)
            ],
            held=SyncHeld.model_validate(held) if held else None,
            no_way_in=[StuckMember(**asdict(n), why_en=english(n.why)) for n in no_way_in(session, estate, hub.now())],
        )
