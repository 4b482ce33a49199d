"""A device is added, mapped to doors, put into service, taken out and removed. Each step is a person's, with a reason.

Out of service a device is connected to and looked at; it gets no list, loses none, and takes no door command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hub.access import revocations
from hub.db import HELD, UnitOfWork
from hub.english.own_words import in_english
from hub.errors import ApiError, BadRequest, Conflict, NotFound
from hub.estate import law, service_days
from hub.estate.device_config import problems, with_kept_secrets
from hub.estate.service_days import ServiceDays
from hub.ids import random_text
from hub.occupancy.served import take_over
from hub.services import Hub
from hub.tables import AccessPoint, Block, DesiredEntry, DesiredList, Device, Door, Edge, Estate, ReportedList

MIN_REASON = 4
SIDES_ZH = {"in": "进", "out": "出"}


@dataclass(frozen=True, slots=True)
class NewDoor:
    """`block_id` for scope `block` only. What is not declared of egress and fire release stays an open point."""

    name: str
    scope: str = "estate"
    block_id: str | None = None
    fail_mode: str = "fail_safe"
    escape_route: bool | None = None
    egress: str = "undeclared"
    fire_release: str = "undeclared"


@dataclass(frozen=True, slots=True)
class PointWish:
    """One side of a door for one point of the device: an access point that stands, a door that stands, or a new door.

    `necessity`: why a face is read here; None leaves what stands. `in_service_since`: the first local day on which people pass
    here; None: today for a first device, else what stands; with `always`: it stood here before anything was seen.
    """

    point: str
    side: str = "in"
    access_point_id: str | None = None
    door_id: str | None = None
    door: NewDoor | None = None
    camera_id: str | None = None
    necessity: str | None = None
    in_service_since: date | None = None
    always: bool = False


def driver_of(edge: Edge, kind: str) -> dict[str, Any] | None:
    """What the edge announced of this kind: {kind, title, schema, capabilities}."""
    return next((dict(driver) for driver in edge.catalogue if driver.get("kind") == kind), None)


def found_devices(session: Session, estate_id: str) -> list[dict[str, Any]]:
    """What the estate's edges see and nobody added, newest first. A device that was removed may be found again."""
    added = session.scalars(select(Device).where(Device.estate_id == estate_id, Device.removed_at.is_(None))).all()
    known = {place for device in added for place in _places(device.config)}
    found = [
        {
            **one,
            "title_en": in_english(one["title"]),
            "detail_en": in_english(one["detail"]),
            "edge_id": edge.id,
            "edge_name": edge.name,
        }
        for edge in session.scalars(select(Edge).where(Edge.estate_id == estate_id))
        for one in edge.found
        if not _places(one["config"]) & known
    ]
    return sorted(found, key=lambda one: str(one["first_seen_at"]), reverse=True)


def _places(config: dict[str, Any]) -> set[tuple[str, ...]]:
    """By what two settings mean the same device: its serial number, or its address and unit."""
    if config.get("device_id"):
        return {("id", str(config["device_id"]))}
    if config.get("host"):
        return {("at", str(config["host"]), str(config.get("port", "")), str(config.get("unit", "")))}
    return set()


def needed_reason(text: str) -> str:
    """Raises BadRequest for one that says nothing."""
    reason = text.strip()
    if len(reason) < MIN_REASON:
        raise BadRequest(f"请写明原因（至少{MIN_REASON}个字），它会记入审计日志。")
    return reason[:500]


def add(
    hub: Hub, actor: str, estate_id: str, *, edge_id: str, code: str, name: str, kind: str, config: dict[str, Any]
) -> str:
    """The device's id; it is not in service. Raises NotFound, Conflict (code taken), ApiError 422 with the fields."""
    with hub.db.unit_of_work(actor, "添加设备", estate_id=estate_id, now=hub.now()) as uow:
        edge = uow.session.get(Edge, edge_id)
        if edge is None or edge.estate_id != estate_id:
            raise NotFound("没有这台边缘机，请从列表中选择。")
        config = with_kept_secrets(config, {})
        _check(edge, kind, config)
        device_id = f"{estate_id}.{code}"
        if uow.session.get(Device, device_id):
            raise Conflict(f"编号 {code} 已用过（移除的设备也保留编号），请换一个。", "code_taken")
        common = {"estate_id": estate_id, "edge_id": edge_id, "code": code, "name": name, "kind": kind}
        uow.session.add(Device(id=device_id, config=config, in_service=False, **common))
        uow.record("device.added", device_id, kind=kind, edge=edge_id)
    hub.signal("edges.publish")
    return device_id


def _check(edge: Edge, kind: str, config: dict[str, Any]) -> None:
    driver = driver_of(edge, kind)
    if driver is None:
        known = "、".join(str(d.get("title", d.get("kind"))) for d in edge.catalogue)
        text = f"可选：{known}。" if known else "它还没有上线公布可接入的设备类型，请先登记并启动边缘机。"
        raise ApiError(422, "unknown_kind", f"边缘机“{edge.name}”不能接入 {kind} 类设备。{text}")
    if wrong := problems(driver["schema"], config):
        raise ApiError(422, "bad_config", "".join(wrong))


