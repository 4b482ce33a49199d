"""Door boards on Modbus: bolt pulse, door magnet, exit button, card registers. The board families are data files.

A board holds no list: the edge decides, the driver tells what was presented and what the fire contact says, and moves the
bolt as it is told (`modbus_bolt`). What cannot be read is unknown: an unreadable fire contact is no all-clear.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from device_drivers import register_map
from device_drivers.config import read_config
from device_drivers.contract.device import DeviceInventory, DeviceStatus
from device_drivers.contract.events import DoorEvent, EdgeNote
from device_drivers.contract.words import CommandKind, CommandOutcome, DeviceCondition, FireInput
from device_drivers.driver import (
    Applied,
    CommandRequest,
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
from device_drivers.modbus_bolt import Bolts
from device_drivers.modbus_bus import IllegalRequest, ModbusBus, NoAnswer
from device_drivers.modbus_door_config import ModbusDoorConfig, check
from device_drivers.modbus_frames import Request, read_registers
from device_drivers.modbus_gauges import Gauges
from device_drivers.modbus_points import Points, value
from device_drivers.modbus_reader import Reader
from device_drivers.modbus_scan import BitScan
from device_drivers.modbus_watch import UnitWatch
from device_drivers.register_map import BitPoint, Board

log = logging.getLogger(__name__)
DEFAULT_HOLD_S = CommandRequest(CommandKind.MOMENTARY_ACCESS).hold_s
STILL_WORKING = 5  # Modbus exception "acknowledge": taken, not yet done
EXIT_AGAIN_S = (0.1, 0.3, 0.6)  # a board that was busy as the exit button was pressed is told again

_SAID = {None: "继电器状态读不到", True: "继电器读回为吸合（不知是否由此次开门引起）", False: "继电器读回为断开"}


class ModbusDoor:
    """A connected board. See `Driver`."""

    def __init__(self, device_id: str, config: ModbusDoorConfig, board: Board) -> None:
        self.device_id, self.config, self.board = device_id, config, board
        self.bus = ModbusBus(config.place(), config.timeout_s)
        self.points = Points(config, board)
        self.bolts = Bolts(device_id, self.bus, config.unit, board, config.doors)
        bits = self.points.bits()
        self._scan = BitScan(self.bus, config.unit, tuple(bits))
        self._watch = UnitWatch(self.bus, config.unit, bits, self._scan.problems)
        self._gauges = Gauges(config.unit, board.gauges)
        self._gauges.watch(self._watch)
        if look := self.bolts.look():
            self._watch.also(*look, self.bolts.looked)
        elif not bits:
            self._watch.also(self._anything(), 1.0, lambda _pdu, _now: None)
        self._reader = Reader(device_id, self.bus, config, self.points.names[0])
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None
        self._unknown_map = ""
        self._restarted = False  # its flag is up, and was told

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
            try:
                await self.bus.read(self._anything())
                self._unknown_map = ""
            except IllegalRequest as error:  # a "no" is an answer too: somebody is there, but not this board
                self._unknown_map = str(error)
        self._seen = datetime.now(UTC)

    def _anything(self) -> Request:
        """What a board without inputs is asked to hear whether it is there."""
        place = self.board.pulse.read_back
        function: Literal[3, 4] = 4 if place and place.table == "input" else 3
        return read_registers(self.config.unit, function, place.address if place else 0, 1)

    def _problems(self) -> str:
        """What the board refused to tell, and why; each once."""
        relays = "" if self._scan.bits else self._unknown_map or self.bolts.refused
        told = (*self._scan.problems.values(), *filter(None, (relays,)), *self._gauges.problems)
        return "; ".join(dict.fromkeys(told))

    async def close(self) -> None:
        self._watch.stop()  # also when the stream of events was left in the middle: other devices go on on this line
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
        if self.points.fire is FireInput.UNKNOWN:
            problems = f"消防联动输入 {self.config.fire_input} 无法读取，状态未知（不等于没有火警）；{problems}"
        return DeviceStatus(
            DeviceCondition.FAULT if problems else DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._last_seen(),
            detail="; ".join(
                filter(None, (problems, *self._gauges.shown, *self._reader.unreadable, self.bus.oddities))
            ),
            model=self.board.title,
        )

    def _last_seen(self) -> datetime | None:
        if self._watch.heard_at is None:
            return self._seen
        ago = asyncio.get_running_loop().time() - self._watch.heard_at
        heard = datetime.now(UTC) - timedelta(seconds=ago)
        return max(heard, self._seen) if self._seen else heard

    async def snapshot(self) -> Picture:
        raise DeviceRefused("a door board takes no pictures")

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        """The line asks; here is only what has changed, or may have by time alone."""
        watch = self._watch
        watch.start()
        try:
            if not watch.bits:
                for event in self._told():
                    yield event
            while True:
                await watch.news()
                try:
                    found = await self._look()
                except NoAnswer as error:
                    watch.missed(error)
                    found = []
                for event in found:
                    yield event
                watch.go_on()
        finally:
            watch.stop()

    def _told(self) -> list[DriverEvent]:
        now, bits = asyncio.get_running_loop().time(), self._watch.values
        problems = self._problems()
        events = self.points.fire_told(bits, now, problems)
        return events + self.points.doors_told(bits, now, problems or "no door magnet on this board")

    async def _look(self) -> list[DriverEvent]:
        board, bits = self.board, self._watch.values
        events = self._told()
        self._watch.calm_until = self.points.calm_until
        await self._let_out(events)
        if board.reader and value(board.reader.flag, 0, bits):
            self._watch.calm_until = float("-inf")
            events += await self._reader.read(board.reader)
            if self._reader.cleared:
                self._watch.written((board.reader.flag.table, board.reader.flag.at(0)), board.reader.flag.invert)
        else:
            self._reader.idle()
        if board.restarted:
            events += await self._restart(board.restarted)
        return events

    async def _restart(self, flag: BitPoint) -> list[DriverEvent]:
        """Told once, also by a board that does not let its flag be cleared."""
        if not value(flag, 0, self._watch.values):
            self._restarted = False
            return []
        self._watch.calm_until = float("-inf")
        told, self._restarted = self._restarted, True
        with suppress(IllegalRequest):
            await self.bus.write_coil(self.config.unit, flag.address, False)
            self._watch.written((flag.table, flag.at(0)), flag.invert)
        return [] if told else [DriverEvent(EdgeNote("device_restarted", "the board says it was restarted"))]

    async def _let_out(self, events: list[DriverEvent]) -> None:
        """Where the exit button hangs on the board alone, a press opens: no mode and no list has a say in it."""
        if not self.config.exit_opens:
            return
        for event in events:
            if isinstance(event.body, DoorEvent) and event.body.request_to_exit:
                await self._open_exit(event.body.point)

    async def _open_exit(self, point: str) -> None:
        """A refused pulse did not happen, and a way out that opens twice does no harm: it is asked for again."""
        request = CommandRequest(CommandKind.MOMENTARY_ACCESS, point)
        outcome, text = await self.command(request)
        for wait_s in EXIT_AGAIN_S:
            if outcome is not CommandOutcome.REFUSED:
                break
            await asyncio.sleep(wait_s)
            outcome, text = await self.command(request)
        if outcome is not CommandOutcome.DONE:
            log.error("%s: exit button at %s: %s %s", self.device_id, point, outcome, text)

    # Commands

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        names = self.points.names
        point = request.point or names[0]
        if point not in names:
            return CommandOutcome.REFUSED, f"no point {point!r}; this board has {', '.join(names)}"
        channel = names.index(point)
        self._watch.calm_until = float("-inf")  # what the same inputs mean may be another thing from now on
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
                    self.points.doors[point].hold()
                    await self.bolts.hold(channel)
                case CommandKind.RELEASE:
                    self.points.doors[point].let_go(asyncio.get_running_loop().time())
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
        loop = asyncio.get_running_loop()
        self.points.doors[point].release(loop.time(), seconds)
        was_off = self.bolts.was_off(channel)
        try:
            await self.bolts.pulse(channel, seconds)
        except NoAnswer as error:
            on = await self.bolts.is_on(channel)
            if on and was_off:
                return CommandOutcome.DONE, "只发送了一次，没有应答；继电器之前断开，现读回为吸合"
            return CommandOutcome.UNCERTAIN, f"sent once, {error}；{_SAID[on]}"
        began = loop.time()
        on = await self.bolts.is_on(channel)
        stands = on is False and loop.time() - began < seconds / 2
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
