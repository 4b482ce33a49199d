"""Who works on the estate by role, as values for `entitle`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.access import Schedule
from device_drivers.contract.words import HolderClass
from hub.access.entitle import PassHolder
from hub.access.lifecycle import WantedIdentifier
from hub.access.pass_rules import DoorPlace
from hub.access.role_rules import because_of, doors_of
from hub.tables import CredentialRow, Door, Estate, RoleAssignment, StaffRole


@dataclass(frozen=True, slots=True)
class Assigned:
    """A live assignment. `zone`: the estate's."""

    role: StaffRole
    credential: CredentialRow
    zone: str


def assignments(session: Session, estate_id: str) -> list[Assigned]:
    """Live ones."""
    rows = session.execute(
        select(StaffRole, CredentialRow, Estate.time_zone)
        .join(RoleAssignment, RoleAssignment.role_id == StaffRole.id)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .join(Estate, Estate.id == RoleAssignment.estate_id)
        .where(RoleAssignment.estate_id == estate_id, CredentialRow.state == "active")
    )
    return [Assigned(role, credential, zone) for role, credential, zone in rows]


def places_of(session: Session, estate_id: str) -> list[DoorPlace]:
    """All doors of the estate with where they lead."""
    rows = session.execute(
        select(Door.id, Door.scope, Door.block_id, Door.dwelling_id).where(Door.estate_id == estate_id)
    )
    return [DoorPlace(*row) for row in rows]


def role_holders(
    assigned: Sequence[Assigned],
    places: Collection[DoorPlace],
    identifiers: Mapping[str, tuple[WantedIdentifier, ...]],
    points_of_door: Mapping[str, Sequence[str]],
    hours: Mapping[str, Schedule],
) -> list[PassHolder]:
    found = []
    for one in assigned:
        role, credential = one.role, one.credential
        since = credential.valid_from or credential.created_at
        doors = doors_of(role.scopes, role.blocks, role.doors, places)
        found.append(
            PassHolder(
                token=credential.token,
                label=credential.label,
                holder_class=HolderClass(credential.holder_class),
                identifiers=identifiers.get(credential.token, ()),
                access_points=tuple(sorted(p for door in doors for p in points_of_door.get(door, ()))),
                not_before=since,
                not_after=credential.valid_to,
                because=because_of(role.name, role.organisation, since, one.zone),
                schedule=hours[role.schedule_id] if role.schedule_id else None,
            )
        )
    return found
