"""The small tables of a history: dwellings, members, doors, what doors could see, absences, cases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.chunk import BAD, Chunk, HistoryInvalid, Problems, day_of
from hub.occupancy.backtest.coverage import read_coverage
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.values import NO_GAPS, DeclaredAbsence

SCOPES = ("estate", "block", "dwelling")
OUTCOMES = ("confirmed", "unfounded", "good_cause")
MOST_PEOPLE = 100
"""A home is let to so many at most; another number is a slip of the pen: noted, and not known."""

LATER_DAYS = 1000
"""An absence that begins so long after the history is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Let from `first` to `last` (days since 1970, both inside; None: open) to `expected` people (None: not told)."""

    first: int
    last: int | None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One row of `members`: person number, days, whether face passes count meanwhile."""

    person: int
    first: int
    last: int | None
    consent: bool

    def live(self, day: int) -> bool:
        """Whether the row holds on this day."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class DeclaredRow:
    """A declared absence, known from `declared_on`."""

    absence: DeclaredAbsence
    declared_on: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An inspected and closed case."""

    dwelling: int
    kind: str
    closed_on: int
    outcome: str


@dataclass
class History:
    """Everything but passes and meters. Dwellings are numbered by estate and block; days count from 1970-01-01. `cleared`: by
    dwelling, the cases in which no lead was confirmed. `unlet`: dwellings with a row without a lease. `doubted`: dwellings of
    which nothing is said from a day of the history on (from 0), because passes contradict the register."""

    first: int = 0
    last: int = 0
    dwellings: list[str] = field(default_factory=list)
    number: dict[str, int] = field(default_factory=dict)
    estate: list[str] = field(default_factory=list)
    block: list[tuple[str, str]] = field(default_factory=list)
    leases: list[list[Lease]] = field(default_factory=list)
    members: dict[int, list[MemberRow]] = field(default_factory=lambda: defaultdict(list))
    persons: dict[str, int] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    point_names: list[str] = field(default_factory=list)
    gates: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    doors: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    locks: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    missed: dict[int, list[float]] = field(default_factory=dict)
    clock: list[tuple[int, int, int]] = field(default_factory=list)
    absences: dict[int, list[DeclaredRow]] = field(default_factory=lambda: defaultdict(list))
    cases: list[CaseRow] = field(default_factory=list)
    cleared: dict[int, list[CaseRow]] = field(default_factory=dict)
    excluded: dict[int, str] = field(default_factory=dict)
    unlet: set[int] = field(default_factory=set)
    doubted: dict[int, int] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        return [day_of(d) for d in range(self.first, self.last + 1)]

    def take_cases(self, cases: Iterable[CaseRow]) -> None:
        """These are the cases that were closed."""
        self.cases = sorted(cases, key=lambda case: (case.closed_on, case.dwelling))
        self.cleared = {}
        for case in self.cases:
            if case.outcome != "confirmed":
                self.cleared.setdefault(case.dwelling, []).append(case)

    def lease_on(self, dwelling: int, day: int) -> Lease | None:
        """The one that holds on this day."""
        leases = self.leases[dwelling]
        return next((one for one in leases if one.first <= day and (one.last is None or day <= one.last)), None)

    def way_home(self, dwelling: int) -> list[int]:
        """Points on the way home: the estate's gates, the block's doors, its own."""
        return [
            *self.gates.get(self.estate[dwelling], []),
            *self.doors.get(self.block[dwelling], []),
            *self.locks.get(dwelling, []),
        ]

    def homes_behind(self) -> dict[int, int]:
        """Common points → dwellings whose way home leads there."""
        of_estate, of_block = Counter(self.estate), Counter(self.block)
        found = {point: of_estate[estate] for estate, points in self.gates.items() for point in points}
        return found | {point: of_block[block] for block, points in self.doors.items() for point in points}

    def gaps(self, points: list[int]) -> list[Mapping[str, float]]:
        """For each day, what each point missed of it."""
        count = self.last - self.first + 1
        rows: list[dict[str, float]] = [{} for _ in range(count)]
        for point in sorted(points, key=lambda p: self.point_names[p]):
            name = self.point_names[point]
            for row, share in zip(rows, self.missed.get(point, [1.0] * count), strict=True):
                if share > 0:
                    row[name] = round(share, 4)
        return [row or NO_GAPS for row in rows]


