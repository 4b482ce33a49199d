"""Jobs: they take no arguments, run by signal *and* by period, and may run at any time, twice at once (in two processes).

In one process a job never overlaps itself; on PostgreSQL an advisory lock keeps it to one process at a time.
"""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text

from hub.db import Database
from hub.services import Hub
from hub.tables import JobRun

log = logging.getLogger(__name__)
WORKERS = 4
STOP_S = 60.0
SET_BACK_S = 5.0
AGAIN_S = (
    0.2  # a signal that finds the job at work in another process asks again so soon: that run may have read too early
)
_LOCK_SPACE = 0x4A4F4253  # first half of the PostgreSQL advisory lock: "JOBS"


@dataclass(frozen=True)
class Job:
    """`run` returns one line that says what it did; it stands on the health page."""

    name: str
    period_s: float
    run: Callable[[Hub], str]


class NotYet(Exception):
    """Raised by a job that had better run in `after_s` seconds. `detail` stands on the health page meanwhile."""

    def __init__(self, after_s: float, detail: str) -> None:
        super().__init__(detail)
        self.after_s = after_s


class JobRunner:
    """Runs jobs on a few threads. `signal` is safe on every thread and never blocks."""

    def __init__(self, hub: Hub, jobs: tuple[Job, ...]) -> None:
        self.hub = hub
        self.jobs = {job.name: job for job in jobs}
        self._wanted = {job.name: threading.Event() for job in jobs}
        self._signalled = {job.name: threading.Event() for job in jobs}
        self._running = {job.name: threading.Lock() for job in jobs}
        self._wall, self._steady = time.time(), time.monotonic()
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(WORKERS)}, timezone="UTC")

    def start(self) -> None:
        self.hub.ending.clear()
        now = self.hub.now()
        for number, job in enumerate(self.jobs.values()):
            first = now + timedelta(seconds=min(job.period_s, 1 + 0.2 * number))
            self._scheduler.add_job(
                self._due, "interval", (job.name,), seconds=job.period_s, id=job.name, coalesce=True, max_instances=1,
                misfire_grace_time=None, next_run_time=first,
            )  # fmt: skip
        self._scheduler.start()
        self.hub.signaller = self.signal

    def stop(self) -> bool:
        """Waits for running jobs, which hear of it (`Hub.ending`); starts none. False: one of them does not end (it waits for a
        database that has frozen), and the process is better left without it."""
        self.hub.ending.set()
        if not self._scheduler.running:
            return True
        ending = threading.Thread(target=self._scheduler.shutdown, name="jobs end", daemon=True)
        ending.start()
        ending.join(STOP_S)
        return not ending.is_alive()

    def set_back(self) -> bool:
        """Asked every second: whether the machine's clock was set back since. Then every period's next turn, which stands on that
        clock, would lie as far ahead: each has it now."""
        wall, steady = time.time(), time.monotonic()
        step = (wall - self._wall) - (steady - self._steady)
        self._wall, self._steady = wall, steady
        if step > -SET_BACK_S:
            return False
        log.error("the clock was set back by %.0f s: jobs go on from now", -step)
        self._turn_now()
        return True

    def _turn_now(self) -> None:
        now = datetime.now(UTC)
        for job in self.jobs.values():
            self._scheduler.modify_job(job.name, next_run_time=now + timedelta(seconds=job.period_s))
            self.signal(job.name)

    def signal(self, name: str) -> None:
        if name not in self.jobs:
            log.error("job %s is not known", name)
            return
        self._signalled[name].set()
        if self._wanted[name].is_set():
            return  # a run that has not started yet will see everything committed before now
        self._wanted[name].set()
        self._scheduler.add_job(self._turns, args=(name,), misfire_grace_time=None, max_instances=100)

    def _again(self, name: str, after_s: float) -> None:
        """One at a time: a job that puts itself off at every signal must not pile up."""
        self._scheduler.add_job(
            self.signal, "date", (name,), run_date=datetime.now(UTC) + timedelta(seconds=after_s), id=f"{name} again",
            replace_existing=True, misfire_grace_time=None,
        )  # fmt: skip

    def _due(self, name: str) -> None:
        self._wanted[name].set()
        self._turns(name)

    def _turns(self, name: str) -> None:
        """Run while wanted. Whoever comes during a run leaves its wish and goes: the runner takes another turn."""
        while self._wanted[name].is_set() and not self.hub.ending.is_set():
            if not self._running[name].acquire(blocking=False):
                return
            try:
                while self._wanted[name].is_set() and not self.hub.ending.is_set():
                    signalled = self._signalled[name].is_set()
                    self._signalled[name].clear()
                    self._wanted[name].clear()
                    if self._run(name) is None and signalled:
                        # A period's turn needs none: the other process has just had it.
                        self._again(name, AGAIN_S)
            finally:
                self._running[name].release()

    def run_once(self, name: str) -> bool:
        """One run on this thread, with its row. False when it failed or another process has it."""
        return bool(self._run(name))

    def _run(self, name: str) -> bool | None:
        """None when another process has it."""
        job, hub = self.jobs[name], self.hub
        with _only_process(hub.db, name) as mine:
            if not mine:
                return None
            started = hub.now()
            try:
                detail, ok = job.run(hub), True
            except NotYet as later:
                self._again(name, later.after_s)
                detail, ok = str(later), True
            except Exception as error:
                log.exception("job %s failed", name)
                detail, ok = f"{type(error).__name__}: {error}"[:500], False
            _remember(hub, name, started, ok, detail)
        return ok


def _remember(hub: Hub, name: str, started: datetime, ok: bool, detail: str) -> None:
    with hub.db.unit_of_work("system", f"job {name}", now=hub.now(), audit=False) as uow:
        row = uow.session.get(JobRun, name)
        if row is None:
            row = JobRun(job=name, started_at=started, runs=0)
            uow.session.add(row)
        row.started_at, row.finished_at, row.ok, row.detail = started, uow.now, ok, detail
        row.runs += 1


@contextmanager
def _only_process(db: Database, name: str) -> Iterator[bool]:
    """On PostgreSQL: a session lock on a connection of its own, freed by the server when the process dies."""
    if db.sqlite:
        yield True
        return
    keys = {"space": _LOCK_SPACE, "job": zlib.crc32(name.encode()) - 2**31}
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:space, :job)"), keys))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(text("SELECT pg_advisory_unlock(:space, :job)"), keys)
