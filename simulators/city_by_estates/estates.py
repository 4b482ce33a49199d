"""Estates: which doors they have, by what means people pass, how much of it is recorded, and what their meters are worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from simulators.city_by_estates.dice import Dice

GATES_ONLY, BLOCKS_ONLY, FACE_FIRST, CARD_AND_PIN = "gates_only", "block_only", "face_first", "card_pin"
SET_UPS = (
    FACE_FIRST,
    "face_part",
    "card_only",
    CARD_AND_PIN,
    GATES_ONLY,
    BLOCKS_ONLY,
    "qr",
    "smart_lock",
    "guard",
    "old_mixed",
)
"""Kinds of estates, all of them as common."""

FACE_SHARES = {
    FACE_FIRST: (0.9, 0.98),
    "face_part": (0.68, 0.82),
    GATES_ONLY: (0.5, 0.9),
    BLOCKS_ONLY: (0.0, 0.7),
    "qr": (0.0, 0.4),
    "smart_lock": (0.1, 0.5),
    "guard": (0.3, 0.7),
    "old_mixed": (0.0, 0.4),
}
"""Range of the share of homes whose people are enrolled by face; no faces elsewhere."""

CARD_SHARES = {FACE_FIRST: (0.35, 0.7)}
CARD_USED = {FACE_FIRST: (0.15, 0.15), "qr": (0.3, 0.3)}
"""Ranges; where faces or phones come first, cards are kept for need."""

WITH_VISITOR_PASSES = (FACE_FIRST, "face_part", "qr", "guard", GATES_ONLY)
WITH_KEYPADS = (CARD_AND_PIN, "old_mixed", "smart_lock")
WITHOUT_WATER = 0.2  # at most, of dwellings
FEWEST_DWELLINGS = 20  # of an estate


class CatchUp(StrEnum):
    """What a meter tells after days without a reading."""

    MARKED = "marked"  # the use of all these days, marked as no day's use
    UNMARKED = "unmarked"  # the same, as if it were a day's
    LOST = "lost"  # the day's own use: that of the gap is lost


@dataclass(slots=True)
class Estate:
    """One estate. Shares are 0..1; a weight is how readily a means is used; `in` and `out` are P that a pass is recorded."""

    number: int
    name: str
    kind: str  # of SET_UPS
    dwellings: int
    has_gates: bool
    has_block_doors: bool
    face_share: float  # of homes
    face_weight: float
    card_share: float  # of grown-ups
    card_weight: float
    has_pins: bool
    pin_weight: float
    qr_share: float  # of grown-ups
    qr_weight: float
    guard_weight: float  # the guard opens
    guard_notes: float  # of those let in by the guard: their dwelling is written down
    unseen_weight: float  # in with somebody else, by no reader
    has_visitor_passes: bool
    visitor_pass_days: int
    visitor_weight: float
    cards_name_holder: bool
    names_dwelling: bool  # of passes that name a person
    face_is_credential: bool  # recognised faces have a credential's identifier
    gate_in: float
    gate_out: float
    block_in: float
    block_out: float
    lock_share: float  # of dwellings with an electronic lock
    side_gate: float  # of ways: by a gate without a reader
    knows_direction: bool
    has_garage: bool  # those with a car pass no gate
    has_door_sensors: bool  # tell when a door is propped open
    propped: float  # how often doors stand open, 0..1
    outages: float  # a year and access point
    outages_told: float  # of outages: the coverage says so
    face_failures: float  # of tries
    doubled: float  # of passes: reported twice
    water_step: float | None  # m³, what the register counts in; None without water meters
    water_share: float  # of dwellings
    has_electricity: bool
    catch_up: CatchUp
    gateway_gaps: float  # a year and block
    refused: float  # of cards and codes
    direction_lost: float  # of passes
    pins_of_block: bool  # one code for all of a block
    gates: list[int] = field(default_factory=list)  # access points
    block_doors: list[int] = field(default_factory=list)  # access points; NOBODY for a block without a reader
    points: list[int] = field(default_factory=list)  # all access points, locks too


def draw_sizes(dice: Dice, dwellings: int) -> list[int]:
    """Dwellings of each estate: 390 to 600 on average, at least two estates."""
    count = max(2, round(dwellings / dice.between(390, 600)))
    weight = np.exp(np.clip(dice.rng.normal(0, 0.5, count), -0.9, 0.75))
    sizes = np.maximum(FEWEST_DWELLINGS, np.floor(weight / weight.sum() * dwellings)).astype(int)
    sizes[np.argmax(sizes)] += dwellings - sizes.sum()
    listed: list[int] = sizes.tolist()
    return listed


def draw_set_ups(dice: Dice, count: int) -> list[str]:
    """Kinds of estates in mixed order; none a second time before all were there once."""
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += [SET_UPS[place] for place in dice.rng.permutation(len(SET_UPS)).tolist()]
    return kinds[:count]


def draw_estate(dice: Dice, number: int, kind: str, dwellings: int, *, may_lack_water: bool) -> Estate:
    """An estate of a kind, without its doors."""
    between, chance = dice.between, dice.chance
    has_gates = kind not in (BLOCKS_ONLY, CARD_AND_PIN)
    face_share = between(*FACE_SHARES.get(kind, (0.0, 0.0)))
    if kind == BLOCKS_ONLY and chance(0.4):
        face_share = 0.0
    # keyword arguments are evaluated, and so drawn, as they stand here
    estate = Estate(
        number=number,
        name=f"E{number + 1:02d}",
        kind=kind,
        dwellings=dwellings,
        has_gates=has_gates,
        has_block_doors=kind != GATES_ONLY,
        face_share=face_share,
        face_weight=between(0.5, 0.95) if face_share else 0.0,
        card_share=between(*CARD_SHARES.get(kind, (0.75, 0.97))),
        card_weight=between(*CARD_USED.get(kind, (0.35, 0.6))),
        has_pins=(has_pins := kind in WITH_KEYPADS or chance(0.2)),
        pin_weight=between(0.1, 0.4) if has_pins else 0.0,
        qr_share=between(0.55, 0.85) if kind == "qr" else between(0.1, 0.4) if chance(0.4) else 0.0,
        qr_weight=between(0.4, 0.7),
        guard_weight=between(0.06, 0.2) if kind == "guard" else between(0.005, 0.03) if has_gates else 0.0,
        guard_notes=between(0.3, 0.8) if chance(0.5) else 0.0,
        unseen_weight=between(0.04, 0.15),
        has_visitor_passes=kind in WITH_VISITOR_PASSES or chance(0.45),
        visitor_pass_days=dice.pick({1: 0.3, 3: 0.1, 7: 0.2, 30: 0.25, 90: 0.15}),
        visitor_weight=between(0.45, 0.85),
        cards_name_holder=chance(0.65),
        names_dwelling=chance(0.75),
        face_is_credential=chance(0.4),
        gate_in=between(0.62, 0.95),
        gate_out=between(0.5, 0.92) if chance(0.65) else 0.0,
        block_in=between(0.45, 0.88),
        block_out=between(0.3, 0.7) if chance(0.25) else 0.0,
        lock_share=between(0.85, 1) if kind == "smart_lock" else between(0.02, 0.15) if chance(0.5) else 0.0,
        side_gate=between(0.08, 0.35) if chance(0.4) else 0.0,
        knows_direction=chance(0.8),
        has_garage=chance(0.6),
        has_door_sensors=chance(0.6),
        propped=between(0.1, 0.9) if chance(0.75) else between(0, 0.08),
        outages=between(1.2, 6),
        outages_told=between(0.35, 0.97),
        face_failures=between(0.01, 0.05),
        doubled=between(0.001, 0.01) if chance(0.4) else 0.0,
        water_step=_water_step(dice, may_lack_water),
        water_share=between(0.88, 1) if chance(0.7) else between(0.5, 0.85),
        has_electricity=chance(0.42),
        catch_up=dice.pick({CatchUp.MARKED: 0.35, CatchUp.UNMARKED: 0.3, CatchUp.LOST: 0.35}),
        gateway_gaps=between(1, 7),
        refused=between(0.001, 0.01),
        direction_lost=between(0.002, 0.02),
        pins_of_block=has_pins and kind != "smart_lock" and chance(0.3),
    )
    if kind == "old_mixed":  # worn readers
        estate.gate_in, estate.block_in = between(0.35, 0.6), between(0.3, 0.6)
    return estate


def _water_step(dice: Dice, may_lack_water: bool) -> float | None:
    if dice.chance(0.15) and may_lack_water:
        return None
    return dice.pick({0.001: 0.12, 0.01: 0.23, 0.1: 0.42, 1.0: 0.23})
