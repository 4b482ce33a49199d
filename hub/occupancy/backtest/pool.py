"""Buckets of a back-test replayed by several processes: each holds the small tables and one bucket, and writes its leads down.

A bucket's leads are the same whoever replays it, and are taken in the order of buckets: what is written does not depend on how
many processes there are.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple
from multiprocessing import active_children, get_context
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hub.children import end_with_parent
from hub.occupancy.backtest.replay import Lead, Replayer


def _read_only(values: dict[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(values)


ForkingPickler.register(MappingProxyType, lambda values: (_read_only, (dict(values),)))
"""What nobody may write into travels to another process too, here and in the night's pool: days without gaps share one empty
mapping, and a replayer that has already judged (for the closed cases of a history) holds it."""


class ReplayBroken(RuntimeError):
    """A process ended by itself: run the same command again, with fewer `--jobs` if memory was short."""

    def __str__(self) -> str:
        return (
            "a process of the back-test was ended from outside, perhaps because memory was short; what was finished is kept: "
            "run the same command again, with fewer --jobs"
        )


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def replayed(replayer: Replayer, work: Path, jobs: int) -> Iterator[list[Lead]]:
    """The leads of each bucket, in order. What an earlier run finished is only read."""
    left = [number for number in range(replayer.buckets) if not _file(work, number).exists()]
    if min(jobs, len(left)) < 2:
        for number in range(replayer.buckets):
            if number in left:
                write_down(replayer, work, number)
            yield _kept(work, number)
        return
    others = set(active_children())
    executor = ProcessPoolExecutor(
        min(jobs, len(left)), get_context("spawn"), initializer=_begin, initargs=(replayer, work)
    )
    try:
        waiting: dict[int, Future[None]] = {number: executor.submit(_one, number) for number in left}
        for number in range(replayer.buckets):
            if number in waiting:
                waiting.pop(number).result()
            yield _kept(work, number)
        executor.shutdown()
    except BrokenProcessPool as error:
        raise ReplayBroken from error
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        ended = set(active_children()) - others
        for child in ended:
            child.terminate()
        for child in ended:
            child.join()


_work: tuple[Replayer, Path] | None = None
"""Of a process of the pool: what it replays from."""


def _begin(replayer: Replayer, work: Path) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word; the one that started it speaks
    end_with_parent()
    _work = (replayer, work)


def _one(number: int) -> None:
    assert _work is not None
    write_down(*_work, number)


def write_down(replayer: Replayer, work: Path, number: int) -> None:
    """Replays a bucket and keeps its leads for whoever goes on."""
    leads = [lead for _dwelling, found in replayer.bucket(work, number) for lead in found]
    write_whole(_file(work, number), json.dumps([astuple(lead) for lead in leads], ensure_ascii=False))


def _kept(work: Path, number: int) -> list[Lead]:
    return [Lead(*row) for row in json.loads(_file(work, number).read_text(encoding="utf-8"))]


def _file(work: Path, number: int) -> Path:
    return work / f"leads-{number:05d}.json"


def write_whole(file: Path, text: str) -> None:
    """All of it or nothing: a killed run leaves no half file."""
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
