"""What tests share of a hub because making it takes longer than most tests: a database with tables, the routes."""

from __future__ import annotations

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import Dialect, event

from hub import passwords, rooms
from hub.app import build_app, put_on
from hub.db import Database
from hub.services import Hub
from hub.tables import Base

passwords._passwords = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""A hash is dear so that nobody can try many: `test_a_password_is_dear_to_try` looks at what it costs outside the tests."""


def open_sqlite(directory: Path) -> Database:
    """`hub.sqlite` in this directory, as it was left or new. It waits for no disk: a test cuts processes, never the power."""
    file = directory / "hub.sqlite"
    if not file.exists():
        file.write_bytes(_empty_file())
    database = share(Database(f"sqlite:///{file}"))
    event.listen(database.engine, "connect", _do_not_wait)
    return database


def share(database: Database) -> Database:
    """It compiles no statement that another database of this kind has compiled in this process."""
    engine, kind = database.engine, database.engine.dialect.name
    if kind not in _dialects:
        with engine.connect():  # a dialect learns from its first connection
            _dialects[kind] = engine.dialect
    engine.dialect = _dialects[kind]
    engine.update_execution_options(compiled_cache=_compiled)
    return database


_dialects: dict[str, Dialect] = {}
_compiled: dict[Any, Any] = {}


def make_tables(url: str) -> None:
    """All tables in an empty database; no connection to it is left open."""
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.close()


def app_on(hub: Hub) -> FastAPI:
    """The whole application on this hub. All hubs of a process share its routes, which are slow when first used."""
    return put_on(copy.copy(_all_rooms()), hub)


@functools.cache
def openapi() -> dict[str, Any]:
    """What the application says of its routes. One a process: not to be changed."""
    return _all_rooms().openapi()


@functools.cache
def _all_rooms() -> FastAPI:
    return build_app(rooms.ROUTERS)


@functools.cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "empty.sqlite"
        make_tables(f"sqlite:///{file}")
        return file.read_bytes()


def _do_not_wait(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")
