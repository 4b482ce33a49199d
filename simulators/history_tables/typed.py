"""The typed form: CSV or Parquet, row group by row group.

Parquet: times are timestamps with the zone, dates are dates, booleans are 0/1 integers, words are strings.
Parquet needs pyarrow, which is imported only then; CSV does without.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np

from simulators.history_tables.columns import COLUMNS, Words, make_room

PENDING_ROWS = 1_000_000  # rows kept before a row group is written


class Table(Protocol):
    """An open table: whole columns are appended."""

    def add(self, columns: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class Tables:
    """All tables of one history directory. A context manager; a table never written to still gets its header."""

    def __init__(self, directory: Path, parquet: bool, start: date) -> None:
        self._directory = directory
        self._parquet = parquet
        self._start = start
        self._open: dict[str, Table] = {}

    def __enter__(self) -> Self:
        make_room(self._directory)
        for name in COLUMNS:
            self._open[name] = self._opened(name)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for table in self._open.values():
            table.close()

    def _opened(self, name: str) -> Table:
        if self._parquet:
            from simulators.history_tables.parquet import ParquetTable

            return ParquetTable(self._directory / f"{name}.parquet", COLUMNS[name], self._start, PENDING_ROWS)
        return CsvTable(self._directory / f"{name}.csv", COLUMNS[name], self._start)

    def add(self, name: str, columns: Mapping[str, Any]) -> None:
        """Appends columns: texts as Words or lists, times as seconds and dates as days of the history (arrays)."""
        self._open[name].add(columns)

    def rows(self, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Appends rows in the format's column order; None is empty. Dates are days, times seconds of the history."""
        listed = list(rows)
        columns = zip(*listed, strict=True) if listed else [()] * len(COLUMNS[name])
        self.add(
            name,
            {
                column: np.array(values, np.int64) if kind == "time" else list(values)
                for (column, kind), values in zip(COLUMNS[name], columns, strict=True)
            },
        )


class CsvTable:
    """One CSV file."""

    def __init__(self, path: Path, columns: tuple[tuple[str, str], ...], start: date) -> None:
        self._columns = columns
        self._start = start
        self._file: IO[str] = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow([name for name, _ in columns])

    def add(self, columns: Mapping[str, Any]) -> None:
        self._writer.writerows(zip(*(self._texts(columns[name], kind) for name, kind in self._columns), strict=True))

    def _texts(self, values: Any, kind: str) -> list[Any]:
        if isinstance(values, Words):
            return values.texts()
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        if kind == "date":
            return ["" if v is None else (self._start + timedelta(days=v)).isoformat() for v in plain]
        if kind == "time":
            return [self._time(v) for v in plain]
        if kind == "number":
            return ["" if v != v else f"{v:.4g}" if abs(v) < 1 else f"{v:.3f}".rstrip("0").rstrip(".") for v in plain]
        return ["" if v is None else v for v in plain]

    def _time(self, second: int) -> str:
        day, rest = divmod(second, 86_400)
        hour, rest = divmod(rest, 3600)
        on = (self._start + timedelta(days=day)).isoformat()
        return f"{on}T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}+08:00"

    def close(self) -> None:
        self._file.close()
