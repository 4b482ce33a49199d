"""A hub for tests: on SQLite and on a real PostgreSQL, with an in-memory broker link, a clock that is set, and sign-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from empty_hub import app_on, open_sqlite, share
from fastapi.testclient import TestClient

from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub import auth
from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import (
    AccessPoint,
    Block,
    Consent,
    CredentialIdentifierRow,
    CredentialRow,
    Device,
    Door,
    Dwelling,
    Edge,
    Estate,
    HouseholdMember,
    Meter,
    Person,
    Tenancy,
)

START = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
CONSENT_AT = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = "a1b2c3d4e5f6g7h8i9j0"


@dataclass
class Clock:
    """`clock.at` is now; `clock.pass_(minutes=3)` lets time pass, `clock.jump(days=400)` sets the clock while none passes."""

    at: datetime = START
    jumped: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **amount: float) -> None:
        self.at += timedelta(**amount)

    def jump(self, **amount: float) -> None:
        self.at += timedelta(**amount)
        self.jumped += timedelta(**amount)

    def steady(self) -> timedelta:
        """What has really passed, as a counter tells that nobody sets."""
        return self.at - START - self.jumped


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty hub database with all tables: every test that takes it runs on both."""
    on_sqlite = request.param == "sqlite"
    database = open_sqlite(tmp_path) if on_sqlite else share(Database(request.getfixturevalue("postgres_tables")))
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
    database = open_sqlite(tmp_path)
    yield make_hub(database, tmp_path, clock, broker)
    database.close()


@pytest.fixture
def postgres_hub(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock, broker: MemoryBroker) -> Iterator[Hub]:
    """For the one test of a service that asks whether the other database says the same."""
    database = share(Database(request.getfixturevalue("postgres_tables")))
    yield make_hub(database, tmp_path, clock, broker)
    database.close()


def make_hub(database: Database, directory: Path, clock: Clock, broker: MemoryBroker) -> Hub:
    hub = Hub(Config(dir=directory), database, Keys(directory / "keys"), Live(), clock)
    hub.steady = clock.steady
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
        client = TestClient(app_on(hub), raise_server_exceptions=False)
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
        own = estates if estates is not None else (["E001"] if role in auth.SCOPED_ROLES else [])
        user_id = auth.add_user(hub, name, name, role, own, None, "test")
        token = auth.open_session(hub, user_id)
        client.cookies.set(auth.COOKIE, token)
        client.headers["X-CSRF-Token"] = auth.by_session(hub, token).csrf
        return client

    return enter


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def small_site(small_estate: Callable[[Hub], None]) -> Callable[[Hub], None]:
    """`small_site(hub)`: the small estate with a gate (terminal `E001.face-g1`, both sides, camera), a water meter on
    dwelling 101 (`E001.W-0101`), and household T-1 in dwelling 101: person `person-1` (consent b), credential TOKEN."""

    def build(hub: Hub) -> None:
        small_estate(hub)
        with hub.db.unit_of_work("test", "small site", audit=False) as uow:
            add = uow.session.add_all
            common = {"estate_id": "E001", "edge_id": "edge-aaaa"}
            add(
                [
                    Device(id="E001.face-g1", code="face-g1", name="北门人脸终端", kind="face_terminal", **common),
                    Device(id="E001.cam-g1", code="cam-g1", name="北门摄像机", kind="onvif_camera", **common),
                    Device(id="E001.meters-b1", code="meters-b1", name="1号楼表具网关", kind="modbus_meter", **common),
                    Door(id="E001.G1", estate_id="E001", code="G1", name="北门人行门", scope="estate"),
                ]
            )
            uow.session.flush()
            add(
                [
                    AccessPoint(
                        id="E001.G1-IN",
                        estate_id="E001",
                        door_id="E001.G1",
                        code="G1-IN",
                        name="北门 进",
                        side="in",
                        device_id="E001.face-g1",
                        point="door1",
                        camera_id="E001.cam-g1",
                    ),
                    Meter(
                        id="E001.W-0101",
                        estate_id="E001",
                        dwelling_id="E001.E001-B1-0101",
                        device_id="E001.meters-b1",
                        point="unit-1",
                        quantity="water",
                    ),
                    Person(
                        id="person-1",
                        source="test",
                        source_id="P-1",
                        name="李建华",
                        id_number_last4="123X",
                        birth_date=date(1980, 1, 2),
                    ),
                    Tenancy(
                        id="tenancy-1",
                        source="test",
                        source_id="T-1",
                        estate_id="E001",
                        dwelling_id="E001.E001-B1-0101",
                        state="active",
                        from_date=date(2025, 3, 1),
                    ),
                ]
            )
            uow.session.flush()
            add(
                [
                    HouseholdMember(
                        id="member-1",
                        tenancy_id="tenancy-1",
                        person_id="person-1",
                        relation="applicant",
                        from_date=date(2025, 3, 1),
                    ),
                    Consent(id="consent-1", person_id="person-1", purpose="b", granted_at=CONSENT_AT),
                    CredentialRow(
                        token=TOKEN,
                        estate_id="E001",
                        holder_class="resident",
                        person_id="person-1",
                        tenancy_id="tenancy-1",
                        dwelling_id="E001.E001-B1-0101",
                        label="1号楼-0101 · 成员1",
                        created_at=CONSENT_AT,
                    ),
                ]
            )
            uow.session.flush()
            add([CredentialIdentifierRow(id="identifier-1", token=TOKEN, type="card", value="3456789")])

    return build
