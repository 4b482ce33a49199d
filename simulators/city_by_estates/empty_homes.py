"""Homes that stand empty: the same things happen there whether its people are honest or not; and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.city_by_estates.dice import MONTH_DAYS
from simulators.city_by_estates.living import add_guest
from simulators.city_by_estates.people import Actor, Presence, Role
from simulators.city_by_estates.town import Changed, Declared, Home, Town

RAREST_VISITS = 0.004  # a day; who comes less often does not come


def send_away(actors: Sequence[Actor], first: float, end: float) -> None:
    """None of them is at home on days [first, end)."""
    for actor in actors:
        actor.be_away(first, end)


def fade(town: Town, leaving: Sequence[Actor], first: int, length: int, share: float) -> None:
    """They leave bit by bit: a `share` of nights elsewhere `length` days before `first`, then more and more."""
    for day in range(max(0, first - length), max(0, min(town.days, first))):
        if town.dice.chance(share + 0.6 * (day - first + length) / length):
            send_away(leaving, day, day + 1)


def stand_empty(
    town: Town,
    home: Home,
    first: float,
    end: float,
    residents: Sequence[Actor],
    *,
    looks_in: float = 1.0,
    planned: float | None = None,
) -> None:
    """What happens in a home that its people left on days [first, end).

    `looks_in` is a factor on how often one of them comes; `planned` the days they meant to be away, if not as many.
    """
    dice = town.dice
    length = end - first if planned is None else planned
    if dice.chance(min(0.7, length / 160)):
        home.unplugged.append(Changed(first, end, dice.between(0, 0.5)))
    if dice.chance(0.08):
        begins = first + dice.between(0, max(1, end - first) * 0.6)
        home.leaks.append(Changed(begins, end, dice.skewed(0.02, 0.9, 0.003, 0.3)))
    if length < 12:
        return
    if dice.chance(0.55):
        rate = float(dice.rng.gamma(1.1, 1.1)) * looks_in / MONTH_DAYS
        if residents:
            _come_back(town, dice.one_of(residents), first, end, rate)
    if dice.chance(0.22):
        _mind(town, home, first, end)
    if length > 18 and dice.chance(min(0.4, 0.0016 * (min(end, town.days) - max(first, 0)))):
        _sleep_there(town, home, first, end)


def _come_back(town: Town, resident: Actor, first: float, end: float, rate: float) -> None:
    """A member comes now and then, for the post, to air, for clothes; sometimes for some nights."""
    dice, moment = town.dice, first
    while rate > RAREST_VISITS:
        moment += dice.rng.exponential(1 / rate)
        if moment >= end:
            break
        day = int(moment)
        if 0 <= day < town.days:
            if dice.chance(0.4):
                resident.presence[day : min(town.days, day + 1 + int(dice.rng.integers(3)))] = Presence.HOME
            else:
                resident.presence[day] = Presence.VISIT


def _mind(town: Town, home: Home, first: float, end: float) -> None:
    """A relative or neighbour looks after it."""
    dice = town.dice
    rate = float(dice.rng.gamma(1.2, 1.6)) / MONTH_DAYS
    litres, hours = dice.between(0.005, 0.05), dice.between(0.2, 1.5)
    caller = add_guest(town, home, Role.ELDER)
    caller.litres, caller.visit_hours, caller.water_share, caller.minds_home = litres, hours, 0.2, True
    moment = first
    while rate > RAREST_VISITS:
        moment += dice.rng.exponential(1 / rate)
        if moment >= end:
            break
        if 0 <= int(moment) < town.days:
            caller.presence[int(moment)] = Presence.VISIT


def _sleep_there(town: Town, home: Home, first: float, end: float) -> None:
    """Kin or a friend sleeps there for some nights."""
    dice = town.dice
    comes = dice.between(max(first, 0), min(end, town.days))
    nights = dice.skewed(6, 0.9, 1, 40)
    for _ in range(1 + dice.chance(0.3)):
        role = dice.pick({Role.FREE: 0.5, Role.WORKER: 0.3, Role.ELDER: 0.2})
        add_guest(town, home, role, comes, min(end, comes + nights)).minds_home = True


def declare(town: Town, home: Home, first: int, end: int, reason: str, share: float | None = None) -> None:
    """Tells the office of an absence, in `share` of cases if it is long (by default as the city does)."""
    dice, days = town.dice, town.days
    share = town.world.declares if share is None else share
    let_from, let_to = home.let_from, home.let_to
    if let_from is not None and (first < let_from or (let_to is not None and first >= let_to)):
        return
    if end <= 0 or first >= days or not dice.chance(share * min(1, 0.25 + (end - first) / 60)):
        return
    declared_on = first - dice.delay(5) if dice.chance(0.65) else first + dice.delay(14)
    if declared_on >= days:
        return
    told: int | None = None
    if not dice.chance(0.15):
        length = end - first
        told = int(end + (0 if dice.chance(0.5) else dice.rng.normal(0, 6 + 0.15 * length)))
        told = first + 1 if told < first else told
    town.declared.append(Declared(home.number, first, told, reason, declared_on))
