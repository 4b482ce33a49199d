"""Threads of their own: one for what computes long (verifying a list of 10,000, planning it), one for what is urgent.

Heavy work one at a time: several would only take the interpreter from the loop. Neither stands in the common pool, where
fifty terminals read their photographs, so that a revocation is on the disk before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_heavy = ThreadPoolExecutor(1, "heavy")
_urgent = ThreadPoolExecutor(1, "urgent")


async def heavy(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`call` in the thread for heavy work."""
    return await asyncio.get_running_loop().run_in_executor(_heavy, partial(call, *args, **kwargs))


async def urgent(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`call` in the thread that nothing long ever uses."""
    return await asyncio.get_running_loop().run_in_executor(_urgent, partial(call, *args, **kwargs))
