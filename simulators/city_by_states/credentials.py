"""What each person shows at each kind of door, as odds over outcomes.

Faces: an enrolled face is missed as `detection.md` section 5 says, a badly enrolled one often; a stranger at a face door is
let in for a household that is named, shows something else, or is refused. Cards are lent and shared, PINs are a household's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.layout import CARD, FACE, FACE_AND_CARD, LOCK, LOCK_WITH_FACE
from simulators.city_by_states.model import Person, Town
from simulators.city_by_states.world import World

Floats = NDArray[np.float64]

CHECKS = 5  # kinds of door, see layout
(
    FACE_KNOWN,
    FACE_LET_IN,
    FACE_REFUSED,
    BY_CARD,
    BY_PIN,
    BY_QR,
    BY_VISITOR_PASS,
    UNSEEN,
    CARD_OTHER_FACE,
    BY_STAFF_CARD,
) = range(10)
OUTCOMES = 10
"""A known face, an unknown face let in for a named household, an unknown face refused, card, PIN, QR code, visitor's pass,
nothing written, a card with the face of another, a card of staff."""

PROFILES = {
    "sub": (0.34, 0.42, 0.14, 0.04, 0.06),
    "subvis": (0.1, 0.1, 0.06, 0.68, 0.06),
    "lodger": (0.36, 0.28, 0.2, 0.05, 0.11),
    "kin": (0.28, 0.5, 0.15, 0.02, 0.05),
    "carer": (0.3, 0.15, 0.25, 0.2, 0.1),
    "partner": (0.3, 0.2, 0.15, 0.1, 0.25),
    "grand": (0.35, 0.3, 0.12, 0.05, 0.18),
    "unenrolled": (0.4, 0.25, 0.2, 0.02, 0.13),
    "relative": (0.25, 0.05, 0.1, 0.3, 0.3),
    "guest": (0.05, 0.03, 0.07, 0.8, 0.05),
    "crowd": (0.35, 0.25, 0.25, 0.05, 0.1),
    "squatter": (0.3, 0.1, 0.3, 0, 0.3),
}
"""Of people who are not enrolled: the odds of a face, a lent card, the household's PIN, a visitor's pass, following others in."""

HAS_A_KEY = (
    "sublet_whole",
    "lent",
    "sublet_part",
    "unenrolled",
    "partner",
    "grandparent",
    "vacant_used",
    "over_occupancy",
    "carer",
)
"""Whose tags open the dwelling's lock as the household does; others are mostly let in from inside."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What everyone carries."""

    odds: NDArray[np.float32]  # (people, CHECKS, OUTCOMES) cumulated over outcomes
    card_of: NDArray[np.int64]  # (people,) whose card this person uses, -1 none
    household_card: NDArray[np.bool_]  # (dwellings,) one card for all, in nobody's name


def draw_credentials(town: Town) -> Credentials:
    """Draws them, and whose consent covers the occupancy check; writes consent and tailing homes into `town.people`."""
    rng, world, count = town.rng, town.world, len(town.people)
    odds = np.zeros((count, CHECKS, OUTCOMES))
    household_card = rng.random(town.dwellings) < world.household_cards
    key_home = rng.random(town.dwellings) < world.key_homes
    tailing_home = rng.random(town.dwellings) < world.tailing_homes
    alpha, beta = 4 * world.face_consent, 4 * (1 - world.face_consent)
    consent = np.clip(rng.beta(alpha, beta, town.dwellings), 0, 1)
    card_of = np.full(count, -1)
    for number, person in enumerate(town.people):
        home = person.dwelling
        enrolled = town.members[home]
        carriers = [other for other in enrolled if town.people[other].role not in ("child", "infant")] or enrolled
        if tailing_home[home] and person.tag != "staff":
            person.tailing = max(person.tailing, rng.uniform(0.5, 0.85))
        person.consents = rng.random() < consent[home]
        key = rng.uniform(0.5, 0.95) if key_home[home] else rng.uniform(0, 0.08)
        if person.tag == "staff":
            odds[number, :, BY_STAFF_CARD] = 0.7
            odds[number, :, UNSEEN] = 0.3
        elif person.registered:
            card_of[number] = _member(rng, world, odds[number], person, number, carriers, key)
        else:
            tenants = [other for other in carriers if not town.people[other].tag] or carriers
            card_of[number] = _stranger(rng, world, odds[number], person, tenants, key)
    odds /= odds.sum(2, keepdims=True)
    return Credentials(np.cumsum(odds, 2).astype(np.float32), card_of, household_card)


