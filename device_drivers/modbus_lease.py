"""Which line leads to a place: one for all devices of this process that stand there, until the last has left."""

from __future__ import annotations

import asyncio

from device_drivers.driver import ConfigError
from device_drivers.modbus_line import Line
from device_drivers.modbus_place import Place, Transport

_LINES: dict[tuple[asyncio.AbstractEventLoop, str, Transport], Line] = {}


def lease(place: Place) -> Line:
    """The line at a place, shared by all who use it; give it back with `release`. Raises ConfigError."""
    key = (asyncio.get_running_loop(), str(place), place.transport)
    line = _LINES.get(key)
    if line is None:
        line = _LINES[key] = Line(place)
    mine = (place.baud, place.parity, place.stop_bits)
    theirs = (line.place.baud, line.place.parity, line.place.stop_bits)
    if place.transport == "rtu" and mine != theirs:
        raise ConfigError(f"baud: {place} is used at {theirs[0]} 8{theirs[1]}{theirs[2]} by another device of this box")
    line.users += 1
    return line


def release(line: Line) -> None:
    """Closes it after the last user."""
    line.users -= 1
    if line.users > 0:
        return
    line.close()
    for key in [key for key, known in _LINES.items() if known is line]:
        del _LINES[key]
