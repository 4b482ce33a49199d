"""One connection of a line: a TCP stream or a serial port, made anew each time. What an older one still says is not heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from device_drivers.modbus_place import Place

CONNECT_S = 3.0


class Wire(asyncio.Protocol):
    """Tells its owner what came in, and once that it is over, until it is let go."""

    def __init__(self, heard: Callable[[bytes], None], lost: Callable[[Exception | None], None]) -> None:
        self._heard, self._lost = heard, lost
        self.transport: asyncio.Transport | None = None
        self.gone = False

    def data_received(self, data: bytes) -> None:
        if not self.gone:
            self._heard(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.gone:
            self.gone = True
            self._lost(exc)

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        assert self.transport is not None
        self.transport.write(data)

    def let_go(self) -> None:
        """Ends it; nothing more is told."""
        self.gone = True
        if self.transport is not None:
            with suppress(OSError):  # a serial port whose adapter is gone
                self.transport.abort()


async def open_wire(place: Place, wire: Wire) -> str:
    """Why it failed, or nothing."""
    try:
        async with asyncio.timeout(CONNECT_S):
            wire.transport = await (_serial(place, wire) if place.transport == "rtu" else _tcp(place, wire))
    except TimeoutError:
        return f"{place}: no connection within {CONNECT_S:g} s"
    except (OSError, ValueError) as error:  # a serial port that is not there, a name that cannot be one
        return f"{place}: {error}"
    return ""


async def _tcp(place: Place, wire: Wire) -> asyncio.Transport:
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: wire, place.host, place.port)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return transport


async def _serial(place: Place, wire: Wire) -> asyncio.Transport:
    from pymodbus.transport.serialtransport import create_serial_connection

    transport, _ = await create_serial_connection(
        asyncio.get_running_loop(),
        lambda: wire,
        place.host,
        baudrate=place.baud,
        bytesize=8,
        parity=place.parity,
        stopbits=place.stop_bits,
        timeout=0,
    )
    return transport
