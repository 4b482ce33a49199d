"""(P) Estates, blocks, dwellings and their doors: five layouts, and doors that check a card, a face, or both.

Sizes after `law_and_practice.md` 5.2 (2–4 pedestrian gates, one block door for 40–120 homes), how much of a passage a
reader sees after its 5.3 ("observability").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from simulators.city_by_diaries import identifiers
from simulators.city_by_diaries.arrays import Generator, Ints
from simulators.city_by_diaries.world import ExportForm, World


class Scope(IntEnum):
    """What a door leads into."""

    ESTATE = 0
    BLOCK = 1
    DWELLING = 2


class DoorMode(IntEnum):
    """What a door asks for."""

    CARD = 0
    FACE = 1  # finds the face among all enrolled ones
    VERIFY = 2  # compares the face with that of the card's holder
    PIN = 3  # a lock at a dwelling


@dataclass(frozen=True, slots=True)
class Layout:
    """Which doors an estate has."""

    gates: bool
    block_doors: bool
    dwelling_locks: bool


LAYOUTS = (
    Layout(gates=True, block_doors=True, dwelling_locks=False),
    Layout(gates=True, block_doors=True, dwelling_locks=True),
    Layout(gates=True, block_doors=False, dwelling_locks=False),
    Layout(gates=False, block_doors=True, dwelling_locks=True),
    Layout(gates=False, block_doors=True, dwelling_locks=False),
)
WITH_LOCKS = (1, 3)
FLOORS = (6, 11, 18, 26)
SMALLEST_ESTATE, SMALLEST_LAST_ESTATE = 40, 20  # dwellings


@dataclass(slots=True)
class AccessPoint:
    """One side of a door."""

    id: str
    estate: int
    scope: Scope
    block: int | None
    dwelling: int | None
    mode: DoorMode
    first_day: int = 0  # put in on this day


@dataclass(slots=True)
class Estate:
    """One estate. Tuples of three go by `Scope`."""

    layout: Layout
    gate_mode: DoorMode
    block_mode: DoorMode
    lock_mode: DoorMode
    seen_in: tuple[float, float, float]  # share of entries that a reader records
    seen_out: tuple[float, float, float]  # of exits, as a share of the entries' share
    writes_direction: tuple[bool, bool, bool]
    gates: list[int] = field(default_factory=list)
    block_doors: dict[int, tuple[int, int]] = field(default_factory=dict)  # block -> front, rear (or front again)


@dataclass(slots=True)
class Places:
    """All places of a city, by number; dwellings' arrays have one element a dwelling."""

    estates: list[Estate]
    estate_ids: list[str]
    block_ids: list[str]
    dwelling_ids: list[str]
    estate_of: Ints
    block_of: Ints
    lock_of: Ints  # access point at the dwelling's own door, -1 without
    points: list[AccessPoint]

    def estate(self, dwelling: int) -> Estate:
        """The estate that a dwelling stands in."""
        return self.estates[int(self.estate_of[dwelling])]

    def front_doors(self, dwelling: int, gates: list[int]) -> list[int]:
        """A way in from the street: these gates, then the front door of the block, if there is one."""
        estate = self.estate(dwelling)
        block = int(self.block_of[dwelling])
        return gates + ([estate.block_doors[block][0]] if estate.layout.block_doors else [])


def build_places(rng: Generator, world: World, form: ExportForm, dwellings: int, days: int) -> Places:
    """Draws the estates of a city of `dwellings` dwellings, and the doors put in during its `days` days."""
    return _Builder(rng, world, form, dwellings).build(days)


def _sizes(rng: Generator, estates: int, dwellings: int) -> Ints:
    """Dwellings of each estate; they sum to `dwellings`."""
    shares = rng.dirichlet(np.full(estates, 3.0))
    sizes: Ints = np.maximum(SMALLEST_ESTATE, shares * dwellings).astype(np.int64)
    sizes[-1] += dwellings - sizes.sum()
    while sizes[-1] < SMALLEST_LAST_ESTATE:
        largest = int(np.argmax(sizes))
        taken = min(int(SMALLEST_LAST_ESTATE - sizes[-1]), int(sizes[largest]) - 1)
        sizes[largest] -= taken
        sizes[-1] += taken
    return sizes


