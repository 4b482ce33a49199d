"""The installed policy packs, and trials of one on an estate's own history."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import select

from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import english
from hub.errors import NotFound
from hub.occupancy import trials
from hub.occupancy.pack import Anchor, Pauses, Sublet, Vacancy, VacantUse
from hub.occupancy.policy import packs
from hub.services import Hub
from hub.tables import Estate, PolicyTrial

router = APIRouter(prefix="/api/v1", tags=["occupancy"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]
PolicyMaker = Annotated[Principal, Depends(require("policy.manage"))]
SHOWN = 10


class PolicyPackItem(BaseModel):
    """`confidence`: primary, secondary or unverified; `anchors`: what each threshold rests on and how sure that is."""

    name: str
    title: str
    version: str
    legal_basis: str
    legal_basis_en: str
    confidence: str
    vacancy: Vacancy
    sublet: Sublet
    vacant_use: VacantUse
    pauses: Pauses
    anchors: list[Anchor]
    bar_years: int | None
    notes: list[str]


class PolicyPackList(BaseModel):
    items: list[PolicyPackItem]


class TrialRequest(BaseModel):
    policy_pack: str


class TrialMade(BaseModel):
    id: str


class Tiers(BaseModel):
    yellow: int = 0
    orange: int = 0
    red: int = 0


class PackOutcome(BaseModel):
    """`opened`: leads by the highest tier they reached; `standing`: those that would stand today, by their tier today; `months`:
    month → tier → leads that entered it. `insufficient_days`: dwelling-days on which data did not suffice."""

    pack: str
    title: str
    version: str
    opened: Tiers
    standing: Tiers
    kinds: dict[str, int]
    months: dict[str, Tiers]
    insufficient_days: int


class TrialLead(BaseModel):
    """`lead`: kind:tier."""

    dwelling_id: str
    lead: str


class TrialResult(BaseModel):
    """`only_tried`, `only_in_force`: dwellings whose lead would stand today under one pack alone, the first 50; empty for
    those who may not see cases. `otherwise_count`: those with a lead under both, of another kind or tier; None: an
    older trial, which did not count them."""

    first: date
    last: date
    dwellings: int
    tried: PackOutcome
    in_force: PackOutcome
    only_tried: list[TrialLead]
    only_in_force: list[TrialLead]
    only_tried_count: int
    only_in_force_count: int
    otherwise_count: int | None = None


class TrialItem(BaseModel):
    """`state`: waiting, running, done or failed; `error` says what to do."""

    id: str
    pack: str
    pack_version: str
    asked_by: str
    asked_at: datetime
    state: str
    done: int
    total: int
    finished_at: datetime | None
    error: str
    error_en: str
    result: TrialResult | None


class TrialList(BaseModel):
    items: list[TrialItem]


@router.get("/policy-packs")
def list_policy_packs(_principal: Viewer) -> PolicyPackList:
    """The installed packs; which one is in force is the estate's `policy_pack`."""
    return PolicyPackList(
        items=[
            PolicyPackItem(
                title=pack.title_zh,
                legal_basis_en=english(pack.legal_basis),
                **{k: v for k, v in pack if k in PolicyPackItem.model_fields},
            )
            for pack in packs().values()
        ]
    )


@router.post("/estates/{estate_id}/policy-trials", status_code=202)
def try_policy_pack(estate_id: str, body: TrialRequest, hub: TheHub, principal: PolicyMaker) -> TrialMade:
    """Replays the estate's kept days under this pack and the one in force. Nothing changes by it."""
    _estate(hub, principal, estate_id)
    return TrialMade(id=trials.ask(hub, estate_id, body.policy_pack, principal.name))


@router.get("/estates/{estate_id}/policy-trials")
def list_policy_trials(estate_id: str, hub: TheHub, principal: Viewer) -> TrialList:
    """The newest first."""
    _estate(hub, principal, estate_id)
    with hub.db.reading() as session:
        rows = session.scalars(
            select(PolicyTrial)
            .where(PolicyTrial.estate_id == estate_id)
            .order_by(PolicyTrial.asked_at.desc(), PolicyTrial.id)
            .limit(SHOWN)
        ).all()
    return TrialList(items=[_item(row, principal.may("case.view")) for row in rows])


def _estate(hub: Hub, principal: Principal, estate_id: str) -> None:
    in_scope(principal, estate_id)
    with hub.db.reading() as session:
        if session.get(Estate, estate_id) is None:
            raise NotFound


def _item(row: PolicyTrial, named: bool) -> TrialItem:
    result: dict[str, Any] | None = row.result
    if result is not None and not named:
        result = {**result, "only_tried": [], "only_in_force": []}
    columns = {name: getattr(row, name) for name in TrialItem.model_fields if name not in ("result", "error_en")}
    return TrialItem(
        **columns, error_en=english(row.error), result=TrialResult.model_validate(result) if result else None
    )
