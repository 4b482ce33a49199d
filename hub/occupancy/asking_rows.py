"""From which chance on the hub's questions are put, week by week (`asking`): found on the first night of each, and kept.

Where months of history come at once (a hub's first night, an import) all that has stood for long is found in one run. Then no
question is put before the run is over; what it found settles the week anew, and who may be asked is judged once more.

Estates whose policy pack takes no chances from the fitted model put no questions of this kind, and have no part in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.occupancy.asking import NONE_ASKED, WINDOW_DAYS, asked_above, most_of
from hub.occupancy.dirty import mark_dirty
from hub.occupancy.estate_view import first_day
from hub.occupancy.outcomes import FAMILY
from hub.occupancy.policy import pack_named
from hub.tables import AskingWeek, DirtyDay, Dwelling, DwellingMemory, Estate, Finding

LATE_DAYS = 3
"""A finding is opened at most so long after the day it was found on, where the hub runs; time zones included."""

NOBODY = ((date.min, NONE_ASKED),)

MUCH, LONG_AGO_DAYS = 0.1, 30
"""Of all homes so many are judged for the first time, or from so many days ago on: history came, no late events of a few days."""


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
    monday = _monday(last)
    return None if session.get(AskingWeek, monday) is not None else _settled(session, monday, monday)


def history_came(session: Session, last: date) -> bool:
    """Much of the stock is about to be judged by months of days at once."""
    estates = _estates(session)
    unread = DwellingMemory.day.is_(None) | (DirtyDay.from_day <= last - timedelta(days=LONG_AGO_DAYS))
    rows: Iterable[Any] = session.execute(
        select(Dwelling.estate_id, func.count())
        .outerjoin(DwellingMemory, DwellingMemory.dwelling_id == Dwelling.id)
        .outerjoin(DirtyDay, DirtyDay.dwelling_id == Dwelling.id)
        .where(Dwelling.estate_id.in_(list(estates)), unread)
        .group_by(Dwelling.estate_id)
    )
    begun: Iterable[int] = (
        homes for estate, homes in rows if (first := first_day(session, estate, estates[estate])) and first < last
    )
    return sum(begun) > MUCH * _homes(session)


def settle_anew(session: Session, last: date) -> AskingWeek | None:
    """In a unit of work, after history was judged on `last`: the week by all that has begun, and who waits is marked to be judged
    once more."""
    week = _settled(session, _monday(last), last + timedelta(days=1))
    if week is None:
        return None
    waiting = select(Finding.dwelling_id).where(Finding.closed_at.is_(None), Finding.waits)
    mark_dirty(session, dict.fromkeys(session.scalars(waiting), last))
    return session.merge(week)


def above_since(session: Session, first: date) -> tuple[tuple[date, float], ...]:
    """(Monday, chance) of every week that reaches beyond `first`."""
    rows = select(AskingWeek.monday, AskingWeek.above).where(AskingWeek.monday > first - timedelta(days=7))
    return tuple((monday, above) for monday, above in session.execute(rows.order_by(AskingWeek.monday)))


def above_now(session: Session, last: date) -> tuple[tuple[date, float], ...]:
    """From `last` on the chance of each week. Nobody was asked on a day before it but who has a case (`Finding.put`): where the
    past is judged anew it asks nobody afterwards."""
    return *NOBODY, (last, 0.0), *((max(monday, last), above) for monday, above in above_since(session, last))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _settled(session: Session, monday: date, until: date) -> AskingWeek | None:
    """None: nowhere are such questions put."""
    if not (homes := _homes(session)):
        return None
    peaks = list(_peaks(session, monday - timedelta(days=WINDOW_DAYS), until))
    return AskingWeek(monday=monday, above=asked_above(peaks, homes), begun=len(peaks), most=most_of(homes))


def asking_now(session: Session) -> Asking | None:
    """None: no night of an estate with such questions has been judged yet."""
    row = session.scalar(select(AskingWeek).order_by(AskingWeek.monday.desc()).limit(1))
    if row is None:
        return None
    waiting = select(func.count()).select_from(Finding).where(Finding.closed_at.is_(None), Finding.waits)
    return Asking(row.above, row.begun, row.most, session.scalar(waiting) or 0)


def _estates(session: Session) -> dict[str, ZoneInfo]:
    """Those that put such questions, with their time zones."""
    rows = session.execute(select(Estate.id, Estate.policy_pack, Estate.time_zone))
    return {id: ZoneInfo(zone) for id, pack, zone in rows if pack_named(pack).measured}


def _homes(session: Session) -> int:
    """Their dwellings."""
    own = Dwelling.estate_id.in_(list(_estates(session)))
    return session.scalar(select(func.count()).select_from(Dwelling).where(own)) or 0


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
