"""Commands to a device: written down with actor and reason, sent at once, never retained, never repeated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from device_drivers.contract.messages import Command, CommandProof, CommandResult
from device_drivers.contract.words import CommandKind, CommandOutcome
from hub.db import UnitOfWork
from hub.english.phrases import english
from hub.errors import BadRequest, Conflict
from hub.estate.order_rules import GRAVE, KIND_ZH, WHY_ZH
from hub.ids import new_id
from hub.keys import Keys
from hub.services import Hub
from hub.tables import AccessPoint, CommandRow, Device, Edge

LIFE = timedelta(seconds=10)
ANSWER_GRACE = timedelta(seconds=5)  # a result may be on its way when the command has just expired
DOUBLE_CLICK = timedelta(seconds=2)
DIRECT = frozenset({CommandKind.MOMENTARY_ACCESS, CommandKind.RELEASE, CommandKind.READ_BACK, CommandKind.SNAPSHOT})
AT_A_DOOR = frozenset({CommandKind.MOMENTARY_ACCESS, CommandKind.RELEASE})


@dataclass(frozen=True, slots=True)
class Wish:
    """One command to one device. `key`: the client's own, under which a repetition is the same command."""

    device_id: str
    kind: str
    access_point_id: str | None = None
    key: str = ""


def allowed(kind: str, catalogue: list[Any]) -> frozenset[str] | None:
    """What devices of this kind can be told, by what their edge announced; None while it announced nothing of them."""
    for driver in catalogue:
        if driver.get("kind") == kind:
            can = driver.get("capabilities", {})
            reads = can.get("holds_list") or can.get("cards") or can.get("identifiers") or can.get("edge_identifiers")
            return frozenset(can.get("commands", ())) | ({"read_back"} if reads else set())
    return None


def catalogues(session: Session, estate_id: str) -> dict[str, list[Any]]:
    """Edge id → what it announced. Read once an edge, not once a device: each is some kilobytes of JSON."""
    query = select(Edge.id, Edge.catalogue).where(Edge.estate_id == estate_id)
    return {edge: catalogue for edge, catalogue in session.execute(query)}  # noqa: C416  # rows are not pairs to mypy


def issue(hub: Hub, wish: Wish, actor: str, reason: str) -> str:
    """The command's id. 409 when the edge is offline: an unlock must not wait for it.

    The same key, or the same click within two seconds, gives the same command: it is sent once.
    """
    if wish.kind in GRAVE:
        text = f"“{KIND_ZH[wish.kind]}”须先查看影响哪些门和多少住户，再确认。请在“门”页面操作。"
        raise Conflict(text, "needs_preview")
    if wish.kind not in DIRECT:
        raise BadRequest("不支持的操作。可用：开门一次、恢复正常、回读名单、抓拍一张。")
    if not reason.strip():
        raise BadRequest("请填写操作原因，它会记入审计日志。")
    try:
        id, command, edge_id = _issue(hub, wish, actor, reason.strip()[:500])
    except IntegrityError:  # the other half of a double click wrote the key a moment before us
        id, command, edge_id = _issue(hub, wish, actor, reason.strip()[:500])
    if command is not None:
        send(hub, edge_id, command)
    return id


def _issue(hub: Hub, wish: Wish, actor: str, reason: str) -> tuple[str, Command | None, str]:
    with hub.db.unit_of_work(actor, reason, now=hub.now()) as uow:
        device = uow.session.get_one(
            Device, wish.device_id, with_for_update=True
        )  # a double click comes one after the other
        uow.estate_id = device.estate_id
        if known := _known(uow, wish):
            return known.id, None, known.edge_id
        edge = uow.session.get_one(Edge, device.edge_id)
        point = uow.session.get(AccessPoint, wish.access_point_id) if wish.access_point_id else None
        if wish.kind in AT_A_DOOR and (point is None or point.device_id != device.id):
            raise BadRequest("请选择这台设备控制的门。")
        if wish.kind in AT_A_DOOR and not device.in_service:
            raise Conflict("设备未投入使用，不能远程开门。请先在设备页面投入使用。", "not_in_service")
        if not edge.online:
            raise Conflict(WHY_ZH["offline"], "edge_offline")
        _check_allowed(device, edge, wish.kind)
        row = add_row(uow, device, wish.kind, point, reason)
        row.request_key = f"{actor}:{wish.key}" if wish.key else None
        uow.session.flush()
        return row.id, message(row), edge.id


def _check_allowed(device: Device, edge: Edge, kind: str) -> None:
    can = allowed(device.kind, edge.catalogue)
    if can is None:
        text = f"边缘机“{edge.name}”尚未公布这类设备（{device.kind}）能做什么，不能下发命令。请等它上线，或升级边缘机。"
        raise Conflict(text, "unsupported")
    if kind not in can:
        names = "、".join(KIND_ZH.get(one, one) for one in sorted(can))
        text = f"设备“{device.name}”不支持“{KIND_ZH[kind]}”，没有下发。" + (f"它支持：{names}。" if names else "")
        raise Conflict(text, "unsupported")


