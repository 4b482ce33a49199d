"""Writes one city's history: draws its places and people, lives their days, writes what devices and clerks recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from simulators.city_arguments import refuse_no_share, refuse_too_small
from simulators.city_of_lookalikes.absences import declare_without_going
from simulators.city_of_lookalikes.calendar import draw_weather, make_calendar
from simulators.city_of_lookalikes.days import draw_trips, live_days
from simulators.city_of_lookalikes.dice import Dice
from simulators.city_of_lookalikes.doors import issue_credentials, make_ways, walk
from simulators.city_of_lookalikes.estates import build_places
from simulators.city_of_lookalikes.faults import draw_faults, suffer
from simulators.city_of_lookalikes.households import populate
from simulators.city_of_lookalikes.lookalikes import live_honestly
from simulators.city_of_lookalikes.metering import read_meters
from simulators.city_of_lookalikes.passes import joined
from simulators.city_of_lookalikes.people import Town
from simulators.city_of_lookalikes.strangers import strangers_passes
from simulators.city_of_lookalikes.tables import Export
from simulators.city_of_lookalikes.upkeep import close_cases, keep_up_vacant_homes
from simulators.city_of_lookalikes.violations import draw_violations, empty_homes_of_guests, live_in_violation
from simulators.city_of_lookalikes.world import draw_world

FIRST_STREAM, STREAM_STEP = 71_003, 7_919  # of all seeds of this simulator
FEWEST_DWELLINGS, FEWEST_DAYS = 40, 70


def write_city(
    directory: Path,
    *,
    seed: int,
    dwellings: int,
    days: int,
    start: date,
    prevalence: float | None = None,
    parquet: bool = True,
    times: float = 1.0,
) -> None:
    """Writes the history of city `seed` into `directory` (made if need be; tables that stand there are replaced).

    The same arguments write the same tables. `prevalence` (0..1) replaces the drawn share of dwellings in violation,
    `times` multiplies it, drawn or given; from 30 violations on every kind occurs, so that there may be a few more.
    Memory: some 20 bytes an actor and day (two actors a dwelling), and some 100 a pass (5 a dwelling and day).

    Raises:
        ValueError: the city or the history is too small for what is drawn in it, or the prevalence is no share.
    """
    refuse_too_small(dwellings, days, fewest_dwellings=FEWEST_DWELLINGS, fewest_days=FEWEST_DAYS)
    dice = Dice(np.random.default_rng(FIRST_STREAM + STREAM_STEP * seed))
    calendar = make_calendar(start, days)
    world = draw_world(dice)
    if prevalence is not None:
        world = replace(world, prevalence=prevalence)
    refuse_no_share(world.prevalence * times)
    weather = draw_weather(dice, world, calendar)
    town = Town(dice, world, calendar, weather, build_places(dice, world, dwellings))
    populate(town)
    draw_violations(town, times)
    absent = live_honestly(town)
    live_in_violation(town)
    empty_homes_of_guests(town)
    keep_up_vacant_homes(town)
    close_cases(town, absent)

    lived = live_days(town)
    trips = draw_trips(town, lived)
    faults = draw_faults(town)
    carried, ways = issue_credentials(town), make_ways(town)
    walked = walk(town, lived, trips, carried, ways)
    passes = suffer(town, joined([*walked, *strangers_passes(town, lived, carried, ways)]), faults)

    export = Export(directory, town, dice.rng.permutation(len(town.members)), parquet=parquet)
    export.passes(passes)
    export.dwellings(_expected_members(town))
    export.members()
    export.access_points()
    export.coverage(faults.covered)
    export.meters(read_meters(town, lived))
    declare_without_going(town)
    export.absences()
    export.cases()
    export.truth()
    export.subgroups()


def _expected_members(town: Town) -> list[int | None]:
    """Of each home how many the office expects there from the first day of the lease; None where it does not know."""
    counts = [0] * len(town.households)
    for member in town.members:
        if member.since <= 0 or member.since == town.households[member.home].let_from:
            counts[member.home] += 1
    expected: list[int | None] = []
    for count, household in zip(counts, town.households, strict=True):
        is_unknown = household.let_from is None or town.dice.chance(0.08)
        expected.append(None if is_unknown else count)
    return expected
