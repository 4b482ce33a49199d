"""The relays of a simulated board: switched on for good or for a time, and every switching-on written down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulators.modbus_bank import RegisterBank


@dataclass(frozen=True, slots=True)
class Pulse:
    """One switching-on by the master. ``seconds`` None: until switched off; ``again``: it was on already."""

    at: datetime
    relay: str
    seconds: float | None
    again: bool


class Relay:
    """One output. ``pulse_s``: the board itself switches off after so long; the coil (or the register) shows the contact."""

    def __init__(self, data: Mapping[str, Any], bank: RegisterBank, pulses: deque[Pulse]) -> None:
        self.name = str(data["name"])
        self.register = None if data.get("register") is None else int(data["register"])
        self.coil = int(data.get("coil", -1))
        self.state_coil = int(data.get("state_coil", self.coil))
        self.pulse_s = None if data.get("pulse_s") is None else float(data["pulse_s"])
        self.is_on = False
        self._bank = bank
        self._pulses = pulses
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_held(self) -> bool:
        """On, and nothing but a command will switch it off."""
        return self.is_on and self._timer is None

    def command(self, on: bool, seconds: float | None = None) -> None:
        """What the master's write does; ``seconds``: change back after so long."""
        if on:
            length = self.pulse_s if seconds is None else seconds
            self._pulses.append(Pulse(datetime.now(UTC), self.name, length, again=self.is_on))
            self._set(on=True, back_after=length)
        else:
            self._set(on=False, back_after=seconds)

    def power_off(self) -> None:
        """Power loss: open, no timer."""
        self._set(on=False, back_after=None)

    def _set(self, *, on: bool, back_after: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.is_on = on
        if self.register is not None:
            self._bank.holding[self.register] = int(on)
        else:
            self._bank.coils[self.coil] = on
            self._bank.coils[self.state_coil] = on
        if back_after is not None:
            self._timer = asyncio.get_running_loop().call_later(back_after, self._back, not on)

    def _back(self, on: bool) -> None:
        self._timer = None
        self._set(on=on, back_after=None)
