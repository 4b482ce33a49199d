"""Cities that the detector has never seen (worlds `vary:9201`…`9205`: never fit on them), replayed as a back-test does. Once a
look at them has led to a change, the next five numbers take their place.

`ESTATE_DETECT_DWELLINGS` (default 1500) sets their size, `ESTATE_DETECT_CITIES` the folder they are kept in between runs.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hub.occupancy.backtest.baselines import BaselineCounter
from hub.occupancy.backtest.chunk import Problems
from hub.occupancy.backtest.gather import gather
from hub.occupancy.backtest.gathered import bucket_starts, by_bucket
from hub.occupancy.backtest.history import CaseRow, read_history
from hub.occupancy.backtest.inspected import Taught, taught
from hub.occupancy.backtest.replay import Book, Lead, Meters, Replayer, Uses
from hub.occupancy.backtest.score import Scored, Truth, read_truth, score
from hub.occupancy.backtest.stock import limits
from hub.occupancy.backtest.tables import Tables
from hub.occupancy.fitted import fixed_chances, marks
from hub.occupancy.outcomes import NO_OUTCOMES, OTHERS, VACANCY, Correction, Learned, Outcomes
from hub.occupancy.policy import calendar, pack_named

DRAWS = (9201, 9202, 9203, 9204, 9205)
DWELLINGS = int(os.environ.get("ESTATE_DETECT_DWELLINGS", "1500"))
CITIES = Path(os.environ.get("ESTATE_DETECT_CITIES", Path(__file__).resolve().parents[2] / "build/cities"))
SIMULATORS = Path(__file__).resolve().parents[2] / "simulators"
POLICY = "national_measured"
GENEROUS = 1.5
"""Log-odds by which chances are raised to find every dwelling that could have a lead at all."""


def city(number: int | str, dwellings: int = DWELLINGS, *options: str) -> Path:
    """The folder of the city of this number, or of another simulator's (`states:9201`), drawn unless it stands there.
    `options`: further ones of `estate-sim city`."""
    short = f"v{number}" if isinstance(number, int) else number.replace(":", "")
    name = "".join([f"{short}_{dwellings}", *(option.replace("--", "_") for option in options)])
    folder = CITIES / drawn_by() / name
    if not (folder / "drawn").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).parent / "estate-sim"), "city", "--out", str(folder)]
        command += ["--world", world(number), "--dwellings", str(dwellings), *options]
        command += ["--seed", str(number)] if isinstance(number, int) else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (folder / "drawn").touch()
    return folder


def world(number: int | str) -> str:
    """As `estate-sim city --world` has it."""
    return f"vary:{number}" if isinstance(number, int) else number


@cache
def drawn_by() -> str:
    """Names the simulators as they are now: changed ones draw their cities anew."""
    digest = hashlib.sha256()
    for file in sorted(SIMULATORS.glob("city*/**/*")):
        if file.suffix in (".py", ".json"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


class Draw:
    """One city read and sorted once, then replayed as often as wanted; after the first time only dwellings that could
    have a lead. `seconds`: of the processor, for gathering and for the first replay of all dwellings."""

    def __init__(self, source: Path) -> None:
        began = time.process_time()
        self._folder = tempfile.TemporaryDirectory(prefix="estate-draw-")
        self.work, self.source = Path(self._folder.name), source
        self.tables = Tables(source, Problems())
        self.history = read_history(self.tables, None, None)
        self.gathered = gather(self.tables, self.history, self.work, lambda: None)
        truth = read_truth(self.tables, self.history)
        self.truth = Truth() if truth is None else truth
        self.pack = pack_named(POLICY)
        self.replayer = Replayer(self.history, self.gathered, self.pack, calendar())
        raised = {family: Correction(1.0, GENEROUS) for family in (OTHERS, VACANCY)}
        generous = Outcomes(((self.history.days[0], Learned(raised)),))
        self.possible: set[int] | None = None
        self.possible = {lead.dwelling for book in self._books(generous, None) for lead in book.leads}
        self.seconds = time.process_time() - began
        self._counter: BaselineCounter | None = None

    def close(self) -> None:
        """Takes its files away."""
        self._folder.cleanup()

    def replay(self, outcomes: Outcomes = NO_OUTCOMES) -> list[Lead]:
        """The leads of the whole history, questions limited as the back-test does (`stock.replay_all`)."""
        books = self._books(outcomes, self.possible)
        above, touched = limits(self.history, [(book.dwelling, one) for book in books for one in book.questions.all])
        if touched:
            books = [book for book in books if book.dwelling not in touched]
            books += self._books(replace(outcomes, above=above), touched)
        return [lead for book in books for lead in book.leads]

    def _books(self, outcomes: Outcomes, only: Collection[int] | None) -> list[Book]:
        self.replayer.outcomes = replace(outcomes, fixed=fixed_chances())
        numbers = range(len(bucket_starts(self.history)))
        return [book for number in numbers for book in self.replayer.bucket(self.work, number, only)]

    def hold(self, replayer: Replayer, dwellings: Collection[int]) -> dict[int, tuple[Uses, Meters]]:
        """What is recorded of some dwellings, for a replayer to be asked of them alone."""
        found: dict[int, tuple[Uses, Meters]] = {}
        for number, only in by_bucket(self.history, dwellings).items():
            found |= replayer.hold(self.work, number, only)
        return found

    def taught(self, cases: Sequence[CaseRow]) -> Taught:
        """What these cases teach."""
        self.history.take_cases(cases)
        return taught(self.history, self.replayer, self.work, marks(), fixed_chances())

    @property
    def counter(self) -> BaselineCounter:
        """What the baselines count."""
        if self._counter is None:
            self._counter = BaselineCounter(self.history)
            for number in range(len(bucket_starts(self.history))):
                self._counter.add(self.work, number)
        return self._counter

    def score(self, leads: Sequence[Lead]) -> dict[str, Any]:
        """As the back-test's report has it."""
        runs = {
            (x.dwelling, x.opened): self.counter.absent_at(x.dwelling, x.opened) for x in leads if x.kind == "vacancy"
        }
        return score(scored(leads), self.truth, self.history, runs)

    def baselines(self) -> dict[str, dict[str, Any]]:
        """The fixed days and the isolation forest, on the same history."""
        return {name: score(found, self.truth, self.history, {}) for name, found in self.counter.leads().items()}


def scored(leads: Sequence[Lead]) -> list[Scored]:
    """As scoring wants them."""
    return [Scored(x.dwelling, x.kind, x.stage, x.opened, x.begins, x.chance) for x in leads]


def error_by_chance(stated: Sequence[float], seed: int = 1, times: int = 400) -> float:
    """The calibration error that chances which mean exactly what they say show by chance alone, with so few leads."""
    said = np.array(stated)
    bins = np.minimum(9, (said * 10).astype(int))
    right = np.random.default_rng(seed).random((times, len(said))) < said
    gaps = [np.abs(said[bins == b].sum() - right[:, bins == b].sum(axis=1)) for b in range(10)]
    return float(sum(gaps).mean() / max(1, len(said)))
