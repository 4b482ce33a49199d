"""(P) One day's passes of a whole city, vectorised. A day depends on the seed and its number alone.

Every draw is made for every body, whether or not a door recorded it, so a fault put in on purpose changes nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.city.crowd import Crowd
from simulators.city.doors import Layout
from simulators.city.faults import DAY_S, Fault
from simulators.city.model import COMES_FIRST, Routine
from simulators.city.world import Devices

KINDS = ("face", "card", "qr", "pin", "visitor", "staff")
FACE, CARD, QR, PIN, VISITOR, STAFF = range(6)
DIRECTIONS = ("in", "out", "unknown")
SLOTS = 3
R = Routine
# up to three outings a day: (P on a weekday, P at the weekend, leaves at h, sd h, lasts h, sd h)
OUTINGS: dict[Routine, tuple[tuple[float, float, float, float, float, float], ...]] = {
    R.WORKER: ((0.92, 0.14, 7.8, 0.7, 10.2, 1.0), (0.28, 0.68, 19.3, 0.8, 1.1, 0.5), (0.06, 0.55, 10.4, 1.5, 2.5, 1.0)),
    R.NIGHT: ((0.80, 0.55, 20.6, 0.5, 10.3, 0.6), (0.45, 0.50, 15.5, 1.1, 1.2, 0.5)),
    R.STUDENT: ((0.94, 0.12, 7.2, 0.3, 9.5, 0.8), (0.10, 0.45, 18.6, 0.7, 1.0, 0.4), (0.03, 0.50, 10.4, 1.3, 2.6, 1.0)),
    R.HOME: ((0.80, 0.78, 9.3, 1.0, 1.5, 0.7), (0.52, 0.50, 16.2, 0.9, 1.0, 0.4)),
    R.ELDER: ((0.80, 0.78, 8.0, 1.1, 1.3, 0.5), (0.50, 0.48, 15.7, 1.0, 1.1, 0.4), (0.20, 0.20, 18.8, 0.6, 0.8, 0.3)),
    R.INFANT: (),
    R.HOUSEBOUND: (),
    R.CARER: ((1.0, 1.0, 8.6, 0.9, 6.5, 2.0),),
    R.VISIT: ((1.0, 1.0, 15.5, 3.2, 1.6, 1.0),),
}
TABLE = np.zeros((len(Routine), 2, SLOTS, 5), np.float32)  # routine, weekend, slot -> P, at, sd, lasts, sd
for _routine, _rows in OUTINGS.items():
    for _slot, (_week, _end, *_rest) in enumerate(_rows):
        TABLE[_routine, 0, _slot], TABLE[_routine, 1, _slot] = (_week, *_rest), (_end, *_rest)
COMES = np.isin(np.arange(len(Routine)), COMES_FIRST)


@dataclass(frozen=True, slots=True)
class Passes:
    """Passes as equally long arrays, ordered by `ts` (seconds of the history). Numbers as in Crowd and Layout."""

    ts: NDArray[np.int64]
    point: NDArray[np.int32]
    person: NDArray[np.int32]
    credential: NDArray[np.int32]
    kind: NDArray[np.int8]
    dwelling: NDArray[np.int32]
    granted: NDArray[np.int8]
    direction: NDArray[np.int8]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Passes:
        """The passes chosen by a mask or by indices, in that order."""
        return Passes(*(getattr(self, f.name)[which] for f in fields(self)))


def joined(parts: list[Passes]) -> Passes:
    """All passes of `parts`, ordered by time."""
    whole = Passes(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Passes)))
    return whole.take(np.argsort(whole.ts, kind="stable"))


@dataclass(frozen=True, slots=True)
class Doors:
    """Access points as arrays by number."""

    face: NDArray[np.bool_]
    pin: NDArray[np.bool_]
    out_too: NDArray[np.bool_]
    tells: NDArray[np.bool_]
    shared: NDArray[np.bool_]
    records: NDArray[np.float32]


def doors_of(layout: Layout) -> Doors:
    """The access points of a layout."""
    points = layout.points
    return Doors(
        face=np.array([p.face for p in points], np.bool_),
        pin=np.array([p.pin for p in points], np.bool_),
        out_too=np.array([p.out_too for p in points], np.bool_),
        tells=np.array([p.tells_direction for p in points], np.bool_),
        shared=np.array([p.scope != "dwelling" for p in points], np.bool_),
        records=np.array([p.records for p in points], np.float32),
    )


@dataclass(frozen=True, slots=True)
class Streets:
    """What a day of passes needs to know."""

    crowd: Crowd
    layout: Layout
    doors: Doors
    devices: Devices
    faults: tuple[Fault, ...]
    seed: int
    first_weekday: int

    def there(self, day: int) -> NDArray[np.bool_]:
        """Which bodies are there on this day (those who come only now and then are drawn)."""
        rng = np.random.default_rng([self.seed, 11, day])
        drawn: NDArray[np.bool_] = rng.random(len(self.crowd.chance), np.float32) < self.crowd.chance
        return drawn & self.crowd.living[:, day]

    def passes(self, day: int, there: NDArray[np.bool_]) -> Passes:
        """All passes whose outing began on `day` (some end after midnight), with the faults of the doors in them."""
        rng = np.random.default_rng([self.seed, 12, day])
        walked = self._walks(rng, day, there)
        others = self._others(np.random.default_rng([self.seed, 13, day]), day)
        return self._faulty(np.random.default_rng([self.seed, 14, day]), joined([walked, others]))

    def _walks(self, rng: Generator, day: int, there: NDArray[np.bool_]) -> Passes:
        crowd, count = self.crowd, len(there)
        table = TABLE[crowd.routine, int((self.first_weekday + day) % 7 >= 5)]
        goes = (rng.random((count, SLOTS), np.float32) < table[:, :, 0]) & there[:, None]
        normal = rng.standard_normal((2, count, SLOTS), np.float32)
        chance = rng.random((5, count, SLOTS), np.float32)  # three doors recorded, which way, which gate
        gap = rng.integers(40, 240, (2, count, SLOTS))
        body, slot = np.nonzero(goes)
        row = table[body, slot]
        leaves = np.clip((row[:, 1] + normal[0, body, slot] * row[:, 2]) * 3600, 3600, DAY_S - 900)
        lasts = np.maximum(row[:, 3] + normal[1, body, slot] * row[:, 4], 0.2) * 3600
        first = day * DAY_S + leaves.astype(np.int64)
        second = first + lasts.astype(np.int64)
        comes = COMES[crowd.routine[body]]
        inward, outward = np.where(comes, first, second), np.where(comes, second, first)
        dwelling = crowd.dwelling[body]
        u = chance[:, body, slot]
        gate = self.layout.gates[dwelling, (u[4] < 0.2).astype(np.int64)]
        way = self._way(body, u[3])
        gap_in, gap_out = gap[0, body, slot], gap[1, body, slot]
        door, lock = self.layout.block_door[dwelling], self.layout.lock[dwelling]
        legs = (
            (gate, inward, u[0], False),
            (door, inward + gap_in, u[1], False),
            (lock, inward + gap_in + 45, u[2], False),
            (gate, outward + gap_out, 1 - u[0], True),
        )
        return joined([self._leg(rng, day, body, way, *leg) for leg in legs])

    def _way(self, body: NDArray[np.int64], u: NDArray[np.float32]) -> NDArray[np.int8]:
        """Which credential each outing uses (5: none)."""
        return np.asarray((u[:, None] >= self.crowd.ways[body]).sum(axis=1), np.int8)

    def _leg(
        self,
        rng: Generator,
        day: int,
        body: NDArray[np.int64],
        way: NDArray[np.int8],
        point: NDArray[np.int32],
        ts: NDArray[np.int64],
        u: NDArray[np.float32],
        outward: bool,
    ) -> Passes:
        """The passes at one door of the way home (or out)."""
        crowd, doors = self.crowd, self.doors
        kind = np.where((way == FACE) & ~doors.face[point], CARD, way)
        kind = np.where((kind == PIN) & ~doors.pin[point], CARD, kind)
        kind = np.where((kind == CARD) & (crowd.card[body] < 0), 9, kind).astype(np.int8)
        recorded = u < doors.records[point] * crowd.recorded[body]
        missed = rng.random(len(body), np.float32) < np.where(kind == FACE, crowd.missed[body], 0)
        kept = (point >= 0) & (kind < STAFF) & recorded
        if outward:
            kept &= doors.out_too[point]
        body, kind, point, ts, missed = body[kept], kind[kept], point[kept], ts[kept], missed[kept]
        credential = np.choose(
            kind,
            [
                np.full(len(body), -1, np.int32),
                crowd.card[body],
                crowd.qr[body],
                crowd.pin[body],
                self._pass(body, day),
            ],
        )
        named = (kind == FACE) | self._names_holder(body)
        person = np.where((kind <= QR) & ~missed & named, crowd.person[body], -1).astype(np.int32)
        direction = np.where(doors.tells[point], int(outward), 2).astype(np.int8)
        dwelling = np.where(missed, -1, crowd.dwelling[body]).astype(np.int32)
        return Passes(ts, point, person, credential, kind, dwelling, (~missed).astype(np.int8), direction)

    def _names_holder(self, body: NDArray[np.int64]) -> NDArray[np.bool_]:
        layout = self.layout
        estate = layout.dwelling_estate[self.crowd.dwelling[body]]
        return np.asarray(
            layout.holder_named[estate] & (layout.spare_named[estate] | ~self.crowd.spare[body]), np.bool_
        )

    def _pass(self, body: NDArray[np.int64], day: int) -> NDArray[np.int32]:
        first, good = self.crowd.visitor[body], self.crowd.pass_days[body]
        return np.where(good > 0, first + day // np.maximum(good, 1), first).astype(np.int32)

    def _others(self, rng: Generator, day: int) -> Passes:
        """Staff, and strangers whom a face terminal refuses."""
        doors, count = self.doors, len(self.layout.points)
        shared = doors.shared.astype(np.float64)
        staff = rng.poisson(shared * self.devices.staff_passes / 365)
        denied = rng.poisson(shared * doors.face * self.devices.denied_strangers / 365)
        number = np.arange(count, dtype=np.int32)
        point = np.concatenate([np.repeat(number, staff), np.repeat(number, denied)])
        n, is_staff = len(point), np.arange(len(point)) < staff.sum()
        ts = day * DAY_S + np.clip(rng.normal(13, 3.5, n) * 3600, 0, DAY_S - 1).astype(np.int64)
        nobody = np.full(n, -1, np.int32)
        kind = np.where(is_staff, STAFF, FACE).astype(np.int8)
        direction = np.where(doors.tells[point], 0, 2).astype(np.int8)
        return Passes(ts, point, nobody, nobody, kind, nobody, is_staff.astype(np.int8), direction)

    def _faulty(self, rng: Generator, passes: Passes) -> Passes:
        """Takes away what a faulty door did not record, moves what a wrong clock moved, doubles a few."""
        u = rng.random((2, len(passes.ts)), np.float32)
        keep = np.ones(len(passes.ts), np.bool_)
        ts = passes.ts.copy()
        first, last = (int(passes.ts[0]), int(passes.ts[-1])) if len(ts) else (0, 0)
        for fault in self.faults:
            if fault.first_s > last or fault.last_s <= first:
                continue
            hit = (passes.point == fault.point) & (passes.ts >= fault.first_s) & (passes.ts < fault.last_s)
            if fault.state in ("down", "lost"):
                keep &= ~hit
            elif fault.state == "propped":
                keep &= ~hit | (u[0] < self.devices.propped_recorded)
            else:
                ts[hit] += fault.shift_s
        again = np.concatenate([np.nonzero(keep)[0], np.nonzero(keep & (u[1] < self.devices.duplicates))[0]])
        moved = Passes(np.maximum(ts, 0), *(getattr(passes, f.name) for f in fields(Passes)[1:])).take(again)
        return moved.take(np.argsort(moved.ts, kind="stable"))
