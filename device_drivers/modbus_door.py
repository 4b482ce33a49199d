"""Door boards on Modbus: bolt pulse, door magnet, exit button, card registers. The board families are data files.

A board holds no list: the edge decides, the driver tells what was presented. A pulse goes out exactly once; silence is
UNCERTAIN. A board without a timer of its own has a guard here that switches the bolt off again, and keeps trying.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from device_drivers import card_number, register_map
from device_drivers.config import read_config
from device_drivers.contract.access import Identifier
from device_drivers.contract.device import DeviceInventory, DeviceStatus
from device_drivers.contract.events import EdgeNote
from device_drivers.contract.words import (
    CommandKind,
    CommandOutcome,
    DeviceCondition,
    IdentifierType,
)
from device_drivers.door_watch import Debounced, DoorWatch
from device_drivers.driver import (
    Applied,
    CommandRequest,
    ConfigError,
    CredentialPresented,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverEvent,
    DriverServices,
    Operation,
    Upsert,
)
from device_drivers.modbus_bus import IllegalRequest, ModbusBus, NoAnswer, Transport
from device_drivers.modbus_scan import Bit, BitScan
from device_drivers.register_map import BitPoint, Board, CardRegisters

log = logging.getLogger(__name__)
GUARD_TRIES = 20
DEFAULT_HOLD_S = CommandRequest(CommandKind.MOMENTARY_ACCESS).hold_s
SILENT_POLLS = 2  # polls in a row without an answer before the link counts as lost


class ModbusDoorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a door board."""

    host: Annotated[str, Meta(title="主机", description="IP address or name of the board or its gateway", min_length=1)]
    port: Annotated[int, Meta(title="端口", description="TCP port", ge=1, le=65535)] = 502
    unit: Annotated[int, Meta(title="站号", description="Modbus unit id", ge=0, le=255)] = 1
    board: Annotated[str, Meta(title="板型", description="Board family (a file in registers/boards)")]
    transport: Annotated[Transport, Meta(title="传输", description="Framing on the TCP connection")] = "tcp"
    doors: Annotated[int, Meta(title="门数", description="Doors on this board, from channel 0", ge=1, le=32)] = 1
    pulse_s: Annotated[float, Meta(title="开锁时长（秒）", description="Bolt release, seconds", gt=0, le=60)] = 3.0
    poll_ms: Annotated[int, Meta(title="轮询间隔（毫秒）", description="Poll period, ms", ge=20, le=10000)] = 100
    timeout_s: Annotated[float, Meta(title="超时（秒）", description="Wait for an answer, seconds", gt=0, le=30)] = 1.0
    grace_s: Annotated[
        float, Meta(title="开门宽限（秒）", description="An opening this long after a release is not forced", ge=0)
    ] = 5.0
    held_open_after_s: Annotated[float, Meta(title="超时未关（秒）", description="Held-open alarm after", gt=0)] = 120.0
    magnet_invert: Annotated[
        bool | None, Meta(title="门磁取反", description="Overrides the board's magnet polarity")
    ] = None
    exit_invert: Annotated[
        bool | None, Meta(title="出门按钮取反", description="Overrides the board's exit button polarity")
    ] = None
    reader: Annotated[
        card_number.Rendering, Meta(title="卡号格式", description="hex_reversed/decimal_reversed: bytes are swapped")
    ] = "decimal"


