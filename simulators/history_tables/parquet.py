"""One Parquet table, written in row groups; words go in as dictionary pages and come out as strings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulators.history_tables.columns import Words

ZONE = "Asia/Shanghai"
OFFSET_S = 8 * 3600
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "int": pa.int8(),
    "number": pa.float64(),
    "time": pa.timestamp("ms", tz=ZONE),
}


def worded(words: Words) -> Any:
    """Words as an Arrow dictionary of those that are used."""
    numbers = np.asarray(words.numbers, np.int32)
    used, small = np.unique(numbers, return_inverse=True)
    vocabulary = pa.array(["" if n < 0 else words.vocabulary[n] for n in used.tolist()], pa.string())
    indices: pa.Int32Array = pa.array(small.astype(np.int32), pa.int32(), mask=numbers < 0)
    return pa.DictionaryArray.from_arrays(indices, vocabulary)


class ParquetTable:
    """An open Parquet file; columns are collected until `pending_rows` are there."""

    def __init__(self, path: Path, columns: tuple[tuple[str, str], ...], start: date, pending_rows: int) -> None:
        self._columns = columns
        self._schema = pa.schema([pa.field(name, TYPES[kind]) for name, kind in columns])
        self._epoch_days = start.toordinal() - date(1970, 1, 1).toordinal()
        self._pending: list[Mapping[str, Any]] = []
        self._rows = 0
        self._limit = pending_rows
        self._writer = pq.ParquetWriter(
            path, self._schema, compression="zstd", store_schema=True, dictionary_pagesize_limit=1 << 26
        )

    def add(self, columns: Mapping[str, Any]) -> None:
        self._pending.append(columns)
        self._rows += len(columns[self._columns[0][0]])
        if self._rows >= self._limit:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            self._pending = []
            return
        arrays = [self._array([c[name] for c in self._pending], kind) for name, kind in self._columns]
        fields = [pa.field(name, a.type) for (name, _), a in zip(self._columns, arrays, strict=True)]
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
        self._writer.write_table(table.cast(self._schema), row_group_size=self._rows)
        self._pending, self._rows = [], 0

    def _array(self, parts: list[Any], kind: str) -> Any:
        if isinstance(parts[0], Words):
            return worded(Words(np.concatenate([part.numbers for part in parts]), parts[0].vocabulary))
        if isinstance(parts[0], np.ndarray):
            return self._from_numpy(np.concatenate(parts), kind)
        listed = [value for part in parts for value in part]
        if kind == "date":
            listed = [None if value is None else value + self._epoch_days for value in listed]
            return pa.array(listed, pa.int32()).cast(pa.date32())
        return pa.array(listed, TYPES[kind])

    def _from_numpy(self, values: np.ndarray[Any, Any], kind: str) -> Any:
        if kind == "date":
            return pa.array((values + self._epoch_days).astype(np.int32)).cast(pa.date32())
        if kind == "time":
            seconds = values.astype(np.int64) + self._epoch_days * 86_400 - OFFSET_S
            return pa.array(seconds * 1000, pa.int64()).cast(TYPES["time"])
        if kind == "number":
            return pa.array(values, pa.float64(), mask=np.isnan(values))
        return pa.array(values.astype(np.int8))

    def close(self) -> None:
        self._flush()
        self._writer.close()
