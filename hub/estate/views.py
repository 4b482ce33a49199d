"""The estate as the console reads it: blocks, doors, devices with their truth, counts. Queries only."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.access.lawful import on_escape_route
from hub.access.revocations import oldest_open
from hub.access.schedule_rows import load_schedules, told_hours
from hub.access.states import DeviceLists, device_lists
from hub.english.own_words import both, in_english
from hub.estate import law
from hub.estate.commands import catalogues
from hub.estate.modes import Mode, door_modes, mode_item
from hub.estate.orders import door_places
from hub.estate.status import STATUSES, DwellingFacts, dwelling_status
from hub.occupancy.status import OccupancyOf, occupancy_of
from hub.tables import (
    AccessPoint,
    Block,
    CaseFile,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    EventRow,
    IngestCursor,
    PointService,
    ReportedList,
    Tenancy,
)

SECRET = re.compile(r"password|secret|token|key(?!pad)", re.IGNORECASE)


def tenancy_states(session: Session, estate_id: str) -> dict[str, str]:
    """Dwelling id → active or allocated, for those that are let."""
    query = select(Tenancy.dwelling_id, Tenancy.state).where(
        Tenancy.estate_id == estate_id, Tenancy.state.in_(("active", "allocated"))
    )
    states: dict[str, str] = {}
    for dwelling, state in session.execute(query):
        if states.get(dwelling) != "active":
            states[dwelling] = state
    return states


def statuses(session: Session, estate_id: str, with_cases: bool = True) -> dict[str, tuple[str, OccupancyOf]]:
    """Dwelling id → its status and what occupancy knows of it.

    Without case.view a dwelling under suspicion is what it is without the suspicion: a manager must not learn of it.
    """
    both = both_statuses(session, estate_id)
    return {id: (full if with_cases else plain, known) for id, (full, plain, known) in both.items()}


def both_statuses(session: Session, estate_id: str) -> dict[str, tuple[str, str, OccupancyOf]]:
    """Dwelling id → its status, its status for those who may not see cases, and what occupancy knows of it."""
    let, seen = tenancy_states(session, estate_id), occupancy_of(session, estate_id)
    nothing = OccupancyOf()
    found: dict[str, tuple[str, str, OccupancyOf]] = {}
    for id, repair in session.execute(
        select(Dwelling.id, Dwelling.under_repair).where(Dwelling.estate_id == estate_id)
    ):
        known, state = seen.get(id, nothing), let.get(id)
        plain = dwelling_status(DwellingFacts(repair, state, None, known.state))
        full = plain
        if known.suspected is not None:
            full = dwelling_status(DwellingFacts(repair, state, known.suspected, known.state))
        found[id] = (full, plain, known)
    return found


def blocks(session: Session, estate_id: str, with_cases: bool) -> dict[str, Any]:
    """楼盘表. `case_stage` and suspicions only for those who may see cases."""
    state = statuses(session, estate_id, with_cases)
    rows = session.scalars(
        select(Dwelling).where(Dwelling.estate_id == estate_id).order_by(Dwelling.floor, Dwelling.code)
    )
    of_block: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        status, known = state[row.id]
        of_block.setdefault(row.block_id, []).append(
            {
                "id": row.id,
                "code": row.code,
                "floor": row.floor,
                "number": row.number,
                "status": status,
                "case_stage": known.case_stage if with_cases else None,
                "last_pass_day": known.last_pass_day,
            }
        )
    held = session.scalars(select(Block).where(Block.estate_id == estate_id).order_by(Block.code))
    counts = Counter(status for status, _known in state.values())
    return {
        "blocks": [
            {
                "id": block.id,
                "code": block.code,
                "name": block.name,
                "floors": block.floors,
                "dwellings_per_floor": block.dwellings_per_floor,
                "dwellings": of_block.get(block.id, []),
            }
            for block in held
        ],
        "legend": [{"status": status, "count": counts.get(status, 0)} for status in STATUSES],
    }


def edge_items(session: Session, estate_id: str) -> list[dict[str, Any]]:
    """`backlog`: rows the edge has and the hub not yet, as far as its last status tells."""
    query = (
        select(Edge, IngestCursor.up_to_seq)
        .outerjoin(IngestCursor, (IngestCursor.edge_id == Edge.id) & (IngestCursor.epoch == Edge.epoch))
        .where(Edge.estate_id == estate_id)
        .order_by(Edge.id)
    )
    return [
        {
            "id": edge.id,
            "name": edge.name,
            "online": edge.online,
            "state_since": edge.state_since,
            "last_seen_at": edge.last_seen_at,
            "backlog": max(0, edge.head_seq - (cursor or 0)),
            "certificate_until": edge.certificate_until if edge.secret_hash else None,
            "clock_trusted": edge.clock_trusted,
            "disk_writes": edge.disk_writes,
        }
        for edge, cursor in session.execute(query)
    ]


def summary(session: Session, estate: Estate, now: datetime, with_cases: bool) -> dict[str, Any]:
    counts = Counter(status for status, _known in statuses(session, estate.id, with_cases).values())
    midnight = now.astimezone(ZoneInfo(estate.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    devices = device_items(session, estate.id)
    doors = _door_states(session, estate.id, devices)
    lists = device_lists(session, [estate.id])
    cases = select(func.count()).where(CaseFile.estate_id == estate.id, CaseFile.closed_at.is_(None))
    suspected = sum(counts[status] for status in ("suspected_sublet", "suspected_idle"))
    return {
        "estate": estate_item(estate),
        "counts": {
            "dwellings": sum(counts.values()),
            "suspected": suspected,
            **{name: counts[name] for name in ("occupied", "vacant", "allocated", "unknown", "repair")},
        },
        "passes_today": _passes_since(session, estate.id, midnight),
        "passes_last_hour": _passes_since(session, estate.id, now - timedelta(hours=1)),
        "doors_open": sum(state == "open" for state, _alarm in doors),
        "door_alarms": sum(alarm != "normal" for _state, alarm in doors),
        "devices": {
            name: sum(d["in_service"] and d["condition"] == name for d in devices)
            for name in ("online", "offline", "fault", "unknown")
        },
        "edges": edge_items(session, estate.id),
        "sync": {
            "devices_in_step": sum(one.in_step for one in lists),
            "devices_total": len(lists),
            "oldest_unconfirmed_removal_at": oldest_open(session, estate.id),
        },
        "open_cases": (session.scalar(cases) or 0) if with_cases else None,
        "as_of": now,
    }


def estate_item(estate: Estate) -> dict[str, Any]:
    return {"id": estate.id, "code": estate.code, "name": estate.name, "time_zone": estate.time_zone}


def _passes_since(session: Session, estate_id: str, since: datetime) -> int:
    query = select(func.count()).where(
        EventRow.estate_id == estate_id,
        EventRow.at >= since,
        EventRow.kind == "access",
        EventRow.outcome.in_(("granted", "taken")),
    )
    return session.scalar(query) or 0


def _door_states(session: Session, estate_id: str, devices: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(state, alarm) of the doors that are known: all their devices are online."""
    condition = {item["id"]: item["condition"] for item in devices}
    query = select(Door.id, Door.state, Door.alarm, AccessPoint.device_id).join(
        AccessPoint, AccessPoint.door_id == Door.id
    )
    seen: dict[str, tuple[str, str]] = {}
    blind = set()
    for door, state, alarm, device in session.execute(query.where(Door.estate_id == estate_id)):
        if device in condition:
            seen[door] = (state, alarm)
            if condition[device] != "online":
                blind.add(door)
    return [told for door, told in seen.items() if door not in blind]


