"""Door boards on Modbus: bolt pulse, door magnet, exit button, card registers. The board families are data files.

A board holds no list: the edge decides, the driver tells what was presented and what the fire contact says, and moves the
bolt as it is told (`modbus_bolt`). What cannot be read is unknown: an unreadable fire contact is no all-clear.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from device_drivers import register_map
from device_drivers.config import read_config
from device_drivers.contract.device import DeviceInventory, DeviceStatus
from device_drivers.contract.events import DoorEvent, EdgeNote
from device_drivers.contract.words import (
    CommandKind,
    CommandOutcome,
    DeviceCondition,
    FireInput,
)
from device_drivers.door_watch import Debounced, DoorWatch
from device_drivers.driver import (
    Applied,
    CommandRequest,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    DriverEvent,
    DriverServices,
    FireContact,
    Operation,
    Picture,
    Upsert,
)
from device_drivers.modbus_bolt import Bolts
from device_drivers.modbus_bus import IllegalRequest, ModbusBus, NoAnswer
from device_drivers.modbus_door_config import ModbusDoorConfig, check
from device_drivers.modbus_reader import Reader
from device_drivers.modbus_scan import Bit, BitScan
from device_drivers.register_map import BitPoint, Board, RegisterTable

log = logging.getLogger(__name__)
DEFAULT_HOLD_S = CommandRequest(CommandKind.MOMENTARY_ACCESS).hold_s
STILL_WORKING = 5  # Modbus exception "acknowledge": taken, not yet done
SILENT_POLLS = 2  # polls in a row without an answer before the link counts as lost


_SAID = {None: "继电器状态读不到", True: "继电器读回为吸合（不知是否由此次开门引起）", False: "继电器读回为断开"}
RELAYS_S = 1.0  # the relays' poll group: they only matter when an answer is missing


class ModbusDoor:
    """A connected board. See `Driver`."""

    def __init__(self, device_id: str, config: ModbusDoorConfig, board: Board) -> None:
        self.device_id, self.config, self.board = device_id, config, board
        self.bus = ModbusBus(config.place(), config.timeout_s)
        self.points = tuple(f"door{n + 1}" for n in range(config.doors))
        self._scan = BitScan(self.bus, config.unit, self._bits())
        self._watch = {point: self._make_watch(point) for point in self.points}
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None
        self._unknown_map = ""
        self._reader = Reader(device_id, self.bus, config, self.points[0])
        self._relays_at = float("-inf")
        self.bolts = Bolts(device_id, self.bus, config.unit, board, config.doors)
        self._fire_contact = Debounced((board.fire.debounce_ms if board.fire else 0) / 1000)
        self._fire: FireInput | None = None

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
        if board.fire and self.config.fire_input:
            bits.append((board.fire.table, board.fire.at(self.config.fire_input - 1)))
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
        """Connect and hear one answer. Raises DeviceUnreachable."""
        await self.bus.connect()
        await self._hear()
        await self.bolts.start()

    async def _hear(self) -> None:
        if self._scan.bits:
            await self._scan.read()
        else:
            place = self.board.pulse.read_back
            table: RegisterTable = "input" if place and place.table == "input" else "holding"
            try:
                await self.bus.read_registers(self.config.unit, table, place.address if place else 0, 1)
                self._unknown_map = ""
            except IllegalRequest as error:  # a "no" is an answer too: somebody is there, but not this board
                self._unknown_map = str(error)
        self._seen = datetime.now(UTC)

    def _problems(self) -> str:
        """What the board refused to tell, and why; each once."""
        return "; ".join(dict.fromkeys((*self._scan.problems.values(), *filter(None, (self._unknown_map,)))))

    async def close(self) -> None:
        await self.bolts.stop()
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
        problems = self._problems()
        if self._fire is FireInput.UNKNOWN:
            problems = f"消防联动输入 {self.config.fire_input} 无法读取，状态未知（不等于没有火警）；{problems}"
        return DeviceStatus(
            DeviceCondition.FAULT if problems else DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._seen,
            detail="; ".join(filter(None, (problems, *self._reader.unreadable, self.bus.oddities))),
            model=self.board.title,
        )

    async def snapshot(self) -> Picture:
        raise DeviceRefused("a door board takes no pictures")

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        silent, period = 0, self.config.poll_ms / 1000
        due = time.monotonic()
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
            due = max(
                due + period, time.monotonic()
            )  # a slow answer does not stretch the period, and nothing is caught up
            await asyncio.sleep(due - time.monotonic())

    async def _poll(self) -> list[DriverEvent]:
        if not self._scan.bits:
            await self._hear()
            await self._look()
            return self._doors({})
        bits = await self._scan.read()
        self._seen = datetime.now(UTC)
        await self._look()
        events = self._fire_events(bits) + self._doors(bits)
        await self._let_out(events)
        if self.board.reader and self._value(self.board.reader.flag, 0, bits):
            events += await self._reader.read(self.board.reader)
        else:
            self._reader.idle()
        if self.board.restarted and self._value(self.board.restarted, 0, bits):
            with suppress(IllegalRequest):
                await self.bus.write_coil(self.config.unit, self.board.restarted.address, False)
            events.append(DriverEvent(EdgeNote("device_restarted", "the board says it was restarted")))
        return events

    async def _look(self) -> None:
        if time.monotonic() - self._relays_at >= RELAYS_S:
            self._relays_at = time.monotonic()
            await self.bolts.look()

    def _fire_events(self, bits: dict[Bit, bool | None]) -> list[DriverEvent]:
        """The contact's state at the first look and at each change."""
        if self.board.fire is None or not self.config.fire_input:
            return []
        raw = self._value(self.board.fire, self.config.fire_input - 1, bits, self.config.fire_invert)
        active = self._fire_contact.feed(raw, time.monotonic())
        state = FireInput.UNKNOWN if active is None else FireInput.FIRE if active else FireInput.QUIET
        if state is self._fire:
            return []
        self._fire = state
        why = self._problems() if state is FireInput.UNKNOWN else ""
        return [DriverEvent(FireContact(state, why or f"输入 {self.config.fire_input}"))]

    async def _let_out(self, events: list[DriverEvent]) -> None:
        """Where the exit button hangs on the board alone, a press opens: no mode and no list has a say in it."""
        if not self.config.exit_opens:
            return
        for event in events:
            if isinstance(event.body, DoorEvent) and event.body.request_to_exit:
                outcome, text = await self.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, event.body.point))
                if outcome is not CommandOutcome.DONE:
                    log.error("%s: exit button at %s: %s %s", self.device_id, event.body.point, outcome, text)

    def _doors(self, bits: dict[Bit, bool | None]) -> list[DriverEvent]:
        now, found = time.monotonic(), []
        why = self._problems() or "no door magnet on this board"
        for channel, point in enumerate(self.points):
            magnet = self._value(self.board.magnet, channel, bits, self.config.magnet_invert)
            button = self._value(self.board.exit, channel, bits, self.config.exit_invert)
            found += [DriverEvent(body) for body in self._watch[point].feed(magnet, button, now, why)]
        return found

    # Commands

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        point = request.point or self.points[0]
        if point not in self.points:
            return CommandOutcome.REFUSED, f"no point {point!r}; this board has {', '.join(self.points)}"
        channel = self.points.index(point)
        try:
            await self.bus.connect()
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        try:
            match request.kind:
                case CommandKind.MOMENTARY_ACCESS:
                    return await self._open_once(point, channel, request)
                case CommandKind.LOCK_OPEN | CommandKind.RELEASE if self.board.hold is None:
                    return CommandOutcome.UNSUPPORTED, f"板型 {self.board.title} 不能保持常开；门未改变，请到现场操作"
                case CommandKind.LOCK_OPEN:
                    self._watch[point].hold()
                    await self.bolts.hold(channel)
                case CommandKind.RELEASE:
                    self._watch[point].let_go(time.monotonic())
                    await self.bolts.let_go(channel)
                case _:
                    return CommandOutcome.UNSUPPORTED, f"{request.kind}: 门控板本身只能开门和保持常开，其余由边缘机判定"
        except NoAnswer as error:
            return CommandOutcome.UNCERTAIN, f"sent once, {error}"
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        except IllegalRequest as error:
            working = error.code == STILL_WORKING
            return CommandOutcome.UNCERTAIN if working else CommandOutcome.REFUSED, str(error)
        return CommandOutcome.DONE, ""

    async def _open_once(self, point: str, channel: int, request: CommandRequest) -> tuple[CommandOutcome, str]:
        if self.bolts.held(channel):  # the end of a timed pulse would end the hold
            return CommandOutcome.DONE, "门已处于常开状态"
        seconds = self.config.pulse_s if request.hold_s == DEFAULT_HOLD_S else request.hold_s
        self._watch[point].release(time.monotonic(), seconds)
        was_off = self.bolts.was_off(channel)
        try:
            await self.bolts.pulse(channel, seconds)
        except NoAnswer as error:
            on = await self.bolts.is_on(channel)
            if on and was_off:
                return CommandOutcome.DONE, "只发送了一次，没有应答；继电器之前断开，现读回为吸合"
            return CommandOutcome.UNCERTAIN, f"sent once, {error}；{_SAID[on]}"
        began = time.monotonic()
        on = await self.bolts.is_on(channel)
        stands = on is False and time.monotonic() - began < seconds / 2
        return CommandOutcome.DONE, "板已应答，但继电器读回为断开：请核对板型与接线" if stands else ""


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> ModbusDoor:
    """Raises ConfigError, DeviceUnreachable."""
    settings = read_config(config, ModbusDoorConfig)
    settings.check_unit(settings.unit)
    board = register_map.board(settings.board)
    check(settings, board)
    driver = ModbusDoor(device_id, settings, board)
    try:
        await driver.open()
    except DriverError:
        await driver.close()
        raise
    return driver
