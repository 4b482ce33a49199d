"""Fits the vacancy part of hub/occupancy/likely.json anew, on worlds that it draws itself, and leaves the rest of the file alone.

    python -m tools.fit_vacancy --out hub/occupancy/likely.json 811 812 813 …

Each number is a world (`vary:N`), none of them one that anything is measured on. Long absences are rare. So of each planned
city only the homes are walked that can teach something: all vacancies (raised `--boost` times), all homes that are away for
two months or more, and a share of the others; the weights undo the choice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import typer

from hub.occupancy.absence_signs import ABSENCE_COLUMN, ABSENCE_SIGNS, absence_signs
from hub.occupancy.backtest.gather import bucket_starts, gather
from hub.occupancy.backtest.history import read_history
from hub.occupancy.backtest.replay import Replayer
from hub.occupancy.backtest.score import read_truth
from hub.occupancy.backtest.tables import Problems, Tables
from hub.occupancy.likely import AWAY_DAYS, SETTLED_DAYS, declared_days
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.runs import festival_days
from simulators.city.doors import draw_layout
from simulators.city.generate import write as written
from simulators.city.model import Household
from simulators.city.plan import City, Settings, plan_city
from tools.fitting import DAYS, EVERY, Samples, Shape, fit, raised, stands, write

STARTS = (date(2025, 1, 1), date(2025, 10, 1), date(2025, 7, 1), date(2025, 7, 1))
"""By number: histories begin at other times of the year, else Spring Festival always lies at the same length of a record."""

LEFT_OUT = ((60, 1), (35, 3), (14, 15), (0, 50))
"""Of honest homes whose longest absence has at least so many days, one in so many is walked."""

SHAPE = Shape(trees=90, leaves=6, rows=300)
TIERS = {"yellow": 0.22, "orange": 0.65, "red": 0.7}
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


def samples(number: int, dwellings: int, boost: float, start: date) -> Samples:
    """What one world teaches: a row of signs every few days of each absence that is long enough to be judged."""
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as sorted_into:
        homes = chosen(number, dwellings, boost, start)
        written(homes.city, Path(source), parquet=True)
        return Samples.joined(_rows(Path(source), Path(sorted_into), homes.weight))


def _rows(source: Path, work: Path, weights: dict[str, float]) -> Iterator[Samples]:
    tables = Tables(source, Problems())
    history = read_history(tables, None, None)
    truth = read_truth(tables, history)
    assert truth is not None, "a simulated city has its truth"
    pack = pack_named("national_measured")
    festival = festival_days(calendar(), pack.pauses)
    replayer = Replayer(history, gather(tables, history, work, lambda _rows: None), pack, calendar())
    for bucket in range(len(bucket_starts(history))):
        for dwelling, record, days, _recognised in replayer.spells(work, bucket):
            household = record.household
            if household is None:
                continue
            tenancy = record.since(household.first)
            offset = len(record.days) - len(tenancy)
            if len(tenancy) < SETTLED_DAYS:
                continue
            paused = np.array([festival(day.day) for day in tenancy], np.bool_)
            signs, _from = absence_signs(tenancy, household.size, paused, declared_days(tenancy, household, pack))
            index = np.arange(max(SETTLED_DAYS, days.start - offset), len(tenancy))
            index = index[(index + offset) % EVERY == dwelling % EVERY]
            index = index[signs[index, ABSENCE_COLUMN["away"]] >= AWAY_DAYS]
            answers = [stands(truth, dwelling, history.first + offset + i, "vacancy") for i in index.tolist()]
            weight = np.full(len(index), weights[history.dwellings[dwelling]])
            yield Samples(signs[index], np.array(answers, np.bool_), weight, np.full(len(index), dwelling))


def main(
    numbers: Annotated[list[int], typer.Argument(help="Worlds vary:N to fit on.")],
    out: Annotated[Path, typer.Option(help="likely.json, of which the vacancy part is written anew.")],
    dwellings: Annotated[int, typer.Option(min=500, help="Homes of each planned city.")] = 6000,
    boost: Annotated[float, typer.Option(min=1, help="How many times the vacancies are raised.")] = 3.0,
    version: Annotated[str, typer.Option(help="What leads will name; another fit is another version.")] = "2026.11",
) -> None:
    """Fit the chance that a home stands empty."""
    parts = []
    for number in numbers:
        parts.append(samples(number, dwellings, boost, STARTS[number % len(STARTS)]))
        typer.echo(f"vary:{number}: {len(parts[-1].right)} samples, {int(parts[-1].right.sum())} of vacancies")
    write(out, "vacancy", fit(parts, ABSENCE_SIGNS, FOR, AGAINST, SHAPE), TIERS, numbers, version)
    typer.echo(f"wrote the vacancy part of {out}")


if __name__ == "__main__":
    typer.run(main)