def _member(
    rng: Generator, world: World, odds: Floats, person: Person, number: int, carriers: list[int], key: float
) -> int:
    """Fills `odds` (CHECKS, OUTCOMES) of an enrolled member; returns whose card is used."""
    of_role = {"child": 0.05, "infant": 0, "elder": 0.95}.get(person.role, 1)
    enrolled = rng.random() < world.face_enrolled * of_role
    use = np.clip(rng.normal(world.face_use, 0.08), 0.3, 1) if enrolled else 0
    known = 1 - np.clip(rng.lognormal(np.log(world.face_missed), 0.6), 0.001, 0.2)
    if rng.random() < world.badly_enrolled:
        known = rng.uniform(0.25, 0.85)
    card_of = number if person.role != "infant" else int(rng.choice(carriers))
    if len(carriers) > 1 and rng.random() < world.shared_cards:
        card_of = int(rng.choice([other for other in carriers if other != number] or [number]))
    card, pin, code = rng.dirichlet(np.array([1, world.pin_use, world.qr_use]) * 1.6 + 0.02)
    if person.role == "elder":
        card, pin, code = 0.9, 0.08, 0.02
    stray = 0 if enrolled else 0.02  # looks into the reader all the same
    carried = np.array([card, pin, code])
    others = [BY_CARD, BY_PIN, BY_QR]
    unknown = use * (1 - known)
    odds[CARD, others] = carried
    odds[FACE, FACE_KNOWN] = use * known
    odds[FACE, FACE_LET_IN] = unknown * 0.45
    odds[FACE, FACE_REFUSED] = unknown * 0.55 + stray
    odds[FACE, others] = carried * (1 - use - stray)
    matches = known if enrolled else 1
    odds[FACE_AND_CARD, BY_CARD if card_of == number else CARD_OTHER_FACE] = card * matches
    odds[FACE_AND_CARD, CARD_OTHER_FACE] += card * (1 - matches)
    odds[FACE_AND_CARD, [BY_PIN, BY_QR]] = pin, code
    odds[LOCK, [BY_CARD, BY_PIN]] = (1 - key) * 0.45, (1 - key) * 0.55
    odds[LOCK, UNSEEN] = key
    odds[LOCK_WITH_FACE, FACE_KNOWN] = (1 - key) * use * known
    odds[LOCK_WITH_FACE, FACE_LET_IN] = (1 - key) * unknown
    odds[LOCK_WITH_FACE, BY_PIN] = (1 - key) * (1 - use)
    odds[LOCK_WITH_FACE, UNSEEN] = key
    return card_of


def _stranger(rng: Generator, world: World, odds: Floats, person: Person, tenants: list[int], key: float) -> int:
    """Fills `odds` (CHECKS, OUTCOMES) of someone not enrolled; returns whose card is used, -1 none."""
    profile = np.array(PROFILES[person.profile or ""])
    face, card, pin, visitor, follows = rng.dirichlet(profile * 9 + 0.03)
    card_of = int(rng.choice(tenants)) if tenants else -1
    if card_of < 0:
        pin, card = pin + card, 0
    linked = np.clip(rng.normal(world.stranger_linked, 0.1), 0.2, 1)
    odds[CARD, [BY_CARD, BY_PIN, BY_VISITOR_PASS, UNSEEN]] = (
        card + face * 0.45,
        pin + face * 0.3,
        visitor,
        follows + face * 0.25,
    )
    looks = face + card * 0.6 + pin * 0.3
    odds[FACE, FACE_LET_IN] = looks * linked
    odds[FACE, FACE_REFUSED] = looks * (1 - linked)
    odds[FACE, [BY_CARD, BY_PIN, BY_VISITOR_PASS, UNSEEN]] = card * 0.4, pin * 0.7, visitor, follows
    odds[FACE_AND_CARD, CARD_OTHER_FACE] = card + face * 0.5
    odds[FACE_AND_CARD, [BY_PIN, BY_VISITOR_PASS, UNSEEN]] = pin, visitor, follows + face * 0.5
    unseen = key if person.tag in HAS_A_KEY else min(1, key + 0.4)
    odds[LOCK, [BY_CARD, BY_PIN]] = (1 - unseen) * 0.4, (1 - unseen) * 0.6
    odds[LOCK, UNSEEN] = unseen
    odds[LOCK_WITH_FACE, [FACE_LET_IN, BY_PIN]] = (1 - unseen) * 0.4, (1 - unseen) * 0.6
    odds[LOCK_WITH_FACE, UNSEEN] = unseen
    if card_of < 0:
        odds[LOCK, BY_PIN] += odds[LOCK, BY_CARD]
        odds[LOCK, BY_CARD] = 0
    return card_of
