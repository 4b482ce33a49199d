"""The doors of a city that have a device: gates of estates, doors of blocks, locks of dwellings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.city_by_schedules.arrays import NOBODY, Generator, Ints
from simulators.city_by_schedules.estates import Places

LOCK_TAILGATES = 0.02


@dataclass(slots=True)
class AccessPoint:
    """One door with its device; block and dwelling are NOBODY where it is none of theirs."""

    estate: int
    scope: str  # `estate`, `block` or `dwelling`
    block: int
    dwelling: int
    checks_face: bool
    has_pin: bool
    knows_direction: bool
    exits: float  # share of ways out that are recorded
    tailgates: float  # share of passes unseen behind another

    @property
    def is_lock(self) -> bool:
        return self.scope == "dwelling"


@dataclass(frozen=True, slots=True)
class Doors:
    """Access points by their numbers, and those that each place has."""

    points: list[AccessPoint]
    gates: list[list[int]]  # by estate
    block_doors: dict[int, list[int]]  # one or two, by block
    locks: dict[int, int]  # by dwelling

    def lock_of(self, dwellings: int) -> Ints:
        """(dwellings,) access points; NOBODY where there is none."""
        return np.array([self.locks.get(dwelling, NOBODY) for dwelling in range(dwellings)])


def draw_doors(rng: Generator, places: Places) -> Doors:
    """All doors; gates are in the order of estates, then blocks' doors, then locks."""
    points: list[AccessPoint] = []
    gates: list[list[int]] = []
    block_doors: dict[int, list[int]] = {}
    locks: dict[int, int] = {}
    for number, estate in enumerate(places.estates):
        gates.append([])
        for gate in range(estate.gates):
            gates[number].append(len(points))
            points.append(
                AccessPoint(
                    estate=number,
                    scope="estate",
                    block=NOBODY,
                    dwelling=NOBODY,
                    checks_face=estate.gate_face and (gate == 0 or rng.random() < 0.75),
                    has_pin=False,
                    knows_direction=estate.gate_knows_direction,
                    exits=estate.gate_exits,
                    tailgates=float(np.clip(estate.tailgates * rng.uniform(0.2, 0.9), 0.01, 0.6)),
                )
            )
    for block in np.flatnonzero(places.block_has_reader).tolist():
        estate = places.estates[places.estate_of_block[block]]
        main_door = AccessPoint(
            estate=places.estate_of_block[block],
            scope="block",
            block=block,
            dwelling=NOBODY,
            checks_face=bool(places.block_checks_face[block]),
            has_pin=estate.block_has_pin,
            knows_direction=estate.block_knows_direction,
            exits=estate.block_exits,
            tailgates=float(places.block_tailgates[block]),
        )
        block_doors[block] = [len(points)]
        points.append(main_door)
        if rng.random() < 0.12:
            block_doors[block].append(len(points))
            points.append(_basement_door(main_door))
    for dwelling in np.flatnonzero(places.has_lock).tolist():
        locks[dwelling] = len(points)
        points.append(
            AccessPoint(
                estate=int(places.estate_of[dwelling]),
                scope="dwelling",
                block=int(places.block_of[dwelling]),
                dwelling=dwelling,
                checks_face=False,
                has_pin=True,
                knows_direction=True,
                exits=0.0,
                tailgates=LOCK_TAILGATES,
            )
        )
    return Doors(points, gates, block_doors, locks)


def _basement_door(main_door: AccessPoint) -> AccessPoint:
    """A second door of a block, for cards alone."""
    return AccessPoint(
        estate=main_door.estate,
        scope="block",
        block=main_door.block,
        dwelling=NOBODY,
        checks_face=False,
        has_pin=False,
        knows_direction=False,
        exits=0.0,
        tailgates=main_door.tailgates,
    )
