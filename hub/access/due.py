"""What publication has to look at: what was noted as moved, and whole estates that are due.

The whole estate once a day, when its doors or devices changed, and every six hours: the repair path, which is the same code
with a wider scope.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from hub import clock, moved
from hub.access import bundle, pass_ends
from hub.access.compose import TargetDevice
from hub.access.holders import WHOLE, Scope, local_day
from hub.services import Hub
from hub.tables import AccessMoved, AccessSweep, DesiredList, Device, Edge, Estate, ReportedList

SWEEP_EVERY = timedelta(hours=6)
MANY_TENANCIES = 400  # beyond it the whole estate is quicker
_TARGET = tuple(field.name for field in fields(TargetDevice))


@dataclass(frozen=True, slots=True)
class Task:
    """What to look at in one estate. `notes`: the rows of `access_moved` that are done when it is published."""

    estate: Estate
    scope: Scope
    notes: tuple[int, ...]
    structure: str


def tasks(hub: Hub, *, everything: bool = False, only_ends: bool = False) -> list[Task]:
    clock.look(hub)
    with hub.db.reading() as session:
        now = clock.believed(session, hub.now())
        notes: dict[str, list[AccessMoved]] = {}
        query = select(AccessMoved).order_by(AccessMoved.id)
        for note in session.scalars(query.where(AccessMoved.ends) if only_ends else query):
            notes.setdefault(note.estate_id, []).append(note)
        over = set() if only_ends else pass_ends.estates_due(session, now)
        tasks = []
        for estate in session.scalars(select(Estate).order_by(Estate.id)).all():
            mine = notes.get(estate.id, [])
            if only_ends:
                if mine and (scope := _scope_of(mine)).tenancies:
                    tasks.append(Task(estate, Scope(scope.tenancies, passes=False), tuple(n.id for n in mine), ""))
                continue
            structure = _fingerprint(bundle.load_structure(session, estate))
            sweep = session.get(AccessSweep, estate.id)
            whole = (
                everything
                or sweep is None
                or sweep.structure != structure
                or sweep.day != local_day(estate, now)
                or now - sweep.at >= SWEEP_EVERY
            )
            scope = WHOLE if whole else _scope_of(mine)
            if estate.id in over or _ahead(session, estate.id):
                scope = Scope(scope.tenancies, passes=True)
            if whole or mine or scope.passes:
                tasks.append(Task(estate, scope, tuple(n.id for n in mine), structure if whole else ""))
    return tasks


def _scope_of(notes: Iterable[AccessMoved]) -> Scope:
    subjects = {note.subject for note in notes}
    tenancies = frozenset(s.removeprefix("tenancy:") for s in subjects if s.startswith("tenancy:"))
    if moved.EVERYTHING in subjects or len(tenancies) > MANY_TENANCIES:
        return WHOLE
    return Scope(tenancies, passes=moved.PASSES in subjects)


def _fingerprint(structure: bundle.Structure) -> str:
    """Moves when doors, devices or what they accept change: then every list of the estate is composed anew."""
    values = [getattr(target, name) for target in structure.targets for name in _TARGET]
    plain = [sorted(value) if isinstance(value, frozenset) else value for value in values]
    return hashlib.sha256(repr((structure.points, plain, sorted(structure.edges.items()))).encode()).hexdigest()


def _ahead(session: Session, estate_id: str) -> bool:
    """An edge that is there reports a list newer than ours, or ours with another content: a hub restored from a backup."""
    query = (
        select(Device.id)
        .join(Edge, Edge.id == Device.edge_id)
        .join(DesiredList, DesiredList.device_id == Device.id)
        .join(ReportedList, ReportedList.device_id == Device.id)
        .where(Device.estate_id == estate_id, of_another_hub())
    )
    return session.scalars(query.limit(1)).first() is not None


def of_another_hub() -> ColumnElement[bool]:
    return or_(
        ReportedList.generation > DesiredList.generation,
        (ReportedList.generation == DesiredList.generation) & (ReportedList.digest != DesiredList.digest),
    )
