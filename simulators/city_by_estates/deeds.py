"""Each kind of violation as it happens in a home: who leaves, who lives there instead, by what means they get in."""

from __future__ import annotations

from collections.abc import Callable

from simulators.city_by_estates.dice import NEVER, NOBODY
from simulators.city_by_estates.empty_homes import declare, send_away, stand_empty
from simulators.city_by_estates.households import BARELY_ON
from simulators.city_by_estates.living import COMMON_CARDS, add_guest, register
from simulators.city_by_estates.people import MINORS, Actor, Presence, Role, habit, shares, weigh
from simulators.city_by_estates.subtenants import leave, move_in, subtenants_way
from simulators.city_by_estates.town import Changed, Home, Town


def _sublet_whole(town: Town, home: Home, first: int, end: int) -> None:
    dice, rng = town.dice, town.dice.rng
    is_careful = dice.chance(town.world.careful)
    returns = float(rng.gamma(1.5, 2.2)) if is_careful else float(rng.gamma(1.0, 0.7))
    leave(town, home, first, end, returns)
    day = first + dice.delay(10) if dice.chance(0.7) else first
    while day < min(end, town.days):
        until = min(end, day + int(dice.skewed(420, 0.8, 40)))
        way_in = subtenants_way(town, home)
        parties = {"single": 0.28, "couple": 0.3, "family": 0.24, "mates": 0.12, "old": 0.06}
        move_in(town, home, day, until, parties, way_in)
        day = until + dice.delay(15) + 1
    if dice.chance(0.04):
        declare(town, home, first, end, dice.pick({"work": 0.6, "care": 0.2, "travel": 0.2}), 1.0)


def _lent(town: Town, home: Home, first: int, end: int) -> None:
    dice = town.dice
    leave(town, home, first, end, float(dice.rng.gamma(1.2, 1.6)))
    comes = first + dice.delay(3)
    way_in = dice.pick({"card": 0.5, "pin": 0.2, "unseen": 0.1, "visitor": 0.1, "face": 0.1})
    parties = {"single": 0.4, "couple": 0.25, "family": 0.15, "old": 0.15, "student": 0.05}
    move_in(town, home, comes, end, parties, way_in)
    if dice.chance(0.08):
        declare(town, home, first, end, "other", 1.0)


def _sublet_part(town: Town, home: Home, first: int, end: int) -> None:
    dice = town.dice
    if len(home.residents) > 1 and dice.chance(0.35):
        home.residents[-1].be_away(first, end)  # a room came free
    elif dice.chance(0.2):
        leave(town, home, first, end, 6.0, leaves_slowly=False)
    day = first
    while day < min(end, town.days):
        until = min(end, day + int(dice.skewed(200, 0.8, 20)))
        way_in = subtenants_way(town, home)
        move_in(town, home, day, until, {"single": 0.7, "couple": 0.22, "student": 0.08}, way_in)
        day = until + dice.delay(20) + 1


def _visitor_abuse(town: Town, home: Home, first: int, end: int) -> None:
    if town.dice.chance(0.2):
        leave(town, home, first, end, 4.0, leaves_slowly=False)
    move_in(town, home, first, end, {"single": 0.6, "couple": 0.25, "old": 0.15}, "visitor")


def _over_occupancy(town: Town, home: Home, first: int, end: int) -> None:
    """Beds for three to seven, who come and go."""
    dice = town.dice
    if dice.chance(0.35):
        leave(town, home, first, end, float(dice.rng.gamma(1.2, 2)), leaves_slowly=False)
    common_way = subtenants_way(town, home)
    for _ in range(int(dice.rng.integers(3, 8))):
        day = first + dice.delay(20) if dice.chance(0.5) else first
        while day < min(end, town.days):
            until = min(end, day + int(dice.skewed(140, 0.9, 15)))
            way_in = common_way if dice.chance(0.6) else None
            for lodger in move_in(town, home, day, until, {"single": 1.0}, way_in):
                lodger.water_share = 0.85
            day = until + dice.delay(15)


def _enrolment_fraud(town: Town, home: Home, first: int, end: int) -> None:
    """Strangers are enrolled as members, or in the place of members."""
    dice = town.dice
    leave(town, home, first, end, float(dice.rng.gamma(1.1, 1.2)))
    strangers = move_in(town, home, max(first, -1), end, {"single": 0.35, "couple": 0.4, "family": 0.25})
    as_members = dice.chance(0.6)
    replaced = [member for actor, member in home.enrolled if actor in home.adults]
    replaced = replaced or [member for _, member in home.enrolled]
    for place, stranger in enumerate(strangers):
        if stranger.role not in MINORS:
            lag = dice.delay(12)
            if as_members:
                until = end if end < town.days and dice.chance(0.5) else None
                consents = dice.chance(town.world.consents)
                person = register(town, home, first + lag, until, consents=consents).person
            else:
                person = replaced[place % len(replaced)].person
            taken = None if as_members or not home.cards else home.cards[place % len(home.cards)]
            _enrol(town, home, stranger, person, first + lag, taken)


