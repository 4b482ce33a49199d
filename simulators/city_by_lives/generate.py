"""Writes one city's history: draws everybody's life, then the ways that follow, then what doors and meters record of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_by_lives.basics import Bools, Generator
from simulators.city_by_lives.bystanders import callers_passes, staff_passes
from simulators.city_by_lives.calendar import draw_weather
from simulators.city_by_lives.consumption import draw_use
from simulators.city_by_lives.crowd import Crowd, gather
from simulators.city_by_lives.faults import Faults, draw_faults
from simulators.city_by_lives.legs import draw_legs
from simulators.city_by_lives.lives import live
from simulators.city_by_lives.metering import read_meters
from simulators.city_by_lives.passes import Passes, upload
from simulators.city_by_lives.readers import Readers
from simulators.city_by_lives.tables import Export
from simulators.city_by_lives.town import Town

STREAM = 20260207  # of all seeds of this simulator
LIVES, DOORS, WAYS, METERS, NAMES = range(5)  # streams of one seed
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

    The same arguments write the same tables. `prevalence` (0..0.5) replaces the drawn share of dwellings in violation; all else
    is another city than without it. Memory: some 100 bytes a pass (about 3 a dwelling and day), and 100 a dwelling and day.

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no such share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    refuse_no_share(prevalence)
    town = settle(seed, dwellings, days, start, prevalence)
    crowd, faults = gather(town), draw_faults(_stream(seed, DOORS), town)
    export = Export(directory, town, _stream(seed, NAMES), parquet=parquet)
    export.dwellings()
    export.members()
    export.access_points()
    export.coverage(faults.coverage())
    export.passes(_pass_doors(_stream(seed, WAYS), town, crowd, faults, crowd.sleepers(dwellings)))
    export.absences()
    export.cases()
    export.subgroups()
    export.truth()

    rng = _stream(seed, METERS)
    use = draw_use(rng, town, crowd, draw_weather(rng, town.habits, town.calendar))
    export.meters(read_meters(rng, town, use))


def settle(seed: int, dwellings: int, days: int, start: date, prevalence: float | None) -> Town:
    """A city with everybody's life; no door has been passed yet."""
    return live(_stream(seed, LIVES), dwellings, days, start, prevalence)


def _stream(seed: int, number: int) -> Generator:
    return np.random.default_rng([STREAM, seed, number])


def _pass_doors(rng: Generator, town: Town, crowd: Crowd, faults: Faults, sleeps: Bools) -> Passes:
    """All passes of the history, by time. `sleeps`: (dwellings, days)."""
    readers = Readers(rng, town, crowd, faults)
    parts = callers_passes(rng, town, faults, sleeps)
    for estate in town.places.estates:
        parts += staff_passes(rng, town, faults, estate)
    for legs in draw_legs(rng, crowd, town.calendar):
        parts += readers.records(legs)
    return upload(rng, parts, faults.clocks, town.places, town.days)
