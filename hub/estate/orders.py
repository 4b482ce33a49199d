"""Orders to doors: looked at first, done by the token of that look, and by a second person where they concern a whole place.

previewed → issued, or previewed → asked → issued | refused | expired. A repetition of a step changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from device_drivers.contract.messages import Command
from hub.access.states import in_force
from hub.auth import Principal
from hub.db import HELD, UnitOfWork
from hub.errors import BadRequest, Conflict, NotFound
from hub.estate import commands
from hub.estate.order_rules import GRAVE, ORDERS, WHY_ZH, DoorPlace, Target, Way, needs_second, targets_of
from hub.ids import new_id
from hub.second_person import require_other
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    CommandOrder,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    ReportedList,
)

LOOK = timedelta(minutes=5)  # how long the token of a look is good for
SECOND = timedelta(minutes=10)  # how long an order waits for the second person
RECENT = timedelta(hours=1)
MODE_DEFAULT_S, MODE_MAX_S = 4 * 3600, 24 * 3600  # as the edge's own (EdgePolicy)
MIN_REASON = 4


@dataclass(frozen=True, slots=True)
class OrderWish:
    """`scope`: doors (named in `doors`), block (`block`) or estate. `minutes`: until the doors go back to normal."""

    kind: str
    scope: str
    block: str = ""
    doors: tuple[str, ...] = ()
    minutes: int | None = None


def door_places(session: Session, estate_id: str, at: datetime) -> list[DoorPlace]:
    """Every door of the estate with the devices that control it."""
    rows = session.execute(
        select(AccessPoint, Device, Edge.online, ReportedList.modes)
        .join(Device, Device.id == AccessPoint.device_id)
        .join(Edge, Edge.id == Device.edge_id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .where(AccessPoint.estate_id == estate_id, Device.removed_at.is_(None))
        .order_by(AccessPoint.id)
    ).all()
    ways: dict[str, list[Way]] = {}
    modes: dict[str, set[str]] = {}
    announced = commands.catalogues(session, estate_id)
    for point, device, online, told in rows:
        can = commands.allowed(device.kind, announced[device.edge_id]) or frozenset()
        ways.setdefault(point.door_id, []).append(Way(device.id, point.id, online, device.in_service, can))
        mine = {str(one["mode"]) for one in in_force(told, at) if one.get("access_point") == point.id}
        modes.setdefault(point.door_id, set()).update(mine)
    return [
        DoorPlace(
            door.id,
            door.scope,
            door.block_id,
            door.dwelling_id,
            tuple(ways.get(door.id, ())),
            frozenset(modes.get(door.id, ())),
        )
        for door in session.scalars(select(Door).where(Door.estate_id == estate_id).order_by(Door.code))
    ]


def residents(session: Session, estate_id: str) -> dict[tuple[str, str], int]:
    """(block, dwelling) → residents with an active credential."""
    rows = session.execute(
        select(Dwelling.block_id, Dwelling.id, func.count())
        .join(CredentialRow, CredentialRow.dwelling_id == Dwelling.id)
        .where(
            Dwelling.estate_id == estate_id, CredentialRow.state == "active", CredentialRow.holder_class == "resident"
        )
        .group_by(Dwelling.block_id, Dwelling.id)
    )
    return {(block, home): count for block, home, count in rows}


def preview(hub: Hub, who: Principal, estate_id: str, wish: OrderWish) -> str:
    """The token of the look. Nothing is sent. Raises BadRequest, Conflict when no door of it can do this at all."""
    if wish.kind not in ORDERS:
        raise BadRequest("不支持的操作。可用：封锁、常开、停用、恢复正常。")
    with hub.db.unit_of_work(who.name, "查看影响范围", estate_id=estate_id, now=hub.now()) as uow:
        estate = uow.session.get(Estate, estate_id)
        if estate is None:
            raise NotFound
        places = door_places(uow.session, estate_id, uow.now)
        wanted = _wanted(places, wish)
        targets = _targets(places, wanted, wish.kind)
        if not any(target.device for target in targets):
            states = sorted({target.state for target in targets})
            raise Conflict("没有一扇门可以执行。" + "".join(WHY_ZH[state] for state in states), "unsupported")
        row = CommandOrder(
            id=new_id("order"),
            estate_id=estate_id,
            kind=wish.kind,
            scope=wish.scope,
            scope_id=wish.block if wish.scope == "block" else "",
            targets=[target.place() for target in targets],
            second_person=needs_second(wish.kind, wish.scope, wanted, places, _recent(uow.session, who, uow.now)),
            lasts_s=_lasts(estate, wish),
            state="previewed",
            asked_by=who.id,
            asked_name=who.name,
            asked_at=uow.now,
            expires_at=uow.now + LOOK,
        )
        uow.session.add(row)
        uow.record("command_order.previewed", row.id, kind=row.kind, scope=row.scope, doors=len(wanted))
        return row.id


def _targets(places: Collection[DoorPlace], wanted: Collection[str], kind: str) -> list[Target]:
    return [target for place in places if place.door in wanted for target in targets_of(place, kind)]


def _wanted(places: Collection[DoorPlace], wish: OrderWish) -> set[str]:
    if wish.scope == "estate":
        found = {place.door for place in places if place.scope != "dwelling"}
    elif wish.scope == "block":
        found = {place.door for place in places if place.scope == "block" and place.block == wish.block}
    else:
        found = set(wish.doors)
        if not found <= {place.door for place in places}:
            raise NotFound("所选的门不在这个小区内，请从列表中重新选择。")
    if not found:
        raise BadRequest("请至少选择一扇门；所选范围内没有门。")
    return found


def _lasts(estate: Estate, wish: OrderWish) -> int | None:
    """An order that stays has an end, even where nobody named one."""
    if wish.kind not in GRAVE:
        return None
    longest = int(estate.policy.get("mode_max_s") or MODE_MAX_S)
    usual = min(longest, int(estate.policy.get("mode_default_s") or MODE_DEFAULT_S))
    seconds = wish.minutes * 60 if wish.minutes is not None else usual
    if not 60 <= seconds <= longest:
        raise BadRequest(f"持续时间须在1分钟到{longest // 3600}小时之间，到期自动恢复；需要更久请到期前再次下达。")
    return seconds


def _recent(session: Session, who: Principal, now: datetime) -> set[str]:
    """Doors this person gave a grave order for, alone, within the hour or still in force: an hour's wait opens no way round."""
    query = select(CommandOrder.targets).where(
        CommandOrder.asked_by == who.id,
        CommandOrder.kind.in_(sorted(GRAVE)),
        CommandOrder.state == "issued",
        CommandOrder.second_person.is_(False),
        or_(CommandOrder.asked_at > now - RECENT, CommandOrder.until > now),
    )
    return {str(target["door"]) for targets in session.scalars(query) for target in targets}


