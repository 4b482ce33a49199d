"""(P) The bodies of a city as arrays: who walks for which dwelling, what they show, on which days they are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulators.city.doors import Bools, Floats, Ints, Layout
from simulators.city.model import FAR, LONG_ABSENCE, Body, Habits, Household, Routine, Spell


@dataclass(frozen=True, slots=True)
class Crowd:
    """Arrays by body. Person and credential numbers point into `persons` and `credentials`; -1 is none."""

    dwelling: Ints
    routine: Ints
    ways: Floats  # bodies × 5, cumulative: face, card, qr, pin, visitor
    person: Ints
    card: Ints
    qr: Ints
    pin: Ints
    visitor: Ints  # the first of this visitor's passes
    spare: Bools  # shows a spare card
    pass_days: Ints  # a new visitor pass after so many days; 0: never
    chance: Floats
    weight: Floats
    missed: Floats
    recorded: Floats
    living: Bools  # bodies × days
    looks_after: Bools  # only looks after an empty home: no water for a day, at most for a visit
    persons: tuple[str, ...]
    credentials: tuple[str, ...]
    member_person: dict[tuple[int, int], int]


@dataclass(slots=True)
class _Vocabulary:
    words: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)

    def number(self, word: str) -> int:
        if word not in self.known:
            self.known[word] = len(self.words)
            self.words.append(word)
        return self.known[word]


def away_visits(seed: int, household: Household, spell: Spell, days: int) -> list[int]:
    """The days on which somebody looks after the empty home, by its own style, whatever the reason it is empty."""
    style = household.style
    if style.every <= 0 or spell.last - spell.first + 1 < LONG_ABSENCE:
        return []
    rng = Random(f"{seed}:visits:{household.index}:{spell.first}")
    found: list[int] = []
    day = float(spell.first)
    while True:
        day += max(1.0, style.every * rng.uniform(1 - style.jitter, 1 + style.jitter))
        if day >= min(spell.last, days):
            return found
        found.append(int(day))


def extra_bodies(seed: int, household: Household, days: int) -> list[Body]:
    """Those who come because the home is empty or rebuilt: whoever looks after it, and builders."""
    found = []
    visits = [day for spell in household.away for day in away_visits(seed, household, spell, days) if day >= 0]
    if visits and household.members:
        habits, shows = Habits(), -1
        if household.style.visitor == "member":
            own = next((b for b in household.bodies if b.shows == 0 and b.role == "member"), None)
            habits, shows = (own.habits if own else Habits(card=0.9)), 0
        elif household.style.visitor == "relative":
            habits, shows = Habits(card=0.5, pin=0.3), 0
        card = 1 if household.style.visitor == "relative" else 0
        found.append(Body("looks_after", Routine.VISIT, habits, shows, card, follows=False, weight=0.0, days=visits))
    for first, last in household.works:
        habits = Random(f"{seed}:works:{household.index}:{first}").choice(
            (Habits(visitor=0.7), Habits(card=0.6), Habits())
        )
        shows = 0 if habits.card else -1
        body = Body("builder", Routine.CARER, habits, shows, 1, 15, first, last, 0.8, 0.4, follows=False)
        found.append(body)
    return found


def make_crowd(seed: int, households: list[Household], layout: Layout, days: int) -> Crowd:
    """All bodies of all households. Costs bodies × days bytes of memory."""
    persons, credentials = _Vocabulary(), _Vocabulary()
    member_person: dict[tuple[int, int], int] = {}
    pairs: list[tuple[Household, Body]] = []
    for household in households:
        for number in range(len(household.members)):
            member_person[household.index, number] = persons.number(f"P{household.index:06d}{number}")
        pairs += [(household, body) for body in [*household.bodies, *extra_bodies(seed, household, days)]]
    living = np.zeros((len(pairs), days), np.bool_)
    ints = np.full((len(pairs), 7), -1, np.int32)  # dwelling, routine, person, card, qr, pin, visitor
    pass_days = np.zeros(len(pairs), np.int32)
    for i, (household, body) in enumerate(pairs):
        _mark_days(living[i], household, body)
        d, habits = household.index, body.habits
        ints[i, :3] = d, body.routine, member_person.get((d, body.shows), -1)
        if body.shows >= 0 and household.members:
            ints[i, 3] = credentials.number(f"K{d:06d}{body.shows}{body.card}")
            ints[i, 4] = credentials.number(f"Q{d:06d}{body.shows}") if habits.qr else -1
        elif habits.card:  # a card that nobody on the register holds
            ints[i, 3] = credentials.number(f"K{d:06d}X{body.card}")
        ints[i, 5] = credentials.number(f"N{d:06d}") if habits.pin else -1
        if habits.visitor:
            pass_days[i] = good = int(layout.visitor_pass_days[layout.dwelling_estate[d]])
            ints[i, 6] = _visitor_passes(credentials, d, body.visitor, -(-days // good) if good else 1)
    ways = np.array([[b.habits.face, b.habits.card, b.habits.qr, b.habits.pin, b.habits.visitor] for _, b in pairs])

    def of(name: str) -> NDArray[np.float32]:
        return np.array([getattr(body, name) for _, body in pairs], np.float32)

    return Crowd(
        dwelling=ints[:, 0].copy(),
        routine=ints[:, 1].copy(),
        ways=np.cumsum(ways, axis=1).astype(np.float32),
        person=ints[:, 2].copy(),
        card=ints[:, 3].copy(),
        qr=ints[:, 4].copy(),
        pin=ints[:, 5].copy(),
        visitor=ints[:, 6].copy(),
        spare=np.array([body.card > 0 for _, body in pairs], np.bool_),
        pass_days=pass_days,
        chance=of("chance"),
        weight=of("weight"),
        missed=of("missed"),
        recorded=of("recorded"),
        living=living,
        looks_after=np.array([body.role == "looks_after" for _, body in pairs], np.bool_),
        persons=tuple(persons.words),
        credentials=tuple(credentials.words),
        member_person=member_person,
    )


def _visitor_passes(credentials: _Vocabulary, dwelling: int, visitor: int, count: int) -> int:
    """Numbers of this visitor's passes follow each other: one for ever, or `count` of them."""
    name = f"V{dwelling:06d}{visitor:02d}"
    if count == 1:
        return credentials.number(name)
    numbers = [credentials.number(f"{name}-{one:02d}") for one in range(count)]
    return numbers[0]


def _mark_days(row: NDArray[np.bool_], household: Household, body: Body) -> None:
    days = len(row)
    if body.days is not None:
        row[[day for day in body.days if day < days]] = True
        return
    first, last = body.first, body.last
    if body.follows:
        first, last = max(first, household.moved_in), min(last, household.let_to)
    row[max(first, 0) : max(0, min(last + 1, days))] = True
    spells = [(s.first, s.last) for s in household.away] if body.follows else []
    for gone, back in [*spells, *body.away]:
        if back >= 0 and gone < days:
            row[max(gone, 0) : min(back + 1, days)] = False
    if not household.members and body.first == -FAR:
        row[:] = False
