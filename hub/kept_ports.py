"""TCP ports that we choose ourselves and keep over restarts."""

from __future__ import annotations

import contextlib
import random
import socket

FROM, TO = 20_000, 32_767
"""Below those that Linux lends to outgoing connections (32768 and up): it would lend ours away while we restart."""


def choose(count: int, host: str = "127.0.0.1") -> list[int]:
    """So many different ports that are free now. Raises OSError where there are none."""
    chosen: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(range(FROM, TO + 1), TO + 1 - FROM):
            if len(chosen) == count:
                return chosen
            one = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind((host, port))
                chosen.append(port)
    raise OSError(f"fewer than {count} ports from {FROM} to {TO} are free on {host}")
