"""Outside signs at the desk: what staff saw or were told of a dwelling (F5), and what the lease system sent (F4)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from sqlalchemy import select

from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import english
from hub.errors import BadRequest, NotFound
from hub.lease import outside
from hub.occupancy.outside import SIGN_KINDS
from hub.services import Hub
from hub.tables import Dwelling, HubUser, OutsideSign

router = APIRouter(prefix="/api/v1", tags=["lease"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("case.view"))]
Recorder = Annotated[Principal, Depends(require("sign.record"))]
SHA256 = r"^([0-9a-f]{64})?$"
ANALYSIS = "occupancy.analyse"


class NewSign(BaseModel):
    """A class of family F5 and its day. `digest`: SHA-256 of the copy of an advertisement, which stays with the office.
    `reason`: how it is known, for the audit trail alone."""

    kind: str
    on: date
    anonymous: bool = False
    digest: str = Field(default="", pattern=SHA256)
    reason: str = Field(default="", max_length=500)


class SignMade(BaseModel):
    id: str


class SignItem(BaseModel):
    """`family`: F4 records of offices, F5 people. `source`: lease_system or desk. `by`: who recorded it."""

    id: str
    kind: str
    label_zh: str
    family: str
    on: date
    until: date | None
    anonymous: bool
    digest: str
    source: str
    by: str
    by_en: str
    recorded_at: datetime
    withdrawn_at: datetime | None


class SignKindItem(BaseModel):
    kind: str
    label_zh: str


class SignList(BaseModel):
    """`kinds`: what people may record."""

    items: list[SignItem]
    kinds: list[SignKindItem]


@router.get("/dwellings/{dwelling_id}/outside-signs")
def list_signs(dwelling_id: str, hub: TheHub, principal: Viewer) -> SignList:
    """Newest first, the withdrawn too. For who decides or audits cases alone."""
    with hub.db.reading() as session:
        _dwelling(session.get(Dwelling, dwelling_id), principal)
        rows = session.execute(
            select(OutsideSign, HubUser.display_name)
            .outerjoin(HubUser, HubUser.id == OutsideSign.recorded_by)
            .where(OutsideSign.dwelling_id == dwelling_id)
            .order_by(OutsideSign.on.desc(), OutsideSign.id)
            .limit(200)
        ).all()
    return SignList(
        items=[_item(row, name) for row, name in rows],
        kinds=[SignKindItem(kind=name, label_zh=one.label_zh) for name, one in SIGN_KINDS.items() if one.by_people],
    )


def _item(row: OutsideSign, name: str | None) -> SignItem:
    kind = SIGN_KINDS.get(row.kind)
    names = ("id", "kind", "on", "until", "anonymous", "digest", "source", "recorded_at", "withdrawn_at")
    by = name or ("租赁系统" if row.source == outside.LEASE_SYSTEM else row.recorded_by)
    return SignItem(
        label_zh=kind.label_zh if kind else row.kind,
        family=kind.family if kind else "",
        by=by,
        by_en=name or english(by),
        **{one: getattr(row, one) for one in names},
    )


@router.post("/dwellings/{dwelling_id}/outside-signs", status_code=201)
def record_sign(dwelling_id: str, body: NewSign, hub: TheHub, principal: Recorder) -> SignMade:
    """What somebody of ours saw or was told. It asks nobody anything and changes no access."""
    kind = SIGN_KINDS.get(body.kind)
    if kind is None or not kind.by_people:
        raise BadRequest("请从列表中选择类别；租金、户籍等由租赁系统提供。")
    if body.kind == "advert" and not body.digest:
        raise BadRequest("出租信息须附所存副本的SHA-256摘要。", "digest_needed")
    reason = body.reason.strip() or f"outside sign {body.kind}"
    with hub.db.unit_of_work(principal.id, reason, now=hub.now()) as uow:
        dwelling = _dwelling(uow.session.get(Dwelling, dwelling_id), principal)
        wish = outside.Wish(body.kind, body.on, None, body.anonymous, body.digest)
        id = outside.keep(uow, dwelling, wish, "desk", "", principal.id)
    hub.signal(ANALYSIS)
    return SignMade(id=id)


@router.post("/outside-signs/{sign_id}/withdraw", status_code=204)
def withdraw_sign(sign_id: str, hub: TheHub, principal: Recorder) -> Response:
    """It was wrong. Of the lease system's, the lease system takes its own back."""
    with hub.db.unit_of_work(principal.id, "outside sign withdrawn", now=hub.now()) as uow:
        row = uow.session.get(OutsideSign, sign_id)
        in_scope(principal, row.estate_id if row else None)
        if row is not None and row.source == outside.LEASE_SYSTEM:
            raise BadRequest("这条旁证来自租赁系统，请在那里更正。", "sign_of_feed")
        outside.withdraw(uow, row)
    hub.signal(ANALYSIS)
    return Response(status_code=204)


def _dwelling(row: Dwelling | None, principal: Principal) -> Dwelling:
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound
    return row
