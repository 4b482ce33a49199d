"""Parts of a box that fail alone: what goes wrong in one is said, and it begins anew, while every door goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

log = logging.getLogger(__name__)
AGAIN_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
WELL_S = 60.0  # who worked so long before begins to wait from the shortest again
T = TypeVar("T")


async def in_task(work: Coroutine[None, None, T], name: str) -> T:
    """In a task of its own: a TaskGroup of Python 3.11 forgets a cancellation that comes as one of its tasks fails."""
    task = asyncio.create_task(work, name=name)
    try:
        await asyncio.wait({task})
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at also where we are told to stop: else asyncio reports it whenever it is collected
    return await task


async def lasting(
    name: str, work: Callable[[], Coroutine[None, None, None]], told: Callable[[str, BaseException], None]
) -> None:
    """`work()` until it ends by itself. `told` is called with each failure; then it begins anew, after a while."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            return await in_task(work(), name)
        except Exception as error:
            log.exception("%s failed and begins anew", name)
            told(name, leaf(error))
        failures = 1 if time.monotonic() - began > WELL_S else failures + 1
        await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S)) - 1])


async def once(
    name: str, work: Callable[[], Coroutine[None, None, object]], told: Callable[[str, BaseException], None]
) -> None:
    """`work()` once; `told` where it fails."""
    try:
        await work()
    except Exception as error:
        log.exception("%s failed", name)
        told(name, leaf(error))


def leaf(error: BaseException) -> BaseException:
    """The first cause inside nested groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
