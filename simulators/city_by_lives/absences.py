"""Households that go away and come back, honestly or not; and who looks in at the empty home meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.city_by_lives.basics import NEVER, happens, pick, whole
from simulators.city_by_lives.jobs import Job
from simulators.city_by_lives.means import add_guest
from simulators.city_by_lives.people import Actor
from simulators.city_by_lives.town import Declared, Home, Town
from simulators.city_by_lives.whereabouts import Where, go_away

SHORT, LONG, VERY_LONG = 12, 35, 60  # days
VISITS_EVERY, VISITS_SHARES = (5, 9, 14, 22, 36), (0.1, 0.22, 0.27, 0.23, 0.18)  # days
STILL_HERE, STILL_HERE_SHARES = (Where.DAY_VISIT, Where.LIVES, Where.EVENING_VISIT), (0.35, 0.35, 0.3)


def be_away(
    town: Town,
    home: Home,
    first: int,
    end: int,
    *,
    who: Sequence[Actor] | None = None,
    reason: str | None = None,
    declares: float | None = None,
    has_callers: bool = True,
    may_fade: bool = False,
) -> None:
    """The household, or `who` of it, is away from day `first` to about `end`.

    With a `reason` it may be declared, with chance `declares` (None: as usual for so long). `may_fade`: it may leave by and by.
    """
    rng, residents = town.rng, home.residents
    who = residents if who is None else who
    for actor in who:
        go_away(actor.where, first, end + whole(rng, 0, 2))
    seen_days = min(end, town.days) - max(first, 0)
    if len(who) == len(residents):
        home.empty.append((first, end))
        if may_fade and seen_days > LONG and happens(rng, 0.27):
            _fade(town, who, first, end, whole(rng, 5, 40))
        if has_callers and seen_days > SHORT and happens(rng, town.habits.has_caller * min(1.3, seen_days / 40)):
            by_resident = seen_days > LONG and happens(rng, 0.4)
            look_in(town, home, max(first, 0) + 3, min(end, town.days) - 2, by_resident=by_resident)
    if reason:
        usual = town.habits.declares * (0.5 if seen_days < 20 else 1.1 if seen_days < VERY_LONG else 1.35)
        if happens(rng, usual if declares is None else declares):
            declare(town, home, first, end, reason)


def _fade(town: Town, who: Sequence[Actor], first: int, end: int, fades: int) -> None:
    """In the first days of the absence everybody is still here now and then."""
    for actor in who:
        for day in range(max(first, 0), min(first + fades, end - 2, town.days)):
            if actor.where[day] in (Where.AWAY, Where.LEAVES) and happens(town.rng, 0.55 * (1 - (day - first) / fades)):
                actor.where[day] = pick(town.rng, STILL_HERE, STILL_HERE_SHARES)


def declare(town: Town, home: Home, first: int, end: int, reason: str) -> None:
    """The household tells the office, before or after it left, mostly with a day of return that is about right."""
    rng = town.rng
    declared_on = first - whole(rng, 0, 10) if happens(rng, 0.55) else first + whole(rng, 1, 45)
    if declared_on >= min(end, town.days):
        return
    returns = end + int(rng.normal(0, 6)) if happens(rng, 0.75) else -NEVER
    town.declared.append(Declared(home.number, first, returns if returns >= first else None, reason, declared_on))


def look_in(
    town: Town,
    home: Home,
    first: int,
    end: int,
    *,
    by_resident: bool,
    every: float | None = None,
    overnight: float = 0.22,
    hours: float | None = None,
) -> None:
    """Somebody comes to the empty home `every` so many days (None: drawn), for so many hours or overnight."""
    rng = town.rng
    every = pick(rng, VISITS_EVERY, VISITS_SHARES) * rng.uniform(0.8, 1.25) if every is None else every
    visits, moment = list[int](), first + rng.exponential(every)
    while moment < end:
        visits.append(int(moment))
        moment += max(1.0, every * rng.gamma(4, 0.25))
    if not visits:
        return
    hours = rng.uniform(0.4, 3.0) if hours is None else hours
    residents = home.residents
    if by_resident and residents:
        caller = pick(rng, residents)
        caller = residents[0] if caller.job in (Job.PUPIL, Job.TODDLER) else caller
        caller.visit_hours = hours
    else:
        caller = add_guest(town, home, np.zeros(town.days, np.int8), Job.HOMEMAKER, visit_hours=hours)
    where = caller.where
    for day in visits:
        if day + 1 < town.days and where[day] == Where.AWAY:
            if happens(rng, overnight) and where[day + 1] == Where.AWAY:
                where[day], where[day + 1] = Where.ARRIVES, Where.LEAVES
            else:
                where[day] = Where.DAY_VISIT if happens(rng, 0.65) else Where.EVENING_VISIT


def depart(town: Town, home: Home, first: int, end: int, *, fades: int = 0) -> None:
    """All residents leave the home to others, or to nobody; in the first `fades` days they are still here now and then."""
    rng = town.rng
    for actor in home.residents:
        where, before = actor.where, actor.where.copy()
        go_away(where, first, end)
        for day in range(max(first, 0), min(first + fades, town.days, end)):
            if before[day] == Where.LIVES and happens(rng, 0.55 * (1 - (day - first) / fades)):
                where[day] = pick(rng, STILL_HERE, STILL_HERE_SHARES)
    home.empty.append((first, end))
