"""Meters behind one Modbus connection: many units, each with a model from the data files.

A dead unit costs one timeout and is then asked ever more rarely (up to 10 minutes), so it does not slow its neighbours.
A reading is told at the start, when it changed, and at least hourly; a fault or an impossible value is told as such:
never as an absence of use.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from device_drivers import register_map
from device_drivers.config import read_config
from device_drivers.contract.device import DeviceInventory, DeviceStatus
from device_drivers.contract.events import MeterReading
from device_drivers.contract.words import CommandOutcome, DeviceCondition
from device_drivers.driver import (
    Applied,
    CommandRequest,
    ConfigError,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    DriverEvent,
    DriverServices,
    Operation,
    Picture,
    Upsert,
)
from device_drivers.modbus_bus import BusConfig, IllegalRequest, ModbusBus, NoAnswer
from device_drivers.register_map import Meter, MeterValue, StatusBits
from device_drivers.register_value import value_of

TELL_AT_LEAST_S = 3600.0
BACK_OFF_MAX_S = 600.0
DOUBLINGS = 30  # more are longer than any pause, and in the end no number
NAMED = 3  # meters named in a status text


class MeterUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One meter on the bus."""

    point: Annotated[str, Meta(title="点位", description="Name of the meter's point on this device", min_length=1)]
    unit: Annotated[int, Meta(title="站号", description="Modbus unit id", ge=0, le=255)]
    model: Annotated[str, Meta(title="型号", description="Meter model (a file in registers/meters)")]


class ModbusMeterConfig(BusConfig, frozen=True, kw_only=True):
    """Settings of a meter gateway, or of the meters on one serial port."""

    poll_s: Annotated[float, Meta(title="抄表间隔（秒）", description="Poll period, seconds", gt=0, le=86400)] = 60.0
    meters: Annotated[tuple[MeterUnit, ...], Meta(title="表计", description="The meters on this bus", min_length=1)]


def _now() -> float:
    return asyncio.get_running_loop().time()


def judge(model: Meter, point: str, value: float, status: int, last: float | None) -> MeterReading:
    """What is said of a reading; `last` is the one before, `status` the raw status word (0 without one). Pure."""
    problems: list[str] = []
    notes: list[str] = []
    if model.status:
        problems += [text for bit, text in model.status.faults.items() if status >> int(bit) & 1]
        notes += [text for bit, text in model.status.notes.items() if status >> int(bit) & 1]
    finite = math.isfinite(value)
    if not finite or not 0 <= value <= model.maximum:
        problems.append(f"impossible value {value:g}")
    elif last is not None and value < last:
        problems.append(f"went backwards from {last:g}")
    text = "; ".join(problems + notes)
    return MeterReading(model.quantity, value if finite else None, point, ok=not problems, text=text)


@dataclass(slots=True)
class _Line:
    """A meter with what we know of it: when to ask again, what was told last, the last plausible value."""

    spec: MeterUnit
    model: Meter
    due: float = 0.0
    misses: int = 0
    error: str = ""  # why it gives no value: silence, or an exception (a wrong register map answers, and says nothing)
    told: MeterReading | None = None
    told_at: float = 0.0
    last: float | None = None
    word: int = 0  # the status as last read
    word_due: float = 0.0

    def news(self, reading: MeterReading, now: float) -> bool:
        same = self.told == reading and now - self.told_at < TELL_AT_LEAST_S
        if not same:
            self.told, self.told_at = reading, now
        return not same


