"""Every table of the hub. Times are aware UTC; ids are text; money and documents are the lease system's, not ours.

Ids of places and devices imported from an installer's hand-over are `{estate code}.{code}`; others are `{prefix}-{random}`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy import DateTime as SqlDateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python on every database; SQLite keeps text in UTC without zone."""

    impl = SqlDateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: say which zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


LARGE = BigInteger().with_variant(Integer, "sqlite")  # SQLite's INTEGER has 64 bits


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        bytes: LargeBinary,
    }


# --- places -----------------------------------------------------------------------------------------------------------


class Estate(Base):
    """小区. `policy` is the place's law profile (snapshots, brake limits …), `policy_pack` the legal thresholds in force."""

    __tablename__ = "estate"
    id: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    time_zone: Mapped[str] = mapped_column(default="Asia/Shanghai")
    division: Mapped[str] = mapped_column(default="")
    policy_pack: Mapped[str] = mapped_column(default="national")
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Block(Base):
    """楼栋."""

    __tablename__ = "block"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    code: Mapped[str]
    name: Mapped[str]
    floors: Mapped[int]
    dwellings_per_floor: Mapped[int]


class Dwelling(Base):
    """房屋: let as one, carries one house code (一房一码)."""

    __tablename__ = "dwelling"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    block_id: Mapped[str] = mapped_column(ForeignKey("block.id"), index=True)
    code: Mapped[str] = mapped_column(unique=True)
    floor: Mapped[int]
    number: Mapped[str]
    rooms: Mapped[int | None]
    under_repair: Mapped[bool] = mapped_column(default=False)


class Door(Base):
    """`scope`: estate, block, dwelling or amenity. `fail_mode` on power loss: fail_safe (opens) or fail_secure.

    An amenity (laundry, car park; of a block, or of the estate) is on nobody's way home: only it may have hours (`schedule_id`).

    `escape_route` None: by scope (gates, entrances and amenities are). `egress`: free (no lock inwards), button (REX), edge (a
    reader that the edge decides, open to all), none or undeclared. `fire_release`: input (the fire panel's contact is on the
    board), wired (it cuts the lock's power outside our software), none or undeclared. The mode (intent) is its device's to
    report: `ReportedList.modes`.
    """

    __tablename__ = "door"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    block_id: Mapped[str | None] = mapped_column(ForeignKey("block.id"))
    dwelling_id: Mapped[str | None] = mapped_column(ForeignKey("dwelling.id"))
    code: Mapped[str]
    name: Mapped[str]
    scope: Mapped[str]
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedule.id", name="fk_door_schedule"))
    fail_mode: Mapped[str] = mapped_column(default="fail_safe")
    escape_route: Mapped[bool | None]
    egress: Mapped[str] = mapped_column(default="undeclared", server_default="undeclared")
    fire_release: Mapped[str] = mapped_column(default="undeclared", server_default="undeclared")
    state: Mapped[str] = mapped_column(default="unknown")
    alarm: Mapped[str] = mapped_column(default="normal")
    state_at: Mapped[datetime | None]


class ScheduleRow(Base):
    """Weekly hours of an estate, in its zone, for amenity doors, roles and passes.

    `ranges`: [{"weekdays": [1..7], "start": "08:00", "end": "20:00"}]; `special_days`: [{"day", "spans": [{"start", "end"}]}].
    """

    __tablename__ = "schedule"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    name: Mapped[str]
    ranges: Mapped[list[Any]]
    special_days: Mapped[list[Any]] = mapped_column(default=list)
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class AccessPoint(Base):
    """One side of a door (ONVIF AccessPoint). `necessity`: why a face is read here, where one is."""

    __tablename__ = "access_point"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    door_id: Mapped[str] = mapped_column(ForeignKey("door.id"), index=True)
    code: Mapped[str]
    name: Mapped[str]
    side: Mapped[str]
    device_id: Mapped[str | None] = mapped_column(ForeignKey("device.id"), index=True)
    point: Mapped[str] = mapped_column(default="")
    camera_id: Mapped[str | None] = mapped_column(ForeignKey("device.id"))
    necessity: Mapped[str] = mapped_column(default="", server_default="")


