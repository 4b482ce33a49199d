"""The watchdog process: ends the pulses that an agent has told it of when that agent is gone, or long overdue.

By whatever death it went: its end of the socket closes. Then what ends each pulse is sent when it is due, on a connection of
its own, until the board says yes. It can only close. As a child it serves its standard input; with `--socket PATH` it is a
service that any agent of this box may talk to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from device_drivers.driver import DeviceRefused, DeviceUnreachable
from device_drivers.modbus_bus import NEVER, IllegalRequest, ModbusBus
from device_drivers.modbus_frames import Request
from device_drivers.modbus_place import Place

OVERDUE_S = 10.0  # the agent tries some seconds itself; a serial port is its own as long as it lives
TRY_S, TRY_AGAIN_S = 120.0, 0.3
LINE_MAX = 64 * 1024
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT)
"""The last is what a service manager sends a whole group whose agent hangs."""


async def close(order: dict[str, Any]) -> bool:
    """Sends what ends the pulse until the board has answered. False when it never did."""
    end = time.monotonic() + TRY_S
    while time.monotonic() < end:
        bus = ModbusBus(Place(**order["place"]), 1.0)
        try:
            for unit, pdu, body in order["send"]:
                if (
                    bus.place.framing == "rtu"
                ):  # a read comes first: it shows an adapter whose echo looks like the answer
                    with suppress(DeviceRefused, DeviceUnreachable):
                        await bus.read_bits(unit, "coil", 0, 1)
                await bus.send(Request(unit, bytes.fromhex(pdu), body))
            return True
        except IllegalRequest as error:
            if error.code in NEVER:
                return True
            await asyncio.sleep(TRY_AGAIN_S)
        except DeviceUnreachable:
            await asyncio.sleep(TRY_AGAIN_S)
        finally:
            bus.close()
    return False


class Session:
    """One agent. `told`: this process is to end, so nothing waits any longer."""

    def __init__(self, told: asyncio.Event) -> None:
        self.told = told
        self._armed: dict[str, tuple[float, dict[str, Any]]] = {}

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the agent is gone and everything that it left is closed."""
        listening, ended = asyncio.create_task(self._listen(reader)), asyncio.create_task(self.told.wait())
        over: set[asyncio.Task[Any]] = set()
        while not over:
            over, _ = await asyncio.wait({listening, ended}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            await self._close_overdue()
        listening.cancel()
        ended.cancel()
        await asyncio.gather(*(self._end(due, order) for due, order in self._armed.values()))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(ValueError, KeyError, TypeError, AttributeError, OSError):  # who says anything else is as if gone
            async for line in reader:
                order = json.loads(line)
                if key := order.get("disarm"):
                    self._armed.pop(key, None)
                else:
                    self._armed[order["arm"]] = (time.monotonic() + float(order["in_s"]), order)

    async def _close_overdue(self) -> None:
        for key, (due, order) in list(self._armed.items()):
            if time.monotonic() > due + OVERDUE_S and await close(order):
                self._armed.pop(key, None)

    async def _end(self, due: float, order: dict[str, Any]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self.told.wait()
        await close(order)


async def as_child(told: asyncio.Event) -> None:
    reader = asyncio.StreamReader(LINE_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await Session(told).run(reader)


async def as_service(path: Path, told: asyncio.Event) -> None:
    """Until told to end; then what is armed is closed first."""
    sessions: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            try:
                await Session(told).run(reader)
            finally:
                writer.close()

        task = asyncio.create_task(serve())
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncio.start_unix_server(accept, path, limit=LINE_MAX)
    ready()
    await told.wait()
    server.close()
    await asyncio.gather(*sessions)


def ready() -> None:
    """Tells the service manager, where there is one."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, suppress(OSError):
            out.connect("\0" + address[1:] if address[0] == "@" else address)
            out.send(b"READY=1")


async def main(path: Path | None) -> None:
    told = asyncio.Event()
    for number in ENDINGS:
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await (as_service(path, told) if path else as_child(told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m device_drivers.modbus_watchdog_process", description=__doc__)
    parser.add_argument("--socket", type=Path, help="serve agents on this socket")
    served = parser.parse_args().socket
    if served:
        served.unlink(missing_ok=True)  # of one that was killed
    asyncio.run(main(served))
