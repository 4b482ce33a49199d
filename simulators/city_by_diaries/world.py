"""(P) What differs from city to city: shares, rates and lengths of the life there, and the form of its export.

All shares are 0..1 of the named whole, all rates are a year, lengths in days unless said. The ranges are assumptions
spread around the quantified facts of the project's references: prevalence and honest absences after `detection.md`
sections 1.1, 2.1 and 3, doors and outages after `law_and_practice.md` sections 5.2 and 5.3, innocent explanations
(IE01–IE32) after its section 2.3. No city's figures are those of a detector's priors.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.city_by_diaries.arrays import Generator


@dataclass(frozen=True, slots=True)
class World:
    """The parameters of one city."""

    # estates and doors
    estates: int
    identity_doors: float  # share of estates whose gates (and, apart, block doors) check a face
    dwelling_locks: float  # of the dwellings in estates with locks: a lock that reports
    face_enrolled: float  # of adults, where a door checks faces
    consent_b: float  # of enrolled faces: may be used for the occupancy check
    prefers_face: float  # mean share of passes with the face, not the card
    badly_enrolled: float  # of faces: missed in 12–50 % of tries ("goats")
    face_missed: float  # of tries with a well enrolled face
    seen_at_gate: float  # of entries: recorded at all (law_and_practice.md 5.3, "observability")
    seen_at_block: float
    seen_at_dwelling: float
    tailgating_homes: float
    out_at_gate: float  # readers on the way out, as a share of what the way in records
    out_at_block: float
    out_at_dwelling: float
    refuses_mismatch: float  # of card holders whose face does not match: refused
    intercom: float
    unknown_faces_written: float
    shares_card: float
    loses_card: float
    # faults
    outages: float  # a door and year
    outage_hours: float
    silent: float  # of faults: not recorded in the coverage
    propped: float  # a door and year
    clock_wrong: float  # a door and year
    estate_outages: float  # an estate and year
    late_doors: float  # of access points: put in during the history
    # meters
    water_meters: float
    electricity_meters: float
    meter_fails: float
    reading_lost: float  # of days
    leak: float
    stuck: float  # of failed meters: stand still and say so to nobody
    # absences
    honest_declares: float  # of honest absences longer than 14 days
    violator_declares: float
    short_declared: float
    away_30_days: float  # of homes in a year, honestly (detection.md 2.1: 11.6 %)
    away_at_festival: float
    short_trips: float  # a home and year
    # violations
    prevalence: float  # of all dwellings (detection.md 1.1: 0.3–5 %)
    running: float  # of violations: already there on the first day (detection.md 3: 30–40 %)
    goes_on: float  # of violations: still there on the last day
    token_visits: float  # of vacancies (detection.md 3: 60–70 %)
    honest_token_visits: float  # of honest absences longer than 8 days: somebody looks in as well
    # lettings
    relet: float
    vacant: float
    vacant_used: float  # of vacant homes
    let_in_year: float
    left_in_year: float
    # lawful households that look unlawful
    carer: float
    unenrolled: float
    seasonal: float
    grandparent: float
    partner: float
    drops_in: float
    lives_elsewhere: float  # homes with a registered member who lawfully lives elsewhere
    night_shift: float  # of workers
    cases: float  # of honest homes: a case closed without a violation
    day_only: float
    # strangers
    visitors: float  # a home and 30 days
    couriers: float  # a home and day
    members_known: float  # of homes: the office states how many live there
    layouts: tuple[float, ...]  # weights of `estates.LAYOUTS`


def draw_world(rng: Generator, prevalence: float | None = None) -> World:
    """A city's parameters, drawn; `prevalence` replaces the drawn share of violations.

    The order of the draws is part of what a seed means: do not change it.
    """
    between = rng.uniform
    return World(
        estates=int(rng.integers(3, 7)),
        identity_doors=between(0.25, 0.85),
        dwelling_locks=between(0.6, 1.0),
        face_enrolled=between(0.6, 0.95),
        consent_b=between(0.3, 0.9),
        prefers_face=between(0.6, 0.95),
        badly_enrolled=between(0.012, 0.045),
        face_missed=between(0.008, 0.04),
        seen_at_gate=between(0.76, 0.98),
        seen_at_block=between(0.6, 0.93),
        seen_at_dwelling=between(0.8, 0.98),
        tailgating_homes=between(0.04, 0.12),
        out_at_gate=between(0.2, 0.8),
        out_at_block=between(0.05, 0.45),
        out_at_dwelling=between(0, 0.2),
        refuses_mismatch=between(0, 0.35),
        intercom=between(0.25, 0.7),
        unknown_faces_written=between(0.15, 0.6),
        shares_card=between(0.05, 0.15),
        loses_card=float(between(0.01, 0.05, 2)[0]),  # the second is drawn for nothing: a seed keeps its city
        outages=between(1, 6),
        outage_hours=between(4, 40),
        silent=between(0.1, 0.35),
        propped=between(0.3, 3),
        clock_wrong=between(0.04, 0.3),
        estate_outages=between(0.1, 0.6),
        late_doors=between(0, 0.06),
        water_meters=between(0.6, 1.0),
        electricity_meters=between(0.6, 1.0),
        meter_fails=between(0.02, 0.07),
        reading_lost=between(0.003, 0.03),
        leak=between(0.01, 0.05),
        stuck=between(0.05, 0.25),
        honest_declares=between(0.22, 0.52),
        violator_declares=between(0.17, 0.36),
        short_declared=between(0.02, 0.1),
        away_30_days=between(0.114, 0.14),
        away_at_festival=between(0.25, 0.5),
        short_trips=between(0.6, 1.4),
        prevalence=between(0.02, 0.037) if prevalence is None else prevalence,
        running=between(0.3, 0.4),
        goes_on=between(0.75, 0.88),
        token_visits=between(0.6, 0.7),
        honest_token_visits=between(0.47, 0.6),
        relet=between(0.03, 0.06),
        vacant=between(0.01, 0.03),
        vacant_used=between(0.04, 0.1),
        let_in_year=between(0.004, 0.012),
        left_in_year=between(0.004, 0.012),
        carer=between(0.03, 0.06),
        unenrolled=between(0.035, 0.08),
        seasonal=between(0.03, 0.06),
        grandparent=between(0.03, 0.07),
        partner=between(0.02, 0.05),
        drops_in=between(0.03, 0.08),
        lives_elsewhere=between(0.02, 0.05),
        night_shift=between(0.07, 0.18),
        cases=between(0.006, 0.02),
        day_only=between(0.003, 0.008),
        visitors=between(0.5, 3),
        couriers=between(0.03, 0.2),
        members_known=float(rng.choice([1.0, between(0.6, 0.95), between(0.3, 0.6)])),
        layouts=tuple(float(weight) for weight in rng.dirichlet([1.6, 1.4, 0.9, 0.7, 0.5])),
    )


@dataclass(frozen=True, slots=True)
class ExportForm:
    """How the vendor of a city writes the same facts: a reader of the format must take them all."""

    identity: str  # passes name `both` person and credential, the `credential` alone, or the `person` alone
    offset_h: int  # hours east of UTC in which times are written; the life is always at +08:00
    id_style: int  # 0..4, see `identifiers`
    meters: tuple[str, ...]  # kinds read
    relet_in_two_rows: bool  # a dwelling let twice has two rows, or one from the first to the last day
    directions: str  # `known`, `unknown`, or `mixed` by estate
    order: str  # passes by `time`, by `device`, or by `day` and device
    water_step: float  # m³ that a register shows at least
    electricity_step: float  # kWh
    rows_for_gaps: bool  # a lost reading is a row with ok = 0, or no row
    catches_up: bool  # the first reading after a gap carries what the gap missed
    extra_columns: bool  # tables have columns of the vendor's own
    couriers_name_dwelling: bool


def export_form(seed: int) -> ExportForm:
    """The export of city `seed`: forms go round, so that neighbouring seeds differ."""
    both = ("water", "electricity")
    return ExportForm(
        identity=("both", "credential", "person")[(seed // 2) % 3],
        offset_h=0 if seed % 3 == 2 else 8,
        id_style=seed % 5,
        meters=(both, both, ("water",), both, ("electricity",))[seed % 5],
        relet_in_two_rows=seed % 4 in (0, 3),
        directions=("mixed", "unknown", "known", "unknown")[seed % 4],
        order=("time", "device", "time", "day")[(seed // 3) % 4],
        water_step=(0.001, 0.01, 1.0, 0.1)[(seed + 1) % 4],
        electricity_step=(0.01, 1.0, 0.1)[seed % 3],
        rows_for_gaps=(seed // 2) % 2 == 1,
        catches_up=(seed // 2) % 2 == 1,
        extra_columns=seed % 3 == 1,
        couriers_name_dwelling=seed % 2 == 0,
    )
