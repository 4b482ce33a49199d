"""A limit for a whole exchange, not for each read: a server that drips a byte a second never reaches a read's timeout.

When it is over the socket is shut down, and whoever reads from it gets httpx's error. Nothing else ends a read that goes on.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import httpx

CONNECTED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class _Sockets:
    """Those of one client: a request may go over a connection that an earlier one made."""

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's `trace` extension: it tells of each connection that is made."""
        if event in CONNECTED:
            self._held = [one for one in self._held if one.fileno() >= 0]
            self._held.append(info["return_value"].get_extra_info("socket"))

    def cut(self) -> None:
        for one in self._held:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


_of: WeakKeyDictionary[httpx.Client, _Sockets] = WeakKeyDictionary()


@contextmanager
def within(client: httpx.Client, seconds: float) -> Iterator[dict[str, Callable[..., None]]]:
    """The `extensions` of a request that must be over, with its answer read, in so many seconds. One request at a time."""
    sockets = _of.setdefault(client, _Sockets())
    timer = threading.Timer(seconds, sockets.cut)
    timer.daemon = True
    timer.start()
    try:
        yield {"trace": sockets.trace}
    finally:
        timer.cancel()
