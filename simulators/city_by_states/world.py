"""The parameters of a city, drawn anew for every seed: no two cities are alike in devices, people or violations.

The ranges follow `detection.md` sections 3 and 4 (absences, violations, what must be drawn and not assumed) and
`law_and_practice.md` sections 4 and 5 (observability of doors, outages, prevalence, households); what neither gives is assumed
wide. Shares and probabilities are 0..1; what is a rate (a year, unless it says otherwise), a weight or a measure says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

HOUSEHOLD_SHARES = {
    "lone_elderly": 14,
    "old_couple": 12,
    "family": 28,
    "single_parent": 7,
    "young_single": 10,
    "young_couple": 8,
    "night": 6,
    "traveller": 4,
    "seasonal": 5,
    "three_gen": 9,
}
"""Per cent of let homes, before the draw. The kinds are those of detection.md section 3."""

VIOLATION_SHARES = {
    "vacancy": 33,
    "sublet_whole": 26,
    "sublet_part": 13,
    "lent": 10,
    "visitor_abuse": 8,
    "over_occupancy": 6,
    "enrolment_fraud": 4,
}
"""Per cent of violations in let homes, before the draw (detection.md section 3)."""


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    # doors and what they check
    face_blocks: float  # share of block doors that check a face
    face_gates: float  # share of gates that check a face
    face_and_card: float  # of doors that check a face: card and face together
    gate_readers: float  # P that an estate reads at its gates
    dwelling_readers: float  # share of dwellings with an electronic lock
    dwelling_faces: float  # of these: with a face reader
    exit_readers: float  # share of block doors with a reader of their own on the way out
    one_reader_both_ways: float  # share of block doors with one reader for both ways
    direction_told: float  # share of doors that say the direction
    # what a door sees of those who pass (law_and_practice.md section 5.3)
    recorded: float  # P that a pass of a block door or gate is recorded
    busy_doors: float  # share of block doors where a third less is recorded
    tailing: float  # mean P of walking in behind others
    tailing_homes: float  # share of homes where most passes are tailed
    by_car: float  # share of adults who come and go by car
    key_homes: float  # share of homes that use a mechanical key
    household_cards: float  # share of homes with one card for all
    shared_cards: float  # P that a member uses another member's card
    pin_use: float  # weight of the PIN against the card, 1
    qr_use: float  # weight of the QR code against the card, 1
    face_enrolled: float  # share of members with an enrolled face
    face_use: float  # mean share of their passes made by face
    face_missed: float  # median P that the terminal does not know an enrolled face (detection.md section 5)
    badly_enrolled: float  # share of members whose face is often missed
    stranger_linked: float  # P that an unknown face is let in for a household that is named
    face_consent: float  # mean share of members who consent to the occupancy check by face
    kept_visitor_codes: float  # share of estates where a visitor keeps one credential
    deliveries: float  # a home and day
    delivery_recorded: float  # P that a delivery makes a visitor's pass
    relatives: float  # mean days a month on which relatives drop in
    # faults of doors
    outage_days: float  # a year and door (law_and_practice.md section 5.3: 3-20)
    outage_known: float  # P that the coverage says so
    propped_rate: float  # half the times a year that a door is propped open
    propped_known: float
    clock_rate: float  # wrong clocks a year and door
    clock_known: float
    heartbeat_gaps: float  # a year and door: nothing known of a door that works
    late_install: float  # share of doors that begin in the first half of the history
    estate_outage: bool  # all gates and block doors of one estate fail once, 36-240 h
    # meters
    water_meters: float  # share of dwellings with daily water
    electricity_meters: float
    water_step_m3: float  # smallest step of a water meter
    meter_fault: float  # share of meters that go wrong once
    meter_gap: float  # P that a day's reading is missing
    gateway_outages: float  # a year and block
    leaks: float  # share of dwellings that leak once
    frugal: float  # share of households that use a quarter
    water_a_person: float  # m³ a day
    # violations (detection.md section 3)
    prevalence: float  # share of let homes with a violation
    running: float  # of these: already on the first day
    token_visits: float  # of vacancies: someone looks in
    day_use: float  # of vacancies: used by day, nobody sleeps there
    ongoing: float  # share of violations that do not end
    enrolled_by_fraud: float  # of whole sublets: the subtenant is registered as family
    honest_visits: float  # of honest absences: someone looks in
    fridge_off: float  # of absences of 9 days and more
    declared: float  # P that a long absence is told
    violators_declare: float  # the same of violators, as a share of it
    # absences of whole households
    long_rate: float  # factor of absences.LONG_A_YEAR
    spring_festival_away: float
    summer_away: float  # of families
    medium_rate: float  # of 4-40 days, a year
    weekend_rate: float  # weekends away a year
    # lawful company
    unenrolled: float  # share of households with a lawful member who is not enrolled
    carers: float
    partners: float
    grandparents: float
    friends: float  # of households with a child at school
    sitters: float  # of absences of 14 days and more
    lives_at_childrens: float  # share of the old and single who live half elsewhere
    # tenancies
    joins: float  # share of households that a member joins
    not_let: float  # share of dwellings recorded vacant
    not_let_used: float  # of these: used all the same
    new_lets: float
    ended_lets: float
    inspected: float  # share of innocent homes with a closed case
    no_cases: bool  # the place has none
    # the load of electricity
    air_conditioning: float  # share of homes
    winter_heating: float  # median kWh a day in the coldest week
    # shares of kinds
    households: Mapping[str, float]
    violations: Mapping[str, float]


def draw_world(rng: Generator) -> World:
    """The parameters of one city. The order of the draws is part of what a seed means."""

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return World(
        face_blocks=between(0.2, 0.95),
        face_gates=between(0.1, 0.9),
        face_and_card=between(0.05, 0.3),
        gate_readers=between(0.7, 1),
        dwelling_readers=between(0.1, 0.8),
        dwelling_faces=between(0, 0.3),
        exit_readers=between(0.08, 0.45),
        one_reader_both_ways=between(0.05, 0.25),
        direction_told=between(0.55, 0.98),
        recorded=between(0.78, 0.96),
        busy_doors=between(0.05, 0.3),
        tailing=between(0.06, 0.24),
        tailing_homes=between(0.04, 0.12),
        by_car=between(0.05, 0.3),
        key_homes=between(0.03, 0.2),
        household_cards=between(0.05, 0.3),
        shared_cards=between(0.05, 0.2),
        pin_use=between(0.05, 0.3),
        qr_use=between(0.05, 0.35),
        face_enrolled=between(0.75, 0.97),
        face_use=between(0.75, 0.97),
        face_missed=between(0.006, 0.04),
        badly_enrolled=between(0.02, 0.06),
        stranger_linked=between(0.55, 0.95),
        face_consent=between(0.45, 0.95),
        kept_visitor_codes=between(0, 1),
        deliveries=between(0.03, 0.3),
        delivery_recorded=between(0.1, 0.6),
        relatives=between(0.6, 2.2),
        outage_days=between(3, 20),
        outage_known=between(0.55, 0.95),
        propped_rate=between(0.3, 3),
        propped_known=between(0.3, 0.85),
        clock_rate=between(0.05, 0.5),
        clock_known=between(0.4, 0.9),
        heartbeat_gaps=between(0.3, 3),
        late_install=between(0, 0.08),
        estate_outage=rng.random() < 0.35,
        water_meters=between(0.45, 0.98),
        electricity_meters=between(0.3, 0.98),
        water_step_m3=float(rng.choice([0.001, 0.01, 0.01, 0.1], p=[0.45, 0.3, 0.15, 0.1])),
        meter_fault=between(0.05, 0.3),
        meter_gap=between(0.005, 0.04),
        gateway_outages=between(0.5, 3),
        leaks=between(0.02, 0.07),
        frugal=between(0.02, 0.05),
        water_a_person=between(0.07, 0.13),
        prevalence=between(0.022, 0.04),
        running=between(0.30, 0.40),
        token_visits=between(0.60, 0.70),
        day_use=between(0.10, 0.15),
        ongoing=between(0.7, 0.9),
        enrolled_by_fraud=between(0.06, 0.14),
        honest_visits=between(0.52, 0.68),
        fridge_off=between(0.25, 0.5),
        declared=between(0.12, 0.6),
        violators_declare=between(0.65, 1.0),
        long_rate=between(0.9, 1.1),
        spring_festival_away=between(0.4, 0.65),
        summer_away=between(0.1, 0.2),
        medium_rate=between(0.3, 0.55),
        weekend_rate=between(1, 3),
        unenrolled=between(0.05, 0.12),
        carers=between(0.1, 0.22),
        partners=between(0.03, 0.08),
        grandparents=between(0.04, 0.09),
        friends=between(0.15, 0.4),
        sitters=between(0.05, 0.15),
        lives_at_childrens=between(0.005, 0.02),
        joins=between(0.015, 0.05),
        not_let=between(0.02, 0.08),
        not_let_used=between(0.01, 0.05),
        new_lets=between(0.02, 0.05),
        ended_lets=between(0.015, 0.04),
        inspected=between(0, 0.02),
        no_cases=rng.random() < 0.2,
        air_conditioning=between(0.4, 0.9),
        winter_heating=between(0.1, 0.7),
        households=_shares(rng, HOUSEHOLD_SHARES),
        violations=_shares(rng, VIOLATION_SHARES),
    )


def _shares(rng: Generator, per_cent: Mapping[str, int]) -> dict[str, float]:
    drawn = rng.dirichlet(np.array(list(per_cent.values())) * 4.0)
    return {kind: round(float(share), 4) for kind, share in zip(per_cent, drawn, strict=True)}
