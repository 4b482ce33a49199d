"""Estates, blocks, dwellings, and the access points on the way home.

Four kinds of estate: large with faces, small with cards, with an intercom that takes numbers, large with QR codes.
Blocks of 40-110 dwellings a door and one to three gates follow `law_and_practice.md` section 5.2, the shares of passes
that a reader records its section 5.3 (0.95 at guarded gates, 0.85 at block doors, 0.3-0.6 where people tailgate).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simulators.city_of_lookalikes.dice import NOBODY, Dice
from simulators.city_of_lookalikes.world import World


class EstateKind(IntEnum):
    """Which doors an estate has."""

    FACES = 0
    CARDS = 1
    NUMBERS = 2
    CODES = 3


class Reader(IntEnum):
    """What a door reads first of all."""

    FACE = 0
    CARD = 1
    PIN = 2
    QR = 3


GATE_READERS = (Reader.FACE, Reader.CARD, Reader.CARD, Reader.QR)
BLOCK_READERS = (Reader.FACE, Reader.CARD, Reader.PIN, Reader.CARD)
LARGE = 200  # dwellings; estates beyond have more than one gate, and larger blocks
SMALLEST_BLOCK = 12


@dataclass(slots=True)
class Estate:
    """Shares are 0..1 of passes or dwellings."""

    id: str
    kind: EstateKind
    has_gate: bool
    seen_at_gate: float  # of ways in
    seen_at_gate_out: float
    seen_at_block: float
    seen_at_block_out: float
    direction_known: float
    personal_cards: bool
    one_day_passes: bool
    water: bool  # meters are read
    electricity: bool
    water_read: float  # of dwellings
    electricity_read: float
    water_step: float  # m³ that a register shows at least
    visitors: float  # factor
    gates: list[int] = field(default_factory=list)  # access points


@dataclass(slots=True)
class Block:
    """One stairway or tower with one door."""

    id: str
    estate: int
    reader: Reader
    door: int  # access point


@dataclass(slots=True)
class AccessPoint:
    """A gate, a block's door, or a dwelling's."""

    id: str
    estate: int
    scope: str  # as the format says: estate, block, dwelling
    block: int
    dwelling: int
    reader: Reader


@dataclass(slots=True)
class Dwelling:
    """A home as a place."""

    id: str
    estate: int
    block: int
    door: int  # access point, or NOBODY
    water: bool  # meter is read
    electricity: bool


@dataclass(slots=True)
class Places:
    """All places of a city; they name each other by their numbers in these lists."""

    estates: list[Estate] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    points: list[AccessPoint] = field(default_factory=list)
    dwellings: list[Dwelling] = field(default_factory=list)

    def add_point(self, estate: int, scope: str, reader: Reader, block: int = NOBODY, dwelling: int = NOBODY) -> int:
        """Puts up an access point; its number."""
        number = len(self.points)
        self.points.append(AccessPoint(f"AP{number + 1:05d}", estate, scope, block, dwelling, reader))
        return number


def build_places(dice: Dice, world: World, dwellings: int) -> Places:
    """Estates one after the other until the city has its dwellings."""
    places = Places()
    while len(places.dwellings) < dwellings:
        kind = EstateKind(int(dice.rng.choice(4, p=world.estate_kinds)))
        is_large = kind in (EstateKind.FACES, EstateKind.CODES)
        size = dice.whole(180, 440) if is_large else dice.whole(45, 190)
        size = min(size, dwellings - len(places.dwellings))
        number = len(places.estates)
        estate = _draw_estate(dice, world, number, kind)
        places.estates.append(estate)
        if estate.has_gate:
            gates = dice.whole(1, 3) if size > LARGE else 1
            estate.gates = [places.add_point(number, "estate", GATE_READERS[kind]) for _ in range(gates)]
        left = size
        while left > 0:
            most = dice.whole(40, 110) if size > LARGE else dice.whole(18, 60)
            block_size = min(left, most)
            if left - block_size < SMALLEST_BLOCK:
                block_size = left
            _build_block(dice, world, places, number, block_size)
            left -= block_size
    return places


def _draw_estate(dice: Dice, world: World, number: int, kind: EstateKind) -> Estate:
    between, chance = dice.between, dice.chance
    is_large = kind in (EstateKind.FACES, EstateKind.CODES)
    has_gate = chance(0.92) if is_large else chance(0.45)
    seen_at_gate = between(0.4, 0.85)
    seen_at_gate_out = between(0.1, 0.6) if kind == EstateKind.FACES else between(0, 0.3)
    seen_at_block = between(0.62, 0.95)
    seen_at_block_out = dice.pick([0.0, between(0.05, 0.25), between(0.3, 0.6)], [0.5, 0.3, 0.2])
    direction_known = between(0.5, 1) if chance(0.7) else between(0, 0.3)
    personal_cards = chance(world.personal_cards)
    one_day_passes = chance(world.one_day_passes)
    chance(0)  # drawn for nothing: a seed keeps its city
    estate = Estate(
        id=f"E{number + 1:02d}",
        kind=kind,
        has_gate=has_gate,
        seen_at_gate=seen_at_gate,
        seen_at_gate_out=seen_at_gate_out,
        seen_at_block=seen_at_block,
        seen_at_block_out=seen_at_block_out,
        direction_known=direction_known,
        personal_cards=personal_cards,
        one_day_passes=one_day_passes,
        water=chance(world.water_meters * 0.35 + 0.62),
        electricity=chance(world.electricity_meters * 0.5 + 0.42),
        water_read=min(1, between(0.85, 1.1)),
        electricity_read=min(1, between(0.85, 1.1)),
        water_step=dice.pick([0.001, 0.001, 0.01, 0.01, 0.1]),
        visitors=between(0.35, 0.9),
    )
    if not estate.water and not estate.electricity and chance(0.7):
        estate.water = True
    return estate


def _build_block(dice: Dice, world: World, places: Places, estate_number: int, size: int) -> None:
    estate = places.estates[estate_number]
    number = len(places.blocks)
    reader = BLOCK_READERS[estate.kind]
    if estate.kind == EstateKind.FACES and dice.chance(0.10):
        reader = Reader.CARD
    door = places.add_point(estate_number, "block", reader, block=number)
    block = Block(f"{estate.id}-B{number + 1:03d}", estate_number, reader, door)
    places.blocks.append(block)
    with_reader = float(np.clip(world.dwelling_readers * dice.rng.gamma(1.2, 1 / 1.2), 0, 1))
    lock = dice.pick([Reader.PIN, Reader.CARD, Reader.FACE], [0.55, 0.3, 0.15])
    for _ in range(size):
        home = len(places.dwellings)
        dwelling = Dwelling(
            id=f"{block.id}-{home + 1:05d}",
            estate=estate_number,
            block=number,
            door=NOBODY,
            water=estate.water and dice.chance(estate.water_read),
            electricity=estate.electricity and dice.chance(estate.electricity_read),
        )
        if dice.chance(with_reader):
            dwelling.door = places.add_point(estate_number, "dwelling", lock, number, home)
        places.dwellings.append(dwelling)
