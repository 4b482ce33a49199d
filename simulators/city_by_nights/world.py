"""What differs from city to city: shares, rates and lengths of the life there.

Shares are 0..1 of the named whole, rates a year unless it says otherwise, lengths in days. The ranges are assumptions spread
around the quantified facts of the project's references: violations, absences and overlays after `detection.md` sections 1 to
3, innocent explanations after `law_and_practice.md` section 4.1, doors after its sections 5.2 and 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_nights.dice import Floats, Generator

VIOLATION_SHARES = {
    "vacancy": 0.31,
    "sublet_whole": 0.24,
    "sublet_part": 0.16,
    "lent": 0.10,
    "visitor_abuse": 0.07,
    "vacant_used": 0.03,
    "over_occupancy": 0.05,
    "enrolment_fraud": 0.04,
}
"""Kinds with their mean shares of violations (detection.md section 3)."""

HOUSEHOLD_SHARES = {
    "single_old": 0.17,
    "old_couple": 0.14,
    "family": 0.26,
    "young": 0.13,
    "night": 0.06,
    "traveller": 0.06,
    "seasonal": 0.06,
    "three_gen": 0.12,
}
"""Kinds of households with their mean shares of dwellings (detection.md section 3)."""

VIOLATIONS_ALIKE, HOUSEHOLDS_ALIKE = 130, 45  # the more, the closer cities keep to the mean shares


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    # violations
    prevalence: float  # of dwellings
    running: float  # of violations: already there on the first day
    ends: float  # of violations: end by themselves
    violation_shares: Floats  # (8,) as VIOLATION_SHARES
    household_shares: Floats  # (8,) as HOUSEHOLD_SHARES
    # habits
    walks: float  # factor on short trips
    follows: float  # factor on walking in behind others
    child_seen: float  # of a child's passes: at a reader at all, else with a grown-up
    festival_trips: float  # of homes: away at Spring Festival
    summer_trips: float  # of homes with children: away in the summer
    long_absences: float  # a year and home
    with_children: float  # of homes of the old, a year: with their grown children for a time
    rotating: float  # of homes of the old: in turns with their children
    season: float  # of seasonal workers: gone for a season
    breaks: float  # factor on absences of a few days
    hospital: float  # stays a year and old person
    long_median_log: float  # of long absences: log of the median length
    long_spread: float  # of the log of their lengths
    # what happens in an empty home: (4,) shares of absences.Upkeep
    upkeep_honest: Floats
    upkeep_vacancy: Floats
    fades_honest: float  # of long honest absences: nights at home get fewer before
    fades_vacancy: float
    returns_honest: float  # of long honest absences: some nights at home in between
    returns_vacancy: float
    fridge_off: float  # of honest absences: nothing is left on
    fridge_off_vacancy: float
    false_declared: float  # of the honest share of declarations: by those who left for good
    # overlays: shares of the homes that can have them
    carer: float
    unenrolled: float
    badly_enrolled: float  # of faces: missed in 30-75 % of tries ("goats")
    tailgates: float
    grandparents: float
    partner: float
    renovation: float
    many_visitors: float
    sitter: float
    boarding: float  # of teens: at a boarding school
    ghost_member: float  # registered, lives elsewhere
    new_member: float
    face_stops: float  # of faces: no longer recognised from some day on
    frugal: float
    succession: float  # the tenants are gone for good, lawful family stays
    card_swap: float  # of cards: booked to another household
    posted_tenant: float  # the tenants are away for work, lawful family stays
    guests: float  # one-off guests a home and day
    couriers: float  # of these: come while nobody is at home
    recorded_vacant: float  # of dwellings
    let_in_year: float
    left_in_year: float
    expected_missing: float  # of homes: the office does not know how many live there
    expected_wrong: float
    fraud_in_sublet: float  # of whole sublets: one subtenant is enrolled as family
    # weather and meters
    litres: float  # mean use of a grown-up a day
    leak: float  # of homes
    stuck: float  # of meters
    meter_gap: float  # of readings: missing, at the median meter
    dead: float  # of meters: silent from some day on
    swapped: float  # of water meters: mixed up with another one
    north: bool  # district heating
    mean_temperature: float  # °C
    temperature_swing: float  # °C from mean to summer
    rain: float  # of days
    # cases
    found: float  # of violations: a case confirms it
    inspected: float  # of homes: a case without a violation
    missed: float  # of violations: passed an inspection
    # faults of doors, an access point
    outages: float  # a year
    propped: float  # a year
    clock_wrong: float  # a year
    always_propped: float  # of access points: for weeks on end
    unrecorded: float  # of faults: not in the coverage
    gaps: float  # a year: neither passes nor coverage
    late_fit: float  # of access points: fitted after the first day


def draw_world(rng: Generator, prevalence: float | None) -> World:
    """A city's parameters, drawn in an order that is part of what a seed means; a `prevalence` given is not drawn."""
    between = rng.uniform
    prevalence = between(0.02, 0.05) if prevalence is None else float(prevalence)
    # keyword arguments are evaluated, and so drawn, as they stand here
    return World(
        prevalence=prevalence,
        running=between(0.30, 0.40),
        ends=between(0.12, 0.28),
        violation_shares=rng.dirichlet(np.array(list(VIOLATION_SHARES.values())) * VIOLATIONS_ALIKE),
        household_shares=rng.dirichlet(np.array(list(HOUSEHOLD_SHARES.values())) * HOUSEHOLDS_ALIKE),
        walks=between(1.08, 1.45),
        follows=between(0.6, 1.6),
        child_seen=between(0.25, 0.6),
        festival_trips=between(0.30, 0.62),
        summer_trips=between(0.10, 0.28),
        long_absences=between(0.045, 0.10),
        with_children=between(0.06, 0.14),
        rotating=between(0.02, 0.05),
        season=between(0.65, 0.95),
        breaks=between(0.6, 1.4),
        hospital=between(0.18, 0.35),
        long_median_log=float(np.log(between(30, 48))),
        long_spread=between(0.65, 0.9),
        upkeep_honest=rng.dirichlet([35, 28, 28, 9]),
        upkeep_vacancy=rng.dirichlet([25, 37, 26, 12]),
        fades_honest=between(0.18, 0.32),
        fades_vacancy=between(0.25, 0.42),
        returns_honest=between(0.15, 0.28),
        returns_vacancy=between(0.10, 0.22),
        fridge_off=(fridge_off := between(0.15, 0.4)),
        fridge_off_vacancy=fridge_off + between(-0.05, 0.12),
        false_declared=between(0.15, 0.5),
        carer=between(0.08, 0.20),
        unenrolled=between(0.035, 0.08),
        badly_enrolled=between(0.025, 0.07),
        tailgates=between(0.04, 0.11),
        grandparents=between(0.04, 0.12),
        partner=between(0.02, 0.06),
        renovation=between(0.008, 0.02),
        many_visitors=between(0.006, 0.02),
        sitter=between(0.04, 0.10),
        boarding=between(0.1, 0.35),
        ghost_member=between(0.02, 0.05),
        new_member=between(0.02, 0.05),
        face_stops=between(0.01, 0.04),
        frugal=between(0.02, 0.06),
        succession=between(0.0005, 0.003),
        card_swap=between(0.0005, 0.003),
        posted_tenant=between(0.004, 0.012),
        guests=between(0.04, 0.16),
        couriers=between(0.05, 0.3),
        recorded_vacant=between(0.03, 0.08),
        let_in_year=between(0.03, 0.07),
        left_in_year=between(0.02, 0.05),
        expected_missing=between(0.05, 0.25),
        expected_wrong=between(0.05, 0.14),
        fraud_in_sublet=between(0.0, 0.04),
        litres=between(105, 165),
        leak=between(0.02, 0.05),
        stuck=between(0.003, 0.012),
        meter_gap=between(0.004, 0.02),
        dead=between(0.005, 0.02),
        swapped=between(0.001, 0.005),
        north=bool(rng.random() < 0.5),
        mean_temperature=between(11, 22),
        temperature_swing=between(8, 15),
        rain=between(0.15, 0.4),
        found=between(0.06, 0.15),
        inspected=between(0.014, 0.032),
        missed=between(0.02, 0.06),
        outages=between(1, 4.5),
        propped=between(1, 6),
        clock_wrong=between(0.15, 0.8),
        always_propped=between(0.02, 0.12),
        unrecorded=between(0.06, 0.2),
        gaps=between(0.2, 1.0),
        late_fit=between(0.0, 0.12),
    )
