"""With what somebody can really open which door: the devices at it, and what they or their edge recognise."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.device import Capabilities
from hub.access.capabilities import UNTOLD, capabilities_of
from hub.errors import BadRequest
from hub.tables import AccessPoint, Device, Door, Edge

TYPE_ZH = {"card": "刷卡", "face": "刷脸", "pin": "密码", "qr": "二维码", "id_card": "身份证"}


@dataclass(frozen=True, slots=True)
class DoorWay:
    """One door and the devices at it that somebody shows something to."""

    door: str
    name: str
    devices: tuple[Capabilities, ...]

    def why_not(self, kind: str, *, scheduled: bool = False, counted: bool = False) -> str:
        """Why this identifier opens nothing here, for the clerk; empty where it opens, or nobody can tell yet."""
        if not self.devices:
            return f"{self.name}没有安装读卡设备，请现场开门。"
        if any(c is UNTOLD or c.usable((kind,), scheduled=scheduled, counted=counted) for c in self.devices):
            return ""
        title = TYPE_ZH.get(kind, kind)
        if any(kind in c.accepted for c in self.devices):
            limit = "按时段" if scheduled else "按次数"
            return f"{self.name}的设备不能{limit}放行{title}，请改用由边缘机判定的方式（门卡、二维码）。"
        ways = sorted({TYPE_ZH.get(t, t) for c in self.devices for t in c.accepted} - {"刷脸"})
        return f"{self.name}的设备不识别{title}，此处请改用{'、'.join(ways) or '人工开门'}。"


def door_ways(session: Session, estate_id: str, doors: Collection[str]) -> list[DoorWay]:
    """Of these doors, by name. Only devices in service on the way in count: the way out needs nothing."""
    found: dict[str, list[Capabilities]] = {}
    names = dict(
        session.execute(select(Door.id, Door.name).where(Door.estate_id == estate_id, Door.id.in_(sorted(doors)))).all()
    )
    rows = session.execute(
        select(AccessPoint.door_id, Device.kind, Device.config, Edge.catalogue)
        .join(Device, Device.id == AccessPoint.device_id)
        .join(Edge, Edge.id == Device.edge_id)
        .where(AccessPoint.door_id.in_(sorted(names)), AccessPoint.side != "out", Device.in_service.is_(True))
    )
    for door, kind, config, catalogue in rows:
        found.setdefault(door, []).append(capabilities_of(kind, catalogue, config))
    return [DoorWay(d, names[d], tuple(found.get(d, ()))) for d in sorted(names, key=lambda d: (names[d], d))]


def not_usable(
    session: Session,
    estate_id: str,
    doors: Collection[str],
    kind: str,
    *,
    scheduled: bool = False,
    counted: bool = False,
) -> list[str]:
    """What the clerk has to know of doors that this identifier does not open."""
    ways = door_ways(session, estate_id, doors)
    return [why for way in ways if (why := way.why_not(kind, scheduled=scheduled, counted=counted))]


def check_ways(
    session: Session,
    estate_id: str,
    doors: Collection[str],
    kind: str,
    *,
    scheduled: bool = False,
    counted: bool = False,
) -> None:
    """Raises BadRequest where the identifier would open none of the doors that have devices."""
    ways = [way for way in door_ways(session, estate_id, doors) if way.devices]
    told = [why for way in ways if (why := way.why_not(kind, scheduled=scheduled, counted=counted))]
    if told and len(told) == len(ways):
        raise BadRequest("".join(told), "way_not_usable")


def static_qr_wanted(session: Session, estate_id: str, doors: Collection[str]) -> bool:
    """Whether a device at these doors knows QR numbers by itself: only there is the unsigned number needed."""
    return any("qr" in c.identifiers and "qr" not in c.passed_on for c in _devices(session, estate_id, doors))


def _devices(session: Session, estate_id: str, doors: Collection[str]) -> Iterable[Capabilities]:
    return (c for way in door_ways(session, estate_id, doors) for c in way.devices)
