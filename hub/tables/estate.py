"""Places: estates, blocks, dwellings, doors with their hours, and the sides of a door."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
    """One side of a door (ONVIF AccessPoint). `necessity`: why a face is read here, where one is.

    `in_service_since`, `in_service_until`: first and last local day on which people passed here; None: always, still. Of other
    days it says nothing of who was at home, seen or unseen. No word on who may pass.
    """

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
    in_service_since: Mapped[date | None]
    in_service_until: Mapped[date | None]


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
