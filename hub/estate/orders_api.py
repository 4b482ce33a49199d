"""Routes of orders to doors: look, do, the second person's word, and each door's own result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import Principal, hub_of, in_scope, require
from hub.english.phrases import english
from hub.errors import NotFound
from hub.estate import commands, orders
from hub.estate.order_rules import EFFECT_ZH, KIND_ZH, WHY_ZH, concerned, shut_out, still_opens, targets_of
from hub.services import Hub
from hub.tables import Block, CommandOrder, Device, Door

router = APIRouter(prefix="/api/v1", tags=["orders"])
TheHub = Annotated[Hub, Depends(hub_of)]
Viewer = Annotated[Principal, Depends(require("estate.view"))]
Commander = Annotated[Principal, Depends(require("device.command"))]
LISTED = 50


class OrderWanted(BaseModel):
    """`scope`: `doors` (with `door_ids`), `block` (with `block_id`) or `estate`. `minutes`: how long; none: the usual time."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["lock_down", "lock_open", "block", "release"]
    scope: Literal["doors", "block", "estate"]
    block_id: str = ""
    door_ids: list[str] = Field(default=[], max_length=200)
    minutes: int | None = Field(default=None, ge=1)


class OrderReason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=4, max_length=500)


class OrderDoor(BaseModel):
    """One device of a door. `state`: ready, offline, unsupported, not_in_service, no_device; `outcome` once it was sent.

    `why_en`, `outcome_text_en`: the same in English. `still_opens`: other readers of this door that go on opening it, for
    they cannot be told to stop.
    """

    door_id: str
    door_name: str
    device_id: str
    device_name: str
    state: str
    why_zh: str
    why_en: str
    modes: list[str]
    still_opens: list[str]
    command_id: str
    outcome: str | None
    outcome_text: str
    outcome_text_en: str
    outcome_at: datetime | None


class OrderItem(BaseModel):
    """`id` of a look is the token with which it is done. `state`: previewed, asked, issued, refused, expired.

    `residents`: whose way home leads by these doors; `shut_out`: who would have no other. `second_person`: it takes another
    person's word. `mine`: the caller asked for it.
    """

    id: str
    estate_id: str
    kind: str
    kind_zh: str
    effect_zh: str
    scope: str
    block_id: str
    block_name: str
    state: str
    second_person: bool
    residents: int
    shut_out: int
    doors: list[OrderDoor]
    lasts_s: int | None
    until: datetime | None
    reason: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    decided_by: str
    decided_at: datetime | None
    decided_reason: str
    mine: bool


class OrderList(BaseModel):
    """`waiting`: what a second person should look at now. `items`: newest first."""

    items: list[OrderItem]
    waiting: int


@router.post("/estates/{estate_id}/command-orders", status_code=201)
def preview_order(estate_id: str, body: OrderWanted, hub: TheHub, principal: Commander) -> OrderItem:
    """Names exactly which doors and whom it concerns. Nothing is sent; the token is good for five minutes."""
    in_scope(principal, estate_id)
    wish = orders.OrderWish(body.kind, body.scope, body.block_id, tuple(body.door_ids), body.minutes)
    return _shown(hub, principal, orders.preview(hub, principal, estate_id, wish))


@router.post("/command-orders/{order_id}/execute", status_code=202)
def execute_order(order_id: str, body: OrderReason, hub: TheHub, principal: Commander) -> OrderItem:
    """Sends it (`issued`), or asks a second person (`asked`). A second click is the same order."""
    _in_scope(hub, principal, order_id)
    orders.execute(hub, principal, order_id, body.reason)
    return _shown(hub, principal, order_id)


@router.post("/command-orders/{order_id}/{decision}", status_code=202)
def decide_order(
    order_id: str, decision: Literal["confirm", "refuse"], body: OrderReason, hub: TheHub, principal: Commander
) -> OrderItem:
    """By another person within ten minutes. Who asked may take it back with `refuse`."""
    _in_scope(hub, principal, order_id)
    orders.decide(hub, principal, order_id, confirm=decision == "confirm", reason=body.reason)
    return _shown(hub, principal, order_id)


