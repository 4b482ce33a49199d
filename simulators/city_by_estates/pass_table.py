"""The table of passes, written part by part: it is by far the longest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulators.city_by_estates.dice import DAY_S
from simulators.city_by_estates.passes import DIRECTION_WORDS, KIND_WORDS, Passes

PART_ROWS = 1_000_000
ZONE = b"+08:00"


class Times:
    """Writes seconds of a history as ISO 8601, many at once."""

    def __init__(self, start: date, days: int) -> None:
        dates = "".join((start + timedelta(day)).isoformat() for day in range(days))
        clock = "".join(f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}" for second in range(DAY_S))
        self._dates = np.frombuffer(dates.encode(), np.uint8).reshape(-1, 10)
        self._clock = np.frombuffer(clock.encode(), np.uint8).reshape(-1, 8)

    def texts(self, second: NDArray[np.int32]) -> Any:
        """A column of (rows,) times."""
        letters = np.empty((len(second), 25), np.uint8)
        letters[:, :10] = self._dates[second // DAY_S]
        letters[:, 10] = ord("T")
        letters[:, 11:19] = self._clock[second % DAY_S]
        letters[:, 19:] = np.frombuffer(ZONE, np.uint8)
        ends = np.arange(len(second) + 1, dtype=np.int32) * 25
        return pa.StringArray.from_buffers(len(second), pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes()))


class PassTable:
    """Names everything that passes give as numbers."""

    def __init__(
        self,
        times: Times,
        points: Sequence[str],
        persons: Sequence[str],
        credentials: Sequence[str],
        homes: Sequence[str],
    ) -> None:
        self._times = times
        self._words = {
            "access_point_id": pa.array(points, pa.string()),
            "person_id": pa.array(persons, pa.string()),
            "credential_id": pa.array(credentials, pa.string()),
            "credential_kind": pa.array(KIND_WORDS, pa.string()),
            "dwelling_id": pa.array(homes, pa.string()),
            "direction": pa.array(DIRECTION_WORDS, pa.string()),
        }

    def write(self, passes: Passes, stem: Path, *, parquet: bool) -> None:
        """Writes `stem`.parquet or .csv; credentials of the passes are numbers of names."""
        writer: Any = None
        for first in range(0, max(1, len(passes.second)), PART_ROWS):
            part = self._table(passes.take(slice(first, first + PART_ROWS)), as_words=parquet)
            if writer is None:
                writer = _open(stem, part.schema, parquet=parquet)
            writer.write_table(part)
        writer.close()

    def _table(self, passes: Passes, *, as_words: bool) -> Any:
        columns = {
            "ts": self._times.texts(passes.second),
            "access_point_id": passes.point,
            "person_id": passes.person,
            "credential_id": passes.credential.astype(np.int32),
            "credential_kind": passes.kind.astype(np.int32),
            "dwelling_id": passes.home,
            "granted": pa.array(passes.granted),
            "direction": passes.direction.astype(np.int32),
        }
        for name, words in self._words.items():
            column = worded(columns[name], words)
            columns[name] = column if as_words else column.cast(pa.string())
        return pa.table(columns)


def worded(numbers: NDArray[Any], words: Any) -> Any:
    """A column of words given by their numbers; empty where the number is negative."""
    indices: Any = pa.array(numbers.astype(np.int32), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, words)


def _open(stem: Path, schema: Any, *, parquet: bool) -> Any:
    if parquet:  # without Arrow's own schema words come out as plain strings
        return pq.ParquetWriter(f"{stem}.parquet", schema, compression="zstd", store_schema=False)
    return pa_csv.CSVWriter(f"{stem}.csv", schema, write_options=pa_csv.WriteOptions(quoting_style="needed"))
