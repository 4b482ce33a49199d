"""Estates, blocks and access points: what doors check, how much of what passes they record, which way they know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.city_by_nights.dice import NOBODY, Bools, Generator, Ints, pick
from simulators.city_by_nights.world import World

FACE_DOOR, CARD_DOOR, NO_READER, LOCK = "face", "card", "none", "lock"
LEAST_OF_A_BLOCK = 20  # dwellings; fewer join the block before


@dataclass(slots=True)
class Estate:
    """One estate's equipment and habits. Shares are 0..1; `in` and `out` are P that a pass is recorded."""

    number: int
    name: str
    dwellings: int
    gate: str  # FACE_DOOR, CARD_DOOR or NO_READER
    block: str  # as most of its blocks have it
    other_blocks: float  # share of blocks with the other technique
    lock_share: float  # of dwellings with an electronic lock; 0 in most estates
    codes_personal: bool  # locks and keypads know whose finger or code it was
    lock_face: bool
    lock_out: float
    meters: str  # none, water, both
    meter_share: float
    consents: float  # (b), of grown-ups
    face_without_consent: float  # open the door by face yet did not give consent (b)
    enrolled: float  # faces of those who consented
    gates: int
    side_gate: float  # of ways: by a gate without a reader
    gate_in: float
    gate_out: float
    block_in: float
    block_out: float
    gate_direction: bool  # readers tell in from out
    block_direction: bool
    lock_direction: bool
    keypad: bool
    qr: bool
    card_names_holder: bool
    visitor_named: float  # of visitors' passes: the dwelling is written down
    visitor_words: float  # of visitors' passes: `visitor` as kind, else `qr`
    side_door: float  # of ways: by a door of the block without a reader
    declares: float  # of honest absences, if long
    water_step: float  # m³, what the register counts in
    catches_up: bool  # after a gap the meter shows the use of all days at once
    follows: float  # factor on walking in behind others
    spare_cards: float  # of households
    card_held: float  # of members
    false_accepts: float  # a day: a face taken for that of a member
    stranger_faces: float  # a day
    staff: float  # passes a day
    big_outage: bool  # all its doors for some days


class Block(NamedTuple):
    """A block and what its door checks."""

    estate: int
    name: str
    door: str  # FACE_DOOR, CARD_DOOR or NO_READER


class AccessPoint(NamedTuple):
    """A reader. `block` and `dwelling` are NOBODY where it has none."""

    name: str
    estate: int
    scope: str
    block: int
    dwelling: int
    checks: str  # FACE_DOOR, CARD_DOOR or LOCK


@dataclass(frozen=True, slots=True)
class Places:
    """A city's places. Arrays have one entry a dwelling."""

    estates: list[Estate]
    blocks: list[Block]
    estate_of: Ints
    block_of: Ints


@dataclass(frozen=True, slots=True)
class Doors:
    """The readers of a city: first the gates, then the blocks' doors, then the locks."""

    points: list[AccessPoint]
    gates: list[list[int]]  # of each estate
    block_door: Ints  # (blocks,) the access point, NOBODY without a reader
    lock: Ints  # (dwellings,) the access point, NOBODY without

    @property
    def shared(self) -> int:
        """How many access points are gates or doors of blocks: the first ones."""
        return sum(point.scope != "dwelling" for point in self.points)


def draw_estates(rng: Generator, world: World, dwellings: int) -> list[Estate]:
    """Estates of 260 to 620 dwellings on average, one at least."""
    count = max(1, round(dwellings / rng.uniform(260, 620)))
    shares = rng.dirichlet(np.full(count, 8.0))
    sizes = np.maximum(1, np.floor(shares * dwellings).astype(int))
    sizes[np.argmax(sizes)] += dwellings - sizes.sum()
    estates = [_draw_estate(rng, world, number, int(size)) for number, size in enumerate(sizes)]
    if count > 2 and not any(estate.lock_share for estate in estates):
        estates[int(rng.integers(count))].lock_share = rng.uniform(0.3, 1.0)
    return estates


