"""Passes and meters of a history, read once and sorted into buckets of dwellings on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.occupancy.backtest.gathered import METER, USE, Gathered, bucket_starts
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.meters import Meters
from hub.occupancy.backtest.passes import Passes
from hub.occupancy.backtest.spill import Spill
from hub.occupancy.backtest.tables import Tables

Progress = Callable[[], None]


def gather(tables: Tables, history: History, directory: Path, progress: Progress) -> Gathered:
    """Reads passes and meters once and writes the bucket files."""
    found = Gathered()
    starts = bucket_starts(history)
    passes = Passes(tables, history, found)
    spill = Spill(directory, "uses", USE, starts)
    for chunk in tables.chunks("passes"):
        spill.add(passes.read(chunk))
        progress()
    spill.flush()
    passes.close(directory)
    found.tell(history)
    meters = Meters(tables, history, found)
    spill = Spill(directory, "meters", METER, starts)
    for chunk in tables.chunks("meters"):
        spill.add(meters.read(chunk))
        progress()
    spill.flush()
    meters.close()
    return found
