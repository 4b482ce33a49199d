"""Small cities in which much happens: leads enough to compare, in a few dwellings, which a back-test replays in a second."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.world import World, builtin_world


def of_many_violations(name: str) -> World:
    world = builtin_world(name)
    many = msgspec.structs.replace(
        world.violations,
        vacancy=0.08,
        sublet_whole=0.1,
        sublet_part=0.08,
        lent=0.05,
        visitor_abuse=0.06,
        running_at_start=0.6,
    )
    return msgspec.structs.replace(world, violations=many)


def written(directory: Path, homes: int, days: int, start: date, *, world: str = "dev", parquet: bool = False) -> Path:
    """The city's tables in this directory, the same for the same words."""
    generate(Settings(of_many_violations(world), 5, homes, days, start), directory, parquet=parquet)
    return directory
