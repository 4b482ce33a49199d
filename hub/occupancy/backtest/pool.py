"""Buckets of a back-test replayed by several processes: each holds the small tables and one bucket, and writes down what it said.

What is said of a bucket is the same whoever replays it, and is taken in the order of buckets: what is written does not depend on
how many processes there are.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, dataclass
from multiprocessing import active_children, get_context
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hub.children import end_with_parent
from hub.occupancy.asking import Question
from hub.occupancy.backtest.replay import Lead, Replayer
from hub.whole_file import write_whole

FIRST, AGAIN = "leads", "again"
"""Names of the files in the working directory."""


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


@dataclass(frozen=True, slots=True)
class Said:
    """Of a bucket: its leads, and the questions that compete, each with its dwelling."""

    leads: list[Lead]
    questions: list[tuple[int, Question]]


Wanted = Mapping[int, frozenset[int]]
"""Bucket → those of its dwellings that are replayed once more."""


def replayed(replayer: Replayer, work: Path, jobs: int, again: Wanted | None = None) -> Iterator[Said]:
    """What is said of each bucket, in order. What an earlier run finished is only read. `again`: of these buckets and dwellings
    alone."""
    numbers = list(range(replayer.buckets)) if again is None else sorted(again)
    file = FIRST if again is None else AGAIN
    left = [number for number in numbers if not _file(work, file, number).exists()]
    if min(jobs, len(left)) < 2:
        for number in numbers:
            if number in left:
                write_down(replayer, work, file, number, again[number] if again else None)
            yield _kept(work, file, number)
        return
    others = set(active_children())
    executor = ProcessPoolExecutor(
        min(jobs, len(left)), get_context("spawn"), initializer=_begin, initargs=(replayer, work)
    )
    try:
        waiting: dict[int, Future[None]] = {
            number: executor.submit(_one, file, number, again[number] if again else None) for number in left
        }
        for number in numbers:
            if number in waiting:
                waiting.pop(number).result()
            yield _kept(work, file, number)
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


def _one(file: str, number: int, only: frozenset[int] | None) -> None:
    assert _work is not None
    write_down(*_work, file, number, only)


def write_down(replayer: Replayer, work: Path, file: str, number: int, only: frozenset[int] | None) -> None:
    """Replays a bucket and keeps what it says for whoever goes on."""
    books = list(replayer.bucket(work, number, only))
    text = {
        "leads": [astuple(lead) for book in books for lead in book.leads],
        "questions": [(book.dwelling, astuple(one)) for book in books for one in book.questions.all],
    }
    write_whole(_file(work, file, number), json.dumps(text, ensure_ascii=False).encode())


def _kept(work: Path, file: str, number: int) -> Said:
    text = json.loads(_file(work, file, number).read_text(encoding="utf-8"))
    return Said(
        [Lead(*row) for row in text["leads"]], [(dwelling, Question(*row)) for dwelling, row in text["questions"]]
    )


def _file(work: Path, file: str, number: int) -> Path:
    return work / f"{file}-{number:05d}.json"
