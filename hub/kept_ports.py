"""TCP ports that we choose ourselves and keep over restarts."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

FROM, COUNT = 10_000, 2_000
"""Below those that Linux lends to outgoing connections (32768 and up): it would lend ours away while we restart."""

_tried = itertools.count(4 * os.getpid())
"""Each process begins at its own: what was chosen here and is not yet listened on, another does not choose as well."""


def choose(count: int, host: str = "127.0.0.1") -> list[int]:
    """So many different ports that are free now. Raises OSError where there are none."""
    chosen: list[int] = []
    for number in itertools.islice(_tried, COUNT):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind((host, FROM + number % COUNT))
            chosen.append(FROM + number % COUNT)
        if len(chosen) == count:
            return chosen
    raise OSError(f"fewer than {count} ports from {FROM} to {FROM + COUNT - 1} are free on {host}")
