"""One bucket of dwellings, day by day: the nightly job's own pure functions on what was known by the end of each day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.gather import (
    IDENTIFIED,
    NAMELESS,
    PERSONAL,
    VISITOR,
    Gathered,
    bucket_rows,
    bucket_starts,
)
from hub.occupancy.backtest.history import History, Lease
from hub.occupancy.detect import Courses, detect
from hub.occupancy.finding import Finding, Kind, Stage
from hub.occupancy.fitted import model
from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.presence import presence
from hub.occupancy.recognised import WITHIN_DAYS, share
from hub.occupancy.values import (
    LOOK_BACK_DAYS,
    SOMEBODY,
    CredentialUse,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
    PresenceDay,
)

RECENT_DAYS, USUAL_DAYS, DROP = 14, 46, 0.5
RECOGNISED_WITHIN = WITHIN_DAYS
NAMED_SHARE = 0.2
"""Where fewer card passes than this name their holder, a card of the household is some member's own, whoever it is."""

KIND_OF = {Kind.VACANCY: "vacancy", Kind.NOT_MOVED_IN: "vacancy", Kind.VACANT_USED: "vacant_used"}
KIND_OF_RULE = {"S1": "sublet_whole", "S2": "enrolment_fraud", "P1": "visitor_abuse", "S4": "sublet_part"}
TIERS = (Stage.INSUFFICIENT_DATA, Stage.YELLOW, Stage.ORANGE, Stage.RED)
Uses = Mapping[int, tuple[CredentialUse, ...]]
Meters = Mapping[int, list[float | None]]
Held = Mapping[int, tuple[Uses, Meters]]


@dataclass(frozen=True, slots=True)
class Lead:
    """One row of leads.csv. Days count from 1970-01-01; `begins`: the lead opens (else it changes stage).
    `chance`: as stated; `fitted`: as the model had it; `earned`: the stage without its rule being held back."""

    dwelling: int
    kind: str
    stage: str
    opened: int
    closed: int | None
    begins: bool
    families: str
    because: str
    against: str
    rule: str
    policy_version: str
    chance: float = 0.0
    fitted: float | None = None
    earned: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """Per estate and day: whether the terminals go on recognising people as before."""

    ok: Mapping[str, Sequence[bool]]

    @classmethod
    def of(cls, gathered: Gathered) -> Health:
        """As the nightly job judges it (estate_view)."""
        return cls(
            {
                estate: [_healthy(counts, d) for d in range(len(counts))]
                for estate, counts in gathered.recognised.items()
            }
        )


def _healthy(counts: Sequence[int], day: int) -> bool:
    recent = day - RECENT_DAYS + 1
    old = sum(counts[max(0, recent - USUAL_DAYS) : max(0, recent)]) / USUAL_DAYS
    new = sum(counts[max(0, recent) : day + 1]) / RECENT_DAYS
    return new >= DROP * old


