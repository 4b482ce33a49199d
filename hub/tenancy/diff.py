"""(P) What changed in the tenancy records, and what of it must not be believed at once.

Rules that are law, not taste (design.md; law_and_practice.md 4.0):
* A tenancy ends only by a complete end decision (number, date, move-out completed on or before today). "Ended" without it is
  `incomplete`: access stays. The end of the lease by date, and vanishing from the feed, end nothing.
* The newest version wins, in whatever order versions arrive; an older one never overwrites. What has ended comes back by a newer
  version only, never by an equal one or by a list without versions.
* The brake: when more households than the limit would lose something at once, none does; additions go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import msgspec

from hub.tenancy.records import EndDecision, Member, TenancyRecord

ENDED = "ended"
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Limits:
    """The brake: at most `share` of an estate's live tenancies (but `floor` always pass) or `households` within a day."""

    share: float = 0.05
    households: int = 20
    floor: int = 3

    def allowed(self, live: int) -> int:
        """How many households of an estate with `live` tenancies may lose something in a day."""
        return min(self.households, max(self.floor, int(live * self.share)))


@dataclass(frozen=True, slots=True)
class Known:
    """A tenancy as the hub has it. `record.state` is the hub's: `ended` only where the decision was complete."""

    record: TenancyRecord
    estate_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """A known tenancy and its newer version. `record` is what to store: `settle` has been applied, leavers are dated.

    `left`: members whose last day was set or moved forward (it may lie ahead: the loss is decided now).
    """

    before: TenancyRecord
    record: TenancyRecord
    added: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    consents_given: tuple[tuple[str, str], ...] = ()
    consents_withdrawn: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldHousehold:
    """One household that keeps its access although the source says otherwise."""

    tenancy: str
    dwelling_code: str
    estate_id: str
    reason: str
    members: int
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """`ended` and changes with `left` are already free of what the brake holds. `refused` is the brake's reason or empty."""

    new: tuple[TenancyRecord, ...] = ()
    changed: tuple[Change, ...] = ()
    ended: tuple[Change, ...] = ()
    unchanged: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    incomplete: tuple[HeldHousehold, ...] = ()
    missing: tuple[str, ...] = ()
    held: tuple[HeldHousehold, ...] = ()
    refused: str = ""


@dataclass(slots=True)
class _Sorting:
    new: list[TenancyRecord] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    ended: list[Change] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


def settle(record: TenancyRecord, today: date) -> TenancyRecord:
    """The record as it takes effect: "ended" holds only with a complete decision whose move-out is over; else it is active."""
    if record.state != ENDED:
        return record
    decision = record.end_decision or EndDecision()
    done = decision.complete and decision.move_out_completed_on is not None and decision.move_out_completed_on <= today
    return msgspec.structs.replace(record, state=ENDED if done else ACTIVE, end_decision=decision)


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
    released: frozenset[str] = frozenset(),
    live_counts: Mapping[str, int] | None = None,
) -> ChangeSet:
    """`known`: by tenancy id; all of this source when `full`, else at least those of `incoming` and those with a decision.

    `recent`: estate → households that lost something in the last 24 hours. `live_counts`: estate → live tenancies, where
    `known` is not all of them.

    `full`: `incoming` claims to be everything; `present`: further ids that came but could not be read.
    `feed_problem` (`empty_feed`, `half_feed`): nothing is removed. `shrunken_accepted`: people said that the feed really is
    that short now; what is missing from it is not removed all the same.
    `released`: tenancies a person let pass the brake.
    """
    newest = _newest(incoming)
    sorting = _Sorting()
    for key in sorted(newest):
        _sort(sorting, known.get(key), newest[key], today)
    live = {key: k for key, k in known.items() if k.record.state != ENDED}
    missing = tuple(sorted(set(live) - set(newest) - present)) if full else ()
    feed_problem = feed_problem or (_full_problem(len(live), len(missing)) if full and not shrunken_accepted else "")
    held, refused = _brake(sorting, live, feed_problem, limits or Limits(), recent or {}, released, live_counts or {})
    stopped = {h.tenancy for h in held}
    if feed_problem:
        held = (*held, *(_held(live[key], feed_problem) for key in missing if key not in stopped))
    return ChangeSet(
        new=tuple(sorting.new),
        changed=tuple(c for c in (_kept(c) if c.before.id in stopped else c for c in sorting.changed) if c.fields),
        ended=tuple(c for c in sorting.ended if c.before.id not in stopped),
        unchanged=tuple(sorting.unchanged),
        stale=tuple(sorting.stale),
        incomplete=_incomplete(known, sorting),
        missing=missing,
        held=held,
        refused=refused,
    )


