"""Adds people to a home: members of the household, and guests by how they get in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators.city_by_estates.dice import NOBODY, YEAR_DAYS, Bytes, Floats
from simulators.city_by_estates.people import MINORS, Actor, Presence, Role, draw_actor, habit, shares, weigh
from simulators.city_by_estates.town import Home, Member, Town

COMMON_FACES, COMMON_CARDS = 0.3, 0.3  # from this share on a guest may be enrolled, a spare card be had
GUESTS_LOCK = weigh(card=0.15, pin=0.5, unseen=0.35)


def present(town: Town, first: float, end: float) -> Bytes:
    """(days,) of Presence: at home on days [first, end)."""
    presence = np.zeros(town.days, np.uint8)
    presence[int(max(0, first)) : int(max(0, min(town.days, end)))] = Presence.HOME
    return presence


def add_actor(
    town: Town, home: Home, role: Role, presence: Bytes, means: Floats, means_at_lock: Floats, face_failures: float
) -> Actor:
    """Somebody new who goes in and out."""
    actor = draw_actor(
        town.dice,
        len(town.actors),
        home.number,
        role,
        presence,
        means,
        means_at_lock,
        face_failures,
        town.world.litres,
    )
    town.actors.append(actor)
    home.actors.append(actor)
    return actor


def register(town: Town, home: Home, since: int, until: int | None, *, consents: bool) -> Member:
    """A new person on the household's list."""
    member = Member(len(town.members), home.number, since, until, consents)
    town.members.append(member)
    home.members.append(member)
    return member


def add_resident(
    town: Town,
    home: Home,
    role: Role,
    first: int,
    end: int,
    *,
    consents: bool,
    since: int | None = None,
    is_enrolled: bool = True,
) -> Actor:
    """A member of the household, registered `since` (with the lease), at home on days [first, end)."""
    dice, rng, estate = town.dice, town.dice.rng, home.estate
    let_from = home.let_from if home.let_from is not None else 0
    member = register(town, home, let_from if since is None else since, None, consents=consents)
    young = role in MINORS
    face_likely = 0.15 if young else 0.84 if role == Role.ELDER else 0.95
    has_face = home.has_faces and is_enrolled and estate.face_share > 0 and dice.chance(face_likely)
    has_card = is_enrolled and dice.chance(estate.card_share * (0.35 if young else 1)) and estate.card_weight > 0
    if is_enrolled and not young and not has_face and not estate.has_pins:
        has_card = True  # nobody is left without any means
    card = card_of = NOBODY
    if has_card:
        card_of = member.person if estate.cards_name_holder else NOBODY
        card = town.issue_card(home, card_of)
    code = NOBODY
    uses_code = 0.25 if role == Role.ELDER else 0 if young else 1
    if is_enrolled and estate.qr_share and dice.chance(estate.qr_share * uses_code):
        code = town.issue("Q", member.person)
        home.codes.append(code)
    weights = weigh(
        face=estate.face_weight if has_face else 0,
        card=estate.card_weight if has_card else 0,
        pin=estate.pin_weight * (0.5 if young else 1),
        qr=estate.qr_weight if code != NOBODY else 0,
        staff=estate.guard_weight * (1.5 if role == Role.ELDER else 1),
        unseen=estate.unseen_weight,
    )
    if card == NOBODY and home.cards and (young or not is_enrolled):  # takes a card of the household along
        card = dice.one_of(home.cards)
        card_of = town.credentials[card].holder
        weights += weigh(card=0.25)
    if young:
        weights += weigh(unseen=0.45)
    if not is_enrolled:
        weights += weigh(unseen=0.3, face=0.1 if estate.face_share and dice.chance(0.3) else 0)
    means, later, changes_on = habit(dice, weights), None, 0
    if dice.chance(0.10):  # lost the phone, mislaid the card
        later = habit(dice, weights)
        changes_on = dice.whole(0, town.days)
    elif (
        not has_face
        and not home.has_faces
        and estate.face_share > 0.5
        and not young
        and is_enrolled
        and dice.chance(0.12)
    ):
        later = habit(dice, weights + weigh(face=2.0))  # enrolled by face in the year
        changes_on = dice.whole(0, town.days)
        has_face = True
    face_failures = float(np.clip(rng.gamma(1.5, estate.face_failures / 1.5), 0, 0.5))
    if dice.chance(town.world.badly_enrolled * (2 if role == Role.ELDER else 1)):
        face_failures = dice.between(0.25, 0.75)
    at_lock = weigh(face=0.3 if has_face else 0, card=0.2 if has_card else 0, pin=0.45, unseen=dice.between(0.05, 0.5))
    replaced = has_card and dice.chance(0.045 * town.days / YEAR_DAYS + 0.005)
    later_card = town.issue("C", card_of) if replaced else NOBODY
    replaced_on = dice.whole(0, town.days) if replaced else 0

    actor = add_actor(town, home, role, present(town, first, end), means, at_lock, face_failures)
    actor.face_of = member.person if has_face else NOBODY
    actor.card, actor.card_of, actor.qr = card, card_of, code
    if later is not None:
        actor.later_means, actor.changes_on = shares(later), changes_on
    if replaced:
        actor.later_card, actor.card_changes_on = later_card, replaced_on
    home.enrolled.append((actor, member))
    return actor


