"""Months of days → presence days and findings, a batch of dwellings at a time. What becomes of findings is the cases room's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.ids import new_id
from hub.occupancy import finding as values
from hub.occupancy.detect import detect
from hub.occupancy.estate_view import EstateView
from hub.occupancy.life import Life, life_of
from hub.occupancy.load import load_records
from hub.occupancy.policy import calendar
from hub.occupancy.values import DwellingRecord
from hub.occupancy.values import PresenceDay as Judged
from hub.tables import DirtyDay, Dwelling, Estate, Finding, PresenceDay

NIGHT_HOUR = 2
"""A local day is judged from 02:00 of the next."""

BATCH = 80
"""Dwellings a unit of work: memory stays bounded and live ingest gets its turn."""


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that was opened, changed or closed in this unit of work."""

    what: Literal["opened", "changed", "closed"]
    row: Finding
    tenancy_id: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch did. `days`: presence days judged. `lives`: dwelling id → what is proved of its tenancy."""

    dwellings: int
    days: int
    changes: tuple[Change, ...]
    lives: tuple[tuple[str, Life], ...]


def last_whole_day(now: datetime, time_zone: str) -> date:
    """The newest local day that may be judged at `now`."""
    return (now.astimezone(ZoneInfo(time_zone)) - timedelta(hours=NIGHT_HOUR)).date() - timedelta(days=1)


def due_dwellings(session: Session, estate: Estate, last: date) -> dict[str, date | None]:
    """Dwelling → first day to judge anew (None: from the beginning). Empty when there is nothing to do."""
    rows = session.execute(
        select(PresenceDay.dwelling_id, func.max(PresenceDay.day))
        .join(Dwelling, Dwelling.id == PresenceDay.dwelling_id)
        .where(Dwelling.estate_id == estate.id)
        .group_by(PresenceDay.dwelling_id)
    )
    newest: dict[str, date] = {dwelling: day for dwelling, day in rows}  # noqa: C416
    due: dict[str, date | None] = {}
    for dwelling in session.scalars(select(Dwelling.id).where(Dwelling.estate_id == estate.id).order_by(Dwelling.id)):
        day = newest.get(dwelling)
        if day is None:
            due[dwelling] = None
        elif day < last:
            due[dwelling] = day + timedelta(days=1)
    marks = select(DirtyDay.dwelling_id, DirtyDay.from_day).join(Dwelling, Dwelling.id == DirtyDay.dwelling_id)
    for dwelling, from_day in session.execute(marks.where(Dwelling.estate_id == estate.id, DirtyDay.from_day <= last)):
        known = due.get(dwelling, date.max)
        due[dwelling] = min(known, from_day) if known is not None else None
    return due


def batches(due: Mapping[str, date | None], size: int = BATCH) -> Iterator[dict[str, date | None]]:
    """`due` in pieces."""
    items = iter(due.items())
    while piece := dict(islice(items, size)):
        yield piece


def analyse_batch(uow: UnitOfWork, view: EstateView, due: Mapping[str, date | None]) -> Outcome:
    """Judge the days, keep the new ones, and bring the findings of these dwellings in line with what is found now."""
    session, dwellings = uow.session, list(due)
    _take_marks(session, dwellings, view.last)
    records = load_records(session, view, dwellings)
    written = _write_days(session, records, due)
    changes = _follow(uow, view, records)
    lives = tuple((record.dwelling_id, life_of(record)) for record in records)
    return Outcome(len(records), written, tuple(changes), lives)


def _take_marks(session: Session, dwellings: Sequence[str], last: date) -> None:
    """Before the days are read: a mark set after this is a mark for the next run."""
    session.execute(delete(DirtyDay).where(DirtyDay.dwelling_id.in_(dwellings), DirtyDay.from_day <= last))


def _write_days(session: Session, records: Iterable[DwellingRecord], due: Mapping[str, date | None]) -> int:
    rows: list[dict[str, Any]] = []
    replaced: dict[date, list[str]] = defaultdict(list)
    for record in records:
        since = due[record.dwelling_id] or date.min
        replaced[since].append(record.dwelling_id)
        rows += [_row(record.dwelling_id, day) for day in record.days if day.day >= since]
    for since, dwellings in replaced.items():
        session.execute(delete(PresenceDay).where(PresenceDay.dwelling_id.in_(dwellings), PresenceDay.day >= since))
    if rows:
        session.connection().execute(insert(PresenceDay), rows)
    return len(rows)


def _row(dwelling_id: str, day: Judged) -> dict[str, Any]:
    signals: dict[str, Any] = {"doors": day.passes}
    if day.identified:
        signals["identified"] = day.identified
    if day.others:
        signals["others"] = day.others
    if day.water is not None:
        signals["water"] = round(day.water, 4)
    if day.electricity is not None:
        signals["electricity"] = round(day.electricity, 3)
    if day.gaps:
        signals["gaps"] = dict(day.gaps)
    return {
        "dwelling_id": dwelling_id,
        "day": day.day,
        "state": day.state.value,
        "coverage": day.coverage,
        "signals": signals,
    }


def _follow(uow: UnitOfWork, view: EstateView, records: Sequence[DwellingRecord]) -> Iterator[Change]:
    """Open, update and close findings; one open finding a dwelling and kind."""
    dwellings = [record.dwelling_id for record in records]
    open_rows = {
        (row.dwelling_id, row.kind): row
        for row in uow.session.scalars(
            select(Finding).where(Finding.dwelling_id.in_(dwellings), Finding.closed_at.is_(None))
        )
    }
    for record in records:
        tenancy = record.household.tenancy_id if record.household else None
        for found in detect(record, view.pack, calendar()):
            row = open_rows.pop((record.dwelling_id, found.kind.value), None)
            if row is None:
                yield Change("opened", _open(uow, view, found), tenancy)
            elif row.inputs_hash != found.inputs_hash or row.rule_version != found.rule_version:
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
