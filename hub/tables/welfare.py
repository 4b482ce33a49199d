"""Care for who asked for it: apart from everything else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hub.tables.base import Base


class CareWatch(Base):
    """Somebody who lives alone asked, by consent (c), that a person looks in when no sign of life is seen for `hours`.

    `said`, `ended_said`: what the person said stands here, for others read the audit trail. Nothing of it is read by presence,
    detection, cases or the lease system's leads; a test holds this.
    """

    __tablename__ = "care_watch"
    id: Mapped[str] = mapped_column(primary_key=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"), index=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    hours: Mapped[int]
    contact: Mapped[str] = mapped_column(default="")
    said: Mapped[str] = mapped_column(default="")
    ended_said: Mapped[str] = mapped_column(default="")
    began_by: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default="unknown")
    looked_at: Mapped[datetime | None]


class CareCall(Base):
    """A person is asked to look in. `outcome`: fine, helped, away, false_alarm, not_reached (a further
    call follows), or ended: the person opted out meanwhile.

    Deleted thirty days after its answer, with proof (`hub/privacy/periods.json`).
    """

    __tablename__ = "care_call"
    id: Mapped[str] = mapped_column(primary_key=True)
    watch_id: Mapped[str] = mapped_column(ForeignKey("care_watch.id"), index=True)
    estate_id: Mapped[str] = mapped_column(ForeignKey("estate.id"), index=True)
    dwelling_id: Mapped[str] = mapped_column(ForeignKey("dwelling.id"))
    opened_at: Mapped[datetime]
    quiet_since: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
