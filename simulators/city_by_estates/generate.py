"""Writes one city's history: tells the story of each home, then what doors and meters make of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_by_estates.calendar import draw_weather, make_calendar
from simulators.city_by_estates.cases import close_cases
from simulators.city_by_estates.consumption import draw_use
from simulators.city_by_estates.credentials import Names
from simulators.city_by_estates.crowd import gather, locate
from simulators.city_by_estates.dice import Bools, Dice
from simulators.city_by_estates.faults import draw_faults
from simulators.city_by_estates.households import live
from simulators.city_by_estates.metering import read_meters
from simulators.city_by_estates.passes import Passes, in_order, joined
from simulators.city_by_estates.places import build
from simulators.city_by_estates.recording import record_estate
from simulators.city_by_estates.scene import Scene
from simulators.city_by_estates.tables import Export
from simulators.city_by_estates.town import Town
from simulators.city_by_estates.vacant import stand_vacant
from simulators.city_by_estates.violations import commit_violations
from simulators.city_by_estates.world import draw_world

FEWEST_DWELLINGS, FEWEST_DAYS = 40, 60


def write_city(
    directory: Path,
    *,
    seed: int,
    dwellings: int,
    days: int,
    start: date,
    prevalence: float | None = None,
    parquet: bool = True,
) -> None:
    """Writes the history of city `seed` into `directory` (made if need be; tables that stand there are replaced).

    The same arguments write the same tables. `prevalence` (0..0.5) replaces the drawn share of dwellings in violation.
    The kinds are as common among them as in this city, but a kind for which no home is left becomes a whole sublet.
    Memory: some 250 bytes a dwelling and day, most of it for the two or three passes on it.

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    refuse_no_share(prevalence)
    town = settle(seed, dwellings, days, start, prevalence)
    scene = set_scene(town)
    names = Names(town.dice, town)
    use = draw_use(town, scene.crowd)

    export = Export(directory, town, names, parquet=parquet)
    export.dwellings()
    export.members()
    export.access_points()
    export.coverage([row for faults in scene.faults for row in faults.covered])
    export.absences()
    export.cases()
    export.subgroups()
    export.truth()
    export.meters(read_meters(town, use))
    export.passes(pass_doors(scene, use.is_occupied))


def settle(seed: int, dwellings: int, days: int, start: date, prevalence: float | None) -> Town:
    """A city with all its people and where they are on each day; no door has been passed yet."""
    dice, calendar = Dice(seed), make_calendar(start, days)
    weather = draw_weather(dice, calendar)
    town = Town(dice, calendar, weather, draw_world(dice))
    build(town, dwellings)
    for home in town.homes:
        if dice.chance(town.world.recorded_vacant):
            stand_vacant(town, home)
        else:
            live(town, home)
    commit_violations(town, prevalence)
    close_cases(town)
    return town


def set_scene(town: Town) -> Scene:
    """Doors with their faults, and everybody as arrays."""
    faults = [draw_faults(town, estate) for estate in town.estates]
    holders = np.array([credential.holder for credential in town.credentials])
    return Scene(town, gather(town.dice, town.actors), locate(town), faults, holders)


def pass_doors(scene: Scene, is_occupied: Bools) -> Passes:
    """All passes of the history, by time; `is_occupied` is (dwellings, days)."""
    return in_order(joined([record_estate(scene, estate, is_occupied) for estate in scene.town.estates]))
