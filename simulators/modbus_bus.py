"""One bus with many units on it: door boards and meters behind one gateway, or on one serial line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from simulators.device import BadRequest
from simulators.faults import Fault
from simulators.modbus_bank import GATEWAY_NO_RESPONSE, exception_pdu
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_device import LINE_FAULTS, ModbusDeviceSim
from simulators.modbus_meter import ModbusMeterSim


class ModbusBusSim(ModbusDeviceSim):
    """Config: host, port (0: any free one), transport ("tcp" | "rtu_over_tcp" | "rtu"), units: list of {unit, board, …} as a
    board's config, or {unit, model} as a meter's.

    A unit that is not there answers exception 0x0B on TCP, nothing on RTU. Faults may name one unit.
    """

    kind: ClassVar[str] = "modbus_bus"
    supported_faults: ClassVar[frozenset[Fault]] = LINE_FAULTS | {Fault.RESTART}

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.boards: dict[int, ModbusBoardSim] = {}
        self.meters: dict[int, ModbusMeterSim] = {}
        for one in config["units"]:
            unit = int(one["unit"])
            if unit in self.boards or unit in self.meters:
                raise ValueError(f"{code}: two units with the number {unit}")
            if "board" in one:
                self.boards[unit] = ModbusBoardSim(f"{code}-{unit}", one)
            else:
                self.meters[unit] = ModbusMeterSim(f"{code}-{unit}", {"meters": [one]})

    def power_on(self) -> None:
        """Of every board."""
        for board in self.boards.values():
            board.power_on()

    def power_off(self) -> None:
        """Of every board."""
        for board in self.boards.values():
            board.power_off()

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """What the bus says to a request; None for silence."""
        if unit == 0:  # broadcast: all do it, none answers
            for board in self.boards.values():
                board.answer(0, pdu)
            return None
        if unit in self.boards:
            return self.boards[unit].answer(unit, pdu)
        if unit in self.meters:
            return self.meters[unit].answer(unit, pdu)
        return exception_pdu(pdu[0], GATEWAY_NO_RESPONSE) if self.listener.transport == "tcp" else None

    def board(self, unit: int) -> ModbusBoardSim:
        """Raises BadRequest."""
        if unit not in self.boards:
            raise BadRequest(f"{self.code} has no board {unit}")
        return self.boards[unit]

    def state(self) -> dict[str, Any]:
        """Every unit, and the line."""
        return {
            **self.summary(),
            "port": self.port,
            "serial_path": self.listener.serial_path,
            "connections": self.listener.connections,
            "boards": {unit: board.state() for unit, board in self.boards.items()},
            "meters": {unit: meter.state()["meters"][0] for unit, meter in self.meters.items()},
        }
