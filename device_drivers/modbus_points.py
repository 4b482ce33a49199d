"""What a door board's bits mean: magnets, exit buttons, fire contact, flags, each with its polarity and its pace. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from device_drivers.contract.words import FireInput
from device_drivers.door_watch import Debounced, DoorWatch
from device_drivers.driver import DriverEvent, FireContact
from device_drivers.modbus_door_config import ModbusDoorConfig
from device_drivers.modbus_scan import Bit
from device_drivers.register_map import URGENT_MS, BitPoint, Board

Bits = Mapping[Bit, bool | None]


class Points:
    """Of one board with its settings. Channel n is the point `door{n+1}`."""

    def __init__(self, config: ModbusDoorConfig, board: Board) -> None:
        self.config, self.board = config, board
        self.names = tuple(f"door{n + 1}" for n in range(config.doors))
        self.doors = {name: self._door(name) for name in self.names}
        self.fire: FireInput | None = None
        self.fire_contact = Debounced((board.fire.debounce_ms if board.fire else 0) / 1000)

    def _door(self, name: str) -> DoorWatch:
        def settle(bit: BitPoint | None) -> Debounced:
            return Debounced((bit.debounce_ms if bit else 0) / 1000)

        config, board = self.config, self.board
        return DoorWatch(name, config.grace_s, config.held_open_after_s, settle(board.magnet), settle(board.exit))

    def bits(self) -> dict[Bit, float]:
        """All that are to be looked at, and each one's period in seconds: of the way out never more than `URGENT_MS`."""
        board, found = self.board, dict[Bit, float]()

        def look(point: BitPoint | None, channels: range, *, way_out: bool = False) -> None:
            if point is not None:
                period = (point.every_ms or self.config.poll_ms) / 1000
                period = min(period, URGENT_MS / 1000) if way_out else period
                found.update({(point.table, point.at(n)): period for n in channels})

        doors = range(self.config.doors)
        look(board.magnet, doors)
        look(board.exit, doors, way_out=self.config.exit_opens)
        look(board.reader.flag if board.reader else None, range(1))
        look(board.restarted, range(1))
        if self.config.fire_input:
            look(board.fire, range(self.config.fire_input - 1, self.config.fire_input), way_out=True)
        if not found:
            look(board.probe, range(1))
        return found

    def doors_told(self, bits: Bits, now: float, why: str) -> list[DriverEvent]:
        """What the doors' inputs tell now; `why` says why a state is unknown."""
        found: list[DriverEvent] = []
        for channel, door in enumerate(self.doors.values()):
            magnet = value(self.board.magnet, channel, bits, self.config.magnet_invert)
            button = value(self.board.exit, channel, bits, self.config.exit_invert)
            found += [DriverEvent(body) for body in door.feed(magnet, button, now, why)]
        return found

    def fire_told(self, bits: Bits, now: float, why: str) -> list[DriverEvent]:
        """The contact's state at the first look and at each change."""
        if self.board.fire is None or not self.config.fire_input:
            return []
        raw = value(self.board.fire, self.config.fire_input - 1, bits, self.config.fire_invert)
        active = self.fire_contact.feed(raw, now)
        state = FireInput.UNKNOWN if active is None else FireInput.FIRE if active else FireInput.QUIET
        if state is self.fire:
            return []
        self.fire = state
        return [
            DriverEvent(FireContact(state, why if state is FireInput.UNKNOWN else f"输入 {self.config.fire_input}"))
        ]

    @property
    def calm_until(self) -> float:
        """Until then the same bits tell nothing new."""
        return min(self.fire_contact.calm_until, *(door.calm_until for door in self.doors.values()))


def value(point: BitPoint | None, channel: int, bits: Bits, invert: bool | None = None) -> bool | None:
    """Whether it is active; None where it cannot be read."""
    if point is None or (raw := bits.get((point.table, point.at(channel)))) is None:
        return None
    return raw != (point.invert if invert is None else invert)
