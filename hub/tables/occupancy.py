"""What a day looked like, and what others say of a dwelling."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


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


class DoorDay(Base):
    """Attempts at a door on a local day, granted or refused, by whomever, counted at ingest. `unheard`: the night found that its
    reader did not record who passed (see `occupancy.silent_doors`)."""

    __tablename__ = "door_day"
    door_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    passes: Mapped[int] = mapped_column(default=0, server_default="0")
    unheard: Mapped[bool] = mapped_column(default=False, server_default=false())


class AskingWeek(Base):
    """From a Monday on questions are put to homes with a chance above `above` (0: to all; see `occupancy.asking`). `begun`: leads
    that began within the time looked at, of which `most` questions may come."""

    __tablename__ = "asking_week"
    monday: Mapped[date] = mapped_column(primary_key=True)
    above: Mapped[float]
    begun: Mapped[int]
    most: Mapped[int]


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
    """A dwelling's presence must be computed again from this day on (late events, new coverage).

    `marks`: how often it was marked: who judges without holding the database sees that something came meanwhile.
    """

    __tablename__ = "dirty_day"
    dwelling_id: Mapped[str] = mapped_column(primary_key=True)
    from_day: Mapped[date]
    marks: Mapped[int] = mapped_column(default=1, server_default="1")


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
