"""Job `lease.reminders`: each step of the reminder chain is told to the lease system once a lease end, with the outbox."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from hub.clock import while_believed
from hub.jobs import Job
from hub.lease.feed import Subject, message
from hub.lease.outbox import enqueue
from hub.lease.reminders import due
from hub.services import Hub
from hub.tables import Dwelling, Estate, OutboxMessage, OutsideSign, Tenancy

NAME = "lease.reminders"
KIND = "lease.end_reminder"
LATE, APPLIED = timedelta(days=60), timedelta(days=243)
"""An application for renewal counts from half a year before the lease's end to two months after it: nobody is reminded then."""


@while_believed
def remind(hub: Hub) -> str:
    """One line. A renewed lease has another end and so another chain; a tenancy that is over has none."""
    told = 0
    with hub.db.unit_of_work("system", "lease ends come near", now=hub.now()) as uow:
        rows = uow.session.execute(
            select(Tenancy.source, Tenancy.source_id, Tenancy.to_date, Dwelling, Estate)
            .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
            .join(Estate, Estate.id == Tenancy.estate_id)
            .where(Tenancy.state == "active", Tenancy.to_date.is_not(None))
            .order_by(Tenancy.source, Tenancy.source_id)
        ).all()
        known = set(uow.session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind == KIND)))
        applied = set(
            uow.session.execute(
                select(OutsideSign.dwelling_id, OutsideSign.on).where(
                    OutsideSign.kind == "renewal_applied", OutsideSign.withdrawn_at.is_(None)
                )
            ).all()
        )
        for source, source_id, lease_end, dwelling, estate in rows:
            if lease_end is None or any(
                home == dwelling.id and timedelta() <= lease_end - on + LATE <= APPLIED for home, on in applied
            ):
                continue
            today = uow.now.astimezone(ZoneInfo(estate.time_zone)).date()
            subject = Subject(dwelling.id, dwelling.code, estate.code, source_id)
            for step in due(lease_end, today):
                key = f"{source}:{source_id}:{lease_end.isoformat()}:{step.code}"
                if f"{KIND}:{key}" in known:
                    continue
                content = {
                    "stage": step.stage,
                    "step": step.code,
                    "action": step.action,
                    "lease_end": lease_end,
                    "text": step.text_zh,
                    "access_changes": False,
                }
                told += enqueue(uow, message(KIND, key, subject, uow.now, content))
    return f"{told} reminders added"


JOBS: tuple[Job, ...] = (Job(NAME, 3600.0, remind),)
