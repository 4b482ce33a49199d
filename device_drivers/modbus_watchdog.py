"""A process of its own that ends the pulses of boards without a timer when the agent dies in the middle of one.

It is told each such pulse before it is sent (`arm`) and when it is over (`disarm`). When its input ends (the agent is gone, by
whatever death) or the agent is long overdue, it sends what ends the pulse, on a connection of its own, until the board says
yes. It can only close. A board with its own timer needs none of this.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from device_drivers.driver import DeviceRefused, DeviceUnreachable
from device_drivers.modbus_bus import ModbusBus
from device_drivers.modbus_frames import Request
from device_drivers.modbus_place import Place

OVERDUE_S = 10.0  # the agent tries some seconds itself; a serial port is its own as long as it lives
TRY_S, TRY_AGAIN_S = 120.0, 0.3


class Watchdog:
    """The agent's end of it: one process for all boards, from the first that needs it until the agent ends."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    async def start(self) -> None:
        """If it does not run. Not in the terminal's group: Ctrl-C ends the agent, and this after it."""
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        with self._starting:
            if self._process is not None and self._process.poll() is None:
                return
            command = [sys.executable, "-m", "device_drivers.modbus_watchdog"]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0, start_new_session=True
            )
            assert process.stdin
            os.set_blocking(process.stdin.fileno(), False)
            self._process = process

    def arm(self, key: str, place: Place, ending: Sequence[Request], seconds: float) -> None:
        where = {"host": place.host, "port": place.port, "transport": place.transport, "baud": place.baud}
        where |= {"parity": place.parity, "stop_bits": place.stop_bits}
        send = [[request.unit, request.pdu.hex(), request.body] for request in ending]
        self._say({"arm": key, "place": where, "send": send, "in_s": seconds})

    def disarm(self, key: str) -> None:
        self._say({"disarm": key})

    def _say(self, order: dict[str, Any]) -> None:
        if self._process and self._process.stdin:
            with suppress(OSError):  # it died: the agent's own guard still ends the pulse
                self._process.stdin.write(json.dumps(order).encode() + b"\n")


WATCHDOG = Watchdog()


# The process


async def close(order: dict[str, Any]) -> bool:
    """Sends what ends the pulse until the board has answered. False when it never did."""
    end = time.monotonic() + TRY_S
    while time.monotonic() < end:
        bus = ModbusBus(Place(**order["place"]), 1.0)
        try:
            for unit, pdu, body in order["send"]:
                with suppress(DeviceRefused):
                    await bus.send(Request(unit, bytes.fromhex(pdu), body))
            return True
        except DeviceUnreachable:
            await asyncio.sleep(TRY_AGAIN_S)
        finally:
            bus.close()
    return False


async def main() -> None:
    armed: dict[str, tuple[float, dict[str, Any]]] = {}
    gone, told = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def end_now() -> None:
        told.set()
        gone.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, end_now)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def listen() -> None:
        async for line in reader:
            order = json.loads(line)
            if key := order.get("disarm"):
                armed.pop(key, None)
            else:
                armed[order["arm"]] = (time.monotonic() + order["in_s"], order)
        gone.set()

    listening = asyncio.create_task(listen())
    while not gone.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await gone.wait()
        for key, (due, order) in list(armed.items()):
            if time.monotonic() > due + OVERDUE_S and await close(order):
                armed.pop(key, None)
    listening.cancel()

    async def end(due: float, order: dict[str, Any]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await told.wait()
        await close(order)

    await asyncio.gather(*(end(due, order) for due, order in armed.values()))


if __name__ == "__main__":
    asyncio.run(main())
