"""One small estate, run for real: the demo command as a process, driven only from outside (HTTP, control pages, signals)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from patience import PATIENCE_S

T = TypeVar("T")
ROLES = {"estate_manager": "经理", "housing_official": "官员", "administrator": "管理员"}


@dataclass
class Person:
    """A browser session of one role: follows a sign-in link, sends the CSRF token on writes."""

    client: httpx.Client
    me: dict[str, Any]

    def get(self, path: str, **params: Any) -> Any:
        reply = self.client.get(f"/api/v1{path}", params=params)
        assert reply.status_code == 200, f"GET {path}: {reply.status_code} {reply.text[:500]}"
        return reply.json()

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.client.request(method, f"/api/v1{path}", json=body, headers={"X-CSRF-Token": self.me["csrf"]})


@dataclass
class Running:
    """The demo as somebody at a terminal has it."""

    directory: Path
    port: int
    options: list[str]
    process: subprocess.Popen[str] | None = None
    lines: list[str] = field(default_factory=list)
    seconds_to_ready: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout: float = 5 * PATIENCE_S) -> None:
        began = time.monotonic()
        self.lines.clear()
        command = [sys.executable, "-m", "hub.cli", "demo", "--port", str(self.port), "--dir", str(self.directory)]
        self.process = subprocess.Popen(
            command + self.options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        while not ready.wait(0.1):
            if self.process.poll() is not None or time.monotonic() - began > timeout:
                self.stop()
                pytest.fail("the demo did not come up:\n" + "".join(self.lines[-40:]) + self.logs())
        self.seconds_to_ready = time.monotonic() - began

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line)
            if line.strip() == f"ready {self.url}":
                ready.set()

    def logs(self) -> str:
        parts = []
        for file in sorted((self.directory / "logs").glob("*.log")):
            tail = file.read_text(errors="replace").splitlines()[-8:]
            parts.append(f"--- {file.name}\n" + "\n".join(tail))
        return "\n".join(parts)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def sign_in(self, role: str) -> Person:
        """By the link that the demo printed for this role."""
        for link in re.findall(r"http://127\.0\.0\.1:\d+/signin/\S+", "".join(self.lines)):
            client = httpx.Client(base_url=self.url, follow_redirects=True, timeout=PATIENCE_S, trust_env=False)
            client.post(link)
            me = client.get("/api/v1/me").json()
            if me.get("role") == role:
                return Person(client, me)
            client.close()
        pytest.fail(f"no sign-in link of role {role} among:\n" + "".join(self.lines))

    def child_pids(self, *words: str) -> list[int]:
        """Processes of this demo whose command line holds all words."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                if str(self.directory) in text and all(word in text for word in words):
                    found.append(int(entry.name))
        return found

    @property
    def back_office(self) -> httpx.Client:
        plan = json.loads((self.directory / "site/plan.json").read_text())
        key = (self.directory / "back-office.key").read_text().strip()
        url = f"http://127.0.0.1:{plan['back_office_port']}"
        return httpx.Client(base_url=url, headers={"X-Api-Key": key}, timeout=PATIENCE_S, trust_env=False)

    @property
    def control(self) -> httpx.Client:
        url = json.loads((self.directory / "site/ready.json").read_text())["control"]
        return httpx.Client(base_url=url, timeout=PATIENCE_S, trust_env=False)


_up: list[Running] = []
"""The estate of this worker, from its first journey to its last."""


@pytest.fixture(scope="session")
def _ended() -> Iterator[None]:
    yield
    _end()


@pytest.fixture(scope="module")
def running(_ended: None, tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Running:
    """A small estate (32 dwellings, 200 days of history), up and ready. One for all journeys of a worker."""
    if not _up:
        directory = tmp_path_factory.mktemp("demo")
        demo = Running(directory, free_port(), ["--blocks", "1", "--floors", "8", "--speed", "60"])
        demo.start()
        _up.append(demo)
        demo.control.post("/estate/speed", json={"speed": 0.01})  # people stand still: the tests walk for them
    return _up[0]


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """An estate that nobody visits any more would take its share of the machine until all the rest is tested."""
    if nextitem is None or nextitem.path.parent != item.path.parent:
        _end()


def _end() -> None:
    while _up:
        _up.pop().stop()


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """`eventually(look, what)`: the first true value of `look()`; fails the test at the deadline."""

    def wait(look: Callable[[], T], what: str, timeout: float = PATIENCE_S) -> T:
        deadline, pace = time.monotonic() + timeout, threading.Event()
        while not (value := look()):
            if time.monotonic() > deadline:
                pytest.fail(f"waited {timeout:g} s in vain for: {what}")
            pace.wait(0.1)
        return value

    return wait
