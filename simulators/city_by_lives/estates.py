"""The places of a city: estates, blocks, dwellings, and the access points on the ways to them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulators.city_by_lives.basics import NOBODY, Generator, Ints, happens, pick, whole

SMALLEST_BLOCK, LARGEST_BLOCK, REST_OF_BLOCK = 40, 120, 25
SMALLEST_ESTATE = 40


@dataclass(slots=True)
class Estate:
    """What the doors and meters of an estate can do; chances and shares are 0..1."""

    number: int
    gates_check_faces: bool
    blocks_check_faces: bool
    blocks_take_pins: bool
    gates_take_codes: bool
    blocks_take_codes: bool
    gate_in: float  # chance that who comes in passes a reader
    gate_out: float
    block_in: float
    block_out: float
    gates_tell_direction: bool
    visitor_pass_days: int  # a visitor's pass is another one after so many days; 0: never
    visitors_need_pass: float
    couriers: float  # with a pass, a dwelling and day
    has_locks: bool  # electronic locks of dwellings
    side_way: float  # how much people use ways without a reader
    has_water_meters: bool
    has_power_meters: bool
    water_step: float  # m³: a register shows whole steps
    spare_cards: float
    refused_strangers: float  # a block and day
    gates: list[int] = field(default_factory=list)  # access points


@dataclass(frozen=True, slots=True)
class Block:
    """A block of dwellings behind one door or two."""

    number: int
    estate: int
    doors: tuple[int, ...]  # access points


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """A door with a reader."""

    name: str
    estate: int
    scope: str
    block: int = NOBODY
    dwelling: int = NOBODY


@dataclass(frozen=True, slots=True)
class Places:
    """All places. (dwellings,) arrays."""

    estates: list[Estate]
    blocks: list[Block]
    points: list[AccessPoint]
    estate_of: Ints
    block_of: Ints
    lock_of: Ints  # access point, NOBODY without a lock


def _draw_estate(rng: Generator, number: int, has_locks: bool) -> Estate:
    has_codes = happens(rng, 0.6)
    estate = Estate(
        number=number,
        gates_check_faces=happens(rng, 0.8),
        blocks_check_faces=happens(rng, 0.65) and not has_locks,
        blocks_take_pins=happens(rng, 0.4),
        gates_take_codes=has_codes,
        blocks_take_codes=has_codes and happens(rng, 0.5),
        gate_in=rng.uniform(0.72, 0.95),
        gate_out=pick(rng, (0.0, rng.uniform(0.4, 0.9)), (0.25, 0.75)),
        block_in=rng.uniform(0.55, 0.9),
        block_out=pick(rng, (0.0, rng.uniform(0.3, 0.7)), (0.7, 0.3)),
        gates_tell_direction=happens(rng, 0.8),
        visitor_pass_days=pick(rng, (0, 1, 7), (0.5, 0.25, 0.25)),
        visitors_need_pass=rng.uniform(0.35, 0.85),
        couriers=pick(rng, (0.0, rng.uniform(0.01, 0.06))),
        has_locks=has_locks,
        side_way=pick(rng, (0.0, rng.uniform(0.05, 0.3)), (0.4, 0.6)),
        has_water_meters=happens(rng, 0.88),
        has_power_meters=happens(rng, 0.85),
        water_step=pick(rng, (0.001, 0.01, 0.1), (0.5, 0.42, 0.08)),
        spare_cards=rng.uniform(0.1, 0.4),
        refused_strangers=rng.uniform(0.3, 1.0),
    )
    estate.has_water_meters |= not estate.has_power_meters
    return estate


def _estate_sizes(rng: Generator, dwellings: int) -> list[int]:
    count = max(2 if dwellings >= 250 else 1, round(dwellings / rng.uniform(900, 1600)))
    sizes = np.maximum(SMALLEST_ESTATE, (rng.dirichlet(np.full(count, 6.0)) * dwellings).astype(int))
    sizes[-1] += dwellings - sizes.sum()
    if sizes[-1] < SMALLEST_ESTATE // 2:  # the smallest ones took too much
        sizes = np.full(count, dwellings // count)
        sizes[-1] += dwellings - sizes.sum()
    return [int(size) for size in sizes]


def _block_sizes(rng: Generator, dwellings: int) -> list[int]:
    sizes = []
    while dwellings > 0:
        size = min(dwellings, whole(rng, SMALLEST_BLOCK, LARGEST_BLOCK + 1))
        size = dwellings if dwellings - size < REST_OF_BLOCK else size
        sizes.append(size)
        dwellings -= size
    return sizes


def draw_places(rng: Generator, dwellings: int) -> Places:
    """Estates of 900 to 1,600 dwellings in the mean, their blocks and doors; in many cities one estate has electronic locks."""
    sizes = _estate_sizes(rng, dwellings)
    locked = whole(rng, 0, len(sizes)) if happens(rng, 0.75) else NOBODY
    estates, blocks, points = list[Estate](), list[Block](), list[AccessPoint]()
    estate_of, block_of = list[int](), list[int]()
    for number, size in enumerate(sizes):
        estate = _draw_estate(rng, number, number == locked)
        for gate in range(whole(rng, 2, 5)):
            estate.gates.append(len(points))
            points.append(AccessPoint(f"e{number:02d}-g{gate}", number, "estate"))
        for count in _block_sizes(rng, size):
            block = len(blocks)
            doors = 2 if happens(rng, 0.2) else 1
            blocks.append(Block(block, number, tuple(range(len(points), len(points) + doors))))
            names = [f"e{number:02d}-b{block:03d}-d{door}" for door in range(doors)]
            points += [AccessPoint(name, number, "block", block) for name in names]
            estate_of += [number] * count
            block_of += [block] * count
        estates.append(estate)
    lock_of = np.full(dwellings, NOBODY)
    for dwelling in range(dwellings):
        if estate_of[dwelling] == locked:
            lock_of[dwelling] = len(points)
            points.append(AccessPoint(f"h{dwelling:05d}-lock", locked, "dwelling", block_of[dwelling], dwelling))
    return Places(estates, blocks, points, np.array(estate_of), np.array(block_of), lock_of)
