"""The real hub on a SQLite file, run step by step: its jobs, its broker handler, and the places where it can be killed."""

from __future__ import annotations

import asyncio
import functools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import msgspec
from multidict import CIMultiDict, CIMultiDictProxy
from sqlalchemy import Engine
from starlette.requests import Request
from yarl import URL

from device_drivers.contract.access import SignedAccessList
from device_drivers.contract.messages import Message
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from hub import db, edge_api
from hub.access import publish
from hub.broker import BrokerHandler
from hub.config import Config
from hub.db import Database, UnitOfWork
from hub.errors import ApiError
from hub.estate.devices import publish_devices
from hub.jobs import NotYet
from hub.keys import Keys
from hub.live import Live
from hub.right_of_way import RightOfWay
from hub.services import Hub
from hub.tables import Edge
from hub.tenancy import sync

JOBS = (*publish.JOBS, *sync.JOBS)
POINTS = ("enter", "before commit", "committed", "send")
PERIODS_S = {"access.publish": 60.0, "access.revoke": 20.0, "tenancy.sync": 120.0, "watch": 20.0}
SIGNAL_S = 0.02
_new_engine = db._engine
_URL = URL("https://hub.invalid/")
_ASKED = aiohttp.RequestInfo(_URL, "GET", CIMultiDictProxy(CIMultiDict()), _URL)


class Killed(BaseException):
    """SIGKILL: nothing after this point happens."""


class _Points:
    """Called at every place where a process may die or another may come in between."""

    def __init__(self) -> None:
        self.left = -1
        self.kind = ""
        self.visitor: Callable[[], None] | None = None
        self.on_commit: Callable[[str], None] = lambda _reason: None

    def arm(self, kind: str, nth: int) -> None:
        self.kind, self.left = kind, nth

    def __call__(self, kind: str, reason: str = "") -> None:
        if kind == "committed":
            self.on_commit(reason)
        if kind == "enter" and self.visitor:
            visitor, self.visitor = self.visitor, None
            visitor()
        if kind == self.kind and self.left >= 0:
            self.left -= 1
            if self.left < 0:
                raise Killed(f"{kind} {reason}")


@functools.cache
def _engine_of(url: str, which: int) -> Engine:
    """One for every run of this process: a new one would compile every statement anew, which takes most of a run."""
    return _new_engine(url)


class _Database(Database):
    """`which`: 0 the hub, 1 its twin that runs beside it."""

    def __init__(self, url: str, points: _Points, which: int) -> None:
        with mock.patch.object(db, "_engine", lambda url: _engine_of(url, which)):
            super().__init__(url)
        self.points = points

    @contextmanager
    def unit_of_work(
        self, actor: str, reason: str, *, estate_id: str | None = None, now: datetime | None = None, audit: bool = True
    ) -> Iterator[UnitOfWork]:
        self.points("enter", reason)
        with super().unit_of_work(actor, reason, estate_id=estate_id, now=now, audit=audit) as uow:
            yield uow
            self.points("before commit", reason)
        self.points("committed", reason)


class _NoWait(RightOfWay):
    def give(self) -> None:
        """There is one thread, and its time is not that of the clock on the wall."""


class _Hub(Hub):
    points: _Points

    def send(self, edge_id: str, message: Message) -> bool:
        self.points("send", type(message).__name__)
        return super().send(edge_id, message)


class _NoThread:
    def start(self) -> None:
        return None

    def join(self, _timeout: float) -> None:
        return None

    def is_alive(self) -> bool:
        return True


class _Handler(BrokerHandler):
    """The real handler; the loop takes messages from its queue, one at a time."""

    def __init__(self, hub: Hub, wake: Callable[[], None]) -> None:
        super().__init__(hub)
        self._thread = _NoThread()  # type: ignore[assignment]
        self._wake = wake

    def receive(self, message: Incoming) -> None:
        super().receive(message)
        self._wake()

    def take_all(self, after_each: Callable[[list[Incoming]], None]) -> None:
        while run := self._next():
            self._handle(run)
            self._busy = False
            after_each(run)


