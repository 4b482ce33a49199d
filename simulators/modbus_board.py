"""Door boards on Modbus: relay, card reader, door magnet and exit button as the data files in ``boards/`` describe them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from simulators.device import BadRequest, NotSupported
from simulators.faults import Fault
from simulators.modbus_bank import RegisterBank, addresses
from simulators.modbus_device import LINE_FAULTS, ModbusDeviceSim
from simulators.modbus_relays import Pulse, Relay

BOARDS_DIR = Path(__file__).parent / "boards"
_Point = Literal["door", "exit_button"]


def load_board(name: str) -> dict[str, Any]:
    """The data file of one board family. Raises ValueError with the known names."""
    path = BOARDS_DIR / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in BOARDS_DIR.glob("*.json")))
        raise ValueError(f"no board {name!r}; known: {known}")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def parse_card(number: int | str) -> int:
    """A card number: an int, decimal digits, or hexadecimal after 0x. Raises BadRequest."""
    try:
        return int(number, 0) if isinstance(number, str) and number.lower().startswith("0x") else int(number)
    except ValueError as error:
        raise BadRequest(f"not a card number: {number!r}") from error


def _key_burst(key: str, keypad: str) -> int:
    """What a Wiegand keypad sends for a key: 4 bits, or 8 with the complement in the high half."""
    number = "0123456789*#".index(key)
    return number if keypad == "keys4" else (number ^ 0x0F) << 4 | number


class ModbusBoardSim(ModbusDeviceSim):
    """One board on a TCP port.

    Config: host, port (0: any free one), unit, board (a file in ``boards/``), transport ("tcp" | "rtu_over_tcp" | "rtu": a
    serial line, whose path is `listener.serial_path`).
    Optional: invert (list of "door", "exit_button": 1 means closed / not pressed), door_relay (index of the relay that
    holds the door, 0), exit_s (how long the button is held, 0.5), code_layout ("words_high_first" or
    "bytes_high_first": how the card number lies in its registers), ignores_unit (answers any unit id), fire_input (number,
    from 1, of the discrete input that the fire panel's contact is wired to), fire_normally_closed (the contact stands closed
    and opens at a fire; a cut wire then looks like one), keypad (what a keypad on the reader's line sends: "keys4", "keys8" a
    key each, "frame" the whole number after #).
    """

    kind: ClassVar[str] = "modbus_board"
    supported_faults: ClassVar[frozenset[Fault]] = LINE_FAULTS | {Fault.RESTART}

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.board = load_board(str(config["board"]))
        self.unit = int(config.get("unit", 1))
        self.units = {self.unit, *self.board.get("any_unit", [])}
        self.invert = frozenset(config.get("invert", []))
        self.bank = RegisterBank(
            coils=dict.fromkeys(addresses(self.board["coils"]), False),
            discrete_inputs=dict.fromkeys(addresses(self.board.get("discrete_inputs", [])), False),
            holding=dict.fromkeys(addresses(self.board.get("holding", [])), 0),
            read_only_coils=frozenset(self.board.get("read_only_coils", [])),
            write_coil=self._write_coil,
            wrote_registers=self._wrote_registers,
        )
        self.pulses: deque[Pulse] = deque(maxlen=1000)
        self.relays = [Relay(data, self.bank, self.pulses) for data in self.board["relays"]]
        self.door_relay = self.relays[int(config.get("door_relay", 0))]
        self.tones: dict[str, int] = dict.fromkeys(self.board.get("tones", {}), 0)
        self.counters = {"pulses": 0, "cards_presented": 0, "cards_missed": 0, "exit_presses": 0, "forced": 0}
        self.counters |= {"keys_pressed": 0, "keys_missed": 0}
        self.door_is_open = False
        self.fire_stands = False
        self.last_card: int | None = None
        self._exit_until = 0.0
        self._pulsed = asyncio.Event()
        self._exit_timer: asyncio.TimerHandle | None = None

    # Life

    def power_off(self) -> None:
        """All relays fall, no timer runs."""
        for relay in self.relays:
            relay.power_off()
        if self._exit_timer is not None:
            self._exit_timer.cancel()

    def power_on(self) -> None:
        """As after a power loss: relays off, card forgotten, inputs as the world is."""
        for relay in self.relays:
            relay.power_off()
        card = self.board.get("card")
        if card is not None:
            self.bank.holding.update(dict.fromkeys(range(card["register"], card["register"] + card["count"]), 0))
            self.bank.coils[card["new_flag"]] = False
        if "restarted_flag" in self.board:
            self.bank.coils[self.board["restarted_flag"]] = True
        self._show("door", self.door_is_open)
        self._show("exit_button", False)
        self._show_fire()

    # Modbus side

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """What this board says to a request for a unit; None for silence."""
        if unit == 0:
            self.bank.answer(pdu)  # broadcast: done, never answered
            return None
        if unit not in self.units and not self.config.get("ignores_unit"):
            return None
        return self.bank.answer(pdu)

    def _write_coil(self, address: int, raw: int) -> bool:
        relay = next((relay for relay in self.relays if relay.coil == address), None)
        if relay is not None and raw in (0x0000, 0xFF00):
            self._command(relay, raw == 0xFF00)
            return True
        for tone, coil in self.board.get("tones", {}).items():
            if coil == address and raw in (0x0000, 0xFF00):
                self.tones[tone] += raw == 0xFF00
                return True
        return self._timed_coil(address, raw)

    def _timed_coil(self, address: int, raw: int) -> bool:
        timed = self.board.get("timed_coils")
        if timed is None:
            return False
        for key, on in (("on_then_off", True), ("off_then_on", False)):
            channel = address - timed[key]
            if 0 <= channel < len(self.relays):
                self._command(self.relays[channel], on, raw * timed["unit_s"])
                return True
        return False

    def _wrote_registers(self, address: int, values: list[int]) -> bool:
        if "command_registers" in self.board and len(values) == 1:
            return self._command_word(address, values[0])
        timed = self.board.get("timed_registers")
        if timed is None or len(values) != 2:
            return False
        channel, rest = divmod(address - timed["first"], timed["stride"])
        if rest or not 0 <= channel < len(self.relays):
            return False
        if values[0] not in (timed["on_then_off"], timed["off_then_on"]):
            return False
        self._command(self.relays[channel], values[0] == timed["on_then_off"], values[1] * timed["unit_s"])
        return True

    def _command_word(self, address: int, value: int) -> bool:
        """One register a relay: the command in the high byte, seconds in the low one; reading it tells 1 on, 0 off."""
        words = self.board["command_registers"]
        channel, command = address - words["first"], value >> 8
        if not 0 <= channel < len(self.relays):
            return False
        relay, seconds = self.relays[channel], value & 0xFF
        if command in (words["on"], words["off"]):
            self._command(relay, command == words["on"])
        elif command in (words["momentary"], words["delay"]):
            self._command(relay, True, words["momentary_s"] if command == words["momentary"] else float(seconds))
        else:
            return False
        return True

    def _command(self, relay: Relay, on: bool, seconds: float | None = None) -> None:
        relay.command(on, seconds)
        if on:
            self.counters["pulses"] += 1
            self._pulsed.set()
            self._pulsed = asyncio.Event()

    def _show(self, point: _Point, active: bool) -> None:
        place = self.board.get(point)
        if place is not None:
            table = self.bank.coils if place["table"] == "coil" else self.bank.discrete_inputs
            table[place["address"]] = active != (point in self.invert)

    # Physical side

    def set_fire(self, *, active: bool) -> None:
        """The fire panel's contact moves. Raises NotSupported where none is wired."""
        if not self.config.get("fire_input"):
            raise NotSupported(f"{self.code} has no fire contact wired; config: fire_input")
        self.fire_stands = active
        self._show_fire()

    def _fire_address(self) -> int:
        first = self.board["discrete_inputs"][0][0]
        return int(first) + int(self.config["fire_input"]) - 1

    def _show_fire(self) -> None:
        if self.config.get("fire_input"):
            closed = self.fire_stands != bool(self.config.get("fire_normally_closed"))
            self.bank.discrete_inputs[self._fire_address()] = closed

    def lose_fire_input(self) -> None:
        """The input can no longer be read: the board refuses its address, until the contact moves again."""
        self.bank.discrete_inputs.pop(self._fire_address(), None)

    async def present(
        self,
        *,
        face: str | None = None,
        card: str | None = None,
        stranger: bool = False,
        qr: str | None = None,
        id_card: str | None = None,
        pin: str | None = None,
    ) -> dict[str, Any]:
        """Hold a card to the reader, or type a PIN and #."""
        if pin is not None:
            return {"read": await self.type_pin(pin)}
        if card is None:
            raise NotSupported(f"{self.code} reads cards only")
        return {"read": self.present_card(card), "card": parse_card(card)}

    def present_card(self, number: int | str) -> bool:
        """Hold a card to the reader. False when the reader still waits for its new-card flag to be cleared.

        Raises NotSupported where the board has no reader.
        """
        value = parse_card(number)
        self.counters["cards_presented"] += 1
        if not self._deliver(value):
            self.counters["cards_missed"] += 1
            return False
        self.last_card = value
        return True

    def _deliver(self, value: int) -> bool:
        """A number arrives on the reader's line. False when the one before still waits to be read."""
        reader = self.board.get("card")
        if reader is None:
            raise NotSupported(f"{self.code}: board {self.config['board']} has no card reader")
        registers = self._card_registers(value, reader)
        if self.bank.coils[reader["new_flag"]]:
            return False
        self.bank.holding.update(enumerate(registers, start=reader["register"]))
        self.bank.coils[reader["new_flag"]] = True
        return True

    async def type_pin(self, keys: str, patience_s: float = 30.0) -> bool:
        """Type digits (also * and #) and then #, each key when the one before was read. False where a key was lost.

        Raises NotSupported where no keypad is wired, BadRequest for what has no key.
        """
        keypad = str(self.config.get("keypad", "none"))
        if keypad not in ("keys4", "keys8", "frame"):
            raise NotSupported(f"{self.code} has no keypad; config: keypad")
        if not keys or set(keys) - set("0123456789*#"):
            raise BadRequest(f"no such keys: {keys!r}")
        self.counters["keys_pressed"] += len(keys) + 1
        sent = [int(keys)] if keypad == "frame" else [_key_burst(key, keypad) for key in keys + "#"]
        for value in sent:
            deadline = time.monotonic() + patience_s
            while not self._deliver(value):
                if time.monotonic() > deadline:
                    self.counters["keys_missed"] += 1
                    return False
                await asyncio.sleep(0.01)
        return True

    def _card_registers(self, value: int, reader: Mapping[str, Any]) -> list[int]:
        count = int(reader["count"])
        by_byte = self.config.get("code_layout", reader["layout"]) == "bytes_high_first"
        width = 1 if by_byte else 2
        if not 0 <= value < 256 ** (width * count):
            raise BadRequest(f"card number {value} does not fit {width * count} bytes")
        raw = value.to_bytes(width * count, "big")
        return [int.from_bytes(raw[i : i + width], "big") for i in range(0, len(raw), width)]

    @property
    def is_released(self) -> bool:
        """Whether the door can be pushed open now: by the relay, or by the exit button wired to the lock."""
        return self.door_relay.is_on or time.monotonic() < self._exit_until

    def open_door(self) -> None:
        """The door leaf moves away from the magnet, released or forced."""
        if not self.is_released and not self.door_is_open:
            self.counters["forced"] += 1
        self.door_is_open = True
        self._show("door", True)

    def close_door(self) -> None:
        """The door leaf is back at the magnet."""
        self.door_is_open = False
        self._show("door", False)

    async def set_door(self, *, is_open: bool) -> dict[str, Any]:
        """Move the door, whatever the lock says."""
        (self.open_door if is_open else self.close_door)()
        return {"door_open": self.door_is_open}

    def press_exit(self) -> None:
        """Press the exit button; it also releases the lock by its own wire, for 3 s: the way out needs no computer."""
        self.counters["exit_presses"] += 1
        self._exit_until = time.monotonic() + 3.0
        self._show("exit_button", True)
        if self._exit_timer is not None:
            self._exit_timer.cancel()
        hold = float(self.config.get("exit_s", 0.5))
        self._exit_timer = asyncio.get_running_loop().call_later(hold, self._show, "exit_button", False)

    async def wait_for_pulse(self, after: int, timeout_s: float) -> bool:
        """Wait until more than ``after`` pulses were counted; False when the time is over."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while self.counters["pulses"] <= after:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._pulsed.wait()
            except TimeoutError:
                return False
        return True

    async def walk_through(self, delay_s: float = 0.7, open_s: float = 2.0) -> bool:
        """Push the door after ``delay_s``, let it close after ``open_s`` more. False when it did not give way."""
        await asyncio.sleep(delay_s)
        if not self.is_released:
            return False
        self.open_door()
        await asyncio.sleep(open_s)
        self.close_door()
        return True

    async def present_and_walk(self, number: int | str, timeout_s: float = 5.0, open_s: float = 2.0) -> bool:
        """A person with a card: present it, wait for the bolt, go through. False when the door stayed shut."""
        before = self.counters["pulses"]
        if not self.present_card(number) or not await self.wait_for_pulse(before, timeout_s):
            return False
        return await self.walk_through(open_s=open_s)

    # To look at

    def state(self) -> dict[str, Any]:
        """Door, relays, pulses, reader, line."""
        return {
            **self.summary(),
            "port": self.port,
            "board": self.config["board"],
            "unit": self.unit,
            "connections": self.listener.connections,
            "door_open": self.door_is_open,
            "released": self.is_released,
            "relays": {relay.name: relay.is_on for relay in self.relays},
            "held": {relay.name: relay.is_held for relay in self.relays},
            "fire": self.fire_stands if self.config.get("fire_input") else None,
            "pulses": [
                {"at": p.at.isoformat(), "relay": p.relay, "seconds": p.seconds, "again": p.again} for p in self.pulses
            ],
            "tones": dict(self.tones),
            "last_card": self.last_card,
            "counters": dict(self.counters),
            "frames": [
                {"at": f.at, "received": f.received, "unit": f.unit, "adu": f.adu.hex(" ")}
                for f in list(self.listener.frames)[-50:]
            ],
        }
