"""What changes in a household while the register follows late or not at all: births, divorces, deaths, successions."""

from __future__ import annotations

from simulators.city_by_estates.dice import YEAR_DAYS
from simulators.city_by_estates.empty_homes import stand_empty
from simulators.city_by_estates.household import Household
from simulators.city_by_estates.living import COMMON_CARDS, register
from simulators.city_by_estates.people import Actor, Presence, Role
from simulators.city_by_estates.residents import add_resident

WHO_MOVES_IN = {
    (Role.WORKER,): 0.3,
    (Role.WORKER, Role.WORKER): 0.3,
    (Role.WORKER, Role.HOMEMAKER, Role.CHILD): 0.25,
    (Role.ELDER, Role.ELDER): 0.15,
}


def change(house: Household) -> None:
    """All of it for one household, in an order that is part of what a seed means."""
    dice, days, kind, world = house.dice, house.days, house.home.kind, house.town.world
    if dice.chance(0.0035 * days / YEAR_DAYS):
        _succeed(house)
    if kind in ("couple", "family") and dice.chance(0.05):
        first, lag = dice.whole(0, days), dice.delay(50)
        register(house.town, house.home, first + lag, None, consents=house.consent())
        newborn = house.add_guest(Role.INFANT, first, days + 1, way_in="unseen")
        newborn.follows = 0.9
    if len(house.adults) >= 2 and dice.chance(0.018):  # a divorce
        day = dice.whole(-60, days)
        _leave_for_good(house, house.adults[1], day, dice.delay(100 * world.register_lag))
    if house.elders and dice.chance(0.025):
        day = dice.whole(-30, days)
        lag = dice.delay(45 * world.register_lag) + 5
        _leave_for_good(house, house.elders[0], day, lag)
        if kind == "lone_elderly":
            _clear_home(house, day, lag)
    if kind in ("family", "large_family", "old_couple", "three_generations") and dice.chance(0.05):
        consents = house.consent()  # on the list, a student or soldier elsewhere
        register(house.town, house.home, house.home.let_from or 0, None, consents=consents)
        if house.home.expected_members:
            house.home.expected_members += 1


def _succeed(house: Household) -> None:
    """An approved swap or succession: another family lives there, the register follows weeks later."""
    town, home, dice, days = house.town, house.home, house.dice, house.days
    day, lag = dice.whole(0, days), int(dice.skewed(35, 0.6, 10, 140))
    home.is_stable = False
    for actor in home.actors:
        actor.be_away(day, days)
    for _, member in home.enrolled:
        member.until = day + lag
    estate = home.estate
    spare = 0.5 if estate.card_share > COMMON_CARDS else 0
    way_in = dice.pick({"spare": spare, "card": 0.2, "unseen": 0.15, "face": 0.15})
    for role in dice.pick(WHO_MOVES_IN):
        house.add_guest(role, day + 1, day + lag, way_in=way_in)
        consents = house.consent()
        follower = add_resident(town, home, role, day + lag, days + 1, consents=consents, since=day + lag)
        house.residents.append(follower)


def _leave_for_good(house: Household, actor: Actor, day: int, lag: int) -> None:
    """The register follows `lag` days later, if still within the history."""
    actor.be_away(day, house.days)
    for enrolled, member in house.home.enrolled:
        if enrolled is actor and 0 < day + lag < house.days:
            member.until = day + lag


def _clear_home(house: Household, day: int, lag: int) -> None:
    """Nobody is left; the family comes once or twice, then the lease ends."""
    home, dice, days = house.home, house.dice, house.days
    home.is_stable = False
    ends = max(day + lag, 1) + dice.whole(20, 90)
    home.let_to = max((home.let_from or 0) + 10, min(days + 200, ends))
    stand_empty(house.town, home, day, days, house.residents, planned=60)
    for _ in range(2):
        heir = house.add_guest(Role.WORKER)
        heir.visit_hours = 2.0
        heir.presence[max(0, min(days - 1, day + dice.whole(3, 60)))] = Presence.VISIT
