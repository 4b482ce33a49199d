"""What differs from city to city: habits, and how common each violation is.

Shares are 0..1 of the named whole. The ranges are assumptions spread around the quantified facts of the project's references
(`detection.md` sections 1 to 3, `law_and_practice.md` section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_estates.dice import Dice


@dataclass(frozen=True, slots=True)
class ViolationKind:
    """How common a kind of violation is, and how long it lasts."""

    share: float  # of dwellings, on one day of the mean city
    median: float  # days
    spread: float  # of the log of its length
    least: float  # days

    @property
    def mean_days(self) -> float:
        """Of its length."""
        return float(self.median * np.exp(self.spread * self.spread / 2))


VIOLATIONS = {
    "sublet_whole": ViolationKind(0.0064, 330, 0.8, 20),
    "vacancy": ViolationKind(0.0064, 330, 0.55, 110),
    "sublet_part": ViolationKind(0.003, 220, 0.8, 25),
    "lent": ViolationKind(0.0032, 120, 0.9, 14),
    "visitor_abuse": ViolationKind(0.002, 120, 0.6, 35),
    "vacant_used": ViolationKind(0.0012, 110, 0.8, 15),
    "over_occupancy": ViolationKind(0.0022, 190, 0.8, 25),
    "enrolment_fraud": ViolationKind(0.0021, 380, 0.7, 50),
}


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    consents: float  # of households: face passes may be used for the occupancy check
    declares: float  # of honest absences, if long
    festival_trips: float  # of homes: away at Spring Festival
    absences: float  # factor on the absences of whole homes
    guests: float  # factor on people who stay and are not registered
    partner: float  # of those who live alone, about
    grandparents: float  # of homes with children
    carer: float  # of homes of the old
    badly_enrolled: float  # of faces: missed in 25-75 % of tries
    register_lag: float  # factor on the days until the register follows
    careful: float  # of those who let their home whole or leave it empty: take care to be seen
    lends_card: float  # of households: cards change hands within the family
    litres: float  # m³ a person and day at the median
    recorded_vacant: float  # of dwellings
    violation_shares: dict[str, float]  # of dwellings on one day, by kind


def draw_world(dice: Dice) -> World:
    """A city's parameters, drawn in an order that is part of what a seed means."""
    between = dice.between
    # keyword arguments are evaluated, and so drawn, as they stand here
    return World(
        consents=between(0.5, 0.75),
        declares=between(0.22, 0.48),
        festival_trips=between(0.42, 0.7),
        absences=between(0.8, 1.2),
        guests=between(0.7, 1.3),
        partner=between(0.02, 0.05),
        grandparents=between(0.05, 0.11),
        carer=between(0.12, 0.24),
        badly_enrolled=between(0.02, 0.05),
        register_lag=between(0.5, 1.5),
        careful=between(0.2, 0.4),
        lends_card=between(0.06, 0.14),
        litres=between(0.095, 0.125),
        recorded_vacant=between(0.03, 0.055),
        violation_shares={name: kind.share * _about_one(dice) for name, kind in VIOLATIONS.items()},
    )


def _about_one(dice: Dice) -> float:
    return float(np.exp(np.clip(dice.rng.normal(0, 0.14), -0.25, 0.22)))
