"""The reader of a door board: what stands in its registers when the flag is up, told once, as a card or as a keypad's PIN."""

from __future__ import annotations

import logging
import time
from collections import deque

from device_drivers import card_number
from device_drivers.contract.access import Identifier
from device_drivers.contract.events import Unreadable
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import CredentialPresented, DriverEvent
from device_drivers.keypad import Keypad
from device_drivers.modbus_bus import BUSY_CODES, IllegalRequest, ModbusBus, NoAnswer
from device_drivers.modbus_door_config import ModbusDoorConfig
from device_drivers.register_map import CardRegisters

log = logging.getLogger(__name__)
UNREADABLE_KEPT = 3


class Reader:
    """Of one board. `unreadable`: the newest numbers that could not be read, raw, for the device's page."""

    def __init__(self, device_id: str, bus: ModbusBus, config: ModbusDoorConfig, point: str) -> None:
        self.device_id, self.bus, self.config, self.point = device_id, bus, config, point
        self.unreadable: deque[str] = deque(maxlen=UNREADABLE_KEPT)
        self._keypad = Keypad(config.keypad)
        self._uncleared = b""

    def idle(self) -> None:
        """The flag is down: the next card is a new one, also when it is the same."""
        self._uncleared = b""

    @property
    def cleared(self) -> bool:
        """Whether the board took the flag's end."""
        return not self._uncleared

    async def read(self, place: CardRegisters) -> list[DriverEvent]:
        """Read, then clear the flag. A card whose flag could not be cleared is not told twice."""
        try:
            registers = await self.bus.read_registers(self.config.unit, place.table, place.address, place.count)
        except IllegalRequest as error:
            if error.code in BUSY_CODES:  # the card stands there yet: at the next look
                return []
            log.warning("%s: card registers: %s", self.device_id, error)
            registers = ()
        order = {"words_reversed": place.words_reversed, "bytes_swapped": place.bytes_swapped}
        raw = card_number.delivered(registers, place.packing, **order)
        told = bool(raw) and raw == self._uncleared
        self._uncleared = raw
        try:
            await self.bus.write_coil(self.config.unit, place.flag.address, False)
            self._uncleared = b""
        except (NoAnswer, IllegalRequest) as error:
            log.warning("%s: card flag not cleared: %s", self.device_id, error)
        return self._shown(raw, place) if raw and not told else []

    def _shown(self, raw: bytes, place: CardRegisters) -> list[DriverEvent]:
        """What the delivered number is: a key of the keypad (told with the last one of a PIN), else a card."""
        value = int.from_bytes(raw, "big")
        is_key, pin = self._keypad.feed(value, time.monotonic())
        if is_key:
            typed = Identifier(IdentifierType.PIN, pin)
            return [DriverEvent(CredentialPresented(self.point, typed))] if pin else []
        try:
            number = card_number.from_delivered(raw, place.packing, self.config.reader)
        except card_number.CardNumberError as error:
            return self._unreadable(raw, str(error))
        maybe = Identifier(IdentifierType.PIN, str(value)) if self.config.keypad == "frame" else None
        return [DriverEvent(CredentialPresented(self.point, Identifier(IdentifierType.CARD, number), maybe))]

    def _unreadable(self, raw: bytes, why: str) -> list[DriverEvent]:
        """Kept as it came, for whoever finds out how this reader writes; not where somebody may have typed a PIN."""
        shown = raw.hex(" ", 2) if self.config.keypad == "none" else "有密码键盘，原文不保留"
        text = f"读卡器的卡号无法识别（{why}）：{shown}"
        log.warning("%s: unreadable card: %s", self.device_id, why)
        self.unreadable.append(text)
        return [DriverEvent(Unreadable("reader", shown, why))]
