"""Who else is found in honest homes and is not registered: grandparents, partners, guests, carers, decorators."""

from __future__ import annotations

import numpy as np

from simulators.city_by_estates.empty_homes import send_away
from simulators.city_by_estates.household import Household
from simulators.city_by_estates.living import COMMON_CARDS
from simulators.city_by_estates.people import Actor, Presence, Role
from simulators.city_by_estates.residents import add_resident

OLD = ("lone_elderly", "old_couple")
MAY_HAVE_PARTNER = ("single_young", "single_mid", "single_parent", "lone_elderly")


def keep_company(house: Household) -> None:
    """All of it for one household, in an order that is part of what a seed means."""
    dice, days, kind, world = house.dice, house.days, house.home.kind, house.town.world
    often = world.guests
    if house.children and dice.chance(world.grandparents * often):
        _grandparents(house)
    if house.children and dice.chance(0.05 * often) and any(one.role == Role.INFANT for one in house.children):
        first = dice.whole(-30, days)  # a nurse for the mother's first month
        nurse = house.add_guest(Role.HOMEMAKER, first, first + dice.whole(26, 80))
        nurse.errands *= 0.5
    if kind in MAY_HAVE_PARTNER and dice.chance(world.partner * often * (2 if kind == "single_young" else 1)):
        _partner(house)
    _relatives(house)
    if dice.chance(0.03 * often):
        _frequent_visitor(house)
    if kind in OLD and dice.chance(world.carer):
        _carer(house)
    if house.children and dice.chance(0.01):
        first = dice.whole(-200, days * 0.8)  # the parents work elsewhere, grandparents keep the child
        end = first + int(dice.skewed(150, 0.5, 40, 600))
        send_away(house.adults, first, end)
        house.add_guest(Role.ELDER, first, end)
        house.has_unenrolled = True
    if kind in (*OLD, "single_mid") and dice.chance(0.02):
        first = dice.whole(-300, days)  # a grown child or nephew, approved and never recorded
        house.add_guest(Role.WORKER, first, first + int(dice.skewed(200, 0.8, 30, 1500)))
        house.has_unenrolled = True


def _grandparents(house: Household) -> None:
    dice = house.dice
    first = dice.whole(-60, house.days)
    end = first + int(dice.skewed(70, 0.6, 15, 300))
    for _ in range(1 + dice.chance(0.45)):
        house.add_guest(Role.ELDER, first, end)
    house.has_unenrolled = True


def _partner(house: Household) -> None:
    """Sleeps there on some nights; some are registered as spouses later."""
    dice, days = house.dice, house.days
    first = dice.whole(-250, days)
    end = first + int(dice.skewed(230, 0.8, 30, 1500))
    often = dice.between(0.35, 1)
    role = Role.WORKER if house.home.kind != "lone_elderly" else Role.ELDER
    partner = house.add_guest(role, first, end)
    house.home.partner = partner
    partner.presence[(dice.rng.random(days) > often) & (partner.presence == Presence.HOME)] = Presence.AWAY
    house.has_unenrolled = True
    if dice.chance(0.4):
        married = first + dice.whole(30, 200)
        if 0 < married < days:
            partner.be_away(married, days)
            consents = house.consent()
            add_resident(
                house.town, house.home, Role.WORKER, married, min(days + 1, end), consents=consents, since=married
            )


def _relatives(house: Household) -> None:
    """Relatives or friends stay for some days; rarely many of them at once, for weeks."""
    dice, often = house.dice, house.town.world.guests
    for first in house.times(0.42 * often, 60):
        length = dice.skewed(9, 0.9, 2, 80)
        for _ in range(1 + dice.chance(0.4) + dice.chance(0.15)):
            role = dice.pick({Role.FREE: 0.4, Role.ELDER: 0.3, Role.WORKER: 0.2, Role.CHILD: 0.1})
            house.add_guest(role, first, first + length)
    if dice.chance(0.008 * often):
        first = dice.between(-20, house.days)
        length = dice.skewed(30, 0.6, 10, 120)
        for _ in range(int(dice.rng.integers(3, 6))):
            role = dice.pick({Role.FREE: 0.3, Role.ELDER: 0.25, Role.WORKER: 0.25, Role.CHILD: 0.2})
            house.add_guest(role, first, first + length)


def _caller(house: Household, role: Role, hours: float, hour: float, litres: float, way_in: str | None = None) -> Actor:
    """Somebody who comes by day, on days still to be set."""
    caller = house.add_guest(role, way_in=way_in)
    caller.visit_hours, caller.visit_hour, caller.litres = hours, hour, litres
    return caller


def _frequent_visitor(house: Household) -> None:
    """A teenager's friend, a sister from next door."""
    dice = house.dice
    hours, hour = dice.between(1, 5), dice.between(12, 19)
    visitor = _caller(house, Role.FREE, hours, hour, 0.03)
    comes = dice.rng.random(house.days) < dice.between(0.1, 0.5)
    visitor.presence[comes] = Presence.VISIT


def _carer(house: Household) -> None:
    """Comes on most days; a quarter of them live in."""
    dice, days = house.dice, house.days
    first = int(-50 if dice.chance(0.6) else dice.between(0, days))
    has_cards = house.home.estate.card_share > COMMON_CARDS
    way_in = dice.pick({"card": 0.38, "visitor": 0.25, "pin": 0.15, "unseen": 0.12, "spare": 0.1 if has_cards else 0})
    hour, hours = dice.between(7.5, 17), dice.between(1, 6)
    carer = _caller(house, Role.HOMEMAKER, hours, hour, 0.05, way_in)
    comes = (dice.rng.random(days) < dice.between(0.45, 0.97)) & (np.arange(days) >= first)
    carer.presence[comes] = Presence.VISIT
    house.town.subgroups.append((house.home.number, "carer"))
    if dice.chance(0.25):
        carer.presence[comes] = Presence.HOME


def decorate(house: Household) -> None:
    """Craftsmen come between the start of a lease and the day the household moves in."""
    dice, let_from = house.dice, house.home.let_from
    if let_from is None or let_from <= 0 or house.moves_in <= let_from:
        return
    craftsman = house.add_guest(Role.WORKER)
    craftsman.visit_hours, craftsman.litres = 4.0, 0.05
    first, end = max(0, let_from), min(house.days, house.moves_in)
    if end > first:
        comes = dice.rng.random(end - first) < dice.between(0, 0.5)
        craftsman.presence[first:end][comes] = Presence.VISIT