class PointService(Base):
    """Which device served an access point when; None: from the beginning, still. Written when another device takes over.

    An access point without rows has been served by its present device for ever.
    """

    __tablename__ = "point_service"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    access_point_id: Mapped[str] = mapped_column(ForeignKey("access_point.id"), index=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    from_at: Mapped[datetime | None]
    to_at: Mapped[datetime | None]


class DoorDoubt(Base):
    """A door whose passes contradict its map (see `occupancy.door_maps`): mapped to `block_id`, used by the people of
    `seen_block`. While it stands, its device observed nothing of the block it is mapped to."""

    __tablename__ = "door_doubt"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    access_point_id: Mapped[str] = mapped_column(index=True)
    device_id: Mapped[str] = mapped_column(index=True)
    block_id: Mapped[str]
    seen_block: Mapped[str]
    attempts: Mapped[int]
    own: Mapped[int]
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


# --- edges and devices ------------------------------------------------------------------------------------------------


class Edge(Base):
    """The box at the gate. `online` is what its last will says; `last_seen_at` only grows."""

    __tablename__ = "edge"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    name: Mapped[str]
    enrolled_at: Mapped[datetime | None]
    certificate_serial: Mapped[str | None]
    secret_hash: Mapped[str | None]
    online: Mapped[bool] = mapped_column(default=False)
    state_since: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    epoch: Mapped[str] = mapped_column(default="")
    head_seq: Mapped[int] = mapped_column(default=0)
    clock_offset_s: Mapped[float | None]
    clock_trusted: Mapped[bool] = mapped_column(default=True)
    version: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime | None]
    devices_generation: Mapped[int] = mapped_column(default=0)
    devices_digest: Mapped[str] = mapped_column(default="")
    catalogue: Mapped[list[Any]] = mapped_column(default=list)
    found: Mapped[list[Any]] = mapped_column(default=list)


class EnrolmentToken(Base):
    """One use, short life; only the hash is kept."""

    __tablename__ = "enrolment_token"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edge.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Device(Base):
    """`foreign_choice` about credentials found on it: keep (undecided), adopt (known, stay) or remove (`remove_foreign`).

    `removed_at`: taken down. The row stays for the events, the coverage and the commands that name it.
    """

    __tablename__ = "device"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edge.id"), index=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    in_service: Mapped[bool] = mapped_column(default=True)
    remove_foreign: Mapped[bool] = mapped_column(default=False)
    foreign_choice: Mapped[str] = mapped_column(default="keep", server_default="keep")
    removed_at: Mapped[datetime | None]
    condition: Mapped[str] = mapped_column(default="unknown")
    condition_since: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    clock_offset_s: Mapped[float | None]
    detail: Mapped[str] = mapped_column(default="")
    model: Mapped[str] = mapped_column(default="")
    firmware: Mapped[str] = mapped_column(default="")
    unreadable_count: Mapped[int] = mapped_column(default=0)


class Meter(Base):
    __tablename__ = "meter"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    point: Mapped[str]
    quantity: Mapped[str]


class Coverage(Base):
    """When a device could observe: `state` ok, down, propped or clock; `to_at` None is still so. No row: not observed."""

    __tablename__ = "coverage"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_coverage_device", "device_id", "from_at"),)


# --- people and tenancies ---------------------------------------------------------------------------------------------


class Person(Base):
    """`id_number_hash` is keyed (HMAC); the number itself is not kept, its last four digits are for the counter.

    `same_as`: two people confirmed that this record and that one are of one human being (see PersonLink). Never set by a machine.
    `erased_at`: the period of keeping ended (`hub.privacy`): nothing here says who it was.
    """

    __tablename__ = "person"
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    source_id: Mapped[str]
    name: Mapped[str]
    id_number_hash: Mapped[str | None] = mapped_column(index=True)
    id_number_last4: Mapped[str] = mapped_column(default="")
    birth_date: Mapped[date | None]
    same_as: Mapped[str | None] = mapped_column(index=True)
    erased_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("source", "source_id"),)


