"""(P) What devices could observe: intervals → share of each local day that was missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Interval:
    """Device state `ok` (it observed) or another (it did not) in [from_at, to_at); `to_at` None: still so."""

    ok: bool
    from_at: datetime
    to_at: datetime | None


def clipped(interval: Interval, from_at: datetime | None, to_at: datetime | None) -> Interval | None:
    """The part of an interval in [from_at, to_at); None at either end: no limit. None: nothing of it."""
    start = interval.from_at if from_at is None else max(interval.from_at, from_at)
    end = min((at for at in (interval.to_at, to_at) if at is not None), default=None)
    return None if end is not None and end <= start else Interval(interval.ok, start, end)


def day_starts(first: date, last: date, zone: ZoneInfo) -> list[datetime]:
    """UTC instants at which the local days `first`..`last` begin, and the end of `last`."""
    count = (last - first).days + 2
    return [datetime.combine(first + timedelta(days=i), time(), zone).astimezone(UTC) for i in range(count)]


def missed_shares(intervals: Iterable[Interval], starts: Sequence[datetime], as_of: datetime) -> list[float]:
    """For each day between consecutive `starts`, the share 0..1 which no `ok` interval covers.

    Overlapping reports: a time is observed only where no report says otherwise. Time after `as_of` is not observed.
    """
    spans = [(i.ok, i.from_at, min(i.to_at or as_of, as_of)) for i in intervals]
    good = _merge([(a, b) for ok, a, b in spans if ok and a < b])
    bad = _merge([(a, b) for ok, a, b in spans if not ok and a < b])
    observed = _minus(good, bad)
    shares, position = [], 0
    for start, end in pairwise(starts):
        while position < len(observed) and observed[position][1] <= start:
            position += 1
        seen, at = 0.0, position
        while at < len(observed) and observed[at][0] < end:
            seen += (min(observed[at][1], end) - max(observed[at][0], start)).total_seconds()
            at += 1
        missed = 1.0 - seen / (end - start).total_seconds()
        shares.append(0.0 if missed < 1e-9 else missed)
    return shares


Span = tuple[datetime, datetime]


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _minus(good: list[Span], bad: list[Span]) -> list[Span]:
    left: list[Span] = []
    for start, end in good:
        at = start
        for bad_start, bad_end in bad:
            if bad_end <= at or bad_start >= end:
                continue
            if bad_start > at:
                left.append((at, bad_start))
            at = max(at, bad_end)
        if at < end:
            left.append((at, end))
    return left
