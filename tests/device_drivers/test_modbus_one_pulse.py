"""One open is exactly one pulse on the wire, whatever the line does: scripts of faults against real drivers, under virtual time.

A script says of each request in turn what becomes of it and its answer. The judge reads the frames that reached the board and
the pulses that its relays made, never the driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from modbus_twin import in_virtual_time

from device_drivers import modbus_door, register_map
from device_drivers import modbus_frames as frames
from device_drivers.contract.words import CommandKind, CommandOutcome
from device_drivers.driver import CommandRequest, DeviceUnreachable
from device_drivers.modbus_place import Place
from device_drivers.modbus_wire import Wire
from simulators.modbus_board import ModbusBoardSim

CASES = int(os.environ.get("ESTATE_FUZZ_CASES", "20"))
TIMEOUT_S, QUIET_S, PULSE_S = 0.3, 1.0, 0.5
ACTS = ["well", "slow", "lost reply", "deaf", "late", "cut before", "cut after", "exception", "busy", "noise", "in pieces",
        "twice", "other unit", "broken"]  # fmt: skip
Script = list[tuple[str, float]]


@dataclass
class Board:
    """The other end of any dress: a simulated board, and the script of what goes wrong."""

    sim: ModbusBoardSim
    transport: str
    script: deque[tuple[str, float]]
    echoes: bool = False

    def __post_init__(self) -> None:
        self.opened: list[bytes] = []  # opening frames that were sent
        self.wire: _End | None = None

    def asked(self, end: _End, unit: int, pdu: bytes, head: bytes) -> None:
        act, delay = self.script.popleft() if self.script else ("well", 0.0)
        if opens(pdu):
            self.opened.append(pdu)
        if self.echoes:
            frame = bytes((unit,)) + pdu
            end.say(frame + frames.crc16(frame))
        if act == "cut before":
            return end.cut()
        said: bytes | None
        if act in ("exception", "busy"):
            said = bytes((pdu[0] | 0x80, 4 if act == "exception" else 6))
        else:
            said = None if act == "deaf" else self.sim.answer(unit, pdu)
        if act == "cut after":
            return end.cut()
        if said is None or act == "lost reply":
            return None
        self.reply(end, act, delay, self.dressed(head, (unit + 1) % 256 if act == "other unit" else unit, said))
        return None

    def reply(self, end: _End, act: str, delay: float, adu: bytes) -> None:
        loop = asyncio.get_running_loop()
        if act == "broken":
            adu = adu[:-1] + bytes((adu[-1] ^ 0x55,)) if self.transport != "tcp" else adu[:-1]
        pieces = [adu]
        if act == "in pieces":
            pieces = [bytes((byte,)) for byte in adu]
        elif act == "noise":
            pieces = [b"\x00\x01\xff", adu] if self.transport != "tcp" else [adu]
        elif act == "twice":
            pieces = [adu, adu]
        wait = {"slow": 0.8 * TIMEOUT_S, "late": TIMEOUT_S + delay * QUIET_S}.get(act, 0.005)
        for n, piece in enumerate(pieces):
            loop.call_later(wait + n * 0.002, end.say, piece)

    def dressed(self, head: bytes, unit: int, pdu: bytes) -> bytes:
        body = bytes((unit,)) + pdu
        if self.transport == "tcp":
            return head + len(body).to_bytes(2, "big") + body
        return body + frames.crc16(body)


class _End(asyncio.Transport):
    """One connection to the board."""

    def __init__(self, board: Board, wire: Wire) -> None:
        super().__init__()
        self.board, self.wire, self.up = board, wire, True

    def write(self, data: Any) -> None:
        data = bytes(data)
        asked = (data[6], data[7:], data[:4]) if self.board.transport == "tcp" else (data[0], data[1:-2], b"")
        asyncio.get_running_loop().call_later(0.001, self._arrives, *asked)

    def _arrives(self, unit: int, pdu: bytes, head: bytes) -> None:
        if self.up:
            self.board.asked(self, unit, pdu, head)

    def say(self, data: bytes) -> None:
        if self.up:
            self.wire.data_received(data)

    def cut(self) -> None:
        if self.up:
            self.up = False
            self.wire.connection_lost(ConnectionResetError("cut"))

    def abort(self) -> None:
        self.up = self.board.transport == "rtu" and self.up  # a serial line says what it says, also to nobody


def opens(pdu: bytes) -> bool:
    return pdu[0] in (5, 6, 16) and pdu[3:5] != b"\0\0" and not (pdu[0] == 5 and pdu[1:3] == b"\x03\xed")


async def played(name: str, transport: str, script: Script, waits: list[float], echoes: bool) -> None:
    sim = ModbusBoardSim("b", {"host": "twin", "board": name, "transport": transport})
    sim.power_on()
    board = Board(sim, transport, deque(), echoes)

    async def open_wire(_place: Place, wire: Wire) -> str:
        wire.transport = _End(board, wire)
        return ""

    with mock.patch("device_drivers.modbus_connection.open_wire", open_wire):
        config = {"host": "twin", "board": name, "transport": transport, "timeout_s": TIMEOUT_S, "quiet_s": QUIET_S}
        driver = await modbus_door.connect("d", config | {"baud": 115200}, None)  # type: ignore[arg-type]
        polling = asyncio.create_task(polled(driver))
        try:
            await asyncio.sleep(1.5)
            board.script.extend(script)
            for wait in waits:
                await asyncio.sleep(wait)
                await opened_once(driver, board)
            board.script.clear()
            await asyncio.sleep(40)
            assert not sim.door_relay.is_on, "in the end the door is closed"
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await driver.close()
            sim.power_off()


async def opened_once(driver: modbus_door.ModbusDoor, board: Board) -> None:
    frames_before, pulses_before = len(board.opened), len(board.sim.pulses)
    outcome, text = await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", hold_s=PULSE_S))
    sent, pulses = len(board.opened) - frames_before, len(board.sim.pulses) - pulses_before
    told = f"{outcome} ({text}): {sent} opening frames, {pulses} pulses"
    assert sent <= 1, told
    assert pulses <= 1, told
    match outcome:
        case CommandOutcome.DONE:
            assert pulses == 1, told
        case CommandOutcome.REFUSED | CommandOutcome.UNREACHABLE:
            assert pulses == 0, told
        case _:
            assert outcome is CommandOutcome.UNCERTAIN, told


async def polled(driver: modbus_door.ModbusDoor) -> None:
    """As a worker does: again after each loss."""
    while True:
        with contextlib.suppress(DeviceUnreachable):
            async for _ in driver.events():
                pass
        await asyncio.sleep(0.2)


SCRIPTS = st.lists(st.tuples(st.sampled_from(ACTS), st.floats(0, 0.9)), max_size=40)


@pytest.mark.parametrize("transport", ["tcp", "rtu_over_tcp", "rtu"])
@pytest.mark.parametrize("board", sorted(register_map.boards()))
@settings(max_examples=CASES, deadline=None, derandomize=CASES < 1000, suppress_health_check=list(HealthCheck))
@example([("lost reply", 0.0)] * 40, [0.0, 0.1], False)
@example([("late", 0.5)] * 40, [0.0, 0.0, 0.0], False)
@example([("late", 0.9), ("deaf", 0.0)] * 20, [0.0, 0.0, 1.0], True)
@example([("cut after", 0.0)] * 40, [0.0, 0.3], False)
@example([("other unit", 0.0)], [0.0, 0.0], False)
@example([("well", 0.0)] * 2 + [("exception", 0.0)] * 12 + [("busy", 0.0)] * 12, [0.0], False)
@given(SCRIPTS, st.lists(st.floats(0, 3), min_size=1, max_size=4), st.booleans())
def test_one_open_is_one_pulse(board: str, transport: str, script: Script, waits: list[float], echoes: bool) -> None:
    if echoes and transport == "tcp":
        echoes = False
    in_virtual_time(lambda: played(board, transport, script, waits, echoes))