@router.get("/command-orders/{order_id}")
def order_state(order_id: str, hub: TheHub, principal: Viewer) -> OrderItem:
    _in_scope(hub, principal, order_id)
    return _shown(hub, principal, order_id)


@router.get("/estates/{estate_id}/command-orders")
def list_orders(estate_id: str, hub: TheHub, principal: Viewer) -> OrderList:
    in_scope(principal, estate_id)
    query = select(CommandOrder).where(CommandOrder.estate_id == estate_id, CommandOrder.state != "previewed")
    with hub.db.reading() as session:
        rows = session.scalars(query.order_by(CommandOrder.asked_at.desc(), CommandOrder.id).limit(LISTED)).all()
        items = _items(session, principal, rows, estate_id, hub.now())
    waiting = sum(item.state == "asked" and item.expires_at > hub.now() for item in items)
    return OrderList(items=items, waiting=waiting)


def _in_scope(hub: Hub, principal: Principal, order_id: str) -> None:
    with hub.db.reading() as session:
        row = session.get(CommandOrder, order_id)
    in_scope(principal, row.estate_id if row else None)
    if row is None:
        raise NotFound


def _shown(hub: Hub, principal: Principal, order_id: str) -> OrderItem:
    with hub.db.reading() as session:
        row = session.get_one(CommandOrder, order_id)
        return _items(session, principal, [row], row.estate_id, hub.now())[0]


def _items(
    session: Session, principal: Principal, rows: Sequence[CommandOrder], estate_id: str, at: datetime
) -> list[OrderItem]:
    if not rows:
        return []
    places = {place.door: place for place in orders.door_places(session, estate_id, at)}
    living = orders.residents(session, estate_id)
    doors = dict(session.execute(select(Door.id, Door.name).where(Door.estate_id == estate_id)).all())
    devices = dict(session.execute(select(Device.id, Device.name).where(Device.estate_id == estate_id)).all())
    blocks = dict(session.execute(select(Block.id, Block.name).where(Block.estate_id == estate_id)).all())
    found = []
    for row in rows:
        wanted = {str(target["door"]) for target in row.targets}
        sent = {(command.door_id, command.device_id): command for command in commands.of_order(session, row.id)}
        shown = []
        for target in row.targets:
            door, command = target["door"], sent.get((target["door"], target["device"]))
            place = places.get(door)
            now = {t.device: t.state for t in targets_of(place, row.kind)} if place else {}
            state = now.get(target["device"], "no_device")
            shown.append(
                OrderDoor(
                    door_id=door,
                    door_name=doors.get(door, door),
                    device_id=target["device"],
                    device_name=devices.get(target["device"], ""),
                    state=state,
                    why_zh=WHY_ZH[state],
                    why_en=english(WHY_ZH[state]),
                    modes=sorted(place.modes) if place else [],
                    still_opens=[devices.get(d, d) for d in still_opens(place, row.kind)] if place else [],
                    command_id=command.id if command else "",
                    outcome=command.outcome if command else None,
                    outcome_text=command.outcome_text if command else "",
                    outcome_text_en=english(command.outcome_text) if command else "",
                    outcome_at=command.outcome_at if command else None,
                )
            )
        found.append(
            OrderItem(
                id=row.id,
                estate_id=row.estate_id,
                kind=row.kind,
                kind_zh=KIND_ZH[row.kind],
                effect_zh=EFFECT_ZH[row.kind],
                scope=row.scope,
                block_id=row.scope_id,
                block_name=blocks.get(row.scope_id, ""),
                state=row.state,
                second_person=row.second_person,
                residents=concerned(wanted, places.values(), living),
                shut_out=shut_out(row.kind, wanted, places.values(), living),
                doors=shown,
                lasts_s=row.lasts_s,
                until=row.until,
                reason=row.reason,
                asked_by=row.asked_name,
                asked_at=row.asked_at,
                expires_at=row.expires_at,
                decided_by=row.decided_name,
                decided_at=row.decided_at,
                decided_reason=row.decided_reason,
                mine=row.asked_by == principal.id,
            )
        )
    return found
