"""Records sorted into buckets of dwellings on disk: memory stays bounded however long a history is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hub.occupancy.backtest.gathered import Ints

FLUSH_ROWS = 2_000_000


class Spill:
    """Appends records to bucket files by dwelling."""

    def __init__(self, directory: Path, name: str, dtype: np.dtype[np.void], starts: Ints) -> None:
        self._files = [directory / f"{name}-{bucket:05d}.bin" for bucket in range(len(starts))]
        self._starts = starts
        for file in self._files:
            file.write_bytes(b"")
        self._dtype, self._parts, self._rows = dtype, list[NDArray[np.void]](), 0

    def add(self, rows: NDArray[np.void]) -> None:
        self._parts.append(rows)
        self._rows += len(rows)
        if self._rows >= FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Writes what is held."""
        if not self._parts:
            return
        rows = np.concatenate(self._parts)
        self._parts, self._rows = [], 0
        order = np.argsort(rows["dwelling"], kind="stable")
        rows = rows[order]
        bucket = np.searchsorted(self._starts, rows["dwelling"], side="right") - 1
        for number in np.unique(bucket).tolist():
            first, end = np.searchsorted(bucket, [number, number + 1])
            with self._files[number].open("ab") as file:
                file.write(rows[first:end].tobytes())
