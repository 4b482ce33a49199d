"""What an edge is told to drive (down/devices), and what it reports of it (up/device/…/reported)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from device_drivers.contract.device import (
    AccessPointBinding,
    DeviceConfig,
    DeviceSet,
    EdgePolicy,
    MeterBinding,
)
from device_drivers.contract.messages import DeviceReported, DevicesDesired, ListDoorbell
from device_drivers.contract.words import Direction, FailMode, Quantity
from hub.access import refusals, revocations, since
from hub.db import UnitOfWork
from hub.english.own_words import both
from hub.estate import stranger_pictures
from hub.estate.modes import door_modes, mode_item
from hub.services import Hub
from hub.tables import AccessPoint, CredentialRow, DesiredList, Device, Door, Edge, Estate, Meter, ReportedList

log = logging.getLogger(__name__)
CLOCK_PLAY = timedelta(minutes=1)
_canonical = msgspec.json.Encoder(order="sorted")


class NotThisEdges(ValueError):
    """A report of a device that does not hang on the edge that sent it."""


def compose(session: Session, edge: Edge) -> DeviceSet:
    """The whole set of an edge with the generation it was last given."""
    estate = session.get_one(Estate, edge.estate_id)
    devices = session.scalars(
        select(Device).where(Device.edge_id == edge.id, Device.removed_at.is_(None)).order_by(Device.id)
    ).all()
    points: dict[str, list[AccessPointBinding]] = {}
    bound = select(AccessPoint, Door.fail_mode).join(Door, Door.id == AccessPoint.door_id)
    bound = bound.where(AccessPoint.estate_id == estate.id, AccessPoint.device_id.is_not(None))
    for point, fail_mode in session.execute(bound.order_by(AccessPoint.id)):
        binding = AccessPointBinding(
            point.id,
            point.point,
            Direction(point.side),
            point.camera_id,
            door=point.door_id,
            fail_mode=FailMode(fail_mode),
        )
        points.setdefault(point.device_id or "", []).append(binding)
    meters: dict[str, list[MeterBinding]] = {}
    for meter in session.scalars(select(Meter).where(Meter.estate_id == estate.id).order_by(Meter.id)):
        meters.setdefault(meter.device_id, []).append(MeterBinding(meter.id, meter.point, Quantity(meter.quantity)))
    return DeviceSet(
        edge=edge.id,
        estate=estate.id,
        time_zone=estate.time_zone,
        generation=edge.devices_generation,
        devices=tuple(
            DeviceConfig(
                device=device.id,
                kind=device.kind,
                name=device.name,
                config={**device.config, "code": device.code},
                access_points=tuple(points.get(device.id, ())),
                meters=tuple(meters.get(device.id, ())),
                in_service=device.in_service,
                remove_foreign=device.remove_foreign,
            )
            for device in devices
        ),
        policy=edge_policy(estate.policy),
    )


def edge_policy(policy: Mapping[str, Any]) -> EdgePolicy:
    """What an edge is told of the estate's policy; what the law does not let stand it is not told."""
    told = {k: v for k, v in policy.items() if k in EdgePolicy.__struct_fields__}
    faces = bool(policy.get("face_enrolment"))
    checks = {name: faces and bool(policy.get(name)) for name in ("face_checks", "face_requests")}
    return EdgePolicy(**told | checks | {"stranger_hours": stranger_pictures.hours_of(policy)})


def digest(devices: DeviceSet) -> str:
    """SHA-256 (hex) of the content without the generation."""
    return hashlib.sha256(_canonical.encode(msgspec.structs.replace(devices, generation=0))).hexdigest()


