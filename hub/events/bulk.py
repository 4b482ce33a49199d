"""Many rows at the database's own speed: COPY on PostgreSQL, the driver's `executemany` on SQLite.

Used for tables that only grow, whose rows are known to be new; when they are not, the caller falls back to `insert_if_new`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite

Row = tuple[Any, ...]


def insert_new(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Raises IntegrityError where a row exists, DataError where a value does not fit. Times are aware."""
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
    values = [tuple(_for_sqlite(value) for value in row) for row in rows]
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", values)


def insert_if_new(connection: Connection, table: Table, columns: Sequence[str], row: Row) -> bool:
    """One row; False when it was there already."""
    values = dict(zip(columns, row, strict=True))
    if connection.dialect.name == "postgresql":
        result = connection.execute(postgresql.insert(table).values(values).on_conflict_do_nothing())
    else:
        result = connection.execute(sqlite.insert(table).values(values).on_conflict_do_nothing())
    return bool(result.rowcount)


def upsert(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which has `on_conflict_do_update` and `excluded`."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else insert(table)


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
