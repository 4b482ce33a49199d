"""The lease system is told what doors and meters prove of a tenancy's life: once, and again where late records correct it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.db import UnitOfWork
from hub.lease import outbox
from hub.lease.feed import Subject, message
from hub.occupancy.life import LET_AGAIN, NOT_SO, Life, LifeFact, LifeKind, changes
from hub.tables import Dwelling, Estate, Finding, LifeFactRow, Meter, MeterDay, OutboxMessage, Tenancy

DAY_NAMES = {
    LifeKind.HANDED_OVER: "first_pass_on",
    LifeKind.MOVED_IN: "first_day",
    LifeKind.MOVED_OUT: "gone_since",
    LifeKind.READY_TO_RELET: "unused_since",
}


def tell(uow: UnitOfWork, lives: Iterable[tuple[str, Life]]) -> int:
    """Compare what is proved now with what was told, and tell what differs. How many messages were added.

    `lives`: of a dwelling its present tenancy (or the one that ended last) first. Idempotent: the first message of a fact has
    the id `dwelling.{kind}:{tenancy}`, a correction `…:r{revision}`.
    """
    found = [(dwelling, life.tenancy_id, life) for dwelling, life in lives if life.tenancy_id is not None]
    if not found:
        return 0
    known = _known(uow.session, [home for home, _tenancy, _life in found], [tenancy for _home, tenancy, _life in found])
    told, present = 0, dict[str, str]()
    for dwelling, tenancy, life in found:
        present.setdefault(dwelling, tenancy)
        rows = known.get(tenancy, {})
        standing = [(kind, row.day if row.dwelling_id == dwelling else NO_DAY) for kind, row in _standing(rows)]
        for kind, fact in changes(life, standing):
            told += _tell(uow, dwelling, tenancy, fact or Gone(kind, life.against.get(kind, NOT_SO)), rows.get(kind))
    for tenancy, rows in known.items():
        row = rows.get(LifeKind.READY_TO_RELET)
        if row is not None and row.standing and present.get(row.dwelling_id, tenancy) != tenancy:
            told += _tell(uow, row.dwelling_id, tenancy, Gone(LifeKind.READY_TO_RELET, LET_AGAIN), row)
    return told


NO_DAY = date.min
"""On which no fact is: of a tenancy that is of another home by now what was told differs, whatever its day."""


def _standing(rows: Mapping[LifeKind, LifeFactRow]) -> list[tuple[LifeKind, LifeFactRow]]:
    return [(kind, row) for kind, row in rows.items() if row.standing]


@dataclass(frozen=True, slots=True)
class Gone:
    """A fact that was told and is none any more."""

    kind: LifeKind
    why: str


def _known(
    session: Session, dwellings: Sequence[str], tenancies: Sequence[str]
) -> Mapping[str, dict[LifeKind, LifeFactRow]]:
    """What was told of these tenancies, and of others in these dwellings."""
    found: dict[str, dict[LifeKind, LifeFactRow]] = defaultdict(dict)
    of_these = or_(LifeFactRow.tenancy_id.in_(tenancies), LifeFactRow.dwelling_id.in_(dwellings))
    for row in session.scalars(select(LifeFactRow).where(of_these)):
        found[row.tenancy_id][LifeKind(row.kind)] = row
    return found


def _tell(uow: UnitOfWork, dwelling: str, tenancy: str, now: LifeFact | Gone, row: LifeFactRow | None) -> bool:
    """A fact is told of the home it is of now; what is taken back, of the home of which it was told."""
    before = row.day if row is not None and row.standing else None
    estate = uow.session.scalars(select(Dwelling.estate_id).where(Dwelling.id == dwelling)).one()
    if row is None:
        row = LifeFactRow(tenancy_id=tenancy, kind=now.kind.value, revision=0)
        uow.session.add(row)
    row.revision = (row.revision or 0) + 1
    row.standing, row.updated_at = isinstance(now, LifeFact), uow.now
    if isinstance(now, LifeFact):
        row.dwelling_id, row.estate_id = dwelling, estate
        row.day, row.coverage = now.day, now.coverage
        row.proof, row.because = list(now.proof), list(now.because)
        row.meters = _readings(uow.session, dwelling, now.day)
    else:
        row.because = [now.why]
    uow.record("life.told", tenancy, fact=now.kind.value, revision=row.revision, standing=row.standing)
    content: dict[str, Any] = {
        DAY_NAMES[now.kind]: row.day,
        "revision": row.revision,
        "withdrawn": not row.standing,
        "proof": row.proof,
        "coverage": row.coverage,
        "because": row.because,
        "meters": row.meters,
        "access_changes": False,
    }
    if row.revision > 1:
        content["corrects_day"] = before
    of = subject(uow.session, row.dwelling_id, tenancy)
    return outbox.enqueue(uow, message(f"dwelling.{now.kind}", key_of(row), of, uow.now, content))


def key_of(row: LifeFactRow) -> str:
    """The key of the newest message of a fact."""
    return row.tenancy_id if row.revision == 1 else f"{row.tenancy_id}:r{row.revision}"


def _readings(session: Session, dwelling: str, day: date) -> list[dict[str, Any]]:
    """The meters' last good readings up to that day, for the account: cumulative m³ or kWh."""
    found: dict[str, dict[str, Any]] = {}
    rows = session.execute(
        select(MeterDay.meter_id, Meter.quantity, MeterDay.day, MeterDay.last_value)
        .join(Meter, Meter.id == MeterDay.meter_id)
        .where(Meter.dwelling_id == dwelling, MeterDay.day <= day, MeterDay.ok_count > 0)
        .order_by(MeterDay.day.desc())
        .limit(20)
    )
    for meter, quantity, on, value in rows:
        found.setdefault(meter, {"meter": meter, "quantity": quantity, "day": on.isoformat(), "value": value})
    return [found[meter] for meter in sorted(found)]


def tell_vacant_use(uow: UnitOfWork, finding: Finding, stands: bool) -> bool:
    """A dwelling recorded as vacant is used so that staff should look, or no longer: each time that changes."""
    kind = "dwelling.vacant_used"
    before = OutboxMessage.kind == kind, OutboxMessage.id.startswith(f"{kind}:{finding.id}", autoescape=True)
    told = uow.session.scalar(select(func.count()).select_from(OutboxMessage).where(*before)) or 0
    if stands == bool(told % 2):
        return False
    key = (finding.id, f"{finding.id}:ended")[told] if told < 2 else f"{finding.id}:r{told + 1}"
    content = {
        "since": finding.window_from,
        "revision": told + 1,
        "withdrawn": not stands,
        "proof": finding.families,
        "coverage": finding.coverage,
        "because": finding.because,
        "against": finding.against,
        "access_changes": False,
    }
    return outbox.enqueue(uow, message(kind, key, subject(uow.session, finding.dwelling_id, None), uow.now, content))


def subject(session: Session, dwelling_id: str, tenancy_id: str | None) -> Subject:
    """A dwelling and tenancy in the lease system's words."""
    code, estate = session.execute(
        select(Dwelling.code, Estate.code)
        .join(Estate, Estate.id == Dwelling.estate_id)
        .where(Dwelling.id == dwelling_id)
    ).one()
    source = session.scalar(select(Tenancy.source_id).where(Tenancy.id == tenancy_id)) if tenancy_id else None
    return Subject(dwelling_id, code, estate, source)