def execute(hub: Hub, who: Principal, order_id: str, reason: str) -> CommandOrder:
    """By the person who looked: sent now, or asked of a second person. Again: the same order, nothing is sent twice."""
    reason = _reasoned(reason)
    with hub.db.unit_of_work(who.name, reason, now=hub.now()) as uow:
        row = _order(uow, order_id)
        if row.asked_by != who.id:
            raise NotFound("没有这次查看，请重新查看影响范围。")
        if row.state != "previewed":
            return row
        uow.session.get_one(
            Estate, row.estate_id, with_for_update=HELD
        )  # two halves of a whole place, one after the other
        if row.expires_at <= uow.now:
            raise Conflict("查看已超过5分钟，请重新查看影响范围再确认。", "preview_expired")
        places = door_places(uow.session, row.estate_id, uow.now)
        wanted = {str(target["door"]) for target in row.targets}
        seen = [target.place() for target in _targets(places, wanted, row.kind)]
        if seen != row.targets or _grew(row, places):
            raise Conflict("门或控制设备有变化，与您看到的不同。请重新查看影响范围。", "preview_stale")
        alone = not needs_second(row.kind, row.scope, wanted, places, _recent(uow.session, who, uow.now))
        values: dict[str, object] = {
            "state": "issued" if alone else "asked",
            "reason": reason,
            "second_person": not alone,
        }
        values |= {"asked_at": uow.now, "expires_at": uow.now + (commands.LIFE if alone else SECOND)}
        if not _take(uow, row, "previewed", values):
            uow.session.refresh(row)
            return row
        uow.record("command_order.issued" if alone else "command_order.asked", row.id, kind=row.kind, scope=row.scope)
        out = _issue(uow, row, places) if alone else []
    _send(hub, out)
    _show(hub, row)
    return row


def _grew(row: CommandOrder, places: Collection[DoorPlace]) -> bool:
    """A door was added to the block or estate since the look."""
    if row.scope == "doors":
        return False
    return _wanted(places, OrderWish(row.kind, row.scope, row.scope_id)) != {str(t["door"]) for t in row.targets}


