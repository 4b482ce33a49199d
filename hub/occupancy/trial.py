"""(P) A policy pack tried on a dwelling's own past: what it would have opened, day by day, with nothing known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from hub.occupancy.detect import detect
from hub.occupancy.finding import Stage
from hub.occupancy.pack import Calendar, PolicyPack
from hub.occupancy.values import DwellingRecord, Household

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
    """A lead that would have been: its highest tier, the day each tier was entered first, and whether it stands today."""

    dwelling_id: str
    kind: str
    rule: str
    stage: Stage
    entered: Mapping[Stage, date]
    standing: bool


@dataclass(slots=True)
class _Lead:
    rule: str
    entered: dict[Stage, date] = field(default_factory=dict)


def opened(past: Past, pack: PolicyPack, calendar: Calendar) -> tuple[list[Opened], int]:
    """(leads in the order of their opening, days on which data did not suffice). Days before the present tenancy are left out.

    Nobody tried to reach households because of a pack that was not in force: contacts are taken as not kept.
    """
    leads: dict[str, _Lead] = {}
    done: list[Opened] = []
    blind = 0
    for record in _days(past):
        found = detect(record, pack, calendar)
        blind += any(finding.stage is Stage.INSUFFICIENT_DATA for finding in found)
        now = {finding.kind.value: finding for finding in found if finding.stage in _RANK}
        for kind in [kind for kind in leads if kind not in now]:
            done.append(_closed(record.dwelling_id, kind, leads.pop(kind), standing=False))
        for kind, finding in now.items():
            lead = leads.setdefault(kind, _Lead(finding.rule))
            for tier in TIERS[: _RANK[finding.stage] + 1]:
                if tier not in lead.entered:
                    lead.entered[tier], lead.rule = record.days[-1].day, finding.rule
    dwelling = past.record.dwelling_id
    done += [_closed(dwelling, kind, lead, standing=True) for kind, lead in leads.items()]
    return sorted(done, key=lambda lead: (min(lead.entered.values()), lead.kind)), blind


def _closed(dwelling: str, kind: str, lead: _Lead, standing: bool) -> Opened:
    highest = max(lead.entered, key=lambda stage: _RANK[stage])
    return Opened(dwelling, kind, lead.rule, highest, dict(lead.entered), standing)


def _days(past: Past) -> Iterator[DwellingRecord]:
    """The record at the end of each day, as it was known then."""
    record = past.record
    start = record.household.first if record.household else record.vacant_since
    household: Household | None = None
    known: tuple[object, ...] = ()
    for index, day in enumerate(record.days):
        if start is not None and day.day < start:
            continue
        if record.household is not None:
            now = _known(record.household, past.declared_on, day.day)
            if household is None or now != known:
                household, known = _household(record.household, past.declared_on, day.day), now
        yield replace(
            record,
            household=household,
            days=record.days[: index + 1],
            identification_ok=past.healthy[index],
            recognised=past.recognised[index],
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
