"""Fixtures that start outside services: a real Mosquitto, PostgreSQL, an RTSP server; and where the browser is.

Everything listens on loopback, on a free port, keeps its files in a temporary directory and ends with the session (one
set a pytest-xdist worker). A missing program fails the test, never skips it: ``make setup-test`` installs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
import pytest
import slow_first
import steady_loop
from hypothesis import HealthCheck, settings
from patience import PATIENCE_S
from psycopg import sql

from tools import where

STOP_SECONDS = 15.0
T = TypeVar("T")

# A busy machine is no finding, and what the suite tries is the same each time: `make fuzz` looks for more.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
asyncio.set_event_loop_policy(steady_loop.SteadyPolicy())

# A container often has Python write no byte code. Then every process a test starts would compile the hub anew: seconds each.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

for _key, _value in where.environment().items():
    os.environ.setdefault(_key, _value)  # so that processes the tests start find the same programs


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> slow_first.SlowFirst | None:
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # the order is that of the collection
    return slow_first.SlowFirst(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items[:] = slow_first.ordered(items)


gc.disable()  # until everything is collected: what is loaded until then stays, and is not garbage


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()
    gc.enable()


class WaitUntil(Protocol):
    """``wait_until(predicate, what)``: the first true value; fails the test at the deadline."""

    def __call__(self, predicate: Callable[[], T], what: str, timeout: float = PATIENCE_S) -> T: ...


class MosquittoFactory(Protocol):
    """``mosquitto_factory(config)``: a running broker; see the fixture."""

    def __call__(self, config: str) -> Mosquitto: ...


def _wait_until(predicate: Callable[[], T], what: str, timeout: float = PATIENCE_S) -> T:
    deadline = time.monotonic() + timeout
    pace = threading.Event()
    while not (value := predicate()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:g} s in vain for: {what}")
        pace.wait(0.02)
    return value


_ports = itertools.count(os.getpid() * 7)
_LANE = 1_500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8)
"""No two workers try the same port: one would take it before the other comes to use it."""


def _free_port() -> int:
    """Not one of those the kernel lends to outgoing connections (from 32768 on): who restarts on it would find it taken."""
    for number in itertools.islice(_ports, 1_500):
        port = 20_000 + _LANE + number % 1_500
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # as servers do: not held up by ended connections
            probe.bind(("127.0.0.1", port))
            return port
    pytest.fail(f"no port is free from {20_000 + _LANE} on")


def _needed(found: Path | None, what: str) -> Path:
    if found is None:
        pytest.fail(f"{what} is missing on this machine: run `make setup-test`")
    return found


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _bound_to_us(*command: str, user: pwd.struct_passwd | None = None) -> list[str]:
    """The command, ended by the kernel when this process dies (even by SIGKILL); as another user where one is given."""
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    return [str(_needed(where.program("setpriv"), "setpriv (util-linux)")), "--pdeathsig=KILL", *ids, *command]


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Mosquitto:
    """One Mosquitto on loopback. ``directory`` holds its configuration, its data and ``mosquitto.log``."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again, on the same port and data) and wait until it accepts connections."""
        program = str(_needed(where.mosquitto(), "mosquitto"))
        with (self.directory / "mosquitto.log").open("ab") as log:
            command = _bound_to_us(program, "-c", str(self.directory / "mosquitto.conf"))
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        process = self.process
        _wait_until(lambda: process.poll() is not None or _accepts(self.port), "mosquitto to accept", PATIENCE_S)
        if process.poll() is not None:
            pytest.fail(f"mosquitto ended with {process.returncode}:\n{self.log()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; ``signal.SIGKILL`` is the power cut."""
        if self.process is not None:
            _stop(self.process, how)
            self.process = None

    def log(self) -> str:
        """What it has written."""
        return (self.directory / "mosquitto.log").read_text(errors="replace")


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    """Wait for a state with a deadline; never sleep and hope."""
    return _wait_until


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """``free_port()``: a TCP port on loopback nobody listens on now."""
    return _free_port


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser for Playwright's ``executable_path``; as root it needs ``--no-sandbox``."""
    return _needed(where.chromium(), "chromium")


@pytest.fixture(scope="session")
def mbpoll_path() -> Path:
    """A Modbus client on libmodbus."""
    return _needed(where.mbpoll(), "mbpoll")


@pytest.fixture(scope="session")
def mosquitto_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoFactory]:
    """Starts brokers with a given configuration text and stops them all at the end.

    In the text ``{port}``, ``{dir}`` (the broker's own directory) and ``{dynsec}`` (the plugin) are filled in. A text
    without a ``listener`` gets one on loopback. Nothing else is added: no anonymous access unless the text allows it.
    """
    started: list[Mosquitto] = []

    def start(config: str) -> Mosquitto:
        broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"), _free_port())
        text = config if "listener " in config else "listener {port} 127.0.0.1\n" + config
        if "{dynsec}" in text:
            plugin = _needed(where.mosquitto_dynsec(), "mosquitto's dynamic-security plugin")
            text = text.replace("{dynsec}", str(plugin))
        text = text.replace("{port}", str(broker.port)).replace("{dir}", str(broker.directory))
        if os.geteuid() == 0:
            text = "user root\n" + text  # as root it becomes the user mosquitto, who may not read our directory
        (broker.directory / "mosquitto.conf").write_text(text)
        started.append(broker)
        broker.start()
        return broker

    yield start
    for broker in started:
        broker.stop()


