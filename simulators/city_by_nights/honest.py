"""An honest year: breaks, travel, seasons, illness, feasts, holidays, renovation.

Rates a year and lengths in days are assumptions spread around `detection.md` sections 2.1 and 3: a home in nine is honestly
empty for 30 days or more. An absence that began before the history lasts into it.
"""

from __future__ import annotations

import numpy as np

from simulators.city_by_nights.absences import MINORS, leave
from simulators.city_by_nights.dice import YEAR_DAYS, pick, skewed_days
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.people import Actor, Means, Role

BREAKS = {
    "single_old": 3,
    "old_couple": 3.5,
    "family": 4,
    "young": 8,
    "night": 3,
    "traveller": 5,
    "seasonal": 3,
    "three_gen": 2,
}
"""Absences of a few days a year."""

FEASTS = {"single_old": 0.45, "old_couple": 0.5, "seasonal": 1.4, "young": 1.35, "three_gen": 0.7}
"""Factor on going away at Spring Festival; 1 for other kinds."""

LONG = {"young": 1.2, "three_gen": 0.7}
"""Factor on long absences."""

CAUSES = ("birth", "sick", "posting", "travel", "custody", "study", "flee", "care")
CAUSE_SHARES = (0.12, 0.24, 0.26, 0.12, 0.04, 0.06, 0.04, 0.12)
SUNDAY, FRIDAY = 6, 4


def live_honestly(home: Home) -> None:
    """The year of one household, as far as it leads its own life."""
    years = (home.days + 250) / YEAR_DAYS
    _take_breaks(home)
    if home.kind == "traveller":
        _travel(home)
    if home.kind == "seasonal":
        _follow_the_season(home)
    _leave_for_long(home, years)
    if home.kind in ("single_old", "old_couple"):
        _stay_with_children(home, years)
    _go_single(home, years)
    _celebrate(home)
    _spend_summer(home)
    if home.rng.random() < home.world.renovation:
        _renovate(home)


def _take_breaks(home: Home) -> None:
    rng, days = home.rng, home.days
    rate = BREAKS[home.kind] * home.world.breaks
    for first in rng.integers(-20, days, rng.poisson(rate * (days + 20) / YEAR_DAYS)).tolist():
        leave(home, first, first + 1 + int(rng.geometric(0.38)), "break")


def _travel(home: Home) -> None:
    """Business trips of one person."""
    rng = home.rng
    day = int(rng.integers(-8, 15))
    every = rng.uniform(9, 26)
    while day < home.days:
        length = int(rng.integers(2, 9))
        _go_alone(home, home.members[0], day, day + length)
        day += length + 1 + int(rng.exponential(every))


def _go_alone(home: Home, actor: Actor, first: int, end: int) -> None:
    home.send_away(actor, max(first, home.first), min(end, home.end))


def _follow_the_season(home: Home) -> None:
    rng = home.rng
    if rng.random() < home.world.season:
        day = int(rng.integers(-200, 200))
        for _ in range(1 if rng.random() < 0.6 else 2):
            length = skewed_days(rng, np.log(62), 0.55, 28, 205)
            others = home.residents[1:]
            staying = others if others and rng.random() < 0.45 else []
            leave(home, day, day + length, "season", staying)
            day += length + int(rng.integers(25, 130))
    if rng.random() < 0.3:
        day = int(rng.integers(0, home.days))
        leave(home, day, day + int(rng.integers(8, 20)), "home_visit")


def _leave_for_long(home: Home, years: float) -> None:
    rng, world = home.rng, home.world
    for _ in range(rng.poisson(world.long_absences * years * LONG.get(home.kind, 1.0))):
        first = int(rng.integers(-250, home.days))
        length = skewed_days(rng, world.long_median_log, world.long_spread, 14, 330)
        cause = pick(rng, CAUSES, CAUSE_SHARES)
        stays = len(home.residents) > 1 and rng.random() < 0.18
        leave(home, first, first + length, cause, home.residents[-1:] if stays else [])


