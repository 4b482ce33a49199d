"""Who works on the estate by role, as values for `entitle`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.access import Schedule
from device_drivers.contract.words import HolderClass
from hub.access.entitle import PassHolder
from hub.access.lifecycle import WantedIdentifier
from hub.access.pass_rules import DoorPlace
from hub.access.role_rules import because_of, doors_of
from hub.tables import CredentialRow, Door, Estate, RoleAssignment, StaffRole


def load_role_holders(
    session: Session,
    estate_id: str,
    identifiers: Mapping[str, tuple[WantedIdentifier, ...]],
    points_of_door: Mapping[str, Sequence[str]],
    hours: Mapping[str, Schedule],
) -> list[PassHolder]:
    """Live assignments."""
    rows = session.execute(
        select(RoleAssignment.token, StaffRole, CredentialRow, Estate.time_zone)
        .join(StaffRole, StaffRole.id == RoleAssignment.role_id)
        .join(CredentialRow, CredentialRow.token == RoleAssignment.token)
        .join(Estate, Estate.id == RoleAssignment.estate_id)
        .where(RoleAssignment.estate_id == estate_id, CredentialRow.state == "active")
    ).all()
    if not rows:
        return []
    places = [
        DoorPlace(*row)
        for row in session.execute(
            select(Door.id, Door.scope, Door.block_id, Door.dwelling_id).where(Door.estate_id == estate_id)
        )
    ]
    found = []
    for token, role, credential, zone in rows:
        doors = doors_of(role.scopes, role.blocks, role.doors, places)
        found.append(
            PassHolder(
                token=token,
                label=credential.label,
                holder_class=HolderClass(credential.holder_class),
                identifiers=identifiers.get(token, ()),
                access_points=tuple(sorted(p for door in doors for p in points_of_door.get(door, ()))),
                not_before=credential.valid_from or credential.created_at,
                not_after=credential.valid_to,
                because=because_of(role.name, role.organisation, credential.valid_from or credential.created_at, zone),
                schedule=hours[role.schedule_id] if role.schedule_id else None,
            )
        )
    return found
