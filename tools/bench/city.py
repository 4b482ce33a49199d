"""`publish.city`: every list of a city composed from everything, and how that grows with its people.

Estates of 5,000 people in one hub; the time is that of a whole sweep in which nothing moved (what the hub does once a day). The
reference is the smallest city of the same run: a ratio of 1 a person means that it grows with the people and nothing else.
ESTATE_BENCH_CITY: people of the largest city (default 1,000,000: about a quarter of an hour).
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from device_drivers.mqtt import MemoryBroker, MemoryLink
from hub.access import publish
from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.services import Hub
from hub.tables import Base, DesiredEntry
from tools.bench.figure import Figure
from tools.bench.publish import build

AN_ESTATE = 5_000
STEPS = (0.05, 0.2, 1.0)


def measure() -> list[Figure]:
    people = int(os.environ.get("ESTATE_BENCH_CITY", "1000000"))
    sizes = sorted({max(1, round(people * step / AN_ESTATE)) for step in STEPS})
    told: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'hub.sqlite'}")
        Base.metadata.create_all(db.engine)
        hub = Hub(Config(dir=Path(folder)), db, Keys(Path(folder) / "keys"), Live(), lambda: datetime.now(UTC))
        hub.link = MemoryLink(MemoryBroker())
        hub.link.start(lambda _message: None, lambda _up, _why: None)
        built, first = 0, 0.0
        for size in sizes:
            for number in range(built, size):
                build(hub, AN_ESTATE, f"E{number}")
            built = size
            began = time.perf_counter()
            publish.run(hub)
            first += time.perf_counter() - began
            began = time.perf_counter()
            publish.publish(hub)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            told.append((size * AN_ESTATE, time.perf_counter() - began, memory))
        with hub.db.reading() as session:
            entries = session.scalar(select(func.count()).select_from(DesiredEntry)) or 0
        db.close()
    (few, small, _), (many, large, _) = told[0], told[-1]
    growth = "; ".join(f"{n:,}: {seconds:.0f} s, peak {memory:.0f} MiB" for n, seconds, memory in told)
    told_of = f"s to compose {many:,} people's {entries:,} entries ({growth}; first {first:.0f} s)"
    a_person = large / many / (small / few)
    return [
        Figure("publish.city", round(large, 1), told_of, f"a city of {few:,} people {small:.1f} s", round(a_person, 2),
               "≤ 1.5 a person of the smallest city", a_person <= 1.5),
    ]  # fmt: skip
