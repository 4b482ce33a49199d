"""Fits the vacancy part of hub/occupancy/likely.json anew, on worlds that it draws itself, and leaves the rest of the file alone.

    python -m tools.fit_vacancy --out hub/occupancy/likely.json 811 812 … states:201 … diaries:211 … lookalikes:401 …
    python -m tools.fit_vacancy --out hub/occupancy/likely.json --keep 0.5 --apart 1 1301 … states:731 … lives:731 …

Each number is a world (`vary:N`), or one of another simulator (`simulators.apart`), none of them one that anything is measured
on. Long absences are rare. So of each planned
city only the homes are walked that can teach something: all vacancies (raised `--boost` times), all homes that are away for
two months or more, and a share of the others; the weights undo the choice. Of other simulators' cities all homes are walked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer

from hub.occupancy.absence_signs import ABSENCE_COLUMN, ABSENCE_SIGNS, absence_signs
from hub.occupancy.likely import AWAY_DAYS
from simulators.apart import world_apart
from simulators.city.doors import draw_layout
from simulators.city.generate import write as written
from simulators.city.model import Household
from simulators.city.plan import City, Settings, plan_city
from tools.fitting import (
    APART_WEIGHT,
    DAYS,
    EVERY,
    Samples,
    Shape,
    Tenancy,
    draw_apart,
    drawn,
    fit,
    raised,
    tenancies,
    write,
)

STARTS = (date(2025, 1, 1), date(2025, 10, 1), date(2025, 7, 1), date(2025, 7, 1))
"""By number: histories begin at other times of the year, else Spring Festival always lies at the same length of a record."""

LEFT_OUT = ((60, 1), (35, 3), (14, 15), (0, 50))
"""Of honest homes whose longest absence has at least so many days, one in so many is walked."""

SHAPE = Shape(trees=90, leaves=6, rows=300)
TIERS = {"yellow": 0.22, "orange": 0.7, "red": 0.74}
FOR = ("away", "absent", "water_low", "power_low", "after_pause", "overdue")
AGAINST = (
    "declared", "declared_now", "water", "power", "longest_before", "long_before", "away_share_before", "visits_lately",
    "expected",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """Homes of a city renumbered, with how many each stands for."""

    city: City
    weight: dict[str, float]


def chosen(number: int, dwellings: int, boost: float, start: date) -> Chosen:
    """The homes of world `number` that can teach something of absence."""
    world = raised(number, boost, ("vacancy",))
    settings = Settings(world=world, seed=number, dwellings=dwellings, days=DAYS, start=start)
    rng = Random(number)
    kept: list[Household] = []
    weights: list[float] = []
    for household in plan_city(settings).households:
        if household.kind == "not_let":
            continue
        vacant = household.violation is not None and household.violation.kind == "vacancy"
        weight = 1 / boost if vacant else _stands_for(household)
        if weight <= 1 or rng.random() < 1 / weight:
            household.index = len(kept)
            kept.append(household)
            weights.append(weight)
    layout = draw_layout(number, len(kept), world)
    city = City(replace(settings, dwellings=len(kept)), layout, kept)
    return Chosen(city, dict(zip(layout.dwellings, weights, strict=True)))


def _stands_for(household: Household) -> float:
    within = [min(spell.last, DAYS) - spell.first + 1 for spell in household.away if spell.last >= 0]
    longest = max(within, default=0)
    return next(share for least, share in LEFT_OUT if longest >= least or least == 0)


def samples(name: str, dwellings: int, boost: float) -> Samples:
    """What one world teaches: a row of signs every few days of each absence that is long enough to be judged."""
    if world_apart(name):
        with tempfile.TemporaryDirectory() as source:
            draw_apart(name, Path(source), boost)
            return Samples.joined(_rows(Path(source), lambda one: 1.0 if one.honest else 1 / boost))
    number = int(name)
    homes = chosen(number, dwellings, boost, STARTS[number % len(STARTS)])
    with tempfile.TemporaryDirectory() as source:
        written(homes.city, Path(source), parquet=True)
        return Samples.joined(_rows(Path(source), lambda one: homes.weight[one.name]))


def _rows(source: Path, weight_of: Callable[[Tenancy], float]) -> Iterator[Samples]:
    for one in tenancies(source):
        found, _from = absence_signs(one.days, one.household.size, one.paused, one.declared)
        index = np.arange(one.begin, len(one.days))
        index = index[(index + one.offset) % EVERY == one.dwelling % EVERY]
        index = index[found[index, ABSENCE_COLUMN["away"]] >= AWAY_DAYS]
        weight = np.full(len(index), weight_of(one))
        yield Samples(found[index], one.cases(index, "vacancy"), weight, np.full(len(index), one.dwelling))


def main(
    numbers: Annotated[list[str], typer.Argument(help="Worlds to fit on: N for vary:N, or states:N and the like.")],
    out: Annotated[Path, typer.Option(help="likely.json, of which the vacancy part is written anew.")],
    dwellings: Annotated[int, typer.Option(min=500, help="Homes of each planned city.")] = 6000,
    boost: Annotated[float, typer.Option(min=1, help="How many times the vacancies are raised.")] = 3.0,
    version: Annotated[str, typer.Option(help="What leads will name; another fit is another version.")] = "2026.11",
    keep: Annotated[float, typer.Option(min=0, max=1, help="How much of what OUT says is kept beside the new.")] = 0.0,
    apart: Annotated[
        float, typer.Option(min=0, help="Weight of each other simulator beside the first.")
    ] = APART_WEIGHT,
) -> None:
    """Fit the chance that a home stands empty."""
    draw = partial(samples, dwellings=dwellings, boost=boost)
    parts = drawn("vacancy", draw, numbers, f"{dwellings}_{boost:g}", apart)
    write(out, "vacancy", fit(parts, ABSENCE_SIGNS, FOR, AGAINST, SHAPE), TIERS, numbers, version, keep)
    typer.echo(f"{sum(len(part.right) for part in parts):,} samples; wrote the vacancy part of {out}")


if __name__ == "__main__":
    typer.run(main)