class ModbusMeters:
    """A connected gateway. See `Driver`."""

    def __init__(self, device_id: str, config: ModbusMeterConfig) -> None:
        self.device_id, self.config = device_id, config
        self.bus = ModbusBus(config.place(), config.timeout_s)
        self._lines = [_Line(m, register_map.meter(m.model)) for m in config.meters]
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None

    async def open(self) -> None:
        await self.bus.connect()

    async def close(self) -> None:
        self.bus.close()

    async def inventory(self) -> DeviceInventory:
        return DeviceInventory(held=(), read_at=datetime.now(UTC))

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        return tuple(
            Applied(o, CredentialRefused(o.credential.token, "no_list", "meters hold no credentials"))
            if isinstance(o, Upsert)
            else Applied(o)
            for o in operations
        )

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        return CommandOutcome.UNSUPPORTED, f"{request.kind}: 水电表不接受命令"

    async def snapshot(self) -> Picture:
        raise DeviceRefused("a meter takes no pictures")

    async def status(self) -> DeviceStatus:
        bad = [line for line in self._lines if line.error]
        condition = DeviceCondition.FAULT if bad else DeviceCondition.ONLINE
        observing = len(bad) < len(self._lines)
        detail = "; ".join(filter(None, (_said(bad, len(self._lines)), self.bus.oddities)))
        return DeviceStatus(condition, self._since, last_seen_at=self._seen, detail=detail, observing=observing)

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            for line in self._lines:
                if line.due > _now():
                    continue
                reading = await self._ask(line)
                if line.news(reading, _now()):
                    yield DriverEvent(reading)
            if all(line.misses for line in self._lines):
                raise DeviceUnreachable(f"none of {len(self._lines)} meters answers")
            wait = min(line.due for line in self._lines) - _now()
            await asyncio.sleep(max(wait, 0.0))

    async def _ask(self, line: _Line) -> MeterReading:
        """One reading, or an honest "no answer". Raises DeviceUnreachable when the connection itself is gone."""
        quantity, point = line.model.quantity, line.spec.point
        await self.bus.connect()
        try:
            value, status = await self._read(line)
        except NoAnswer:
            line.misses += 1
            line.error = "no answer"
            line.due = _now() + min(self.config.poll_s * 2 ** min(line.misses, DOUBLINGS), BACK_OFF_MAX_S)
            return MeterReading(quantity, None, point, ok=False, text="no answer")
        except IllegalRequest as error:
            self._answered(line, str(error))
            return MeterReading(quantity, None, point, ok=False, text=str(error))
        self._answered(line, "")
        self._seen = datetime.now(UTC)
        reading = judge(line.model, point, value, status, line.last)
        if math.isfinite(value) and 0 <= value <= line.model.maximum:
            line.last = value
        return reading

    def _answered(self, line: _Line, error: str) -> None:
        line.misses, line.error = 0, error
        line.due = _now() + (line.model.value.every_s or self.config.poll_s)

    async def _read(self, line: _Line) -> tuple[float, int]:
        spec, status, unit = line.model.value, line.model.status, line.spec.unit
        if status is None or _now() < line.word_due:
            return value_of(spec, await self.bus.read_registers(unit, spec.table, spec.address, spec.count)), line.word
        if _adjacent(spec, status):
            count = status.address - spec.address + 1
            registers = await self.bus.read_registers(unit, spec.table, spec.address, count)
            value, line.word = value_of(spec, registers[: spec.count]), registers[-1]
        else:
            value = value_of(spec, await self.bus.read_registers(unit, spec.table, spec.address, spec.count))
            line.word = (await self.bus.read_registers(unit, status.table, status.address, 1))[0]
        line.word_due = _now() + (status.every_s or 0.0)
        return value, line.word


def _said(bad: list[_Line], of: int) -> str:
    """Which meters give no value and why, the first few by name: "1 of 2 meters give no value: …"."""
    if not bad:
        return ""
    named = [f"{line.spec.point} (unit {line.spec.unit}): {line.error}" for line in bad[:NAMED]]
    more = [f"and {len(bad) - NAMED} more"] if len(bad) > NAMED else []
    return f"{len(bad)} of {of} meters give no value: {'; '.join(named + more)}"


def _adjacent(value: MeterValue, status: StatusBits) -> bool:
    return value.table == status.table and 0 < status.address - value.address <= 16


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> ModbusMeters:
    """Raises ConfigError, DeviceUnreachable."""
    settings = read_config(config, ModbusMeterConfig)
    points = [m.point for m in settings.meters]
    if len(set(points)) != len(points):
        raise ConfigError("meters: two of them have the same point")
    for meter in settings.meters:
        settings.check_unit(meter.unit)
    driver = ModbusMeters(device_id, settings)
    try:
        await driver.open()
    except DriverError:
        await driver.close()
        raise
    return driver
