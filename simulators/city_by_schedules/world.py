"""What differs from city to city: shares, rates and lengths of the life there, and of what is seen of it.

All shares are 0..1 of the named whole, all rates a year, temperatures in °C. The ranges are assumptions spread around
the quantified facts of the project's references: shares of kinds, prevalence, token visits and honest absences after
`detection.md` sections 1 to 3, innocent explanations after `law_and_practice.md` section 4.1, doors after its section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.arrays import Floats, Generator

HOUSEHOLDS = {
    "single_old": 0.14,
    "old_couple": 0.09,
    "single_worker": 0.15,
    "young_couple": 0.10,
    "family": 0.22,
    "single_parent": 0.06,
    "three_gen": 0.07,
    "night_shift": 0.05,
    "traveller": 0.035,
    "seasonal": 0.045,
    "weekender": 0.02,
    "disabled": 0.02,
}
"""Kinds of households with their mean shares of cities."""

VIOLATIONS = {
    "vacancy": 0.33,
    "sublet_whole": 0.25,
    "sublet_part": 0.15,
    "lent": 0.10,
    "visitor_abuse": 0.065,
    "vacant_used": 0.03,
    "over_occupancy": 0.035,
    "enrolment_fraud": 0.04,
}
"""Kinds of violations with their mean shares of cities."""

HOUSEHOLDS_ALIKE, VIOLATIONS_ALIKE = 45, 90  # the more, the closer is every city to the mean shares


@dataclass(frozen=True, slots=True)
class Life:
    """How people live."""

    # violations
    prevalence: float  # of dwellings
    running: float  # of violations: already there on the first day
    households: Floats  # (HOUSEHOLDS,) of sum 1
    violations: Floats  # (VIOLATIONS,) of sum 1
    # absences and lettings
    migrants: float  # of homes: their festival is elsewhere
    mobility: float  # factor on trips
    long_absences: float  # a home and year
    hospital: float  # a grown-up person and year, times 0.7
    festival_trips: float  # of migrants
    summer_away: float  # of homes with children
    renovation: float  # of homes
    death: float  # of homes of the old and the disabled, times 1.6
    recorded_vacant: float  # of dwellings
    lease_ends: float  # of homes
    newly_let: float  # of homes
    # who lives there beside those on record (of homes)
    unenrolled: float
    carer: float
    grandparents: float
    partner: float
    friends: float  # of homes with a youth, times 2
    relatives: float
    badly_recognised: float  # of members, times 0.5: a face missed in 12-50 % of tries
    follower: float
    changes_means: float  # from face to card or back, on some day
    housebound: float
    frugal: float  # uses a quarter to a half of the water
    stale_member: float  # somebody on record who is not there
    marriage: float
    withdraws: float  # of consenting members: takes the consent back
    cards_mixed: float
    sitter: float  # of absences of 18 days or more
    # empty homes
    honest_token_visits: float  # of honest absences of 13 days or more; 0.7 of it up to 25 days
    vacant_token_visits: float  # of vacancies (detection.md 3: 60-70 %)
    vacant_used_by_day: float  # of vacancies (detection.md 3: 10-15 %)
    off_if_short: float  # of absences of 12 to 44 days: nothing is left on
    off_if_long: float  # of longer ones
    off_if_vacant: float  # more than that, of vacancies
    declares: float  # of absences, at most
    declares_falsely: float  # of vacancies; half of it of sublets


@dataclass(frozen=True, slots=True)
class Record:
    """What offices, doors and meters make of it."""

    # the office
    expected_unknown: float  # of homes
    expected_wrong: float  # of homes: one too many or too few
    # doors
    tailgates: float  # of passes: goes unseen behind another
    face_missed: float  # of tries, times 0.3 to 2 a person
    face_mistaken: float  # of unknown faces, times 3: taken for somebody of the estate
    taken_for_family: float  # of recognised faces: taken for another of the same home
    errands: float  # factor on ways out beside work
    # water and electricity
    litres: float  # a person and day
    water_noise: float  # standard deviation of the logarithm from day to day
    water_memory: float  # correlation with the day before
    drips: float  # of homes
    leaks: float  # of homes and year
    # faults
    down_days: float  # an access point and year
    hidden: float  # of outages: the coverage says ok
    propped: float  # a block's door and year; half of it a gate
    propped_for_long: float  # of gates and block doors: for weeks
    clock_wrong: float  # an access point and year
    # weather
    mean_temperature: float
    summer_above_mean: float
    cooling: float  # factor
    heating: float  # of homes: heat with electricity
    # cases, visitors, places
    honest_cases: float  # a home: a case closed without a violation
    violation_cases: float  # of violations: a case closed
    case_overlooks: float  # of those: unfounded, it says
    parcels: float  # callers a home and day, times 0.5 and the estate's register of visitors
    estate_size: float  # dwellings


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    life: Life
    record: Record


def draw_world(rng: Generator, prevalence: float | None) -> World:
    """A city's parameters, drawn in an order that is part of what a seed means; a given prevalence is not drawn."""
    life = _draw_life(rng, prevalence)
    rng.uniform(0.08, 0.12)  # stands for nothing any more; without it every seed would be another city
    return World(life, _draw_record(rng))