class HubProcess:
    """One process of the hub. `start` may follow `die`, on the same files or on older ones."""

    def __init__(
        self,
        directory: Path,
        broker: MemoryBroker,
        clock: Callable[[], datetime],
        steady: Callable[[], timedelta],
    ) -> None:
        self.directory, self.broker, self.clock, self.steady = directory, broker, clock, steady
        self.points = _Points()
        self.up = False
        self.started_at = clock()
        self.deaths = 0
        self.after_message: Callable[[list[Incoming]], None] = lambda _run: None
        self.after_job: Callable[[str], None] = lambda _name: None
        self._tasks: list[asyncio.Task[None]] = []
        self._wanted: set[str] = set()

    @property
    def file(self) -> Path:
        return self.directory / "hub.sqlite"

    @property
    def connected(self) -> bool:
        """Up, and its broker hears it: else nobody is told that a list is ready."""
        return self.up and self.link.connected

    def open(self, points: _Points | None = None) -> _Hub:
        """Without `points`: another process on the same files."""
        config = Config(dir=self.directory)
        database = _Database(config.url, points or _Points(), which=0 if points else 1)
        points = database.points
        hub = _Hub(config, database, Keys(config.keys_dir), Live(), self.clock)
        hub.points, hub.steady, hub.right_of_way = points, self.steady, _NoWait()
        return hub

    def start(self) -> None:
        self.points.left = -1
        self.hub = self.open(self.points)
        self.hub.signaller = self.signal
        self.handler = _Handler(self.hub, self._wake)
        self.link = MemoryLink(self.broker)
        self.up, self.started_at = True, self.clock()
        self._wanted.clear()
        self.handler.start(self.link)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._periodic(name, seconds)) for name, seconds in PERIODS_S.items()]
        self.guarded(lambda: publish_devices(self.hub))

    def stop(self) -> None:
        """As a kill does: nothing is said, nothing is finished."""
        if not self.up:
            return
        self.up = False
        self.deaths += 1
        for task in self._tasks:
            task.cancel()
        self.link.cut()
        self.broker.links.remove(self.link)
        self.hub.db.close()

    def guarded(self, work: Callable[[], Any]) -> Any:
        """What `work` gives; None when the process died in it, or is down."""
        if not self.up:
            return None
        try:
            return work()
        except Killed:
            self.stop()
            return None

    # --- its work ----------------------------------------------------------------------------------------------------
    def signal(self, job: str) -> None:
        if job not in self._wanted:
            self._wanted.add(job)
            asyncio.get_running_loop().call_later(SIGNAL_S, self._signalled, job, self.hub)

    def _signalled(self, job: str, hub: Hub) -> None:
        if self.up and hub is self.hub:
            self._wanted.discard(job)
            self.job(job)

    def job(self, name: str) -> None:
        jobs: dict[str, Callable[[], object]] = {j.name: partial(j.run, self.hub) for j in JOBS}
        jobs["watch"] = lambda: self.handler.watch(self.hub)
        if name in jobs:
            try:
                self.guarded(jobs[name])
            except NotYet as later:
                asyncio.get_running_loop().call_later(later.after_s, self._signalled, name, self.hub)
        self.after_job(name)

    async def _periodic(self, name: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.job(name)

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._pump, self.handler)

    def _pump(self, handler: _Handler) -> None:
        if self.up and handler is self.handler:
            self.guarded(lambda: handler.take_all(self.after_message))

    # --- what an edge asks over HTTPS ----------------------------------------------------------------------------------
    def serve_list(self, edge_id: str, device: str, etag: str) -> SignedAccessList | None:
        """Raises aiohttp.ClientError as a client would meet it."""
        if not self.up:
            raise aiohttp.ClientConnectionError("nobody listens")
        headers = [(b"if-none-match", f'"{etag}"'.encode())] if etag else []
        request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
        with self.hub.db.reading() as session:
            edge = session.get_one(Edge, edge_id)
        try:
            reply = edge_api.access_list(device, request, self.hub, edge)
        except ApiError as error:
            raise aiohttp.ClientResponseError(_ASKED, (), status=error.status) from error
        return None if reply.status_code == 304 else msgspec.json.decode(bytes(reply.body), type=SignedAccessList)

    # --- backups -------------------------------------------------------------------------------------------------------
    def back_up(self, to: Path) -> None:
        to.unlink(missing_ok=True)
        source, target = sqlite3.connect(self.file), sqlite3.connect(to)
        source.backup(target)
        source.close()
        target.close()

    def restore(self, backup: Path) -> None:
        """Of a stopped hub."""
        for suffix in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)
        shutil.copyfile(backup, self.file)
