"""Homes that are recorded as vacant: viewings, repairs, and people whom the operator puts up for a time."""

from __future__ import annotations

import numpy as np

from simulators.city_by_estates.dice import NOBODY
from simulators.city_by_estates.households import BARELY_ON
from simulators.city_by_estates.living import COMMON_CARDS, add_actor, add_guest
from simulators.city_by_estates.people import Presence, Role, weigh
from simulators.city_by_estates.town import Changed, Home, Town


def stand_vacant(town: Town, home: Home) -> None:
    """A year of a home that nobody rents."""
    dice, days = town.dice, town.days
    home.unplugged.append(Changed(-1, days + 1, BARELY_ON))
    if dice.chance(0.7):
        _look_after(town, home)
    if dice.chance(0.03):  # put up while their own home is repaired
        first = dice.whole(0, days)
        end = first + dice.whole(15, 60)
        way_in = "spare" if home.estate.card_share > COMMON_CARDS else None
        for _ in range(int(dice.rng.integers(1, 4))):
            add_guest(town, home, Role.WORKER, first, end, way_in=way_in)
    if dice.chance(0.05):
        begins = dice.between(-50, days)
        leak = Changed(begins, begins + dice.skewed(40, 0.8, 5, 300), dice.skewed(0.03, 0.9, 0.005, 0.4))
        home.leaks.append(leak)


def _look_after(town: Town, home: Home) -> None:
    """Viewings and cleaning on some days; a third of the homes are refitted for some days or weeks."""
    dice, days, estate = town.dice, town.days, home.estate
    hours, litres = dice.between(0.3, 3), dice.between(0.005, 0.15)
    means = weigh(visitor=0.3 if estate.has_visitor_passes else 0, staff=0.5, unseen=0.4)
    at_lock = weigh(pin=0.1, staff=0.5, unseen=0.4)
    nobody_yet = np.zeros(days, np.uint8)
    keeper = add_actor(town, home, Role.FREE, nobody_yet, means, at_lock, estate.face_failures)
    keeper.visit_hours, keeper.litres, keeper.water_share = hours, litres, 0.3
    if home.lock != NOBODY:
        town.issue_pin(home)
    comes = dice.rng.random(days) < dice.between(0.005, 0.05)
    if dice.chance(0.35):
        first = dice.whole(0, days)
        end = min(days, first + dice.whole(3, 25))
        comes[first:end] |= dice.rng.random(end - first) < 0.6
    keeper.presence[comes] = Presence.VISIT