def feed_problem(last_total: int, total: int) -> str:
    """What a page's total says against the last good one: `empty_feed`, `half_feed`, or nothing."""
    if last_total and not total:
        return "empty_feed"
    return "half_feed" if last_total >= 4 and total <= last_total * 0.6 else ""


def _full_problem(live: int, missing: int) -> str:
    if live and missing == live:
        return "empty_feed"
    return "half_feed" if live >= 4 and missing >= live * 0.4 else ""


def due(known: Iterable[Known], today: date) -> tuple[Change, ...]:
    """Tenancies kept only because the move-out was not over, and now it is: they end today."""
    found = []
    for one in known:
        decision = one.record.end_decision
        if one.record.state == ENDED or decision is None:
            continue
        ended = settle(msgspec.structs.replace(one.record, state=ENDED), today)
        if ended.state == ENDED:
            found.append(Change(one.record, ended, fields=("state",)))
    return tuple(found)


def _newest(incoming: Iterable[TenancyRecord]) -> dict[str, TenancyRecord]:
    newest: dict[str, TenancyRecord] = {}
    for record in incoming:
        have = newest.get(record.id)
        if have is None or record.version >= have.version:
            newest[record.id] = record
    return newest


def _sort(into: _Sorting, known: Known | None, incoming: TenancyRecord, today: date) -> None:
    record = settle(incoming, today)
    if known is None:
        into.new.append(record)
        return
    before = known.record
    revives = before.state == ENDED and record.state != ENDED  # only a newer word of its source takes an end back
    if (revives and incoming.version <= before.version) or 0 < incoming.version < before.version:
        into.stale.append(record.id)
        return
    if not incoming.version:
        record = msgspec.structs.replace(record, version=before.version)
    change = _change(before, _without_earlier_lease_end(before, record), today)
    over = record.state == before.state == ENDED and record.version == before.version
    if over or not change.fields:  # of a tenancy that was over when we met it no members are kept
        into.unchanged.append(record.id)
    elif record.state == ENDED and before.state != ENDED:
        into.ended.append(change)
    else:
        into.changed.append(change)


def _without_earlier_lease_end(before: TenancyRecord, record: TenancyRecord) -> TenancyRecord:
    """After a renewal some systems still repeat the old lease's end at each member: that is nobody's leaving either.

    A date at which the hub already has a member leave stays: it was given when it was not the end of a lease.
    """
    old = {m.person_id: m for m in before.members}

    def seen(member: Member) -> Member:
        was = old.get(member.person_id)
        end = member.lease_end or (was.lease_end if was else None)
        earlier = member.to_date is not None and member.to_date in (before.to_date, end) and not (was and was.to_date)
        if earlier:
            return msgspec.structs.replace(member, to_date=None, lease_end=member.to_date)
        return msgspec.structs.replace(member, lease_end=end) if end != member.lease_end else member

    return msgspec.structs.replace(record, members=tuple(seen(m) for m in record.members))


def _change(before: TenancyRecord, record: TenancyRecord, today: date) -> Change:
    old = {m.person_id: m for m in before.members}
    new = {m.person_id: m for m in record.members}
    gone = [m for m in before.members if m.person_id not in new]
    keeping = record.partial or record.state == ENDED
    yesterday = today - timedelta(days=1)
    stay = tuple(m if keeping or has_left(m, today) else msgspec.structs.replace(m, to_date=yesterday) for m in gone)
    came = tuple(
        m for m in record.members if m.person_id in old or record.state != ENDED
    )  # no new people of what is over
    merged = msgspec.structs.replace(record, members=_in_order(before, (*came, *stay)), partial=False)
    after = {m.person_id: m for m in merged.members}
    before_consents = {(p, c) for p, m in old.items() for c in m.consents}
    after_consents = {(p, c) for p, m in after.items() for c in m.consents}
    names = TenancyRecord.__struct_fields__
    return Change(
        before=before,
        record=merged,
        added=tuple(m.person_id for m in came if m.person_id not in old),
        left=tuple(p for p, m in old.items() if _leaves(m, after[p])),
        consents_given=tuple(sorted(after_consents - before_consents)),
        consents_withdrawn=tuple(sorted(before_consents - after_consents)),
        fields=tuple(n for n in names if n != "partial" and getattr(before, n) != getattr(merged, n)),
    )


