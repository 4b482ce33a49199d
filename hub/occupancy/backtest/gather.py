"""Passes and meters of a history, read and sorted into buckets of dwellings on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.occupancy.backtest.gathered import METER, USE, Gathered, bucket_starts
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.meters import Meters
from hub.occupancy.backtest.passes import Passes
from hub.occupancy.backtest.repeats import Repeats
from hub.occupancy.backtest.spill import Spill
from hub.occupancy.backtest.tables import Tables

Progress = Callable[[], None]


def gather(tables: Tables, history: History, directory: Path, progress: Progress) -> Gathered:
    """Reads passes and meters, and writes the bucket files. Passes are read a second time where some stand there twice."""
    noted = tables.problems.copy()
    repeats = Repeats(directory)
    found = _passes(tables, history, directory, progress, repeats)
    if len(known := repeats.coming_back()):
        tables.problems.become(noted)
        found = _passes(tables, history, directory, progress, Repeats(directory, known))
    found.tell(history)
    meters = Meters(tables, history, found)
    spill = Spill(directory, "meters", METER, bucket_starts(history))
    for chunk in tables.chunks("meters"):
        spill.add(meters.read(chunk))
        progress()
    spill.flush()
    meters.close()
    return found


def _passes(tables: Tables, history: History, directory: Path, progress: Progress, repeats: Repeats) -> Gathered:
    found = Gathered()
    passes = Passes(tables, history, found, repeats)
    spill = Spill(directory, "uses", USE, bucket_starts(history))
    for chunk in tables.chunks("passes"):
        spill.add(passes.read(chunk))
        progress()
    spill.flush()
    passes.close(directory)
    return found
