"""(P) A policy pack tried on a dwelling's own past: what it would have opened, day by day, with nothing known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from hub.occupancy.detect import Courses, detect
from hub.occupancy.finding import Finding, Stage
from hub.occupancy.likely import Model
from hub.occupancy.outcomes import NO_OUTCOMES, Outcomes
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.values import ByDay, DwellingRecord, Household

TIERS = (Stage.YELLOW, Stage.ORANGE, Stage.RED)
_RANK = {stage: rank for rank, stage in enumerate(TIERS)}


@dataclass(frozen=True, slots=True)
class Past:
    """A dwelling up to today. `declared_on` per absence id. `healthy` and `recognised`: per day of `record.days`."""

    record: DwellingRecord
    declared_on: Mapping[str, date]
    healthy: Sequence[bool]
    recognised: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A lead that would have been: its highest tier, the day each tier was entered first, and the tier at which it stands today
    (None: at none)."""

    dwelling_id: str
    kind: str
    rule: str
    stage: Stage
    entered: Mapping[Stage, date]
    standing: Stage | None


@dataclass(slots=True)
class _Lead:
    """`now`: its tier today; None: data do not suffice, or it is a note for the time being."""

    rule: str
    now: Stage | None = None
    entered: dict[Stage, date] = field(default_factory=dict)


def opened(
    past: Past, pack: PolicyPack, calendar: Calendar, model: Model, outcomes: Outcomes = NO_OUTCOMES
) -> tuple[list[Opened], int]:
    """(leads in the order of their opening, days on which data did not suffice). Days before the present tenancy are left out.

    A measured pack takes its chances from the model, as the night and a back-test do. `outcomes`: what closed cases taught by
    each day, so that a rule that was held back then is held back here too.

    A lead goes on while anything of its kind is found, as in the night: days on which data do not suffice end none.
    Nobody tried to reach households because of a pack that was not in force: contacts are taken as not kept.
    """
    leads: dict[str, _Lead] = {}
    done: list[Opened] = []
    blind = 0
    for today, found in _answers(past, pack, calendar, model, outcomes):
        blind += any(finding.stage is Stage.INSUFFICIENT_DATA for finding in found)
        now = {finding.kind.value: finding for finding in found}
        for kind in [kind for kind in leads if kind not in now]:
            done.append(_closed(past.record.dwelling_id, kind, leads.pop(kind), standing=False))
        for kind, finding in now.items():
            if finding.stage not in _RANK:
                if kind in leads:
                    leads[kind].now = None
                continue
            lead = leads.setdefault(kind, _Lead(finding.rule))
            lead.now = finding.stage
            for tier in TIERS[: _RANK[finding.stage] + 1]:
                if tier not in lead.entered:
                    lead.entered[tier], lead.rule = today, finding.rule
    dwelling = past.record.dwelling_id
    done += [_closed(dwelling, kind, lead, standing=True) for kind, lead in leads.items()]
    return sorted(done, key=lambda lead: (min(lead.entered.values()), lead.kind)), blind


def _closed(dwelling: str, kind: str, lead: _Lead, standing: bool) -> Opened:
    highest = max(lead.entered, key=lambda stage: _RANK[stage])
    return Opened(dwelling, kind, lead.rule, highest, dict(lead.entered), lead.now if standing else None)


def _answers(
    past: Past, pack: PolicyPack, calendar: Calendar, model: Model, outcomes: Outcomes
) -> Iterator[tuple[date, tuple[Finding, ...]]]:
    """What detection would have said at the end of each day, of the household as it was known then."""
    days = past.record.days
    for household, spell in _spells(past):
        if pack.measured and household is not None:
            yield from _courses(past, household, spell, pack, calendar, model, outcomes)
            continue
        for index in spell:
            yield days[index].day, detect(_as_of(past, household, index), pack, calendar, model, outcomes)


def _courses(
    past: Past,
    household: Household,
    spell: range,
    pack: PolicyPack,
    calendar: Calendar,
    model: Model,
    outcomes: Outcomes,
) -> Iterator[tuple[date, tuple[Finding, ...]]]:
    """All days of a spell at once: the same chances, drawn once."""
    record = _as_of(past, household, spell.stop - 1)
    by_day = past.recognised[: spell.stop], past.healthy[: spell.stop]
    courses = Courses(record, household, pack, calendar, model, *by_day, outcomes)
    found: tuple[Finding, ...] = ()
    before: object = None
    for index in spell:
        key = [(now.stage, now.rule) if now else None for now in courses.standing(index)]
        if key != before:
            found, before = tuple(courses.findings(index)), key
        yield record.days[index].day, found


def _spells(past: Past) -> Iterator[tuple[Household | None, range]]:
    """Days in a row on which the same was known of the household."""
    record = past.record
    start = record.household.first if record.household else record.vacant_since
    begin = next((i for i, day in enumerate(record.days) if start is None or day.day >= start), len(record.days))
    if record.household is None:
        yield None, range(begin, len(record.days))
        return
    known: tuple[object, ...] | None = None
    for index in range(begin, len(record.days)):
        now = _known(record.household, past.declared_on, record.days[index].day)
        if known is not None and now != known:
            yield _household(record.household, past.declared_on, record.days[index - 1].day), range(begin, index)
            begin = index
        known = now
    if known is not None:
        yield _household(record.household, past.declared_on, record.days[-1].day), range(begin, len(record.days))


def _as_of(past: Past, household: Household | None, index: int) -> DwellingRecord:
    """The record at the end of day `index`, as it was known then."""
    return replace(
        past.record,
        household=household,
        days=past.record.days[: index + 1],
        identification_ok=past.healthy[index],
        recognised=past.recognised[index],
        by_day=ByDay(past.healthy[: index + 1], past.recognised[: index + 1]),
        contacts_kept=False,
        traced=False,
    )


def _known(household: Household, declared_on: Mapping[str, date], today: date) -> tuple[object, ...]:
    """How much of the household was known: when this does not move, neither does the household."""
    return (
        sum(member.since is None or member.since <= today for member in household.members),
        sum(declared_on.get(absence.id, absence.first) <= today for absence in household.absences),
    )


def _household(household: Household, declared_on: Mapping[str, date], today: date) -> Household:
    return replace(
        household,
        members=tuple(m for m in household.members if m.since is None or m.since <= today),
        absences=tuple(a for a in household.absences if declared_on.get(a.id, a.first) <= today),
        contacts=(),
    )
