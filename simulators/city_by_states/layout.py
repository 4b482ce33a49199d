"""Estates, blocks and access points: what each door checks, how much of what passes it records, and which way it knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city_by_states.world import World

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SCOPES = ("estate", "block", "dwelling")
GATE, BLOCK_DOOR, DWELLING_LOCK = 0, 1, 2
CARD, FACE, FACE_AND_CARD, LOCK, LOCK_WITH_FACE = 0, 1, 2, 3, 4
BUTTON, READER, SHARED_READER = 0, 1, 2  # how people leave


@dataclass(frozen=True, slots=True)
class Layout:
    """Places by number. Arrays named `dwelling_` have one entry a dwelling, the others one an access point."""

    estates: int
    blocks: int
    dwelling_estate: Ints
    dwelling_block: Ints
    scope: Ints  # GATE, BLOCK_DOOR, DWELLING_LOCK
    estate: Ints
    block: Ints  # -1 at a gate
    dwelling: Ints  # -1 unless a dwelling's lock
    check: Ints  # CARD, FACE, FACE_AND_CARD, LOCK, LOCK_WITH_FACE
    seen_in: Floats  # P that a pass in is recorded
    seen_out: Floats  # P that a pass out is recorded
    direction_told: Floats  # P that a recorded pass has its direction

    @property
    def points(self) -> int:
        """The number of access points."""
        return len(self.scope)


def draw_layout(rng: Generator, world: World, dwellings: int) -> Layout:
    """One to three estates of blocks of 40-120 dwellings, 2-4 gates each (law_and_practice.md section 5.2)."""
    estates, dwelling_estate = _estates(rng, dwellings)
    dwelling_block = np.zeros(dwellings, np.int64)
    blocks = 0
    points: list[tuple[int, int, int, int]] = []  # scope, estate, block, dwelling
    for estate in range(estates):
        homes = np.flatnonzero(dwelling_estate == estate)
        if rng.random() < world.gate_readers:
            points += [(GATE, estate, -1, -1)] * int(rng.integers(2, 5))
        housed = 0
        while housed < len(homes):
            size = int(rng.integers(40, 121))
            dwelling_block[homes[housed : housed + size]] = blocks
            doors = 2 if rng.random() < 0.25 else 1
            points += [(BLOCK_DOOR, estate, blocks, -1)] * doors
            housed += size
            blocks += 1
    for home in _dwellings_with_lock(rng, world, dwelling_block, blocks):
        points.append((DWELLING_LOCK, int(dwelling_estate[home]), int(dwelling_block[home]), int(home)))
    scope, estate_of, block_of, dwelling_of = np.array(points).T
    check = _checks(rng, world, scope)
    seen_in, seen_out, told = _observability(rng, world, scope)
    return Layout(
        estates=estates,
        blocks=blocks,
        dwelling_estate=dwelling_estate,
        dwelling_block=dwelling_block,
        scope=scope,
        estate=estate_of,
        block=block_of,
        dwelling=dwelling_of,
        check=check,
        seen_in=seen_in,
        seen_out=seen_out,
        direction_told=told,
    )


def _estates(rng: Generator, dwellings: int) -> tuple[int, Ints]:
    count = int(rng.integers(1, 4))
    cuts = np.zeros(0, np.int64)
    if count > 1:
        cuts = np.sort(rng.choice(np.arange(1, 10), count - 1, replace=False))
    tenths = np.diff(np.concatenate([[0], cuts, [10]])) / 10
    estate = np.repeat(np.arange(count), np.round(tenths * dwellings).astype(int))[:dwellings]
    return count, np.pad(estate, (0, dwellings - len(estate)), mode="edge")


def _dwellings_with_lock(rng: Generator, world: World, dwelling_block: Ints, blocks: int) -> Ints:
    """Electronic locks come block by block, the rest are scattered."""
    fitted = np.array([rng.random() < 0.5 for _ in range(blocks)])
    share = world.dwelling_readers
    likely = np.where(fitted[dwelling_block], min(1.0, share * 1.6), max(0.0, share * 0.4))
    return np.flatnonzero(rng.random(len(dwelling_block)) < likely)


def _checks(rng: Generator, world: World, scope: Ints) -> Ints:
    check = np.full(len(scope), CARD)
    for point, kind in enumerate(scope):
        if kind == DWELLING_LOCK:
            check[point] = LOCK_WITH_FACE if rng.random() < world.dwelling_faces else LOCK
        elif rng.random() < (world.face_gates if kind == GATE else world.face_blocks):
            check[point] = FACE_AND_CARD if rng.random() < world.face_and_card else FACE
    return check


def _observability(rng: Generator, world: World, scope: Ints) -> tuple[Floats, Floats, Floats]:
    """P recorded in, P recorded out, P direction told, each (points,). Who leaves by a button leaves nothing."""
    points = len(scope)
    busy = (scope == BLOCK_DOOR) & (rng.random(points) < world.busy_doors)
    of_locks = rng.uniform(0.9, 0.995, points)
    of_doors = np.clip(world.recorded + rng.normal(0, 0.05, points), 0.5, 0.98)
    seen_in = np.where(scope == DWELLING_LOCK, of_locks, of_doors) * np.where(busy, 0.68, 1)
    chance = rng.random(points)
    shared = world.exit_readers + world.one_reader_both_ways
    at_blocks = np.where(chance < world.exit_readers, READER, np.where(chance < shared, SHARED_READER, BUTTON))
    gate_reader = rng.random(points) < 0.6
    gate_shared = rng.random(points) < 0.4
    at_gates = np.where(gate_reader, READER, np.where(gate_shared, SHARED_READER, BUTTON))
    leaving = np.where(scope == GATE, at_gates, at_blocks)
    leaving[scope == DWELLING_LOCK] = BUTTON
    seen_out = np.where(leaving == BUTTON, 0, seen_in * rng.uniform(0.75, 1, points))
    says = rng.random(points) < world.direction_told
    told = np.where(leaving == SHARED_READER, 0, np.where(says, 0.97, 0))
    return seen_in, seen_out, told
