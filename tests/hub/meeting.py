"""Two writers that meet: the second runs in the midst of the first, until it is done or waits for a lock.

On PostgreSQL, where two units of work are open at once: SQLite has one writer in any case.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from patience import PATIENCE_S
from sqlalchemy import text

from hub.services import Hub


def waits(hub: Hub) -> bool:
    """Whether a writer stands in the queue, or for a lock."""
    if hub.db._write_lock is not None:
        return hub.db._write_lock.waiting > 0
    with hub.db.reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


class Meeting:
    """Called in the midst of the first; `over` after it."""

    def __init__(self, second: Callable[[], Any], waits: Callable[[], bool]) -> None:
        self._does, self._waits = second, waits
        self._pool = ThreadPoolExecutor(1)
        self._second: Future[Any] | None = None

    def __call__(self) -> None:
        """Once: the second itself may come by the same place."""
        if self._second is not None:
            return
        self._second = self._pool.submit(self._does)
        until = time.monotonic() + PATIENCE_S
        while not self._second.done() and not self._waits() and time.monotonic() < until:
            threading.Event().wait(0.01)

    def over(self, refused: type[Exception] | None = None) -> None:
        """What the second raised is raised here. `refused`: what it may be told, as whoever comes too late."""
        assert self._second is not None, "they did not meet"
        self._pool.shutdown(wait=False)
        with suppress(*([refused] if refused else [])):
            self._second.result(PATIENCE_S)


def meeting(hub: Hub, second: Callable[[], Any]) -> Meeting:
    return Meeting(second, lambda: waits(hub))


def after(patch: pytest.MonkeyPatch, where: Any, name: str, then: Callable[[], Any]) -> None:
    """`then` runs when `where.name` has."""
    plain = getattr(where, name)

    def both(*args: Any, **named: Any) -> Any:
        found = plain(*args, **named)
        then()
        return found

    patch.setattr(where, name, both)


def before(patch: pytest.MonkeyPatch, where: Any, name: str, first: Callable[[], Any]) -> None:
    """`first` runs before `where.name` does."""
    plain = getattr(where, name)

    def both(*args: Any, **named: Any) -> Any:
        first()
        return plain(*args, **named)

    patch.setattr(where, name, both)
