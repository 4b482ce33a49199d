"""By what means people pass doors, and how somebody becomes one who comes and goes here."""

from __future__ import annotations

from enum import Enum, IntEnum

import numpy as np

from simulators.city_by_lives.basics import NOBODY, Bytes, Floats, happens, pick, whole
from simulators.city_by_lives.jobs import Job
from simulators.city_by_lives.people import Actor, Age, Role
from simulators.city_by_lives.town import Home, Town

WATER_OF_AGE = {Age.ADULT: 1.0, Age.PUPIL: 0.75, Age.TODDLER: 0.55}
ADULTS_WATER = 0.098  # m³ a day
LONGEST_PHASE = 42  # days: a multiple of all turns of work


class Kind(IntEnum):
    """Of a pass; UNSEEN leaves no record (behind somebody else, a door held open)."""

    FACE = 0
    CARD = 1
    PIN = 2
    CODE = 3
    VISITOR = 4
    UNSEEN = 5
    STAFF = 6


KIND_WORDS = ("face", "card", "pin", "qr", "visitor", "", "staff")
"""Of the history format, by Kind."""


class Manner(Enum):
    """How somebody comes in, on the whole."""

    ENROLLED = "what members have"
    CARD = "a card of the household"
    VISITOR = "a visitor's pass if the guard insists"
    LONG_VISITOR = "a visitor's pass for long"
    PIN = "the household's PIN"
    UNSEEN = "behind others"
    MIXED = "by turns"
    WORKMAN = "with a pass in every second case"


def _enrolled_means(town: Town, home: Home, has_card: bool, enrols: bool | None) -> Floats:
    rng, means = town.rng, np.zeros(Kind.UNSEEN + 1)
    has_face = happens(rng, town.habits.enrols_face) and home.has_faces if enrols is None else enrols
    other = rng.random()
    if has_face:
        means[[Kind.FACE, Kind.CARD]] = (0.85, 0.15) if other < 0.72 else (0.3, 0.7)
    elif other < 0.75:
        means[Kind.CARD] = 1
    else:
        means[[Kind.CODE if other < 0.87 else Kind.PIN, Kind.CARD]] = (0.7, 0.3) if other < 0.87 else (0.6, 0.4)
    if not has_card:
        means[Kind.UNSEEN] += 0.7 * means[Kind.CARD]
        means[Kind.PIN] += 0.3 * means[Kind.CARD]
        means[Kind.CARD] = 0
    return means


def _draw_means(town: Town, home: Home, manner: Manner, has_card: bool, enrols: bool | None) -> Floats:
    rng, needed = town.rng, home.estate.visitors_need_pass
    unseen = min(0.95, max(0.01, home.mostly_unseen * rng.lognormal(0, 0.25)))
    means = np.zeros(Kind.UNSEEN + 1)
    match manner:
        case Manner.ENROLLED:
            means = _enrolled_means(town, home, has_card, enrols)
        case Manner.CARD:
            means[[Kind.CARD, Kind.PIN]] = 0.9, 0.1
        case Manner.VISITOR:
            means[[Kind.VISITOR, Kind.FACE, Kind.UNSEEN]] = needed, 0.015, 1 - needed
        case Manner.LONG_VISITOR:
            means[[Kind.VISITOR, Kind.UNSEEN]] = 0.85, 0.15
        case Manner.PIN:
            means[[Kind.PIN, Kind.UNSEEN]] = 0.7, 0.3
        case Manner.UNSEEN:
            tried = pick(rng, (0.0, 0.04, 0.12), (0.5, 0.35, 0.15))  # a face that no terminal knows
            means[[Kind.UNSEEN, Kind.FACE, Kind.PIN]] = 0.9, tried, 0.03
        case Manner.MIXED:
            several = [Kind.CARD, Kind.VISITOR, Kind.UNSEEN, Kind.PIN, Kind.FACE]
            means[several] = rng.dirichlet([3, 1, 3, 1, 0.15])
        case Manner.WORKMAN:
            means[[Kind.VISITOR, Kind.UNSEEN]] = 0.5
            return means
    means *= (1 - unseen) / means.sum()
    means[Kind.UNSEEN] += unseen
    return means


def _as_child(town: Town, means: Floats, age: Age) -> Floats:
    """Toddlers are carried; children are seldom recognised, and slip in behind others."""
    if age == Age.TODDLER:
        means = np.zeros_like(means)
        means[Kind.UNSEEN] = 1
    if age == Age.PUPIL:
        means = means * (0.15 if happens(town.rng, 0.6) else 0.8, 0.75, 0.5, 0.2, 1, 1)
        means[Kind.UNSEEN] += 1 - means.sum()
    return means


