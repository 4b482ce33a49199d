"""Job `catalogue.watch`: the smaller rules, an estate after its night; their hints as findings, a question as a case."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from hub.cases import service
from hub.cases.nightly import announce
from hub.cases.reasons import INNOCENT
from hub.cases.workflow import CASE_STAGES
from hub.catalogue.homes import Home, hints
from hub.catalogue.load import homes
from hub.catalogue.values import Hint
from hub.clock import while_believed
from hub.db import UnitOfWork
from hub.ids import new_id
from hub.jobs import Job
from hub.lease import outbox
from hub.occupancy.analyse import last_whole_day
from hub.occupancy.catalogue import HINT_KINDS_ZH
from hub.occupancy.policy import pack_named
from hub.services import Hub
from hub.tables import Dwelling, DwellingMemory, Estate, Finding, OutsideSign

NAME = "catalogue.watch"
VERSION = "2026.1"
BATCH = 100
SIGNS_KEPT = timedelta(days=400)


@while_believed
def watch(hub: Hub) -> str:
    """One line. Runs when something moved; a home whose hints are the same as yesterday is only looked at."""
    looked = changed = 0
    with hub.db.reading() as session:
        estates = session.scalars(select(Estate).order_by(Estate.id)).all()
    for estate in estates:
        today = last_whole_day(hub.now(), estate.time_zone)
        with hub.db.reading() as session:
            judged = session.scalar(
                select(DwellingMemory.day)
                .join(Dwelling, Dwelling.id == DwellingMemory.dwelling_id)
                .where(Dwelling.estate_id == estate.id)
                .order_by(DwellingMemory.day.desc())
                .limit(1)
            )
            dwellings = session.scalars(
                select(Dwelling.id).where(Dwelling.estate_id == estate.id).order_by(Dwelling.id)
            ).all()
        if judged is None or judged < today:
            continue
        for start in range(0, len(dwellings), BATCH):
            piece = dwellings[start : start + BATCH]
            touched, moved = _look(hub, estate, piece, today)
            looked, changed = looked + len(piece), changed + moved
            announce(hub, estate.id, touched)
    with hub.db.unit_of_work("system", "outside signs have had their time", now=hub.now(), audit=False) as uow:
        uow.session.execute(delete(OutsideSign).where(OutsideSign.on < uow.now.date() - SIGNS_KEPT))
    if changed:
        hub.signal(outbox.JOB)
    return f"{looked} homes looked at, {changed} hints changed"


def _look(hub: Hub, estate: Estate, dwellings: Sequence[str], today: date) -> tuple[list[str], int]:
    """(cases touched, hints changed) of one batch."""
    zone = ZoneInfo(estate.time_zone)
    touched: list[str] = []
    with hub.db.unit_of_work("system", "smaller rules", estate_id=estate.id, now=hub.now()) as uow:
        rows = {
            (row.dwelling_id, row.kind): row
            for row in uow.session.scalars(
                select(Finding).where(
                    Finding.dwelling_id.in_(dwellings),
                    Finding.kind.in_(list(HINT_KINDS_ZH)),
                    Finding.closed_at.is_(None),
                )
            )
        }
        found = [(home, hint) for home in homes(uow.session, estate.id, zone, dwellings, today) for hint in hints(home)]
        kept = [(home, hint, rows.pop((home.dwelling_id, hint.kind), None)) for home, hint in found]
        moved = [(home, hint, row) for home, hint, row in kept if row is None or row.inputs_hash != digest(hint)]
        service.hold(
            uow.session, estate.id, {home.dwelling_id for home, _, _ in moved} | {dwelling for dwelling, _ in rows}
        )
        for home, hint, row in moved:
            touched += _keep(uow, estate, home, hint, row)
        for row in rows.values():
            touched += _close(uow, row)
    return touched, len(moved) + len(rows)


def _keep(uow: UnitOfWork, estate: Estate, home: Home, hint: Hint, row: Finding | None) -> list[str]:
    what = "finding.changed" if row else "finding.opened"
    if row is None:
        row = Finding(id=new_id("fnd"), estate_id=estate.id, dwelling_id=home.dwelling_id, kind=hint.kind)
        row.opened_at = uow.now
        uow.session.add(row)
    fill(row, hint, home, estate.policy_pack, uow.now)
    uow.session.flush()
    if what == "finding.opened":
        uow.record(what, row.id, kind=row.kind, rule=row.rule, stage=row.stage, dwelling=row.dwelling_id)
    if row.stage in CASE_STAGES:
        case = service.follow(uow, row, home.tenancy_id)
        return [case.id] if case else []
    return _gone(uow, row)


def fill(row: Finding, hint: Hint, home: Home, pack_name: str, now: datetime) -> None:
    """A hint as a finding's columns."""
    pack = pack_named(pack_name)
    row.rule, row.rule_version, row.policy_version = hint.rule, VERSION, f"{pack.name} {pack.version}"
    row.stage, row.families, row.coverage = hint.stage, list(hint.families), home.known
    row.window_from, row.window_to = hint.first, hint.last
    row.because = list(hint.because)
    row.against = [f"{code}：{INNOCENT[code]}。" for code in hint.innocent]
    row.refuted_by = ["本户说明并经核实，或更新登记后不再成立。"]
    row.evidence = [{"kind": kind, "ref": ref, "text_zh": text, "day": None} for kind, ref, text in hint.refs]
    row.observed, row.threshold, row.inputs_hash, row.updated_at = hint.observed, hint.threshold, digest(hint), now


def digest(hint: Hint) -> str:
    """The same while the hint says the same: the days of its window alone do not change it."""
    said: Iterable[object] = (VERSION, hint.rule, hint.stage, hint.because, hint.innocent, hint.families, hint.refs)
    return hashlib.sha256(repr(tuple(said)).encode()).hexdigest()


def _gone(uow: UnitOfWork, row: Finding) -> list[str]:
    case = service.facts_gone(uow, row) if row.case_id else None
    return [case.id] if case else []


def _close(uow: UnitOfWork, row: Finding) -> list[str]:
    row.closed_at = row.updated_at = uow.now
    uow.record("finding.closed", row.id, kind=row.kind, rule=row.rule, dwelling=row.dwelling_id)
    return _gone(uow, row)


JOBS: tuple[Job, ...] = (Job(NAME, 3600.0, watch),)
