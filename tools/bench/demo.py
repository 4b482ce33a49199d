"""`demo.ready` and `pass.to_screen`: the whole demo as a process, and how fast a card at a door stands on a screen."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tools.bench.figure import Figure, percentile

PASSES = 60
READY_GOAL_S = 60.0
SCREEN_GOAL_MS = 1000.0


class DemoFailed(RuntimeError):
    """The demo did not come up; the text holds its last lines."""


@contextmanager
def running_demo(directory: Path, *options: str, timeout: float = 180) -> Iterator[tuple[str, str, float]]:
    """(address, sign-in link of the estate manager, seconds until `ready`)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "hub.cli", "demo", "--port", str(port), "--dir", str(directory), *options]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})  # fmt: skip
    lines: list[str] = []
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("ready http"):
                break
        else:
            raise DemoFailed("".join(lines[-30:]))
        killer.cancel()
        links = re.findall(r"http://127\.0\.0\.1:\d+/signin/\S+", "".join(lines))
        yield f"http://127.0.0.1:{port}", links[0], time.monotonic() - began
    finally:
        killer.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def pass_to_screen(url: str, link: str, directory: Path, count: int = PASSES) -> list[float]:
    """Milliseconds from a card held to a block door's reader until its pass is read from the live stream, one by one."""
    plan = json.loads((directory / "site/plan.json").read_text())
    tenancies = json.loads((directory / "site/tenancies.json").read_text())["tenancies"]
    live = [t for t in tenancies if t["state"] == "active" and t["members"][0]["cards"]]
    rng = random.Random(11)
    took: list[float] = []
    control = httpx.Client(base_url=f"http://127.0.0.1:{plan['control_port']}", timeout=20, trust_env=False)
    control.post("/estate/speed", json={"speed": 0.01})  # nobody else walks meanwhile
    with httpx.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False) as console:
        console.post(link)
        estate = console.get("/api/v1/me").json()["estates"][0]["id"]
        with console.stream("GET", "/api/v1/stream", params={"estate": estate}) as stream:
            frames = (line for line in stream.iter_lines() if line.startswith("data:"))
            next(frames)
            for _ in range(count):
                tenancy = rng.choice(live)
                block = tenancy["dwelling_code"].split("-")[1].lower()
                began = time.monotonic()
                asking = threading.Thread(
                    target=control.post,
                    args=(f"/devices/door-{block}/present",),
                    kwargs={"json": {"card": tenancy["members"][0]["cards"][0]}},
                )
                asking.start()
                wanted = tenancy["dwelling_code"].rsplit("-", 1)[1].lstrip("0")
                while not _shows(json.loads(next(frames)[5:]), wanted):
                    pass
                took.append((time.monotonic() - began) * 1000)
                asking.join()
    return took


def _shows(frame: dict[str, object], number: str) -> bool:
    passes = frame.get("passes", [])
    return isinstance(passes, list) and any(p.get("dwelling_number") == number and not p.get("late") for p in passes)


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-bench-") as folder:
        directory = Path(folder)
        with running_demo(directory) as (url, link, seconds):
            took = pass_to_screen(url, link, directory)
    p50, p95 = percentile(took, 0.5), percentile(took, 0.95)
    return [
        Figure("demo.ready", round(seconds, 1), "s from the command to `ready`", "240 dwellings, 200 days of history",
               round(seconds / READY_GOAL_S, 2), f"< {READY_GOAL_S:g} s", seconds < READY_GOAL_S),
        Figure("pass.to_screen", round(p95), "ms p95, card at the reader to live stream",
               f"p50 {p50:.0f} ms of {len(took)} passes",
               round(p95 / p50, 2), f"p95 ≤ {SCREEN_GOAL_MS:g} ms", p95 <= SCREEN_GOAL_MS),
    ]  # fmt: skip