def add_actor(
    town: Town,
    home: Home,
    where: Bytes,
    job: Job,
    manner: Manner,
    *,
    role: Role = Role.GUEST,
    member: int = NOBODY,
    face: int | None = None,
    card: tuple[int, int] = (NOBODY, NOBODY),
    enrols: bool | None = None,
    age: Age = Age.ADULT,
    visit_hours: float = 3.0,
    mobility: float = 1.0,
    water: float | None = None,
) -> Actor:
    """Somebody who comes and goes at a home.

    `face`: the member as whom the face is known (None: `member`); `card`: the credential and to whom it is booked, a new one for
    members; `enrols`: the face (None: as usual); `water`: m³ a day at home (None: as others of this age).
    """
    rng, estate = town.rng, home.estate
    is_enrolled = manner is Manner.ENROLLED and member != NOBODY
    if is_enrolled and card[0] == NOBODY and age != Age.TODDLER and happens(rng, 0.93):
        card = town.issue(), member
    means = _as_child(town, _draw_means(town, home, manner, card[0] != NOBODY, enrols), age)
    if water is None:
        water = home.water * WATER_OF_AGE[age] * ADULTS_WATER * rng.lognormal(0, 0.25)
    is_hard = happens(rng, town.habits.hard_to_recognise)
    actor = Actor(
        dwelling=home.number,
        where=where,
        job=job,
        role=role,
        means=means,
        member=member,
        face=member if face is None else face,
        card=card[0],
        card_member=card[1],
        code=town.issue() if means[Kind.CODE] > 0 and member != NOBODY else NOBODY,
        visitor_pass=town.issue(),
        runs_late=rng.normal(0, 0.7),
        phase=whole(rng, 0, LONGEST_PHASE),
        works_saturdays=happens(rng, 0.3),
        side_way=estate.side_way * rng.beta(0.5, 0.8) * 2,
        is_refused=rng.uniform(0.15, 0.45) if is_hard else rng.uniform(0.003, 0.03),
        water=water,
        visit_hours=visit_hours,
        mobility=mobility,
        gate=pick(rng, estate.gates),
    )
    home.actors.append(actor)
    return actor


def card_of_resident(town: Town, home: Home, number: int | None = None) -> tuple[int, int]:
    """(credential, member) of one of the cards of the household, by `number` in turn or any; NOBODY if it has none."""
    cards = [(actor.card, actor.card_member) for actor in home.residents if actor.card != NOBODY]
    if not cards:
        return NOBODY, NOBODY
    return cards[number % len(cards)] if number is not None else pick(town.rng, cards)


def card_to_lend(town: Town, home: Home) -> tuple[int, int]:
    """(credential, member) of a card that is not in its holder's pocket: a spare one, or else a resident's."""
    if home.spare_card is None:
        home.spare_card = town.issue() if happens(town.rng, 2 * home.estate.spare_cards) else NOBODY
    return (home.spare_card, NOBODY) if home.spare_card != NOBODY else card_of_resident(town, home)


GUESTS_MANNERS = (Manner.CARD, Manner.VISITOR, Manner.UNSEEN, Manner.PIN, Manner.MIXED)


def add_guest(
    town: Town,
    home: Home,
    where: Bytes,
    job: Job,
    manner: Manner | None = None,
    *,
    card: tuple[int, int] | None = None,
    role: Role = Role.GUEST,
    age: Age = Age.ADULT,
    visit_hours: float = 3.0,
    mobility: float = 1.0,
) -> Actor:
    """Somebody whom the register does not know, whatever they do here. `card`: None is one that can be lent."""
    rng, estate = town.rng, home.estate
    if manner is None:
        passes, pins = 0.30 * (0.5 + estate.visitors_need_pass), 0.10 if estate.blocks_take_pins else 0.02
        manner = pick(rng, GUESTS_MANNERS, (0.28, passes, 0.27, pins, 0.05))
    held = NOBODY, NOBODY
    if manner in (Manner.CARD, Manner.MIXED):
        held = card_to_lend(town, home) if card is None else card
        if held[0] == NOBODY:
            manner = Manner.VISITOR if happens(rng, 0.5) else Manner.UNSEEN
    return add_actor(
        town, home, where, job, manner, role=role, card=held, age=age, visit_hours=visit_hours, mobility=mobility
    )