class PersonLink(Base):
    """Two records of one person, told by people and never by a machine. `state`: asked, linked, refused, split.

    `kept`: the person the others point to. `undo`: what a split gives back (ids of consents that the link suspended).
    """

    __tablename__ = "person_link"
    id: Mapped[str] = mapped_column(primary_key=True)
    kept: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    other: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    reason: Mapped[str]
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    split_by: Mapped[str] = mapped_column(default="")
    split_at: Mapped[datetime | None]
    undo: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Tenancy(Base):
    """The right to live there. It ends only by a decision (number, date, completed move-out) or the household's own wish.

    `state`: allocated, active, ended. The lease itself stays in the lease system; `source_id` refers to it. `seen_version`: the
    newest of which the brake holds a part back; what is older than it is no news.
    """

    __tablename__ = "tenancy"
    id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    source_id: Mapped[str]
    version: Mapped[int] = mapped_column(LARGE, default=0)
    seen_version: Mapped[int] = mapped_column(LARGE, default=0, server_default="0")
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    state: Mapped[str]
    from_date: Mapped[date]
    to_date: Mapped[date | None]
    handover_at: Mapped[date | None]
    end_decision: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    ended_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("source", "source_id"),)


class HouseholdMember(Base):
    """`offered`: what the record hands over to open doors with: {"cards": [text], "photo": {"url", "sha256"} or null}.

    `desk_cards` in it: cards handed out at the counter, which the lease system does not know; `id_card`: the keyed hash of an
    identity card, where the person wants to open doors with it. A photo stands here only while
    consent (a) lives. What of it a credential takes is decided in `access.lifecycle`. `lease_end` in it: the lease end that
    the record first repeated at this member, which after a renewal is nobody's leaving.
    """

    __tablename__ = "household_member"
    id: Mapped[str] = mapped_column(primary_key=True)
    tenancy_id: Mapped[str] = mapped_column(ForeignKey("tenancy.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    relation: Mapped[str]
    ordinal: Mapped[int] = mapped_column(default=1)
    from_date: Mapped[date]
    to_date: Mapped[date | None]
    offered: Mapped[dict[str, Any]] = mapped_column(default=dict)
    consents: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    __table_args__ = (UniqueConstraint("tenancy_id", "person_id"),)


class Consent(Base):
    """One purpose each: `a` open the door by face, `b` use face passes for the occupancy check, `c` welfare call.

    `withdrawn_by` is `desk` when the person took it back at the counter: the feed's older consent does not revive it.
    """

    __tablename__ = "consent"
    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    purpose: Mapped[str]
    notice: Mapped[str] = mapped_column(default="")
    granted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    guardian: Mapped[str | None]
    withdrawn_by: Mapped[str] = mapped_column(default="", server_default="")


class Absence(Base):
    """A declared absence (离家报备): a class of reason, never a document."""

    __tablename__ = "absence"
    id: Mapped[str] = mapped_column(primary_key=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    from_date: Mapped[date]
    to_date: Mapped[date | None]
    reason: Mapped[str]
    declared_on: Mapped[date]


class SourceState(Base):
    """Where a tenancy source stands: its cursor, its last answer, and a change set held back by the brake.

    `detail`: {"kind", "estate", "absence_cursor", "missing": [tenancy], "release": {by, at, keys} or absent}.
    """

    __tablename__ = "source_state"
    source: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str] = mapped_column(default="")
    last_ok_at: Mapped[datetime | None]
    last_full_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(default="")
    last_total: Mapped[int] = mapped_column(LARGE, default=0)
    held: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SourceRow(Base):
    """A row of a source that was refused, with its reason: none is lost."""

    __tablename__ = "source_row"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    source: Mapped[str] = mapped_column(index=True)
    key: Mapped[str]
    reason: Mapped[str]
    raw: Mapped[dict[str, Any]]
    seen_at: Mapped[datetime]


class HouseholdLoss(Base):
    """A household lost something by a source's word: what the brake counts over a day and a week, across all sources.

    `what`: ended, left, cards, photo, moved. `excused`: two persons had let it pass.
    """

    __tablename__ = "household_loss"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    tenancy_id: Mapped[str] = mapped_column(ForeignKey("tenancy.id"))
    source: Mapped[str]
    what: Mapped[str]
    at: Mapped[datetime]
    excused: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index("ix_household_loss", "estate_id", "at"),)


class ClockState(Base):
    """The hub's clock as it was last believed. One row, `id` 1. While `problem` is set, days stand still at `seen_at`.

    `found_at`: the time the clock showed when it jumped. `asked_by`: who said first that it is right after all.
    """

    __tablename__ = "clock_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
    problem: Mapped[str] = mapped_column(default="")
    found_at: Mapped[datetime | None]
    asked_by: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime | None]