def _database_owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: the unprivileged user it then runs as."""
    if os.geteuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


@contextmanager
def _directory_of(user: pwd.struct_passwd | None) -> Iterator[Path]:
    """A short path (a Unix socket lies in it) the user owns; pytest's own directories are closed to other users."""
    directory = Path(tempfile.mkdtemp(prefix="estate-pg-"))
    try:
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _initdb(directory: Path, programs: Path, user: pwd.struct_passwd | None) -> None:
    command = [str(programs / "initdb"), "-D", str(directory / "data"), "-U", "estate", "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(_bound_to_us(*command, user=user), cwd=directory, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.fail(f"initdb failed:\n{made.stdout}{made.stderr}")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private PostgreSQL: ``postgresql+psycopg://estate@127.0.0.1:PORT/postgres``. fsync is off; it holds nothing."""
    programs = _needed(where.postgres_bin(), "PostgreSQL (initdb)")
    user = _database_owner()
    with _directory_of(user) as directory:
        _initdb(directory, programs, user)
        port = _free_port()
        options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "100"}
        command = [str(programs / "postgres"), "-D", str(directory / "data"), "-k", str(directory)]
        command += ["-h", "127.0.0.1", "-p", str(port), *(f"--{key}={value}" for key, value in options.items())]
        log = directory / "postgres.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _bound_to_us(*command, user=user), cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            _wait_until(lambda: process.poll() is not None or _answers(port), "PostgreSQL to answer", PATIENCE_S)
            if process.poll() is not None:
                pytest.fail(f"postgres ended with {process.returncode}:\n{log.read_text(errors='replace')}")
            yield f"postgresql+psycopg://estate@127.0.0.1:{port}/postgres"
        finally:
            _stop(process, signal.SIGINT)  # PostgreSQL's fast shutdown


def _answers(port: int) -> bool:
    try:
        psycopg.connect(f"postgresql://estate@127.0.0.1:{port}/postgres", connect_timeout=10).close()
    except psycopg.OperationalError:
        return False
    return True


_database_numbers = itertools.count(1)


@contextmanager
def _new_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database; dropped afterwards."""
    name = f"estate_{next(_database_numbers)}"
    server = server_url.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield f"{server_url.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of an empty database of its own for one test; dropped afterwards."""
    with _new_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_with_tables(postgres_url: str) -> Iterator[tuple[str, psycopg.Connection]]:
    """And a connection that stays open to empty it: a new one would have to learn all tables anew each time."""
    from empty_hub import make_tables  # here, so that a run of the drivers' tests alone loads no hub

    with _new_database(postgres_url) as url:
        make_tables(url)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # in any order: no foreign key is asked
            yield url, connection


@pytest.fixture
def postgres_tables(_postgres_with_tables: tuple[str, psycopg.Connection]) -> Iterator[str]:
    """The URL of a database with the hub's tables and no row. One a worker, emptied after each test: making it is slow."""
    url, connection = _postgres_with_tables
    yield url
    _empty(connection)


def _empty(connection: psycopg.Connection) -> None:
    """Nobody else is connected, no row is left, and every number begins anew."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    tables = [sql.Identifier(name) for (name,) in names]
    ask = (sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(table.as_string(), table) for table in tables)
    for (table,) in connection.execute(sql.SQL(" UNION ALL ").join(ask)).fetchall():
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.SQL(table)))
    connection.execute("SELECT setval(c.oid::regclass, 1, false) FROM pg_class c WHERE relkind = 'S'")


@pytest.fixture(scope="session")
def rtsp_stream() -> Iterator[str]:
    """A third-party RTSP server (GStreamer's): the URL of an H.264 test picture, 640x480 at 10/s, digest sign-in."""
    python = _needed(where.system_python(), "Debian's python3")
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME")}
    environment["PYTHONPATH"] = os.environ.get("ESTATE_GI_PYTHONPATH", "")
    script = str(where.ROOT / "tools/rtsp_server.py")
    process = subprocess.Popen(_bound_to_us(str(python), script), env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode().strip()
        if not line.startswith("rtsp://"):
            pytest.fail("the RTSP server did not start (its message stands above): run `make setup-test`")
        yield line
    finally:
        _stop(process, signal.SIGTERM)
        if process.stdout is not None:
            process.stdout.close()