def decide(hub: Hub, who: Principal, order_id: str, *, confirm: bool, reason: str) -> CommandOrder:
    """By a second person within ten minutes. Refused: also by who asked, who takes it back."""
    reason = _reasoned(reason)
    out: list[tuple[str, Command]] = []
    with hub.db.unit_of_work(who.name, reason, now=hub.now()) as uow:
        row = _order(uow, order_id)
        if confirm:
            require_other(uow.session, row.asked_by, row.asked_name, who, uow.now)
        values: dict[str, object] = {"state": "issued" if confirm else "refused", "decided_by": who.id}
        values |= {"decided_name": who.name, "decided_at": uow.now, "decided_reason": reason}
        if row.expires_at <= uow.now or not _take(uow, row, "asked", values):
            raise Conflict("已被处理或已过期（10分钟内须确认）。请刷新页面；仍需要时请重新提出。", "order_gone")
        uow.record("command_order.confirmed" if confirm else "command_order.refused", row.id, asked_by=row.asked_name)
        if confirm:
            out = _issue(uow, row, door_places(uow.session, row.estate_id, uow.now))
    _send(hub, out)
    _show(hub, row)
    return row


def _take(uow: UnitOfWork, row: CommandOrder, state: str, values: dict[str, object]) -> bool:
    """One step, taken once: False when somebody else took it a moment ago."""
    step = update(CommandOrder).where(CommandOrder.id == row.id, CommandOrder.state == state)
    taken = uow.session.execute(step.values(**values).returning(CommandOrder.id)).all()
    uow.session.refresh(row)
    return bool(taken)


def _issue(uow: UnitOfWork, row: CommandOrder, places: Collection[DoorPlace]) -> list[tuple[str, Command]]:
    """A command to each door's device, in the caller's unit of work. What cannot go has its result at once."""
    ready: list[tuple[str, Command]] = []
    wanted = {str(told["door"]) for told in row.targets}
    now_at = {(target.door, target.device): target for target in _targets(places, wanted, row.kind)}
    row.until = uow.now + timedelta(seconds=row.lasts_s) if row.lasts_s is not None else None
    for told in row.targets:
        where = (str(told["door"]), str(told["device"]))
        target = now_at.get(where, Target(where[0], "no_device"))
        device, point = uow.session.get(Device, told["device"]), uow.session.get(AccessPoint, told["access_point"])
        if device is None or point is None:
            continue  # shown as a door that cannot do it, in the look and in the result
        command = commands.add_row(uow, device, row.kind, point, row.reason, row.id)
        if target.state != "ready":
            command.outcome, command.outcome_at = "unreachable" if target.state == "offline" else "refused", uow.now
            command.outcome_text = WHY_ZH[target.state]
            continue
        ready.append((command.edge_id, commands.message(command, row.until)))
    return ready


def _send(hub: Hub, out: list[tuple[str, Command]]) -> None:
    for edge_id, command in out:
        commands.send(hub, edge_id, command)


def _show(hub: Hub, row: CommandOrder) -> None:
    with hub.db.reading() as session:
        rows = commands.of_order(session, row.id)
    for one in rows:
        hub.live.emit(row.estate_id, "commands", commands.to_item(one))
    hub.live.emit(row.estate_id, "orders", {"id": row.id, "state": row.state, "kind": row.kind})


def _order(uow: UnitOfWork, order_id: str) -> CommandOrder:
    row = uow.session.get(CommandOrder, order_id)
    if row is None:
        raise NotFound
    uow.estate_id = row.estate_id
    return row


def _reasoned(text: str) -> str:
    if len(text.strip()) < MIN_REASON:
        raise BadRequest(f"请写明原因（至少{MIN_REASON}个字），它会记入审计日志。")
    return text.strip()[:500]


def expire(hub: Hub) -> str:
    """Job: an order nobody confirmed in time is void, and so is a look that nobody followed."""
    with hub.db.unit_of_work("system", "orders expire", now=hub.now()) as uow:
        old = (CommandOrder.state.in_(("previewed", "asked")), CommandOrder.expires_at <= uow.now)
        rows = uow.session.scalars(select(CommandOrder).where(*old).order_by(CommandOrder.id).with_for_update()).all()
        asked = [row for row in rows if row.state == "asked"]
        for row in rows:
            row.state = "expired"
        for row in asked:
            uow.record("command_order.expired", row.id, asked_by=row.asked_name)
    for row in asked:
        hub.live.emit(row.estate_id, "orders", {"id": row.id, "state": row.state, "kind": row.kind})
    return f"{len(asked)} orders expired"