# --- access -----------------------------------------------------------------------------------------------------------


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


class DesiredList(Base):
    """The list a device should hold: the signed bytes as the edge fetches them. `count`: its credentials.

    `recent`: generation → digest of the last lists: a report of any other list (of a hub before a restore) proves nothing.
    """

    __tablename__ = "desired_list"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    generation: Mapped[int]
    digest: Mapped[str]
    count: Mapped[int] = mapped_column(default=0)
    recent: Mapped[dict[str, Any]] = mapped_column(default=dict)
    payload: Mapped[bytes]
    signature: Mapped[bytes]
    key_id: Mapped[str]
    issued_at: Mapped[datetime]


class DesiredEntry(Base):
    """Which credentials stand on which device's list, and since which generation the entry is as it is.

    `confirmed_at`: since when the device is known to hold it so; None while it is not.
    """

    __tablename__ = "desired_entry"
    __table_args__ = (
        Index(
            "ix_desired_entry_unconfirmed",  # asked at every report of a device
            "device_id",
            sqlite_where=text("confirmed_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    token: Mapped[str] = mapped_column(primary_key=True, index=True)
    generation: Mapped[int]
    confirmed_at: Mapped[datetime | None]


class Revocation(Base):
    """One credential (or only its face: `part`) to go from one device, until that device confirmed that it is gone.

    `generation`: the first list without it, 0 until that is published. `state`: open, gone (`proof`: read_back, edge, report),
    assumed (deleted, cannot be read), back (wanted there again), unproved (the device was taken down). `told`: what the edge
    last said while it is open.
    """

    __tablename__ = "revocation"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"))
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    token: Mapped[str] = mapped_column(index=True)
    part: Mapped[str] = mapped_column(default="")
    label: Mapped[str] = mapped_column(default="")
    because: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(default="open")
    proof: Mapped[str] = mapped_column(default="")
    told: Mapped[str] = mapped_column(default="")
    confirmed_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_revocation_open", "state", "estate_id"),
        Index("ix_revocation_device", "device_id", "state"),
    )


class AccessMoved(Base):
    """Something changed that decides who may pass, and no list was published since. `subject`: tenancy:…, token:… or `*`.

    `ends`: somebody may lose access by it, so it goes first. `in_force`: everything it ended is ended by orders already.
    """

    __tablename__ = "access_moved"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    subject: Mapped[str]
    ends: Mapped[bool] = mapped_column(default=False)
    in_force: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime]


class AccessSweep(Base):
    """When an estate's lists were last composed from everything, on which local day, from which doors and devices."""

    __tablename__ = "access_sweep"
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    day: Mapped[date]
    at: Mapped[datetime]
    structure: Mapped[str]


class ReportedList(Base):
    """What the device holds, as its edge last reported it (contract.messages.DeviceReported).

    `modes`: its access points that are not in their normal mode, with until when, by whom and why. `fire`: its fire contact.
    """

    __tablename__ = "reported_list"
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(default=0)
    digest: Mapped[str] = mapped_column(default="")
    wanted: Mapped[int] = mapped_column(default=0)
    confirmed: Mapped[int] = mapped_column(default=0)
    assumed: Mapped[int] = mapped_column(default=0)
    pending: Mapped[int] = mapped_column(default=0)
    foreign: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[Any]] = mapped_column(default=list)
    pending_tokens: Mapped[list[Any]] = mapped_column(default=list)
    decided_at_edge: Mapped[bool] = mapped_column(default=False)
    read_back_at: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]
    modes: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    fire: Mapped[str] = mapped_column(default="none", server_default="none")
    drift: Mapped[int] = mapped_column(default=0, server_default="0")
    drift_at: Mapped[datetime | None]


