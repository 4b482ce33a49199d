"""What a device should hold, what it does hold, and what has still to go from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
    last said while it is open. `stray`: the device was seen to have it although its box does not know it as its own.
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
    stray: Mapped[bool] = mapped_column(default=False, server_default=false())
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
