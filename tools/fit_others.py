"""Fits the part of hub/occupancy/likely.json that says how likely others live in a home, on worlds that it draws itself.

    python -m tools.fit_others --out hub/occupancy/likely.json 811 812 … states:201 … diaries:211 … lookalikes:401 …
    python -m tools.fit_others --out hub/occupancy/likely.json --keep 0.5 863 … schedules:701 … nights:801 …

Each number is a world (`vary:N`), or one of another simulator (`simulators.apart`), none of them one that anything is measured
on; the more, and the more unlike each other, the better it holds in a city that nobody has seen. Violations are raised
`--boost` times, so that enough are seen, and the weights undo it. The direction of signs that can only speak for, or against,
is fixed: what is fitted on simulated people must not learn their accidents.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from hub.occupancy.signs import SIGNS, signs, worth_a_look
from simulators.apart import world_apart
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.violations import KINDS
from tools.fitting import DAYS, EVERY, Samples, Shape, draw_apart, drawn, fit, raised, tenancies, write

HONEST_EVERY = 3
"""Of honest dwellings so many are left out but one."""

CASE_DAYS = 20
"""No case weighs more than so many samples (100 days): else the fit learns to be sure of what has run for long, where what
counts is the day on which a lead opens."""

STARTS = (date(2025, 1, 1), date(2025, 10, 1), date(2025, 7, 1))
AT_ONE_TIME = 863
"""Worlds from this number on begin at other times of the year, by number (those before: in July), else Spring Festival always
lies at the same length of a record."""

HOW_LATE = ("usual_days", "record_days")
"""Signs that tell how late in the history it is: nothing is learned from them."""

# the 140 worlds before those of --keep taught 400 trees at half this rate, which say the same at twice the work
SHAPE = Shape(trees=200, leaves=32, rows=100, rate=0.12, small=30)
TIERS = {"yellow": 0.28, "orange": 0.62, "red": 0.72}
FOR = (
    "unseen_face", "never_recognised", "gone_faces", "own_lost", "face_lost", "visitors_recent", "late_recent", "late_short",
    "lived_unseen", "newcomer_only", "house_recent", "new_token", "hours_change", "unidentified_recent", "night_unseen",
    "run_used", "run_night", "run_hours", "shift_hours", "mix_new",
)  # fmt: skip
AGAINST = (
    "face_recent", "own_recent", "stayed_faces", "declared", "visitors_usual", "house_usual", "unidentified_usual",
    "hours_usual", "water_usual", "shift_usual",
)  # fmt: skip


def samples(name: str, dwellings: int, boost: float) -> Samples:
    """What a world teaches."""
    with tempfile.TemporaryDirectory() as source:
        if world_apart(name):
            draw_apart(name, Path(source), boost)
        else:
            _draw(int(name), Path(source), dwellings, boost)
        return Samples.joined(_rows(Path(source), boost))


def _draw(number: int, source: Path, dwellings: int, boost: float) -> None:
    start = STARTS[number % 3 if number >= AT_ONE_TIME else 2]
    settings = Settings(world=raised(number, boost, KINDS), seed=number, dwellings=dwellings, days=DAYS, start=start)
    generate(settings, source, parquet=True)


def _rows(source: Path, boost: float) -> Iterator[Samples]:
    for one in tenancies(source):
        if one.honest and one.dwelling % HONEST_EVERY:
            continue
        found = signs(one.days, one.household, one.recognised, one.declared).astype(np.float32)
        index = np.arange(one.begin, len(one.days))
        index = index[(index + one.offset) % EVERY == 0]
        index = index[worth_a_look(found.astype(np.float64))[index]]
        weight = np.full(len(index), HONEST_EVERY if one.honest else 1 / boost)
        yield Samples(found[index], one.cases(index, "others"), weight, np.full(len(index), one.dwelling))


def main(
    numbers: Annotated[list[str], typer.Argument(help="Worlds to fit on: N for vary:N, or states:N and the like.")],
    out: Annotated[Path, typer.Option(help="likely.json, of which the part of others is written anew.")],
    dwellings: Annotated[int, typer.Option(min=500, help="Homes of each city.")] = 2500,
    boost: Annotated[float, typer.Option(min=1, help="How many times violations are raised.")] = 3.0,
    version: Annotated[str, typer.Option(help="What leads will name; another fit is another version.")] = "2026.11",
    keep: Annotated[float, typer.Option(min=0, max=1, help="How much of what OUT says is kept beside the new.")] = 0.0,
) -> None:
    """Fit the chance that others live in a home. About a minute of a processor a world."""
    parts = drawn("others", partial(samples, dwellings=dwellings, boost=boost), numbers, f"{dwellings}_{boost:g}")
    used = [place for place, name in enumerate(SIGNS) if name not in HOW_LATE]
    learned = [replace(part.no_case_above(CASE_DAYS), signs=part.signs[:, used]) for part in parts]
    fitted = fit(learned, [SIGNS[place] for place in used], FOR, AGAINST, SHAPE)
    write(out, "others", fitted, TIERS, numbers, version, keep)
    typer.echo(f"{sum(len(part.right) for part in parts):,} samples; wrote the part of others of {out}")


if __name__ == "__main__":
    typer.run(main)
