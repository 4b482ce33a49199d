"""What differs from city to city: shares, rates and lengths of the life there.

All shares are 0..1 of the named whole, all rates a year, temperatures in °C. The ranges are assumptions spread around
the quantified facts of the project's references: prevalence and honest absences after `detection.md` sections 1.1, 2.1
and 3, innocent explanations (IE01-IE32) after `law_and_practice.md` section 4.1, doors after its sections 5.2 and 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.city_of_lookalikes.dice import Dice, Floats


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    # violations
    prevalence: float  # of all dwellings (detection.md 1.1: 0.3-5 %)
    running: float  # of violations: already there on the first day (detection.md 3: 30-40 %)
    goes_on: float  # of violations: still there on the last day
    # estates and doors
    estate_kinds: Floats  # (4,) weights of `estates.EstateKind`, of sum 1
    dwelling_readers: float  # mean share of the dwellings of a block with a reader of their own
    water_meters: float  # from 0.55 (a few estates have none) to 1 (all have)
    electricity_meters: float
    outages: float  # an access point and year
    hidden_outages: float  # of outages: not in the coverage
    propped: float  # an access point and year
    clock_wrong: float  # of access points, times 0.6
    # who is seen, and as whom (law_and_practice.md 5.3, "observability")
    tailgates: float  # of passes, at most: goes in behind another
    consent_b: float  # of faces: may be used for the occupancy check
    linked: float  # of unknown faces at shared doors: the intercom names the dwelling
    card_checks_face: float  # of card passes at doors with a camera
    badly_enrolled: float  # of homes: a face missed in 40-97 % of tries ("goats")
    unenrolled: float  # of homes: somebody lives there lawfully without a face on record
    family_card: float  # of members: use the first card of the home, not their own
    personal_cards: float  # of estates: a card names its holder
    one_day_passes: float  # of estates: a visitor's pass is another one each day
    # honest life
    carer: float  # of homes; three times in homes of the old, half elsewhere
    honest_declares: float  # of long honest absences
    violator_declares: float  # of vacancies, as a share of the honest
    absences: float  # factor on the long honest absences (detection.md 2.1: 11.6 % of homes 30 days or more)
    fridge_off: float  # of absences: nothing is left on
    festival_trips: float  # of homes: away at Spring Festival
    token_visits: float  # of vacancies (detection.md 3: 60-70 %)
    recorded_vacant: float  # of dwellings
    cases: float  # of homes: a case closed without a violation
    fraud: float  # of lodgers' groups: registered as members later
    # weather and meters
    north: bool  # district heating
    mean_temperature: float
    summer_above_mean: float  # °C
    leaks: float  # of homes
    meter_failures: float  # factor


def draw_world(dice: Dice) -> World:
    """A city's parameters, drawn in an order that is part of what a seed means."""
    between, chance = dice.between, dice.chance
    prevalence = between(0.020, 0.040)
    running = between(0.30, 0.40)
    goes_on = between(0.70, 0.88)
    estate_kinds = dice.rng.dirichlet([3, 2.2, 1.6, 1.2])
    # keyword arguments are evaluated, and so drawn, as they stand here
    return World(
        prevalence=prevalence,
        running=running,
        goes_on=goes_on,
        estate_kinds=estate_kinds,
        dwelling_readers=between(0.05, 0.55),
        water_meters=between(0.55, 1.0),
        electricity_meters=between(0.35, 1.0),
        outages=between(0.4, 2.2),
        hidden_outages=between(0.10, 0.45),
        propped=between(0.3, 2.0),
        clock_wrong=between(0.05, 0.5),
        tailgates=between(0.15, 0.45),
        consent_b=between(0.55, 0.95),
        linked=between(0.5, 0.9),
        card_checks_face=between(0.45, 0.98),
        badly_enrolled=between(0.02, 0.06),
        unenrolled=between(0.05, 0.12),
        carer=between(0.03, 0.08),
        honest_declares=between(0.12, 0.50),
        violator_declares=between(0.5, 0.95),
        absences=between(0.92, 1.10),
        fridge_off=between(0.25, 0.50),
        festival_trips=between(0.30, 0.60),
        token_visits=between(0.60, 0.70),
        north=chance(0.4),
        mean_temperature=between(11, 21),
        summer_above_mean=between(10, 15),
        leaks=between(0.01, 0.04),
        meter_failures=between(0.4, 2.0),
        recorded_vacant=between(0.02, 0.055),
        personal_cards=between(0.4, 0.95),
        one_day_passes=between(0.1, 0.6),
        cases=between(0, 0.02),
        fraud=between(0.06, 0.14),
        family_card=between(0.15, 0.45),
    )
