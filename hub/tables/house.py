"""The hub's own affairs: audit, retention, jobs, keys and its clock."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
