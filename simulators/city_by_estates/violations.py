"""Which homes break the rules, how and when."""

from __future__ import annotations

from collections import deque

import numpy as np

from simulators.city_by_estates.deeds import DEEDS, end_tenancy
from simulators.city_by_estates.dice import Dice
from simulators.city_by_estates.town import Home, Town, Violation
from simulators.city_by_estates.world import VIOLATIONS, ViolationKind

LEAST_OF_HISTORY = 3  # days of it that a violation reaches
NEEDS_ANOTHER_HOME = ("sublet_whole", "lent", "vacancy", "enrolment_fraud")
TIED_DOWN = ("lone_elderly", "three_generations", "large_family")  # seldom can do without the home
CROWDED = ("large_family", "three_generations")
USUAL = "sublet_whole"  # when no home is left for another kind


def commit_violations(town: Town, prevalence: float | None) -> None:
    """Lays violations over homes, each over one home; `prevalence` is the share of dwellings, or None as the city has it."""
    dice = town.dice
    stable = [home for home in town.homes if home.is_stable]
    vacant = [home for home in town.homes if home.is_vacant]
    free = deque(stable[place] for place in dice.rng.permutation(len(stable)).tolist())
    free_vacant = deque(vacant[place] for place in dice.rng.permutation(len(vacant)).tolist())
    for kind, count in _counts(town, prevalence).items():
        for _ in range(count):
            first, end = _draw_days(dice, town.days, VIOLATIONS[kind])
            committed = kind
            home = _find(dice, free_vacant if kind == "vacant_used" else free, kind)
            if home is None:
                committed, home = USUAL, _find(dice, free, USUAL)
            if home is not None:
                _commit(town, home, committed, first, end)


def _counts(town: Town, prevalence: float | None) -> dict[str, int]:
    """How many violations of each kind reach into the history."""
    kinds, rng, homes = town.world.violation_shares, town.dice.rng, len(town.homes)
    expected = np.array([share * (1 + town.days / VIOLATIONS[kind].mean_days) for kind, share in kinds.items()])
    if prevalence is None:
        counts = rng.poisson(expected * homes)
    else:
        counts = rng.multinomial(round(prevalence * homes), expected / expected.sum())
    return dict(zip(kinds, counts.tolist(), strict=True))


def _draw_days(dice: Dice, history: int, kind: ViolationKind) -> tuple[int, int]:
    """Days [first, end), as they are found if violations begin at any time; the longer, the likelier found running."""
    while True:
        if dice.chance(kind.mean_days / (kind.mean_days + history)):
            length = max(kind.least, kind.median * np.exp(dice.rng.normal(kind.spread * kind.spread, kind.spread)))
            begins = -dice.between(0, length)
        else:
            begins = dice.between(1, history)
            length = max(kind.least, kind.median * np.exp(dice.rng.normal(0, kind.spread)))
        first, end = int(begins), int(begins + length)
        if end >= LEAST_OF_HISTORY:
            return first, end


def _find(dice: Dice, free: deque[Home], kind: str) -> Home | None:
    """Takes out a home that fits; those that do not are asked again last."""
    for _ in range(len(free)):
        home = free.pop()
        if _fits(dice, home, kind):
            return home
        free.appendleft(home)
    return None


def _fits(dice: Dice, home: Home, kind: str) -> bool:
    if kind in NEEDS_ANOTHER_HOME and home.kind in TIED_DOWN and dice.chance(0.45):
        return False
    if kind == "sublet_part" and home.kind in CROWDED and dice.chance(0.6):
        return False
    return kind != "visitor_abuse" or home.estate.has_visitor_passes


def _commit(town: Town, home: Home, kind: str, first: int, end: int) -> None:
    DEEDS[kind](town, home, first, end)
    if kind != "vacant_used" and end < town.days - 2 and town.dice.chance(0.4):
        end_tenancy(town, home, end)
    known_from = (
        first if home.let_from is None else max(first, home.let_from)
    )  # nobody breaks a lease that has not begun
    town.violations.append(Violation(home.number, kind, known_from, end))
