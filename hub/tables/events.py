"""What happened: journal rows of the edges, cursors, pictures, and what could not be read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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