class ModbusDoor:
    """A connected board. See `Driver`."""

    def __init__(self, device_id: str, config: ModbusDoorConfig, board: Board) -> None:
        self.device_id, self.config, self.board = device_id, config, board
        self.bus = ModbusBus(config.host, config.port, config.transport, config.timeout_s)
        self.points = tuple(f"door{n + 1}" for n in range(config.doors))
        self._scan = BitScan(self.bus, config.unit, self._bits())
        self._watch = {point: self._make_watch(point) for point in self.points}
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None
        self._uncleared = ""
        self._guards: dict[int, asyncio.Task[None]] = {}
        self._on_coils: set[int] = set()

    # Points

    def _bits(self) -> tuple[Bit, ...]:
        board = self.board
        bits: list[Bit] = []
        for point in (board.magnet, board.exit):
            if point:
                bits += [(point.table, point.at(n)) for n in range(self.config.doors)]
        if board.reader:
            bits.append((board.reader.flag.table, board.reader.flag.address))
        if board.restarted:
            bits.append((board.restarted.table, board.restarted.address))
        if not bits and board.probe:
            bits.append((board.probe.table, board.probe.address))
        return tuple(bits)

    def _make_watch(self, point: str) -> DoorWatch:
        def settle(bit: BitPoint | None) -> Debounced:
            return Debounced((bit.debounce_ms if bit else 0) / 1000)

        return DoorWatch(
            point,
            self.config.grace_s,
            self.config.held_open_after_s,
            settle(self.board.magnet),
            settle(self.board.exit),
        )

    @staticmethod
    def _value(
        point: BitPoint | None, channel: int, bits: dict[Bit, bool | None], invert: bool | None = None
    ) -> bool | None:
        if point is None or (raw := bits.get((point.table, point.at(channel)))) is None:
            return None
        return raw != (point.invert if invert is None else invert)

    # Life

    async def open(self) -> None:
        """Connect and hear one answer. A bolt left on by a crash of ours is switched off. Raises DeviceUnreachable."""
        await self.bus.connect()
        if not self.board.pulse.device_side:
            for channel in range(self.config.doors):
                await self._switch_off_once(self.board.pulse.address + channel * self.board.pulse.step)
        await self._hear()

    async def _hear(self) -> None:
        if self._scan.bits:
            await self._scan.read()
        else:
            with suppress(IllegalRequest):  # a "no" is an answer too
                await self.bus.read_registers(self.config.unit, "holding", self.board.pulse.address, 1)
        self._seen = datetime.now(UTC)

    async def close(self) -> None:
        for task in self._guards.values():
            task.cancel()
        await asyncio.gather(*self._guards.values(), return_exceptions=True)
        for address in tuple(self._on_coils):
            with suppress(DeviceUnreachable):
                await self._switch_off_once(address)
        self.bus.close()

    async def inventory(self) -> DeviceInventory:
        """A board holds no list."""
        await self._hear()
        return DeviceInventory(held=(), read_at=datetime.now(UTC))

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        return tuple(
            Applied(
                operation,
                CredentialRefused(operation.credential.token, "no_list", "this board holds no list; the edge decides")
                if isinstance(operation, Upsert)
                else None,
            )
            for operation in operations
        )

    async def status(self) -> DeviceStatus:
        problems = "; ".join(dict.fromkeys(self._scan.problems.values()))
        return DeviceStatus(
            DeviceCondition.FAULT if problems else DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._seen,
            detail=problems,
            model=self.board.title,
        )

    async def snapshot(self) -> bytes:
        raise DeviceRefused("a door board takes no pictures")

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        silent = 0
        while True:
            try:
                found = await self._poll()
                silent = 0
            except NoAnswer as error:
                silent += 1
                if silent >= SILENT_POLLS:
                    raise DeviceUnreachable(str(error)) from error
                found = []
            for event in found:
                yield event
            await asyncio.sleep(self.config.poll_ms / 1000)

    async def _poll(self) -> list[DriverEvent]:
        if not self._scan.bits:
            await self._hear()
            return self._doors({})
        bits = await self._scan.read()
        self._seen = datetime.now(UTC)
        events = self._doors(bits)
        if self.board.reader and self._value(self.board.reader.flag, 0, bits):
            events += await self._card(self.board.reader)
        else:
            self._uncleared = ""
        if self.board.restarted and self._value(self.board.restarted, 0, bits):
            with suppress(IllegalRequest):
                await self.bus.write_coil(self.config.unit, self.board.restarted.address, False)
            events.append(DriverEvent(EdgeNote("device_restarted", "the board says it was restarted")))
        return events

    def _doors(self, bits: dict[Bit, bool | None]) -> list[DriverEvent]:
        now, found = time.monotonic(), []
        why = "; ".join(dict.fromkeys(self._scan.problems.values())) or "no door magnet on this board"
        for channel, point in enumerate(self.points):
            magnet = self._value(self.board.magnet, channel, bits, self.config.magnet_invert)
            button = self._value(self.board.exit, channel, bits, self.config.exit_invert)
            found += [DriverEvent(body) for body in self._watch[point].feed(magnet, button, now, why)]
        return found

    async def _card(self, reader: CardRegisters) -> list[DriverEvent]:
        """Read, then clear the flag. A card whose flag could not be cleared is not told twice."""
        try:
            registers = await self.bus.read_registers(self.config.unit, reader.table, reader.address, reader.count)
        except IllegalRequest as error:
            log.warning("%s: card registers: %s", self.device_id, error)
            registers = ()
        number = self._card_number(reader, registers)
        told = number == self._uncleared
        self._uncleared = number
        try:
            await self.bus.write_coil(self.config.unit, reader.flag.address, False)
            self._uncleared = ""
        except (NoAnswer, IllegalRequest) as error:
            log.warning("%s: card flag not cleared: %s", self.device_id, error)
        if not number or told:
            return []
        identifier = Identifier(IdentifierType.CARD, number)
        return [DriverEvent(CredentialPresented(self.points[0], identifier))]

    def _card_number(self, reader: CardRegisters, registers: tuple[int, ...]) -> str:
        if reader.packing == "low_byte":
            raw = bytes(r & 0xFF for r in registers)
        else:
            raw = card_number.from_registers(
                registers, words_reversed=reader.words_reversed, bytes_swapped=reader.bytes_swapped
            )
        try:
            if self.config.reader.endswith("_reversed"):
                return card_number.from_bytes(raw.lstrip(b"\0"), reverse=True)
            return card_number.from_bytes(raw)
        except card_number.CardNumberError as error:
            log.warning("%s: unreadable card: %s", self.device_id, error)
            return ""

    # Commands

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        if request.kind != CommandKind.MOMENTARY_ACCESS:
            return CommandOutcome.UNSUPPORTED, f"{request.kind}: 门控板只能开门一次，锁闭或常开请到现场操作"
        point = request.point or self.points[0]
        if point not in self.points:
            return CommandOutcome.REFUSED, f"no point {point!r}; this board has {', '.join(self.points)}"
        seconds = self.config.pulse_s if request.hold_s == DEFAULT_HOLD_S else request.hold_s
        try:
            await self.bus.connect()
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        self._watch[point].release(time.monotonic(), seconds)
        try:
            await self._pulse(self.points.index(point), seconds)
        except NoAnswer as error:
            return CommandOutcome.UNCERTAIN, f"pulse sent once, {error}"
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        except IllegalRequest as error:
            return CommandOutcome.REFUSED, str(error)
        return CommandOutcome.DONE, ""

    async def _pulse(self, channel: int, seconds: float) -> None:
        pulse, unit = self.board.pulse, self.config.unit
        address, ticks = pulse.address + channel * pulse.step, pulse.ticks(seconds)
        match pulse.shape:
            case "coil_self_timed":
                await self.bus.write_coil(unit, address, True)
            case "timed_registers":
                await self.bus.write_registers(unit, address, (pulse.code, ticks))
            case "coil_value":
                await self.bus.write_coil_value(unit, address, ticks)
            case "command_word":
                await self.bus.write_register(unit, address, pulse.code << 8 | ticks)
            case "coil_driver_timed":
                self._guard(address, seconds)  # before the pulse: also a pulse that got no answer must end
                await self.bus.write_coil(unit, address, True)

    def _guard(self, address: int, seconds: float) -> None:
        self._on_coils.add(address)
        if older := self._guards.get(address):
            older.cancel()  # a second pulse prolongs the first; the older guard must not cut it short
        task = asyncio.create_task(self._end_pulse(address, seconds), name=f"{self.device_id} bolt guard")
        self._guards[address] = task

    async def _end_pulse(self, address: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for attempt in range(GUARD_TRIES):  # switching off may be repeated: it can only close
            with suppress(DeviceUnreachable):
                await self._switch_off_once(address)
                return
            await asyncio.sleep(min(0.2 * (attempt + 1), 2.0))
        log.error("%s: bolt coil %d could not be switched off", self.device_id, address)

    async def _switch_off_once(self, address: int) -> None:
        try:
            await self.bus.write_coil(self.config.unit, address, False)
        except IllegalRequest as error:
            log.error("%s: bolt coil %d: %s", self.device_id, address, error)
        self._on_coils.discard(address)


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> ModbusDoor:
    """Raises ConfigError, DeviceUnreachable."""
    settings = read_config(config, ModbusDoorConfig)
    board = register_map.board(settings.board)
    if settings.doors > board.channels:
        raise ConfigError(f"doors: {settings.doors}, but the board {board.board} has {board.channels}")
    driver = ModbusDoor(device_id, settings, board)
    try:
        await driver.open()
    except DeviceUnreachable:
        await driver.close()
        raise
    return driver