def read_history(tables: Tables, since: date | None, until: date | None) -> History:
    """Reads the small tables. `since`..`until` narrow the days replayed; without them the coverage says."""
    history = History()
    _dwellings(tables, history)
    _members(tables, history)
    _let_anew(tables, history)
    _points(tables, history)
    seen = read_coverage(tables, history.points, since, until)
    history.first, history.last, history.missed, history.clock = seen.first, seen.last, seen.missed, seen.clock
    _absences(tables, history)
    _cases(tables, history)
    for dwelling, name in enumerate(history.dwellings):
        if any(lease.first > history.last + LATER_DAYS for lease in history.leases[dwelling]):
            tables.problems.note("lease that begins years after the history, dwelling kept out", name)
            history.excluded[dwelling] = "a lease that begins years after the history"
        if not history.way_home(dwelling):
            tables.problems.note("dwelling without doors, kept out", name)
            history.excluded[dwelling] = "no access point on the way home"
    return history


def _dwellings(tables: Tables, history: History) -> None:
    problems, rows = tables.problems, list[tuple[str, str, str, int, int, int]]()
    unread: set[str] = set()
    for chunk in tables.chunks("dwellings"):
        columns = [chunk.coded(name).texts() for name in ("dwelling_id", "estate_id", "block_id")]
        days = (chunk.days("let_from").tolist(), chunk.days("let_to").tolist())
        people = _people(chunk, problems)
        lost = [
            chunk.filled(name) & (np.array(of) == BAD) for name, of in zip(("let_from", "let_to"), days, strict=True)
        ]
        unread |= {columns[0][row] for row in np.nonzero(lost[0] | lost[1])[0].tolist()}
        for row, values in enumerate(zip(*columns, *days, people, strict=True)):
            if not values[0] or not values[1]:
                problems.note("dwelling without id or estate", chunk.where(row))
                continue
            rows.append(values)
    rows.sort()
    if not rows:
        raise HistoryInvalid("dwellings: the table holds no dwelling")
    for name, estate, block, let_from, let_to, expected in sorted(rows, key=lambda r: (r[1], r[2], r[0], r[3])):
        if name not in history.number:
            history.number[name] = len(history.dwellings)
            history.dwellings.append(name)
            history.estate.append(estate)
            history.block.append((estate, block))
            history.leases.append([])
        number = history.number[name]
        if history.block[number] != (estate, block):
            problems.note("dwelling in two places, kept out", name)
            history.excluded[number] = "recorded in two places"
        if name in unread:
            history.excluded[number] = "a lease that cannot be read"
        if let_from == BAD:
            history.unlet.add(number)
        else:
            lease = Lease(let_from, None if let_to == BAD else let_to, expected or None)
            _add_lease(history, number, lease, problems)


def _people(chunk: Chunk, problems: Problems) -> list[int]:
    """To how many each home is let; 0: not known."""
    told = chunk.numbers("expected_members")
    known = (told >= 1) & (told <= MOST_PEOPLE)
    for row in np.nonzero(~known & ~np.isnan(told))[0].tolist():
        problems.note("expected_members that cannot be, left out", chunk.where(row))
    return [int(number) for number in np.where(known, told, 0)]


def _add_lease(history: History, number: int, lease: Lease, problems: Problems) -> None:
    name = history.dwellings[number]
    if lease.last is not None and lease.last < lease.first:
        problems.note("lease that ends before it begins, dwelling kept out", name)
        history.excluded[number] = "a lease that ends before it begins"
        return
    if any((one.first, one.last) == (lease.first, lease.last) for one in history.leases[number]):
        problems.note("duplicate dwelling row", name)
        return
    if any(_overlap(lease, other) for other in history.leases[number]):
        problems.note("overlapping leases, dwelling kept out", name)
        history.excluded[number] = "overlapping leases"
    history.leases[number].append(lease)
    history.leases[number].sort(key=lambda one: one.first)


def _overlap(one: Lease, other: Lease) -> bool:
    far = 10**9
    return one.first <= (far if other.last is None else other.last) and other.first <= (
        far if one.last is None else one.last
    )


def _members(tables: Tables, history: History) -> None:
    for chunk in tables.chunks("members"):
        persons, dwellings = chunk.coded("person_id").texts(), chunk.coded("dwelling_id").texts()
        firsts, lasts = chunk.days("from").tolist(), chunk.days("to").tolist()
        consents = chunk.numbers("face_consent_b").tolist()
        for row, (person, dwelling, first, last, consent) in enumerate(
            zip(persons, dwellings, firsts, lasts, consents, strict=True)
        ):
            where = chunk.where(row)
            if dwelling not in history.number:
                tables.problems.note("member of an unknown dwelling", f"{where}: {dwelling!r}")
                continue
            if not person or first == BAD:
                tables.problems.note("member without id or first day, dwelling kept out", where)
                history.excluded[history.number[dwelling]] = "a member who cannot be read: who lives there is not known"
                continue
            number = history.persons.setdefault(person, len(history.persons))
            if last != BAD and last == first - 1:
                continue  # a registration that was taken back
            if last != BAD and last < first:
                tables.problems.note("member who leaves before joining, dwelling kept out", where)
                history.excluded[history.number[dwelling]] = "a member who leaves before joining"
                continue
            found = MemberRow(number, first, None if last == BAD else last, consent == 1)
            rows = history.members[history.number[dwelling]]
            if found in rows:
                tables.problems.note("duplicate member row", where)
            else:
                rows.append(found)


