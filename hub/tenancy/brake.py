"""(P) The brake: when more households than the limit would lose something at once, none does; additions go on.

Counted an estate (a run with what went before within a day, and within a week), and over all estates of one run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hub.tenancy.changes import Change, HeldHousehold, Known, Limits

MASS = "mass_removal"
FEW = 4  # a list so short tells nothing by how much shorter it is


def feed_problem(last_total: int, total: int) -> str:
    """What a page's total says against the last good one: `empty_feed`, `half_feed`, or nothing."""
    if last_total and not total:
        return "empty_feed"
    return "half_feed" if last_total >= FEW and total <= last_total * 0.6 else ""


def missing_problem(live: int, missing: int, allowed: int) -> str:
    """What a whole pull says by the live tenancies that are not in it any more (and were the last time)."""
    if live and missing == live:
        return "empty_feed"
    if live >= FEW and missing >= live * 0.4:
        return "half_feed"
    return "shrunken_feed" if missing > allowed else ""


def brake(
    losing: Sequence[Change],
    live: Mapping[str, Known],
    problem: str,
    limits: Limits | Mapping[str, Limits],
    recent: Mapping[str, int],
    live_counts: Mapping[str, int],
    recent_week: Mapping[str, int],
) -> tuple[tuple[HeldHousehold, ...], str]:
    """The removals to hold, and why. All removals of an estate are held together: which ones are right nobody knows."""
    if problem:
        return tuple(held_of(live[c.before.id], problem, c) for c in losing), problem
    by_estate: dict[str, list[Change]] = {}
    for change in losing:
        by_estate.setdefault(live[change.before.id].estate_id, []).append(change)
    of = {e: limits if isinstance(limits, Limits) else limits.get(e, Limits()) for e in by_estate}
    over = set()
    for estate, mine in by_estate.items():
        count = live_counts.get(estate) or sum(k.estate_id == estate for k in live.values())
        allowed = of[estate].allowed(count)
        day, week = recent.get(estate, 0), recent_week.get(estate, 0)
        if len(mine) + day > allowed or len(mine) + week > allowed * of[estate].weekly:
            over.add(estate)
    passing = sum(len(mine) for estate, mine in by_estate.items() if estate not in over)
    if passing > max((limit.households for limit in of.values()), default=0):
        over = set(by_estate)  # few in each of many estates are many
    held = [held_of(live[c.before.id], MASS, c) for estate in sorted(over) for c in by_estate[estate]]
    return tuple(held), MASS if held else ""


def held_of(known: Known, reason: str, change: Change | None = None) -> HeldHousehold:
    """A household that keeps what it has. Without a change: it is missing from the feed altogether."""
    record = known.record
    return HeldHousehold(
        record.id,
        record.dwelling_code,
        known.estate_id,
        reason,
        len(record.members),
        change.left if change else (),
        change.losses if change else ("ended",),
    )


def allowed_missing(
    live: Collection[Known], limits: Limits | Mapping[str, Limits], live_counts: Mapping[str, int]
) -> int:
    """How many tenancies may be missing from a whole pull before it counts as shrunken: the widest limit of its estates."""
    counts: dict[str, int] = {}
    for known in live:
        counts[known.estate_id] = counts.get(known.estate_id, 0) + 1
    return max(
        (
            (limits if isinstance(limits, Limits) else limits.get(e, Limits())).allowed(live_counts.get(e) or n)
            for e, n in counts.items()
        ),
        default=0,
    )
