"""The places of a city: estates with their doors and rules, blocks, dwellings.

Equipment of estates after `law_and_practice.md` section 5.2: some check faces at the gate and the blocks, some have
cards alone, some locks at dwellings, some nearly nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.arrays import Bools, Floats, Generator, Ints, one_of
from simulators.city_by_schedules.world import World

STYLES = {
    "face_all": 0.28,
    "face_gate_card_block": 0.28,
    "card_only": 0.13,
    "block_only": 0.11,
    "dwelling_locks": 0.14,
    "scattered": 0.06,
}
"""Of estates, with their shares."""

FACES_AT_BLOCKS = {
    "face_all": 0.95,
    "face_gate_card_block": 0.12,
    "card_only": 0.0,
    "block_only": 0.7,
    "dwelling_locks": 0.5,
    "scattered": 0.3,
}
LOCKS = {"dwelling_locks": 0.95, "scattered": 1.0, "face_all": 0.12, "face_gate_card_block": 0.08}
BLOCK_READERS = {"scattered": 0.25}  # 0.97 elsewhere


@dataclass(slots=True)
class Estate:
    """Doors, rules and meters of one estate; shares are 0..1 of what is named."""

    consents: float  # of grown-up members
    enrolled: float  # of grown-up members: face on record
    owns_card: float  # of grown-up members
    cards_name_holder: bool
    has_qr: bool
    prefers_card: float  # of enrolled members
    without_consent: str  # `card`: no face; `stripped`: the record has no person; `shown`: it has
    tailgates: float  # of passes
    gate_exits: float  # of ways out: recorded
    block_exits: float
    gate_knows_direction: bool
    block_knows_direction: bool
    side_ways: float  # of legs, times 0 to 2 a person: past no gate
    registers_visitors: float
    pin_is_common: bool  # one PIN for all at gates and blocks: it names no dwelling
    block_has_pin: bool
    water: bool
    electricity: bool
    meter_step: float  # m³ that a water meter counts in
    sends_late: bool  # a meter that was not read tells all that it counted afterwards
    one_day_passes: bool  # a visitor's pass is another one each day or few days
    declares: float  # of absences
    block_size: int  # dwellings
    gates: int
    metered: float  # of dwellings
    gateway_faults: int  # a year
    live_from: int = 0  # day
    gate_face: bool = False
    block_face: float = 0.0  # of blocks
    locks: float = 0.0  # of blocks: the dwellings have electronic locks
    block_readers: float = 0.97  # of blocks

    @property
    def knows_most(self) -> bool:
        """Checks faces at the gate or at most blocks."""
        return (self.gate_face and self.gates > 0) or self.block_face > 0.6


def draw_estate(rng: Generator, world: World, number: int) -> Estate:
    """One estate; estate 0 is live from the first day."""
    between = rng.uniform
    style = one_of(rng, tuple(STYLES), tuple(STYLES.values()))
    # keyword arguments are evaluated, and so drawn, as they stand here
    estate = Estate(
        consents=between(0.64, 0.96),
        enrolled=between(0.88, 0.99),
        owns_card=between(0.7, 0.98),
        cards_name_holder=between() < 0.75,
        has_qr=between() < 0.5,
        prefers_card=between(0.05, 0.28),
        without_consent=one_of(rng, ("card", "stripped", "shown"), (0.5, 0.25, 0.25)),
        tailgates=float(np.clip(world.record.tailgates * between(0.5, 1.7), 0.03, 0.5)),
        gate_exits=float(rng.choice([0, 0.35, 0.9], p=[0.3, 0.3, 0.4])),
        block_exits=float(rng.choice([0, 0.1, 0.6], p=[0.65, 0.2, 0.15])),
        gate_knows_direction=between() < 0.75,
        block_knows_direction=between() < 0.6,
        side_ways=between(0, 0.22),
        registers_visitors=between(0.05, 0.9),
        pin_is_common=between() < 0.4,
        block_has_pin=between() < 0.45,
        water=between() < 0.88,
        electricity=between() < 0.55,
        meter_step=float(rng.choice([0.001, 0.01, 0.1], p=[0.5, 0.38, 0.12])),
        sends_late=between() < 0.4,
        one_day_passes=between() < 0.6,
        declares=float(np.clip(world.life.declares * between(0.5, 1.6), 0.03, 0.85)),
        block_size=int(between(32, 110)),
        gates=int(rng.integers(1, 5)),
        metered=between(0.85, 1.0) if between() < 0.8 else between(0.35, 0.85),
        gateway_faults=int(rng.poisson(1.3)),
    )
    if between() < 0.12:
        estate.water = estate.electricity = False
    elif not estate.water:
        estate.electricity = False
    if style in ("block_only", "scattered"):
        estate.gates = 0
    if between() < 0.12 and number > 0:
        estate.live_from = int(between(15, 120))
    checks_at_gate = style in ("face_all", "face_gate_card_block")
    estate.gate_face = checks_at_gate or (style == "dwelling_locks" and between() < 0.5)
    estate.block_face = FACES_AT_BLOCKS[style]
    estate.locks = LOCKS.get(style, 0.0)
    estate.block_readers = BLOCK_READERS.get(style, 0.97)
    return estate


@dataclass(frozen=True, slots=True)
class Places:
    """Estates, blocks and dwellings by their numbers."""

    estates: list[Estate]
    estate_of: Ints  # (dwellings,)
    block_of: Ints  # (dwellings,)
    estate_of_block: list[int]
    block_checks_face: Bools  # (blocks,)
    block_has_reader: Bools  # (blocks,)
    block_tailgates: Floats  # (blocks,) share of passes
    has_lock: Bools  # (dwellings,) electronic

    @property
    def dwellings(self) -> int:
        return len(self.estate_of)

    @property
    def blocks(self) -> int:
        return len(self.estate_of_block)

    def estate(self, dwelling: int) -> Estate:
        """The estate of a dwelling."""
        return self.estates[int(self.estate_of[dwelling])]


def build_places(rng: Generator, world: World, dwellings: int) -> Places:
    """So many dwellings in two estates or more; enough of them with faces at their doors, and mostly with meters."""
    count = max(2, round(dwellings / world.record.estate_size))
    sizes = rng.dirichlet(np.full(count, 6)) * dwellings
    bounds = np.round(np.cumsum(sizes)).astype(int)
    bounds[-1] = dwellings
    estate_of = np.searchsorted(bounds, np.arange(dwellings), side="right").astype(int)
    estates = [draw_estate(rng, world, number) for number in range(count)]
    _equip_enough(rng, estates, np.bincount(estate_of, minlength=count))
    block_of = np.zeros(dwellings, int)
    estate_of_block: list[int] = []
    for number, estate in enumerate(estates):
        inside = np.flatnonzero(estate_of == number)
        for part in np.array_split(inside, max(1, round(len(inside) / estate.block_size))):
            block_of[part] = len(estate_of_block)
            estate_of_block.append(number)
    of_blocks = [estates[number] for number in estate_of_block]
    checks_face = np.array([rng.random() < estate.block_face for estate in of_blocks])
    has_reader = np.array([rng.random() < estate.block_readers for estate in of_blocks])
    has_locks = np.array([rng.random() < estate.locks for estate in of_blocks])
    tailgates = np.array([np.clip(estate.tailgates * rng.lognormal(0, 0.4), 0.02, 0.7) for estate in of_blocks])
    has_lock = has_locks[block_of] & (rng.random(dwellings) < 0.94)
    has_no_gate = np.array([estates[number].gates == 0 for number in estate_of])
    unseen = ~has_lock & ~has_reader[block_of] & has_no_gate
    return Places(
        estates=estates,
        estate_of=estate_of,
        block_of=block_of,
        estate_of_block=estate_of_block,
        block_checks_face=checks_face,
        block_has_reader=has_reader,
        block_tailgates=tailgates,
        has_lock=has_lock | (unseen & (rng.random(dwellings) < 0.9)),
    )


def _equip_enough(rng: Generator, estates: list[Estate], sizes: Ints) -> None:
    """A city that nearly no door or meter watches is no use for a back-test: the largest such estate gets some."""
    dwellings = int(sizes.sum())
    known = sum(size for size, estate in zip(sizes, estates, strict=True) if estate.knows_most)
    if known < 0.4 * dwellings:
        unknown = [0 if estate.knows_most else size for size, estate in zip(sizes, estates, strict=True)]
        estate = estates[int(np.argmax(unknown))]
        estate.gates = max(2, estate.gates)
        estate.gate_face, estate.block_face = True, FACES_AT_BLOCKS["face_all"]
        estate.locks, estate.block_readers = LOCKS["face_all"], 0.97
    shares = sizes / dwellings
    metered = sum(share * estate.water for share, estate in zip(shares, estates, strict=True))
    if metered < 0.45 and rng.random() < 0.8:
        dry = [share * (not estate.water) for share, estate in zip(shares, estates, strict=True)]
        estates[int(np.argmax(dry))].water = True
