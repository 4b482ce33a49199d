"""Who judges the pieces of a night: this process, or several where there is much to judge.

Each reads a piece by itself and judges it; this process alone writes, in the order of the pieces: what is written does not depend
on how many processes there are. One that dies costs time, nothing else: the night goes on in this process.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context, parent_process
from multiprocessing.reduction import ForkingPickler
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from hub.db import Database
from hub.occupancy.analyse import judge_night
from hub.occupancy.backtest.pool import cores
from hub.occupancy.estate_view import EstateView
from hub.occupancy.night_write import Night

log = logging.getLogger(__name__)

POOL_FROM = 4_000
"""Dwellings due from which further processes pay: each takes two seconds to start."""

AHEAD = 3
"""Pieces given out or waiting to be written, a process: none idles, and space stays bounded."""

MOST = 5
"""More processes than that wait for the one that writes: a fifth of the work is its own."""

NICE = 5
"""Live traffic goes first."""


def _read_only(values: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(values)


ForkingPickler.register(MappingProxyType, lambda values: (_read_only, (dict(values),)))

Of = TypeVar("Of")


@dataclass(frozen=True, slots=True)
class Piece(Generic[Of]):
    """Some dwellings of an estate (`of`: what the caller knows of it). Without any there is nothing to judge."""

    of: Of
    view: EstateView | None = None
    dwellings: Sequence[str] = ()


def judged(db: Database, pieces: Iterator[Piece[Of]], jobs: int = 0) -> Generator[tuple[Piece[Of], Night | None]]:
    """The pieces in their order, each judged (None: nothing to judge). `jobs`: processes; 0: as many as cores, at
    most MOST.

    With several processes the next pieces are read before this one is written. Close it when you stop early.
    """
    jobs = jobs or min(cores(), MOST)
    first, due = list[Piece[Of]](), 0
    while jobs > 1 and due < POOL_FROM and (piece := next(pieces, None)) is not None:
        first.append(piece)
        due += len(piece.dwellings)
    pieces = chain(first, pieces)
    if jobs == 1 or due < POOL_FROM:
        for piece in pieces:
            yield piece, _judge(db, piece)
        return
    pool, given = _Pool(db, jobs), deque[tuple[Piece[Of], Future[Night] | None]]()
    try:
        for piece in pieces:
            given.append((piece, pool.give(piece)))
            if len(given) >= AHEAD * jobs:
                yield given[0][0], pool.take(*given.popleft())
        while given:
            yield given[0][0], pool.take(*given.popleft())
    finally:
        pool.close()


class _Pool:
    """Processes that judge. When one dies the others are ended too, and the rest is judged here."""

    def __init__(self, db: Database, jobs: int) -> None:
        self._db = db
        self._executor = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin, initargs=(db.url,))
        self._lost = False

    def give(self, piece: Piece[Of]) -> Future[Night] | None:
        """None: it is judged here when its turn comes."""
        if self._lost or piece.view is None or not piece.dwellings:
            return None
        try:
            return self._executor.submit(_one, piece.view.part(piece.dwellings), piece.dwellings)
        except BrokenProcessPool:
            self._note()
            return None

    def take(self, piece: Piece[Of], future: Future[Night] | None) -> Night | None:
        """Waits for what was given."""
        if future is not None:
            try:
                return future.result()
            except BrokenProcessPool:
                self._note()
        return _judge(self._db, piece)

    def close(self) -> None:
        """Waits for pieces that are being judged; what nobody has begun is dropped."""
        self._executor.shutdown(cancel_futures=True)

    def _note(self) -> None:
        if not self._lost:
            log.error(
                "a process of the nightly analysis was ended from outside, perhaps because memory was short; one goes on"
            )
        self._lost = True


def _judge(db: Database, piece: Piece[Of]) -> Night | None:
    if piece.view is None or not piece.dwellings:
        return None
    with db.reading() as session:
        return judge_night(session, piece.view, piece.dwellings)


_own: Database | None = None
"""Of a process of the pool: its own way to the database."""


def _begin(url: str) -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word; the one that started it speaks
    os.nice(NICE)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _own = Database(url)


def _end_with_parent() -> None:
    """A hub that is killed says nothing: its processes would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(1)


def _one(view: EstateView, dwellings: Sequence[str]) -> Night:
    assert _own is not None
    with _own.reading() as session:
        return judge_night(session, view, dwellings)
