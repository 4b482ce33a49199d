"""A hub for tests: on SQLite and on a real PostgreSQL, with an in-memory broker link, a clock that is set, and sign-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from fastapi.testclient import TestClient

from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub import auth
from hub.app import create_app
from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import Base, Block, Dwelling, Edge, Estate

START = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@dataclass
class Clock:
    """`clock.at` is now; `clock.pass_(minutes=3)` moves it."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **amount: float) -> None:
        self.at += timedelta(**amount)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty hub database with all tables: every test that takes it runs on both."""
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
    database = Database(url)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def hub(database: Database, tmp_path: Path, clock: Clock, broker: MemoryBroker) -> Hub:
    """On both databases. `hub.link` is a live link on `broker` (`broker.log` has all that was sent)."""
    return make_hub(database, tmp_path, clock, broker)


@pytest.fixture
def sqlite_hub(tmp_path: Path, clock: Clock, broker: MemoryBroker) -> Iterator[Hub]:
    """For tests to which the database does not matter."""
    database = Database(f"sqlite:///{tmp_path / 'hub.sqlite'}")
    Base.metadata.create_all(database.engine)
    yield make_hub(database, tmp_path, clock, broker)
    database.close()


def make_hub(database: Database, directory: Path, clock: Clock, broker: MemoryBroker) -> Hub:
    hub = Hub(Config(dir=directory), database, Keys(directory / "keys"), Live(), clock)
    hub.link = MemoryLink(broker)
    hub.link.start(lambda _message: None, lambda _up, _why: None)
    return hub


class SignIn(Protocol):
    """`sign_in(hub, role, estates=["E001"])`: a client with session and CSRF header of a new user."""

    def __call__(self, hub: Hub, role: str, estates: list[str] | None = None) -> TestClient: ...


@pytest.fixture
def client_for() -> Iterator[Callable[[Hub], TestClient]]:
    """`client_for(hub)`: a client of the whole application, nobody signed in."""
    opened: list[TestClient] = []

    def open_client(hub: Hub) -> TestClient:
        client = TestClient(create_app(hub), raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def sign_in(client_for: Callable[[Hub], TestClient]) -> SignIn:
    def enter(hub: Hub, role: str, estates: list[str] | None = None) -> TestClient:
        client = client_for(hub)
        name = f"{role}-{len(estates or [])}-{id(client)}"
        own = estates if estates is not None else (["E001"] if role == "estate_manager" else [])
        user_id = auth.add_user(hub, name, name, role, own, None, "test")
        token = auth.open_session(hub, user_id)
        client.cookies.set(auth.COOKIE, token)
        client.headers["X-CSRF-Token"] = auth._by_session(hub, token).csrf
        return client

    return enter


@pytest.fixture
def small_estate() -> Callable[[Hub], None]:
    """`small_estate(hub)`: estate E001 with block E001.B1, dwellings 101, 102, 201, 202 and edge `edge-aaaa`."""

    def build(hub: Hub) -> None:
        with hub.db.unit_of_work("test", "small estate", audit=False) as uow:
            uow.session.add(Estate(id="E001", code="E001", name="青松公租房小区", policy={}))
            uow.session.flush()
            uow.session.add(
                Block(id="E001.B1", estate_id="E001", code="B1", name="1号楼", floors=2, dwellings_per_floor=2)
            )
            uow.session.add(Edge(id="edge-aaaa", estate_id="E001", name="青松小区边缘机", enrolled_at=hub.now()))
            uow.session.flush()
            uow.session.add_all(
                Dwelling(
                    id=f"E001.E001-B1-0{floor}0{n}",
                    estate_id="E001",
                    block_id="E001.B1",
                    code=f"E001-B1-0{floor}0{n}",
                    floor=floor,
                    number=f"{floor}0{n}",
                    rooms=2,
                )
                for floor in (1, 2)
                for n in (1, 2)
            )

    return build
