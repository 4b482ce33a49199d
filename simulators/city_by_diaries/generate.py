"""Writes one city's history: draws its places and people, lives their days, writes what devices and clerks recorded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_by_diaries.arrays import DAY_MIN
from simulators.city_by_diaries.calendar import make_calendar
from simulators.city_by_diaries.diaries import live
from simulators.city_by_diaries.doors import residents_passes
from simulators.city_by_diaries.estates import build_places
from simulators.city_by_diaries.faults import coverage, draw_faults, suffer
from simulators.city_by_diaries.lettings import populate
from simulators.city_by_diaries.passes import joined
from simulators.city_by_diaries.strangers import strangers_passes
from simulators.city_by_diaries.tables import write_tables
from simulators.city_by_diaries.town import Town
from simulators.city_by_diaries.world import draw_world, export_form

STREAM = 20260101  # of all seeds of this simulator
FEWEST_DWELLINGS, FEWEST_DAYS = 60, 70


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

    The same arguments write the same tables. `prevalence` (0..1) replaces the drawn share of dwellings in violation.
    Memory: some 8 bytes a dwelling and day, and some 100 a pass (4–6 passes a dwelling and day).

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    refuse_no_share(prevalence)
    rng = np.random.default_rng([STREAM, seed])
    world, form = draw_world(rng, prevalence), export_form(seed)
    calendar = make_calendar(start, days)
    town = Town(rng, world, form, calendar, build_places(rng, world, form, dwellings, days))
    populate(town)
    faults = draw_faults(town)
    crossings, presence = live(rng, calendar, town.people, dwellings)
    parts = residents_passes(town, crossings)
    everything = joined([*parts, strangers_passes(town, presence)])
    in_history = (everything.minute >= 0) & (everything.minute < days * DAY_MIN - 0.02)
    passes = suffer(town, everything.take(in_history), faults)
    write_tables(directory, town, presence, passes, coverage(town, faults), parquet=parquet)
