"""Passes of people who belong to no home: visitors who come once, staff, and strangers' faces at the doors."""

from __future__ import annotations

import numpy as np

from simulators.city_by_estates.calendar import DayKind
from simulators.city_by_estates.credentials import GUARDS, STAFF_OF_ESTATE, guest_passes, staff_cards
from simulators.city_by_estates.dice import DAY_S, HOUR_S, NOBODY, Bools, Ints
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.passes import Direction, Passes, make_passes
from simulators.city_by_estates.people import Means
from simulators.city_by_estates.scene import Doors, Scene

OFF_DAYS = 1.4  # factor on visitors
STAFFS_HOURS, STRANGERS_HOURS, VISITORS_HOURS = (12.5, 3.5), (15, 4), (15.5, 3.5)  # mean and spread


class Strangers:
    """Passes of strangers at one estate's gates and doors of blocks."""

    def __init__(self, scene: Scene, estate: Estate) -> None:
        self._scene = scene
        self._dice = scene.town.dice
        self._rng = scene.town.dice.rng
        self._estate = estate
        self._doors = Doors(scene, estate)
        self._points = np.array([*estate.gates, *(door for door in estate.block_doors if door != NOBODY)])

    def visitors(self, is_occupied: Bools) -> Passes:
        """Guests and couriers with a pass for one day; `is_occupied` is (dwellings, days) of the city."""
        town, rng, estate, places = self._scene.town, self._rng, self._estate, self._scene.places
        homes = np.flatnonzero(places.estate == estate.number)
        rate = rng.gamma(0.7, self._dice.between(0.03, 0.14) / 0.7, len(homes)).astype(np.float32)
        on_day = np.where(town.calendar.kind == DayKind.WORKDAY, 1, OFF_DAYS)
        place, day = np.nonzero(rng.poisson(rate[:, None] * is_occupied[homes] * on_day))
        home, count = homes[place], len(place)
        hour = np.clip(rng.normal(*VISITORS_HOURS, count), 7, 22.9)
        second = (day * DAY_S + hour * HOUR_S).astype(np.int64)
        point = places.block_door[home]
        if estate.gates:
            point = np.array(estate.gates)[rng.integers(0, len(estate.gates), count)]
        credential = guest_passes(estate.number, np.arange(count))
        passes = make_passes(second, point, Means.VISITOR, credential=credential, home=home)
        return passes.take(self._is_recorded(point, second))

    def staff(self) -> Passes:
        """Cleaners, guards on their rounds, craftsmen."""
        rng = self._rng
        point, second = self._draw(self._dice.between(2, 9), STAFFS_HOURS)
        number = GUARDS + rng.integers(0, STAFF_OF_ESTATE - GUARDS - 1, len(point))
        direction = rng.integers(0, 2, len(point))
        credential = staff_cards(self._estate.number, number)
        return make_passes(second, point, Means.STAFF, credential=credential, direction=direction)

    def faces(self) -> Passes:
        """Faces that no reader knows."""
        point, second = self._draw(self._dice.between(0.5, 6), STRANGERS_HOURS)
        return make_passes(second, point, Means.FACE, granted=0, direction=Direction.IN)

    def _draw(self, a_day: float, hours: tuple[float, float]) -> tuple[Ints, Ints]:
        """(access points, seconds) of recorded passes, `a_day` at each door."""
        rng, days = self._rng, self._scene.town.days
        count = rng.poisson(len(self._points) * days * a_day)
        day = rng.integers(0, days, count)
        second = (day * DAY_S + np.clip(rng.normal(*hours, count), 5, 23.5) * HOUR_S).astype(np.int64)
        point = self._points[rng.integers(0, len(self._points), count)]
        is_recorded = self._is_recorded(point, second)
        return point[is_recorded], second[is_recorded]

    def _is_recorded(self, point: Ints, second: Ints) -> Bools:
        return self._rng.random(len(point)) < self._doors.recorded(point, second)
