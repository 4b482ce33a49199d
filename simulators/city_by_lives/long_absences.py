"""The long absences that honest people have: care, work elsewhere, rehabilitation, a partner's home."""

from __future__ import annotations

import numpy as np

from simulators.city_by_lives.absences import be_away
from simulators.city_by_lives.basics import gamma_days, happens, pick, whole
from simulators.city_by_lives.people import HouseholdKind, Role
from simulators.city_by_lives.town import Home, Town
from simulators.city_by_lives.whereabouts import Where, go_away

ELDERLY = (HouseholdKind.ELDER_ALONE, HouseholdKind.ELDER_COUPLE)
ALONE = (HouseholdKind.YOUNG_ALONE, HouseholdKind.OLDER_ALONE)
SEVERAL = (
    HouseholdKind.YOUNG_COUPLE,
    HouseholdKind.PARENTS_OF_GROWN,
    HouseholdKind.FAMILY,
    HouseholdKind.SINGLE_PARENT,
    HouseholdKind.THREE_GENERATIONS,
)
SEASONAL = (
    HouseholdKind.YOUNG_ALONE,
    HouseholdKind.OLDER_ALONE,
    HouseholdKind.YOUNG_COUPLE,
    HouseholdKind.PARENTS_OF_GROWN,
)
BUSY = 0.82  # of the chances below, a year in the mean

Reasons = tuple[tuple[float, int, int, str], ...]
OF_ELDERLY: Reasons = (
    (0.085, 85, 30, "care"),  # of grandchildren, elsewhere
    (0.03, 130, 40, "care"),  # by their children
    (0.018, 60, 25, "hospital"),
    (0.03, 60, 40, "travel"),  # winters in the south
)
OF_ALONE: Reasons = ((0.07, 70, 20, "work"), (0.03, 55, 25, "care"))
OF_SEVERAL: Reasons = ((0.012, 60, 25, "care"), (0.012, 70, 30, "work"))
"""(chance a year, mean days above the least, least days, reason)"""


def be_long_away(town: Town, home: Home) -> None:
    """The long absences of one household, if it has any."""
    rng = town.rng
    chance = BUSY * town.habits.long_absences * town.years
    has_children = any(actor.role == Role.CHILD for actor in home.residents)
    if home.kind in ELDERLY:
        _leave_for(town, home, OF_ELDERLY, chance)
    if home.kind in ALONE:
        _leave_for(town, home, OF_ALONE, chance)
        _sleep_at_partners(town, home)
        _commute_weekly(town, home)
    if home.kind in SEVERAL:
        _leave_for(town, home, OF_SEVERAL, chance)
        _work_elsewhere(town, home)
    if happens(rng, 0.004 * chance * (0.3 if has_children else 1)):
        first = whole(rng, -200, max(1, town.days - 120))
        reason = pick(rng, ("work", "hospital", "care", "other"))
        be_away(town, home, first, first + whole(rng, 150, 330), reason=reason, declares=0.55, may_fade=True)
    if home.kind in SEASONAL and happens(rng, 2.3 * town.habits.seasonal_work):
        _work_seasons(town, home)
    if happens(rng, 0.012 * chance):
        _leave_for(town, home, ((1.0, 22, 8, "renovation"),), 1)


def _leave_for(town: Town, home: Home, reasons: Reasons, factor: float) -> None:
    for chance, mean, least, reason in reasons:
        if happens(town.rng, chance * factor):
            first = whole(town.rng, -60, town.days)
            end = first + least + gamma_days(town.rng, 1.6, mean)
            be_away(town, home, first, end, reason=reason, may_fade=True)


def _sleep_at_partners(town: Town, home: Home) -> None:
    """Half the week, for months."""
    rng = town.rng
    if not happens(rng, 0.045):
        return
    share, first = rng.uniform(0.3, 0.65), whole(rng, -200, town.days - 30)
    where = home.residents[0].where
    for day in range(max(first, 0), min(first + whole(rng, 60, 400), town.days)):
        if where[day] == Where.LIVES and happens(rng, share):
            where[day] = Where.EVENING_VISIT if happens(rng, 0.25) else Where.AWAY


def _commute_weekly(town: Town, home: Home) -> None:
    """Sleeps at the site in the week; some come home every second week only."""
    rng, weekday = town.rng, town.calendar.weekday
    if not happens(rng, 0.03):
        return
    where = home.residents[0].where
    lives = where == Where.LIVES
    where[lives & (weekday < 4)] = Where.AWAY
    where[lives & (weekday == 4)] = Where.ARRIVES
    where[lives & (weekday == 6)] = Where.LEAVES
    if happens(rng, 0.5):
        where[lives & (np.arange(town.days) // 7 % 2 == 0)] = Where.AWAY


def _work_elsewhere(town: Town, home: Home) -> None:
    """One of the household comes home for some days every few weeks."""
    rng = town.rng
    if not happens(rng, 0.1):
        return
    worker, day = home.residents[0], whole(rng, -60, 20)
    while day < town.days:
        away = whole(rng, 14, 75)
        go_away(worker.where, day, day + away)
        day += away + whole(rng, 3, 14)


def _work_seasons(town: Town, home: Home) -> None:
    rng, day = town.rng, whole(town.rng, -60, 60)
    town.subgroups.add((home.number, "seasonal_worker"))
    while day < town.days:
        away = int(pick(rng, (25, 40, 70, 110, 150), (0.2, 0.25, 0.25, 0.2, 0.1)) * rng.uniform(0.7, 1.3))
        be_away(town, home, day, day + away, reason="work")
        day += away + whole(rng, 8, 60)
