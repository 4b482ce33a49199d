"""Meters behind one Modbus gateway: many unit ids on one TCP port, register maps from the data files in ``meters/``."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from simulators.device import BadRequest
from simulators.faults import Fault
from simulators.modbus_bank import GATEWAY_NO_RESPONSE, RegisterBank, exception_pdu
from simulators.modbus_device import LINE_FAULTS, ModbusDeviceSim

METERS_DIR = Path(__file__).parent / "meters"
STATUS_LEAK = 1
STATUS_FAULT = 2


def load_meter(name: str) -> dict[str, Any]:
    """The data file of one meter model. Raises ValueError with the known names."""
    path = METERS_DIR / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in METERS_DIR.glob("*.json")))
        raise ValueError(f"no meter model {name!r}; known: {known}")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def encode(value: float, kind: str) -> list[int]:
    """Registers of a value, high word first: f32 (IEEE 754), u32 (wraps at 2^32 as counters do), u16."""
    if kind == "f32":
        raw = struct.pack(">f", value)
    elif kind == "u32":
        raw = (math.floor(value) % 2**32).to_bytes(4, "big")
    elif kind == "u16":
        raw = (math.floor(value) % 2**16).to_bytes(2, "big")
    else:
        raise ValueError(f"unknown register type {kind!r}")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


class Meter:
    """One meter: its quantities in their units (kWh, m³, V, A, W, Hz) and the registers that show them."""

    def __init__(self, unit: int, model: str) -> None:
        self.unit = unit
        self.model = model
        self.data = load_meter(model)
        self.values: dict[str, float] = {p["quantity"]: float(p.get("default", 0.0)) for p in self.data["points"]}
        self.bank = RegisterBank(functions=frozenset({3, 4}))
        self.frozen: float | None = None

    @property
    def reading(self) -> float:
        """The counter itself, in ``data["reading_unit"]``."""
        return self.values[self.data["reading"]]

    def refresh(self, shown_reading: float) -> None:
        """Write the registers, with ``shown_reading`` for the counter (faults make it differ from the truth)."""
        for point in self.data["points"]:
            quantity = point["quantity"]
            value = shown_reading if quantity == self.data["reading"] else self.values[quantity]
            table = self.bank.inputs if point["table"] == "input" else self.bank.holding
            registers = encode(value * point.get("scale", 1) + (1e-6 if point["type"] == "u32" else 0), point["type"])
            table.update(enumerate(registers, start=point["address"]))


class ModbusMeterSim(ModbusDeviceSim):
    """One gateway with its meters.

    Config: host, port (0: any free one), transport ("tcp" | "rtu_over_tcp" | "rtu"), meters: list of {unit, model}. A unit that
    is not there answers exception 0x0B (gateway target did not respond) on TCP and nothing on RTU over TCP.
    """

    kind: ClassVar[str] = "modbus_meter"
    supported_faults: ClassVar[frozenset[Fault]] = LINE_FAULTS | {Fault.STUCK, Fault.BACKWARDS, Fault.JUMP}

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.meters = {int(m["unit"]): Meter(int(m["unit"]), str(m["model"])) for m in config["meters"]}
        if len(self.meters) != len(config["meters"]):
            raise ValueError(f"{code}: two meters with one unit id")

    async def on_fault(self, fault: Fault) -> None:
        """A stuck counter keeps what it showed."""
        await super().on_fault(fault)
        if fault is Fault.STUCK:
            for meter in self.meters.values():
                meter.frozen = meter.reading

    def set_reading(self, unit: int, value: float, quantity: str | None = None) -> None:
        """Set the true value of one meter, in the quantity's unit (counter: kWh or m³). Raises BadRequest."""
        meter = self.meters.get(unit)
        if meter is None:
            raise BadRequest(f"{self.code} has no unit {unit}")
        name = quantity or meter.data["reading"]
        if name not in meter.values:
            raise BadRequest(f"{meter.model} has no {name!r}; it has: {', '.join(sorted(meter.values))}")
        meter.values[name] = float(value)

    def set_status(self, unit: int, *, leak: bool = False, fault: bool = False) -> None:
        """Set the status word of a pulse_water unit."""
        self.set_reading(unit, STATUS_LEAK * leak + STATUS_FAULT * fault, "status")

    def shown(self, meter: Meter) -> float:
        """The counter as the registers show it now, faults included."""
        unit = meter.unit
        base = meter.frozen if meter.frozen is not None and self.faults.on(Fault.STUCK, unit) else meter.reading
        base -= self.faults.value(Fault.BACKWARDS, 10.0, unit)
        base += self.faults.value(Fault.JUMP, float(meter.data["jump"]), unit)
        return max(0.0, base)

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """What the gateway says to a request for a unit; None for silence."""
        meter = self.meters.get(unit)
        if meter is None:
            return exception_pdu(pdu[0], GATEWAY_NO_RESPONSE) if self.listener.transport == "tcp" else None
        meter.refresh(self.shown(meter))
        return meter.bank.answer(pdu)

    def state(self) -> dict[str, Any]:
        """Every meter's true and shown values."""
        return {
            **self.summary(),
            "port": self.port,
            "connections": self.listener.connections,
            "meters": [
                {
                    "unit": meter.unit,
                    "model": meter.model,
                    "values": dict(meter.values),
                    "shown": self.shown(meter),
                    "reading_unit": meter.data["reading_unit"],
                }
                for meter in self.meters.values()
            ],
        }
