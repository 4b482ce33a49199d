"""The law check on the configuration as it stands in the database: at each change of it, on the page, in the health check."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access import faces
from hub.access.capabilities import UNTOLD, capabilities_of
from hub.access.lawful import (
    DoorSetup,
    LawPoint,
    PointSetup,
    door_law,
)
from hub.errors import ApiError
from hub.estate.commands import catalogues
from hub.services import Hub
from hub.tables import AccessPoint, Device, Door, Estate, ReportedList

log = logging.getLogger(__name__)
STATIC = {"face_terminal": frozenset({"face", "card"}), "modbus_door": frozenset({"card"})}
"""What the kinds we drive accept, for a device whose edge has not told yet."""


def accepted_by(kind: str, catalogue: list[Any], config: dict[str, Any]) -> frozenset[str]:
    """What a device recognises: as its edge announced, less the card reader where the installer says it is not in use."""
    told = capabilities_of(kind, catalogue, config)
    found = STATIC.get(kind, frozenset()) if told is UNTOLD else told.accepted
    return found - {"card"} if config.get("cards") is False else found


def at_edge(kind: str, catalogue: list[Any]) -> bool:
    """The edge decides for devices that hold no list themselves."""
    for driver in catalogue:
        if driver.get("kind") == kind:
            return not driver.get("capabilities", {}).get("holds_list", False)
    return kind == "modbus_door"


def setups(session: Session, doors: Collection[Door], *, serving: bool = False) -> dict[str, DoorSetup]:
    """Door id → its set-up. `serving`: only with the devices in service, for what works today."""
    query = (
        select(AccessPoint, Device, ReportedList.fire)
        .join(Device, Device.id == AccessPoint.device_id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .where(AccessPoint.door_id.in_(sorted(door.id for door in doors)), Device.removed_at.is_(None))
        .order_by(AccessPoint.id)
    )
    if serving:
        query = query.where(Device.in_service.is_(True))
    announced: dict[str, list[Any]] = {}
    for estate_id in {door.estate_id for door in doors}:
        announced |= catalogues(session, estate_id)
    points: dict[str, list[PointSetup]] = {}
    for point, device, fire in session.execute(query):
        catalogue = announced[device.edge_id]
        accepted = accepted_by(device.kind, catalogue, device.config)
        one = PointSetup(point.side, accepted, at_edge(device.kind, catalogue), point.necessity, fire or "")
        points.setdefault(point.door_id, []).append(one)
    return {
        door.id: DoorSetup(
            door=door.name,
            scope=door.scope,
            fail_mode=door.fail_mode,
            escape_route=door.escape_route,
            egress=door.egress,
            fire_release=door.fire_release,
            points=tuple(points.get(door.id, ())),
        )
        for door in doors
    }


def of_doors(session: Session, doors: Collection[Door]) -> dict[str, list[LawPoint]]:
    """Door id → what the law says to it: to its set-up as it is planned and, where devices serve, as it works today."""
    planned, working = setups(session, doors), setups(session, doors, serving=True)
    found: dict[str, list[LawPoint]] = {}
    for door in doors:
        said = {point.code: point for point in door_law(planned[door.id])}
        if working[door.id].points:
            said = {point.code: point for point in door_law(working[door.id])} | said
        found[door.id] = sorted(said.values(), key=lambda point: (not point.refused, point.code))
    return found


Broken = dict[tuple[str, str], LawPoint]
"""(door id, rule) → what it says."""


def broken(session: Session, door_ids: Collection[str]) -> Broken:
    """The rules these doors break as they stand in this session."""
    session.flush()
    doors = session.scalars(select(Door).where(Door.id.in_(sorted(door_ids))).order_by(Door.code)).all()
    said = of_doors(session, doors)
    return {(door, point.code): point for door, points in said.items() for point in points if point.refused}


def require_lawful(session: Session, door_ids: Collection[str], before: Collection[tuple[str, str]] = ()) -> None:
    """Raises ApiError 422 with every rule that one of these doors breaks now and what to change.

    `before`: what was broken already: a change that breaks nothing more is no reason to refuse it.
    """
    now = [point for key, point in broken(session, door_ids).items() if key not in before]
    if now:
        raise ApiError(422, now[0].code, "".join(f"{point.door}：{point.text_zh}" for point in now))


def check(hub: Hub) -> str:
    """Job: the running configuration, whatever changed it (an edge may announce less than it did). Health shows its line."""
    with hub.db.reading() as session:
        estates = session.scalars(select(Estate).order_by(Estate.id)).all()
        points = [(estate.id, point) for estate in estates for point in of_estate(session, estate)]
    refused = [(estate, point) for estate, point in points if point.refused]
    for estate, point in refused:
        log.warning("estate %s, door %s: %s", estate, point.door, point.code)
    return f"{len(refused)} unlawful, {len(points) - len(refused)} to settle"


def of_estate(session: Session, estate: Estate) -> list[LawPoint]:
    """Everything open or wrong in one estate, what is wrong first."""
    doors = session.scalars(select(Door).where(Door.estate_id == estate.id).order_by(Door.code)).all()
    points = [point for said in of_doors(session, doors).values() for point in said]
    if any("face" in one.accepted for setup in setups(session, doors).values() for one in setup.points):
        points += faces.gate_of(session, estate).points
    return sorted(points, key=lambda point: (not point.refused, point.code, point.door))