def _enrol(town: Town, home: Home, stranger: Actor, person: int, day: int, card_taken: int | None) -> None:
    """From `day` on readers know the stranger as `person`; a card is issued where none was taken over."""
    dice, estate = town.dice, home.estate
    has_face = estate.face_share > 0 and dice.chance(0.85)
    card = NOBODY
    if not has_face or dice.chance(0.5):
        holder = person if estate.cards_name_holder else NOBODY
        card = town.issue_card(home, holder) if card_taken is None else card_taken
    weights = weigh(
        face=estate.face_weight if has_face else 0,
        card=estate.card_weight if card != NOBODY else 0,
        pin=estate.pin_weight,
        staff=estate.guard_weight,
        unseen=estate.unseen_weight,
    )
    means = shares(habit(dice, weights))
    stranger.face_of = person if has_face else NOBODY
    stranger.face_failures = estate.face_failures * dice.between(0.5, 2)
    stranger.card, stranger.card_of = card, NOBODY if card == NOBODY else town.credentials[card].holder
    if day > 2:
        stranger.later_means, stranger.changes_on = means, day
    else:
        stranger.means, stranger.changes_on = means, NEVER


def _vacancy(town: Town, home: Home, first: int, end: int) -> None:
    dice, able = town.dice, home.adults or home.residents
    is_careful = dice.chance(town.world.careful)
    leave(town, home, first, end, 0.0)
    planned = dice.skewed(70, 0.7, 20, 400)
    stand_empty(town, home, first, end, able, looks_in=2.2 if is_careful else 1.0, planned=planned)
    if is_careful and dice.chance(0.35):  # water that runs so that the meter does
        home.leaks.append(Changed(first, end, dice.skewed(0.03, 0.6, 0.008, 0.15)))
    if dice.chance(0.1):  # used by day: goods are stored, a child does homework
        begins, until = max(0, first), min(end, town.days)
        if until > begins:
            comes = dice.rng.random(until - begins) < dice.between(0.05, 0.25)
            able[0].presence[begins:until][comes] = Presence.VISIT
    if dice.chance(0.16):
        told = min(end, first + dice.whole(30, 200))
        declare(town, home, first, told, dice.pick({"work": 0.4, "care": 0.2, "home_visit": 0.3, "other": 0.1}), 1.0)


def _vacant_used(town: Town, home: Home, first: int, end: int) -> None:
    dice = town.dice
    if not home.cards and home.estate.card_share > COMMON_CARDS and dice.chance(0.5):
        town.issue_card(home)
    if dice.chance(0.3):  # goods are stored, or a worker of the operator or a neighbour uses it by day
        hours = dice.between(0.5, 6)
        user = add_guest(town, home, Role.WORKER)
        user.visit_hours, user.litres = hours, 0.05
        begins, until = max(0, first), min(end, town.days)
        comes = dice.rng.random(max(0, until - begins)) < dice.between(0.2, 0.9)
        user.presence[begins:until][comes] = Presence.VISIT
    else:
        way_in = dice.pick({"card": 0.35, "pin": 0.2, "unseen": 0.35, "guard": 0.1})
        move_in(town, home, first, end, {"single": 0.5, "couple": 0.2, "mates": 0.3}, way_in)
    home.unplugged = [Changed(-1, first, BARELY_ON), Changed(end, town.days + 1, BARELY_ON)]


DEEDS: dict[str, Callable[[Town, Home, int, int], None]] = {
    "sublet_whole": _sublet_whole,
    "vacancy": _vacancy,
    "sublet_part": _sublet_part,
    "lent": _lent,
    "visitor_abuse": _visitor_abuse,
    "vacant_used": _vacant_used,
    "over_occupancy": _over_occupancy,
    "enrolment_fraud": _enrolment_fraud,
}
"""What is done on days [first, end) of a violation, by its kind."""


def end_tenancy(town: Town, home: Home, end: int) -> None:
    """A violation that ended: the tenants give the home back soon after."""
    home.let_to = end + town.dice.whole(0, 30)
    send_away(home.actors, end, town.days)
    for member in home.members:
        if member.until is None:
            member.until = home.let_to + town.dice.whole(0, 10)
    home.unplugged.append(Changed(end, town.days + 1, BARELY_ON))
