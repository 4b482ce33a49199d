"""`detect.nightly`: one night of a city from stored daily rows, its growth, and 400 days of its dwellings judged anew.

One estate's history is drawn and analysed by the real job; the city is copies of it in the database (other ids, the same rows
of the last days, the whole history only of homes that a night judges from it), so that each dwelling costs what it really
costs. Three cities are measured: the whole, half of it, and that half with a short history. Ratios are of processor time, and
the seconds for a million are scaled from the city. By default it has 10,000 dwellings (3 minutes of one core);
`ESTATE_NIGHTLY_DWELLINGS=100000` takes 12 minutes and 1 GB of temporary files, 1,000,000 ten times that. One process does it:
the night of an estate is one unit of work, and SQLite has one writer.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from hub.cases.nightly import analyse
from hub.config import Config
from hub.db import Database
from hub.keys import Keys
from hub.live import Live
from hub.occupancy.analyse import due_dwellings, judge_night
from hub.occupancy.estate_view import load_day
from hub.occupancy.fitted import model
from hub.occupancy.load import households_of
from hub.occupancy.memory import pack, unpack
from hub.occupancy.quiet import rest_key
from hub.occupancy.values import LOOK_BACK_DAYS
from hub.services import Hub
from hub.tables import Base, DwellingMemory, Estate
from tools.bench.figure import Figure
from tools.bench.nightly_city import LAST, copies, template

PACK = os.environ.get("ESTATE_NIGHTLY_PACK", "national_measured")
CITY = int(os.environ.get("ESTATE_NIGHTLY_DWELLINGS", "10000"))
ESTATE = 1000
MILLION, ANEW = 1_000_000, 100_000
SHORT_HISTORY = 120


def measure() -> list[Figure]:
    city = _city(CITY // ESTATE, LOOK_BACK_DAYS)
    half = _city(max(2, CITY // ESTATE // 2), LOOK_BACK_DAYS)
    short = _city(max(2, CITY // ESTATE // 2), SHORT_HISTORY)
    seconds = city.night / city.dwellings * MILLION
    growth = (city.cpu / city.dwellings) / (half.cpu / half.dwellings)
    history = (half.cpu / half.dwellings) / (short.cpu / short.dwellings)
    measured = (
        f"measured on {city.dwellings:,} dwellings, {city.whole / city.dwellings:.1%} of them from the whole record"
    )
    measured += f"; {city.cpu / city.dwellings * MILLION:.0f} s of processor time"
    anew = city.anew / city.template * ANEW
    return [
        Figure("detect.nightly", round(seconds, 1), "s for 1,000,000 dwellings, one core", measured, None, "", None),
        Figure(
            "detect.nightly_growth", round(growth, 3), "cost a dwelling of the city ÷ of half of it", "linear: 1",
            round(growth, 3), "<= 1.25", growth <= 1.25,
        ),
        Figure(
            "detect.nightly_history", round(history, 3), f"cost a dwelling with {LOOK_BACK_DAYS} days ÷ with {SHORT_HISTORY}",
            "independent of history: 1", round(history, 3), "<= 1.5", history <= 1.5,
        ),
        Figure(
            "detect.nightly_memory", round(city.memory), "MB at most", f"{city.dwellings:,} dwellings, an estate at a time",
            None, "<= 1000", city.memory <= 1000,
        ),
        Figure(
            "detect.nightly_anew", round(anew, 1), f"s of one core for {ANEW:,} dwellings × {LOOK_BACK_DAYS} days",
            f"measured on {city.template:,} dwellings; {anew / ANEW / LOOK_BACK_DAYS * 1e6:.1f} µs each day", None, "", None,
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one night (`cpu`: of the processor), and of the processor to judge the template anew (`anew`).

    `whole`: dwellings that went the long way; `memory` in MB.
    """

    dwellings: int
    template: int
    night: float
    cpu: float
    anew: float
    whole: int
    memory: float


class Clock:
    """`clock.day` has passed: it is the morning after."""

    def __init__(self) -> None:
        self.day = LAST - timedelta(days=1)

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 20, 0, tzinfo=UTC) + timedelta(hours=1)


def _city(estates: int, history: int) -> Measured:
    with tempfile.TemporaryDirectory(prefix="estate-nightly-") as folder:
        clock = Clock()
        with _hub(Path(folder), clock) as hub:
            template(hub, ESTATE, history, PACK)
            started = time.process_time()
            analyse(hub)
            anew = time.process_time() - started
        file = Path(folder) / "hub.sqlite"
        whole = _long_way(file)
        copies(file, estates, whole)
        with _hub(Path(folder), clock) as hub:
            for number in range(1, estates):
                _own_memories(hub, f"E{number:04d}")
        clock.day = LAST
        with _hub(Path(folder), clock) as hub:
            started, busy = time.perf_counter(), time.process_time()
            said = analyse(hub)
            night, cpu = time.perf_counter() - started, time.process_time() - busy
        if not said.startswith(f"{estates * ESTATE} dwellings, "):
            raise RuntimeError(f"not every dwelling was judged: {said}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(estates * ESTATE, ESTATE, night, cpu, anew, len(whole) * estates, peak)


@contextmanager
def _hub(folder: Path, clock: Clock) -> Iterator[Hub]:
    database = Database(f"sqlite:///{folder / 'hub.sqlite'}")
    Base.metadata.create_all(database.engine)
    yield Hub(Config(dir=folder), database, Keys(folder / "keys"), Live(), clock)
    database.close()


def _own_memories(hub: Hub, name: str) -> None:
    """A copy's memories name the copy's people."""
    with hub.db.unit_of_work("bench", "memories", audit=False) as uow:
        session, last = uow.session, LAST - timedelta(days=1)
        view = load_day(session, session.get_one(Estate, name), last, hub.now())
        households = households_of(session, view, list(view.dwelling_block))
        for row in session.scalars(select(DwellingMemory).where(DwellingMemory.dwelling_id.in_(view.dwelling_block))):
            kept, household = unpack(row.body), households.get(row.dwelling_id)
            if kept is None or household is None:
                continue
            kept.names = [text.replace("E0000", name) for text in kept.names]
            memory = kept.memory
            memory.identified_days = {k.replace("E0000", name): n for k, n in memory.identified_days.items()}
            memory.identified_last = {k.replace("E0000", name): day for k, day in memory.identified_last.items()}
            kept.rest.key = rest_key(household, view.pack, model()) if kept.rest.key else ""
            row.body = pack(kept)


def _long_way(file: Path) -> list[str]:
    """Dwellings of the template that a night judges from their whole record: found by a dry run on a copy."""
    seen: list[str] = []
    clock = Clock()
    clock.day = LAST
    with tempfile.TemporaryDirectory(prefix="estate-nightly-") as folder:
        with sqlite3.connect(file) as one, sqlite3.connect(Path(folder) / "hub.sqlite") as other:
            one.backup(other)
        with _hub(Path(folder), clock) as hub, hub.db.reading() as session:
            estate = session.get_one(Estate, "E0000")
            due = due_dwellings(session, estate, LAST)
            view = load_day(session, estate, LAST, clock())
            seen += due.anew
            seen += judge_night(session, view, due.night).long_way
    return seen
