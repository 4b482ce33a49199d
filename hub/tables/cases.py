"""Findings, cases, and the reviews of the devices whose records are evidence."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


class Finding(Base):
    """What the record suggests, never a verdict. `stage`: note, yellow, orange, red, insufficient_data.

    `stated`: for each stage it entered, in order: the day, the rule, the stage it earned, and the chance, stated and as fitted.
    `peak`: the highest chance it had, as a fitted model states it (0: none does). `waits`: a question that is not put for now
    (see `occupancy.asking`).
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
    peak: Mapped[float] = mapped_column(default=0.0, server_default="0")
    waits: Mapped[bool] = mapped_column(default=False, server_default=false())
    opened_at: Mapped[datetime] = mapped_column(index=True)
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
