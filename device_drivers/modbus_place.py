"""Where a Modbus line is, and how long a byte takes there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from device_drivers.modbus_frames import Framing

Transport = Literal["tcp", "rtu_over_tcp", "rtu"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line is. `host` is a serial device's path for `rtu`, where `port` has no meaning."""

    host: str
    port: int = 502
    transport: Transport = "tcp"
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    quiet_s: float = 1.0

    @property
    def framing(self) -> Framing:
        return "tcp" if self.transport == "tcp" else "rtu"

    @property
    def byte_s(self) -> float:
        """Seconds that one byte takes; 0 on TCP."""
        return (9 + self.stop_bits + (self.parity != "N")) / self.baud if self.transport == "rtu" else 0.0

    @property
    def gap_s(self) -> float:
        """Silence between frames on a serial line: 3.5 characters, at least 1.75 ms."""
        return max(0.00175, 3.5 * self.byte_s) if self.transport == "rtu" else 0.0

    def __str__(self) -> str:
        return self.host if self.transport == "rtu" else f"{self.host}:{self.port}"
