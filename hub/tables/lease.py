"""What the lease system is told and what it decides."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
