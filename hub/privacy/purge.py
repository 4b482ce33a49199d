"""Job: what has had its time goes, a batch at a time, with an audit row each and a row that proves the run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from hub.clock import while_believed
from hub.db import UnitOfWork
from hub.jobs import Job
from hub.privacy import care, people
from hub.privacy.holds import held_dwellings
from hub.privacy.periods import Period, periods
from hub.services import Hub
from hub.tables import (
    AccessPass,
    CredentialRow,
    DeadLetter,
    DoorDay,
    EventRow,
    FaceLook,
    MeterDay,
    OutboxMessage,
    PassDay,
    PresenceDay,
    RecognitionDay,
    RetentionRun,
    RoleAssignment,
    SourceRow,
)
from hub.tenancy import write

log = logging.getLogger(__name__)
JOB = "privacy.retention"
DAY_S = 86_400.0
EVENTS, HOMES, PEOPLE, ROWS = 5000, 100, 500, 1000
ZONE = ZoneInfo("Asia/Shanghai")
MOST_BATCHES = 2000
"""A run; what is left goes with the next."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Everything of before `before` (a local day; `at`: its beginning) goes, unless it is held at `now`."""

    before: date
    now: datetime

    @property
    def at(self) -> datetime:
        return datetime.combine(self.before, time(), ZONE)


@dataclass(frozen=True, slots=True)
class Rule:
    """`take`: one batch, how many went. `held`: how many stay for a case or for a message."""

    take: Callable[[Session, Cut], int]
    held: Callable[[Session, Cut], int] = lambda _session, _cut: 0


@while_believed
def purge(hub: Hub) -> str:
    """Once a day; may be cut short and run again at any time."""
    told = []
    for key, rule in RULES.items():
        gone = _purge_one(hub, periods()[key], rule)
        if gone:
            told.append(f"{key} {gone}")
    return ", ".join(told) or "nothing is due"


def _purge_one(hub: Hub, period: Period, rule: Rule) -> int:
    now = hub.now()
    cut = Cut(period.before(now.astimezone(ZONE).date()), now)
    gone = 0
    for _batch in range(MOST_BATCHES):
        with hub.db.unit_of_work("system", "retention", now=now) as uow:
            count = rule.take(uow.session, cut)
            if count:
                uow.record(
                    "retention.deleted", period.key, count=count, days=period.days, before=cut.before.isoformat()
                )
        gone += count
        if not count:
            break
    _prove(hub, period, cut, gone, rule)
    return gone


def _prove(hub: Hub, period: Period, cut: Cut, gone: int, rule: Rule) -> None:
    with hub.db.reading() as session:
        held = rule.held(session, cut)
    with hub.db.unit_of_work("system", "retention", now=hub.now(), audit=False) as uow:
        _keep_row(uow, period, cut, gone, held)


def _keep_row(uow: UnitOfWork, period: Period, cut: Cut, gone: int, held: int) -> None:
    uow.session.add(
        RetentionRun(
            period=period.key,
            days=period.days,
            before=cut.before,
            deleted=gone,
            held=held,
            started_at=cut.now,
            finished_at=uow.now,
        )
    )
    if not gone:  # of runs that found nothing the last one is enough
        newest = select(func.max(RetentionRun.id)).where(RetentionRun.period == period.key)
        uow.session.flush()
        uow.session.execute(
            delete(RetentionRun).where(
                RetentionRun.period == period.key,
                RetentionRun.deleted == 0,
                RetentionRun.id != newest.scalar_subquery(),
            )
        )


def _events(session: Session, cut: Cut) -> int:
    free = or_(EventRow.dwelling_id.is_(None), EventRow.dwelling_id.not_in(held_dwellings(cut.now)))
    keys = session.execute(
        select(EventRow.edge_id, EventRow.epoch, EventRow.seq).where(EventRow.at < cut.at, free).limit(EVENTS)
    ).all()
    if keys:
        place = tuple_(EventRow.edge_id, EventRow.epoch, EventRow.seq)
        session.execute(delete(EventRow).where(place.in_([tuple(key) for key in keys])))
        looked = tuple_(FaceLook.edge_id, FaceLook.epoch, FaceLook.of_seq)
        session.execute(delete(FaceLook).where(looked.in_([tuple(key) for key in keys])))
    return len(keys)