def _draw_estate(rng: Generator, world: World, number: int, dwellings: int) -> Estate:
    between, chance = rng.uniform, rng.random
    gate = pick(rng, [FACE_DOOR, CARD_DOOR, NO_READER], [0.60, 0.15, 0.25])
    block = pick(rng, [FACE_DOOR, CARD_DOOR, NO_READER], [0.50, 0.37, 0.13])
    if gate == NO_READER and block == NO_READER:
        block = pick(rng, [FACE_DOOR, CARD_DOOR])
    other_blocks = between(0, 0.35)
    has_locks = chance() < 0.16
    codes_personal = chance() < 0.45
    # keyword arguments are evaluated, and so drawn, as they stand here
    return Estate(
        number=number,
        name=f"e{number + 1:02d}",
        dwellings=dwellings,
        gate=gate,
        block=block,
        other_blocks=other_blocks,
        codes_personal=codes_personal,
        lock_share=between(0.3, 1.0) if has_locks else 0.0,
        lock_face=chance() < 0.35,
        lock_out=between(0.1, 0.8) if chance() < 0.4 else 0.0,
        meters=pick(rng, ["none", "water", "both"], [0.10, 0.32, 0.58]),
        meter_share=between(0.85, 1.0),
        consents=between(0.60, 0.95),
        face_without_consent=between(0.15, 0.5),
        enrolled=between(0.82, 0.98),
        gates=int(rng.integers(1, 4)),
        side_gate=between(0, 0.22),
        gate_in=between(0.66, 0.96),
        gate_out=between(0.4, 0.92) if chance() < 0.75 else 0.0,
        block_in=between(0.6, 0.93),
        block_out=between(0.2, 0.7) if chance() < 0.25 else 0.0,
        gate_direction=chance() < 0.8,
        block_direction=chance() < 0.6,
        lock_direction=chance() < 0.3,
        keypad=chance() < 0.25,
        qr=chance() < 0.5,
        card_names_holder=chance() < 0.75,
        visitor_named=between(0.65, 1.0),
        visitor_words=pick(rng, [1.0, 0.0, 0.5]),
        side_door=between(0, 0.15),
        declares=between(0.12, 0.48),
        water_step=pick(rng, [0.001, 0.01, 0.01, 0.1], [0.45, 0.25, 0.25, 0.05]),
        catches_up=chance() < 0.3,
        follows=world.follows * between(0.7, 1.3),
        spare_cards=between(0.25, 0.8),
        card_held=between(0.8, 0.97),
        false_accepts=between(0.02, 0.5),
        stranger_faces=between(1, 14),
        staff=between(8, 45),
        big_outage=chance() < 0.3,
    )


def draw_places(rng: Generator, estates: list[Estate], dwellings: int) -> Places:
    """Blocks of 40 to 120 dwellings (law_and_practice.md section 5.2), estate by estate."""
    estate_of = np.repeat(np.arange(len(estates)), [estate.dwellings for estate in estates])
    block_of = np.zeros(dwellings, np.int64)
    blocks: list[Block] = []
    for estate in estates:
        homes = np.flatnonzero(estate_of == estate.number)
        housed, first = 0, len(blocks)
        while housed < len(homes):
            size = int(rng.integers(40, 121))
            if len(homes) - housed - size < LEAST_OF_A_BLOCK:
                size = len(homes) - housed
            door = estate.block
            if door != NO_READER and rng.random() < estate.other_blocks:
                door = CARD_DOOR if door == FACE_DOOR else FACE_DOOR
            block_of[homes[housed : housed + size]] = len(blocks)
            blocks.append(Block(estate.number, f"{estate.name}-b{len(blocks) - first + 1:02d}", door))
            housed += size
    return Places(estates, blocks, estate_of, block_of)


def fit_doors(places: Places, has_lock: Bools) -> Doors:
    """The access points that the equipment means."""
    points: list[AccessPoint] = []
    gates: list[list[int]] = []
    for estate in places.estates:
        count = estate.gates if estate.gate != NO_READER else 0
        gates.append(list(range(len(points), len(points) + count)))
        points += [
            AccessPoint(f"{estate.name}-g{gate + 1}", estate.number, "estate", NOBODY, NOBODY, estate.gate)
            for gate in range(count)
        ]
    block_door = np.full(len(places.blocks), NOBODY)
    for number, block in enumerate(places.blocks):
        if block.door != NO_READER:
            block_door[number] = len(points)
            points.append(AccessPoint(f"{block.name}-door", block.estate, "block", number, NOBODY, block.door))
    lock = np.full(len(has_lock), NOBODY)
    for home in np.flatnonzero(has_lock).tolist():
        lock[home] = len(points)
        place = int(places.estate_of[home]), "dwelling", int(places.block_of[home])
        points.append(AccessPoint(f"lock{home:05d}", *place, home, LOCK))
    return Doors(points, gates, block_door, lock)
