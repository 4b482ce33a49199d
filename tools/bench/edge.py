"""`edge.memory`, `edge.start`: one edge process with 100 devices, no face engine.

50 terminals, 30 door boards and 20 cameras, 1,500 people on its lists. Memory is what the process holds resident once every
device holds its list; the reference is a bare interpreter with the same libraries loaded. Start is a restart on what stands on
the disk: until the first device is shown as served; the reference is the same interpreter until its libraries are loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from device_drivers.contract.words import DeviceCondition
from edge_agent.config import EdgeDir
from edge_agent.status import BoxStatus, read_status
from tools.bench.big_estate import BOARDS, ENTRANCES, GATES, BigEstate, NotReached, running, wait
from tools.bench.figure import Figure

CAMERAS, STARTS, WATCHED_S = 20, 5, 10.0
DEVICES = GATES + ENTRANCES + BOARDS + CAMERAS
GOAL_MIB, GOAL_S = 150, 3.0
LIBRARIES = "import device_drivers.catalogue, edge_agent.agent"
SAY_MEMORY = LIBRARIES + "; print(open('/proc/self/statm').read().split()[1])"


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="estate-edge-") as folder, running(Path(folder), CAMERAS) as estate:
        place = EdgeDir(Path(folder) / "edge")
        wait("every device holds its list", lambda: estate.loaded() > 0.9999 and not estate.pending(), 600)
        wait("every device is online", lambda: _online(read_status(place)) == DEVICES, 120)
        used = _cpu(estate)
        memory = _resident(estate)
        starts = sorted(_restart(estate, place) for _ in range(STARTS))
    began = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", SAY_MEMORY], capture_output=True, check=True, text=True).stdout
    loaded = time.perf_counter() - began
    bare = int(said) * os.sysconf("SC_PAGE_SIZE") / 2**20
    start = starts[STARTS // 2]
    return [
        Figure(
            "edge.memory",
            round(memory),
            f"MiB resident with {DEVICES} devices; {used:.0%} of one core while nothing happens",
            f"the libraries alone {bare:.0f} MiB",
            round(memory / bare, 2),
            f"< {GOAL_MIB} MiB",
            memory < GOAL_MIB,
        ),
        Figure(
            "edge.start",
            round(start, 2),
            f"s until the first of {DEVICES} devices is served, median of {STARTS} (worst {starts[-1]:.2f})",
            f"loading the libraries {loaded:.2f} s",
            round(start / loaded, 2),
            f"< {GOAL_S:g} s",
            start < GOAL_S,
        ),
    ]


def _online(status: BoxStatus) -> int:
    return sum(report.status.condition is DeviceCondition.ONLINE for report in status.devices)


def _pid(estate: BigEstate) -> int:
    if estate.edge.process is None:
        raise NotReached("the edge does not run")
    return estate.edge.process.pid


def _resident(estate: BigEstate) -> float:
    """MiB."""
    pages = int(Path(f"/proc/{_pid(estate)}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _cpu(estate: BigEstate) -> float:
    """Share of one core over some seconds."""

    def ticks() -> int:
        fields = Path(f"/proc/{_pid(estate)}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before, began = ticks(), time.monotonic()
    wait("the watched seconds are over", lambda: time.monotonic() - began >= WATCHED_S, WATCHED_S + 5)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)


def _restart(estate: BigEstate, place: EdgeDir) -> float:
    """Seconds."""
    estate.edge.stop()
    place.status.unlink(missing_ok=True)
    began = time.perf_counter()
    estate.edge.start()
    wait("a device is served", lambda: _online(read_status(place)) > 0, 60)
    return time.perf_counter() - began
