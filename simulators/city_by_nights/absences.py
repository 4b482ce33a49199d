"""Homes that stand empty: one generator for honest absences and for vacancies, and what is declared of them.

Only the shares of `World` differ, and little: tapering off, a relative who looks in, some nights there in between, a fridge
left on are found in both (`law_and_practice.md` section 4.1, IE01-IE12; `detection.md` section 3).
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

import numpy as np

from simulators.city_by_nights.dice import pick, skewed
from simulators.city_by_nights.home import Home
from simulators.city_by_nights.people import Actor, Carried, Means, Role


class Upkeep(IntEnum):
    """What happens in an empty home."""

    NOTHING = 0
    TOKEN_VISITS = 1  # a member looks in
    RELATIVE = 2  # somebody else does
    USED_BY_DAY = 3


REASONS = {
    "birth": "travel",
    "feast": "home_visit",
    "summer": "home_visit",
    "children": "home_visit",
    "season": "work",
    "posting": "work",
    "sick": "care",
    "custody": "other",
    "study": "other",
    "flee": "other",
    "break": "travel",
}
"""The format's word for a cause; other causes are such words themselves."""

MINDED = ("hospital", "care", "sick", "posting", "children", "travel")
"""Causes for which a grown child may mind the home."""

MINORS = (Role.CHILD, Role.TEEN)


def leave(home: Home, first: int, end: int, cause: str, staying: Collection[Actor] = ()) -> None:
    """The whole household, but for those `staying`, is away on days [first, end) for an honest reason."""
    rng, world = home.rng, home.world
    first, end = max(first, home.first), min(end, home.end)
    if end - first < 1 or end <= 0 or first >= home.days:
        return
    leaving = [actor for actor in home.residents if actor not in staying]
    for actor in leaving:
        home.send_away(actor, first, end)
    length = end - first
    if length >= 25 and rng.random() < world.fades_honest:
        fade(home, leaving, first, int(rng.integers(7, 32)))
    upkeep = Upkeep(rng.choice(len(Upkeep), p=world.upkeep_honest)) if length >= 10 else Upkeep.NOTHING
    keep_up(home, first, end, upkeep, world.returns_honest if length > 25 else 0)
    if length >= 12 and rng.random() < world.fridge_off:
        home.switch_off(first, end)
    if length >= 7 and rng.random() < home.estate.declares * (0.45 + 0.55 * min(1, length / 45)):
        _declare(home, first, end, REASONS.get(cause, cause))
    if length >= 30:
        home.looks_like("vacancy", first, end)
    if length >= 21 and rng.random() < world.sitter and cause in MINDED:
        _mind(home, first, end)


def _declare(home: Home, first: int, end: int, reason: str) -> None:
    """Most before they leave, some long after; the end as they thought of it, or none."""
    rng, length = home.rng, end - first
    if rng.random() < 0.6:
        declared_on = first - int(rng.integers(0, 6))
    else:
        declared_on = first + int(rng.integers(1, 22) if rng.random() < 0.65 else rng.integers(20, 75))
    told = None if rng.random() < 0.22 else end + int(rng.normal(0, 1 + 0.12 * length))
    if told is None or told > first:
        home.declare(first, told, reason, declared_on)


def _mind(home: Home, first: int, end: int) -> None:
    """A grown child minds the home, the cat."""
    rng = home.rng
    comes = first + int(rng.integers(1, 8))
    goes = min(end, comes + int(rng.integers(8, 40)))
    weights = {
        Means.BORROWED: rng.exponential(3),
        Means.SPARE: rng.exponential(3),
        Means.VISITOR: rng.exponential(1),
        Means.FOLLOWS: 1.5,
    }
    home.add(Role.WORKER, home.nights_of(comes, goes), home.guests_means(weights))
    home.looks_like("lent", comes, goes)


def fade(home: Home, leaving: Collection[Actor], first: int, days: int) -> None:
    """They leave bit by bit in the `days` before the day they are gone."""
    rng, away = home.rng, False
    for night in range(max(0, first - days), max(0, min(home.days + 1, first + 1))):
        gone = 1 - (first - night) / days
        if rng.random() < 0.45:
            away = rng.random() < 0.15 + 0.65 * gone
        if away:
            for actor in leaving:
                actor.nights[night] = False


def keep_up(home: Home, first: int, end: int, upkeep: Upkeep, returns: float) -> None:
    """The same things happen in an empty home whether its people are honest or not.

    `returns` is the share of homes, empty for more than 20 days, in which members sleep some nights in between.
    """
    rng, end = home.rng, min(end, home.days)
    length = end - first
    if length < 6:
        return
    grown_ups = [actor for actor in home.members if actor.role not in MINORS] or home.members
    if upkeep != Upkeep.NOTHING:
        caller = _relative(home) if upkeep == Upkeep.RELATIVE else _owner(home, grown_ups)
        if upkeep == Upkeep.USED_BY_DAY:
            _use_by_day(home, caller, first, length)
        else:
            _look_in(home, caller, first, end)
    if length > 20 and rng.random() < returns:
        _return_sometimes(home, grown_ups, first, end)


def _relative(home: Home) -> Actor:
    rng = home.rng
    weights = {
        Means.BORROWED: rng.exponential(2),
        Means.SPARE: rng.exponential(2),
        Means.VISITOR: rng.exponential(1.4),
        Means.FOLLOWS: 2,
        Means.PIN: 4,
    }
    carried = home.guests_means(weights, [actor.member for actor in home.members])
    return home.add(Role.AT_HOME, home.no_night(), carried)


def _owner(home: Home, grown_ups: list[Actor]) -> Actor:
    """A member as one who comes by day: the same face and cards, other hours."""
    owner = pick(home.rng, grown_ups)
    caller = home.add(
        Role.AT_HOME,
        home.no_night(),
        Carried({}, -1),
        member=owner.member,
        missed=owner.missed,
        face_from=owner.face_from,
        face_until=owner.face_until,
    )
    caller.means = owner.means
    return caller


def _use_by_day(home: Home, caller: Actor, first: int, length: int) -> None:
    rng = home.rng
    share = rng.uniform(0.2, 0.75)
    days = first + 1 + np.flatnonzero(rng.random(max(1, length - 1)) < share)
    hour = rng.uniform(9, 15)
    home.visit(caller, days, hour=(hour, 1.5), hours=(1.5, 7.5), litres=(4, 60), draws_water=rng.uniform(0.4, 0.95))


def _look_in(home: Home, caller: Actor, first: int, end: int) -> None:
    """Every twelve days or so, at the median home."""
    rng = home.rng
    gap = skewed(rng, np.log(12), 0.55, 4, 45)
    days: list[int] = []
    day = first + rng.uniform(0.3, 1.3) * gap
    while day < end - 1:
        days.append(int(day))
        day += max(1.5, gap * rng.gamma(3, 1 / 3))
    hour = rng.uniform(9, 18)
    home.visit(caller, days, hour=(hour, 2.0), hours=(0.2, 3.5), draws_water=rng.uniform(0.3, 0.85))


def _return_sometimes(home: Home, grown_ups: list[Actor], first: int, end: int) -> None:
    rng = home.rng
    day = first + int(rng.integers(8, 50))
    while day < end - 3:
        nights = int(rng.integers(1, 5))
        for actor in grown_ups if rng.random() < 0.5 else [pick(rng, grown_ups)]:
            actor.nights[max(0, day) : max(0, day + nights)] = True
        day += int(rng.integers(18, 60))
