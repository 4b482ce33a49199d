"""One household's honest life: its lease, its members, and then all that happens to it in the year."""

from __future__ import annotations

from simulators.city_by_estates.absences import leave_one_by_one, leave_together, leave_with_the_calendar
from simulators.city_by_estates.changes import change
from simulators.city_by_estates.company import decorate, keep_company
from simulators.city_by_estates.dice import NOBODY, YEAR_DAYS
from simulators.city_by_estates.household import Household
from simulators.city_by_estates.living import COMMON_CARDS
from simulators.city_by_estates.people import Means, Role, shares, weigh
from simulators.city_by_estates.town import Changed, Home, Town

KINDS = {
    "single_young": 0.15,
    "couple": 0.10,
    "family": 0.22,
    "large_family": 0.09,
    "three_generations": 0.07,
    "lone_elderly": 0.11,
    "old_couple": 0.09,
    "single_mid": 0.055,
    "single_parent": 0.055,
    "seasonal": 0.035,
    "shift_workers": 0.025,
}
"""Kinds of households with their shares of let dwellings."""

BARELY_ON = 0.05  # of what is plugged in when nobody has the home


def live(town: Town, home: Home) -> None:
    """A year of a home that is let; the order is part of what a seed means."""
    home.kind = town.dice.pick(KINDS)
    moves_in, moves_out = _draw_lease(town, home)
    house = Household(town, home, moves_in, moves_out, consents=town.dice.chance(town.world.consents))
    _move_in(house)
    _share_cards(house)
    leave_one_by_one(house)
    away = leave_together(house)
    leave_with_the_calendar(house)
    keep_company(house)
    change(house)
    house.send_guests_away(away)
    decorate(house)
    _keep_to_lease(house)
    _leak(house)
    home.residents, home.adults = house.residents, house.adults


def _draw_lease(town: Town, home: Home) -> tuple[int, int]:
    """Most had the home before and keep it; some move in or out in the year. Days on which they truly live there."""
    dice, days = town.dice, town.days
    first, end = -1, days + 1
    home.let_from = -dice.whole(30, 2500)
    moved = dice.rng.random()
    if moved < 0.035 * days / YEAR_DAYS:
        home.let_from = dice.whole(5, days)
        first = home.let_from + int(min(90, dice.rng.exponential(14)))
        if dice.chance(0.12):  # lived there before the register followed
            first = home.let_from - dice.whole(5, 30)
    elif moved < 0.075 * days / YEAR_DAYS:
        home.let_to = dice.whole(10, days)
        when = dice.rng.random()
        if when < 0.35:
            end = home.let_to - dice.whole(5, 60)
        elif when > 0.82:
            end = home.let_to + dice.whole(5, 50)
        else:
            end = home.let_to - dice.whole(0, 4)
    else:
        home.is_stable = True
        if dice.chance(0.3):
            home.let_to = days + dice.whole(10, 900)
    if not home.is_stable:
        home.unplugged += [Changed(-1, first, BARELY_ON), Changed(end, days + 1, BARELY_ON)]
    return first, end


def _move_in(house: Household) -> None:
    """The members by the kind of household."""
    town, home, dice = house.town, house.home, house.dice
    match home.kind:
        case "single_young" | "single_mid":
            house.add_adult()
        case "couple":
            house.add_adult()
            house.add_adult()
        case "family" | "large_family":
            house.add_adult()
            house.add_adult(Role.HOMEMAKER if dice.chance(0.2) else None)
            house.add_child()
            if home.kind == "large_family":
                house.add_child()
        case "three_generations":
            house.add_adult()
            house.add_adult()
            house.add_child()
            if dice.chance(0.3):
                house.add_child()
            house.add_elder(is_enrolled=not dice.chance(0.12))
            if dice.chance(0.5):
                house.add_elder(is_enrolled=not dice.chance(0.12))
        case "lone_elderly":
            house.add_elder()
            town.subgroups.append((home.number, "lone_elderly"))
        case "old_couple":
            house.add_elder()
            house.add_elder()
        case "single_parent":
            house.add_adult()
            house.add_child()
        case "seasonal":
            house.add_adult(Role.WORKER)
            town.subgroups.append((home.number, "seasonal_worker"))
            if dice.chance(0.35):
                house.add_adult()
        case _:  # shift workers
            house.add_adult(Role.NIGHT if dice.chance(0.4) else Role.SHIFT)
            if dice.chance(0.5):
                house.add_adult(Role.SHIFT)
    home.expected_members = None if dice.chance(0.12) else len(house.residents)


def _share_cards(house: Household) -> None:
    """A spare card in the drawer, cards lent within the family, a lawful member who was never enrolled."""
    town, home, dice, estate = house.town, house.home, house.dice, house.home.estate
    residents = house.residents
    if dice.chance(0.12) and estate.card_share > COMMON_CARDS:
        town.issue_card(home)
    if dice.chance(town.world.lends_card) and len(residents) > 1 and home.cards:
        borrower, card = dice.one_of(residents), dice.one_of(home.cards)
        if borrower.means[Means.CARD] > 0:
            borrower.card, borrower.card_of = card, town.credentials[card].holder
    if len(residents) > 1 and dice.chance(0.05):
        hidden = residents[-1]
        card_weight, pin_weight = 0.25 if home.cards else 0, 0.2 if estate.has_pins else 0
        weights = weigh(card=card_weight, pin=pin_weight, staff=estate.guard_weight, unseen=0.55)
        hidden.means, hidden.later_means, hidden.face_of = shares(weights), None, NOBODY
        if home.cards:
            hidden.card, hidden.card_of = home.cards[0], town.credentials[home.cards[0]].holder
        house.has_unenrolled = True


def _keep_to_lease(house: Household) -> None:
    """Nobody is there before the household moved in or after it moved out; members are struck off with the lease."""
    home, dice, days = house.home, house.dice, house.days
    first, end = house.moves_in, house.moves_out
    let_from = home.let_from if home.let_from is not None and home.let_from > 0 else first
    for actor in home.actors:
        actor.be_away(0, min(first, let_from))
        if end < days:
            actor.be_away(end, days)
    if home.let_to is not None and home.let_to < days:
        for _, member in home.enrolled:
            if member.until is None:
                member.until = home.let_to + (0 if dice.chance(0.7) else dice.whole(1, 25))
    if house.has_unenrolled:
        house.town.subgroups.append((home.number, "unenrolled_member"))


def _leak(house: Household) -> None:
    dice, days = house.dice, house.days
    if dice.chance(0.02 * days / YEAR_DAYS + 0.01):
        first = dice.between(-30, days)
        leak = Changed(first, first + dice.skewed(35, 0.7, 5, 200), dice.skewed(0.08, 0.9, 0.01, 0.9))
        house.home.leaks.append(leak)
    if dice.chance(0.035):  # drips all year
        house.home.leaks.append(Changed(-1, days + 1, dice.skewed(0.012, 0.6, 0.003, 0.05)))
