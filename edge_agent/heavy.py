"""A thread of its own for what computes long: verifying a list of 10,000, planning it.

One at a time: several would only take the interpreter from the loop, and the pool for short calls stays free of them, so
that a revocation never stands behind fifty lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_thread = ThreadPoolExecutor(1, "heavy")


async def heavy(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`call` in the thread for heavy work."""
    return await asyncio.get_running_loop().run_in_executor(_thread, partial(call, *args, **kwargs))