def _events_held(session: Session, cut: Cut) -> int:
    mine = (EventRow.at < cut.at, EventRow.dwelling_id.in_(held_dwellings(cut.now)))
    return session.scalar(select(func.count()).select_from(EventRow).where(*mine)) or 0


def _daily(table: type[PassDay] | type[PresenceDay] | type[MeterDay]) -> Rule:
    """Rows of a dwelling and a day, some dwellings at a time."""

    def take(session: Session, cut: Cut) -> int:
        old = table.day < cut.before, table.dwelling_id.not_in(held_dwellings(cut.now))
        homes = list(session.scalars(select(table.dwelling_id).where(*old).distinct().limit(HOMES)))
        if not homes:
            return 0
        done: Any = session.execute(delete(table).where(table.day < cut.before, table.dwelling_id.in_(homes)))
        return int(done.rowcount)

    def held(session: Session, cut: Cut) -> int:
        mine = table.day < cut.before, table.dwelling_id.in_(held_dwellings(cut.now))
        return session.scalar(select(func.count()).select_from(table).where(*mine)) or 0

    return Rule(take, held)


def _presence(session: Session, cut: Cut) -> int:
    """With the last days of dwellings the counts of doors, and of whom they recognised, go too: they are of no person."""
    gone = _daily(PresenceDay).take(session, cut)
    if not gone:
        session.execute(delete(RecognitionDay).where(RecognitionDay.day < cut.before))
        session.execute(delete(DoorDay).where(DoorDay.day < cut.before))
    return gone


def _names(session: Session, cut: Cut) -> int:
    """What a guard called a visitor, and who had a role: the pass and its reason stay."""
    ended = or_(and_(CredentialRow.state == "ended", CredentialRow.ended_at < cut.at), CredentialRow.valid_to < cut.at)
    tokens = select(CredentialRow.token).where(ended)
    count = 0
    for table, column in ((AccessPass, "visitor"), (RoleAssignment, "holder")):
        place: Table = table.__table__  # type: ignore[assignment]
        ids = list(
            session.scalars(
                select(place.c.id)
                .where(place.c.token.in_(tokens), place.c[column].not_in(("", people.GONE)))
                .limit(ROWS)
            )
        )
        if ids:
            session.execute(update(place).where(place.c.id.in_(ids)).values({column: people.GONE}))
        count += len(ids)
    return count


def _refused(session: Session, cut: Cut) -> int:
    count = 0
    for table, at in ((SourceRow, SourceRow.seen_at), (DeadLetter, DeadLetter.at)):
        ids = list(session.scalars(select(table.id).where(at < cut.at).limit(ROWS)))
        if ids:
            session.execute(delete(table).where(table.id.in_(ids)))
        count += len(ids)
    return count


def _messages(session: Session, cut: Cut) -> int:
    """The row stays with when it was delivered: what was said once is not said again."""
    old = select(OutboxMessage.id).where(OutboxMessage.delivered_at < cut.at, OutboxMessage.body != "")
    ids = list(session.scalars(old.limit(ROWS)))
    if ids:
        session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(body=""))
    return len(ids)


def _people(session: Session, cut: Cut) -> int:
    write.alone(session)  # who comes back in this moment is not let go
    ids = people.due(session, cut.before, ZONE, cut.now, PEOPLE)
    if ids:
        people.erase(session, ids, cut.now)
    return len(ids)


def _care(session: Session, cut: Cut) -> int:
    return care.purge(session, cut.at, ROWS)


RULES: dict[str, Rule] = {
    "pass_event": Rule(_events, _events_held),
    "pass_day": _daily(PassDay),
    "presence_day": Rule(_presence, _daily(PresenceDay).held),
    "meter_day": _daily(MeterDay),
    "visitor": Rule(_names),
    "refused_row": Rule(_refused),
    "delivered_message": Rule(_messages),
    "care": Rule(_care),
    "person": Rule(_people, lambda session, cut: people.held(session, cut.before, ZONE, cut.now)),
}

JOBS: tuple[Job, ...] = (Job(JOB, DAY_S, purge),)
