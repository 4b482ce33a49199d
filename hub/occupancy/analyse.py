"""Months of days → presence days and findings, a batch of dwellings at a time. What becomes of findings is the cases room's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.ids import new_id
from hub.occupancy import anew, night, night_write
from hub.occupancy import finding as values
from hub.occupancy.estate_view import EstateView, first_day
from hub.occupancy.fitted import model
from hub.occupancy.life import Life
from hub.occupancy.policy import calendar
from hub.occupancy.recognised import HEALTH_DAYS, count_days, keep
from hub.occupancy.values import LOOK_BACK_DAYS
from hub.tables import DirtyDay, Dwelling, DwellingMemory, Estate, Finding

NIGHT_HOUR = 2
"""A local day is judged from 02:00 of the next."""

BATCH, NIGHT_BATCH = 80, 1_000
"""Dwellings a unit of work, from their whole record and from memory: space stays bounded and live ingest gets its turn."""

_Answer = tuple[str, str | None, tuple[values.Finding, ...]]
"""A dwelling, its tenancy, and what is found now."""


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that was opened, changed or closed in this unit of work."""

    what: Literal["opened", "changed", "closed"]
    row: Finding
    tenancy_id: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch did. `days`: presence days judged. `lives`: what is proved of a dwelling's present tenancy, or of the one
    that ended last; after it what is proved of the one before."""

    dwellings: int
    days: int
    changes: tuple[Change, ...]
    lives: tuple[tuple[str, Life], ...]


def last_whole_day(now: datetime, time_zone: str) -> date:
    """The newest local day that may be judged at `now`."""
    return (now.astimezone(ZoneInfo(time_zone)) - timedelta(hours=NIGHT_HOUR)).date() - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """`night`: only yesterday is to be judged. `anew`: dwelling → first day to judge from the whole record (None: all).
    `begun`: yesterday of others was judged already."""

    night: tuple[str, ...]
    anew: Mapping[str, date | None]
    begun: bool = False

    def __bool__(self) -> bool:
        return bool(self.night or self.anew)


def due_dwellings(session: Session, estate: Estate, last: date) -> Due:
    """What there is to do. A mark for a day that was judged already means that something came late."""
    rows: Iterable[Any] = session.execute(
        select(Dwelling.id, DwellingMemory.day, DirtyDay.from_day)
        .outerjoin(DwellingMemory, DwellingMemory.dwelling_id == Dwelling.id)
        .outerjoin(DirtyDay, and_(DirtyDay.dwelling_id == Dwelling.id, DirtyDay.from_day <= last))
        .where(Dwelling.estate_id == estate.id)
        .order_by(Dwelling.id)
    )
    only_last: list[str] = []
    from_days: dict[str, date | None] = {}
    begun = False
    for dwelling, judged, marked in rows:
        if judged is None or judged > last + timedelta(days=1):  # judged by a clock that has been set back since
            from_days[dwelling] = None
        elif marked is not None and marked <= judged:
            from_days[dwelling] = marked
        elif judged == last - timedelta(days=1):
            only_last.append(dwelling)
        elif judged < last:
            from_days[dwelling] = judged + timedelta(days=1)
        else:
            begun = True
    return Due(tuple(only_last), from_days, begun)


def recount(uow: UnitOfWork, estate: Estate, due: Due, last: date) -> None:
    """Whom the doors recognised on the days that are judged anew: counted before any of them is judged."""
    days = [day for day in due.anew.values() if day is not None]
    first = first_day(uow.session, estate.id, ZoneInfo(estate.time_zone))
    if first is None or not due.anew:
        return
    whole = max(first, last - timedelta(days=LOOK_BACK_DAYS - 1)) - timedelta(days=HEALTH_DAYS - 1)
    since = whole if None in due.anew.values() else max(min(days), whole)
    if since < last or not due.night:
        keep(uow.session, count_days(uow.session, estate.id, ZoneInfo(estate.time_zone), since, last))


def night_batches(uow: UnitOfWork, estate: Estate, due: Due, last: date) -> list[Sequence[str]]:
    """The night of an estate in pieces. Unless it is all in one, whom the doors recognised is counted before the first: each
    piece sees what a single one would."""
    if len(due.night) > NIGHT_BATCH or due.begun:
        keep(uow.session, count_days(uow.session, estate.id, ZoneInfo(estate.time_zone), last, last))
    return [due.night[start : start + NIGHT_BATCH] for start in range(0, len(due.night), NIGHT_BATCH)]


def batches(due: Mapping[str, date | None], size: int = BATCH) -> Iterator[dict[str, date | None]]:
    """`due` in pieces."""
    items = iter(due.items())
    while piece := dict(islice(items, size)):
        yield piece


def judge_night(session: Session, view: EstateView, dwellings: Sequence[str]) -> night_write.Night:
    """Yesterday of dwellings that were judged up to the day before, to be written by `write_night`. Reads only."""
    return night.spend(session, view, dwellings, calendar(), model())


def write_night(uow: UnitOfWork, view: EstateView, judged: night_write.Night) -> tuple[Outcome, list[str]]:
    """(outcome, dwellings of which something came while they were judged: they are left for the next run)."""
    written, left = night_write.write(uow.session, view, judged)
    changes = _follow(uow, view, [(one.dwelling, one.tenancy, one.found) for one in written])
    lives = tuple((one.dwelling, one.life) for one in written if one.life is not None)
    return Outcome(len(written), len(written), tuple(changes), lives), left


def judge_anew(session: Session, view: EstateView, due: Mapping[str, date | None]) -> list[anew.Anew]:
    """The whole record of each dwelling, to be written by `write_anew` from its first day in `due` on. Reads only."""
    return anew.spend(session, view, due, calendar(), model())


def write_anew(uow: UnitOfWork, view: EstateView, judged: Sequence[anew.Anew]) -> tuple[Outcome, list[str]]:
    """Keep the days that are new, and bring the findings in line with what is found now. (outcome, dwellings that are left)."""
    written, left = anew.write(uow.session, view, judged)
    changes = _follow(uow, view, [(one.dwelling, one.tenancy, one.found) for one in written])
    lives = tuple((one.dwelling, life) for one in written for life in one.lives)
    return Outcome(len(written), sum(one.days for one in written), tuple(changes), lives), left


def _follow(uow: UnitOfWork, view: EstateView, answers: Sequence[_Answer]) -> Iterator[Change]:
    """Open, update and close findings; one open finding a dwelling and kind."""
    dwellings = [dwelling for dwelling, _tenancy, _findings in answers]
    open_rows = {
        (row.dwelling_id, row.kind): row
        for row in uow.session.scalars(
            select(Finding).where(
                Finding.dwelling_id.in_(dwellings), Finding.closed_at.is_(None), Finding.kind.in_(list(values.Kind))
            )
        )
    }
    for dwelling, tenancy, findings in answers:
        for found in findings:
            row = open_rows.pop((dwelling, found.kind.value), None)
            found = found.put if row is not None and row.case_id is not None else found
            if row is None:
                yield Change("opened", _open(uow, view, found), tenancy)
            elif (row.inputs_hash, row.rule_version, row.stage, row.against) != (
                found.inputs_hash,
                found.rule_version,
                found.stage.value,
                list(found.against),
            ):
                _fill(row, found, uow.now)
                yield Change("changed", row, tenancy)
    for row in open_rows.values():
        row.closed_at = row.updated_at = uow.now
        uow.record("finding.closed", row.id, kind=row.kind, rule=row.rule, dwelling=row.dwelling_id)
        yield Change("closed", row, None)


def _open(uow: UnitOfWork, view: EstateView, found: values.Finding) -> Finding:
    row = Finding(id=new_id("fnd"), estate_id=view.id, dwelling_id=found.dwelling_id, kind=found.kind.value)
    row.opened_at = uow.now
    _fill(row, found, uow.now)
    uow.session.add(row)
    uow.record("finding.opened", row.id, kind=row.kind, rule=row.rule, stage=row.stage, dwelling=row.dwelling_id)
    return row


def _fill(row: Finding, found: values.Finding, now: datetime) -> None:
    row.rule, row.rule_version, row.policy_version = found.rule, found.rule_version, found.policy_version
    row.stage, row.families = found.stage.value, list(found.families)
    row.window_from, row.window_to, row.coverage = found.window_from, found.window_to, found.coverage
    row.because, row.against, row.refuted_by = list(found.because), list(found.against), list(found.refuted_by)
    row.evidence = [{**asdict(e), "day": e.day.isoformat() if e.day else None} for e in found.evidence]
    row.observed, row.threshold = found.observed, found.threshold
    row.inputs_hash, row.updated_at = found.inputs_hash, now
    row.peak = max(row.peak or 0.0, found.chance or 0.0) if found.fitted is not None else 0.0
    row.waits = found.waits
    earned = (found.earned or found.stage).value
    if not row.stated or row.stated[-1]["stage"] != earned:
        entered: dict[str, Any] = {"on": found.window_to.isoformat(), "rule": found.rule, "stage": earned}
        entered |= {"due": True} if found.due else {}
        row.stated = [*(row.stated or ()), {**entered, "chance": found.chance, "fitted": found.fitted}]