class CommandOrder(Base):
    """What one person orders doors to do, seen before it is done. `scope`: doors, block or estate.

    `state`: previewed, asked (waits for a second person), issued, refused, expired. `targets`: [{door, device, access_point}]
    as they were shown. `lasts_s`: how long from its issue; `until`: when its doors go back to normal by themselves.
    `asked_by`, `decided_by` are user ids.
    """

    __tablename__ = "command_order"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    kind: Mapped[str]
    scope: Mapped[str]
    scope_id: Mapped[str] = mapped_column(default="")
    targets: Mapped[list[Any]]
    second_person: Mapped[bool] = mapped_column(default=False)
    lasts_s: Mapped[int | None]
    until: Mapped[datetime | None]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str]
    asked_name: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(default="")
    decided_name: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_reason: Mapped[str] = mapped_column(default="")


class CommandRow(Base):
    """One command to one device. `request_key`: who sent it and his client's own key, so that a repetition is the same one."""

    __tablename__ = "command"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    edge_id: Mapped[str] = mapped_column(ForeignKey("edge.id"))
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"))
    access_point_id: Mapped[str | None]
    door_id: Mapped[str | None]
    order_id: Mapped[str | None] = mapped_column(index=True)
    request_key: Mapped[str | None] = mapped_column(index=True, unique=True)
    kind: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    outcome: Mapped[str | None]
    outcome_text: Mapped[str] = mapped_column(default="")
    outcome_at: Mapped[datetime | None]


# --- events -----------------------------------------------------------------------------------------------------------


