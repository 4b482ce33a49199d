"""Loads one estate's doors, devices and credential holders as values, with few queries, for `entitle` and `compose`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access.capabilities import capabilities_of
from hub.access.compose import TargetDevice
from hub.access.entitle import Holder, PassHolder, PointPlace
from hub.access.holders import (
    WHOLE,
    CredentialOnFile,
    Scope,
    active_by_member,
    credentials_on_file,
    homes_of,
    members_on_file,
)
from hub.access.pass_rules import KINDS, because_of
from hub.access.role_rows import assignments, places_of, role_holders
from hub.access.schedule_rows import load_schedules
from hub.tables import AccessPass, AccessPoint, CredentialRow, Device, Door, Dwelling, Edge, Estate


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything publication needs of an estate. `edges`: device id → edge id."""

    estate_id: str
    time_zone: str
    points: tuple[PointPlace, ...]
    targets: tuple[TargetDevice, ...]
    holders: tuple[Holder, ...]
    edges: Mapping[str, str]
    passes: tuple[PassHolder, ...] = ()


def load(session: Session, estate: Estate, scope: Scope = WHOLE) -> Bundle:
    """Devices in service that control access points of this estate; a camera that only looks controls none."""
    structure = load_structure(session, estate)
    credentials = credentials_on_file(session, estate.id, scope)
    return Bundle(
        estate.id,
        estate.time_zone,
        structure.points,
        structure.targets,
        load_holders(session, estate.id, credentials, scope),
        structure.edges,
        load_passes(session, estate.id, credentials) if scope.passes else (),
    )


@dataclass(frozen=True, slots=True)
class Structure:
    """Doors and devices of an estate. `edges`: device id → edge id."""

    points: tuple[PointPlace, ...]
    targets: tuple[TargetDevice, ...]
    edges: Mapping[str, str]


def load_structure(session: Session, estate: Estate) -> Structure:
    points = load_points(session, estate.id)
    devices = session.execute(
        select(Device.id, Device.edge_id, Device.kind, Device.config, Edge.catalogue)
        .join(Edge, Edge.id == Device.edge_id)
        .where(Device.estate_id == estate.id, Device.in_service.is_(True))
        .order_by(Device.id)
    ).all()
    targets, edges = [], {}
    for device_id, edge_id, kind, config, catalogue in devices:
        mine = frozenset(p.access_point for p in points if p.device == device_id)
        if not mine:
            continue
        targets.append(TargetDevice(device_id, estate.id, mine, capabilities_of(kind, catalogue, config)))
        edges[device_id] = edge_id
    return Structure(points, tuple(targets), edges)


def load_points(session: Session, estate_id: str) -> tuple[PointPlace, ...]:
    rows = session.execute(
        select(AccessPoint.id, AccessPoint.device_id, Door.scope, Door.block_id, Door.dwelling_id, Door.schedule_id)
        .join(Door, Door.id == AccessPoint.door_id)
        .where(AccessPoint.estate_id == estate_id)
        .order_by(AccessPoint.id)
    ).all()
    hours = load_schedules(session, estate_id) if any(row[-1] for row in rows) else {}
    return tuple(
        PointPlace(point, device, scope, block, dwelling, hours[schedule] if schedule else None)
        for point, device, scope, block, dwelling, schedule in rows
    )


def load_holders(
    session: Session, estate_id: str, credentials: Sequence[CredentialOnFile] | None = None, scope: Scope = WHOLE
) -> tuple[Holder, ...]:
    """Active credentials of members, each until a lawful cause ends it. A credential without its membership entitles nobody."""
    active = active_by_member(credentials_on_file(session, estate_id, scope) if credentials is None else credentials)
    homes = homes_of(session, estate_id, scope)
    found = []
    for member in members_on_file(session, estate_id, scope):
        credential = active.get((member.person_id, member.tenancy_id))
        if credential is None:
            continue  # an active credential counts, whatever a record says: only `lifecycle` ends one
        found.append(
            Holder(
                token=credential.token,
                label=member.label,
                tenancy=member.tenancy,
                ordinal=member.ordinal,
                block=member.block_id,
                dwelling=member.dwelling_id,
                from_date=member.facts.from_date,
                identifiers=credential.identifiers,
                also=homes.get((member.person_id, member.tenancy_id), ()),
            )
        )
    return tuple(found)


def load_passes(session: Session, estate_id: str, credentials: Sequence[CredentialOnFile]) -> tuple[PassHolder, ...]:
    """Active passes of the estate, and who works there by role. A door taken down since opens for nobody."""
    rows = session.execute(
        select(
            AccessPass.token,
            AccessPass.kind,
            AccessPass.doors,
            AccessPass.repair_order,
            AccessPass.uses,
            AccessPass.schedule_id,
            CredentialRow.label,
            CredentialRow.valid_from,
            CredentialRow.valid_to,
            Dwelling.code,
        )
        .join(CredentialRow, CredentialRow.token == AccessPass.token)
        .outerjoin(Dwelling, Dwelling.id == AccessPass.host_dwelling_id)
        .where(AccessPass.estate_id == estate_id, CredentialRow.state == "active")
    ).all()
    workers = assignments(session, estate_id)
    if not rows and not workers:
        return ()
    identifiers = {c.token: c.identifiers for c in credentials}
    of_door: dict[str, list[str]] = {}
    for point, door in session.execute(
        select(AccessPoint.id, AccessPoint.door_id).where(AccessPoint.estate_id == estate_id)
    ):
        of_door.setdefault(door, []).append(point)
    hours = load_schedules(session, estate_id)
    found = [
        PassHolder(
            token=token,
            label=label,
            holder_class=KINDS[kind].holder_class,
            identifiers=identifiers.get(token, ()),
            access_points=tuple(sorted(p for door in doors for p in of_door.get(door, ()))),
            not_before=valid_from,
            not_after=valid_to,
            because=because_of(kind, dwelling or "", order),
            schedule=hours[schedule] if schedule else None,
            uses=uses,
        )
        for token, kind, doors, order, uses, schedule, label, valid_from, valid_to, dwelling in rows
        if valid_from and valid_to
    ]
    return (*found, *role_holders(workers, places_of(session, estate_id), identifiers, of_door, hours))
