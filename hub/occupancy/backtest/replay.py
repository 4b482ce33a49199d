"""A dwelling's history judged into leads, day by day: the nightly job's functions on what was known by the end of each day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from hub.occupancy.asking import Questions
from hub.occupancy.backtest.bucket import Buckets, Held, Recognised
from hub.occupancy.backtest.bucket import Meters as Meters  # a replayer is asked with them
from hub.occupancy.backtest.bucket import Uses as Uses
from hub.occupancy.backtest.gathered import Gathered
from hub.occupancy.backtest.history import History, Lease, MemberRow
from hub.occupancy.backtest.kinds import family
from hub.occupancy.detect import Courses, detect
from hub.occupancy.finding import Finding, Kind, Stage
from hub.occupancy.fitted import model
from hub.occupancy.outcomes import ASKED, NO_OUTCOMES, Outcomes
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.presence import presence
from hub.occupancy.values import (
    LOOK_BACK_DAYS,
    SOMEBODY,
    Cleared,
    DwellingRecord,
    Household,
    Member,
    ObservedDay,
    PresenceDay,
    withheld_of,
)

RECENT_DAYS, USUAL_DAYS, DROP = 14, 46, 0.5
KIND_OF = {Kind.VACANCY: "vacancy", Kind.NOT_MOVED_IN: "vacancy", Kind.VACANT_USED: "vacant_used"}
KIND_OF_RULE = {"S1": "sublet_whole", "S2": "enrolment_fraud", "P1": "visitor_abuse", "S4": "sublet_part"}
TIERS = (Stage.INSUFFICIENT_DATA, Stage.YELLOW, Stage.ORANGE, Stage.RED)


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
    """Replays buckets. Keeps nothing of a bucket."""

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
        self._gaps: tuple[object, Any] = (None, None)
        self._buckets = Buckets(history, gathered)
        self._recognised: Recognised = {}

    @property
    def buckets(self) -> int:
        """How many there are."""
        return len(self._buckets)

    def bucket(self, directory: Path, number: int, only: Collection[int] | None = None) -> Iterator[Book]:
        """What is said of the dwellings of a bucket, in order. `only`: of these dwellings."""
        held = self._buckets.held(directory, number, only)
        self._recognised = self._buckets.recognised(directory, number)
        for dwelling in self._of(number):
            if only is None or dwelling in only:
                yield self.book(dwelling, *held[dwelling])

    def _of(self, number: int) -> Iterator[int]:
        """The dwellings of a bucket that are judged."""
        return (dwelling for dwelling in self._buckets.dwellings(number) if dwelling not in self._history.excluded)

    def spells(
        self, directory: Path, number: int
    ) -> Iterator[tuple[int, DwellingRecord, range, Sequence[float | None]]]:
        """Of a bucket, what a model is fitted on: (dwelling, its record, the days of the spell, recognised by day)."""
        held = self._buckets.held(directory, number)
        self._recognised = self._buckets.recognised(directory, number)
        for dwelling in self._of(number):
            for record, days in self.records(dwelling, *held[dwelling]):
                yield dwelling, record, days, self._by_day(dwelling)[1]

    def hold(self, directory: Path, number: int, only: Collection[int]) -> Held:
        """What a bucket holds of some dwellings, so that `book` may be asked of them again and again."""
        self._recognised |= self._buckets.recognised(directory, number)
        return self._buckets.held(directory, number, only)

    def book(self, dwelling: int, uses: Uses, meters: Meters) -> Book:
        """What is said of one dwelling over the whole history; of one whose passes contradict the register, until they do."""
        book, first = Book(dwelling), self._history.first
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
        if dwelling in self._history.doubted:
            book.day(first + self._history.doubted[dwelling], ())
        return book

    def _courses(self, book: Book, dwelling: int, record: DwellingRecord, household: Household, days: range) -> None:
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
                if any(key):
                    for family, chance, due in courses.open(index - begin):
                        book.questions.day(self._history.first + index, family, chance, due)
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

    def records(self, dwelling: int, uses: Uses, meters: Meters) -> Iterator[tuple[DwellingRecord, range]]:
        """What the nightly job would load, for each spell of days in which what is known of the household stays the same."""
        history = self._history
        tokens = frozenset(
            use.credential for day in uses.values() for use in day if use.credential.startswith(SOMEBODY)
        )
        observed, points = self._observed(dwelling, uses, meters)
        leases = history.leases[dwelling]
        judged: dict[object, list[PresenceDay]] = {}
        names = {
            q: f"{history.dwellings[dwelling]}:{q}"
            for i, q in enumerate(("electricity", "water"))
            if (dwelling, bool(i)) in self._gathered.metered
        }
        count = history.doubted.get(dwelling, len(observed))
        if not count:
            return
        changes = sorted({0, *(day - history.first for day in self._changes(dwelling))} & set(range(count)))
        for begin, end in pairwise([*changes, count]):
            today = history.first + begin
            lease = history.lease_on(dwelling, today)
            split = min(max((lease.first if lease else history.first) - history.first, 0), count)
            household = self._household(dwelling, lease, today, tokens) if lease else None
            consents = self._consents(household)
            if (split, consents) not in judged:
                own = [_as_consented(day, household) for day in observed] if household and any(consents) else observed
                judged[split, consents] = presence(own[:split], points) + presence(own[split:], points)
            record = DwellingRecord(
                dwelling_id=history.dwellings[dwelling],
                household=household,
                days=tuple(judged[split, consents][:end]),
                points=points,
                meters=names,
                vacant_since=None if lease else self._vacant_since(dwelling, leases, today),
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
        found |= {row.declared_on for row in self._history.absences.get(dwelling, ())}
        return found | {row.closed_on for row in self._history.cleared.get(dwelling, ())}

    def _household(self, dwelling: int, lease: Lease, today: int, nameless: frozenset[str]) -> Household:
        history = self._history
        members = []
        for row in history.members.get(dwelling, ()):
            if row.live(today):
                rows = [m for m in history.members[dwelling] if m.person == row.person]
                since = min(m.first for m in rows)
                looked = min((m.first for m in rows if m.consent and m.first <= today), default=None)
                members.append(
                    Member(
                        self._buckets.token(row.person),
                        True,
                        row.consent,
                        self._buckets.tokens(row.person),
                        _date(since),
                        _withheld(rows, today),
                        None if looked is None else _date(looked),
                    )
                )
        if self._buckets.unnamed(dwelling, max(0, today - history.first)):
            members.append(Member(SOMEBODY, True, False, nameless))
        rows = [m for m in history.members.get(dwelling, ()) if m.last is None or m.last >= lease.first]
        here = {m.person for m in rows if m.live(today)}
        known = [row.absence for row in history.absences.get(dwelling, ()) if row.declared_on <= today]
        return Household(
            tenancy_id=f"{history.dwellings[dwelling]}@{_date(lease.first)}",
            first=_date(lease.first),
            handover=None,
            members=tuple(sorted(members, key=lambda m: m.id)),
            absences=tuple(sorted(known, key=lambda a: (a.first, a.id))),
            registered=_date(min(m.first for m in rows)) if rows else None,
            expected=lease.expected,
            left=len({m.person for m in rows if m.first <= today} - here),
            cleared=tuple(
                Cleared(_date(row.closed_on), family(row.kind), row.outcome == "good_cause")
                for row in history.cleared.get(dwelling, ())
                if lease.first <= row.closed_on <= today
            ),
        )

    def _vacant_since(self, dwelling: int, leases: Sequence[Lease], today: int) -> date | None:
        """None: nothing says that it is vacant. Registers of one row a dwelling hold its last lease alone: who lived there before
        it is not known; and where the register goes on naming who lives there, a lease has ended on paper only."""
        history = self._history
        if any(row.live(today) for row in history.members.get(dwelling, ())):
            return None
        ended = [lease.last for lease in leases if lease.last is not None and lease.last < today]
        if not ended and dwelling not in history.unlet:
            return None
        return _date(max([history.first, *ended]))

    def _observed(self, dwelling: int, uses: Uses, meters: Meters) -> tuple[list[ObservedDay], frozenset[str]]:
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

    def _consents(self, household: Household | None) -> tuple[object, ...]:
        """What days must know of them: nothing where doors might always look at somebody, and nobody took a consent back."""
        if household is None:
            return (), None
        late = household.looked_from > _date(self._history.first)
        return tuple(m.withheld for m in household.members if m.withheld), household.looked_from if late else None


def _as_consented(day: ObservedDay, household: Household) -> ObservedDay:
    return replace(day, withheld=household.withheld_on(day.day), unlooked=day.day < household.looked_from)


def _withheld(rows: Sequence[MemberRow], today: int) -> tuple[tuple[date, date | None], ...]:
    """Of one person's rows, as they were known on a day: spans without consent (b) after one with it."""
    known = sorted((row for row in rows if row.first <= today), key=lambda row: row.first)
    given: list[tuple[date, date | None]] = []
    for row in known:
        if row.consent and (not given or given[-1][1] is not None):
            given.append((_date(row.first), None))
        elif not row.consent and given and given[-1][1] is None:
            given[-1] = (given[-1][0], _date(row.first))
    return withheld_of(given, _date(today))


