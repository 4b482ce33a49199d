"""(P) Who passes doors without living there: visitors, couriers, staff, passers-by.

Visitors' passes are innocent as a rule (see rule P of `law_and_practice.md` 4.1); a visitor names a dwelling.
"""

from __future__ import annotations

import numpy as np

from simulators.city_by_diaries.arrays import DAY_MIN, Floats, Ints
from simulators.city_by_diaries.diaries import Presence
from simulators.city_by_diaries.estates import DoorMode, Scope
from simulators.city_by_diaries.passes import Kind, Numbered, Passes, joined
from simulators.city_by_diaries.town import Town

FIRST_VISITOR = 100_000_000  # beyond the passes of those who come again and again
COURIERS, CLEANERS = 60, 30  # numbers below belong to others


def strangers_passes(town: Town, presence: Presence) -> Passes:
    """Everybody else's passes; staff in homes leave a trace in the meters (`presence` is changed)."""
    strangers = _Strangers(town)
    strangers.guests(presence)
    strangers.staff_in_homes(presence)
    strangers.staff_and_passers_by()
    return joined(strangers.parts)


class _Strangers:
    """Collects passes."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.rng = town.rng
        self.parts: list[Passes] = []
        self.visitors = 0

    def add(
        self,
        minute: Floats,
        point: int,
        kind: Kind,
        credential: Ints | int,
        numbered: Numbered | int,
        dwelling: int = -1,
        *,
        granted: bool = True,
        inward: bool = True,
    ) -> None:
        count = len(minute)
        if count == 0:
            return
        passes = Passes(
            minute=np.asarray(minute, np.float64),
            point=np.full(count, point, np.int64),
            inward=np.full(count, inward, np.bool_),
            kind=np.full(count, kind, np.int8),
            member=np.full(count, -1, np.int64),
            credential=np.broadcast_to(np.asarray(credential, np.int64), count),
            numbered=np.full(count, numbered, np.int8),
            granted=np.full(count, granted, np.int8),
            dwelling=np.full(count, dwelling, np.int64),
        )
        self.parts.append(passes)

    def guests(self, presence: Presence) -> None:
        """Visitors and couriers come on days when somebody is at home."""
        for dwelling in range(self.town.dwellings):
            at_home = np.nonzero(presence.living[dwelling] > 0.5)[0]
            gates = self.town.places.estate(dwelling).gates
            gate = [gates[self.rng.integers(len(gates))]] if gates else []
            doors = self.town.places.front_doors(dwelling, gate)
            if len(at_home) and doors:
                self.visitors_of(dwelling, at_home, doors)
                self.couriers_to(dwelling, at_home, doors[0], bool(gates))

    def visitors_of(self, dwelling: int, at_home: Ints, doors: list[int]) -> None:
        rng = self.rng
        sociable = self.town.world.visitors * rng.gamma(1.2, 0.8)
        count = int(rng.poisson(sociable * len(at_home) / 30))
        if count == 0:
            return
        days = rng.choice(at_home, count)
        minute = days * DAY_MIN + rng.normal(980, 190, count)
        visitor = FIRST_VISITOR + self.visitors + np.arange(count)
        self.visitors += count
        for number, door in enumerate(doors):
            noticed = rng.random(count) < 0.75
            comes = minute[noticed] + 3 * number
            self.add(comes, door, Kind.VISITOR, visitor[noticed], Numbered.VISITOR_PASSES, dwelling)
        noticed = rng.random(count) < 0.3
        if self.town.places.estate(dwelling).seen_out[Scope.ESTATE]:
            leaves = minute[noticed] + rng.uniform(30, 200, noticed.sum())
            self.add(leaves, doors[0], Kind.VISITOR, visitor[noticed], Numbered.VISITOR_PASSES, dwelling, inward=False)

    def couriers_to(self, dwelling: int, at_home: Ints, gate: int, has_gates: bool) -> None:
        rng = self.rng
        count = int(rng.poisson(self.town.world.couriers * len(at_home)))
        if count == 0 or not has_gates:
            return
        days = rng.choice(at_home, count)
        minute = days * DAY_MIN + rng.normal(900, 200, count)
        courier = rng.integers(0, COURIERS, count)
        named = self.town.form.couriers_name_dwelling and rng.random() < 0.6
        self.add(minute, gate, Kind.QR, courier, Numbered.COURIERS, dwelling if named else -1)

    def staff_in_homes(self, presence: Presence) -> None:
        """Repairs, hand-overs, meter readers; a little water is used."""
        places = self.town.places
        for dwelling, when in self.town.staff_visits:
            day = int(when)
            minute = day * DAY_MIN + self.rng.uniform(540, 1020)
            doors = places.front_doors(dwelling, places.estate(dwelling).gates[:1])
            who = int(self.rng.integers(0, 25))
            for number, door in enumerate(doors):
                self.add(np.array([minute + 3 * number]), door, Kind.STAFF, who, Numbered.STAFF)
            lock = int(places.lock_of[dwelling])
            if lock >= 0:
                self.add(np.array([minute + 8]), lock, Kind.STAFF, who, Numbered.STAFF, dwelling)
            presence.visiting[dwelling, min(day, self.town.days - 1)] += 0.1

    def staff_and_passers_by(self) -> None:
        """Cleaners and guards twice a day at every door; unknown faces refused at gates that look at faces."""
        rng, days = self.rng, self.town.days
        for number, point in enumerate(self.town.places.points):
            if point.scope == Scope.DWELLING:
                continue
            on_duty = np.nonzero(rng.random(days) < 0.85)[0]
            for usual in (450, 840):
                minute = on_duty * DAY_MIN + rng.normal(usual, 15, len(on_duty))
                self.add(minute, number, Kind.STAFF, CLEANERS + number, Numbered.STAFF)
            if point.scope == Scope.ESTATE and point.mode != DoorMode.CARD:
                count = int(rng.poisson(3 * days))
                minute = rng.uniform(6, 23, count) * 60 + rng.integers(0, days, count) * DAY_MIN
                self.add(minute, number, Kind.FACE, -1, 0, granted=False)
