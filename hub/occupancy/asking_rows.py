"""From which chance on the hub's questions are put, week by week (`asking`): found on the first night of each, and kept.

Estates whose policy pack takes no chances from the fitted model put no questions of this kind, and have no part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.occupancy.asking import WINDOW_DAYS, asked_above, most_of
from hub.occupancy.outcomes import FAMILY
from hub.occupancy.policy import pack_named
from hub.tables import AskingWeek, Dwelling, Estate, Finding

LATE_DAYS = 3
"""A finding is opened at most so long after the day it was found on, where the hub runs; time zones included."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are put now. `above`: the chance; 0: all. `begun` leads of WINDOW_DAYS, of which `most` may become questions;
    `waiting`: notes that would be questions."""

    above: float
    begun: int
    most: int
    waiting: int


def unsettled(session: Session, last: date) -> AskingWeek | None:
    """The week of `last`, settled by what began before it; None: it was settled already, and stays."""
    monday = last - timedelta(days=last.weekday())
    if session.get(AskingWeek, monday) is not None or not (homes := _homes(session)):
        return None
    peaks = list(_peaks(session, monday - timedelta(days=WINDOW_DAYS), monday))
    return AskingWeek(monday=monday, above=asked_above(peaks, homes), begun=len(peaks), most=most_of(homes))


def above_since(session: Session, first: date) -> tuple[tuple[date, float], ...]:
    """(Monday, chance) of every week that reaches beyond `first`."""
    rows = select(AskingWeek.monday, AskingWeek.above).where(AskingWeek.monday > first - timedelta(days=7))
    return tuple((monday, above) for monday, above in session.execute(rows.order_by(AskingWeek.monday)))


def asking_now(session: Session) -> Asking | None:
    """None: no night of an estate with such questions has been judged yet."""
    row = session.scalar(select(AskingWeek).order_by(AskingWeek.monday.desc()).limit(1))
    if row is None:
        return None
    waiting = select(func.count()).select_from(Finding).where(Finding.closed_at.is_(None), Finding.waits)
    return Asking(row.above, row.begun, row.most, session.scalar(waiting) or 0)


def _homes(session: Session) -> int:
    """Dwellings of the estates that put such questions."""
    rows = session.execute(select(Estate.id, Estate.policy_pack))
    measured = [id for id, pack in rows if pack_named(pack).measured]
    return session.scalar(select(func.count()).select_from(Dwelling).where(Dwelling.estate_id.in_(measured))) or 0


def _peaks(session: Session, since: date, until: date) -> Iterator[float]:
    """Highest chances of the leads that began from `since` on and before `until`, but of those that the law made due."""
    opened = datetime.combine(since, time(), UTC) - timedelta(days=1)
    rows = select(Finding.stated, Finding.peak).where(
        Finding.kind.in_(list(FAMILY)),
        Finding.opened_at >= opened,
        Finding.opened_at < datetime.combine(until, time(), UTC) + timedelta(days=LATE_DAYS),
        Finding.peak > 0,
    )
    for stated, peak in session.execute(rows.execution_options(yield_per=1000)):
        if stated and since.isoformat() <= stated[0]["on"] < until.isoformat() and not stated[0].get("due"):
            yield peak
