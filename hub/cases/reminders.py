"""Job `cases.clocks`: keep every case's next deadline, and remind once of what is late or of an objection that runs out."""

from __future__ import annotations

from sqlalchemy import select

from hub import caselog
from hub.cases.known import entries_of, record_in, set_step_due, zone_of
from hub.cases.nightly import announce
from hub.cases.states import State
from hub.cases.telling import tell
from hub.cases.timers import Timer
from hub.clock import while_believed
from hub.db import UnitOfWork
from hub.jobs import Job
from hub.lease import outbox
from hub.services import Hub
from hub.tables import CaseFile, Estate

NAME = "cases.clocks"


@while_believed
def remind(hub: Hub) -> str:
    """One line: how many cases were looked at and reminded of."""
    looked = reminded = 0
    with hub.db.reading() as session:
        estates = session.scalars(select(Estate.id).order_by(Estate.id)).all()
    for estate in estates:
        with hub.db.unit_of_work("system", "case deadlines", estate_id=estate, now=hub.now()) as uow:
            rows = uow.session.scalars(
                select(CaseFile)
                .where(CaseFile.estate_id == estate, CaseFile.state != State.ARCHIVED.value)
                .order_by(CaseFile.number)
                .with_for_update()
            ).all()
            touched = [case.id for case in rows if _look(uow, case)]
        looked, reminded = looked + len(rows), reminded + len(touched)
        announce(hub, estate, touched)
    if reminded:
        hub.signal(outbox.JOB)
    return f"{looked} cases looked at, {reminded} reminded"


def _look(uow: UnitOfWork, case: CaseFile) -> bool:
    """Whether there was something to remind of that had not been said."""
    said = record_in(entries_of(uow.session, case.id), zone_of(uow.session, case.estate_id)).reminded
    new = [one for one in set_step_due(uow.session, case, uow.now) if one.reminder and one.reminder not in said]
    for timer in new:
        _say(uow, case, timer)
    return bool(new)


def _say(uow: UnitOfWork, case: CaseFile, timer: Timer) -> None:
    how = "已逾期" if timer.late else "即将到期"
    text = f"{timer.label_zh}：{timer.due.isoformat()}，{how}。"
    data = {"fields": {"key": timer.reminder}}
    entry = caselog.append(uow, case.id, "system", "reminder", opinion=text, data=data)
    told = {"deadline": {"code": timer.code, "due": timer.due, "late": timer.late, "text": text}}
    tell(uow, case, None, "case.deadline", f"{case.id}:{entry.id}", told)


JOBS: tuple[Job, ...] = (Job(NAME, 3600.0, remind),)
