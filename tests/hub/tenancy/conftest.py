"""A small estate with doors and devices, and the simulated back office over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from empty_hub import open_sqlite
from patience import PATIENCE_S
from tenancy_feed import MANY, Feed, access, configure, household, run, serving
from tenancy_office import HOUSEHOLDS, KEY, Office, code, tenancy

from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import Block, Dwelling, Estate
from simulators.back_office import make_app, open_office

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The back office with 40 tenancies and one declared absence, in a thread with its own event loop."""
    site = tmp_path / "office"
    site.mkdir()
    absence = {
        "id": "A-000001", "dwelling_code": code(3), "from": "2026-11-01", "to": "2026-12-01",
        "reason": "hospital", "declared_on": "2026-10-30",
    }  # fmt: skip
    records = {"tenancies": [tenancy(n) for n in range(HOUSEHOLDS)], "absences": [absence]}
    (site / "tenancies.json").write_text(json.dumps(records), encoding="utf-8")
    loop = asyncio.new_event_loop()
    ready: list[int] = []
    started = threading.Event()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(make_app(open_office(site, KEY)))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.append(runner.addresses[0][1])
        return runner

    runners: list[web.AppRunner] = []

    def work() -> None:
        asyncio.set_event_loop(loop)
        runners.append(loop.run_until_complete(start()))
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert started.wait(PATIENCE_S), "the back office did not start"
    yield Office(f"http://127.0.0.1:{ready[0]}", site)
    asyncio.run_coroutine_threadsafe(runners[0].cleanup(), loop).result(PATIENCE_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(PATIENCE_S)
    loop.close()


@pytest.fixture
def estate() -> Callable[[Hub], None]:
    """`estate(hub)`: E001 with block B1 of 12 floors × 4 dwellings."""
    return build_estate


def build_estate(hub: Hub) -> None:
    with hub.db.unit_of_work("test", "estate", audit=False) as uow:
        uow.session.add(Estate(id="E001", code="E001", name="青松公租房小区", policy={}))
        uow.session.flush()
        uow.session.add(
            Block(id="E001.B1", estate_id="E001", code="B1", name="1号楼", floors=12, dwellings_per_floor=4)
        )
        uow.session.flush()
        uow.session.add_all(
            Dwelling(
                id=f"E001.{code(n)}", estate_id="E001", block_id="E001.B1", code=code(n), floor=n // 4 + 1,
                number=f"{n // 4 + 1}{n % 4 + 1:02d}", rooms=2,
            )
            for n in range(48)
        )  # fmt: skip


@pytest.fixture
def configured(estate: Callable[[Hub], None], office: Office) -> Callable[[Hub], None]:
    """`configured(hub)`: the estate, and the back office as the one source."""

    def build(hub: Hub) -> None:
        estate(hub)
        (hub.config.dir / "office.key").write_text(KEY)
        source = {
            "name": "back-office",
            "kind": "http",
            "url": office.url,
            "api_key_file": "office.key",
            "estate": None,
        }
        (hub.config.dir / "sources.json").write_text(json.dumps([source]))

    return build


@pytest.fixture
def feed() -> Iterator[Feed]:
    """A source whose every page the test decides."""
    with serving() as running:
        yield running


@pytest.fixture
def fed(estate: Callable[[Hub], None], feed: Feed) -> Callable[[Hub], None]:
    """`fed(hub)`: the estate, and `feed` as the one source."""

    def build(hub: Hub) -> None:
        estate(hub)
        configure(hub.config.dir, feed)

    return build


@pytest.fixture
def ready(request: pytest.FixtureRequest, fed: Callable[[Hub], None], feed: Feed, tmp_path: Path) -> Hub:
    """A hub that has read 40 households, eight a page. Parametrized by `sqlite_hub` (the default) or `postgres_hub`.

    On SQLite it goes on from a copy of the files that such a hub left: one a worker reads them.
    """
    feed.page = 8
    feed.records = [household(n) for n in range(MANY)]
    if (kind := getattr(request, "param", "sqlite_hub")) != "sqlite_hub":
        hub: Hub = request.getfixturevalue(kind)
        fed(hub)
        _read_all(hub)
        return hub
    assert "sqlite_hub" not in request.fixturenames, "the copy would come under a hub that is open"
    left = request.getfixturevalue("_hub_that_has_read")
    shutil.copytree(left.directory, tmp_path, dirs_exist_ok=True)
    hub = request.getfixturevalue("sqlite_hub")
    assert hub.now() == NOON, "the copy was made at another time"
    hub.sighting, feed.asked = left.sighting, list(left.asked)
    configure(tmp_path, feed)
    return hub


def _read_all(hub: Hub) -> None:
    assert "+40" in run(hub)
    assert len(access(hub)) == MANY


@dataclass(frozen=True)
class _Left:
    """What a hub that has read them leaves in its directory; when it last believed its clock; which pages it asked for."""

    directory: Path
    sighting: tuple[datetime, timedelta | None] | None
    asked: tuple[str, ...]


@pytest.fixture(scope="session")
def _hub_that_has_read(tmp_path_factory: pytest.TempPathFactory) -> _Left:
    directory = tmp_path_factory.mktemp("read")
    database = open_sqlite(directory)
    hub = Hub(Config(dir=directory), database, Keys(directory / "keys"), Live(), lambda: NOON)
    hub.steady = lambda: timedelta(0)
    with serving() as feed:
        feed.page = 8
        feed.records = [household(n) for n in range(MANY)]
        build_estate(hub)
        configure(directory, feed)
        _read_all(hub)
    database.close()
    return _Left(directory, hub.sighting, tuple(feed.asked))


@pytest.fixture
def make_fed(tmp_path: Path, feed: Feed, estate: Callable[[Hub], None]) -> Iterator[Callable[[], Hub]]:
    """`make_fed()`: another hub, fed by `feed`, whose brake is wide open."""
    opened: list[Database] = []

    def build() -> Hub:
        directory = tmp_path / f"hub-{len(opened)}"
        directory.mkdir()
        database = open_sqlite(directory)
        opened.append(database)
        hub = Hub(Config(dir=directory), database, Keys(directory / "keys"), Live(), lambda: NOON)
        estate(hub)
        with hub.db.unit_of_work("test", "brake", audit=False) as uow:
            wide = {"share": 1.0, "households": 1_000, "floor": 1_000, "weekly": 1_000}
            uow.session.get_one(Estate, "E001").policy = {"brake": wide}
        configure(directory, feed)
        return hub

    yield build
    for database in opened:
        database.close()