class _Builder:
    """Keeps what is built so far."""

    def __init__(self, rng: Generator, world: World, form: ExportForm, dwellings: int) -> None:
        self.rng = rng
        self.world = world
        self.form = form
        self.dwellings = dwellings
        estate_of, block_of = np.zeros(dwellings, np.int64), np.zeros(dwellings, np.int64)
        self.places = Places([], [], [], [], estate_of, block_of, np.full(dwellings, -1), [])

    def build(self, days: int) -> Places:
        rng, places = self.rng, self.places
        room_for = (self.dwellings - SMALLEST_LAST_ESTATE) // SMALLEST_ESTATE + 1
        count = min(self.world.estates, room_for)
        sizes = _sizes(rng, count, self.dwellings)
        for number, layout in enumerate(self._layouts(count)):
            places.estate_ids.append(identifiers.estate_id(self.form.id_style, number))
            estate = self._estate(layout)
            places.estates.append(estate)
            if LAYOUTS[layout].gates:
                gates = int(rng.integers(2, 5))
                estate.gates = [self._point(number, Scope.ESTATE, estate.gate_mode) for _ in range(gates)]
            self._blocks(number, int(sizes[number]))
        for point in places.points:
            if rng.random() < self.world.late_doors:
                point.first_day = int(rng.integers(5, days // 2))
        return places

    def _layouts(self, estates: int) -> list[int]:
        """Numbers into `LAYOUTS`: at least two kinds in a city, and mostly some locks."""
        chosen = [int(layout) for layout in self.rng.choice(len(LAYOUTS), estates, p=self.world.layouts)]
        if len(set(chosen)) == 1:
            chosen[0] = (chosen[0] + 1) % len(LAYOUTS)
        if not any(layout in WITH_LOCKS for layout in chosen) and self.rng.random() < 0.7:
            chosen[-1] = WITH_LOCKS[0]
        return chosen

    def _checks(self) -> DoorMode:
        if self.rng.random() < self.world.identity_doors:
            return DoorMode.FACE if self.rng.random() < 0.55 else DoorMode.VERIFY
        return DoorMode.CARD

    def _estate(self, number: int) -> Estate:
        rng, world, layout = self.rng, self.world, LAYOUTS[number]
        gate_mode = self._checks()
        block_mode = self._checks()
        lock_mode = DoorMode.PIN if rng.random() < 0.8 else DoorMode.FACE
        seen_gate = float(np.clip(world.seen_at_gate + rng.normal(0, 0.05), 0.4, 0.99))
        seen_block = float(np.clip(world.seen_at_block + rng.normal(0, 0.07), 0.3, 0.97))
        seen_lock = float(np.clip(world.seen_at_dwelling + rng.normal(0, 0.04), 0.5, 0.99))
        out_gate = world.out_at_gate if rng.random() < 0.7 else 0.0
        out_block = world.out_at_block if rng.random() < 0.6 else 0.0
        written = {"known": 0.95, "unknown": 0.1, "mixed": 0.5}[self.form.directions]
        writes_direction = (rng.random() < written, rng.random() < written, rng.random() < written)
        if not layout.block_doors and not layout.dwelling_locks:  # the gates are all there is, and are kept well
            seen_gate = min(0.97, seen_gate + 0.08)
            out_gate = max(out_gate, rng.uniform(0.3, 0.9))
        return Estate(
            layout=layout,
            gate_mode=gate_mode,
            block_mode=block_mode,
            lock_mode=lock_mode,
            seen_in=(seen_gate, seen_block, seen_lock),
            seen_out=(out_gate, out_block, world.out_at_dwelling),
            writes_direction=writes_direction,
        )

    def _point(
        self, estate: int, scope: Scope, mode: DoorMode, block: int | None = None, dwelling: int | None = None
    ) -> int:
        points = self.places.points
        name = identifiers.access_point_id(self.form.id_style, self.places.estate_ids[estate], len(points) + 1)
        points.append(AccessPoint(name, estate, scope, block, dwelling, mode))
        return len(points) - 1

    def _blocks(self, number: int, dwellings: int) -> None:
        rng = self.rng
        in_estate = 0
        while dwellings > 0:
            in_estate += 1
            floors = int(rng.choice(FLOORS))
            on_floor = int(rng.integers(2, 7))
            here = min(dwellings, floors * on_floor)
            self._block(number, in_estate, here, on_floor)
            dwellings -= here

    def _block(self, number: int, in_estate: int, dwellings: int, on_floor: int) -> None:
        places, style = self.places, self.form.id_style
        block = len(places.block_ids)
        places.block_ids.append(identifiers.block_id(style, number, in_estate))
        self._block_doors(number, block)
        for index in range(dwellings):
            dwelling = len(places.dwelling_ids)
            floor, on_this_floor = index // on_floor + 1, index % on_floor + 1
            name = identifiers.dwelling_id(style, number, in_estate, floor, on_this_floor)
            places.dwelling_ids.append(name)
            places.estate_of[dwelling], places.block_of[dwelling] = number, block
            estate = places.estates[number]
            if estate.layout.dwelling_locks and self.rng.random() < self.world.dwelling_locks:
                lock = self._point(number, Scope.DWELLING, estate.lock_mode, block, dwelling)
                places.lock_of[dwelling] = lock

    def _block_doors(self, number: int, block: int) -> None:
        estate = self.places.estates[number]
        if not estate.layout.block_doors:
            estate.block_doors[block] = (-1, -1)
            return
        mode = estate.block_mode if self.rng.random() < 0.85 else self._checks()
        front = rear = self._point(number, Scope.BLOCK, mode, block)
        if self.rng.random() < 0.12:  # rear or basement door
            rear = self._point(number, Scope.BLOCK, DoorMode.CARD, block)
        estate.block_doors[block] = (front, rear)