def publish_devices(hub: Hub, edge_id: str | None = None) -> str:
    """Where a set moved: the next generation. Sent (retained) for the named edge always, for others when it moved."""
    sent: list[tuple[str, DevicesDesired]] = []
    with hub.db.unit_of_work("system", "device set", audit=False) as uow:
        query = select(Edge) if edge_id is None else select(Edge).where(Edge.id == edge_id)
        for edge in uow.session.scalars(query.order_by(Edge.id).with_for_update(key_share=True)).all():
            wanted = compose(uow.session, edge)
            moved = digest(wanted) != edge.devices_digest
            if moved:
                edge.devices_generation += 1
                edge.devices_digest = digest(wanted)
                wanted = msgspec.structs.replace(wanted, generation=edge.devices_generation)
            if moved or edge_id is not None:
                sent.append((edge.id, DevicesDesired(wanted)))
    for id, message in sent:
        hub.send(id, message)
    return f"{len(sent)} device sets sent"


def send_doorbells(hub: Hub, edge_id: str) -> int:
    """Tell an edge that came back of every list that stands ready for it."""
    columns = (
        DesiredList.device_id,
        DesiredList.generation,
        DesiredList.digest,
        func.length(DesiredList.payload).label("size"),
    )
    query = select(*columns).join(Device, Device.id == DesiredList.device_id).where(Device.edge_id == edge_id)
    with hub.db.reading() as session:
        rows = session.execute(query).all()
    for row in rows:
        hub.send(edge_id, ListDoorbell(row.device_id, row.generation, row.digest, row.size))
    revocations.send(hub, edge_id=edge_id)
    return len(rows)


def take_report(hub: Hub, edge_id: str, report: DeviceReported) -> None:
    """Keep what the edge says its device holds, and show it. Raises NotThisEdges."""
    take_reports(hub, edge_id, [report])


def take_reports(hub: Hub, edge_id: str, reports: Sequence[DeviceReported]) -> None:
    """In one unit of work. Raises NotThisEdges, and then none of them was kept."""
    now = hub.now()
    with hub.db.unit_of_work(f"edge:{edge_id}", "device reported", now=now, audit=False) as uow:
        kept = [_keep(uow, edge_id, report) for report in reports]
    for show in kept:
        show(hub)


def _keep(uow: UnitOfWork, edge_id: str, report: DeviceReported) -> Callable[[Hub], None]:
    """What is left to do once it is committed."""
    session, now, status = uow.session, uow.now, report.status
    told, report = report, _without_ended_here(session, report)
    device = session.get(Device, report.device)
    if device is None or device.edge_id != edge_id:
        raise NotThisEdges(f"device {report.device!r} does not hang on edge {edge_id}")
    if device.removed_at is not None:
        return _nothing  # its last words crossed our order to leave it
    row = session.get(ReportedList, report.device)
    if row is not None and _overtaken(session, edge_id, row, report, now):
        return _nothing  # a broker that lost its newest data, or a network, brought it late: newer words stand here
    device.condition, device.condition_since = str(status.condition), status.since
    device.clock_offset_s, device.detail = status.clock_offset_s, status.detail[:500]
    device.model = " ".join(part for part in (status.manufacturer, status.model) if part)
    device.firmware = status.firmware
    if status.last_seen_at and (device.last_seen_at is None or status.last_seen_at > device.last_seen_at):
        device.last_seen_at = status.last_seen_at
    if row is None:
        row = ReportedList(device_id=report.device)
        session.add(row)
    for name in ("generation", "digest", "wanted", "confirmed", "assumed", "pending", "foreign"):
        setattr(row, name, getattr(report, name))
    row.refused = [msgspec.to_builtins(r) for r in report.refused]
    row.pending_tokens = list(report.pending_tokens)
    row.decided_at_edge, row.read_back_at = report.decided_at_edge, report.read_back_at
    row.reported_at = report.reported_at or now
    cleared = device.remove_foreign and not report.foreign and report.read_back_at is not None
    if cleared:  # the choice was about those that were found: who turns up later is asked about anew
        device.foreign_choice, device.remove_foreign = "keep", False
    modes = msgspec.to_builtins(report.modes)
    moved = [*modes, *(row.modes or ())] if modes != (row.modes or []) else []
    row.modes, row.fire = modes, str(report.fire)
    row.drift, row.drift_at = report.drift, report.drift_at
    session.flush()
    closed, back = [], list[str]()
    if _ours(session, report):
        closed = revocations.settle(uow, report.device, report)
        back = revocations.come_back(uow, device, report)
        row.pending, row.pending_tokens = row.pending + len(back), [*row.pending_tokens, *back]
        since.keep(session, told, now)
    estate_id = device.estate_id
    doors = _doors_of(session, estate_id, {str(one["access_point"]) for one in moved}, now)

    def show(hub: Hub) -> None:
        if cleared:
            hub.signal("edges.publish")
        hub.live.emit(estate_id, "devices", _device_change(report))
        hub.live.emit(estate_id, "sync", _sync_change(report))
        for door in doors:
            hub.live.emit(estate_id, "doors", door)
        revocations.show(hub, closed)
        if back:
            hub.signal("access.revoke")

    return show


