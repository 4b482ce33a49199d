"""Which homes are in violation, of what kind, and from when to when."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators.city_by_lives.basics import gamma_days, happens, whole
from simulators.city_by_lives.people import HouseholdKind
from simulators.city_by_lives.town import Home, Town, Violation

KINDS = (
    "vacancy",
    "sublet_whole",
    "sublet_part",
    "lent",
    "visitor_abuse",
    "over_occupancy",
    "enrolment_fraud",
)
HOUSEHOLDS = (
    HouseholdKind.ELDER_ALONE, HouseholdKind.ELDER_COUPLE, HouseholdKind.FAMILY, HouseholdKind.SINGLE_PARENT,
    HouseholdKind.YOUNG_ALONE, HouseholdKind.YOUNG_COUPLE, HouseholdKind.THREE_GENERATIONS,
    HouseholdKind.PARENTS_OF_GROWN, HouseholdKind.OLDER_ALONE,
)  # fmt: skip
WHO: Mapping[str, tuple[float, ...]] = {
    "vacancy": (1.0, 0.8, 0.7, 0.7, 2.0, 1.6, 0.4, 1.0, 1.6),
    "sublet_whole": (0.7, 0.7, 1.0, 0.6, 1.6, 1.6, 0.5, 1.2, 1.5),
    "sublet_part": (1.0, 0.6, 0.5, 0.8, 1.5, 0.7, 0.2, 1.0, 1.8),
    "lent": (1.4, 1.3, 0.7, 0.6, 1.0, 1.0, 0.4, 1.2, 1.2),
    "visitor_abuse": (1.0, 0.6, 0.7, 0.8, 1.3, 0.7, 0.2, 1.0, 1.5),
    "over_occupancy": (0.3, 0.2, 0.5, 0.4, 1.5, 1.0, 0.2, 1.0, 1.4),
    "enrolment_fraud": (1.2, 1.0, 0.8, 0.7, 1.0, 1.0, 0.4, 1.0, 1.3),
}
"""How likely each of HOUSEHOLDS is to do it."""

LASTS: Mapping[str, tuple[float, int]] = {
    "vacancy": (280, 35),
    "sublet_whole": (270, 25),
    "sublet_part": (180, 25),
    "lent": (110, 14),
    "visitor_abuse": (120, 20),
    "over_occupancy": (170, 20),
    "enrolment_fraud": (340, 60),
}
"""(mean days above the least, least days)"""

IN_A_HISTORY = 1.72  # violations in a year, for each that stands on a day of it
SHARE_OF_VACANT_USED = 0.055  # of a given prevalence, if vacant homes are as many as usual
LATEST = 12  # days before the end of the history


def choose_violators(town: Town) -> None:
    """Gives homes their violations: of households that stay to the end of the history, and of nobody in vacant homes."""
    rng, habits = town.rng, town.habits
    pool = [home for home in town.homes if _may_violate(home, town.days)]
    counts, vacant_used = _numbers(town, len(pool))
    free = np.ones(len(pool), bool)
    for kind, count in counts.items():
        weights = np.array([WHO[kind][HOUSEHOLDS.index(home.kind)] for home in pool if home.kind]) * free
        count = min(count, int(free.sum()))
        if count:
            for chosen in rng.choice(len(pool), count, replace=False, p=weights / weights.sum()).tolist():
                free[chosen] = False
                pool[chosen].violation = _draw_time(town, pool[chosen], kind)
    vacant = [home for home in town.homes if home.let_from is None]
    if vacant_used is None:
        chance = habits.vacant_used * (0.5 + 0.5 * town.years)
        used = [home for home in vacant if happens(rng, chance)]
    else:
        used = [vacant[number] for number in rng.choice(len(vacant), vacant_used, replace=False).tolist()]
    for home in used:
        home.violation = _draw_use_of_vacant(town)


def _may_violate(home: Home, days: int) -> bool:
    """Households that leave in the history or come late have other things to do."""
    is_settled = home.kind is not None and not home.is_let_late and home.moves_out >= days
    return is_settled and home.lived_in_from() < days - 2 * LATEST


def _numbers(town: Town, pool: int) -> tuple[dict[str, int], int | None]:
    """(number of each kind, number of vacant homes in use or None for as many as may happen)."""
    rng, habits, dwellings = town.rng, town.habits, len(town.homes)
    shares = [habits.violations[kind] for kind in KINDS]
    if habits.prevalence is None:
        factor = dwellings * IN_A_HISTORY * min(1.0, 0.45 + 0.55 * town.years)
        return {kind: int(rng.poisson(share * factor)) for kind, share in zip(KINDS, shares, strict=True)}, None
    wanted = round(habits.prevalence * dwellings)
    vacant = sum(home.let_from is None for home in town.homes)
    used = min(vacant, max(round(wanted * SHARE_OF_VACANT_USED), wanted - pool))
    drawn = rng.multinomial(wanted - used, np.array(shares) / sum(shares)).tolist()
    return dict(zip(KINDS, drawn, strict=True)), used


def _draw_time(town: Town, home: Home, kind: str) -> Violation:
    """Runs already, or begins in the history; never before the household came to live here."""
    rng, days = town.rng, town.days
    mean, least = LASTS[kind]
    if happens(rng, town.habits.runs_already):
        first, end = -int(3 + rng.exponential(0.8 * mean)), int(10 + rng.exponential(mean))
    else:
        first = whole(rng, 5, max(6, days - LATEST))
        end = first + least + gamma_days(rng, 1.3, mean)
    assert home.let_from is not None
    came = max(home.let_from, home.lived_in_from())
    if first < came:
        first = came + whole(rng, 1, LATEST)
        end = max(end, first + least)
    return Violation(kind, first, end)


def _draw_use_of_vacant(town: Town) -> Violation:
    rng = town.rng
    runs_already = happens(rng, 0.25)
    first = -whole(rng, 5, 200) if runs_already else whole(rng, 3, max(4, town.days - 10))
    return Violation("vacant_used", first, max(first, 0) + 7 + int(rng.gamma(1.2, 90)))
