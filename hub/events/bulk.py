"""Many rows at the database's own speed: COPY on PostgreSQL, the driver's `executemany` on SQLite.

Used for tables that only grow, whose rows are known to be new; when they are not, the caller falls back to `insert_if_new`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table

from hub.db import upsert
from hub.tables import UtcDateTime

Row = tuple[Any, ...]


def insert_new(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Times must be in UTC. Raises IntegrityError where a row exists, DataError where a value does not fit."""
    if not rows:
        return
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    marks = ", ".join("?" * len(columns))
    times = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, UtcDateTime)]
    values = _for_sqlite(rows, times)
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values)


def insert_if_new(connection: Connection, table: Table, columns: Sequence[str], row: Row) -> bool:
    """One row; False when it was there already."""
    statement = upsert(connection, table).values(dict(zip(columns, row, strict=True))).on_conflict_do_nothing()
    return connection.execute(statement.returning(*table.primary_key.columns)).first() is not None


def _for_sqlite(rows: Sequence[Row], times: Sequence[int]) -> list[Row]:
    """Times as SQLAlchemy keeps them: text in UTC with microseconds, without zone, so that they sort.

    The columns of times stand side by side. A moment is written out once where it stands twice in a row, or again in the
    same column of the next row: most rows carry the same moment twice, and one moment of ingest.
    """
    first, end = times[0], times[-1] + 1
    above: list[tuple[datetime | None, str | None]] = [(None, None)] * (end - first)
    done: list[Row] = []
    for row in rows:
        left: tuple[datetime | None, str | None] = (None, None)
        for n, value in enumerate(row[first:end]):
            if value is not left[0]:
                left = above[n]
                if value is not left[0]:
                    left = (value, value.isoformat(" ", "microseconds")[:26] if value else None)
            above[n] = left
        done.append((*row[:first], *[text for _value, text in above], *row[end:]))
    return done