def door_items(session: Session, estate_id: str, at: datetime) -> list[dict[str, Any]]:
    """`known` False: its device or edge is not online, the state is the last one known."""
    devices = {item["id"]: item for item in device_items(session, estate_id)}
    points: dict[str, list[AccessPoint]] = {}
    for point in session.scalars(
        select(AccessPoint).where(AccessPoint.estate_id == estate_id).order_by(AccessPoint.code)
    ):
        points.setdefault(point.door_id, []).append(point)
    items = []
    doors = session.scalars(select(Door).where(Door.estate_id == estate_id).order_by(Door.code)).all()
    said, modes, can = law.of_doors(session, doors), door_modes(session, estate_id, at), _orders(session, estate_id, at)
    accepted = _accepted(session, estate_id)
    hours = load_schedules(session, estate_id) if any(door.schedule_id for door in doors) else {}
    watched = _once_watched(session, estate_id)
    for door in doors:
        of_door = points.get(door.id, [])
        states = [devices[p.device_id]["condition"] for p in of_door if p.device_id in devices]
        items.append(
            {
                "id": door.id,
                "code": door.code,
                "name": door.name,
                "scope": door.scope,
                "block_id": door.block_id,
                "fail_mode": door.fail_mode,
                "escape_route": on_escape_route(door.scope, door.escape_route),
                "egress": door.egress,
                "fire_release": door.fire_release,
                "state": door.state,
                "alarm": door.alarm,
                "state_at": door.state_at,
                "known": bool(states) and all(state == "online" for state in states),
                **mode_item(modes.get(door.id, Mode())),
                "commands": sorted(can.get(door.id, ())),
                "law": [
                    {"code": point.code, "refused": point.refused, "text_zh": point.text_zh} for point in said[door.id]
                ],
                "schedule_id": door.schedule_id,
                **told_hours(hours, door.schedule_id),
                "access_points": [_point_item(point, devices, accepted, watched) for point in of_door],
            }
        )
    return items


