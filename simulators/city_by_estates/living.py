"""Adds people to a home: anybody, those who are registered, and guests by how they get in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators.city_by_estates.dice import NOBODY, Bytes, Floats
from simulators.city_by_estates.people import Actor, Presence, Role, draw_actor, weigh
from simulators.city_by_estates.town import Home, Member, Town

COMMON_FACES, COMMON_CARDS = 0.3, 0.3  # from this share on a guest may be enrolled, a spare card be had


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
    if way_in == "spare":
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
