"""People and tenancies, and where the sources stand that tell of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import LARGE, Base


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
    expected_members: Mapped[int | None]
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
    `recorded_at`: when it came here; from when it counts: `hub.consents`.
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
    recorded_at: Mapped[datetime | None]


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
