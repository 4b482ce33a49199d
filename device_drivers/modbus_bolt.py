"""The bolt relays of a door board: pulsed once, held open, let go.

A pulse goes out exactly once. What must end (a pulse that the board does not end itself) or must last (a door held open) is
written again until the board says yes: such a write only repeats what stands.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from contextlib import suppress

from device_drivers import modbus_frames as frames
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_bus import EXCEPTION_TEXTS, NEVER, IllegalRequest, ModbusBus
from device_drivers.modbus_watchdog import WATCHDOG
from device_drivers.register_action import ReadBack, Wait, request_of, requests_of
from device_drivers.register_map import Board

log = logging.getLogger(__name__)
GUARD_TOLD = 20  # tries without an answer, after which the log says so
FRESH_S = 3.0  # so long a relay that was seen off counts as off before a pulse
STRAY_S = 1.0  # a bolt found on at the start is left so long to whoever wants it held open


class Bolts:
    """Channels count from 0. Methods raise NoAnswer (sent, silence), DeviceUnreachable, IllegalRequest."""

    def __init__(self, device_id: str, bus: ModbusBus, unit: int, board: Board, doors: int) -> None:
        self.device_id, self.bus, self.unit, self.board, self.doors = device_id, bus, unit, board, doors
        self._guards: dict[int, asyncio.Task[None]] = {}  # by channel: who ends the pulse
        self._keepers: dict[int, asyncio.Task[None]] = {}  # by channel: who keeps it held
        self._on: set[int] = set()  # channels that a pulse of ours may have left on
        self._off: dict[int, float] = {}  # by channel: since when its relay is read as off, and was not pulsed
        self._looked_at = float("-inf")
        self._last_look = b""
        self._stopped = False
        self.refused = ""  # why the board does not tell its relays

    async def start(self) -> None:
        """A bolt left on by a crash of ours is switched off, unless it is to be held."""
        if self.board.pulse.device_side:
            return
        for channel in range(self.doors):
            self._guards[channel] = asyncio.create_task(self._end_pulse(channel, STRAY_S))
        await WATCHDOG.start()

    async def stop(self) -> None:
        """What runs by our clock ends now; a door that is held stays held, for whoever asked for it has not taken it back."""
        self._stopped = True
        ours = [channel for channel, guard in self._guards.items() if not guard.done() and channel in self._on]
        tasks = [*self._guards.values(), *self._keepers.values()]
        self._keepers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in ours:
            with suppress(DeviceUnreachable, IllegalRequest):  # the watchdog stays armed, and goes on when we are gone
                await self._close_once(channel)

    def held(self, channel: int) -> bool:
        return channel in self._keepers

    # Pulse

    async def pulse(self, channel: int, seconds: float) -> None:
        ticks = self.board.pulse.ticks(seconds)
        if not self.board.pulse.device_side:
            self._guard(channel, seconds)  # before the pulse: also a pulse that got no answer must end
        self._on.add(channel)
        self._pulsed(channel)
        try:
            for step in self.board.pulse.opening:
                match step:
                    case Wait():
                        await asyncio.sleep(float(step.seconds))
                    case ReadBack():
                        pass
                    case _:
                        await self.bus.send(request_of(step, self.unit, channel, ticks))
        finally:
            self._pulsed(channel)  # also what a look that was under way has said since
            if not self.board.pulse.device_side and not self._stopped:
                self._guard(channel, seconds)  # it may have waited long: what ends it must come after it

    def _pulsed(self, channel: int) -> None:
        """What was seen of its relay is of before."""
        self._off.pop(channel, None)
        self._last_look = b""

    def look(self) -> tuple[frames.Request, float] | None:
        """The read of all relays that is repeated, so that a pulse without an answer can be told by what changed; its period."""
        place = self.board.pulse.read_back
        if place is None:
            return None
        count = (self.doors - 1) * place.step + 1
        return _request(place, self.unit, place.address, count), place.every_ms / 1000

    def looked(self, pdu: bytes, now: float) -> None:
        """An answer to it. A refusal is no state of a relay."""
        code = frames.exception_code(pdu)
        if code is not None:
            self.refused = f"relays: Modbus exception {code} ({EXCEPTION_TEXTS.get(code, 'unknown')})"
            self._off.clear()
            self._last_look = b""
            return
        self._looked_at = now
        if pdu == self._last_look:
            return
        place = self.board.pulse.read_back
        assert place is not None
        try:
            states = _states(place, pdu, (self.doors - 1) * place.step + 1)
        except frames.BadAnswer:
            return
        self._last_look, self.refused = pdu, ""
        off = [n for n in range(self.doors) if not states[n * place.step]]
        self._off = dict.fromkeys(off, now)

    async def is_on(self, channel: int) -> bool | None:
        """The relay as the board tells it; None where it does not."""
        place = self.board.pulse.read_back
        if place is None:
            return None
        request = _request(place, self.unit, place.at(channel), 1)
        try:
            return _states(place, await self.bus.read(request), 1)[0]
        except (DeviceUnreachable, IllegalRequest, frames.BadAnswer):
            return None

    def was_off(self, channel: int) -> bool:
        """Whether it was seen off just now, and not pulsed since: that it is on afterwards is then our doing."""
        return channel in self._off and asyncio.get_running_loop().time() - self._looked_at < FRESH_S

    def _guard(self, channel: int, seconds: float) -> None:
        if older := self._guards.get(channel):
            older.cancel()  # a second pulse prolongs the first; the older guard must not cut it short
        ending = requests_of(self.board.pulse.closing, self.unit, channel)
        WATCHDOG.arm(self._key(channel), self.bus.place, ending, seconds)
        task = asyncio.create_task(self._end_pulse(channel, seconds), name=f"{self.device_id} bolt guard")
        self._guards[channel] = task

    def _key(self, channel: int) -> str:
        return f"{self.device_id}/{channel}"

    async def _end_pulse(self, channel: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for attempt in itertools.count(1):  # switching off may be repeated: it can only close
            try:
                await self._close_once(channel)
                return
            except DeviceUnreachable as error:
                why = str(error)
            except IllegalRequest as error:
                why = str(error)
                if error.code in NEVER:
                    log.error("%s: the bolt of channel %d cannot be switched off: %s", self.device_id, channel, error)
                    return
            if attempt == GUARD_TOLD:
                log.error("%s: the bolt of channel %d is not switched off yet: %s", self.device_id, channel, why)
            await asyncio.sleep(min(0.2 * attempt, 2.0))

    async def _close_once(self, channel: int) -> None:
        for request in requests_of(self.board.pulse.closing, self.unit, channel):
            await self.bus.send(request)
        self._pulse_over(channel)

    def _pulse_over(self, channel: int) -> None:
        self._on.discard(channel)
        if not self.board.pulse.device_side:
            WATCHDOG.disarm(self._key(channel))

    # Hold

    async def hold(self, channel: int) -> None:
        """Open until `let_go`. After NoAnswer it is tried on; only a no of the board ends it."""
        assert self.board.hold is not None
        if guard := self._guards.pop(channel, None):
            guard.cancel()
        self._pulse_over(channel)
        if channel not in self._keepers:
            task = asyncio.create_task(self._keep(channel), name=f"{self.device_id} bolt held")
            self._keepers[channel] = task
        try:
            await self._write_hold(channel, True)
        except IllegalRequest:
            self._keepers.pop(channel).cancel()
            raise

    async def let_go(self, channel: int) -> None:
        """Closed again. After NoAnswer nothing holds it any more, and the caller asks again until the board has said yes."""
        if keeper := self._keepers.pop(channel, None):
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        await self._write_hold(channel, False)

    async def _keep(self, channel: int) -> None:
        """A board that lost its power in between has forgotten the relay; a timer of an older pulse may have ended it."""
        assert self.board.hold is not None
        while self._keepers.get(channel) is asyncio.current_task():
            await asyncio.sleep(self.board.hold.every_s)
            with suppress(DeviceUnreachable, IllegalRequest):  # the doors are looked at again by whoever asked for it
                await self._write_hold(channel, True)

    async def _write_hold(self, channel: int, on: bool) -> None:
        hold = self.board.hold
        assert hold is not None
        address = hold.address + channel * hold.step
        match hold.shape:
            case "coil":
                await self.bus.write_coil(self.unit, address, on)
            case "command_word":
                await self.bus.write_register(self.unit, address, (hold.on if on else hold.off) << 8)
            case "pulse" if on:
                await self.pulse(channel, hold.every_s)
            case "pulse":
                await self.bus.connect()  # the board lets go by itself when the pulses stop


def _request(place: ReadBack, unit: int, address: int, count: int) -> frames.Request:
    match place.table:
        case "coil":
            return frames.read_bits(unit, 1, address, count)
        case "discrete":
            return frames.read_bits(unit, 2, address, count)
        case "holding":
            return frames.read_registers(unit, 3, address, count)
        case _:
            return frames.read_registers(unit, 4, address, count)


def _states(place: ReadBack, pdu: bytes, count: int) -> list[bool]:
    """Raises BadAnswer."""
    if place.table in ("coil", "discrete"):
        return [bit == bool(place.on) for bit in frames.bits_of(pdu, count)]
    return [word == place.on for word in frames.registers_of(pdu, count)]
