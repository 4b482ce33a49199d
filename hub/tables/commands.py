"""What doors are ordered to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