class EventRow(Base):
    """One journal row of one edge. Insert-if-new by (edge, epoch, seq). `at` is the best time, `data` the body as sent.

    `local_day` is the estate's day of `at`. `dwelling_id` and `person_id` are resolved from the credential at ingest.
    """

    __tablename__ = "event"
    edge_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    estate_id: Mapped[str]
    kind: Mapped[str]
    device_id: Mapped[str]
    access_point_id: Mapped[str | None]
    dwelling_id: Mapped[str | None]
    credential: Mapped[str | None]
    identifier: Mapped[str | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    at: Mapped[datetime]
    device_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    ingested_at: Mapped[datetime]
    clock_offset_s: Mapped[float | None]
    late: Mapped[bool]
    data: Mapped[str]
    __table_args__ = (
        Index("ix_event_estate_at", "estate_id", "at"),
        Index("ix_event_dwelling_at", "dwelling_id", "at"),
    )


class IngestCursor(Base):
    """Every event of (edge, epoch) up to `up_to_seq` is in `event`."""

    __tablename__ = "ingest_cursor"
    edge_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    up_to_seq: Mapped[int] = mapped_column(default=0)
    first_seen_at: Mapped[datetime]
    last_at: Mapped[datetime]


class DeadLetter(Base):
    """A message that could not be read or stored: kept, counted, shown; the rest went on."""

    __tablename__ = "dead_letter"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    edge_id: Mapped[str | None] = mapped_column(index=True)
    topic: Mapped[str]
    error: Mapped[str]
    payload: Mapped[bytes]
    size: Mapped[int]


class Snapshot(Base):
    __tablename__ = "snapshot"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    edge_id: Mapped[str]
    epoch: Mapped[str] = mapped_column(default="")
    of_seq: Mapped[int | None]
    access_point_id: Mapped[str | None]
    camera_id: Mapped[str | None]
    taken_at: Mapped[datetime]
    received_at: Mapped[datetime]
    size: Mapped[int]
    file: Mapped[str]
    proof: Mapped[str] = mapped_column(default="none", server_default="none")


class FaceLook(Base):
    """What a look at a face said beside an event (`FaceCheck`): a fact on the page, read by no rule and no lead."""

    __tablename__ = "face_look"
    edge_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[str] = mapped_column(primary_key=True)
    of_seq: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    text: Mapped[str]


# --- what a day looked like -------------------------------------------------------------------------------------------


class PassDay(Base):
    """Passes of a dwelling's household on a local day, counted by lawful class at ingest (changed only by rows inserted).

    `face` counts every granted face pass, for service only; `face_consented` those with a live consent (b) on that
    day; `other` granted card, PIN, QR and id card passes; `late` those of `other` that came home in the evening or left in
    the early morning, as people do who sleep there. `hours`: bit h stands for local hour h of a lawful pass; NULL: counted
    before hours were kept, which is not known, never none.
    """

    __tablename__ = "pass_day"
    dwelling_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    credential: Mapped[str] = mapped_column(primary_key=True)
    holder_class: Mapped[str]
    face: Mapped[int] = mapped_column(default=0)
    face_consented: Mapped[int] = mapped_column(default=0)
    other: Mapped[int] = mapped_column(default=0)
    late: Mapped[int] = mapped_column(default=0, server_default="0")
    hours: Mapped[int | None]


class MeterDay(Base):
    """First and last cumulative reading of a local day. `ok_count` 0 with `bad_count` > 0: the meter lied that day."""

    __tablename__ = "meter_day"
    meter_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    dwelling_id: Mapped[str] = mapped_column(index=True)
    quantity: Mapped[str]
    first_value: Mapped[float | None]
    first_at: Mapped[datetime | None]
    last_value: Mapped[float | None]
    last_at: Mapped[datetime | None]
    ok_count: Mapped[int] = mapped_column(default=0)
    bad_count: Mapped[int] = mapped_column(default=0)


class PresenceDay(Base):
    """What a day looked like for a dwelling: `state` present, absent, other_use or unknown, with what each family said."""

    __tablename__ = "presence_day"
    dwelling_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]
    coverage: Mapped[float]
    signals: Mapped[dict[str, Any]] = mapped_column(default=dict)


class RecognitionDay(Base):
    """Whom a block's doors recognised up to a day: `members` with consent (b), those `identified` within 30 days, identified
    `passes` of the day (see `occupancy.recognised`)."""

    __tablename__ = "recognition_day"
    block_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    members: Mapped[int]
    identified: Mapped[int]
    passes: Mapped[int]


class DwellingMemory(Base):
    """What a dwelling's days up to `day` have taught (see `occupancy.memory`), so that a night needs one day's rows.

    `first_day`: of the record it was drawn from. `tenancy_id`, `begins`: the household it is of; another one starts anew.
    """

    __tablename__ = "dwelling_memory"
    dwelling_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date]
    first_day: Mapped[date]
    tenancy_id: Mapped[str | None]
    begins: Mapped[date | None]
    body: Mapped[bytes]


class DirtyDay(Base):
    """A dwelling's presence must be computed again from this day on (late events, new coverage)."""

    __tablename__ = "dirty_day"
    dwelling_id: Mapped[str] = mapped_column(primary_key=True)
    from_day: Mapped[date]


