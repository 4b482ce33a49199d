"""Who judges the pieces of a night: this process, or several where there is much to judge.

Each reads a piece by itself and judges it; this process alone writes, in the order of the pieces: what is written does not depend
on how many processes there are. One that dies costs time, nothing else: the night goes on in this process.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from multiprocessing import get_context
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from hub.children import end_with_parent
from hub.db import Database
from hub.occupancy.analyse import judge_anew, judge_night
from hub.occupancy.anew import Anew
from hub.occupancy.backtest.pool import cores
from hub.occupancy.estate_view import EstateView
from hub.occupancy.night_write import Night

log = logging.getLogger(__name__)

POOL_FROM, ANEW = 4_000, 12
"""Dwellings due from which further processes pay, for each takes two seconds to start; how many of them a whole record costs."""

AHEAD = 3
"""Pieces given out or waiting to be written, a process: none idles, and space stays bounded."""

MOST = 5
"""More processes than that wait for the one that writes: a fifth of the work is its own."""

NICE = 5
"""Live traffic goes first."""


Of = TypeVar("Of")
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Piece(Generic[Of]):
    """Some dwellings of an estate (`of`: what the caller knows of it). Without any there is nothing to judge."""

    of: Of
    view: EstateView | None = None
    dwellings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Task(Generic[Said]):
    """`judge(session, view, what)`, by whichever process. `weight`: what it costs, in dwellings of a night."""

    judge: Callable[[Session, EstateView, Any], Said]
    view: EstateView
    what: Sequence[str] | Mapping[str, date | None]

    @property
    def weight(self) -> int:
        return len(self.what) * (ANEW if isinstance(self.what, Mapping) else 1)


class Judges:
    """Judges what they are given, in its order. `jobs`: processes; 0: as many as cores, at most MOST. They are started when there
    is enough to do, and end with the context."""

    def __init__(self, db: Database, jobs: int = 0) -> None:
        self._db, self._jobs = db, jobs or min(cores(), MOST)
        self._pool: _Pool | None = None

    def __enter__(self) -> Judges:
        return self

    def __exit__(self, *_what: object) -> None:
        if self._pool is not None:
            self._pool.close()

    def nights(self, pieces: Iterable[Piece[Of]]) -> Iterator[tuple[Piece[Of], Night | None]]:
        """None: nothing to judge. With several processes the next pieces are read before this one is written."""
        given = ((piece, _Task(judge_night, piece.view, piece.dwellings) if piece.view else None) for piece in pieces)
        return self._each(given)

    def anew(self, view: EstateView, batches: Iterable[Mapping[str, date | None]]) -> Iterator[list[Anew]]:
        """Whole records of an estate."""
        given = ((None, _Task(judge_anew, view, due)) for due in batches)
        return (said for _none, said in self._each(given) if said is not None)

    def _each(self, given: Iterator[tuple[Of, _Task[Said] | None]]) -> Iterator[tuple[Of, Said | None]]:
        first, due = list[tuple[Of, _Task[Said] | None]](), 0
        while self._pool is None and self._jobs > 1 and due < POOL_FROM and (one := next(given, None)) is not None:
            first.append(one)
            due += one[1].weight if one[1] else 0
        if self._pool is None and self._jobs > 1 and due >= POOL_FROM:
            self._pool = _Pool(self._db, self._jobs)
        waiting = deque[tuple[Of, _Task[Said] | None, Future[Said] | None]]()
        for of, task in chain(first, given):
            waiting.append((of, task, self._pool.give(task) if self._pool and task else None))
            if len(waiting) >= (AHEAD * self._jobs if self._pool else 1):
                said = self._said(waiting)
                yield said
        while waiting:
            late = self._said(waiting)
            yield late

    def _said(self, waiting: deque[tuple[Of, _Task[Said] | None, Future[Said] | None]]) -> tuple[Of, Said | None]:
        of, task, future = waiting.popleft()
        if self._pool and future:
            try:
                return of, future.result()
            except BrokenProcessPool:
                self._pool.note()
        return of, _judge(self._db, task) if task else None


class _Pool:
    """Processes that judge. When one dies the others are ended too, and the rest is judged by who asked."""

    def __init__(self, db: Database, jobs: int) -> None:
        self._executor = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(db.url,))
        self._lost = False

    def give(self, task: _Task[Said]) -> Future[Said] | None:
        """None: whoever asks judges it when its turn comes."""
        if self._lost:
            return None
        try:
            return self._executor.submit(_one, replace(task, view=task.view.part(list(task.what))))
        except BrokenProcessPool:
            self.note()
            return None

    def close(self) -> None:
        """Waits for pieces that are being judged; what nobody has begun is dropped."""
        self._executor.shutdown(cancel_futures=True)

    def note(self) -> None:
        if not self._lost:
            log.error(
                "a process of the nightly analysis was ended from outside, perhaps because memory was short; one goes on"
            )
        self._lost = True


def _judge(db: Database, task: _Task[Said]) -> Said:
    with db.reading() as session:
        return task.judge(session, task.view, task.what)


_own: Database | None = None
"""Of a process of the pool: its own way to the database."""


def _begin(url: str) -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word; the one that started it speaks
    os.nice(NICE)
    end_with_parent()
    _own = Database(url)


def _one(task: _Task[Said]) -> Said:
    assert _own is not None
    return _judge(_own, task)
