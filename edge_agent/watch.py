"""The service manager's watchdog, fed by progress: a timer alone would also tick in a process that hangs."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from typing import NoReturn

from edge_agent.store import Journal

log = logging.getLogger(__name__)
STALLED_S = 30.0


def notify(message: str) -> bool:
    """Send one sd_notify datagram. False where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(message.encode(), socket.MSG_DONTWAIT, address)  # a manager that does not read must not stop us
        except OSError as error:
            log.warning("sd_notify: %s", error)
            return False
    return True


class Watch:
    """Parts call `progress(name)` each time round their loop; the journal's writer is asked by a flush."""

    def __init__(self, journal: Journal, stalled_s: float = STALLED_S) -> None:
        self.journal, self.stalled_s = journal, stalled_s
        self._last: dict[str, float] = {}

    def progress(self, name: str) -> None:
        self._last[name] = time.monotonic()

    async def stalled(self) -> list[str]:
        """Names of the parts that stand still."""
        now = time.monotonic()
        names = [name for name, at in self._last.items() if now - at > self.stalled_s]
        if not self.journal.full:  # a full disk is waited for, a restart would not help
            try:
                async with asyncio.timeout(self.stalled_s):
                    await self.journal.flush()
            except TimeoutError:
                names.append("journal")
        return names

    async def run(self) -> NoReturn:
        period = int(os.environ.get("WATCHDOG_USEC", "60000000")) / 1e6 / 3
        while True:
            if names := await self.stalled():
                log.critical("no progress in %s: the watchdog is not fed", ", ".join(names))
            else:
                notify("WATCHDOG=1")
            await asyncio.sleep(period)
