"""(P) Who walks when: bodies (residents, carers, subtenants), the days they are there, and each day's outings.

A body is somebody who really walks; the credential it shows may be another's. All arrays are indexed by body.
One day's outings depend on the seed and the date alone, so the history and the living estate tell one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from simulators.people import Household, HouseholdKind, Routine
from simulators.residents import Population

DAY = 86_400
# Routine -> up to three outings: (P weekday, P weekend, leaves at h, sd h, lasts h, sd h)
OUTINGS: dict[Routine, tuple[tuple[float, float, float, float, float, float], ...]] = {
    Routine.WORKER: (
        (0.93, 0.12, 7.7, 0.6, 10.3, 0.9),
        (0.30, 0.72, 19.4, 0.7, 1.0, 0.4),
        (0.06, 0.62, 10.2, 1.4, 2.4, 1),
    ),
    Routine.NIGHT: ((0.80, 0.55, 20.7, 0.4, 10.2, 0.5), (0.45, 0.5, 15.5, 1.0, 1.1, 0.5)),
    Routine.STUDENT: (
        (0.95, 0.12, 7.3, 0.3, 9.3, 0.7),
        (0.12, 0.45, 18.6, 0.6, 1.0, 0.4),
        (0.03, 0.5, 10.5, 1.2, 2.6, 1),
    ),
    Routine.HOME: ((0.82, 0.8, 9.3, 0.9, 1.4, 0.6), (0.55, 0.5, 16.2, 0.8, 0.9, 0.4)),
    Routine.ELDER: (
        (0.84, 0.82, 8.0, 1.0, 1.3, 0.5),
        (0.55, 0.5, 15.6, 0.9, 1.1, 0.4),
        (0.25, 0.25, 18.9, 0.5, 0.8, 0.3),
    ),
    Routine.INFANT: (),
    Routine.CARER: (),  # comes and goes instead: see `_carer_visits`
}
SLOTS = 3
CARD_HABIT = {Routine.ELDER: 0.35, Routine.STUDENT: 0.3}  # P(uses the card although the face would do)


@dataclass(frozen=True, slots=True)
class Body:
    """One walker. `holder`/`card`/`face` say what it can show; `resident` is false for carers and subtenants."""

    dwelling: str
    block: str
    holder: str | None
    card: str | None
    face: bool
    routine: Routine
    observed: float
    resident: bool
    card_habit: float


@dataclass(frozen=True, slots=True)
class Outings:
    """One day's outings: body index, second of the day of leaving, of coming back (may be > 86,400)."""

    body: NDArray[np.int64]
    out_s: NDArray[np.int64]
    back_s: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Crowd:
    """All bodies, and for each household the days it is lived in by whom."""

    population: Population
    bodies: tuple[Body, ...]
    households: tuple[Household | None, ...]

    def at_home(self, day: date) -> NDArray[np.bool_]:
        """Which bodies live in the estate on `day` (carers: come to it)."""
        away = {id(h): is_away(h, day) for h in self.population.households}
        return np.array(
            [
                _there(body, household, day, away[id(household)])
                for body, household in zip(self.bodies, self.households, strict=True)
            ],
            dtype=np.bool_,
        )

    def outings(self, day: date, there: NDArray[np.bool_] | None = None) -> Outings:
        """The outings of `day` of all who are there."""
        there = self.at_home(day) if there is None else there
        rng = np.random.default_rng([self.population.seed, 4, day.toordinal()])
        table = np.array([_slots(body.routine, day.weekday() >= 5) for body in self.bodies])  # bodies × slots × 5
        goes = (rng.random(table.shape[:2]) < table[:, :, 0]) & there[:, None]
        out = (table[:, :, 1] + rng.normal(size=goes.shape) * table[:, :, 2]) * 3600
        lasts = np.maximum(0.25, table[:, :, 3] + rng.normal(size=goes.shape) * table[:, :, 4]) * 3600
        body, slot = np.nonzero(goes)
        out_s = np.clip(out[body, slot], 4 * 3600, DAY - 600).astype(np.int64)
        return Outings(body.astype(np.int64), out_s, out_s + lasts[body, slot].astype(np.int64))


def crowd(population: Population) -> Crowd:
    """The bodies of a population: residents first, then carers and subtenants of each household."""
    bodies: list[Body] = []
    owners: list[Household | None] = []
    for household in population.households:
        own = [_resident(household, i) for i in range(len(household.members))] + _guests(household)
        bodies += own
        owners += [household] * len(own)
    return Crowd(population, tuple(bodies), tuple(owners))


def is_away(household: Household, day: date) -> bool:
    """True when the registered household is not there on `day`: not yet let, moved out in truth, or away."""
    if day < household.let_from + timedelta(days=3):
        return True
    violation = household.violation
    if violation and violation.first <= day and (violation.last is None or day <= violation.last):
        return True
    return any(spell.first <= day <= spell.last for spell in household.away)


def _there(body: Body, household: Household | None, day: date, away: bool) -> bool:
    if household is None or body.resident:
        return not away
    if body.routine is Routine.CARER:
        return not away and day.weekday() < 6
    first = household.violation.first + timedelta(days=2) if household.violation else date.max
    return day >= first  # subtenants


def _resident(household: Household, index: int) -> Body:
    person = household.members[index]
    return Body(
        dwelling=household.dwelling,
        block=household.block,
        holder=person.person_id,
        card=person.cards[0] if person.cards else None,
        face=person.face == "good" and person.consents[0],
        routine=person.routine,
        observed=household.observed,
        resident=True,
        card_habit=CARD_HABIT.get(person.routine, 0.04),
    )


def _guests(household: Household) -> list[Body]:
    """Those who are not registered: a carer with a spare card, or the subtenants with the lent cards."""
    routines = (Routine.CARER,) if household.kind is HouseholdKind.CARED_FOR else (Routine.WORKER, Routine.HOME)
    cards = household.lent_cards
    owner = {card: person.person_id for person in household.members for card in person.cards}
    guests = [
        Body(household.dwelling, household.block, owner[card], card, False, routine, 0.9, False, 1.0)
        for card, routine in zip(cards, routines, strict=False)
    ]
    if household.kind is HouseholdKind.SUBLET_LENT_CARD:  # the second subtenant has nothing to show
        guests.append(
            Body(household.dwelling, household.block, None, None, False, Routine.HOME, household.observed, False, 1.0)
        )
    return guests


def _slots(routine: Routine, weekend: bool) -> list[tuple[float, float, float, float, float]]:
    """SLOTS rows of (P, leaves at h, sd, lasts h, sd); a carer's "outing" ends when she comes at nine."""
    if routine is Routine.CARER:
        rows = [(0.95, 6.0, 0.1, 3.0, 0.4)]
    else:
        rows = [((e if weekend else w), at, sd, lasts, lsd) for w, e, at, sd, lasts, lsd in OUTINGS[routine]]
    return rows + [(0.0, 12.0, 0.0, 1.0, 0.0)] * (SLOTS - len(rows))
