"""(P) What changed in the tenancy records, and what of it must not be believed at once.

Rules that are law, not taste (design.md; law_and_practice.md 4.0):
* A tenancy ends only by a complete end decision (number, date, move-out completed on or before today). "Ended" without it is
  `incomplete`: access stays. The end of the lease by date, and vanishing from the feed, end nothing.
* The newest version wins, in whatever order versions arrive; an older one never overwrites. What has ended comes back by a newer
  version only, never by an equal one or by a list without versions.
* The brake: when more households than the limit would lose something at once, none does; additions go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import msgspec

from hub.tenancy.brake import allowed_missing, brake, held_of, missing_problem
from hub.tenancy.changes import ENDED, Change, ChangeSet, HeldHousehold, Known, Limits
from hub.tenancy.compare import change_of, compare, told, without_losses
from hub.tenancy.records import RefusedRow, TenancyRecord
from hub.tenancy.settle import settle, why_incomplete


@dataclass(slots=True)
class _Sorting:
    """Where the records of one run go. `now`: each known tenancy as it will be, for a second version in the same run."""

    known: Mapping[str, Known]
    today: date
    new: dict[str, TenancyRecord] = field(default_factory=dict)
    changed: dict[str, Change] = field(default_factory=dict)
    ended: dict[str, Change] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    conflicts: list[RefusedRow] = field(default_factory=list)


def diff(
    known: Mapping[str, Known],
    incoming: Iterable[TenancyRecord],
    *,
    today: date,
    full: bool = False,
    present: frozenset[str] = frozenset(),
    feed_problem: str = "",
    shrunken_accepted: bool = False,
    limits: Limits | Mapping[str, Limits] | None = None,
    recent: Mapping[str, int] | None = None,
    recent_week: Mapping[str, int] | None = None,
    released: frozenset[str] = frozenset(),
    live_counts: Mapping[str, int] | None = None,
    ending: Iterable[Change] = (),
    missing_before: frozenset[str] = frozenset(),
    proposed: Mapping[str, HeldHousehold] | None = None,
) -> ChangeSet:
    """`known`: by tenancy id; all of this source when `full`, else at least those of `incoming` and those with a decision.

    `recent`: estate → households that lost something in the last 24 hours, `recent_week` in the last seven days.
    `live_counts`: estate → live tenancies, where `known` is not all of them.

    `full`: `incoming` claims to be everything; `present`: further ids that came but could not be read.
    `feed_problem` (`empty_feed`, `clock_jumped` …): nothing is removed. `shrunken_accepted`: people said that the feed really is
    that short now; what is missing from it is not removed all the same. `missing_before`: what was missing the last time too.
    `released`: tenancies a person let pass the brake. `ending`: ends that were announced and are due (`settle.due`).
    `proposed`: what waits for two persons because its numbers changed (`identity`): additions go on, losses do not.
    """
    newest = _newest(incoming)
    into = _Sorting(known, today)
    for key in sorted(newest):
        for record in newest[key]:
            _sort(into, key, record)
    if full:  # not an old message that comes late, but what the source says now
        into.conflicts += [RefusedRow(key, "version_back") for key in into.stale if key in known]
    for change in ending:
        if change.before.id not in into.changed and change.before.id not in into.ended:
            into.ended[change.before.id] = change
    live = {key: k for key, k in known.items() if k.record.state != ENDED}
    missing = tuple(sorted(set(live) - set(newest) - present)) if full else ()
    limit, counts = limits or Limits(), live_counts or {}
    if full and not feed_problem and not shrunken_accepted:
        fresh = set(missing) - missing_before
        feed_problem = missing_problem(
            len(live) - len(missing_before & set(live)), len(fresh), allowed_missing(live.values(), limit, counts)
        )
    free = released | {change.before.id for change in ending}
    losing = [c for c in (*into.ended.values(), *into.changed.values()) if c.losses and c.before.id in live]
    waiting = proposed or {}
    losing = [c for c in losing if c.before.id not in free and c.before.id not in waiting]
    held, refused = brake(losing, live, feed_problem, limit, recent or {}, counts, recent_week or {})
    held = (*held, *(waiting[key] for key in sorted(waiting)))
    refused = refused or (min(h.reason for h in waiting.values()) if waiting else "")
    stopped = {h.tenancy for h in held}
    if feed_problem and full:
        held = (*held, *(held_of(live[key], feed_problem) for key in missing if key not in stopped))
    kept = (without_losses(c, today) if c.before.id in stopped else c for c in into.changed.values())
    return ChangeSet(
        new=tuple(into.new.values()),
        changed=tuple(c for c in kept if c.fields),
        ended=tuple(c for c in into.ended.values() if c.before.id not in stopped),
        unchanged=tuple(into.unchanged),
        stale=tuple(into.stale),
        incomplete=_incomplete(known, into),
        missing=missing,
        held=held,
        refused=refused,
        seen=tuple(
            (key, c.record.version)
            for key, c in sorted((into.changed | into.ended).items())
            if key in stopped and key not in waiting and c.record.version > max(c.before.version, known[key].seen)
        ),
        conflicts=tuple(into.conflicts),
    )


def _newest(incoming: Iterable[TenancyRecord]) -> dict[str, list[TenancyRecord]]:
    """Of each tenancy the records of its highest version: usually one; of two that differ each is looked at."""
    newest: dict[str, list[TenancyRecord]] = {}
    for record in incoming:
        have = newest.setdefault(record.id, [])
        if have and record.version < have[0].version:
            continue
        if have and (record.version > have[0].version or not record.version):
            have.clear()
        if record not in have:
            have.append(record)
    return newest


def _sort(into: _Sorting, key: str, incoming: TenancyRecord) -> None:
    known, today = into.known.get(key), into.today
    if known is None and key not in into.new:
        fresh = msgspec.structs.replace(incoming, members=tuple(told(m) for m in incoming.members))
        into.new[key] = settle(fresh, today)
        return
    done = into.changed.pop(key, None) or into.ended.pop(key, None)
    first = known.record if known else into.new[key]
    before = into.new[key] if known is None else done.record if done else first
    record = settle(incoming, today, before.members)
    revives = before.state == ENDED and record.state != ENDED  # only a newer word of its source takes an end back
    newest = max(before.version, known.seen if known else 0)
    if (revives and incoming.version <= before.version) or 0 < incoming.version < newest:
        into.stale.append(key)
        if done:
            _place(into, key, done)
        return
    change, conflicts = compare(before, record, today)
    if not record.state == before.state == ENDED:
        into.conflicts += conflicts
    if known is None:
        into.new[key] = change.record
        return
    if done:
        change = change_of(first, change.record, today)  # both of one run, as one
    over = change.record.state == first.state == ENDED and change.record.version == first.version
    if over or not change.fields:  # of a tenancy that was over when we met it no members are kept
        into.unchanged.append(key)
    else:
        _place(into, key, change)


def _place(into: _Sorting, key: str, change: Change) -> None:
    ends = change.record.state == ENDED and change.before.state != ENDED
    (into.ended if ends else into.changed)[key] = change


def _incomplete(known: Mapping[str, Known], into: _Sorting) -> tuple[HeldHousehold, ...]:
    """Every tenancy, known or just changed, of which the source says "ended" and which goes on."""
    now = {key: k.record for key, k in known.items()}
    now |= {c.record.id: c.record for c in (*into.changed.values(), *into.ended.values())} | into.new
    estates = {key: k.estate_id for key, k in known.items()}
    return tuple(
        HeldHousehold(r.id, r.dwelling_code, estates.get(r.id, ""), why_incomplete(r), len(r.members))
        for r in sorted(now.values(), key=lambda r: r.id)
        if r.state != ENDED and r.end_decision is not None
    )
