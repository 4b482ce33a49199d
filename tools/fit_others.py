"""Fits the part of hub/occupancy/likely.json that says how likely others live in a home, on worlds that it draws itself.

    python -m tools.fit_others --out hub/occupancy/likely.json 811 812 813 …

Each number is a world (`vary:N`), none of them one that anything is measured on; the more, the better it holds in a city that
nobody has seen. Violations are raised `--boost` times, so that enough are seen, and the weights undo it. The direction of signs
that can only speak for, or against, is fixed: what is fitted on simulated people must not learn their accidents. What one world
teaches is kept in build/fit, so that a run that was stopped goes on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from hub.occupancy.backtest.gather import bucket_starts, gather
from hub.occupancy.backtest.history import read_history
from hub.occupancy.backtest.pool import cores
from hub.occupancy.backtest.replay import Replayer
from hub.occupancy.backtest.score import read_truth
from hub.occupancy.backtest.tables import Problems, Tables
from hub.occupancy.likely import SETTLED_DAYS, declared_days
from hub.occupancy.policy import calendar, pack_named
from hub.occupancy.signs import SIGNS, signs, worth_a_look
from simulators.city.generate import generate
from simulators.city.plan import Settings
from simulators.city.violations import KINDS
from tools.bench.draws import drawn_by
from tools.fitting import DAYS, EVERY, Samples, Shape, fit, raised, stands, write

KEPT = Path(__file__).resolve().parents[1] / "build/fit"
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

SHAPE = Shape(trees=400, leaves=32, rows=100, rate=0.06, small=30)
TIERS = {"yellow": 0.3, "orange": 0.67, "red": 0.8}
FOR = (
    "unseen_face", "never_recognised", "gone_faces", "own_lost", "face_lost", "visitors_recent", "late_recent", "late_short",
    "lived_unseen", "newcomer_only", "house_recent", "new_token", "hours_change", "unidentified_recent", "night_unseen",
    "run_used", "run_night", "run_hours", "shift_hours", "mix_new",
)  # fmt: skip
AGAINST = (
    "face_recent", "own_recent", "stayed_faces", "declared", "visitors_usual", "house_usual", "unidentified_usual",
    "hours_usual", "water_usual", "shift_usual",
)  # fmt: skip


def samples(number: int, dwellings: int, boost: float) -> Samples:
    """What world `number` teaches, drawn or as it was kept."""
    kept = KEPT / f"others_{drawn_by()}_{number}_{dwellings}_{boost:g}.npz"
    if kept.exists():
        with np.load(kept) as held:
            return Samples(held["signs"], held["right"], held["weight"], held["dwelling"])
    world = raised(number, boost, KINDS)
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as work:
        settings = Settings(
            world=world,
            seed=number,
            dwellings=dwellings,
            days=DAYS,
            start=STARTS[number % 3 if number >= AT_ONE_TIME else 2],
        )
        generate(settings, Path(source), parquet=True)
        found = Samples.joined(_rows(Path(source), Path(work), boost))
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, signs=found.signs, right=found.right, weight=found.weight, dwelling=found.dwelling)
    return found


def _rows(source: Path, work: Path, boost: float) -> Iterator[Samples]:
    tables = Tables(source, Problems())
    history = read_history(tables, None, None)
    truth = read_truth(tables, history)
    assert truth is not None, "a simulated city has its truth"
    pack = pack_named("national_measured")
    replayer = Replayer(history, gather(tables, history, work, lambda _rows: None), pack, calendar())
    for bucket in range(len(bucket_starts(history))):
        for dwelling, record, days, recognised in replayer.spells(work, bucket):
            honest, household = dwelling not in truth.labels, record.household
            if household is None or (honest and dwelling % HONEST_EVERY):
                continue
            tenancy = record.since(household.handover or household.first)
            offset = len(record.days) - len(tenancy)
            if len(tenancy) < SETTLED_DAYS:
                continue
            declared = declared_days(tenancy, household, pack)
            found = signs(tenancy, household, recognised[offset : offset + len(tenancy)], declared).astype(np.float32)
            index = np.arange(max(SETTLED_DAYS, days.start - offset), len(tenancy))
            index = index[(index + offset) % EVERY == 0]
            index = index[worth_a_look(found.astype(np.float64))[index]]
            right = [stands(truth, dwelling, history.first + offset + i, "others") for i in index.tolist()]
            weight = np.full(len(index), HONEST_EVERY if honest else 1 / boost)
            yield Samples(found[index], np.array(right, np.bool_), weight, np.full(len(index), dwelling))


def main(
    numbers: Annotated[list[int], typer.Argument(help="Worlds vary:N to fit on.")],
    out: Annotated[Path, typer.Option(help="likely.json, of which the part of others is written anew.")],
    dwellings: Annotated[int, typer.Option(min=500, help="Homes of each city.")] = 2500,
    boost: Annotated[float, typer.Option(min=1, help="How many times violations are raised.")] = 3.0,
    version: Annotated[str, typer.Option(help="What leads will name; another fit is another version.")] = "2026.11",
) -> None:
    """Fit the chance that others live in a home. About two minutes of a processor a world."""
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        drawn = pool.map(partial(samples, dwellings=dwellings, boost=boost), numbers)
        parts = list(track(drawn, "worlds", total=len(numbers)))
    used = [place for place, name in enumerate(SIGNS) if name not in HOW_LATE]
    learned = [replace(part.no_case_above(CASE_DAYS), signs=part.signs[:, used]) for part in parts]
    fitted = fit(learned, [SIGNS[place] for place in used], FOR, AGAINST, SHAPE)
    write(out, "others", fitted, TIERS, numbers, version)
    typer.echo(f"{sum(len(part.right) for part in parts):,} samples; wrote the part of others of {out}")


if __name__ == "__main__":
    typer.run(main)
