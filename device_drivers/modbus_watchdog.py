"""The agent's end of the watchdog: the process that ends the pulses of boards without a timer when the agent dies in the middle.

Each such pulse is told before it is sent (`arm`) and when it is over (`disarm`). Where a service of its own listens (the
socket in ESTATE_EDGE_WATCHDOG) it is told there: what kills the agent's whole control group does not reach it. Elsewhere a
child is started. A board with its own timer needs none of this.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from device_drivers.modbus_frames import Request
from device_drivers.modbus_place import Place

log = logging.getLogger(__name__)
SOCKET = "ESTATE_EDGE_WATCHDOG"
ANSWERS_S, AGAIN_S = 5.0, 0.1  # a service that is just starting
PROCESS = "device_drivers.modbus_watchdog_process"


class Watchdog:
    """One for all boards, from the first that needs it until the agent ends."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._armed: dict[str, tuple[float, dict[str, Any]]] = {}  # by key: when it ends (monotonic), the order
        self._again: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """If nobody listens yet."""
        await asyncio.to_thread(self._start)

    def arm(self, key: str, place: Place, ending: Sequence[Request], seconds: float) -> None:
        where = {"host": place.host, "port": place.port, "transport": place.transport, "baud": place.baud}
        where |= {"parity": place.parity, "stop_bits": place.stop_bits}
        send = [[request.unit, request.pdu.hex(), request.body] for request in ending]
        order = {"arm": key, "place": where, "send": send, "in_s": seconds}
        self._armed[key] = (time.monotonic() + seconds, order)
        self._say(order)

    def disarm(self, key: str) -> None:
        if self._armed.pop(key, None):
            self._say({"disarm": key})

    def _say(self, order: dict[str, Any]) -> None:
        if self._socket is not None:
            try:
                self._socket.sendall(json.dumps(order).encode() + b"\n")
            except OSError as error:  # it died; the agent's own guard still ends the pulse
                log.error("the watchdog does not listen: %s", error)
                self._close()
        if self._socket is None and (self._again is None or self._again.done()):
            self._again = asyncio.create_task(self.start())

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _start(self) -> None:
        with self._starting:
            if self._socket is not None:
                return
            if self._child is not None:
                self._child.wait()  # its end of the socket is closed: it ends by itself
                self._child = None
            path = os.environ.get(SOCKET)
            found = _service(path) if path else None
            if found is None:
                if path:
                    log.error("%s: no watchdog service there; a child of this process does it", path)
                found = self._spawn()
            found.setblocking(False)
            for key, (until, order) in list(self._armed.items()):
                with suppress(OSError):
                    left = max(0.0, until - time.monotonic())
                    found.sendall(json.dumps(order | {"arm": key, "in_s": left}).encode() + b"\n")
            self._socket = found

    def _spawn(self) -> socket.socket:
        """Not in the terminal's group: Ctrl-C ends the agent, and this after it."""
        mine, its = socket.socketpair()
        command = [sys.executable, "-m", PROCESS]
        with its:
            self._child = subprocess.Popen(
                command, stdin=its.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
            )
        return mine


def _service(path: str) -> socket.socket | None:
    end = time.monotonic() + ANSWERS_S
    while True:
        found = socket.socket(socket.AF_UNIX)
        try:
            found.connect(path)
            return found
        except OSError:
            found.close()
            if time.monotonic() > end:
                return None
        threading.Event().wait(AGAIN_S)


WATCHDOG = Watchdog()
