"""What a door's magnet and exit button mean together: opened by right, forced, held open. Pure; `now` is in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from device_drivers.contract.events import DoorEvent
from device_drivers.contract.words import DoorAlarm, DoorState


@dataclass(slots=True)
class Debounced:
    """A bit that counts only after it stood still for `settle_s`. None is "not readable" and counts at once."""

    settle_s: float = 0.0
    value: bool | None = None
    _candidate: bool | None = None
    _since: float = 0.0

    def feed(self, raw: bool | None, now: float) -> bool | None:
        if raw is None or self.value is None:
            self.value = self._candidate = raw
        elif raw == self.value:
            self._candidate = raw
        else:
            if raw != self._candidate:
                self._candidate, self._since = raw, now
            if now - self._since >= self.settle_s:
                self.value = raw
        return self.value

    @property
    def calm_until(self) -> float:
        """When it may change by time alone."""
        return self._since + self.settle_s if self._candidate != self.value else float("inf")


@dataclass(slots=True)
class DoorWatch:
    """One door. `grace_s`: how long after a pulse or an exit request an opening is by right.

    A door found open at the start is `open`, not forced: nobody saw how it opened.
    """

    point: str
    grace_s: float = 8.0
    held_open_after_s: float = 120.0
    magnet: Debounced = field(default_factory=Debounced)
    exit: Debounced = field(default_factory=Debounced)
    state: DoorState | None = None
    alarm: DoorAlarm = DoorAlarm.NORMAL
    _released_until: float = float("-inf")
    _opened_at: float = 0.0
    _pressed: bool = False
    _held: bool = False

    def release(self, now: float, hold_s: float = 0.0) -> None:
        """The bolt was (or may have been) pulsed for `hold_s`."""
        self._released_until = max(self._released_until, now + hold_s + self.grace_s)

    def hold(self) -> None:
        """The bolt is held open: an opening is by right, and standing open is what was asked for."""
        self._held = True

    def let_go(self, now: float) -> None:
        """A door that stands open now is held open from now on."""
        if self._held:
            self._held, self._opened_at = False, now
            self.release(now)

    def feed(self, magnet: bool | None, exit_button: bool | None, now: float, text: str = "") -> list[DoorEvent]:
        """`magnet`: True open, False closed, None not readable (then the state is unknown, never closed)."""
        events: list[DoorEvent] = []
        pressed = bool(self.exit.feed(exit_button, now))
        if pressed:
            self.release(now)
        if pressed and not self._pressed:
            events.append(self._event(self.state or DoorState.UNKNOWN, self.alarm, request_to_exit=True))
        self._pressed = pressed
        opened = self.magnet.feed(magnet, now)
        state = DoorState.UNKNOWN if opened is None else DoorState.OPEN if opened else DoorState.CLOSED
        if state != self.state:
            events.append(self._turn(state, now, text))
        elif self._held_too_long(now):
            self.alarm = DoorAlarm.HELD_OPEN
            events.append(self._event(state, self.alarm, text=f"open for {now - self._opened_at:.0f} s"))
        return events

    @property
    def calm_until(self) -> float:
        """Until then the same inputs mean the same, and nothing is to be told."""
        if self._pressed:
            return float("-inf")  # a button that is held prolongs what it allows
        waits = self.state is DoorState.OPEN and not self._held and self.alarm is DoorAlarm.NORMAL
        held_open = self._opened_at + self.held_open_after_s if waits else float("inf")
        return min(self.magnet.calm_until, self.exit.calm_until, held_open)

    def _turn(self, state: DoorState, now: float, text: str) -> DoorEvent:
        was_closed = self.state is DoorState.CLOSED
        self.state, self.alarm = state, DoorAlarm.NORMAL
        if state is DoorState.OPEN:
            self._opened_at = now
            if was_closed and now > self._released_until and not self._held:
                self.alarm = DoorAlarm.FORCED_OPEN
        return self._event(state, self.alarm, text=text if state is DoorState.UNKNOWN else "")

    def _held_too_long(self, now: float) -> bool:
        # A forced door that stays open keeps its graver alarm.
        return (
            self.state is DoorState.OPEN
            and not self._held
            and self.alarm is DoorAlarm.NORMAL
            and now - self._opened_at >= self.held_open_after_s
        )

    def _event(self, state: DoorState, alarm: DoorAlarm, *, request_to_exit: bool = False, text: str = "") -> DoorEvent:
        return DoorEvent(state=state, alarm=alarm, point=self.point, request_to_exit=request_to_exit, text=text)
