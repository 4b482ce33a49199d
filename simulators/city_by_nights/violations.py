"""Which homes break rules, of what kind and when; and the cases that officials closed of them."""

from __future__ import annotations

import numpy as np

from simulators.city_by_nights.dice import NEVER, Generator, Ints
from simulators.city_by_nights.town import HOUSEHOLD_KINDS, Case, Town, Violation
from simulators.city_by_nights.world import VIOLATION_SHARES, World

KINDS = tuple(VIOLATION_SHARES)
OTHERS_LIVE_THERE = ("sublet_whole", "lent", "sublet_part")

LEAVES_IDLE = {
    "single_old": 1.1,
    "old_couple": 0.97,
    "family": 0.58,
    "young": 1.27,
    "night": 0.75,
    "traveller": 1.05,
    "seasonal": 2.1,
    "three_gen": 0.36,
}
"""Odds of leaving a home idle."""

LETS_OTHERS_IN = {
    "single_old": 0.7,
    "old_couple": 0.6,
    "family": 0.9,
    "young": 1.6,
    "night": 1.0,
    "traveller": 1.3,
    "seasonal": 1.2,
    "three_gen": 0.5,
}
"""Odds of subletting, lending and the like."""

CANDIDATES = 60  # drawn for each violation, one of whom is taken by the odds


def draw_violations(town: Town) -> None:
    """`World.prevalence` of all dwellings, in homes let for the whole history or recorded vacant; then who is found."""
    rng, world, leases = town.rng, town.world, town.leases
    count = round(world.prevalence * town.dwellings)
    is_steady = ~leases.recorded_vacant & (leases.let_from < -20) & (leases.let_to > town.days)
    steady, vacant = np.flatnonzero(is_steady), np.flatnonzero(leases.recorded_vacant)
    counts = _count_kinds(rng, world, count)
    running = rng.permutation(np.arange(count) < round(world.running * count)).tolist()
    for kind, of_kind in zip(KINDS, counts.tolist(), strict=True):
        for _ in range(of_kind):
            dwelling = _choose(town, kind, vacant if kind == "vacant_used" else steady)
            if dwelling is not None:
                town.violations[dwelling] = _draw_span(town, kind, is_running=running.pop())
    for dwelling, violation in list(town.violations.items()):
        if rng.random() < world.found:
            _find(town, dwelling, violation)
        elif rng.random() < world.missed and violation.first + 30 < town.days - 10:
            closed_on = int(rng.integers(max(5, violation.first + 20), town.days - 2))
            if closed_on < violation.end:
                town.cases.append(Case(dwelling, violation.kind, closed_on, "unfounded"))


def _count_kinds(rng: Generator, world: World, count: int) -> Ints:
    """(8,) of each kind: in a city of some size every kind occurs."""
    counts = np.maximum(rng.multinomial(count, world.violation_shares), min(2, count // 16))
    counts[np.argmax(counts)] -= max(0, counts.sum() - count)
    return counts


def _choose(town: Town, kind: str, homes: Ints) -> int | None:
    """A home without a violation; None where none is left among those drawn."""
    if not len(homes):
        return None
    drawn = town.rng.choice(homes, min(len(homes), CANDIDATES), replace=False)
    free = np.array([home for home in drawn.tolist() if home not in town.violations], int)
    if not len(free):
        return None
    odds = np.ones(len(free))
    if kind not in ("vacant_used", "over_occupancy"):
        by_kind = LEAVES_IDLE if kind == "vacancy" else LETS_OTHERS_IN
        odds = np.array([by_kind[name] for name in HOUSEHOLD_KINDS])[town.household[free]]
    return int(town.rng.choice(free, p=odds / odds.sum()))


def _draw_span(town: Town, kind: str, *, is_running: bool) -> Violation:
    rng, days = town.rng, town.days
    first = -int(rng.integers(4, 420)) if is_running else int(rng.integers(3, max(4, days - 12)))
    if first > 0 and kind == "vacancy" and rng.random() < 0.2:  # never came back from the feast or the summer
        leaving = [
            day - int(rng.integers(1, 12))
            for day in town.calendar.festivals + town.calendar.summers
            if 5 < day < days - 5
        ]
        if leaving:
            first = int(rng.choice(leaving))
    end = NEVER
    if rng.random() < town.world.ends:
        drawn = max(first, 0) + 45 + int(rng.exponential(90))
        if drawn < days:
            end = drawn
    return Violation(kind, first, end)


def _find(town: Town, dwelling: int, violation: Violation) -> None:
    """Officials confirm it, perhaps as another kind; most then end it, and many homes are recovered."""
    rng, days = town.rng, town.days
    kind, first, end = violation
    closed_on = max(first + 40, 5) + int(rng.integers(0, 200))
    if closed_on >= min(end, days - 8):
        return
    told = kind
    if rng.random() <= 0.12 and kind in (*OTHERS_LIVE_THERE, "enrolment_fraud"):
        told = str(rng.choice(OTHERS_LIVE_THERE))
    town.cases.append(Case(dwelling, told, closed_on, "confirmed"))
    outcome = rng.random()
    if outcome < 0.85:
        end = min(end, closed_on + int(rng.integers(3, 45)))
        town.violations[dwelling] = Violation(kind, first, end)
        if outcome < 0.6 and kind != "vacant_used" and end < days:
            town.leases.let_to[dwelling] = end