class Replayer:
    """Replays buckets. Keeps nothing of a bucket but its leads."""

    def __init__(
        self,
        history: History,
        gathered: Gathered,
        pack: PolicyPack,
        calendar: Calendar,
        outcomes: Outcomes = NO_OUTCOMES,
    ) -> None:
        self.outcomes = outcomes
        self._history, self._gathered, self._pack, self._calendar = history, gathered, pack, calendar
        self._health, self._model = Health.of(gathered), model()
        self._person = {number: f"P:{name}" for name, number in history.persons.items()}
        self._cards: dict[int, int] = {}
        for person, number in gathered.holdings:
            self._cards[person] = max(number, self._cards.get(person, 1))
        self._unnamed = {estate: _unnamed(*by_day) for estate, by_day in gathered.carded.items()}
        self._gaps: tuple[object, Any] = (None, None)
        self._starts = [*bucket_starts(history).tolist(), len(history.dwellings)]
        self._recognised: dict[tuple[str, str], list[float | None]] = {}

    @property
    def buckets(self) -> int:
        """How many there are."""
        return len(self._starts) - 1

    def bucket(
        self, directory: Path, number: int, only: Collection[int] | None = None
    ) -> Iterator[tuple[int, list[Lead]]]:
        """(dwelling, its leads) of a bucket, in order. `only`: of these dwellings."""
        uses, meters = self._uses(directory, number, only), self._meters(directory, number, only)
        starts = self._starts
        self._recognised = self._recognition(bucket_rows(directory, "uses", number), starts[number], starts[number + 1])
        for dwelling in range(starts[number], starts[number + 1]):
            if dwelling in self._history.excluded or (only is not None and dwelling not in only):
                continue
            yield dwelling, list(self.leads(dwelling, uses.get(dwelling, {}), meters.get(dwelling, {})))

    def spells(
        self, directory: Path, number: int
    ) -> Iterator[tuple[int, DwellingRecord, range, Sequence[float | None]]]:
        """Of a bucket, what a model is fitted on: (dwelling, its record, the days of the spell, recognised by day)."""
        uses, meters = self._uses(directory, number), self._meters(directory, number)
        starts = self._starts
        self._recognised = self._recognition(bucket_rows(directory, "uses", number), starts[number], starts[number + 1])
        for dwelling in range(starts[number], starts[number + 1]):
            if dwelling not in self._history.excluded:
                for record, days in self.records(dwelling, uses.get(dwelling, {}), meters.get(dwelling, {})):
                    yield dwelling, record, days, self._by_day(dwelling)[1]

    def hold(self, directory: Path, number: int, only: Collection[int]) -> Held:
        """What a bucket holds of some dwellings, so that `leads` may be asked of them again and again."""
        uses, meters = self._uses(directory, number, only), self._meters(directory, number, only)
        starts = self._starts
        rows = bucket_rows(directory, "uses", number)
        self._recognised |= self._recognition(rows, starts[number], starts[number + 1])
        return {dwelling: (uses.get(dwelling, {}), meters.get(dwelling, {})) for dwelling in only}

    def leads(self, dwelling: int, uses: Uses, meters: Mapping[int, list[float | None]]) -> Iterator[Lead]:
        """The leads of one dwelling over the whole history."""
        book, first = _Book(dwelling), self._history.first
        for record, days in self.records(dwelling, uses, meters):
            if self._pack.measured and record.household is not None:
                self._courses(book, dwelling, record, record.household, days)
                continue
            for index in days:
                begin = max(0, index + 1 - LOOK_BACK_DAYS)
                book.day(
                    first + index,
                    detect(
                        self._on(record, dwelling, begin, index), self._pack, self._calendar, self._model, self.outcomes
                    ),
                )
        return iter(book.closed_rows())

    def _courses(self, book: _Book, dwelling: int, record: DwellingRecord, household: Household, days: range) -> None:
        """All days of a spell at once, in pieces as long as the nightly job looks back."""
        health, recognised = self._by_day(dwelling)
        for piece in _pieces(days):
            begin = max(0, piece.stop - LOOK_BACK_DAYS)
            part = replace(record, days=record.days[begin : piece.stop])
            spell = slice(begin, piece.stop)
            courses = Courses(
                part,
                household,
                self._pack,
                self._calendar,
                self._model,
                recognised[spell],
                health[spell],
                self.outcomes,
            )
            before: object = None
            for index in piece:
                key = [(now.stage, now.rule) if now else None for now in courses.standing(index - begin)]
                if key != before:
                    book.day(self._history.first + index, tuple(courses.findings(index - begin)))
                before = key

    def _by_day(self, dwelling: int) -> tuple[Sequence[bool], Sequence[float | None]]:
        health = self._health.ok[self._history.estate[dwelling]]
        return health, self._recognised.get(self._history.block[dwelling], [None] * len(health))

    def _on(self, record: DwellingRecord, dwelling: int, begin: int, index: int) -> DwellingRecord:
        """The record as it stood at the end of day `index`."""
        health, recognised = self._by_day(dwelling)
        days = record.days[begin : index + 1]
        return replace(record, days=days, identification_ok=health[index], recognised=recognised[index])

    def records(
        self, dwelling: int, uses: Uses, meters: Mapping[int, list[float | None]]
    ) -> Iterator[tuple[DwellingRecord, range]]:
        """What the nightly job would load, for each spell of days in which what is known of the household stays the same."""
        history = self._history
        tokens = frozenset(
            use.credential for day in uses.values() for use in day if use.credential.startswith(SOMEBODY)
        )
        observed, points = self._observed(dwelling, uses, meters)
        leases = history.leases[dwelling]
        judged: dict[int, list[PresenceDay]] = {}
        names = {
            q: f"{history.dwellings[dwelling]}:{q}"
            for i, q in enumerate(("electricity", "water"))
            if (dwelling, bool(i)) in self._gathered.metered
        }
        count = len(observed)
        changes = sorted({0, *(day - history.first for day in self._changes(dwelling))} & set(range(count)))
        for begin, end in pairwise([*changes, count]):
            today = history.first + begin
            lease = _lease(leases, today)
            split = min(max((lease.first if lease else history.first) - history.first, 0), count)
            if split not in judged:
                judged[split] = presence(observed[:split], points) + presence(observed[split:], points)
            record = DwellingRecord(
                dwelling_id=history.dwellings[dwelling],
                household=self._household(dwelling, lease, today, tokens) if lease else None,
                days=tuple(judged[split][:end]),
                points=points,
                meters=names,
                vacant_since=None if lease else self._vacant_since(leases, today),
                traced=False,
                contacts_kept=False,
            )
            yield record, range(begin, end)

    def _changes(self, dwelling: int) -> set[int]:
        """Days on which what is known of the household changes."""
        found: set[int] = set()
        for lease in self._history.leases[dwelling]:
            found |= {lease.first, *(() if lease.last is None else (lease.last + 1,))}
        for member in self._history.members.get(dwelling, ()):
            found |= {member.first, *(() if member.last is None else (member.last + 1,))}
        return found | {row.declared_on for row in self._history.absences.get(dwelling, ())}

    def _household(self, dwelling: int, lease: Lease, today: int, nameless: frozenset[str]) -> Household:
        history = self._history
        members = []
        for row in history.members.get(dwelling, ()):
            if row.live(today):
                token = self._person[row.person]
                since = min(m.first for m in history.members[dwelling] if m.person == row.person)
                further = range(2, self._cards.get(row.person, 1) + 1)
                tokens = frozenset({token, *(_further(token, number) for number in further)})
                members.append(Member(token, True, row.consent, tokens, _date(since)))
        if self._unnamed[history.estate[dwelling]][max(0, today - history.first)]:
            members.append(Member(SOMEBODY, True, False, nameless))
        known = [row.absence for row in history.absences.get(dwelling, ()) if row.declared_on <= today]
        return Household(
            tenancy_id=f"{history.dwellings[dwelling]}@{_date(lease.first)}",
            first=_date(lease.first),
            handover=None,
            members=tuple(sorted(members, key=lambda m: m.id)),
            absences=tuple(sorted(known, key=lambda a: (a.first, a.id))),
        )

    def _vacant_since(self, leases: Sequence[Lease], today: int) -> date:
        ended = [lease.last for lease in leases if lease.last is not None and lease.last < today]
        return _date(max([self._history.first, *ended]))

    def _observed(
        self, dwelling: int, uses: Uses, meters: Mapping[int, list[float | None]]
    ) -> tuple[list[ObservedDay], frozenset[str]]:
        history = self._history
        way = history.way_home(dwelling)
        if self._gaps[0] != way:
            names = frozenset(history.point_names[point] for point in way)
            self._gaps = (way, (history.gaps(way), names, history.days))
        gaps, points, days = self._gaps[1]
        none: list[float | None] = [None] * len(days)
        power, water = meters.get(0, none), meters.get(1, none)
        return [
            ObservedDay(day, gap, uses.get(i, ()), water[i], power[i])
            for i, (day, gap) in enumerate(zip(days, gaps, strict=True))
        ], points

    def _recognition(self, rows: NDArray[np.void], begin: int, end: int) -> dict[tuple[str, str], list[float | None]]:
        """Block → for each day the share of its consenting members whom its doors identified in the last 30 days."""
        history, count = self._history, self._history.last - self._history.first + 1
        expected: dict[tuple[str, str], NDArray[np.int64]] = {}
        for dwelling in range(begin, end):
            block = history.block[dwelling]
            change = expected.setdefault(block, np.zeros(count + 1, np.int64))
            for row in history.members.get(dwelling, ()):
                first, last = (
                    max(0, row.first - history.first),
                    count if row.last is None else row.last - history.first + 1,
                )
                if row.consent and first < min(last, count):
                    change[first] += 1
                    change[min(last, count)] -= 1
        faces = rows[rows["cls"] == IDENTIFIED]
        faces = faces[np.lexsort((faces["day"], faces["credential"], faces["dwelling"]))]
        day = faces["day"].astype(np.int64)
        until = np.minimum(day + RECOGNISED_WITHIN, count)
        if len(faces) > 1:
            same = (faces["credential"][1:] == faces["credential"][:-1]) & (
                faces["dwelling"][1:] == faces["dwelling"][:-1]
            )
            until[:-1] = np.where(same, np.minimum(until[:-1], day[1:]), until[:-1])
        names = sorted(expected)
        place = {name: i for i, name in enumerate(names)}
        block_of = np.array([place[history.block[d]] for d in range(begin, end)], np.int64)
        which = block_of[faces["dwelling"] - begin]
        table = np.zeros((len(names), count + 1), np.int64)
        np.add.at(table, (which, day), 1)
        np.add.at(table, (which, until), -1)
        found: dict[tuple[str, str], list[float | None]] = {}
        for name in names:
            of, got = np.cumsum(expected[name])[:count], np.cumsum(table[place[name]])[:count]
            found[name] = [share(g, o) for g, o in zip(got.tolist(), of.tolist(), strict=True)]
        return found

    def _uses(
        self, directory: Path, number: int, only: Collection[int] | None = None
    ) -> dict[int, dict[int, tuple[CredentialUse, ...]]]:
        merged: dict[tuple[int, int, str, bool], list[int]] = {}
        estate = self._history.estate
        for dwelling, day, cls, code, count, late, hours in _rows(directory, "uses", number, only):
            token = self._token(cls, code)
            if cls == NAMELESS and self._unnamed[estate[dwelling]][day]:
                token = SOMEBODY + token
            kept = merged.setdefault((dwelling, day, token, cls != VISITOR), [0, 0, 0, 0])
            kept[0 if cls == IDENTIFIED else 1] += count
            kept[2] += 0 if cls == IDENTIFIED else late
            kept[3] |= hours
        found: dict[int, dict[int, tuple[CredentialUse, ...]]] = defaultdict(dict)
        for (dwelling, day, token, resident), counted in sorted(merged.items()):
            days = found[dwelling]
            days[day] = (*days.get(day, ()), CredentialUse(token, resident, *counted))
        return found

    def _token(self, cls: int, code: int) -> str:
        """A person's face and first card are one credential, as on a device; further cards are others of theirs."""
        if cls == IDENTIFIED:
            return self._person[code]
        if cls == PERSONAL:
            person, number = self._gathered.holdings[code]
            return _further(self._person[person], number)
        return self._gathered.credentials[code] if code >= 0 else "?"

    def _meters(
        self, directory: Path, number: int, only: Collection[int] | None = None
    ) -> dict[int, dict[int, list[float | None]]]:
        count = self._history.last - self._history.first + 1
        found: dict[int, dict[int, list[float | None]]] = {}
        differ: list[tuple[list[float | None], int]] = []
        for dwelling, day, water, value in _rows(directory, "meters", number, only):
            series = found.setdefault(dwelling, {}).setdefault(water, [None] * count)
            amount = round(value, 4)
            if series[day] not in (None, amount):
                differ.append((series, day))
            series[day] = amount
        for series, day in differ:  # two readings that contradict each other say nothing
            series[day] = None
        return found


