"""(P) The parameters of a simulated city ("world"): shares, rates and lengths, checked against a schema.

All shares are 0..1 of the named whole, all rates are per year, all lengths in days, water in m³ a day, power in kWh a
day. Sources: the catalogue of innocent explanations IE01–IE32 and the quantified facts in the project's reference.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, le=400)]
Positive = Annotated[float, Meta(gt=0)]
Days = Annotated[int, Meta(ge=1, le=400)]
Pair = tuple[Days, Days]
KINDS = (
    "single_old",
    "old_couple",
    "family",
    "couple",
    "young",
    "night_shift",
    "traveller",
    "seasonal",
    "three_generations",
)


class Long(Struct, frozen=True, forbid_unknown_fields=True):
    """A long absence: how often a year, median length, spread of its logarithm, shortest and longest."""

    rate: Rate
    median: Positive
    sigma: Positive
    shortest: Days
    longest: Days


class Estates(Struct, frozen=True, forbid_unknown_fields=True):
    """How estates are built and which doors check whom."""

    blocks: Pair  # an estate
    block_dwellings: Pair
    block_doors_only: Share
    gates_only: Share
    dwelling_locks: Share
    face: Share
    card_only_blocks: Share
    out_readers: Share
    unknown_direction: Share
    pin_blocks: Share
    stable_visitor_ids: Share


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """What the office knows: leases, faces, consents, declarations."""

    not_let: Share
    let_during: Share
    ends_during: Share
    register_lag: Share  # of those let during the history: moved in some days before the recorded date
    face_refuser: Share
    consent_b: Share
    consent_b_withdrawn: Share
    declares: Share  # of honest absences of 15 days and more
    declares_falsely: Share  # of vacancies


class Absences(Struct, frozen=True, forbid_unknown_fields=True):
    """Honest absences of whole households."""

    trips: dict[str, Rate]
    trip_days: Pair
    festival: dict[str, Share]
    festival_far: Share  # of those: away for weeks longer
    summer: Share
    seasonal_days: Pair
    generic: Long
    hospital: Long
    care_stay: Long
    minding_children: Long
    renovation: Long


class AwayStyle(Struct, frozen=True, forbid_unknown_fields=True):
    """How an empty home is looked after; drawn for every household, whatever the reason why it is empty."""

    visits_none: Share
    visits_weekly: Share
    visits_daily: Share
    sparse_days: Pair
    visit_uses_water: Share
    fridge_off: Share


class Overlays(Struct, frozen=True, forbid_unknown_fields=True):
    """Innocent peculiarities, as shares of the households they can befall."""

    carer: Share
    live_in_carer: Share
    carer_visitor_pass: Share
    unenrolled_member: Share
    unlisted_member: Share
    bad_face: Share
    tailgating: Share
    teen_friends: Share
    grandparents: Share
    grandparent_days: Pair
    partner: Share
    relatives: Share
    housebound: Share
    boarding: Share
    business_trips: Share
    family_card_shared: Share
    habit_switch: Share
    joins: Share
    frugal: Share


class Violations(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of let dwellings with a violation in the year, and how violators behave."""

    vacancy: Share
    sublet_whole: Share
    sublet_part: Share
    lent: Share
    visitor_abuse: Share
    over_occupancy: Share
    vacant_used: Share  # of dwellings recorded vacant
    running_at_start: Share
    after_festival: Share  # of new vacancies: left for Spring Festival and did not come back
    ends: Share
    sublet_enrolled: Share
    sublet_cards: Share
    sublet_pin: Share
    sublet_visitor: Share


class Devices(Struct, frozen=True, forbid_unknown_fields=True):
    """Faults of access points. Rates are per access point and year."""

    pass_recorded: tuple[Share, Share]  # P(a pass is recorded) of a door, drawn uniformly
    outages: Rate
    outage_hours: Positive
    propped: Rate
    propped_days: Pair
    propped_seen: Share  # of these: the coverage says so
    propped_recorded: Share  # of passes still recorded at a propped door
    silent_loss: Rate
    silent_loss_days: Pair
    clock: Rate
    clock_hours: Pair
    duplicates: Share
    denied_strangers: Rate
    staff_passes: Rate


class Meters(Struct, frozen=True, forbid_unknown_fields=True):
    """Meters of dwellings and their faults."""

    water: Share
    electricity: Share
    person_water: tuple[Positive, Positive]
    base_water: tuple[float, float]
    water_step: Positive
    leak: Share
    leak_days: Pair
    gap: Share  # of meter days
    gateway_outages: Rate  # per estate and year
    gateway_days: Pair
    backwards: Share
    estimated: Share
    shared: Share


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    """How the records tell of the same life: what another city's system leaves out or numbers otherwise. Shares of estates."""

    holder_named: Share = 1.0  # card and QR passes name their holder; else the dwelling alone
    spare_named: Share = 1.0  # a spare card (a guest's, a carer's) names the member it was issued to; else nobody
    daily_visitor_passes: Share = 0.0  # of those without stable ids: a new visitor pass every day, else every week


class World(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a city is drawn from."""

    name: str
    kinds: dict[str, Share]
    estates: Estates
    register: Register
    absences: Absences
    away: AwayStyle
    overlays: Overlays
    violations: Violations
    devices: Devices
    meters: Meters
    recording: Recording = Recording()


def parse_world(text: bytes | str) -> World:
    """A world from JSON. ValueError names the first field that does not fit the schema."""
    world = msgspec.json.decode(text, type=World)
    for name, table in (
        ("kinds", world.kinds),
        ("absences.trips", world.absences.trips),
        ("absences.festival", world.absences.festival),
    ):
        if set(table) != set(KINDS):
            raise ValueError(f"{name} must name exactly {', '.join(KINDS)}")
    if abs(sum(world.kinds.values()) - 1) > 1e-6:
        raise ValueError("kinds must add up to 1")
    for path, (low, high) in _pairs(world):
        if low > high:
            raise ValueError(f"{path}: {low} > {high}")
    return world


def _pairs(world: World) -> list[tuple[str, tuple[float, float]]]:
    found = []
    for group in world.__struct_fields__:
        part = getattr(world, group)
        if isinstance(part, Struct):
            for field in part.__struct_fields__:
                value = getattr(part, field)
                if isinstance(value, tuple):
                    found.append((f"{group}.{field}", value))
    return found


def builtin_world(name: str) -> World:
    """The world `dev` or `hidden`."""
    return parse_world((files("simulators.city") / "worlds" / f"{name}.json").read_bytes())


def world_schema() -> dict[str, Any]:
    """The JSON schema of a world file."""
    return msgspec.json.schema(World)