def add_guest(
    town: Town, home: Home, role: Role, first: float = 0, end: float = 0, *, way_in: str | None = None
) -> Actor:
    """Somebody who is not registered, at home on days [first, end); by a given way in, where the estate has it."""
    dice, estate = town.dice, home.estate
    ways = _ways_in(home, stays_long=end - first > 20)
    if way_in is None or ways.get(way_in, 1) == 0:
        way_in = dice.pick(ways)
    weights = _weights_of_way(town, home, way_in)
    card = card_of = NOBODY
    if way_in == "spare" and estate.card_weight > 0:
        card = town.issue_card(home)
    elif home.cards:
        card = dice.one_of(home.cards)
        card_of = town.credentials[card].holder
    if estate.has_pins or home.lock != NOBODY:
        town.issue_pin(home)
    code = dice.one_of(home.codes) if way_in == "qr" else NOBODY
    at_lock = weigh(
        card=0.1 if home.cards else 0, pin=0.6, visitor=0.05 if estate.has_visitor_passes else 0, unseen=0.4
    )
    actor = add_actor(town, home, role, present(town, first, end), weights, at_lock, estate.face_failures)
    actor.card, actor.card_of, actor.qr = card, card_of, code
    return actor


def _ways_in(home: Home, *, stays_long: bool) -> Mapping[str, float]:
    """Weights of the ways that guests have here."""
    estate = home.estate
    return {
        "spare": 0.07 if estate.card_share > COMMON_CARDS and stays_long else 0,
        "card": 0.35 if home.cards else 0,
        "pin": 0.3 if estate.has_pins else 0,
        "visitor": 0.3 * estate.visitor_weight if estate.has_visitor_passes else 0,
        "unseen": 0.22,
        "face": 0.2 if estate.face_share > COMMON_FACES else 0,
        "guard": estate.guard_weight * 2,
        "qr": 0.06 if home.codes else 0,
    }


def _weights_of_way(town: Town, home: Home, way_in: str) -> Floats:
    """(7,) weights of means: mostly that of the way, now and then another. A stranger's face is mostly refused."""
    estate = home.estate
    knows_faces = estate.face_share > COMMON_FACES
    unseen, pin = estate.unseen_weight * 2, 0.1 if estate.has_pins else 0
    match way_in:
        case "card":
            return weigh(face=0.02 if knows_faces else 0, card=1, pin=pin, staff=0.02, unseen=unseen + 0.1)
        case "spare":
            return weigh(card=1, pin=pin, staff=0.02, unseen=unseen + 0.1)
        case "pin":
            return weigh(card=0.05 if home.cards else 0, pin=1, unseen=unseen + 0.15)
        case "visitor":
            return weigh(
                face=0.03 if knows_faces else 0,
                card=0.08 if home.cards else 0,
                visitor=estate.visitor_weight,
                staff=0.05 if estate.guard_weight > 0 else 0,
                unseen=0.2,
            )
        case "face":
            tries = town.dice.between(0.15, 0.6)
            card = 0.1 if home.cards else 0
            return weigh(face=tries, card=card, pin=pin, staff=estate.guard_weight, unseen=0.7)
        case "guard":
            return weigh(visitor=0.1 if estate.has_visitor_passes else 0, staff=1, unseen=0.8)
        case "qr":
            return weigh(card=0.1 if home.cards else 0, qr=1, unseen=unseen + 0.1)
        case _:
            return weigh(
                face=0.05 if knows_faces else 0,
                pin=pin / 2,
                visitor=0.03 if estate.has_visitor_passes else 0,
                staff=estate.guard_weight,
                unseen=1,
            )
