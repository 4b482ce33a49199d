"""The tables of the history as rows, and the names of everything in them.

Dates are days of the history and times its seconds, as `simulators.history_tables.typed` takes them; None is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.calendar import WARM_UP
from simulators.city_by_states.faults import COVERED, NOT_TOLD, DoorHours
from simulators.city_by_states.layout import SCOPES, Layout
from simulators.city_by_states.model import Town, Violation, one_of
from simulators.city_by_states.passes import (
    HOUSEHOLD_CARD,
    HOUSEHOLD_PIN,
    PHONE_CODE,
    STAFF_CARD,
    VISITOR_PASS,
)

Row = tuple[Any, ...]
HOUR_S = 3600
TOLD_BEFORE = 60  # an absence that ended this many days before the history is not in it
CASES = ("vacancy", "sublet_whole", "sublet_part", "lent", "visitor_abuse")
CASE_ODDS = (0.45, 0.25, 0.15, 0.1, 0.05)
OUTCOMES = ("unfounded", "good_cause", "confirmed")
OUTCOME_ODDS = (0.5, 0.38, 0.12)


@dataclass(frozen=True, slots=True)
class Names:
    """The name of each number; drawn, so that no name tells an order."""

    dwellings: list[str]
    persons: list[str]
    cards: list[str]  # six digits by person, of what this person holds
    points: list[str]
    estates: list[str]
    blocks: list[str]


def draw_names(rng: Generator, layout: Layout, dwellings: int, people: int) -> Names:
    """Names of all things of a city."""
    dwelling_numbers = rng.permutation(dwellings * 7)[:dwellings] + 1
    person_numbers = rng.permutation(people * 3)[:people]
    card_numbers = rng.permutation(people * 3)[:people]
    point_numbers = rng.permutation(layout.points)
    estates = [f"E{estate + 1}" for estate in range(layout.estates)]
    estate_of_block = [int(layout.estate[np.flatnonzero(layout.block == block)[0]]) for block in range(layout.blocks)]
    return Names(
        dwellings=[f"H{number:06d}" for number in dwelling_numbers],
        persons=[f"P{number:06d}" for number in person_numbers],
        cards=[f"{number:06d}" for number in card_numbers],
        points=[f"AP{number:05d}" for number in point_numbers],
        estates=estates,
        blocks=[f"{estates[estate]}-B{block + 1:02d}" for block, estate in enumerate(estate_of_block)],
    )


def credential_names(rng: Generator, names: Names, numbers: NDArray[np.int64]) -> list[str]:
    """The name of each of these numbers of credentials (see passes); negative ones have none, "".

    Visitors' passes carry no trace of who gave them.
    """
    visitors = rng.permutation(len(numbers))
    return [
        _credential_name(names, int(number), int(visitor)) for number, visitor in zip(numbers, visitors, strict=True)
    ]


def _credential_name(names: Names, number: int, visitor: int) -> str:
    if number < 0:
        return ""
    if number < HOUSEHOLD_CARD:
        return f"C{names.cards[number]}"
    if number < HOUSEHOLD_PIN:
        return f"C9{names.dwellings[number - HOUSEHOLD_CARD][1:]}"
    if number < PHONE_CODE:
        return f"N{names.dwellings[number - HOUSEHOLD_PIN][1:]}"
    if number < STAFF_CARD:
        return f"Q{names.cards[number - PHONE_CODE]}"
    if number < VISITOR_PASS:
        return f"S{number - STAFF_CARD:03d}"
    return f"V{visitor:07d}"


def _day(day: int | None) -> int | None:
    return None if day is None else day - WARM_UP


def dwellings(town: Town, names: Names) -> Iterator[Row]:
    """Of all dwellings, let or not."""
    layout = town.layout
    for number in range(town.dwellings):
        place = names.estates[layout.dwelling_estate[number]], names.blocks[layout.dwelling_block[number]]
        let = _day(town.let_from[number]), _day(town.let_to[number])
        yield (names.dwellings[number], *place, *let, town.expected[number])


def members(town: Town, names: Names) -> list[Row]:
    """The register, by dwelling and person."""
    rows = [
        (
            names.persons[number],
            names.dwellings[person.dwelling],
            _day(person.since),
            _day(person.until),
            int(person.consents),
        )
        for number, person in enumerate(town.people)
        if (person.registered or person.listed) and person.since is not None and person.since < town.calendar.end
    ]
    return sorted(rows, key=lambda row: (row[1], row[0]))


def access_points(town: Town, names: Names) -> Iterator[Row]:
    """Of all access points with a reader."""
    layout = town.layout
    for point in range(layout.points):
        block, dwelling = int(layout.block[point]), int(layout.dwelling[point])
        yield (
            names.points[point],
            names.estates[layout.estate[point]],
            SCOPES[layout.scope[point]],
            None if block < 0 else names.blocks[block],
            None if dwelling < 0 else names.dwellings[dwelling],
        )


def coverage(doors: DoorHours, names: Names) -> Iterator[Row]:
    """Spells of one told state at an access point, by point and time."""
    hours = doors.told.shape[1]
    for point, told in enumerate(doors.told):
        changes = (np.flatnonzero(np.diff(told)) + 1).tolist()
        for first, end in zip([0, *changes], [*changes, hours], strict=True):
            if told[first] != NOT_TOLD:
                yield names.points[point], first * HOUR_S, end * HOUR_S, COVERED[told[first]]


def absences(town: Town, names: Names) -> Iterator[Row]:
    """What was declared by the end of the history, by the day it was."""
    for told in sorted(town.declared, key=lambda one: one.declared_on):
        over = told.end is not None and told.end <= WARM_UP - TOLD_BEFORE
        if told.declared_on < town.calendar.end and not over:
            days = _day(told.first), _day(told.end)
            yield (names.dwellings[told.dwelling], *days, told.reason, _day(told.declared_on))


def violations(town: Town) -> list[Violation]:
    """Those that were true on a day of the history."""
    return [one for one in town.truth if one.end > WARM_UP and one.first < town.calendar.end]


def truth(town: Town, names: Names) -> Iterator[Row]:
    """Violations; those that outlast the history have no end."""
    for one in violations(town):
        end = None if one.end >= town.calendar.end else one.end
        yield names.dwellings[one.dwelling], one.kind, _day(one.first), _day(end)


def subgroups(town: Town, names: Names) -> Iterator[Row]:
    """The groups that scoring looks at."""
    return ((names.dwellings[dwelling], group) for dwelling, group in town.subgroups)


def simulated_absences(town: Town, names: Names) -> Iterator[Row]:
    """Whole households away on days of the history, honest or not, with first and last day (for the leak test)."""
    for spell in town.spells:
        if spell.end > WARM_UP and spell.first < town.calendar.end:
            yield names.dwellings[spell.dwelling], _day(spell.first), _day(spell.end - 1), spell.cause


def cases(town: Town, names: Names) -> list[Row]:
    """Closed cases of homes without a violation, by day; some were closed before the history began."""
    rng, world = town.rng, town.world
    if world.no_cases:
        return []
    guilty = {one.dwelling for one in violations(town)}
    rows = []
    for number in range(town.dwellings):
        if town.let_from[number] is None or number in guilty or rng.random() >= world.inspected:
            continue
        kind = one_of(rng, CASES, CASE_ODDS)
        closed = -int(rng.integers(-int(town.calendar.days * 0.8), 330))
        rows.append((names.dwellings[number], kind, closed, one_of(rng, OUTCOMES, OUTCOME_ODDS)))
    return sorted(rows, key=lambda row: row[2])
