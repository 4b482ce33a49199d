"""Whether the hub's clock can be believed. While it cannot, the days that end things stand still.

A clock that jumps would end at one stroke what lies years ahead: leavers' last days, announced move-outs, visitors' passes. So
each job that counts days looks first (`look`), and counts by `believed`. Time goes on when the clock is right again, or when two
persons say that it is right after all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hub.db import UnitOfWork, upsert
from hub.errors import Conflict
from hub.second_person import require_other_named
from hub.services import Hub
from hub.tables import ClockState

log = logging.getLogger(__name__)
_table: Table = ClockState.__table__  # type: ignore[assignment]
TOLERANCE = timedelta(minutes=10)  # against the machine's own counter; and backwards
AWAY = timedelta(days=7)  # a hub that was switched off so long may have come back with a wrong clock
KEEP = timedelta(seconds=20)
STANDS = timedelta(hours=24)  # a first word that no second one follows is void


def clock_sane(last_seen: datetime | None, now: datetime, elapsed: timedelta | None = None) -> str:
    """Empty, or why `now` cannot follow `last_seen`: `forward`, `back`. (P)

    `elapsed`: what a counter that nobody sets says has passed since (None: the machine was started anew; then only a jump back,
    or one of more than `AWAY`, can be told from a time switched off).
    """
    if last_seen is None:
        return ""
    step = now - last_seen
    least, most = (-TOLERANCE, AWAY) if elapsed is None else (elapsed - TOLERANCE, elapsed + TOLERANCE)
    return "back" if step < least else "forward" if step > most else ""


def look(hub: Hub) -> str:
    """Look at the clock, and remember. Empty, or the problem."""
    now, steady = hub.now(), hub.steady()
    with hub.db.reading() as session:
        row = session.get(ClockState, 1)
    fresh = row is not None and not row.problem and timedelta(0) <= now - row.seen_at < KEEP
    if fresh and not _problem(hub, row, now, steady):
        return ""
    with hub.db.unit_of_work("system", "the clock", now=now) as uow:
        if row is None:  # the first look of all, and two jobs may be at it
            first = upsert(uow.session, _table).values(id=1, seen_at=now, problem="", asked_by="")
            uow.session.execute(first.on_conflict_do_nothing())
        row = uow.session.get_one(ClockState, 1, with_for_update=True)
        problem = _problem(hub, row, now, steady)
        if problem != row.problem:
            _tell(uow, row, problem)
        if problem:
            row.problem, row.found_at = problem, row.found_at or now
            return problem
        row.problem, row.found_at, row.asked_by, row.asked_at, row.seen_at = "", None, "", None, now
        hub.sighting = (now, steady)
    return ""


def while_believed(job: Callable[[Hub], str]) -> Callable[[Hub], str]:
    """A job that counts days waits while the clock cannot be believed: one jump ahead would let go of what is kept for years,
    and make everybody absent."""

    @wraps(job)
    def waiting(hub: Hub) -> str:
        return "waits: the clock cannot be believed" if look(hub) else job(hub)

    return waiting


def _problem(hub: Hub, row: ClockState | None, now: datetime, steady: timedelta | None) -> str:
    """By the machine's counter where this process has looked before, else by what was last believed."""
    if hub.sighting is not None and steady is not None and hub.sighting[1] is not None:
        return clock_sane(hub.sighting[0], now, steady - hub.sighting[1])
    return clock_sane(row.seen_at if row else None, now)


def _tell(uow: UnitOfWork, row: ClockState, problem: str) -> None:
    """Once when it jumps, once when it is right again."""
    if problem:
        log.error("the clock jumped %s: it shows %s, last believed %s", problem, uow.now, row.seen_at)
        uow.record("clock.jumped", problem, shown=uow.now.isoformat(), believed=row.seen_at.isoformat())
    else:
        log.warning("the clock is right again: %s", uow.now)
        uow.record("clock.right", "", shown=uow.now.isoformat())


def believed(session: Session, now: datetime) -> datetime:
    """The time by which days are counted: now, or the last time that could be believed."""
    row = session.get(ClockState, 1)
    return row.seen_at if row is not None and row.problem else now


def confirm(hub: Hub, actor: str, reason: str) -> bool:
    """It is right after all. The first person asks (False), the second, who is another, lets time go on (True).

    Raises Conflict.
    """
    now = hub.now()
    with hub.db.unit_of_work(actor, reason, now=now) as uow:
        row = uow.session.get(ClockState, 1, with_for_update=True)
        if row is None or not row.problem:
            raise Conflict("时钟没有异常，无需确认。请刷新页面。", "clock_right")
        asked = row.asked_by if row.asked_at and abs(now - row.asked_at) < STANDS else ""
        if asked:
            require_other_named(uow.session, asked, actor, now)
        if not asked:
            row.asked_by, row.asked_at = actor, now
            uow.record("clock.asked", "", shown=now.isoformat())
            return False
        uow.record("clock.confirmed", "", shown=now.isoformat(), believed=row.seen_at.isoformat(), asked_by=asked)
        row.problem, row.found_at, row.asked_by, row.asked_at, row.seen_at = "", None, "", None, now
    hub.sighting = (now, hub.steady())
    return True
