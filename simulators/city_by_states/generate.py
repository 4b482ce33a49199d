"""Draws one city and writes its history. Memory grows with people x days (a byte each) and with passes (80 bytes each)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_too_small
from simulators.city_by_states import records
from simulators.city_by_states.bystanders import deliveries, staff_and_strangers
from simulators.city_by_states.calendar import make_calendar
from simulators.city_by_states.credentials import draw_credentials
from simulators.city_by_states.faults import draw_faults
from simulators.city_by_states.households import build_town
from simulators.city_by_states.layout import draw_layout
from simulators.city_by_states.metering import METERS, Readings, draw_meters
from simulators.city_by_states.movement import make_crowd
from simulators.city_by_states.passes import DIRECTIONS, KINDS, Passes, in_order, make_streets, walked_passes
from simulators.city_by_states.world import draw_world
from simulators.history_tables.columns import Words
from simulators.history_tables.typed import PENDING_ROWS, Tables

SERIES = 20250701  # with the seed: another series of cities than that of any other simulator
LEAST_DWELLINGS = 20
LEAST_DAYS = 30


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
    """Writes a city's history of `days` days from `start` into `directory`, replacing tables that stand there.

    The same arguments give the same tables. `prevalence` (0..1) is the share of let homes with a violation, by default the drawn
    world's own. Raises ValueError for a city too small to draw.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=LEAST_DWELLINGS, fewest_days=LEAST_DAYS)
    rng = np.random.default_rng([seed, SERIES])
    world = draw_world(rng)
    if prevalence is not None:
        world = replace(world, prevalence=prevalence)
    layout = draw_layout(rng, world, dwellings)
    doors = draw_faults(rng, world, layout, days)
    town = build_town(rng, world, layout, make_calendar(start, days), dwellings)
    carried = draw_credentials(town)
    crowd, streets = make_crowd(town), make_streets(layout, dwellings)
    seen = [walked_passes(town, crowd, streets, doors, carried), deliveries(town, crowd, streets, doors)]
    passes = in_order([*seen, *staff_and_strangers(town, doors)], doors, days)
    meters = draw_meters(town, crowd)
    names = records.draw_names(rng, layout, dwellings, len(town.people))
    with Tables(directory, parquet, start) as tables:
        tables.rows("dwellings", records.dwellings(town, names))
        tables.rows("members", records.members(town, names))
        tables.rows("access_points", records.access_points(town, names))
        tables.rows("coverage", records.coverage(doors, names))
        tables.rows("absences", records.absences(town, names))
        tables.rows("truth", records.truth(town, names))
        tables.rows("subgroups", records.subgroups(town, names))
        tables.rows("simulated_absences", records.simulated_absences(town, names))
        tables.rows("cases", records.cases(town, names))
        used, credential = np.unique(passes.credential, return_inverse=True)
        named = records.credential_names(rng, names, used)
        _write_passes(tables, names, replace(passes, credential=np.where(passes.credential < 0, -1, credential)), named)
        for readings in meters:
            _write_meters(tables, names, readings)


def _write_passes(tables: Tables, names: records.Names, passes: Passes, credentials: list[str]) -> None:
    for first in range(0, len(passes.second), PENDING_ROWS):
        part = passes.take(np.arange(first, min(first + PENDING_ROWS, len(passes.second))))
        columns = {
            "ts": part.second.astype(np.int64),
            "access_point_id": Words(part.point, names.points),
            "person_id": Words(part.person, names.persons),
            "credential_id": Words(part.credential, credentials),
            "credential_kind": Words(part.kind, KINDS),
            "dwelling_id": Words(part.dwelling, names.dwellings),
            "granted": part.granted,
            "direction": Words(part.direction, DIRECTIONS),
        }
        tables.add("passes", columns)


def _write_meters(tables: Tables, names: records.Names, readings: Readings) -> None:
    value = np.where(readings.ok, readings.value, np.nan)
    for first in range(0, len(value), PENDING_ROWS):
        part = slice(first, first + PENDING_ROWS)
        columns = {
            "dwelling_id": Words(readings.dwelling[part], names.dwellings),
            "date": readings.day[part],
            "kind": Words(np.full(len(value[part]), METERS.index(readings.kind)), METERS),
            "value": value[part],
            "ok": readings.ok[part].astype(np.int8),
        }
        tables.add("meters", columns)
