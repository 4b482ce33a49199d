"""Passes that stand in a table twice, however far apart: an export of a month that was added once more.

Of each pass a number of 64 bits is kept on disk, so memory does not grow with the table. Where numbers come back the table is
read once more, knowing them; tables without repeats are read once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.gathered import Ints

PARTS = 64
FLUSH_KEYS = 4_000_000
Keys = NDArray[np.uint64]
NONE: Keys = np.zeros(0, np.uint64)


def keys_of(*columns: Ints) -> Keys:
    """(P) One number a row, the same for the same values (of 10⁸ rows two others share one with a chance of 1 in 4,000)."""
    found = np.zeros(len(columns[0]), np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:  # splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)
            found = (found ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            found ^= found >> np.uint64(31)
    return found


class Repeats:
    """One reading of a table. `known`: the numbers that come back, as an earlier reading found them; None: it is the first."""

    def __init__(self, directory: Path, known: Keys | None = None) -> None:
        self._files = [directory / f"keys-{part:02d}.bin" for part in range(PARTS)]
        self._known, self._met = known, np.zeros(0 if known is None else len(known), np.bool_)
        self._held: list[Keys] = []
        for file in self._files:
            file.unlink(missing_ok=True)

    def again(self, keys: Keys) -> NDArray[np.bool_]:
        """Which of the next rows were there before: in these rows, or where numbers are known, in any before them."""
        _, first = np.unique(keys, return_index=True)
        again = np.ones(len(keys), np.bool_)
        again[first] = False
        if self._known is None:
            self._hold(keys[first])
        elif len(self._known):
            place = np.minimum(np.searchsorted(self._known, keys[first]), len(self._known) - 1)
            known = self._known[place] == keys[first]
            again[first] = known & self._met[place]
            self._met[place[known]] = True
        return again

    def coming_back(self) -> Keys:
        """After the first reading: the numbers that were met in rows too far apart to be seen. In order."""
        if not self._files[0].exists():  # all of them are held
            return _twice(self._held)
        self._flush()
        found = [_twice([np.fromfile(file, np.uint64)]) for file in self._files]
        for file in self._files:
            file.unlink()
        return np.sort(np.concatenate(found))

    def _hold(self, keys: Keys) -> None:
        self._held.append(keys)
        if sum(map(len, self._held)) >= FLUSH_KEYS:
            self._flush()

    def _flush(self) -> None:
        keys = np.concatenate([*self._held, NONE])
        self._held = []
        part = (keys >> np.uint64(58)).astype(np.int64)
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], np.arange(PARTS + 1))
        for number, file in enumerate(self._files):
            with file.open("ab") as opened:
                opened.write(keys[order[ends[number] : ends[number + 1]]].tobytes())


def _twice(parts: list[Keys]) -> Keys:
    keys = np.sort(np.concatenate([*parts, NONE]))
    return np.unique(keys[1:][keys[1:] == keys[:-1]])
