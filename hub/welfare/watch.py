"""Job `care.watch`: looks at each live watch every ten minutes, and asks a person to look in."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from hub.clock import while_believed
from hub.db import HELD, UnitOfWork
from hub.ids import new_id
from hub.jobs import Job
from hub.lease import outbox
from hub.lease.feed import Subject, message
from hub.services import Hub
from hub.tables import (
    Absence,
    AccessPoint,
    CareCall,
    CareWatch,
    Consent,
    Coverage,
    Door,
    Dwelling,
    Estate,
    EventRow,
    Meter,
)
from hub.welfare.rules import Care, Signs, look, used

JOB = "care.watch"
PERIOD_S = 600.0
SLACK = timedelta(hours=3)
"""A meter is read a few times a day: a reading within so long of either end of the window will do."""


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
    care = look(signs_of(uow.session, row, uow.now), row.hours)
    row.state, row.looked_at = care.value, uow.now
    open_call = uow.session.scalar(
        select(CareCall).where(CareCall.watch_id == row.id, CareCall.answered_at.is_(None)).limit(1)
    )
    if care is not Care.ASK or open_call is not None or _just_answered(uow, row):
        return False
    ask(uow, row, uow.now - timedelta(hours=row.hours))
    return True


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


def signs_of(session: Session, row: CareWatch, now: datetime) -> Signs:
    """What doors and the water meter say of the window before now."""
    begin = now - timedelta(hours=row.hours)
    last_pass = session.scalar(
        select(EventRow.at)
        .where(
            EventRow.dwelling_id == row.dwelling_id,
            EventRow.at > begin,
            EventRow.at <= now,
            EventRow.kind == "access",
            EventRow.outcome.in_(("granted", "taken")),
        )
        .order_by(EventRow.at.desc())
        .limit(1)
    )
    readings = []
    for at, data in session.execute(
        select(EventRow.at, EventRow.data).where(
            EventRow.dwelling_id == row.dwelling_id,
            EventRow.at > begin - SLACK,
            EventRow.at <= now,
            EventRow.kind == "meter",
            EventRow.reason == "water",
        )
    ):
        body = json.loads(data)
        if body.get("ok", True) and isinstance(body.get("value"), int | float):
            readings.append((at, float(body["value"])))
    metered = session.scalar(
        select(Meter.id).where(Meter.dwelling_id == row.dwelling_id, Meter.quantity == "water").limit(1)
    )
    return Signs(
        now=now,
        last_pass_at=last_pass,
        water=used(readings, begin, now, SLACK) if metered else None,
        doors_observed=_observed(session, row, begin),
        away=_away(session, row, now),
    )


def _observed(session: Session, row: CareWatch, begin: datetime) -> bool:
    """Every device on the way home observed the whole window."""
    block = session.scalar(select(Dwelling.block_id).where(Dwelling.id == row.dwelling_id))
    devices = set(
        session.scalars(
            select(AccessPoint.device_id)
            .join(Door, Door.id == AccessPoint.door_id)
            .where(
                AccessPoint.estate_id == row.estate_id,
                AccessPoint.device_id.is_not(None),
                or_(Door.scope == "estate", (Door.scope == "block") & (Door.block_id == block)),
            )
        )
    )
    good = set(
        session.scalars(
            select(Coverage.device_id).where(
                Coverage.device_id.in_(devices),
                Coverage.state == "ok",
                Coverage.from_at <= begin,
                Coverage.to_at.is_(None),
            )
        )
    )
    return bool(devices) and devices <= good


def _away(session: Session, row: CareWatch, now: datetime) -> bool:
    zone = session.scalars(select(Estate.time_zone).where(Estate.id == row.estate_id)).one()
    today = now.astimezone(ZoneInfo(zone)).date()
    told = select(Absence.id).where(
        Absence.dwelling_id == row.dwelling_id,
        Absence.from_date <= today,
        or_(Absence.to_date.is_(None), Absence.to_date >= today),
    )
    return session.scalar(told.limit(1)) is not None


JOBS: tuple[Job, ...] = (Job(JOB, PERIOD_S, watch),)