def _known(uow: UnitOfWork, wish: Wish) -> CommandRow | None:
    """The command this wish repeats. Raises Conflict for a key that stood for another wish."""
    same = (
        CommandRow.device_id == wish.device_id,
        CommandRow.kind == wish.kind,
        CommandRow.access_point_id.is_(None)
        if wish.access_point_id is None
        else CommandRow.access_point_id == wish.access_point_id,
    )
    if wish.key:
        row = uow.session.scalar(select(CommandRow).where(CommandRow.request_key == f"{uow.actor}:{wish.key}"))
        if row is not None and (row.device_id, row.kind, row.access_point_id) != (
            wish.device_id,
            wish.kind,
            wish.access_point_id,
        ):
            raise Conflict("这个操作编号已用于另一项操作，请刷新页面后重试。", "key_reused")
        return row
    fresh = (CommandRow.actor == uow.actor, CommandRow.outcome.is_(None), CommandRow.issued_at > uow.now - DOUBLE_CLICK)
    return uow.session.scalars(select(CommandRow).where(*same, *fresh).order_by(CommandRow.issued_at.desc())).first()


def add_row(
    uow: UnitOfWork, device: Device, kind: str, point: AccessPoint | None, reason: str, order_id: str | None = None
) -> CommandRow:
    row = CommandRow(
        id=new_id("command"),
        estate_id=device.estate_id,
        edge_id=device.edge_id,
        device_id=device.id,
        access_point_id=point.id if point else None,
        door_id=point.door_id if point else None,
        order_id=order_id,
        kind=kind,
        actor=uow.actor,
        reason=reason,
        issued_at=uow.now,
        expires_at=uow.now + LIFE,
    )
    uow.session.add(row)
    uow.record("command.issued", row.id, kind=kind, device=device.id, access_point=row.access_point_id)
    return row


def message(row: CommandRow, until: datetime | None = None) -> Command:
    """`until`: when the door goes back to normal by itself."""
    return Command(
        id=row.id,
        kind=CommandKind(row.kind),
        device=row.device_id,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        access_point=row.access_point_id or "",
        actor=row.actor,
        reason=row.reason,
        until=until,
    )


def signed(keys: Keys, edge_id: str, command: Command) -> Command:
    """With the hub's signature over what it says and to whom."""
    proof = msgspec.json.encode(CommandProof(edge_id, command))
    return msgspec.structs.replace(command, proof=proof, signature=keys.sign(proof), key_id=keys.key_id)


def send(hub: Hub, edge_id: str, command: Command) -> None:
    """Once, signed for this edge. Without a link it is over at once: nothing waits for the link."""
    if not hub.send(edge_id, signed(hub.keys, edge_id, command)):
        settle(
            hub,
            edge_id,
            CommandResult(command.id, CommandOutcome.UNREACHABLE, hub.now(), "中心与边缘机的连接中断，未下发"),
        )


def settle(hub: Hub, edge_id: str, result: CommandResult) -> bool:
    """Keep a command's result. False when this edge was never given it."""
    with hub.db.unit_of_work(f"edge:{edge_id}", "command result", now=hub.now(), audit=False) as uow:
        row = uow.session.get(CommandRow, result.command)
        if row is None or row.edge_id != edge_id:
            return False
        if row.outcome not in (None, "expired"):
            return True
        row.outcome, row.outcome_text, row.outcome_at = str(result.outcome), result.text[:500], result.at
    hub.live.emit(row.estate_id, "commands", to_item(row))
    return True


def expire(hub: Hub) -> str:
    """Job: a command nobody answered is told to have expired; if its result comes yet, that counts."""
    late = hub.now() - ANSWER_GRACE
    with hub.db.unit_of_work("system", "commands expire", now=hub.now(), audit=False) as uow:
        query = select(CommandRow).where(CommandRow.outcome.is_(None), CommandRow.expires_at < late)
        rows = uow.session.scalars(query.order_by(CommandRow.id).with_for_update()).all()
        for row in rows:
            row.outcome, row.outcome_at, row.outcome_text = "expired", uow.now, "边缘机没有回答，命令已过期"
    for row in rows:
        hub.live.emit(row.estate_id, "commands", to_item(row))
    return f"{len(rows)} expired"


def of_order(session: Session, order_id: str) -> list[CommandRow]:
    query = select(CommandRow).where(CommandRow.order_id == order_id)
    return list(session.scalars(query.order_by(CommandRow.door_id, CommandRow.id)))


def to_item(row: CommandRow) -> dict[str, Any]:
    columns = ("id", "kind", "device_id", "access_point_id", "door_id", "order_id", "actor", "reason")
    times = ("issued_at", "expires_at", "outcome", "outcome_text", "outcome_at")
    return {name: getattr(row, name) for name in (*columns, *times)} | {"outcome_text_en": english(row.outcome_text)}