def _orders(session: Session, estate_id: str, at: datetime) -> dict[str, frozenset[str]]:
    """Door id → what its devices in service can be told."""
    return {
        place.door: frozenset().union(*(way.commands for way in place.ways if way.in_service))
        for place in door_places(session, estate_id, at)
    }


def _accepted(session: Session, estate_id: str) -> dict[str, list[str]]:
    """Device id → identifier types it recognises, by what its edge announced."""
    announced = catalogues(session, estate_id)
    query = select(Device.id, Device.kind, Device.config, Device.edge_id).where(Device.estate_id == estate_id)
    return {
        device: sorted(law.accepted_by(kind, announced[edge], config))
        for device, kind, config, edge in session.execute(query)
    }


def _once_watched(session: Session, estate_id: str) -> frozenset[str]:
    """Access points without a device that had one."""
    query = (
        select(PointService.access_point_id)
        .join(AccessPoint, AccessPoint.id == PointService.access_point_id)
        .where(AccessPoint.estate_id == estate_id, AccessPoint.device_id.is_(None))
    )
    return frozenset(session.scalars(query))


def _point_item(
    point: AccessPoint, devices: dict[str, dict[str, Any]], accepted: dict[str, list[str]], watched: frozenset[str]
) -> dict[str, Any]:
    device = devices.get(point.device_id or "")
    return {
        "id": point.id,
        "code": point.code,
        "name": point.name,
        "side": point.side,
        "device_id": point.device_id,
        "device_name": device["name"] if device else None,
        "camera_id": point.camera_id,
        "identifiers_accepted": accepted.get(point.device_id or "", []) if device else [],
        "necessity": point.necessity,
        "in_service_since": point.in_service_since,
        "in_service_until": point.in_service_until,
        "unwatched": point.in_service_until is None
        and (point.id in watched if point.device_id is None else device is None),
    }


def device_items(session: Session, estate_id: str, device_id: str | None = None) -> list[dict[str, Any]]:
    """DeviceItems. A device behind an offline edge is `unknown` since that went, with the edge as root cause."""
    query = (
        select(Device, Edge.online, Edge.state_since, ReportedList)
        .join(Edge, Edge.id == Device.edge_id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .where(Device.estate_id == estate_id, Device.removed_at.is_(None))
        .order_by(Device.kind, Device.code)
    )
    if device_id:
        query = query.where(Device.id == device_id)
    lists = {one.device.id: one for one in device_lists(session, [estate_id])}
    return [
        {
            "id": device.id,
            "code": device.code,
            "name": device.name,
            "kind": device.kind,
            "edge_id": device.edge_id,
            "edge_online": online,
            "in_service": device.in_service,
            "condition": device.condition if online else "unknown",
            "condition_since": device.condition_since if online else gone_at or device.condition_since,
            "last_seen_at": device.last_seen_at,
            "clock_offset_s": device.clock_offset_s,
            "model": device.model,
            "model_en": in_english(device.model),
            "firmware": device.firmware,
            "detail": device.detail,
            **both("detail", device.detail),
            "root_cause": None if online else "edge_offline",
            "list": _list_item(lists[device.id], reported) if device.id in lists else None,
        }
        for device, online, gone_at, reported in session.execute(query)
    ]


def _list_item(one: DeviceLists, reported: ReportedList | None) -> dict[str, Any]:
    counts = ("confirmed", "assumed", "pending", "foreign")
    return {
        "wanted_generation": one.desired.generation,
        "held_generation": reported.generation if reported else 0,
        "wanted": one.desired.count,
        **{name: getattr(reported, name) if reported else 0 for name in counts},
        "refused": len(reported.refused) if reported else 0,
        "decided_at_edge": bool(reported and reported.decided_at_edge),
        "read_back_at": reported.read_back_at if reported else None,
        "reported_at": reported.reported_at if reported else None,
        "state": one.state,
    }


def mask_secrets(config: dict[str, Any]) -> dict[str, Any]:
    """A device's settings with every secret word's value hidden, however deep."""
    return {
        key: "******"
        if SECRET.search(key)
        else mask_secrets(value)
        if isinstance(value, dict)
        else [mask_secrets(v) if isinstance(v, dict) else v for v in value]
        if isinstance(value, list)
        else value
        for key, value in config.items()
    }
