"""Writes one city's history: draws its places and people, lives their days, writes what devices and clerks recorded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_by_schedules.access_points import Doors, draw_doors
from simulators.city_by_schedules.arrays import Ints
from simulators.city_by_schedules.bystanders import bystanders
from simulators.city_by_schedules.calendar import make_calendar
from simulators.city_by_schedules.cases import close_cases
from simulators.city_by_schedules.estates import build_places
from simulators.city_by_schedules.faults import Faults, draw_faults
from simulators.city_by_schedules.legs import Crowd, draw_legs, make_crowd
from simulators.city_by_schedules.lettings import draw_plan, populate
from simulators.city_by_schedules.metering import read_meters
from simulators.city_by_schedules.passes import Passes, joined
from simulators.city_by_schedules.recognition import identify
from simulators.city_by_schedules.records import draw_names, draw_withdrawals, write_down
from simulators.city_by_schedules.tables import Export
from simulators.city_by_schedules.town import Town
from simulators.city_by_schedules.ways import walk
from simulators.city_by_schedules.world import draw_world

STREAM = 20251  # of all seeds of this simulator
FEWEST_DWELLINGS, FEWEST_DAYS = 40, 40
ENOUGH_PASSES = 2.05  # of residents, a dwelling and day
TRIES = 4


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

    The same arguments write the same tables. `prevalence` (0..1) replaces the drawn share of dwellings in violation;
    a city without meters has no table of them. Memory: some 100 bytes a person and day (four people a dwelling), and
    some 200 a leg (twice as many as passes; 2-6 of these a dwelling and day).

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    refuse_no_share(prevalence)
    rng = np.random.default_rng([seed, STREAM])
    world, calendar = draw_world(rng, prevalence), make_calendar(start, days)
    town = Town(rng, world, calendar, build_places(rng, world, dwellings))
    plan = draw_plan(town)
    populate(town, plan)
    close_cases(town, plan.let)
    withdraws = draw_withdrawals(town)
    doors = draw_doors(rng, town.places)
    faults = draw_faults(town, doors)
    crowd = make_crowd(town.people)
    residents = _residents(town, doors, faults, crowd, withdraws)
    passes = joined([residents, bystanders(town, doors, faults, crowd)])
    written, credentials = write_down(town, passes, faults)

    export = Export(directory, town, draw_names(town, doors, credentials), parquet=parquet)
    export.dwellings()
    export.members(withdraws)
    export.access_points(doors.points)
    export.passes(written)
    export.coverage(faults.coverage())
    export.meters(read_meters(town, crowd))
    export.absences(rng.permutation(len(town.declared)))
    export.cases()
    export.subgroups()
    export.truth()


def _residents(town: Town, doors: Doors, faults: Faults, crowd: Crowd, withdraws: Ints) -> Passes:
    """Passes of all but staff and callers. A city whose devices see too little to be of use gets devices at its exits
    and stricter doors, and lives its days anew."""
    errands = town.record.errands
    for _ in range(TRIES - 1):
        passes = _lived(town, doors, faults, crowd, withdraws, errands)
        if len(passes) >= ENOUGH_PASSES * town.places.dwellings * town.days:
            return passes
        for point in doors.points:
            if not point.is_lock:
                point.exits = min(0.95, point.exits + (0.5 if point.scope == "estate" else 0.3))
                point.tailgates *= 0.65
        errands *= 1.12
    return _lived(town, doors, faults, crowd, withdraws, errands)


def _lived(town: Town, doors: Doors, faults: Faults, crowd: Crowd, withdraws: Ints, errands: float) -> Passes:
    legs = draw_legs(town.rng, town.calendar, crowd, town.places.dwellings, errands)
    return identify(town, doors, walk(town, doors, faults, legs), withdraws)
