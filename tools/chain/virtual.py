"""An event loop whose time jumps to whatever is due next, and whose threads run at once: minutes in milliseconds, repeatable."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import sqlite3
import time
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from unittest import mock

from edge_agent import agent, parts, reconcile, rounds, state, uplink, watch, worker
from edge_agent.clock import HighWaterClock
from edge_agent.store import Journal

T = TypeVar("T")
TIMED = (agent, parts, reconcile, rounds, state, uplink, watch, worker)


class NothingDue(RuntimeError):
    """Everything waits for something that no timer will bring: the run would stand still for ever."""


class _Selector(selectors.SelectSelector):
    """Waiting costs nothing: time moves by what would have been waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingDue("no timer is set")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """`run_in_executor` (and so `asyncio.to_thread`) is done when it returns: no order depends on the machine's threads."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        done = self.create_future()
        with _Outcome() as outcome:
            outcome.value = func(*args)
        if outcome.error is None:
            done.set_result(outcome.value)
        else:
            done.set_exception(outcome.error)
        return done


class _Outcome:
    """Keeps what was raised inside, as a thread's future would."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None

    def __enter__(self) -> _Outcome:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Exception):
            self.error = error
            return True
        return False


class InlineJournal(Journal):
    """The real journal without its thread: a row is on disk when `submit` returns."""

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._db = self._open_file()
        self._reader.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def _queue(self, job: Any) -> Any:
        self._waiting += len(job.rows)
        self._commit_somehow([job])
        return job.future

    def close(self) -> None:
        self._reader.close()
        self._db.close()


class _NoWeb:
    """In place of aiohttp's session: nothing here speaks HTTP."""

    async def __aenter__(self) -> _NoWeb:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class _NoFiles:
    async def start(self) -> None:
        return None

    async def run(self) -> None:
        return None

    async def stop(self) -> None:
        return None


class _NoImports:
    async def run(self) -> None:
        await asyncio.Event().wait()


@contextlib.contextmanager
def edge_in_virtual_time(loop: VirtualLoop, wall: Callable[[], Any]) -> Iterator[None]:
    """The edge's own modules see the loop's time; `wall` is the box's clock, which may jump."""
    clock = types.SimpleNamespace(**{**vars(time), "monotonic": loop.time})
    web = types.SimpleNamespace(ClientSession=lambda **_: _NoWeb(), TCPConnector=lambda **_: None)
    names: Mapping[str, object] = {
        "Journal": InlineJournal,
        "HighWaterClock": lambda mark: HighWaterClock(mark, wall, loop.time),
        "FileServer": lambda *_: _NoFiles(),
        "Importer": lambda *_: _NoImports(),
        "aiohttp": web,
    }
    with contextlib.ExitStack() as stack:
        for module in TIMED:
            if hasattr(module, "time"):
                stack.enter_context(mock.patch.object(module, "time", clock))
        for name, value in names.items():
            stack.enter_context(mock.patch.object(agent, name, value))
        yield
