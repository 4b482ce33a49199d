"""Commands to a device: written down with actor and reason, sent at once, never retained, never repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from device_drivers.contract.messages import Command, CommandResult
from device_drivers.contract.words import CommandKind, CommandOutcome
from hub.errors import ApiError, BadRequest
from hub.ids import new_id
from hub.services import Hub
from hub.tables import AccessPoint, CommandRow, Device, Edge

LIFE = timedelta(seconds=10)
ANSWER_GRACE = timedelta(seconds=5)  # a result may be on its way when the command has just expired
KINDS = frozenset({CommandKind.MOMENTARY_ACCESS, CommandKind.READ_BACK, CommandKind.SNAPSHOT})


def issue(hub: Hub, device_id: str, kind: str, access_point_id: str | None, actor: str, reason: str) -> str:
    """The command's id. 409 when the edge is offline: an unlock must not wait for it."""
    if kind not in KINDS:
        raise BadRequest("不支持的操作。可用：远程开门、核对名单、抓拍。")
    if not reason.strip():
        raise BadRequest("请填写操作原因，它会记入审计日志。")
    now = hub.now()
    with hub.db.unit_of_work(actor, reason, now=now) as uow:
        device = uow.session.get_one(Device, device_id)
        uow.estate_id = device.estate_id
        edge = uow.session.get_one(Edge, device.edge_id)
        point = uow.session.get(AccessPoint, access_point_id) if access_point_id else None
        if kind == CommandKind.MOMENTARY_ACCESS and (point is None or point.device_id != device_id):
            raise BadRequest("请选择这台设备控制的门。")
        if kind == CommandKind.MOMENTARY_ACCESS and not device.in_service:
            raise ApiError(409, "not_in_service", "设备未投入使用，不能远程开门。请先在设备页面投入使用。")
        if not edge.online:
            raise ApiError(409, "edge_offline", "边缘机离线，命令不会排队等待。请到现场处理或等网络恢复后重试。")
        row = CommandRow(
            id=new_id("command"),
            estate_id=device.estate_id,
            edge_id=edge.id,
            device_id=device_id,
            access_point_id=access_point_id,
            kind=kind,
            actor=actor,
            reason=reason.strip()[:500],
            issued_at=now,
            expires_at=now + LIFE,
        )
        uow.session.add(row)
        uow.record("command.issued", row.id, kind=kind, device=device_id, access_point=access_point_id)
        command = Command(
            row.id, CommandKind(kind), device_id, now, row.expires_at, access_point_id or "", actor, row.reason
        )
    if not hub.send(edge.id, command):
        settle(hub, edge.id, CommandResult(command.id, CommandOutcome.UNREACHABLE, hub.now(), "no link to the broker"))
    return command.id


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
        rows = uow.session.scalars(query).all()
        for row in rows:
            row.outcome, row.outcome_at, row.outcome_text = "expired", uow.now, "no answer from the edge"
    for row in rows:
        hub.live.emit(row.estate_id, "commands", to_item(row))
    return f"{len(rows)} expired"


def to_item(row: CommandRow) -> dict[str, Any]:
    columns = ("id", "kind", "device_id", "access_point_id", "actor", "reason", "issued_at", "expires_at")
    return {name: getattr(row, name) for name in (*columns, "outcome", "outcome_text", "outcome_at")}
