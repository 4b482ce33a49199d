"""All that stands before anybody passes a door."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.city_by_nights.calendar import Weather
from simulators.city_by_nights.credentials import Issued
from simulators.city_by_nights.crowd import Crowd
from simulators.city_by_nights.estates import Doors
from simulators.city_by_nights.faults import Faults
from simulators.city_by_nights.town import Town


@dataclass(frozen=True, slots=True)
class Scene:
    """A city with its people's nights, its doors with their faults, and the credentials."""

    town: Town
    weather: Weather
    crowd: Crowd
    doors: Doors
    faults: Faults
    issued: Issued