@dataclass(frozen=True, slots=True)
class Change:
    """What is None stays."""

    name: str | None = None
    config: dict[str, Any] | None = None
    in_service: bool | None = None


def change(hub: Hub, actor: str, device_id: str, wanted: Change, reason: str) -> None:
    """Raises BadRequest without a reason, ApiError 422 for settings, Conflict where a step is missing before service."""
    reason = needed_reason(reason)
    with hub.db.unit_of_work(actor, reason, now=hub.now()) as uow:
        change_in(uow, device_id, wanted)
    follow(hub)


def follow(hub: Hub) -> None:
    """After a change of devices or doors."""
    hub.signal("edges.publish")
    hub.signal("access.publish")


def change_in(uow: UnitOfWork, device_id: str, wanted: Change) -> None:
    device = device_in(uow, device_id)
    edge = uow.session.get_one(Edge, device.edge_id)
    doors = _doors_of(uow.session, device_id)
    before = law.broken(uow.session, doors)
    if wanted.name is not None and wanted.name != device.name:
        device.name = wanted.name
        uow.record("device.renamed", device_id)
    if wanted.config is not None:
        config = with_kept_secrets(wanted.config, device.config)
        _check(edge, device.kind, config)
        moved = sorted(k for k in config.keys() | device.config.keys() if config.get(k) != device.config.get(k))
        device.config = config
        uow.record("device.configured", device_id, fields=moved)
    if wanted.in_service is not None and wanted.in_service != device.in_service:
        if wanted.in_service:
            _ready(uow.session, edge, device)
        device.in_service = wanted.in_service
        uow.record("device.in_service" if wanted.in_service else "device.out_of_service", device_id)
    law.require_lawful(uow.session, doors, before)


def device_in(uow: UnitOfWork, device_id: str) -> Device:
    """A device of today, of an estate whose devices and doors nobody else changes until the unit of work is over: that of two
    changes each is lawful does not make both so."""
    device = uow.session.get(Device, device_id)
    if device is None:
        raise NotFound
    uow.session.get_one(Estate, device.estate_id, with_for_update=HELD)
    uow.session.refresh(device)
    if device.removed_at is not None:
        raise NotFound
    uow.estate_id = device.estate_id
    return device


def _ready(session: Session, edge: Edge, device: Device) -> None:
    doors = _doors_of(session, device.id)
    if law.accepted_by(device.kind, edge.catalogue, {}) and not doors:
        raise Conflict("请先登记这台设备控制的门（通行点），再投入使用。", "no_access_point")
    law.require_lawful(session, doors)


def _doors_of(session: Session, device_id: str) -> set[str]:
    return set(session.scalars(select(AccessPoint.door_id).where(AccessPoint.device_id == device_id)))


def map_in(uow: UnitOfWork, device_id: str, wishes: Sequence[PointWish]) -> None:
    """The whole mapping: points not named are let go. Raises BadRequest, Conflict, ApiError 422 for a face-only door."""
    device = device_in(uow, device_id)
    before = uow.session.scalars(select(AccessPoint).where(AccessPoint.device_id == device_id)).all()
    if device.in_service and before and not wishes:
        raise Conflict("投入使用中的设备至少要有一个通行点。请先停用设备。", "in_service")
    broken = law.broken(uow.session, {point.door_id for point in before})
    bound = [_bind(uow, device, wish) for wish in wishes]
    if len({point.id for point in bound}) < len(bound):
        raise BadRequest("同一个通行点登记了两次，请检查门和方向。")
    for point in before:
        if point not in bound:
            take_over(uow.session, point, None, uow.now)
    law.require_lawful(uow.session, {point.door_id for point in (*before, *bound)}, broken)
    uow.record("device.mapped", device_id, access_points=[point.id for point in bound])


def _bind(uow: UnitOfWork, device: Device, wish: PointWish) -> AccessPoint:
    point = _point(uow, device, wish)
    holder = uow.session.get(Device, point.device_id) if point.device_id else None
    if holder and holder.id != device.id and holder.removed_at is None:
        raise Conflict(f"通行点“{point.name}”由设备“{holder.name}”控制，请先在那台设备上解除。", "point_taken")
    if wish.camera_id is not None:
        camera = uow.session.get(Device, wish.camera_id)
        if camera is None or camera.estate_id != device.estate_id or camera.removed_at is not None:
            raise BadRequest("没有这台摄像机，请从列表中选择。")
    take_over(uow.session, point, device.id, uow.now)
    point.point, point.camera_id = wish.point, wish.camera_id
    if wish.necessity is not None:
        point.necessity = wish.necessity.strip()[:500]
    if wish.always or wish.in_service_since is not None:
        service_days.say(uow, point, wish.in_service_since, point.in_service_until)
    return point