def _pieces(days: range) -> Iterator[range]:
    """Days that share a look-back: all that lie within the first one, then a quarter of it at a time."""
    begin = days.start
    while begin < days.stop:
        end = min(days.stop, max(LOOK_BACK_DAYS, begin + LOOK_BACK_DAYS // 4))
        yield range(begin, end)
        begin = end


def _date(day: int) -> date:
    return date.fromordinal(max(1, day + 719_163))


class Book:
    """The leads of a dwelling as days go by. Rows are only ever added; the last one of a lead gets the closing day. Leads still
    open have none."""

    def __init__(self, dwelling: int) -> None:
        self.dwelling = dwelling
        self.leads: list[Lead] = []
        self.questions = Questions()
        self._open: dict[str, int] = {}
        self._asked: set[Kind] = set()

    def day(self, day: int, found: Sequence[Finding]) -> None:
        """What detection said at the end of this day."""
        found = [one.put if one.kind in self._asked else one for one in found]
        self._asked = {one.kind for one in found if one.stage in ASKED or one.kind in self._asked}
        now = {lead.kind: lead for lead in (self._lead(day, f) for f in found if f.stage in TIERS)}
        for kind in [kind for kind in self._open if kind not in now]:
            self._close(self._open.pop(kind), day)
        for kind, lead in now.items():
            before = self._open.get(kind)
            if before is not None and self.leads[before].stage == lead.stage:
                continue
            begins = before is None
            self._open[kind] = len(self.leads)
            self.leads.append(replace(lead, begins=begins))

    def _close(self, row: int, day: int) -> None:
        self.leads[row] = replace(self.leads[row], closed=day)

    def _lead(self, day: int, found: Finding) -> Lead:
        return Lead(
            self.dwelling,
            KIND_OF.get(found.kind) or KIND_OF_RULE[found.rule],
            found.stage.value,
            day,
            None,
            True,
            "+".join(sorted(found.families)),
            " ".join(found.because),
            " ".join(found.against),
            found.rule,
            found.policy_version,
            found.chance or 0.0,
            found.fitted,
            (found.earned or found.stage).value,
        )
