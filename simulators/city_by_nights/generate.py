"""Writes one city's history: draws its places and people night by night, then the ways that follow, then the records."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_by_nights.calendar import draw_weather, make_calendar
from simulators.city_by_nights.consumption import draw_use
from simulators.city_by_nights.credentials import issue
from simulators.city_by_nights.crowd import gather
from simulators.city_by_nights.dice import DAY_S
from simulators.city_by_nights.estates import draw_estates, draw_places, fit_doors
from simulators.city_by_nights.faults import draw_faults
from simulators.city_by_nights.households import populate
from simulators.city_by_nights.metering import read_meters
from simulators.city_by_nights.movement import draw_moves
from simulators.city_by_nights.passes import Passes, in_order, joined
from simulators.city_by_nights.readers import EstatePasses
from simulators.city_by_nights.scene import Scene
from simulators.city_by_nights.strangers import strangers_passes
from simulators.city_by_nights.tables import Export
from simulators.city_by_nights.town import Town, draw_town
from simulators.city_by_nights.upkeep import book_cards, close_cases, expected_members
from simulators.city_by_nights.violations import draw_violations
from simulators.city_by_nights.world import draw_world

STREAM = 20260  # of all seeds of this simulator
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

    The same arguments write the same tables. `prevalence` (0..1) replaces the drawn share of dwellings in violation; all else
    is another city than without it. Memory: some 20 bytes an actor and day (three actors a dwelling), and some 200 a pass
    (2 to 6 a dwelling and day).

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    refuse_no_share(prevalence)
    town = settle(seed, dwellings, days, start, prevalence)
    booked = book_cards(town)
    close_cases(town)
    expected = expected_members(town)

    weather, crowd = draw_weather(town.rng, town.world, town.calendar), gather(town)
    use = draw_use(town, weather, crowd)
    doors = fit_doors(town.places, town.has_lock)
    faults = draw_faults(town, doors)
    scene = Scene(town, weather, crowd, doors, faults, issue(town, booked))
    export = Export(directory, town, doors, parquet=parquet)
    passes = export.name_credentials(_pass_doors(scene))
    readings = read_meters(town, use)

    export.name_all()
    export.dwellings(expected)
    export.members()
    export.access_points()
    export.passes(passes)
    export.coverage(faults.covered)
    export.meters(readings)
    export.absences()
    export.cases()
    export.subgroups()
    export.truth()


def settle(seed: int, dwellings: int, days: int, start: date, prevalence: float | None) -> Town:
    """A city with all its people and their nights; no door has been passed yet."""
    rng = np.random.default_rng([STREAM, seed])
    world = draw_world(rng, prevalence)
    places = draw_places(rng, draw_estates(rng, world, dwellings), dwellings)
    town = draw_town(rng, world, make_calendar(start, days), places)
    draw_violations(town)
    populate(town)
    return town


def _pass_doors(scene: Scene) -> Passes:
    """All passes of the history, by time."""
    town, crowd = scene.town, scene.crowd
    estate_of_actor = town.places.estate_of[crowd.dwelling]
    parts: list[Passes] = []
    for estate in town.places.estates:
        actors = np.flatnonzero(estate_of_actor == estate.number)
        moves = draw_moves(town.rng, crowd, town.calendar, scene.weather, actors)
        parts += EstatePasses(scene, estate, moves).records()
        parts += strangers_passes(scene, estate)
    return in_order(joined(parts), town.days * DAY_S)
