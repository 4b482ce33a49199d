"""The agent as a process of its own.

It runs on a box with little memory. The C library gives each thread that works an arena of its own, and keeps what was
freed there; two arenas, and large blocks given back at once, cost a box no time and spare it a third of what lists take.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
from pathlib import Path

from edge_agent.config import EdgeDir

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGE = 128 * 1024


def spare_memory() -> None:
    """Where the C library is glibc; elsewhere nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for name, value in ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE)):
            mallopt(name, value)


def run(directory: Path, *, verbose: bool = False) -> None:
    """Until SIGTERM or Ctrl-C. Raises ConfigMissing, AlreadyRunning."""
    spare_memory()
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    from device_drivers.catalogue import DEFINITIONS  # heavy: only where devices are driven
    from edge_agent.agent import Agent

    async def work() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        place = EdgeDir(directory)
        await Agent(place, place.load(), {d.kind: d for d in DEFINITIONS}).run(stop)

    asyncio.run(work())
