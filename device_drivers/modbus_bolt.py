"""The bolt relays of a door board: pulsed once, held open, let go.

A pulse goes out exactly once. What must end (a pulse that the board does not end itself) or must last (a door held open) is
written again until the board says yes: such a write only repeats what stands.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_bus import IllegalRequest, ModbusBus
from device_drivers.register_map import Board

log = logging.getLogger(__name__)
GUARD_TRIES = 20
STRAY_S = 1.0  # a bolt found on at the start is left so long to whoever wants it held open


class Bolts:
    """Channels count from 0. Methods raise NoAnswer (sent, silence), DeviceUnreachable, IllegalRequest."""

    def __init__(self, device_id: str, bus: ModbusBus, unit: int, board: Board, doors: int) -> None:
        self.device_id, self.bus, self.unit, self.board, self.doors = device_id, bus, unit, board, doors
        self._guards: dict[int, asyncio.Task[None]] = {}  # by coil: who switches it off again
        self._keepers: dict[int, asyncio.Task[None]] = {}  # by channel: who keeps it held
        self._on_coils: set[int] = set()

    def start(self) -> None:
        """A bolt left on by a crash of ours is switched off, unless it is to be held."""
        if not self.board.pulse.device_side:
            for address in (self._pulse_address(channel) for channel in range(self.doors)):
                self._guards[address] = asyncio.create_task(self._end_pulse(address, STRAY_S))

    async def stop(self) -> None:
        """What runs by our clock ends now; a door that is held stays held, for whoever asked for it has not taken it back."""
        tasks = [*self._guards.values(), *self._keepers.values()]
        self._keepers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for address in tuple(self._on_coils):
            with suppress(DeviceUnreachable):
                await self._switch_off_once(address)

    def held(self, channel: int) -> bool:
        return channel in self._keepers

    # Pulse

    def _pulse_address(self, channel: int) -> int:
        return self.board.pulse.address + channel * self.board.pulse.step

    async def pulse(self, channel: int, seconds: float) -> None:
        pulse, unit = self.board.pulse, self.unit
        address, ticks = self._pulse_address(channel), pulse.ticks(seconds)
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
            await self.bus.write_coil(self.unit, address, False)
        except IllegalRequest as error:
            log.error("%s: bolt coil %d: %s", self.device_id, address, error)
        self._on_coils.discard(address)

    # Hold

    async def hold(self, channel: int) -> None:
        """Open until `let_go`. After NoAnswer it is tried on; only a no of the board ends it."""
        assert self.board.hold is not None
        address = self._pulse_address(channel)
        if guard := self._guards.pop(address, None):
            guard.cancel()
        self._on_coils.discard(address)
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
