"""What is known of the units on a line: who is silent, who is left alone for how long. Pure; times are the loop's seconds.

All silent units together get at most a tenth of the line's time, and only as long as their neighbours answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_frames import Framing, Request

DEAD_AFTER, DEAD_SHARE, DEAD_ASK_S = 2, 10.0, 0.2


class NoAnswer(DeviceUnreachable):
    """The request went out and nothing came back: whether the device acted is not known."""


class Resting(NoAnswer):
    """The unit was silent lately and was not asked, so that its neighbours are."""


@dataclass(slots=True)
class UnitHealth:
    silences: int = 0
    answered: bool = False
    quiet_until: dict[int, float] = field(default_factory=dict)  # by function
    due: float = 0.0

    @property
    def dead(self) -> bool:
        return self.silences >= DEAD_AFTER


class Units(dict[int, UnitHealth]):
    """By unit number; who is asked for is known."""

    def __init__(self, framing: Framing, quiet_s: float) -> None:
        super().__init__()
        self.framing, self.quiet_s = framing, quiet_s
        self._slowest = 0.02
        self._silent = 0  # units that have been silent since their last answer

    def __missing__(self, unit: int) -> UnitHealth:
        made = self[unit] = UnitHealth()
        return made

    def patience(self, request: Request, timeout_s: float) -> float:
        """A dead unit is asked for as long as its neighbours take to answer."""
        if self._silent and not request.writes and self[request.unit].dead and self._neighbours_answer(request.unit):
            return min(timeout_s, max(DEAD_ASK_S, 4 * self._slowest))
        return timeout_s

    def rest(self, request: Request, now: float) -> Resting | None:
        """Why a read waits: the unit is dead, and its neighbours are not."""
        unit = self[request.unit]
        if not unit.dead or request.writes or unit.due <= now or not self._neighbours_answer(request.unit):
            return None
        return Resting(f"unit {request.unit}: silent, asked again in {unit.due - now:.0f} s")

    def quiet(self, request: Request, now: float) -> float:
        """Seconds until a late reply can no longer be taken for this one's."""
        quiet = self[request.unit].quiet_until
        return quiet.get(request.function, now) - now if quiet else 0.0

    def silent(self, request: Request, sent_at: float, now: float) -> None:
        unit = self[request.unit]
        self._silent += not unit.silences
        unit.silences += 1
        dead = sum(other.dead for other in self.values())
        unit.due = now + DEAD_SHARE * (now - sent_at) * dead
        if self.framing == "rtu":
            unit.quiet_until[request.function] = now + self.quiet_s

    def spoken(self, request: Request, sent_at: float, now: float) -> None:
        unit = self[request.unit]
        if unit.silences:
            self._silent -= 1
            if unit.dead:  # a branch of the bus is back: its other units are asked at once
                for other in self.values():
                    other.due = 0.0
        unit.silences, unit.answered = 0, True
        self._slowest = max(now - sent_at, 0.98 * self._slowest)

    def _neighbours_answer(self, unit: int) -> bool:
        return any(other.answered and not other.silences for number, other in self.items() if number != unit)