def _point(uow: UnitOfWork, device: Device, wish: PointWish) -> AccessPoint:
    """The one named, the door's free one on this side, or a new one."""
    session, estate_id = uow.session, device.estate_id
    if wish.access_point_id:
        found = session.get(AccessPoint, wish.access_point_id)
        if found is None or found.estate_id != estate_id:
            raise BadRequest("没有这个通行点，请从列表中选择。")
        return found
    door = _door(uow, device, wish)
    of_door = session.scalars(select(AccessPoint).where(AccessPoint.door_id == door.id).order_by(AccessPoint.code))
    same_side = [point for point in of_door if point.side == wish.side]
    for point in same_side:
        holder = session.get(Device, point.device_id) if point.device_id else None
        if holder is None or holder.id == device.id or holder.removed_at is not None:
            return point
    number = str(len(same_side) + 1) if same_side else ""  # a second reader on this side
    code = f"{door.code}-{wish.side.upper()}{number}"
    point = AccessPoint(
        id=f"{estate_id}.{code}",
        estate_id=estate_id,
        door_id=door.id,
        code=code,
        name=f"{door.name} {SIDES_ZH[wish.side]}{number}",
        side=wish.side,
    )
    session.add(point)
    return point


def _door(uow: UnitOfWork, device: Device, wish: PointWish) -> Door:
    session, estate_id = uow.session, device.estate_id
    if wish.door is None:
        door = session.get(Door, wish.door_id or "")
        if door is None or door.estate_id != estate_id:
            raise BadRequest("请选择一扇门，或填写新门的名称。")
        return door
    block = session.get(Block, wish.door.block_id) if wish.door.block_id else None
    if (wish.door.scope == "block" and block is None) or (block is not None and block.estate_id != estate_id):
        raise BadRequest("楼栋门要选择所在的楼栋。")
    code = f"door-{random_text(6)}"
    door = Door(
        id=f"{estate_id}.{code}",
        estate_id=estate_id,
        block_id=block.id if block and wish.door.scope in ("block", "amenity") else None,
        code=code,
        name=wish.door.name.strip(),
        scope=wish.door.scope,
        fail_mode=wish.door.fail_mode,
        escape_route=wish.door.escape_route,
        egress=wish.door.egress,
        fire_release=wish.door.fire_release,
    )
    session.add(door)
    session.flush()
    uow.record("door.added", door.id, scope=door.scope)
    return door


def remove(hub: Hub, actor: str, device_id: str, reason: str) -> None:
    """Out of service first. Its events and coverage stay; its doors stay and wait for another device."""
    reason = needed_reason(reason)
    with hub.db.unit_of_work(actor, reason, now=hub.now()) as uow:
        device = device_in(uow, device_id)
        if device.in_service:
            raise Conflict("设备正在使用中，请先停用，再移除。", "in_service")
        doors = _doors_of(uow.session, device_id)
        before = law.broken(uow.session, doors)
        device.removed_at = uow.now
        law.require_lawful(uow.session, doors, before)
        revocations.taken_down(uow, device_id)
        for table in (DesiredList, DesiredEntry, ReportedList):
            uow.session.execute(delete(table).where(table.device_id == device_id))
        uow.record("device.removed", device_id)
    hub.signal("edges.publish")


@dataclass(frozen=True, slots=True)
class DoorChange:
    """What is None stays. `necessity`: why faces are read at this door, for all its points. `days`: of service."""

    name: str | None = None
    fail_mode: str | None = None
    escape_route: bool | None = None
    egress: str | None = None
    fire_release: str | None = None
    necessity: str | None = None
    days: tuple[ServiceDays, ...] = ()


def change_door(hub: Hub, actor: str, door_id: str, wanted: DoorChange, reason: str) -> None:
    """What an installer or manager declares of a door. Raises ApiError 422 for what the law forbids."""
    with hub.db.unit_of_work(actor, needed_reason(reason), now=hub.now()) as uow:
        door = uow.session.get(Door, door_id)
        if door is None:
            raise NotFound
        uow.session.get_one(Estate, door.estate_id, with_for_update=HELD)
        uow.session.refresh(door)
        uow.estate_id = door.estate_id
        before = law.broken(uow.session, {door_id})
        moved = {}
        for name in ("name", "fail_mode", "escape_route", "egress", "fire_release"):
            value = getattr(wanted, name)
            if value is not None and value != getattr(door, name):
                moved[name] = value
                setattr(door, name, value)
        if wanted.necessity is not None:
            moved["necessity"] = wanted.necessity.strip()[:500]
            points = update(AccessPoint).where(AccessPoint.door_id == door_id)
            uow.session.execute(points.values(necessity=moved["necessity"]))
        for one in wanted.days:
            service_days.say_of(uow, door, one)
        law.require_lawful(uow.session, {door_id}, before)
        if moved:
            uow.record("door.declared", door_id, **moved)
    hub.signal("edges.publish")
