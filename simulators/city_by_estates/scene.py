"""All that stands before anybody passes a door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.city_by_estates.crowd import Crowd, Places
from simulators.city_by_estates.dice import HOUR_S, Ints, Singles
from simulators.city_by_estates.estates import Estate
from simulators.city_by_estates.faults import Faults
from simulators.city_by_estates.town import Town


@dataclass(frozen=True, slots=True)
class Scene:
    """A city's people on all days, and its doors with their faults."""

    town: Town
    crowd: Crowd
    places: Places
    faults: list[Faults]  # of each estate
    holders: Ints  # (credentials,) the person that each names


class Doors:
    """The access points of one estate with their faults."""

    def __init__(self, scene: Scene, estate: Estate) -> None:
        self._faults = scene.faults[estate.number]
        self._row = np.full(len(scene.town.points) + 1, -1)
        self._row[estate.points] = np.arange(len(estate.points))

    def recorded(self, point: NDArray[np.integer], second: NDArray[np.integer]) -> Singles:
        """(passes,) the share that is recorded at an access point and time."""
        shares: Singles = self._faults.recorded[self._row[point], second // HOUR_S]
        return shares

    def clock_error(self, point: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.int32]:
        """(passes,) seconds that the clock is ahead."""
        minutes = self._faults.clock_error[self._row[point], second // HOUR_S].astype(np.int32)
        ahead: NDArray[np.int32] = minutes * 60
        return ahead
