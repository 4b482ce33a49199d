"""A history's passes and meters once they are read: buckets of dwellings on disk, and what was counted on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.history import History

IDENTIFIED, PERSONAL, HOUSEHOLD, VISITOR, NAMELESS = range(5)
"""What a counted pass was: the person's own face; a card or QR of a person; a PIN of the household; a visitor's; a card or QR of
the household whose holder the record does not name."""

USE = np.dtype(
    [
        ("dwelling", "i4"),
        ("day", "i2"),
        ("cls", "i1"),
        ("credential", "i4"),
        ("count", "i2"),
        ("late", "i2"),
        ("hours", "i4"),
    ]
)
METER = np.dtype([("dwelling", "i4"), ("day", "i2"), ("water", "i1"), ("value", "f4")])
BUCKET = 250
"""Dwellings a bucket at least, in the order of estates and blocks; no block is cut."""

Ints = NDArray[np.int64]


@dataclass
class Gathered:
    """What was counted on the way. `recognised`: estate → identified passes a day (for the terminals' health).
    `holdings`: of each (person, credential) pair the person and how many of theirs came into use up to it (1: their first).
    `carded`: estate → by day, passes with a card or QR that name their holder, and that do not.
    `water_days`: estate → by day, homes that used water, and those of them that read a whole number of cubic metres.
    `unheard`: (point, day) on which it was not observing, whatever its coverage says. `contradicted`: (dwelling, day) from which
    on many of its passes had named another one than their holder's."""

    passes: int = 0
    recognised: dict[str, list[int]] = field(default_factory=dict)
    credentials: list[str] = field(default_factory=list)
    metered: set[tuple[int, bool]] = field(default_factory=set)
    holdings: list[tuple[int, int]] = field(default_factory=list)
    carded: dict[str, list[list[int]]] = field(default_factory=dict)
    water_days: dict[str, list[list[int]]] = field(default_factory=dict)
    unheard: list[tuple[int, int]] = field(default_factory=list)
    contradicted: list[tuple[int, int]] = field(default_factory=list)

    def tell(self, history: History) -> None:
        """What passes say of the rest of the history: when doors were not observing, and whose records contradict each other."""
        for point, day in self.unheard:
            history.missed[point][day] = 1.0
        history.doubted = dict(self.contradicted)


def bucket_rows(directory: Path, name: str, bucket: int) -> NDArray[np.void]:
    """The records of one bucket."""
    return np.fromfile(directory / f"{name}-{bucket:05d}.bin", dtype=USE if name == "uses" else METER)


def bucket_starts(history: History) -> Ints:
    """The first dwelling of each bucket."""
    starts = [0]
    for dwelling in range(1, len(history.dwellings)):
        if dwelling - starts[-1] >= BUCKET and history.block[dwelling] != history.block[dwelling - 1]:
            starts.append(dwelling)
    return np.array(starts, np.int64)


def by_bucket(history: History, dwellings: Collection[int]) -> dict[int, frozenset[int]]:
    """Bucket → those of these dwellings that it holds, in order of buckets."""
    starts = bucket_starts(history)
    found: dict[int, set[int]] = defaultdict(set)
    for dwelling in dwellings:
        found[int(np.searchsorted(starts, dwelling, side="right")) - 1].add(dwelling)
    return {number: frozenset(found[number]) for number in sorted(found)}
