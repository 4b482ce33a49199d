"""Edges, the devices behind them, meters, and when they could observe."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


class Edge(Base):
    """The box at the gate. `online` is what its last will says; `last_seen_at` only grows.

    `certificate_until`: when its present certificate ends, unless it is renewed; `certificates_before`: serials of those before
    that may still be good.
    """

    __tablename__ = "edge"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    name: Mapped[str]
    enrolled_at: Mapped[datetime | None]
    certificate_serial: Mapped[str | None]
    certificate_until: Mapped[datetime | None]
    certificates_before: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    secret_hash: Mapped[str | None]
    online: Mapped[bool] = mapped_column(default=False)
    state_since: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    epoch: Mapped[str] = mapped_column(default="")
    head_seq: Mapped[int] = mapped_column(default=0)
    clock_offset_s: Mapped[float | None]
    clock_trusted: Mapped[bool] = mapped_column(default=True)
    disk_writes: Mapped[bool] = mapped_column(default=True, server_default="1")
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
