"""Simulators of cities beside `simulators.city`, each written by itself from the same descriptions of how people live: what a
detector learned from one of them and does not hold in another was that simulator's habit, not people's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path

APART = {
    "states": "simulators.city_by_states",
    "diaries": "simulators.city_by_diaries",
    "lookalikes": "simulators.city_of_lookalikes",
    "schedules": "simulators.city_by_schedules",
    "nights": "simulators.city_by_nights",
    "estates": "simulators.city_by_estates",
    "lives": "simulators.city_by_lives",
}
"""By the name in `--world NAME:NUMBER`."""


def world_apart(world: str) -> tuple[str, int] | None:
    """(simulator, seed) of `states:7` and the like; None for other worlds."""
    name, _, number = world.partition(":")
    return (name, int(number)) if name in APART and number.isdigit() else None


def write_apart(
    name: str,
    directory: Path,
    *,
    seed: int,
    dwellings: int,
    days: int,
    start: date,
    prevalence: float | None = None,
    parquet: bool = True,
) -> None:
    """Writes a history with simulator `name` of APART. ValueError for a city that it cannot draw."""
    write: Callable[..., None] = import_module(f"{APART[name]}.generate").write_city
    write(directory, seed=seed, dwellings=dwellings, days=days, start=start, prevalence=prevalence, parquet=parquet)
