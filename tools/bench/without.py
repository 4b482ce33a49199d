"""Takes the evidence that a lead names out of the record, and judges again: does the lead rest on what it says it rests on?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hub.occupancy.backtest.kinds import family
from hub.occupancy.backtest.replay import Lead, Meters, Replayer, Uses
from hub.occupancy.backtest.score import STAGES
from hub.occupancy.detect import Courses, detect
from hub.occupancy.finding import Evidence, Finding, Kind
from hub.occupancy.policy import calendar
from hub.occupancy.values import LOOK_BACK_DAYS, ObservedDay
from tools.bench.draws import Draw

KIND_FAMILY = {
    Kind.VACANCY: "vacancy",
    Kind.NOT_MOVED_IN: "vacancy",
    Kind.SUBLET: "others",
    Kind.VACANT_USED: "vacant_used",
}


@dataclass(frozen=True, slots=True)
class Removed:
    """What is taken out: days wholly, credentials and meters (by quantity) altogether."""

    days: frozenset[date]
    credentials: frozenset[str]
    water: bool
    power: bool

    @classmethod
    def of(cls, evidence: Sequence[Evidence], dwelling: str) -> Removed:
        """What these pieces of evidence name."""
        days = set[date]()
        for one in evidence:
            if one.kind == "days":
                first, last = (date.fromisoformat(part) for part in one.ref.split("/"))
                days |= {date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)}
            elif one.kind == "day" and one.day is not None:
                days.add(one.day)
        refs = {one.ref for one in evidence if one.kind == "meter"}
        cards = frozenset(one.ref for one in evidence if one.kind == "credential")
        return cls(frozenset(days), cards, f"{dwelling}:water" in refs, f"{dwelling}:electricity" in refs)

    def from_day(self, day: ObservedDay, points: frozenset[str]) -> ObservedDay:
        """The day without it: a day taken out is one on which nothing was observing."""
        if day.day in self.days:
            return ObservedDay(day.day, dict.fromkeys(points, 1.0))
        uses = tuple(use for use in day.uses if use.credential not in self.credentials)
        water, power = None if self.water else day.water, None if self.power else day.electricity
        return replace(day, uses=uses, water=water, electricity=power)


class Without(Replayer):
    """A replayer that does not see what is `removed`."""

    removed: Removed | None = None

    def _observed(self, dwelling: int, uses: Uses, meters: Meters) -> tuple[list[ObservedDay], frozenset[str]]:
        days, points = super()._observed(dwelling, uses, meters)
        if self.removed is None:
            return days, points
        return [self.removed.from_day(day, points) for day in days], points

    def findings(self, dwelling: int, uses: Uses, meters: Meters, day: int) -> Iterator[Finding]:
        """All that is found at the end of one day of the history."""
        index = day - self._history.first
        for record, days in self.records(dwelling, uses, meters):
            if index not in days:
                continue
            begin = max(0, index + 1 - LOOK_BACK_DAYS)
            if record.household is None or not self._pack.measured:
                one = self._on(record, dwelling, begin, index)
                yield from detect(one, self._pack, calendar(), self._model, self.outcomes)
                continue
            health, recognised = self._by_day(dwelling)
            part, spell = replace(record, days=record.days[begin : index + 1]), slice(begin, index + 1)
            courses = Courses(
                part,
                record.household,
                self._pack,
                calendar(),
                self._model,
                recognised[spell],
                health[spell],
                self.outcomes,
            )
            yield from courses.findings(index - begin)


@dataclass(frozen=True, slots=True)
class Resting:
    """A lead, and whether it fell below its stage without what it names."""

    lead: Lead
    rests: bool
    stage_without: str


def resting(draw: Draw, leads: Sequence[Lead]) -> list[Resting]:
    """Each lead judged again on the day it entered its stage, without its evidence."""
    outcomes = replace(draw.replayer.outcomes, above=())  # a question that waits has not lost its evidence
    replayer = Without(draw.history, draw.gathered, draw.pack, calendar(), outcomes)
    held: Mapping[int, tuple[Uses, Meters]] = draw.hold(replayer, {lead.dwelling for lead in leads})
    found = []
    for lead in leads:
        uses, meters = held[lead.dwelling]
        replayer.removed = None
        named = [f for f in replayer.findings(lead.dwelling, uses, meters, lead.opened) if _same(f, lead)]
        if not named:
            raise RuntimeError(
                f"{draw.history.dwellings[lead.dwelling]}: the lead of day {lead.opened} is not found again"
            )
        replayer.removed = Removed.of(named[0].evidence, draw.history.dwellings[lead.dwelling])
        left = [f.stage.value for f in replayer.findings(lead.dwelling, uses, meters, lead.opened) if _same(f, lead)]
        stage = left[0] if left else ""
        rank = STAGES.index(stage) if stage in STAGES else -1
        found.append(Resting(lead, rank < STAGES.index(lead.stage), stage))
    return found


def _same(found: Finding, lead: Lead) -> bool:
    return KIND_FAMILY[found.kind] == family(lead.kind)
