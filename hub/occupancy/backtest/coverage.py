"""The coverage of a history: which days it has, and what each access point could not observe of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from hub.occupancy.backtest.chunk import BAD, EPOCH, ZONE, HistoryInvalid, Problems, day_of
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.observed import Interval, day_starts, missed_shares

STATES = ("ok", "down", "propped", "clock")

FAR = 2000 * 86_400
"""Seconds; no history reaches further from the middle of its coverage."""

GAP = 300
"""Seconds without a row of coverage, from which on something is missing there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The days of the history (since 1970), point → share missed by day, and (point, begin, end) of wrong clocks, sorted."""

    first: int
    last: int
    missed: dict[int, list[float]]
    clock: list[tuple[int, int, int]]


def read_coverage(tables: Tables, known: Mapping[str, int], since: date | None, until: date | None) -> Seen:
    """What each point missed each day; the days of the history are those on which anything could be observed."""
    intervals: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    rows = list[tuple[str, int, str, int, int]]()
    broken: list[tuple[int, int]] = []
    for chunk in tables.chunks("coverage"):
        points, states = chunk.coded("access_point_id").texts(), chunk.coded("state").texts()
        for row, (point, state, start, end) in enumerate(
            zip(points, states, chunk.times("from").tolist(), chunk.times("to").tolist(), strict=True)
        ):
            where = chunk.where(row)
            if point not in known:
                tables.problems.note("coverage of an unknown access point", f"{where}: {point!r}")
            elif start == BAD or end == BAD or end < start:
                tables.problems.note("coverage that cannot be used", where)
                if state != "ok":  # since when, or until when, it was down is not known: it may have been all the time
                    broken.append((known[point], start if end == BAD else BAD))
            else:
                if state not in STATES:
                    tables.problems.note("coverage of an unknown state, taken for down", f"{where}: {state!r}")
                rows.append((where, known[point], state, start, end))
    if not rows:
        raise HistoryInvalid("coverage: no access point was ever observed; nothing can be said of any day")
    for number, state, start, end in _plausible(rows, tables.problems, until):
        intervals[number].append((state, start, end))
    of_all = [interval for found in intervals.values() for interval in found]
    first, last = _span(min(a for _, a, _b in of_all), max(b for _, _a, b in of_all), since, until)
    starts = day_starts(day_of(first), day_of(last), ZONE)
    begins, ends = first * 86_400, (last + 1) * 86_400
    for number, starts_at in _may_be_any_time(broken, intervals, begins, ends):
        intervals[number].append(("down", max(begins, starts_at), max(ends, starts_at)))
    missed, clock = dict[int, list[float]](), list[tuple[int, int, int]]()
    for number in known.values():
        own = intervals.get(number, [])
        found = [Interval(state == "ok", _at(a), _at(b)) for state, a, b in own]
        missed[number] = missed_shares(found, starts, starts[-1])
        clock += [(number, a, b) for state, a, b in own if state == "clock"]
    return Seen(first, last, missed, sorted(clock))


def _may_be_any_time(
    broken: Sequence[tuple[int, int]], readable: Mapping[int, Sequence[tuple[str, int, int]]], begins: int, ends: int
) -> Iterator[tuple[int, int]]:
    """(P) Of outages whose times cannot be read those that may have been at a time that counts as observed. Where rows follow
    each other a gap stands where such a row is missing, and is not observed anyway; where an outage is written over a row that
    says `ok`, none does."""
    for number, of in groupby(sorted(broken), key=itemgetter(0)):
        outages = list(of)
        gaps, until = 0, begins
        for _state, start, end in sorted(readable.get(number, ()), key=itemgetter(1)):
            gaps += min(start, ends) - until >= GAP
            until = max(until, end)
        if gaps + (ends - until >= GAP) < len(outages):
            yield from outages


def _plausible(
    rows: Sequence[tuple[str, int, str, int, int]], problems: Problems, until: date | None
) -> Iterator[tuple[int, str, int, int]]:
    """(point, state, begin, end) of coverage whose times can be meant: one clock set to 1970 or 2099 must not make a history
    of decades."""
    begins = sorted(start for _where, _point, _state, start, _end in rows)
    earliest, latest = begins[len(begins) // 2] - FAR, begins[len(begins) // 2] + FAR
    last = max((end for _where, _point, _state, _start, end in rows if end <= latest), default=None)
    if until is not None:
        last = max(last or 0, (until.toordinal() - EPOCH + 1) * 86_400)
    for where, point, state, start, end in rows:
        if not earliest <= start <= latest:
            problems.note("coverage that begins years before or after the rest, kept out", where)
        elif end <= latest:
            yield point, state, start, end
        elif last is None or start > last:
            raise HistoryInvalid(
                f"{where}: the coverage ends in {day_of(end // 86_400).year}; say the last day with --to"
            )
        else:
            problems.note("coverage that ends years after the rest, cut off", where)
            yield point, state, start, last


def _span(begin: int, end: int, since: date | None, until: date | None) -> tuple[int, int]:
    first, last = begin // 86_400, (end - 1) // 86_400
    if since is not None:
        first = max(first, since.toordinal() - EPOCH)
    if until is not None:
        last = min(last, until.toordinal() - EPOCH)
    if first > last:
        raise HistoryInvalid("no day of the history lies within --from and --to")
    return first, last


def _at(local_second: int) -> datetime:
    return (datetime(1970, 1, 1) + timedelta(seconds=local_second)).replace(tzinfo=ZONE).astimezone(UTC)  # noqa: DTZ001
