"""(P) The small tables of a history as rows: dwellings, members, absences, subgroups, the truth, simulated inspections.

Dates are days of the history, None is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from simulators.city.crowd import Crowd
from simulators.city.model import FAR, LONG_ABSENCE, Household, Spell, Violation
from simulators.city.plan import REASONS, SAID_INSTEAD, City

Row = tuple[Any, ...]
OTHERS = ("sublet_whole", "sublet_part", "lent", "visitor_abuse", "enrolment_fraud")


def _day(day: int) -> int | None:
    return None if abs(day) >= FAR else day


def dwellings(city: City) -> Iterator[Row]:
    """Of all dwellings, let or not."""
    layout = city.layout
    for h in city.households:
        place = layout.dwellings[h.index], layout.estates[layout.dwelling_estate[h.index]]
        block = layout.blocks[layout.dwelling_block[h.index]]
        listed = sum(m.first <= max(h.let_from, 0) for m in h.members) or None
        yield (*place, block, _day(h.let_from), None if h.kind == "not_let" else _day(h.let_to), listed)


def members(city: City, crowd: Crowd) -> Iterator[Row]:
    """Of all registered members; a consent withdrawn in the history makes two rows of one member."""
    for h in city.households:
        for number, m in enumerate(h.members):
            who = crowd.persons[crowd.member_person[h.index, number]], city.layout.dwellings[h.index]
            if m.first < m.consent_until < min(m.last, city.settings.days):
                yield (*who, m.first, m.consent_until - 1, 1)
                yield (*who, m.consent_until, _day(m.last), 0)
            else:
                yield (*who, m.first, _day(m.last), int(m.consent_until > m.first))


def access_points(city: City) -> Iterator[Row]:
    """Of all access points."""
    layout = city.layout
    for p in layout.points:
        block = None if p.block is None else layout.blocks[p.block]
        yield (
            p.code,
            layout.estates[p.estate],
            p.scope,
            block,
            None if p.dwelling is None else layout.dwellings[p.dwelling],
        )


def absences(city: City) -> Iterator[Row]:
    """What households told the office; a reason is a class, and may be untrue."""
    days = city.settings.days
    for h in city.households:
        for spell in h.away:
            if spell.declared is not None and spell.declared < days and (spell.declared_to or days) >= 0:
                rng = Random(f"{city.settings.seed}:reason:{h.index}:{spell.first}")
                said = rng.choice(SAID_INSTEAD)
                yield (
                    city.layout.dwellings[h.index],
                    spell.first,
                    spell.declared_to,
                    REASONS.get(spell.cause, said),
                    spell.declared,
                )


def subgroups(city: City) -> Iterator[Row]:
    """Groups whose false leads are counted apart."""
    for h in city.households:
        for group in sorted(h.groups):
            yield city.layout.dwellings[h.index], group


def truth(city: City) -> Iterator[Row]:
    """The true label, for scoring only."""
    for h in city.households:
        if h.violation is not None:
            v = h.violation
            yield city.layout.dwellings[h.index], v.kind, v.first, _day(v.last)


def simulated_absences(city: City) -> Iterator[Row]:
    """The true absences of LONG_ABSENCE days and more in the history, with their true cause."""
    days = city.settings.days
    for h in city.households:
        for spell in h.away:
            if spell.last - spell.first + 1 >= LONG_ABSENCE and spell.last >= 0 and spell.first < days:
                yield city.layout.dwellings[h.index], spell.first, _day(spell.last), spell.cause


def inspections(city: City) -> list[Row]:
    """Closed cases of about `settings.inspections` homes that caught an eye, half for vacancy, half for others living
    there, with what the inspectors found: the truth on the day of the visit.
    """
    rng, wanted = Random(f"{city.settings.seed}:inspections"), city.settings.inspections
    empty, crowded = _candidates(rng, city, wanted)
    rows = []
    for kind, found in (("vacancy", empty), ("sublet_whole", crowded)):
        rng.shuffle(found)
        for h, day, spell in found[: wanted // 2 + (wanted % 2 if kind == "vacancy" else 0)]:
            closed = day + rng.randint(7, 35)
            rows.append((city.layout.dwellings[h.index], kind, closed, _outcome(h.violation, kind, day, spell)))
    return sorted((row for row in rows if row[2] < city.settings.days), key=lambda row: (row[2], row[0]))


def _candidates(
    rng: Random, city: City, wanted: int
) -> tuple[list[tuple[Household, int, Spell | None]], list[tuple[Household, int, Spell | None]]]:
    empty: list[tuple[Household, int, Spell | None]] = []
    crowded: list[tuple[Household, int, Spell | None]] = []
    if not wanted:
        return empty, crowded
    for h in city.households:
        for spell in h.away:
            day = max(spell.first, 0) + rng.randint(40, 120)
            if (
                spell.first <= day <= spell.last
                and day < city.settings.days
                and spell.cause in (*REASONS, "other", "vacancy")
            ):
                empty.append((h, day, spell))
        strangers = [b for b in h.bodies if b.role not in ("member", "friend")]
        if strangers:
            day = rng.randint(30, max(31, city.settings.days - 1))
            if any(b.first <= day <= b.last for b in strangers):
                crowded.append((h, day, None))
    return empty, crowded


def _outcome(violation: Violation | None, kind: str, day: int, spell: Spell | None) -> str:
    fits = ("vacancy",) if kind == "vacancy" else OTHERS
    if violation is not None and violation.kind in fits and violation.first <= day <= violation.last:
        return "confirmed"
    return "good_cause" if spell is not None else "unfounded"
