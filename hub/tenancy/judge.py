"""What a source's records change here, for pull and push alike: recognise, compare, brake, and what two persons let pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hub import clock
from hub.db import UnitOfWork
from hub.tenancy import counter, onfile
from hub.tenancy.changes import ENDED, ChangeSet
from hub.tenancy.diff import diff
from hub.tenancy.fields import ZONE
from hub.tenancy.held import covered, stands
from hub.tenancy.identity import CHANGED, OTHER, UNCLEAR, Recognised, Scene, recognise
from hub.tenancy.records import TenancyRecord
from hub.tenancy.rename import rename
from hub.tenancy.settle import due, settle

CLOCK = "clock_jumped"


@dataclass(frozen=True, slots=True)
class Told:
    """What a source says. `keys`: every number that came, also of what could not be read. `problem`: of the feed as a whole.

    `missing`: what was not in the feed the last time either.
    """

    records: list[TenancyRecord]
    keys: frozenset[str]
    full: bool = False
    pushed: bool = False
    problem: str = ""
    broken: bool = False
    missing: frozenset[str] = frozenset()


@dataclass(slots=True)
class Judged:
    """`released`: tenancies two persons let pass. `void`: their word was for something else than what is held now."""

    changes: ChangeSet
    released: frozenset[str] = frozenset()
    void: bool = False
    renamed: int = field(default=0)


def today_of(uow: UnitOfWork) -> date:
    """The day by which decisions count: it stands still while the clock cannot be believed."""
    return clock.believed(uow.session, uow.now).astimezone(ZONE).date()


def judge(uow: UnitOfWork, source: str, told: Told, release: dict[str, Any]) -> Judged:
    """Compare, with what two persons let pass, if it still is what they were shown."""
    first, seen = _compare(uow, source, told, {})
    if not release:
        return Judged(first)
    if told.pushed:
        keys = covered(release, first, uow.now)
    else:
        if not stands(release, first, uow.now):
            return Judged(first, void=True)
        keys = frozenset(release.get("keys", ()))
    if not keys and not release.get("feed"):
        return Judged(first)
    renamed = rename(uow, source, [h for key, h in seen.held.items() if key in keys and h.reason in (CHANGED, OTHER)])
    changes, _ = _compare(uow, source, told, release | {"keys": sorted(keys)})
    return Judged(changes, keys, renamed=renamed)


def _compare(uow: UnitOfWork, source: str, told: Told, release: dict[str, Any]) -> tuple[ChangeSet, Recognised]:
    session, today = uow.session, today_of(uow)
    keys, accepted = frozenset(release.get("keys", ())), bool(release.get("feed"))
    taken_back = counter.withdrawn(session, source)
    known = onfile.known(session, source, None if told.full else [r.id for r in told.records])
    known = counter.known_without(known, taken_back)
    limits, live_counts = onfile.limits(session), onfile.live_counts(session)
    codes = {r.dwelling_code for r in told.records if r.id not in known}
    scene = Scene(
        source,
        today,
        known,
        onfile.residents(session, codes),
        told.keys,
        told.full,
        told.pushed,
        limits,
        live_counts,
    )
    seen = recognise([counter.stripped(r, taken_back) for r in told.records], scene)
    _let_unclear_pass(seen, told.records, keys, today)
    if not told.full:
        known |= counter.known_without(
            onfile.known(session, source, {r.id for r in seen.records} - set(known)), taken_back
        )
    problem = told.problem if told.broken or not accepted else ""
    if clock.believed(session, uow.now) != uow.now:
        problem = CLOCK
    changes = diff(
        known,
        seen.records,
        today=today,
        full=told.full,
        present=told.keys,
        feed_problem=problem,
        shrunken_accepted=accepted,
        limits=limits,
        recent=onfile.recent_losses(session, uow.now),
        recent_week=onfile.recent_losses(session, uow.now, onfile.WEEK),
        released=keys,
        live_counts=live_counts,
        ending=() if problem else due(known.values(), today),
        missing_before=told.missing,
        proposed=seen.held,
    )
    return changes, seen


def _let_unclear_pass(seen: Recognised, records: Iterable[TenancyRecord], keys: frozenset[str], today: date) -> None:
    """Two persons looked: another household lives there now."""
    passing = {h.becomes for key, h in seen.held.items() if key in keys and h.reason == UNCLEAR}
    if passing:
        seen.records += [r for r in records if r.id in passing and settle(r, today).state != ENDED]
        seen.held = {key: h for key, h in seen.held.items() if h.becomes not in passing or h.reason != UNCLEAR}
