"""What every simulated device on a Modbus line has in common: its place on the line, and how the line goes wrong."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, get_args

from simulators.device import DeviceSim
from simulators.faults import Fault
from simulators.modbus_wire import ModbusListener, Transport

LINE_FAULTS = frozenset(
    {
        Fault.SILENT,
        Fault.SLOW,
        Fault.LATE_REPLY,
        Fault.LOST_REPLY,
        Fault.CUT,
        Fault.EXCEPTION,
        Fault.OUT_OF_RANGE,
        Fault.GARBAGE,
    }
)


class ModbusDeviceSim(DeviceSim):
    """Config: host, port (0: any free one), transport ("tcp" | "rtu_over_tcp" | "rtu": a serial line, whose path is
    `listener.serial_path`).
    """

    supported_faults: ClassVar[frozenset[Fault]] = LINE_FAULTS

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        transport: Transport = config.get("transport", "tcp")
        if transport not in get_args(Transport):
            raise ValueError(f"transport must be one of {', '.join(get_args(Transport))}, not {transport!r}")
        self.listener = ModbusListener(
            str(config.get("host", "127.0.0.1")), int(config.get("port", 0)), transport, self.faults, self.answer
        )

    @abstractmethod
    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """What is said to a request for a unit; None for silence."""

    async def start(self) -> None:
        """Power on and listen; ``port`` and ``listener.serial_path`` then tell where."""
        self.power_on()
        await self.listener.start()

    async def stop(self) -> None:
        """Off the line, and power off."""
        await self.listener.stop()
        self.power_off()

    def power_on(self) -> None:
        """As after a power loss."""

    def power_off(self) -> None:
        """What falls without power falls."""

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self.listener.port

    async def on_fault(self, fault: Fault) -> None:
        """Torn connections, and what a power loss resets."""
        if fault in (Fault.CUT, Fault.RESTART):
            self.listener.cut()
        if fault is Fault.RESTART:
            self.power_on()