def _nothing(_hub: Hub) -> None:
    """A report that changes nothing."""


def _without_ended_here(session: Session, report: DeviceReported) -> DeviceReported:
    """An edge names every listed credential that it holds for ended. Those that ended here too are no news and wanted nowhere:
    the next list is without them. What is left was forgotten here (a restored backup): the list and its device differ."""
    named = {r.token for r in report.refused if r.code == refusals.REVOKED}
    if not named:
        return report
    ended = select(CredentialRow.token).where(CredentialRow.token.in_(sorted(named)), CredentialRow.state == "ended")
    known = set(session.scalars(ended))
    refused = tuple(r for r in report.refused if r.code != refusals.REVOKED or r.token not in known)
    wanted = report.wanted - len(report.refused) + len(refused)
    return msgspec.structs.replace(report, wanted=wanted, refused=refused)


def _overtaken(session: Session, edge_id: str, row: ReportedList, report: DeviceReported, now: datetime) -> bool:
    """Older by the edge's own clock than what stands here. Not when that was told by a clock that was wrong meanwhile."""
    if row.reported_at is None or report.reported_at is None or report.reported_at >= row.reported_at:
        return False
    offset = session.get_one(Edge, edge_id).clock_offset_s or 0.0
    return row.reported_at <= now + timedelta(seconds=offset) + CLOCK_PLAY


def _ours(session: Session, report: DeviceReported) -> bool:
    """The report is of a list that this hub published: after a restore an edge may tell of one we have never seen."""
    recent = session.scalar(select(DesiredList.recent).where(DesiredList.device_id == report.device))
    return recent is not None and recent.get(str(report.generation)) == report.digest


def _doors_of(session: Session, estate_id: str, points: set[str], at: datetime) -> list[dict[str, Any]]:
    """The modes of the doors to which these access points belong, as the live page wants them."""
    if not points:
        return []
    session.flush()
    doors = set(session.scalars(select(AccessPoint.door_id).where(AccessPoint.id.in_(sorted(points)))))
    modes = door_modes(session, estate_id, at)
    return [{"id": door, **mode_item(modes[door])} for door in sorted(doors & modes.keys())]


def _device_change(report: DeviceReported) -> dict[str, Any]:
    status = report.status
    return {
        "id": report.device,
        "condition": str(status.condition),
        "condition_since": status.since,
        "last_seen_at": status.last_seen_at,
        "clock_offset_s": status.clock_offset_s,
        "detail": status.detail,
        **both("detail", status.detail),
    }


def _sync_change(report: DeviceReported) -> dict[str, Any]:
    counts = ("wanted", "confirmed", "assumed", "pending", "foreign", "decided_at_edge", "read_back_at", "reported_at")
    return {
        "device_id": report.device,
        "held_generation": report.generation,
        "refused": len(report.refused),
        **{name: getattr(report, name) for name in counts},
    }
