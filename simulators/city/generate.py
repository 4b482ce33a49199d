"""Writes one city's history: plans it, walks it day by day, writes the tables. Memory grows with dwellings × days bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulators.city import records
from simulators.city.crowd import Crowd, make_crowd
from simulators.city.faults import DAY_S, coverage, door_faults, meter_faults
from simulators.city.metering import MeterDay, make_meters
from simulators.city.plan import City, Progress, Settings, plan_city, quiet
from simulators.city.walking import DIRECTIONS, KINDS, Passes, Streets, doors_of, joined
from simulators.history_tables.columns import Words
from simulators.history_tables.typed import Tables


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    dwellings: int
    passes: int
    meter_days: int
    violations: int


def generate(settings: Settings, directory: Path, *, parquet: bool, progress: Progress = quiet) -> Written:
    """Draws the city of `settings` and writes its history into `directory`, replacing tables that stand there."""
    return write(plan_city(settings, progress), directory, parquet=parquet, progress=progress)


def write(city: City, directory: Path, *, parquet: bool, progress: Progress = quiet) -> Written:
    """Writes the history of a planned city into `directory`, replacing tables that stand there."""
    settings = city.settings
    crowd = make_crowd(settings.seed, city.households, city.layout, settings.days)
    with Tables(directory, parquet, settings.start) as tables:
        _small_tables(tables, city, crowd)
        passes, meter_days = _days(tables, city, crowd, progress)
    labelled = sum(h.violation is not None for h in city.households)
    return Written(settings.dwellings, passes, meter_days, labelled)


def _small_tables(tables: Tables, city: City, crowd: Crowd) -> None:
    tables.rows("dwellings", records.dwellings(city))
    tables.rows("members", records.members(city, crowd))
    tables.rows("access_points", records.access_points(city))
    tables.rows("absences", records.absences(city))
    tables.rows("cases", records.inspections(city))
    tables.rows("subgroups", records.subgroups(city))
    tables.rows("truth", records.truth(city))
    tables.rows("simulated_absences", records.simulated_absences(city))


def _days(tables: Tables, city: City, crowd: Crowd, progress: Progress) -> tuple[int, int]:
    """Walks all days; returns the numbers of passes and of meter readings."""
    s, layout = city.settings, city.layout
    faults = door_faults(s.seed, layout, s.world, s.days, s.injected)
    codes = [point.code for point in layout.points]
    seen = coverage(faults, len(codes), s.days)
    tables.rows("coverage", ((codes[point], first, last, state) for point, first, last, state in seen))
    streets = Streets(crowd, layout, doors_of(layout), s.world.devices, tuple(faults), s.seed, s.start.weekday())
    lies = meter_faults(s.seed, layout, s.world, s.days, s.injected)
    of_year = s.start.timetuple().tm_yday
    meters = make_meters(s.seed, city.households, crowd, layout, s.world, s.days, of_year, lies)
    count = readings = 0
    held: list[Passes] = []  # passes after midnight wait for their day
    for day in range(s.days):
        there = streets.there(day)
        whole = joined([*held, streets.passes(day, there)])
        today = whole.ts < (day + 1) * DAY_S
        held = [whole.take(~today)]
        count += _write_passes(tables, city, crowd, whole.take(today))
        reading = meters.day(day, there)
        readings += _write_meters(tables, city, day, reading)
        progress("days", day + 1, s.days)
    return count, readings


def _write_passes(tables: Tables, city: City, crowd: Crowd, passes: Passes) -> int:
    if len(passes.ts):
        tables.add(
            "passes",
            {
                "ts": passes.ts,
                "access_point_id": Words(passes.point, [p.code for p in city.layout.points]),
                "person_id": Words(passes.person, crowd.persons),
                "credential_id": Words(passes.credential, crowd.credentials),
                "credential_kind": Words(passes.kind, KINDS),
                "dwelling_id": Words(passes.dwelling, city.layout.dwellings),
                "granted": passes.granted,
                "direction": Words(passes.direction, DIRECTIONS),
            },
        )
    return len(passes.ts)


def _write_meters(tables: Tables, city: City, day: int, reading: MeterDay) -> int:
    if len(reading.dwelling):
        tables.add(
            "meters",
            {
                "dwelling_id": Words(reading.dwelling, city.layout.dwellings),
                "date": np.full(len(reading.dwelling), day),
                "kind": Words(np.where(reading.water, 0, 1), ("water", "electricity")),
                "value": reading.value,
                "ok": reading.ok.astype(np.int8),
            },
        )
    return len(reading.dwelling)