class PolicyTrial(Base):
    """A policy pack tried on an estate's history before it is put in force. `state`: waiting, running, done or failed.

    `result`: what each of the two packs would have opened, {"days", "tried": {…}, "in_force": {…}} (see `try_pack`).
    """

    __tablename__ = "policy_trial"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    pack: Mapped[str]
    pack_version: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


# --- care for who asked for it: apart from everything above and below ---------------------------------------------------


class OutsideSign(Base):
    """旁证: what another office (F4) or a person (F5) says of a dwelling. A class and a day: no amount, no name, no words.

    `until` None: of that day alone. `source`: `lease_system` or `desk`; `source_id` is its own number and makes it known
    once. `digest`: SHA-256 of the copy of an advertisement, which is kept elsewhere. Withdrawn, it stays and counts no more.
    """

    __tablename__ = "outside_sign"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    kind: Mapped[str]
    on: Mapped[date] = mapped_column("on_day")
    until: Mapped[date | None] = mapped_column("until_day")
    anonymous: Mapped[bool] = mapped_column(default=False)
    digest: Mapped[str] = mapped_column(default="")
    source: Mapped[str]
    source_id: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("source", "source_id"),)


class CareWatch(Base):
    """Somebody who lives alone asked, by consent (c), that a person looks in when no sign of life is seen for `hours`.

    Nothing of it is read by presence, detection, cases or the lease system's leads; a test holds this.
    """

    __tablename__ = "care_watch"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    hours: Mapped[int]
    contact: Mapped[str] = mapped_column(default="")
    began_by: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="unknown")
    looked_at: Mapped[datetime | None]


class CareCall(Base):
    """A person is asked to look in. `outcome`: fine, helped, away, false_alarm or not_reached.

    Deleted thirty days after its answer.
    """

    __tablename__ = "care_call"
    id: Mapped[str] = mapped_column(primary_key=True)
    watch_id: Mapped[str] = mapped_column(ForeignKey("care_watch.id"), index=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"))
    opened_at: Mapped[datetime]
    quiet_since: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")


# --- findings and cases -----------------------------------------------------------------------------------------------


class Finding(Base):
    """What the record suggests, never a verdict. `stage`: note, yellow, orange, red, insufficient_data.

    `stated`: for each stage it entered, in order: the day, the rule, the stage it earned, and the chance, stated and as fitted.
    """

    __tablename__ = "finding"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    kind: Mapped[str]
    rule: Mapped[str]
    rule_version: Mapped[str]
    policy_version: Mapped[str]
    stage: Mapped[str]
    families: Mapped[list[Any]]
    window_from: Mapped[date]
    window_to: Mapped[date]
    coverage: Mapped[float]
    because: Mapped[list[Any]]
    against: Mapped[list[Any]]
    refuted_by: Mapped[list[Any]]
    evidence: Mapped[list[Any]]
    observed: Mapped[str] = mapped_column(default="")
    threshold: Mapped[str] = mapped_column(default="")
    inputs_hash: Mapped[str]
    stated: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    case_id: Mapped[str | None] = mapped_column(ForeignKey("case_file.id"), index=True)


class CaseFile(Base):
    """What people make of a lead. One open case a dwelling and kind. `state` is the workflow's.

    `due_at`: then it ends as unproven when nothing supports it. `step_due_at`: by then one of us must have done the next step.
    """

    __tablename__ = "case_file"
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    tenancy_id: Mapped[str | None] = mapped_column(ForeignKey("tenancy.id"))
    kind: Mapped[str]
    stage: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    step_due_at: Mapped[datetime | None] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    quiet_until: Mapped[datetime | None]


class CaseEntry(Base):
    """Append-only: every step of a case with actor, reason code and written opinion."""

    __tablename__ = "case_entry"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    reason_code: Mapped[str] = mapped_column(default="")
    opinion: Mapped[str] = mapped_column(default="")
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)