def _stay_with_children(home: Home, years: float) -> None:
    """The old with their grown children: once, or in turns."""
    rng, world = home.rng, home.world
    if rng.random() < world.with_children * years:
        first = int(rng.integers(-150, home.days))
        leave(home, first, first + skewed_days(rng, np.log(35), 0.7, 12, 200), "children")
    if rng.random() < world.rotating:
        day, turn = int(rng.integers(-60, 60)), int(rng.integers(20, 70))
        while day < home.days:
            length = int(turn * rng.uniform(0.8, 1.25))
            leave(home, day, day + length, "children")
            day += length + int(turn * rng.uniform(0.6, 2.0))


def _go_single(home: Home, years: float) -> None:
    """One of the household: in hospital, at a boarding school, posted away."""
    rng, world = home.rng, home.world
    for actor, role in _with_roles(home):
        if role == Role.ELDER:
            for _ in range(rng.poisson(world.hospital * years)):
                _go_to_hospital(home, actor)
        elif role == Role.TEEN and rng.random() < world.boarding:
            at_school = home.calendar.is_term & ((home.calendar.weekday < FRIDAY) | (home.calendar.weekday == SUNDAY))
            actor.nights[1:] &= ~at_school
        elif role == Role.WORKER and rng.random() < 0.12:
            first = int(rng.integers(-60, home.days))
            if len(home.residents) > 1:
                _go_alone(home, actor, first, first + skewed_days(rng, 3.4, 0.8, 8, 240))


def _with_roles(home: Home) -> list[tuple[Actor, Role]]:
    """Members beside the roles of the household. The roles count one who was never enrolled: who stands after him is taken
    for the one before, which is part of what a seed means."""
    return list(zip(home.members, home.roles, strict=False))


def _go_to_hospital(home: Home, actor: Actor) -> None:
    """Who lives alone leaves an empty home; of others the household goes along now and then."""
    rng = home.rng
    first = int(rng.integers(-100, home.days))
    is_short = rng.random() < 0.9
    length = int(3 + rng.gamma(1.5, 5)) if is_short else int(rng.integers(30, 125))
    if len(home.residents) > 1:
        _go_alone(home, actor, first, first + length)
        if rng.random() >= 0.25:
            return
    leave(home, first, first + length, "hospital")


def _celebrate(home: Home) -> None:
    """To the old home for Spring Festival; a few stay there."""
    rng = home.rng
    for festival in home.calendar.festivals:
        if rng.random() < home.world.festival_trips * FEASTS.get(home.kind, 1.0):
            first = festival - int(rng.integers(1, 13))
            is_short = rng.random() < 0.93
            length = 5 + int(rng.gamma(1.8, 3.2)) if is_short else int(rng.integers(22, 45))
            leave(home, first, first + length, "feast")


def _spend_summer(home: Home) -> None:
    """Families travel, or send the children to their grandparents."""
    rng = home.rng
    children = [actor for actor, role in _with_roles(home) if role in MINORS]
    for holidays in home.calendar.summers:
        if not children or not -60 < holidays < home.days:
            continue
        first = holidays + int(rng.integers(0, 28))
        length = 6 + int(rng.gamma(1.6, 7))
        if rng.random() < home.world.summer_trips:
            leave(home, first, first + length, "summer")
        elif rng.random() < 0.3:
            for child in children:
                _go_alone(home, child, first, first + length)


def _renovate(home: Home) -> None:
    """Workmen come while the household is away."""
    rng = home.rng
    first = int(rng.integers(-20, home.days))
    end = first + int(rng.integers(14, 62))
    leave(home, first, end, "renovation")
    weights = {
        Means.VISITOR: rng.exponential(3),
        Means.SPARE: 1.5,
        Means.BORROWED: 1,
        Means.FOLLOWS: 2.5,
        Means.PIN: 4,
    }
    carried = home.guests_means(weights)
    workman = home.add(Role.AT_HOME, home.no_night(), carried, pass_days=int(rng.integers(1, 30)))
    days = [day for day in range(first, min(end, home.end)) if rng.random() < 0.7]
    home.visit(workman, days, hour=(8.6, 0.7), hours=(4, 9), litres=(8, 120))
    home.looks_like("visitor_abuse", first, end)
