"""Job `tenancy.sync`: pull → parse → diff → one unit of work → signal `access.publish`. Twice is the same as once.

The cursor moves only when everything up to it was stored. While the brake holds something it stays, so that the next run sees
the same again. A full pull repairs what an incremental one missed: every six hours, after errors, and on request. Of a pull that
broke off only the additions are taken.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import httpx

from hub import clock, moved
from hub.db import UnitOfWork
from hub.jobs import Job
from hub.services import Hub
from hub.tables import SourceState
from hub.tenancy import onfile, refused, sources, write
from hub.tenancy.brake import feed_problem
from hub.tenancy.changes import ChangeSet
from hub.tenancy.held import held_json
from hub.tenancy.judge import Judged, Told, judge, today_of
from hub.tenancy.onfile import Place
from hub.tenancy.records import AbsenceRecord, RefusedRow, TenancyRecord, parse_absence, parse_tenancy
from hub.tenancy.sources import Pull, SourceConfig, SourceProblem

log = logging.getLogger(__name__)
NAME = "tenancy.sync"
PERIOD_S = float(os.environ.get("ESTATE_TENANCY_PERIOD_S", "30"))
FULL_EVERY = timedelta(hours=6)


@dataclass(slots=True)
class _Position:
    """Where the source stood when this run began. `release`: what two persons let pass; `wanted`: all of it was asked for."""

    cursor: str
    absence_cursor: str
    last_total: int
    full: bool
    last_error: str
    release: dict[str, Any]
    missing: frozenset[str] = frozenset()
    wanted: bool = False


@dataclass(slots=True)
class _Read:
    """One pull, parsed."""

    tenancies: list[TenancyRecord] = field(default_factory=list)
    absences: list[AbsenceRecord] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


def run(hub: Hub) -> str:
    """All sources of `sources.json`. One that fails keeps its error and does not stop the others."""
    clock.look(hub)
    configured = [s for s in sources.load_sources(hub.config.dir) if s.kind == "http"]
    results = [f"{source.name}: {sync_source(hub, source)}" for source in configured]
    return "; ".join(results) or "no source configured"


def sync_source(hub: Hub, source: SourceConfig) -> str:
    """One source: whole, or (where it broke off) its additions alone."""
    position = _position(hub, source)
    try:
        with sources.open_client(hub.config.dir, source) as client:
            tenancies = sources.pull(client, "/api/tenancies", "" if position.full else position.cursor)
            if not tenancies.full and not tenancies.broken and _look_at_all(hub, source, position, tenancies):
                tenancies = sources.pull(client, "/api/tenancies", "")
            absences = _absences(client, position)
    except SourceProblem as error:
        _failed(hub, source, position, error)
        return str(error)
    problem = tenancies.broken or absences.broken
    if position.last_error and not problem:
        log.info("source %s answers again", source.name)
    with hub.db.unit_of_work(f"source:{source.name}", "tenancy records", now=hub.now()) as uow:
        write.alone(uow.session)
        where = onfile.places(uow.session)
        read = _parse(hub, today_of(uow), source, tenancies, absences, where)
        spoken = _spoken(uow, source, position)
        judged = _decided(uow, source, position, tenancies, read, spoken)
        changes = judged.changes
        absent = write.apply_absences(uow, source.name, read.absences, where)
        write.apply(uow, source.name, changes, where, judged.released, absent)
        everything = tenancies.full and not changes.refused and not problem
        refused.keep(uow, source.name, [*read.refused, *changes.conflicts], None if everything else read.keys)
        was, now = _keep_state(uow, source, position, tenancies, absences, changes, spoken)
    if problem:
        _failed(hub, source, position, problem)
    _tell(source, was, now)
    if changes.new or changes.changed or changes.ended:
        moved.tell(hub)
    told = f"+{len(changes.new)} ~{len(changes.changed)} -{len(changes.ended)}, {len(absent)} absences"
    told += f", {len(read.refused) + len(changes.conflicts)} refused"
    return told + (f", held: {changes.refused}" if changes.refused else "") + (f"; {problem}" if problem else "")


def _look_at_all(hub: Hub, source: SourceConfig, position: _Position, tenancies: Pull) -> bool:
    """To say household by household what is gone; and whether a dwelling is let anew or its tenancy only renamed."""
    if feed_problem(position.last_total, tenancies.total):
        return True
    told = {str(item.get("id")): str(item.get("dwelling_code")) for item in tenancies.items if isinstance(item, dict)}
    with hub.db.reading() as session:
        known = onfile.known(session, source.name, told)
        homes = onfile.residents(session, {code for number, code in told.items() if number not in known})
    return any(one.source == source.name and one.record.id not in told for some in homes.values() for one in some)


def _absences(client: httpx.Client, position: _Position) -> Pull:
    """Declared absences open and close no door: that they cannot be read stops no tenancy."""
    try:
        return sources.pull(client, "/api/absences", "" if position.full else position.absence_cursor)
    except SourceProblem as problem:
        return Pull((), position.absence_cursor, 0, False, problem)


def _position(hub: Hub, source: SourceConfig) -> _Position:
    with hub.db.reading() as session:
        state = session.get(SourceState, source.name)
        if state is None:
            return _Position("", "", 0, True, "", {})
        age = hub.now() - state.last_full_at if state.last_full_at else None
        old = age is None or age >= FULL_EVERY or age < timedelta(0)  # a time in the future was a clock that was wrong
        detail = state.detail
        full = old or not state.cursor or bool(state.last_error) or bool(detail.get("full_wanted"))
        absence_cursor = str(detail.get("absence_cursor", ""))
        release = dict(detail.get("release") or {})
        missing = frozenset(detail.get("missing", ()))
        wanted = bool(detail.get("full_wanted"))
        return _Position(
            state.cursor, absence_cursor, state.last_total, full, state.last_error, release, missing, wanted
        )


def _failed(hub: Hub, source: SourceConfig, position: _Position, problem: SourceProblem) -> None:
    """Logged once when lost; the state in between stands on the page."""
    if problem.reason != position.last_error.split(":")[0]:
        log.warning("source %s: %s", source.name, problem)
    with hub.db.unit_of_work(f"source:{source.name}", "pull failed", now=hub.now(), audit=False) as uow:
        _state(uow, source).last_error = str(problem)[:500]


def _parse(
    hub: Hub, today: date, source: SourceConfig, tenancies: Pull, absences: Pull, where: dict[str, Place]
) -> _Read:
    read = _Read()
    for position, raw in enumerate(tenancies.items, start=1):
        parsed = parse_tenancy(raw, hub.keys.blind, today, position)
        read.keys |= {row.key.split("/")[0] for row in parsed.refused}
        read.refused += parsed.refused
        if record := parsed.record:
            read.keys.add(record.id)
            if why := wrong_place(record.dwelling_code, source, where):
                read.refused.append(RefusedRow(record.id, why, raw={"dwelling_code": record.dwelling_code}))
            else:
                read.tenancies.append(record)
    for position, raw in enumerate(absences.items, start=1):
        absence = parse_absence(raw, position)
        if isinstance(absence, RefusedRow):
            read.refused.append(absence)
            read.keys.add(absence.key)
            continue
        read.keys.add(absence.id)
        if why := wrong_place(absence.dwelling_code, source, where):
            read.refused.append(RefusedRow(absence.id, why, raw={"dwelling_code": absence.dwelling_code}))
        else:
            read.absences.append(absence)
    return read


def wrong_place(code: str, source: SourceConfig, where: dict[str, Place]) -> str:
    """The reason why this source may not speak of this house code, or nothing."""
    if code not in where:
        return "dwelling_unknown"
    return "dwelling_of_other_estate" if source.estate not in (None, where[code].estate_id) else ""


def _decided(
    uow: UnitOfWork, source: SourceConfig, position: _Position, pulled: Pull, read: _Read, spoken: bool
) -> Judged:
    """What the feed changes. A word that was about something else is forgotten.

    What was let pass before the pull and refused during it is not let pass; what was let pass during it is for the next run.
    """
    problem = pulled.broken.reason if pulled.broken else feed_problem(position.last_total, pulled.total)
    told = Told(
        read.tenancies,
        frozenset(read.keys),
        full=pulled.full,
        problem=problem,
        broken=pulled.broken is not None,
        missing=position.missing,
    )
    judged = judge(uow, source.name, told, {} if spoken else position.release)
    if judged.void:
        uow.record("tenancy.release_expired", source.name)
        state = _state(uow, source)
        state.detail = {key: value for key, value in state.detail.items() if key != "release"}
    return judged


def _keep_state(
    uow: UnitOfWork,
    source: SourceConfig,
    position: _Position,
    pulled: Pull,
    absences: Pull,
    changes: ChangeSet,
    spoken: bool,
) -> tuple[str, str]:
    """Why the brake held something before this run, and why now; empty: it held nothing."""
    state = _state(uow, source)
    was = _braked(state.held)
    detail: dict[str, Any] = {**state.detail, "kind": source.kind, "estate": source.estate}
    if pulled.broken and not changes.held:
        return was, was  # it says nothing of what was held before, and holds nothing by itself
    if not pulled.broken:
        state.last_ok_at, state.last_error = uow.now, ""
        if not absences.broken:
            detail["absence_cursor"] = absences.cursor
    if pulled.full:
        state.last_full_at = uow.now
    if not changes.refused:
        if pulled.full:
            detail["missing"] = list(changes.missing)
        state.cursor = pulled.cursor
        state.last_total = pulled.total
        if not spoken:
            detail.pop("release", None)
    if pulled.full or not changes.refused:
        since = spoken or (bool(detail.get("full_wanted")) and not position.wanted)  # asked for during this pull
        detail["full_wanted"] = since or (not pulled.full and pulled.total < position.last_total)
    held = held_json(uow, source.name, changes, state.held)
    if _which(held) != _which(state.held):
        uow.record("tenancy.held", source.name, reason=held["reason"] if held else "", count=_count(held))
    if held != state.held:
        state.held = held
    if detail != state.detail:
        state.detail = detail
    return was, _braked(held)


def _spoken(uow: UnitOfWork, source: SourceConfig, position: _Position) -> bool:
    """Whether somebody let pass or refused something while this run was pulling. Whoever does so now waits for this run."""
    state = uow.session.get(SourceState, source.name, with_for_update=True)
    return state is not None and dict(state.detail.get("release") or {}) != position.release


def _braked(held: dict[str, Any] | None) -> str:
    return str(held["reason"]) if held and held.get("set") else ""


def _tell(source: SourceConfig, was: str, now: str) -> None:
    """Logged once when it begins, changes or is over; the households stand on the page."""
    if now and now != was:
        log.warning("source %s: removals are held: %s", source.name, now)
    elif was and not now:
        log.info("source %s: nothing is held any more", source.name)


def _which(held: dict[str, Any] | None) -> tuple[object, ...]:
    return (held["reason"], [h["tenancy"] for h in held["households"]]) if held else ()


def _count(held: dict[str, Any] | None) -> int:
    return len(held["households"]) if held else 0


def _state(uow: UnitOfWork, source: SourceConfig) -> SourceState:
    state = uow.session.get(SourceState, source.name)
    if state is None:
        state = SourceState(source=source.name, cursor="", last_error="", last_total=0, detail={"kind": source.kind})
        uow.session.add(state)
    return state


def want_full(uow: UnitOfWork, state: SourceState) -> None:
    """The next run reads everything."""
    state.detail = {**state.detail, "full_wanted": True}
    uow.record("tenancy.run_wanted", state.source)


JOBS = (Job(NAME, PERIOD_S, run),)
