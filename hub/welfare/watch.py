"""Job `care.watch`: looks at each live watch every ten minutes, and asks a person to look in."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from hub.clock import while_believed
from hub.db import HELD, UnitOfWork
from hub.ids import new_id
from hub.jobs import Job
from hub.lease import outbox
from hub.lease.feed import Subject, message
from hub.services import Hub
from hub.tables import CareCall, CareWatch, Consent, Dwelling, Estate, Tenancy
from hub.welfare import home
from hub.welfare.rules import Care, look
from hub.welfare.signs import signs_of

JOB = "care.watch"
PERIOD_S = 600.0


@while_believed
def watch(hub: Hub) -> str:
    """One line. A watch whose consent was withdrawn ends at once. What has had its time goes with the run of `hub.privacy`."""
    with hub.db.reading() as session:
        ids = session.scalars(select(CareWatch.id).where(CareWatch.ended_at.is_(None)).order_by(CareWatch.id)).all()
    asked = 0
    for id in ids:
        with hub.db.unit_of_work("system", "care watch", now=hub.now()) as uow:
            row = uow.session.get_one(
                CareWatch, id, with_for_update=HELD
            )  # who opts out in this moment is not looked in on
            asked += row.ended_at is None and _look(uow, row)
    if asked:
        hub.signal(outbox.JOB)
    return f"{len(ids)} watches, {asked} calls opened"


def consent_lives(now: datetime) -> ColumnElement[bool]:
    """Of rows of `Consent`: (c), from its date on until it is taken back."""
    return and_(Consent.purpose == "c", Consent.granted_at <= now, Consent.withdrawn_at.is_(None))


def consented(session: Session, person_id: str, now: datetime) -> bool:
    """Consent (c) lives now."""
    live = select(Consent.id).where(Consent.person_id == person_id, consent_lives(now))
    return session.scalar(live.limit(1)) is not None


def _look(uow: UnitOfWork, row: CareWatch) -> bool:
    """Whether a call was opened."""
    uow.estate_id = row.estate_id
    if not consented(uow.session, row.person_id, uow.now):
        end(uow, row, "consent withdrawn")
        return False
    if not _lives_there(uow, row):
        end(uow, row, "moved out")
        return False
    care = look(signs_of(uow.session, row, uow.now), row.hours) if _alone(uow, row) else Care.NOT_ALONE
    row.state, row.looked_at = care.value, uow.now
    open_call = uow.session.scalar(
        select(CareCall).where(CareCall.watch_id == row.id, CareCall.answered_at.is_(None)).limit(1)
    )
    if care is not Care.ASK or open_call is not None or _just_answered(uow, row):
        return False
    ask(uow, row, uow.now - timedelta(hours=row.hours))
    return True


def _lives_there(uow: UnitOfWork, row: CareWatch) -> bool:
    """The watch goes with who moves within the estate. Who left is watched no more: the next household never agreed to it."""
    where = home.homes(uow.session, row.person_id, row.estate_id, home.today(uow.session, row.estate_id, uow.now))
    if row.dwelling_id not in where and len(where) == 1:
        _close(uow, row)
        (row.dwelling_id,) = where
        uow.record("care.moved", row.id)
    return row.dwelling_id in where


def _alone(uow: UnitOfWork, row: CareWatch) -> bool:
    day = home.today(uow.session, row.estate_id, uow.now)
    alone = home.of_one_person(row.estate_id, day).where(Tenancy.dwelling_id == row.dwelling_id)
    return uow.session.scalar(alone) is not None


def ask(uow: UnitOfWork, row: CareWatch, quiet_since: datetime) -> None:
    """A person is asked to look in."""
    call = CareCall(
        id=new_id("care"),
        watch_id=row.id,
        estate_id=row.estate_id,
        dwelling_id=row.dwelling_id,
        opened_at=uow.now,
        quiet_since=quiet_since,
    )
    uow.session.add(call)
    uow.session.flush()
    uow.record("care.asked", call.id)
    tell(uow, "care.asked", call)


def end(uow: UnitOfWork, row: CareWatch, why: str) -> None:
    """The watch ends, and with it a call that still waits: nobody looks in on who does not want it any more."""
    row.ended_at = uow.now
    uow.record("care.ended", row.id, why=why)
    _close(uow, row)


def _close(uow: UnitOfWork, row: CareWatch) -> None:
    """A call that still waits for an answer."""
    for call in uow.session.scalars(
        select(CareCall).where(CareCall.watch_id == row.id, CareCall.answered_at.is_(None))
    ):
        call.answered_at, call.outcome = uow.now, "ended"
        tell(uow, "care.answered", call)


def _just_answered(uow: UnitOfWork, row: CareWatch) -> bool:
    """Somebody looked in within the window: the next call waits for another one."""
    recent = select(CareCall.id).where(
        CareCall.watch_id == row.id, CareCall.answered_at > uow.now - timedelta(hours=row.hours)
    )
    return uow.session.scalar(recent.limit(1)) is not None


def tell(uow: UnitOfWork, kind: str, call: CareCall) -> None:
    """For care alone: no finding, no case and no decision may rest on it, and the message says so."""
    code, estate = uow.session.execute(
        select(Dwelling.code, Estate.code)
        .join(Estate, Estate.id == Dwelling.estate_id)
        .where(Dwelling.id == call.dwelling_id)
    ).one()
    content = {"quiet_since": call.quiet_since, "use": "care_only", "outcome": call.outcome, "access_changes": False}
    outbox.enqueue(uow, message(kind, call.id, Subject(call.dwelling_id, code, estate, None), uow.now, content))


JOBS: tuple[Job, ...] = (Job(JOB, PERIOD_S, watch),)
