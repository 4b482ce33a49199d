"""Who may pass: credentials, passes, roles, and changes that wait for a second person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


class CredentialRow(Base):
    """One holder's credential. `token` is all a device learns. `state`: active or ended (with `ended_because`)."""

    __tablename__ = "credential"
    token: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    holder_class: Mapped[str]
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id"), index=True)
    tenancy_id: Mapped[str | None] = mapped_column(ForeignKey("tenancy.id"), index=True)
    dwelling_id: Mapped[str | None] = mapped_column(ForeignKey("dwelling.id"), index=True)
    label: Mapped[str]
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="active")
    ended_because: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class CredentialIdentifierRow(Base):
    """`value`: normalised card number (decimal). A face has none: `photo_url` and `photo_sha256` say where the edge gets it."""

    __tablename__ = "credential_identifier"
    id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("credential.token"), index=True)
    type: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    photo_url: Mapped[str | None]
    photo_sha256: Mapped[str | None]
    __table_args__ = (Index("ix_identifier_value", "type", "value"),)


class AccessPass(Base):
    """A pass for somebody who does not live here, with exactly these doors and times; its credential carries the number.

    `kind`: visitor, repair, viewing, carer, regular_visitor. `doors`: door ids. `uses`: how often at most, or no limit.
    `host_tenancy_id`: with this household it ends. No picture, no document: `visitor` is what the guard calls him.
    `schedule_id`: hours of the day within its validity.
    """

    __tablename__ = "access_pass"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    token: Mapped[str] = mapped_column(ForeignKey("credential.token"), unique=True)
    kind: Mapped[str]
    host_dwelling_id: Mapped[str | None] = mapped_column(ForeignKey("dwelling.id"), index=True)
    host_tenancy_id: Mapped[str | None] = mapped_column(ForeignKey("tenancy.id"))
    doors: Mapped[list[Any]]
    uses: Mapped[int | None]
    repair_order: Mapped[str] = mapped_column(default="")
    visitor: Mapped[str] = mapped_column(default="")
    reason: Mapped[str]
    issued_by: Mapped[str]
    issued_at: Mapped[datetime]
    ended_by: Mapped[str] = mapped_column(default="")
    renewals: Mapped[int] = mapped_column(default=0)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedule.id", name="fk_access_pass_schedule"))


class PassLink(Base):
    """The secret link with which a phone shows the code of one pass; only its hash is kept, and it dies with the pass."""

    __tablename__ = "pass_link"
    link_hash: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(ForeignKey("credential.token"), unique=True)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class StaffRole(Base):
    """岗位: what somebody who works here may pass. Never a dwelling's door, and nobody's face is needed.

    `holder_class`: staff or contractor. `scopes` of doors: estate, block, amenity; `blocks`: only these (empty: all); `doors`:
    further ones by id. `schedule_id` None: around the clock. `organisation`: who employs them (物业公司).
    """

    __tablename__ = "staff_role"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    name: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    holder_class: Mapped[str]
    scopes: Mapped[list[Any]]
    blocks: Mapped[list[Any]]
    doors: Mapped[list[Any]]
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedule.id"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class RoleAssignment(Base):
    """Somebody in a role, with the credential it gives. `holder` is a name for display only; no document is kept."""

    __tablename__ = "role_assignment"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    role_id: Mapped[str] = mapped_column(ForeignKey("staff_role.id"), index=True)
    token: Mapped[str] = mapped_column(ForeignKey("credential.token"), unique=True)
    holder: Mapped[str]
    reason: Mapped[str]
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime]
    ended_by: Mapped[str] = mapped_column(default="")
    ended_reason: Mapped[str] = mapped_column(default="")


class HeldAction(Base):
    """A change of access one person asked for beyond the hourly limit: it waits for a second person.

    `payload`: what to do when confirmed, as JSON; empty once decided or expired. `state`: held, confirmed, refused, expired.
    `weight`: how many changes it is.
    `asked_by_id` is who asked, whatever name they bear (`asked_by`) by now.
    """

    __tablename__ = "held_action"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str | None] = mapped_column(ForeignKey("dwelling.id"))
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    label: Mapped[str] = mapped_column(default="")
    weight: Mapped[int] = mapped_column(default=1, server_default="1")
    asked_by_id: Mapped[str] = mapped_column(default="", server_default="")
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default="held")
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_reason: Mapped[str] = mapped_column(default="")


class AccessChange(Base):
    """One person's changes of access, for the hourly limit. `who`: user id, `key:…` of a system. Kept a day."""

    __tablename__ = "access_change"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    who: Mapped[str]
    at: Mapped[datetime]
    what: Mapped[str]
    count: Mapped[int]
    __table_args__ = (Index("ix_access_change_who", "who", "at"),)