def _rows(directory: Path, name: str, number: int, only: Collection[int] | None) -> list[tuple[Any, ...]]:
    rows = bucket_rows(directory, name, number)
    found: list[tuple[Any, ...]] = (rows if only is None else rows[np.isin(rows["dwelling"], list(only))]).tolist()
    return found


def _pieces(days: range) -> Iterator[range]:
    """Days that share a look-back: all that lie within the first one, then a quarter of it at a time."""
    begin = days.start
    while begin < days.stop:
        end = min(days.stop, max(LOOK_BACK_DAYS, begin + LOOK_BACK_DAYS // 4))
        yield range(begin, end)
        begin = end


def _lease(leases: Sequence[Lease], today: int) -> Lease | None:
    return next((one for one in leases if one.first <= today and (one.last is None or today <= one.last)), None)


def _unnamed(named: Sequence[int], unnamed: Sequence[int]) -> list[bool]:
    """By day, whether card passes up to it hardly ever named their holder."""
    with_name, without = np.cumsum(named), np.cumsum(unnamed)
    return [bool(x) for x in (without > 0) & (with_name < NAMED_SHARE * (with_name + without))]


def _further(token: str, number: int) -> str:
    return token if number == 1 else f"{token}#{number}"


def _date(day: int) -> date:
    return date.fromordinal(max(1, day + 719_163))


class _Book:
    """The leads of a dwelling as days go by. Rows are only ever added; the last one of a lead gets the closing day."""

    def __init__(self, dwelling: int) -> None:
        self._dwelling = dwelling
        self._rows: list[Lead] = []
        self._open: dict[str, int] = {}

    def day(self, day: int, found: Sequence[Finding]) -> None:
        """What detection said at the end of this day."""
        now = {lead.kind: lead for lead in (self._lead(day, f) for f in found if f.stage in TIERS)}
        for kind in [kind for kind in self._open if kind not in now]:
            self._close(self._open.pop(kind), day)
        for kind, lead in now.items():
            before = self._open.get(kind)
            if before is not None and self._rows[before].stage == lead.stage:
                continue
            begins = before is None
            self._open[kind] = len(self._rows)
            self._rows.append(replace(lead, begins=begins))

    def closed_rows(self) -> list[Lead]:
        """All rows; leads still open have no closing day."""
        return self._rows

    def _close(self, row: int, day: int) -> None:
        self._rows[row] = replace(self._rows[row], closed=day)

    def _lead(self, day: int, found: Finding) -> Lead:
        kind = KIND_OF.get(found.kind) or KIND_OF_RULE[found.rule]
        return Lead(
            self._dwelling,
            kind,
            found.stage.value,
            day,
            None,
            True,
            "+".join(found.families),
            " ".join(found.because),
            " ".join(found.against),
            found.rule,
            found.policy_version,
            found.chance or 0.0,
            found.fitted,
            (found.earned or found.stage).value,
        )
