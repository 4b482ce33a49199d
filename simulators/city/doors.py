"""(P) Where people pass: estates, blocks, dwellings, access points, and which door checks what."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulators.city.world import World

WEEK = 7
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """One reader's side of a door. `records` is P(a pass in the direction it serves is recorded)."""

    code: str
    estate: int
    scope: str  # estate, block, dwelling
    block: int | None
    dwelling: int | None
    face: bool
    pin: bool
    out_too: bool
    tells_direction: bool
    records: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of a city. Dwellings, blocks, estates and access points are known by their numbers."""

    estates: tuple[str, ...]
    blocks: tuple[str, ...]
    dwellings: tuple[str, ...]
    dwelling_block: Ints
    dwelling_estate: Ints
    points: tuple[AccessPoint, ...]
    gates: Ints  # dwellings × 2: the usual gate and another; -1: the estate has none
    block_door: Ints  # -1: none
    lock: Ints  # -1: none
    visitor_pass_days: Ints  # per estate: how long a visitor pass is good before the next; 0: for ever
    holder_named: Bools  # per estate: card and QR passes name their holder
    spare_named: Bools  # per estate: and so do those of spare cards


@dataclass(slots=True)
class _Builder:
    rng: Random
    world: World
    estates: list[str]
    blocks: list[str]
    dwellings: list[str]
    rows: list[tuple[int, int, int, int, int, int]]  # block, estate, gate, other gate, block door, lock
    points: list[AccessPoint]
    stable: list[bool]

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def estate(self, wanted: int) -> None:
        """One more estate, of at most `wanted` dwellings."""
        e, number = self.world.estates, len(self.estates)
        code = f"E{number + 1:02d}"
        self.estates.append(code)
        self.stable.append(self.chance(e.stable_visitor_ids))
        face, out, tells = self.chance(e.face), self.chance(e.out_readers), not self.chance(e.unknown_direction)
        u = self.rng.random()
        has_gates, has_doors = u >= e.block_doors_only, not e.block_doors_only <= u < e.block_doors_only + e.gates_only
        locks = self.chance(e.dwelling_locks)
        gates = []
        if has_gates:
            for n in range(self.rng.randint(2, 4)):
                gates.append(len(self.points))
                self._point(f"{code}-G{n + 1}", number, "estate", face=face, out=out, tells=tells)
        for b in range(self.rng.randint(*e.blocks)):
            size = min(wanted, self.rng.randint(*e.block_dwellings))
            if size <= 0:
                break
            wanted -= size
            self._block(f"{code}-B{b + 1:02d}", number, size, gates, (has_doors, face, tells, locks))

    def _block(self, code: str, estate: int, size: int, gates: list[int], how: tuple[bool, bool, bool, bool]) -> None:
        has_doors, face, tells, locks = how
        e, block, door = self.world.estates, len(self.blocks), -1
        self.blocks.append(code)
        if has_doors:
            door = len(self.points)
            checks_face = face and not self.chance(e.card_only_blocks)
            pin = self.chance(e.pin_blocks)
            self._point(f"{code}-D", estate, "block", block=block, face=checks_face, pin=pin, tells=tells)
        for n in range(size):
            dwelling, lock = len(self.dwellings), -1
            self.dwellings.append(f"{code}-{n + 1:04d}")
            if locks:
                lock = len(self.points)
                place = f"{code}-{n + 1:04d}-L"
                self._point(place, estate, "dwelling", block=block, dwelling=dwelling, pin=True)
            pair = self.rng.sample(gates, 2) if len(gates) > 1 else [-1, -1]
            self.rows.append((block, estate, pair[0], pair[1], door, lock))

    def _point(
        self,
        code: str,
        estate: int,
        scope: str,
        *,
        block: int | None = None,
        dwelling: int | None = None,
        face: bool = False,
        pin: bool = False,
        out: bool = False,
        tells: bool = True,
    ) -> None:
        records = self.rng.uniform(*self.world.devices.pass_recorded)
        self.points.append(AccessPoint(code, estate, scope, block, dwelling, face, pin, out, tells, records))


def draw_layout(seed: int, count: int, world: World) -> Layout:
    """Estates of the world's sizes until there are `count` dwellings."""
    made = _Builder(Random(f"{seed}:layout"), world, [], [], [], [], [], [])
    while len(made.dwellings) < count:
        made.estate(count - len(made.dwellings))
    table = np.array(made.rows, np.int32)
    recording, told = world.recording, Random(f"{seed}:recording")
    pass_days = [0 if s else 1 if told.random() < recording.daily_visitor_passes else WEEK for s in made.stable]
    return Layout(
        estates=tuple(made.estates),
        blocks=tuple(made.blocks),
        dwellings=tuple(made.dwellings),
        dwelling_block=table[:, 0],
        dwelling_estate=table[:, 1],
        points=tuple(made.points),
        gates=table[:, 2:4],
        block_door=table[:, 4],
        lock=table[:, 5],
        visitor_pass_days=np.array(pass_days, np.int32),
        holder_named=np.array([told.random() < recording.holder_named for _ in made.stable], np.bool_),
        spare_named=np.array([told.random() < recording.spare_named for _ in made.stable], np.bool_),
    )
