"""What is usual in one city: the shares and chances that differ from seed to seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.city_by_lives.basics import Generator, happens


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares and chances (0..1) if nothing else is said."""

    leaves_at_festival: float  # of a family; other households go more or less often
    declares: float  # an absence
    consents: float  # a household, to the use of its face passes
    enrols_face: float
    follows_others: float  # households that mostly slip in behind others
    swaps_cards: float  # households
    hospital_stays: float  # a person and year
    long_absences: float  # a factor
    never_registers: float  # a partner who moves in
    looks_in: float  # who left the home for good shows up now and then
    has_caller: float  # a household that is away: somebody waters the plants
    switches_off: float  # everything before a journey
    hard_to_recognise: float  # people whose face is often refused
    vacant: float  # dwellings
    moves_out: float  # households
    has_district_heating: bool
    mean_temperature: float  # °C
    temperature_swing: float  # °C
    violations: Mapping[
        str, float
    ]  # share of dwellings in violation at a time, by kind, if the prevalence is the city's own
    vacant_used: float  # of the vacant dwellings, a year
    runs_already: float  # violations that began before the history
    seasonal_work: float
    prevalence: float | None  # share of dwellings with a violation in the history; None: the city's own


def draw_habits(rng: Generator, prevalence: float | None) -> Habits:
    """Habits of one city."""
    factor = rng.uniform(0.88, 1.12)
    ranges = {
        "vacancy": (0.0065, 0.0085),
        "sublet_whole": (0.0065, 0.0085),
        "sublet_part": (0.004, 0.0055),
        "lent": (0.0035, 0.0055),
        "visitor_abuse": (0.0022, 0.0035),
        "over_occupancy": (0.002, 0.0032),
        "enrolment_fraud": (0.0022, 0.0036),
    }
    return Habits(
        leaves_at_festival=rng.uniform(0.42, 0.6),
        declares=rng.uniform(0.18, 0.42),
        consents=rng.uniform(0.5, 0.75),
        enrols_face=rng.uniform(0.6, 0.9),
        follows_others=rng.uniform(0.06, 0.14),
        swaps_cards=rng.uniform(0.05, 0.12),
        hospital_stays=rng.uniform(0.17, 0.26),
        long_absences=rng.uniform(0.85, 1.2),
        never_registers=rng.uniform(0.4, 0.7),
        looks_in=rng.uniform(0.5, 0.72),
        has_caller=rng.uniform(0.3, 0.5),
        switches_off=rng.uniform(0.2, 0.45),
        hard_to_recognise=rng.uniform(0.015, 0.04),
        vacant=rng.uniform(0.05, 0.09),
        moves_out=rng.uniform(0.05, 0.09),
        has_district_heating=happens(rng, 0.45),
        mean_temperature=rng.uniform(12, 20),
        temperature_swing=rng.uniform(10, 15),
        violations={kind: factor * rng.uniform(low, high) for kind, (low, high) in ranges.items()},
        vacant_used=rng.uniform(0.025, 0.05),
        runs_already=rng.uniform(0.3, 0.42),
        seasonal_work=rng.uniform(0.02, 0.035),
        prevalence=prevalence,
    )
