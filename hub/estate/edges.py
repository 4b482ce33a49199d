"""An edge as the hub knows it: online or since when not, its journal, what it can drive."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.messages import EdgeCatalogue, EdgeFound, EdgeStatus, EventAck
from hub.db import HELD
from hub.estate import coverage
from hub.estate.devices import publish_devices, send_doorbells
from hub.services import Hub
from hub.tables import Edge, IngestCursor

log = logging.getLogger(__name__)
MAX_FOUND = 200
LINK_GRACE = timedelta(seconds=10)


def take_status(hub: Hub, edge_id: str, status: EdgeStatus) -> bool:
    """Online, or offline by last will. False for an edge that is not known or never enrolled.

    To an edge that comes online the hub says up to where it has its journal (`rewind`), its devices and its lists.
    """
    now = hub.now()
    with hub.db.unit_of_work(f"edge:{edge_id}", "edge status", now=now, audit=False) as uow:
        edge = uow.session.get(Edge, edge_id, with_for_update=HELD)
        if edge is None or edge.enrolled_at is None:
            return False
        changed, said = edge.online != status.online, (edge.clock_trusted, edge.disk_writes)
        if status.online:
            cursor = _came_online(uow.session, edge, status, now)
        elif changed:
            coverage.edge_lost(uow.session, edge.id, edge.estate_id, now)
        if changed:
            edge.online, edge.state_since = status.online, now
    if changed:
        log.warning("edge %s is %s", edge_id, "online" if status.online else "offline")
    if changed or said != (edge.clock_trusted, edge.disk_writes):
        show(hub, edge)
    if status.online:
        hub.send(edge_id, EventAck(status.epoch, cursor, rewind=True, at=hub.now()))
        publish_devices(hub, edge_id)
        send_doorbells(hub, edge_id)
    return True


def _came_online(session: Session, edge: Edge, status: EdgeStatus, now: datetime) -> int:
    """Keep what it says; the cursor of its journal."""
    if edge.epoch and status.epoch != edge.epoch:
        old = session.get(IngestCursor, (edge.id, edge.epoch))
        since = old.last_at if old else edge.state_since or now
        log.error("edge %s has a new journal: what the old one still held is lost since %s", edge.id, since)
        coverage.edge_lost(session, edge.id, edge.estate_id, since, coverage.EPOCH_LOST)
    elif not edge.online:
        coverage.edge_back(session, edge.id, edge.estate_id)
    edge.epoch, edge.head_seq, edge.version = status.epoch, status.head_seq, status.version
    edge.started_at, edge.clock_trusted, edge.last_seen_at = status.started_at, status.clock_trusted, now
    edge.disk_writes = status.disk_writes
    edge.clock_offset_s = (status.clock - now).total_seconds() if status.clock else None
    cursor = session.get(IngestCursor, (edge.id, status.epoch))
    return cursor.up_to_seq if cursor else 0


def take_catalogue(hub: Hub, edge_id: str, catalogue: EdgeCatalogue) -> bool:
    """What it can drive: the "add device" form is drawn from this."""
    with hub.db.unit_of_work(f"edge:{edge_id}", "edge catalogue", audit=False) as uow:
        edge = uow.session.get(Edge, edge_id)
        if edge is None:
            return False
        edge.catalogue = msgspec.to_builtins(catalogue.drivers)
    return True


def take_found(hub: Hub, edge_id: str, found: EdgeFound) -> bool:
    """Devices in its network that nobody configured yet."""
    with hub.db.unit_of_work(f"edge:{edge_id}", "devices found", audit=False) as uow:
        edge = uow.session.get(Edge, edge_id)
        if edge is None:
            return False
        edge.found = msgspec.to_builtins(found.devices[:MAX_FOUND])
    return True


def lost_from_sight(hub: Hub, edge_ids: list[str], heard_after: datetime | None = None) -> None:
    """These edges cannot be seen (the broker is gone, or it forgot them): they are offline as far as anybody can say.

    `heard_after`: since the link is up; who said in this moment that it is there is not lost.
    """
    gone: list[Edge] = []
    with hub.db.unit_of_work("system", "edges out of sight", now=hub.now(), audit=False) as uow:
        lost = select(Edge).where(Edge.id.in_(edge_ids), Edge.online)
        if heard_after is not None:
            lost = lost.where(Edge.last_seen_at.is_(None) | (Edge.last_seen_at < heard_after))
        for edge in uow.session.scalars(lost.order_by(Edge.id).with_for_update(key_share=True)).all():
            edge.online, edge.state_since = False, uow.now
            coverage.edge_lost(uow.session, edge.id, edge.estate_id, uow.now)
            gone.append(edge)
    for edge in gone:
        log.warning("edge %s is out of sight", edge.id)
        show(hub, edge)


def show(hub: Hub, edge: Edge) -> None:
    item = {
        "id": edge.id,
        "online": edge.online,
        "state_since": edge.state_since,
        "last_seen_at": edge.last_seen_at,
        "clock_trusted": edge.clock_trusted,
        "disk_writes": edge.disk_writes,
    }
    hub.live.emit(edge.estate_id, "edges", item)