class LifeFactRow(Base):
    """What doors and meters prove of a tenancy's life, as the lease system was told last. No lead, and nothing about access.

    `kind`: handed_over, moved_in, moved_out or ready_to_relet. `revision` counts what was told of it; `standing` False: taken
    back.
    """

    __tablename__ = "life_fact"
    tenancy_id: Mapped[str] = mapped_column(ForeignKey("tenancy.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    day: Mapped[date]
    standing: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=1)
    proof: Mapped[list[Any]]
    coverage: Mapped[float]
    because: Mapped[list[Any]]
    meters: Mapped[list[Any]] = mapped_column(default=list)
    updated_at: Mapped[datetime]


class DeviceReview(Base):
    """Append-only: one paper of the review that Administrative Penalty Law art. 41 asks of a device whose records are evidence.

    `kind`: approval (certificate), sign (photo of the sign), location (where it was published), technical, legal. `file`: the
    paper itself, `sha256` its digest. `valid_until`: the last day on which it counts; None: no end.
    """

    __tablename__ = "device_review"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    kind: Mapped[str]
    number: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    file_name: Mapped[str] = mapped_column(default="")
    media_type: Mapped[str] = mapped_column(default="")
    sha256: Mapped[str] = mapped_column(default="")
    file: Mapped[bytes | None]
    reviewed_by: Mapped[str]
    reviewer: Mapped[str]
    at: Mapped[datetime]


class OutboxMessage(Base):
    """To the lease system, at least once, signed; written in the unit of work that decided it."""

    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    body: Mapped[str]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    last_error: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None]


class InboundDecision(Base):
    """What the lease system decided and sent back: kept as received, applied once."""

    __tablename__ = "inbound_decision"
    id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    applied_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(default="")


# --- people who use the hub -------------------------------------------------------------------------------------------


class HubUser(Base):
    """Somebody who signs in. `role`: estate_manager, housing_official, care_worker, auditor, administrator."""

    __tablename__ = "hub_user"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    disabled: Mapped[bool] = mapped_column(default=False)
    failed_attempts: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class UserEstate(Base):
    """The estates a user may see. Officials and auditors with no row see all of their hub; managers see only these."""

    __tablename__ = "user_estate"
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"), primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), primary_key=True)


class UserSession(Base):
    """Only the hash of the cookie is kept."""

    __tablename__ = "user_session"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"), index=True)
    csrf: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")


class SignInLink(Base):
    """`single_use`: gone when followed. The demo's are not: a page is opened more than once."""

    __tablename__ = "sign_in_link"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"))
    expires_at: Mapped[datetime]
    single_use: Mapped[bool] = mapped_column(default=True, server_default=true())


class ApiKey(Base):
    """A system that calls us (the lease system): only the hash of its key is kept."""

    __tablename__ = "api_key"
    key_hash: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str] = mapped_column(default="lease_system")
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Reveal(Base):
    """A person's data shown unmasked to a user, with a reason, for 60 s."""

    __tablename__ = "reveal"
    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("hub_user.id"))
    dwelling_id: Mapped[str]
    reason_code: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AuditRow(Base):
    """Append-only, chained: `hash` covers the row and the hash before it."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str]
    estate_id: Mapped[str | None] = mapped_column(index=True)
    changes: Mapped[list[Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class RetentionRun(Base):
    """What one run let go of records of this period: how many of before which day, how many are held and why they may be."""

    __tablename__ = "retention_run"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    period: Mapped[str] = mapped_column(index=True)
    days: Mapped[int]
    before: Mapped[date]
    deleted: Mapped[int]
    held: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]


class JobRun(Base):
    """The last run of each job, for the health page."""

    __tablename__ = "job_run"
    job: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    ok: Mapped[bool | None]
    detail: Mapped[str] = mapped_column(String, default="")
    runs: Mapped[int] = mapped_column(default=0)


class HubKey(Base):
    """Public halves and sealed secrets of the hub (signing key id, HMAC key id); private keys live in `keys/` files."""

    __tablename__ = "hub_key"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    public: Mapped[str]
    created_at: Mapped[datetime]
