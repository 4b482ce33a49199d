"""Adds members of a household: what they are given to open doors with, and what they use by habit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_estates.dice import NEVER, NOBODY, YEAR_DAYS, Floats
from simulators.city_by_estates.living import add_actor, present, register
from simulators.city_by_estates.people import MINORS, Actor, Role, habit, shares, weigh
from simulators.city_by_estates.town import Home, Member, Town

MOSTLY_FACES = 0.5  # from this share on those who were left out are enrolled by face in the year
CHANGES_HABIT, ENROLLED_LATE = 0.10, 0.12  # of members
WORST_FACE = 0.5  # of tries


@dataclass(slots=True)
class _Given:
    """What a member has to open doors with."""

    role: Role
    is_enrolled: bool
    has_face: bool
    has_card: bool  # of his own
    card: int = NOBODY
    card_of: int = NOBODY
    code: int = NOBODY

    @property
    def is_young(self) -> bool:
        return self.role in MINORS


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
    dice, estate = town.dice, home.estate
    member = register(town, home, (home.let_from or 0) if since is None else since, None, consents=consents)
    given = _enrol(town, home, member, role, is_enrolled=is_enrolled)
    weights = _weigh(town, home, given)
    means = habit(dice, weights)
    later_means, changes_on = _change_habit(town, home, given, weights)
    face_failures = float(np.clip(dice.rng.gamma(1.5, estate.face_failures / 1.5), 0, WORST_FACE))
    if dice.chance(town.world.badly_enrolled * (2 if role == Role.ELDER else 1)):
        face_failures = dice.between(0.25, 0.75)
    at_lock = weigh(
        face=0.3 if given.has_face else 0,
        card=0.2 if given.has_card else 0,
        pin=0.45,
        unseen=dice.between(0.05, 0.5),
    )
    is_replaced = given.has_card and dice.chance(0.045 * town.days / YEAR_DAYS + 0.005)
    replaced_on = dice.whole(0, town.days) if is_replaced else NEVER

    actor = add_actor(town, home, role, present(town, first, end), means, at_lock, face_failures)
    actor.face_of = member.person if given.has_face else NOBODY
    actor.card, actor.card_of, actor.qr = given.card, given.card_of, given.code
    actor.later_means, actor.changes_on = later_means, changes_on
    if is_replaced:
        actor.later_card, actor.card_changes_on = town.issue("C", given.card_of), replaced_on
    home.enrolled.append((actor, member))
    return actor


def _enrol(town: Town, home: Home, member: Member, role: Role, *, is_enrolled: bool) -> _Given:
    """Face, card and code, as the estate hands them out; a few members never came for any of them."""
    dice, estate, is_young = town.dice, home.estate, role in MINORS
    face_likely = 0.15 if is_young else 0.84 if role == Role.ELDER else 0.95
    has_face = home.has_faces and is_enrolled and estate.face_share > 0 and dice.chance(face_likely)
    has_card = is_enrolled and dice.chance(estate.card_share * (0.35 if is_young else 1))
    if is_enrolled and not is_young and not has_face and not estate.has_pins:
        has_card = True  # nobody is left without any means
    given = _Given(role, is_enrolled, has_face, has_card)
    if has_card:
        given.card_of = member.person if estate.cards_name_holder else NOBODY
        given.card = town.issue_card(home, given.card_of)
    uses_phone = 0.25 if role == Role.ELDER else 0 if is_young else 1
    if is_enrolled and estate.qr_share and dice.chance(estate.qr_share * uses_phone):
        given.code = town.issue("Q", member.person)
        home.codes.append(given.code)
    return given


def _weigh(town: Town, home: Home, given: _Given) -> Floats:
    """(7,) weights of means; who has no card may take one of the household along."""
    dice, estate = town.dice, home.estate
    weights = weigh(
        face=estate.face_weight if given.has_face else 0,
        card=estate.card_weight if given.has_card else 0,
        pin=estate.pin_weight * (0.5 if given.is_young else 1),
        qr=estate.qr_weight if given.code != NOBODY else 0,
        staff=estate.guard_weight * (1.5 if given.role == Role.ELDER else 1),
        unseen=estate.unseen_weight,
    )
    if given.card == NOBODY and home.cards and (given.is_young or not given.is_enrolled):
        given.card = dice.one_of(home.cards)
        given.card_of = town.credentials[given.card].holder
        weights += weigh(card=0.25)
    if given.is_young:
        weights += weigh(unseen=0.45)
    if not given.is_enrolled:
        weights += weigh(unseen=0.3, face=0.1 if estate.face_share and dice.chance(0.3) else 0)
    return weights


def _change_habit(town: Town, home: Home, given: _Given, weights: Floats) -> tuple[Floats | None, int]:
    """(7,) shares of means from some day on, and this day: who lost the phone, who was enrolled by face late."""
    dice = town.dice
    if not dice.chance(CHANGES_HABIT):
        could_be_enrolled = given.is_enrolled and not given.is_young and not given.has_face and not home.has_faces
        if not (could_be_enrolled and home.estate.face_share > MOSTLY_FACES and dice.chance(ENROLLED_LATE)):
            return None, NEVER
        given.has_face = True
        weights = weights + weigh(face=2.0)
    later = shares(habit(dice, weights))
    return later, dice.whole(0, town.days)