def _draw_life(rng: Generator, prevalence: float | None) -> Life:
    between = rng.uniform
    # keyword arguments are evaluated, and so drawn, as they stand here
    return Life(
        prevalence=between(0.02, 0.05) if prevalence is None else prevalence,
        running=between(0.30, 0.40),
        households=rng.dirichlet(np.array(list(HOUSEHOLDS.values())) * HOUSEHOLDS_ALIKE),
        violations=rng.dirichlet(np.array(list(VIOLATIONS.values())) * VIOLATIONS_ALIKE),
        migrants=between(0.25, 0.75),
        mobility=between(0.7, 1.5),
        long_absences=between(0.07, 0.16),
        hospital=between(0.14, 0.30),
        festival_trips=between(0.6, 0.92),
        summer_away=between(0.1, 0.35),
        renovation=between(0.004, 0.02),
        death=between(0.006, 0.02),
        recorded_vacant=between(0.03, 0.09),
        lease_ends=between(0.01, 0.035),
        newly_let=between(0.02, 0.06),
        unenrolled=between(0.04, 0.12),
        carer=between(0.02, 0.07),
        grandparents=between(0.03, 0.09),
        partner=between(0.03, 0.08),
        friends=between(0.02, 0.08),
        relatives=between(0.05, 0.16),
        badly_recognised=between(0.01, 0.05),
        follower=between(0.03, 0.12),
        changes_means=between(0.01, 0.05),
        housebound=between(0.05, 0.15),
        frugal=between(0.03, 0.10),
        stale_member=between(0.02, 0.08),
        marriage=between(0.005, 0.02),
        withdraws=between(0.003, 0.02),
        cards_mixed=between(0.04, 0.14),
        sitter=between(0.02, 0.08),
        honest_token_visits=between(0.45, 0.66),
        vacant_token_visits=between(0.58, 0.72),
        vacant_used_by_day=between(0.10, 0.16),
        off_if_short=between(0.2, 0.4),
        off_if_long=between(0.3, 0.5),
        off_if_vacant=between(-0.05, 0.06),
        declares=between(0.15, 0.6),
        declares_falsely=between(0.10, 0.26),
    )


def _draw_record(rng: Generator) -> Record:
    between = rng.uniform
    return Record(
        expected_unknown=between(0.05, 0.3),
        expected_wrong=between(0.03, 0.12),
        tailgates=between(0.06, 0.24),
        face_missed=between(0.008, 0.035),
        face_mistaken=10 ** between(-4, -2.5),
        taken_for_family=between(0.002, 0.012),
        errands=between(0.95, 1.5),
        litres=between(70, 135),
        water_noise=between(0.28, 0.48),
        water_memory=between(0.3, 0.65),
        drips=between(0.03, 0.12),
        leaks=between(0.03, 0.12),
        down_days=between(2, 16),
        hidden=between(0.05, 0.25),
        propped=between(0.4, 2.5),
        propped_for_long=between(0.02, 0.09),
        clock_wrong=between(0.1, 0.5),
        mean_temperature=between(9, 23),
        summer_above_mean=between(7, 16),
        cooling=between(0.4, 1.0),
        heating=between(0.1, 0.6),
        honest_cases=between(0.006, 0.022),
        violation_cases=between(0.08, 0.25),
        case_overlooks=between(0.05, 0.2),
        parcels=between(0.05, 0.4),
        estate_size=between(260, 620),
    )
