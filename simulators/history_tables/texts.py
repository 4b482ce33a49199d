"""The form of other systems' exports, as CSV or Parquet: times and dates are text, and what no table holds has no file.

Columns are given as numbers and turned into text part by part, so that memory does not grow with the text of long tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from simulators.history_tables.columns import COLUMNS, Words, make_room
from simulators.history_tables.parquet import worded

PART_ROWS = 1 << 20
LIFE_OFFSET_H = 8  # seconds of the history are counted from midnight at +08:00
DAY_S = 86_400
WHOLE = {"expected_members": pa.int64(), "face_consent_b": pa.int8(), "granted": pa.int8(), "ok": pa.int8()}
"""How wide whole numbers are in Parquet, if a simulator does not say otherwise."""

Columns = Mapping[str, Any]


def texts(values: Iterable[str | None]) -> Any:
    """A column that is text already."""
    return pa.array(list(values), pa.string())


class TextTables:
    """Writes the tables of one city into a directory, after removing those that stand there in either form.

    `offset_h` is that of the times as written, 0 to 9.
    """

    def __init__(
        self,
        directory: Path,
        start: date,
        *,
        parquet: bool,
        offset_h: int = LIFE_OFFSET_H,
        whole: Mapping[str, Any] | None = None,
    ) -> None:
        make_room(directory)
        self._directory, self._start, self._parquet = directory, start, parquet
        self._offset_h = offset_h
        self._whole = {**WHOLE, **(whole or {})}

    def rows(self, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Writes a table from rows in the format's column order; None is empty. Dates are days, times seconds of the history."""
        listed = list(rows)
        values = zip(*listed, strict=True) if listed else [()] * len(COLUMNS[name])
        self.put(name, {column: list(some) for (column, _), some in zip(COLUMNS[name], values, strict=True)})

    def put(self, name: str, columns: Columns) -> None:
        """Writes a table from whole columns, in their order: words as Words, dates as days of the history or as text, times
        as its seconds; Arrow arrays stay as they are."""
        self.pieces(name, [columns])

    def pieces(self, name: str, pieces: Iterable[Columns]) -> None:
        """Writes a table from pieces of it; there is at least one."""
        writer: Any = None
        for columns in pieces:
            rows = max(map(len, columns.values()))
            for first in range(0, max(1, rows), PART_ROWS):
                part = {column: values[first : first + PART_ROWS] for column, values in columns.items()}
                table = self._table(name, part)
                writer = writer or self._opened(name, table.schema)
                writer.write_table(table)
        writer.close()

    def _opened(self, name: str, schema: Any) -> Any:
        if self._parquet:  # without Arrow's own schema words come out as plain strings
            return pq.ParquetWriter(self._directory / f"{name}.parquet", schema, compression="zstd", store_schema=False)
        options = pa_csv.WriteOptions(quoting_style="needed")
        return pa_csv.CSVWriter(self._directory / f"{name}.csv", schema, write_options=options)

    def _table(self, name: str, columns: Columns) -> Any:
        kinds = dict(COLUMNS[name])
        return pa.table({column: self._array(column, kinds.get(column), some) for column, some in columns.items()})

    def _array(self, column: str, kind: str | None, values: Any) -> Any:
        if isinstance(values, pa.Array):
            return values
        if isinstance(values, Words):
            words = worded(values)
            return words if self._parquet else words.cast(pa.string())
        if kind == "date":
            return texts(None if day is None else self._date(day) for day in values)
        if kind == "time":
            return self._times(np.asarray(values, np.int64))
        if kind == "number":
            numbers = np.asarray(values, np.float64)
            return pa.array(numbers, mask=np.isnan(numbers))
        if kind == "int":
            plain = values.astype(np.int64) if isinstance(values, np.ndarray) else values
            return pa.array(plain, pa.int64()).cast(self._whole[column])
        return texts(values)

    def dates(self, days: int) -> list[str]:
        """Of the first days of the history: words of columns with many dates."""
        return [self._date(day) for day in range(days)]

    def _date(self, day: int | str) -> str:
        return day if isinstance(day, str) else (self._start + timedelta(int(day))).isoformat()

    def _times(self, second: NDArray[np.int64]) -> Any:
        """ISO 8601 by letters: many times faster than one time after the other."""
        day, second = np.divmod(second + (self._offset_h - LIFE_OFFSET_H) * 3600, DAY_S)
        first = int(day.min(initial=0))
        dates = "".join(self._date(number) for number in range(first, int(day.max(initial=0)) + 1))
        letters = np.empty((len(second), 25), np.uint8)
        letters[:, :10] = np.frombuffer(dates.encode(), np.uint8).reshape(-1, 10)[day - first]
        letters[:, 10:19] = np.frombuffer(b"T00:00:00", np.uint8)
        for place, unit, base in ((11, 3600, 24), (14, 60, 60), (17, 1, 60)):
            number = second // unit % base
            letters[:, place] += (number // 10).astype(np.uint8)
            letters[:, place + 1] += (number % 10).astype(np.uint8)
        letters[:, 19:] = np.frombuffer(f"+{self._offset_h:02d}:00".encode(), np.uint8)
        ends = np.arange(len(second) + 1, dtype=np.int32) * 25
        return pa.StringArray.from_buffers(len(second), pa.py_buffer(ends.tobytes()), pa.py_buffer(letters.tobytes()))
