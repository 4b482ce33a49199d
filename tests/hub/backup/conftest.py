"""A second database to restore into."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def second_database(postgres_database: str) -> Iterator[str]:
    """The URL of another empty one on the same server."""
    server, _, name = postgres_database.rpartition("/")
    plain = f"{server.replace('+psycopg', '')}/postgres"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_second")  # type: ignore[call-overload]
    yield f"{server}/{name}_second"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}_second WITH (FORCE)")  # type: ignore[call-overload]