def _let_anew(tables: Tables, history: History) -> None:
    """Registers of one row a dwelling keep its first lease: where everybody of a household has left and others have come, the
    lease is theirs from the day they came."""
    for number, rows in history.members.items():
        for day in _turnovers(sorted(rows, key=lambda row: row.first)):
            for place, lease in enumerate(history.leases[number]):
                if lease.first < day and (lease.last is None or day <= lease.last):
                    before = replace(lease, last=day - 1)  # nobody said to how many the home is let from then on
                    history.leases[number][place : place + 1] = [before, Lease(day, lease.last)]
                    tables.problems.note("whole household replaced, taken for a new lease", history.dwellings[number])
                    break


def _turnovers(rows: Sequence[MemberRow]) -> Iterator[int]:
    """(P) Days on which somebody comes when all before have left, and none of those who come that day was there before. Who comes
    back later is not known yet."""
    for place, row in enumerate(rows[1:], 1):
        before, after = rows[:place], [one for one in rows[place:] if one.first == row.first]
        gone = all(one.last is not None and one.last < row.first for one in before)
        if gone and not {one.person for one in before} & {one.person for one in after}:
            yield row.first


def _points(tables: Tables, history: History) -> None:
    for chunk in tables.chunks("access_points"):
        columns = [chunk.coded(name).texts() for name in ("access_point_id", "estate_id", "scope", "block_id")]
        for row, (name, estate, scope, block, dwelling) in enumerate(
            zip(*columns, chunk.coded("dwelling_id").texts(), strict=True)
        ):
            where = chunk.where(row)
            if name in history.points:
                tables.problems.note("duplicate access point", f"{where}: {name!r}")
                continue
            if not name or scope not in SCOPES or (scope == "dwelling" and dwelling not in history.number):
                tables.problems.note("access point of no known place", f"{where}: {name!r} {scope!r}")
                continue
            number = history.points[name] = len(history.points)
            history.point_names.append(name)
            if scope == "estate":
                history.gates[estate].append(number)
            elif scope == "block":
                history.doors[estate, block].append(number)
            else:
                history.locks[history.number[dwelling]].append(number)


def _absences(tables: Tables, history: History) -> None:
    for chunk in tables.chunks("absences"):
        dwellings, reasons = chunk.coded("dwelling_id").texts(), chunk.coded("reason").texts()
        days = [chunk.days(name).tolist() for name in ("from", "to", "declared_on")]
        for row, (dwelling, reason, first, last, known) in enumerate(zip(dwellings, reasons, *days, strict=True)):
            where = chunk.where(row)
            wrong = first == BAD or first > history.last + LATER_DAYS or (last != BAD and last < first)
            if dwelling not in history.number or wrong:
                tables.problems.note("absence that cannot be used", where)
                continue
            if known == BAD:  # it was told, nobody knows when: that is no reason to hold its days against the household
                tables.problems.note("absence without a day on which it was told, taken for told on its first", where)
                known = first
            absence = DeclaredAbsence(where, day_of(first), None if last == BAD else day_of(last), reason)
            history.absences[history.number[dwelling]].append(DeclaredRow(absence, known))


def _cases(tables: Tables, history: History) -> None:
    cases = list[CaseRow]()
    for chunk in tables.chunks("cases"):
        dwellings, kinds = chunk.coded("dwelling_id").texts(), chunk.coded("kind").texts()
        outcomes = chunk.coded("outcome").texts()
        for row, (dwelling, kind, day, outcome) in enumerate(
            zip(dwellings, kinds, chunk.days("closed_on").tolist(), outcomes, strict=True)
        ):
            if dwelling not in history.number or day == BAD or outcome not in OUTCOMES:
                tables.problems.note("case that cannot be used", chunk.where(row))
                continue
            cases.append(CaseRow(history.number[dwelling], kind, day, outcome))
    history.take_cases(cases)


def clock_keys(history: History) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted (point, time) keys at which a wrong clock begins and ends, for `np.searchsorted`."""
    starts = np.array([point * 10**11 + a for point, a, _ in history.clock], np.int64)
    ends = np.array([point * 10**11 + b for point, _, b in history.clock], np.int64)
    return starts, ends