def _in_order(before: TenancyRecord, members: Sequence[Member]) -> tuple[Member, ...]:
    """Known members keep their place (it is their ordinal), new ones follow."""
    place = {m.person_id: i for i, m in enumerate(before.members)}
    return tuple(sorted(members, key=lambda m: place.get(m.person_id, len(place))))


def has_left(member: Member, today: date) -> bool:
    """`to_date` is the last day of belonging."""
    return member.to_date is not None and member.to_date < today


def _leaves(before: Member, after: Member) -> bool:
    return after.to_date is not None and (before.to_date is None or after.to_date < before.to_date)


def _loses(change: Change) -> bool:
    """Somebody of this household loses access by this change, now or on a day it names."""
    before, after = change.before.end_decision, change.record.end_decision
    decided = after is not None and after.complete and not (before is not None and before.complete)
    return bool(change.left) or (decided and change.record.state != ENDED)


def _brake(
    sorting: _Sorting,
    live: Mapping[str, Known],
    problem: str,
    limits: Limits | Mapping[str, Limits],
    recent: Mapping[str, int],
    released: frozenset[str],
    live_counts: Mapping[str, int],
) -> tuple[tuple[HeldHousehold, ...], str]:
    """The removals to hold, and why. All removals of an estate are held together: which ones are right nobody knows."""
    losing = [c for c in (*sorting.ended, *(c for c in sorting.changed if _loses(c))) if c.before.id in live]
    losing = [c for c in losing if c.before.id not in released]
    if problem:
        return tuple(_held(live[c.before.id], problem, c.left) for c in losing), problem
    held: list[HeldHousehold] = []
    for estate_id in sorted({live[c.before.id].estate_id for c in losing}):
        mine = [c for c in losing if live[c.before.id].estate_id == estate_id]
        limit = limits if isinstance(limits, Limits) else limits.get(estate_id, Limits())
        count = live_counts.get(estate_id) or sum(k.estate_id == estate_id for k in live.values())
        if len(mine) + recent.get(estate_id, 0) > limit.allowed(count):
            held += [_held(live[c.before.id], "mass_removal", c.left) for c in mine]
    return tuple(held), "mass_removal" if held else ""


def _held(known: Known, reason: str, left: tuple[str, ...] = ()) -> HeldHousehold:
    record = known.record
    return HeldHousehold(record.id, record.dwelling_code, known.estate_id, reason, len(record.members), left)


def _kept(change: Change) -> Change:
    """A held change without what it takes away; the rest (additions too) takes effect. No `fields`: nothing is left of it.

    The version stays the old one, so that the loss is not forgotten: the next full pull shows it again.
    """
    before = change.before
    old = {m.person_id: m for m in before.members}
    members = tuple(
        msgspec.structs.replace(m, to_date=old[m.person_id].to_date) if m.person_id in change.left else m
        for m in change.record.members
    )
    record = msgspec.structs.replace(
        change.record, members=members, version=before.version, end_decision=before.end_decision
    )
    names = tuple(n for n in change.fields if getattr(before, n) != getattr(record, n))
    return Change(before, record, change.added, (), change.consents_given, change.consents_withdrawn, names)


def _incomplete(known: Mapping[str, Known], sorting: _Sorting) -> tuple[HeldHousehold, ...]:
    """Every tenancy, known or just changed, of which the source says "ended" and which goes on."""
    now = {key: k.record for key, k in known.items()}
    now |= {c.record.id: c.record for c in (*sorting.changed, *sorting.ended)} | {r.id: r for r in sorting.new}
    estates = {key: k.estate_id for key, k in known.items()}
    return tuple(
        HeldHousehold(r.id, r.dwelling_code, estates.get(r.id, ""), _why_incomplete(r), len(r.members))
        for r in sorted(now.values(), key=lambda r: r.id)
        if r.state != ENDED and r.end_decision is not None
    )


def _why_incomplete(record: TenancyRecord) -> str:
    return "move_out_pending" if record.end_decision and record.end_decision.complete else "incomplete_decision"
