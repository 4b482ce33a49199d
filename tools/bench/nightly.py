"""`detect.nightly`: one night of a city from stored daily rows, its growth, and 400 days of its dwellings judged anew.

One estate's history is drawn and analysed by the real job; the city is copies of it in the database (other ids, the same rows
of the last days, the whole history only of homes that a night judges from it), so that each dwelling costs what it really
costs. Three cities are measured: the whole, half of it, and that half with a short history. Ratios are of processor time, each
night twice in turn with the others and its cheaper time counted (the speed of a shared machine changes within minutes), and the
seconds for a million are scaled from the city. By default it has 10,000 dwellings (5 minutes);
`ESTATE_NIGHTLY_DWELLINGS=100000` takes half an hour or more, and 2 GB of temporary files, 1,000,000 ten times that.

The city's night is measured twice from the same file: judged by one process, and by PROCESSES while one process writes. Those go
behind other work (`judges.NICE`): on a machine that is not idle the ratio of seconds says little, the processor time does.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
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
PROCESSES = 2
ROUNDS = 2


def measure() -> list[Figure]:
    some = max(2, CITY // ESTATE // 2)
    with (
        _city(CITY // ESTATE, LOOK_BACK_DAYS) as city,
        _city(some, LOOK_BACK_DAYS) as half,
        _city(some, SHORT_HISTORY) as short,
    ):
        rounds = [[_night(one) for one in (city, half, short)] for _ in range(ROUNDS)]
        several = _night(city, PROCESSES)
    one, of_half, of_short = (min(nights, key=lambda night: night.cpu) for nights in zip(*rounds, strict=True))
    scale = MILLION / city.dwellings
    growth = (one.cpu / city.dwellings) / (of_half.cpu / half.dwellings)
    history = (of_half.cpu / half.dwellings) / (of_short.cpu / short.dwellings)
    measured = f"on {city.dwellings:,} dwellings, {city.whole / city.dwellings:.1%} of them from the whole record"
    cpu = f"processor time {several.cpu * scale:.0f} s, of it {several.writer * scale:.0f} s by the one that writes"
    ratio = several.seconds / one.seconds
    anew = city.anew / city.template * ANEW
    return [
        Figure(
            "detect.nightly", round(several.seconds * scale, 1), f"s for 1,000,000 dwellings, {PROCESSES} processes",
            f"{measured}; {cpu}", None, "", None,
        ),
        Figure(
            "detect.nightly_one", round(one.seconds * scale, 1), "s for 1,000,000 dwellings, one process",
            f"processor time {one.cpu * scale:.0f} s", None, "", None,
        ),
        Figure(
            "detect.nightly_processes", round(ratio, 3), f"seconds of {PROCESSES} processes ÷ of one",
            "an idle machine of two cores", round(ratio, 3), "<= 0.75", ratio <= 0.75,
        ),
        Figure(
            "detect.nightly_growth", round(growth, 3), "cost a dwelling of the city ÷ of half of it", "linear: 1",
            round(growth, 3), "<= 1.25", growth <= 1.25,
        ),
        Figure(
            "detect.nightly_history", round(history, 3), f"cost a dwelling with {LOOK_BACK_DAYS} days ÷ with {SHORT_HISTORY}",
            "independent of history: 1", round(history, 3), "<= 1.5", history <= 1.5,
        ),
        Figure(
            "detect.nightly_memory", round(several.memory), f"MB at most, {PROCESSES} processes and the one that writes",
            f"{city.dwellings:,} dwellings, an estate at a time; by one process {one.memory:.0f}",
            None, "<= 1000", several.memory <= 1000,
        ),
        Figure(
            "detect.nightly_anew", round(anew, 1), f"s of one core for {ANEW:,} dwellings × {LOOK_BACK_DAYS} days",
            f"measured on {city.template:,} dwellings; {anew / ANEW / LOOK_BACK_DAYS * 1e6:.1f} µs each day", None, "", None,
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Night:
    """`seconds` of one night; `cpu`: of the processor, all processes, `writer`: of it in the one that writes; `memory`: of all
    together, in MB."""

    seconds: float
    cpu: float
    writer: float
    memory: float


@dataclass(frozen=True, slots=True)
class City:
    """`file`: its database before the night. `anew`: seconds of the processor to judge the template anew; `whole`: dwellings that
    go the long way."""

    file: Path
    dwellings: int
    template: int
    anew: float
    whole: int


class Clock:
    """`clock.day` has passed: it is the morning after."""

    def __init__(self) -> None:
        self.day = LAST - timedelta(days=1)

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 20, 0, tzinfo=UTC) + timedelta(hours=1)


@contextmanager
def _city(estates: int, history: int) -> Iterator[City]:
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
        yield City(file, estates * ESTATE, ESTATE, anew, len(whole) * estates)


def _night(city: City, jobs: int = 1) -> Night:
    """The night of a copy of the city."""
    clock = Clock()
    clock.day = LAST
    with tempfile.TemporaryDirectory(prefix="estate-nightly-") as folder:
        shutil.copyfile(city.file, Path(folder) / city.file.name)
        with _hub(Path(folder), clock, jobs) as hub:
            return _measured(hub, city.dwellings)


def _measured(hub: Hub, dwellings: int) -> Night:
    writer, others = time.process_time(), _others()
    with _memory() as used:
        started = time.perf_counter()
        said = analyse(hub)
        seconds = time.perf_counter() - started
    if not said.startswith(f"{dwellings} dwellings, "):
        raise RuntimeError(f"not every dwelling was judged: {said}")
    writer = time.process_time() - writer
    return Night(seconds, writer + _others() - others, writer, max(used) / 2**20)


def _others() -> float:
    """Seconds of the processor in processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _memory() -> Iterator[list[int]]:
    """Bytes of this process and its children together, looked at all the time; what they share counts for each."""
    found, ended = [_bytes()], threading.Event()

    def look() -> None:
        while not ended.wait(0.25):
            found.append(_bytes())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield found
    finally:
        ended.set()
        looking.join()


def _bytes() -> int:
    me = os.getpid()
    children = [one for file in Path(f"/proc/{me}/task").glob("*/children") for one in file.read_text().split()]
    pages = 0
    for process in (str(me), *children):
        with suppress(OSError):  # it has just ended
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextmanager
def _hub(folder: Path, clock: Clock, jobs: int = 1) -> Iterator[Hub]:
    database = Database(f"sqlite:///{folder / 'hub.sqlite'}")
    Base.metadata.create_all(database.engine)
    yield Hub(Config(dir=folder, night_jobs=jobs), database, Keys(folder / "keys"), Live(), clock)
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
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(Path(folder) / "hub.sqlite")) as other:
            one.backup(other)
        with _hub(Path(folder), clock) as hub, hub.db.reading() as session:
            estate = session.get_one(Estate, "E0000")
            due = due_dwellings(session, estate, LAST)
            view = load_day(session, estate, LAST, clock())
            seen += due.anew
            seen += judge_night(session, view, due.night).long_way
    return seen
