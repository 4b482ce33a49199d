"""Whatever a Modbus line says: no crash, no hang, bounded memory; what cannot be read is counted and kept."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any

from fuzz_profile import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from device_drivers import card_number, register_map
from device_drivers import modbus_frames as frames
from device_drivers.driver import DeviceUnreachable
from device_drivers.modbus_bus import IllegalRequest, ModbusBus, Place
from device_drivers.modbus_line import Line
from device_drivers.modbus_meter import judge
from device_drivers.modbus_wire import Wire
from device_drivers.register_map import MeterValue
from device_drivers.register_value import value_of

UNITS = st.integers(0, 255)
WORDS = st.integers(0, 0xFFFF)
REQUESTS = st.one_of(
    st.builds(frames.read_bits, UNITS, st.sampled_from([1, 2]), WORDS, st.integers(1, 64)),
    st.builds(frames.read_registers, UNITS, st.sampled_from([3, 4]), WORDS, st.integers(1, 16)),
    st.builds(frames.write_coil, UNITS, WORDS, WORDS),
    st.builds(frames.write_registers, UNITS, WORDS, st.lists(WORDS, min_size=1, max_size=4)),
)


@st.composite
def spoken(draw: st.DrawFn, framing: frames.Framing, request: frames.Request, transaction: int) -> bytes:
    """Bytes that look more or less like an answer: whole, damaged, of another, of nobody."""
    pieces = []
    for kind in draw(st.lists(st.sampled_from(["answer", "exception", "other", "noise", "echo"]), max_size=4)):
        body = draw(st.binary(max_size=20))
        if kind == "answer":
            body = body.ljust(request.body, b"\0")[: request.body]
            body = request.pdu[1 : 1 + request.body] if request.writes else bytes((request.body - 1,)) + body[1:]
            pdu = bytes((request.function,)) + body
        elif kind == "exception":
            pdu = bytes((request.function | 0x80, draw(st.integers(0, 255))))
        else:
            pdu = bytes((draw(st.integers(0, 255)),)) + body
        said = frames.Request(
            draw(UNITS) if kind == "other" else request.unit, request.pdu if kind == "echo" else pdu, 0
        )
        whole = body if kind == "noise" else frames.wrap(framing, said, draw(st.sampled_from([transaction, 0, 1, 9])))
        if draw(st.booleans()) and whole:
            at = draw(st.integers(0, len(whole) - 1))
            damage = draw(st.sampled_from(["flip", "drop", "cut"]))
            whole = {
                "flip": whole[:at] + bytes((whole[at] ^ 0x41,)) + whole[at + 1 :],
                "drop": whole[:at] + whole[at + 1 :],
                "cut": whole[:at],
            }[damage]
        pieces.append(whole)
    return b"".join(pieces)


@fuzzed
@given(st.data(), st.sampled_from(["tcp", "rtu"]), REQUESTS, WORDS)
def test_an_answer_is_found_or_not_and_never_invented(
    data: st.DataObject, framing: frames.Framing, request: frames.Request, transaction: int
) -> None:
    said = data.draw(spoken(framing, request, transaction) | st.binary(max_size=600))
    found = frames.find(framing, request, transaction, said)
    assert len(found.rest) + len(found.odd) <= len(said)
    if found.pdu is not None:
        assert found.pdu in said
        assert found.pdu[0] & 0x7F == request.function
        if framing == "rtu":
            frame = bytes((request.unit,)) + found.pdu
            assert frame + frames.crc16(frame) in said, "an RTU answer has its CRC"
            assert found.pdu[0] & 0x80 or frames.fits(request, found.pdu)
    for read in (frames.bits_of, frames.registers_of):
        with suppress(frames.BadAnswer):
            assert len(read(found.pdu or b"", 16)) == 16


@fuzzed
@given(st.data(), st.sampled_from(["tcp", "rtu"]), REQUESTS)
def test_an_answer_that_comes_in_pieces_is_found_too(
    data: st.DataObject, framing: frames.Framing, request: frames.Request
) -> None:
    said = data.draw(spoken(framing, request, 7))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=5)))
    buffer, pdu = b"", None
    for start, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        if pdu is None:
            found = frames.find(framing, request, 7, buffer + said[start:end])
            buffer, pdu = found.rest, found.pdu
    whole = frames.find(framing, request, 7, said)
    if whole.pdu is not None:
        assert pdu is not None, "an answer that is found whole was lost in pieces"
        assert pdu == whole.pdu or framing == "rtu", "on TCP the transaction says which"


class Talker(asyncio.Transport):
    """A serial line on which somebody says things whenever something is asked."""

    def __init__(self, says: list[bytes]) -> None:
        super().__init__()
        self.says, self.line = says, None
        self.asked = 0

    def write(self, data: Any) -> None:
        self.asked += 1
        loop = asyncio.get_running_loop()
        for piece in self.says:
            loop.call_soon(self.line.heard, piece)  # type: ignore[attr-defined]

    def abort(self) -> None:
        pass


@fuzzed
@given(st.lists(st.binary(max_size=80), max_size=6), st.binary(max_size=2000))
def test_a_line_on_which_anything_is_said_goes_on(pieces: list[bytes], flood: bytes) -> None:
    async def scenario() -> None:
        talker = Talker([*pieces, flood])
        bus = ModbusBus(Place("talker", transport="rtu", baud=115200, quiet_s=0.0), 0.001)
        line = bus._line = Line(bus.place)
        line.users, talker.line = 1, line  # type: ignore[assignment]
        line.link.wire = Wire(line.heard, line.lost)
        line.link.wire.transport = talker
        for _ in range(2):
            with suppress(DeviceUnreachable, IllegalRequest):
                async with asyncio.timeout(5):
                    await bus.read_bits(1, "coil", 0, 8)
        assert len(line._buffer) <= frames.BUFFER_MAX
        assert len(line.odd.last) <= 48
        assert not any(pieces) or line.odd.count or talker.asked == 2
        str(line.odd)
        bus.close()

    asyncio.run(scenario())


@fuzzed
@given(st.text(max_size=40) | st.from_regex(r"[0-9A-Fa-fx,: /-]{0,24}"), st.sampled_from(card_number.RENDERINGS))
def test_a_card_number_is_normal_or_refused(text: str, rendering: card_number.Rendering) -> None:
    try:
        normal = card_number.normalise(text, rendering)
    except card_number.CardNumberError:
        return
    assert normal.isascii()
    assert normal.isdigit()
    assert normal == card_number.normalise(normal), "the normal form is its own normal form"


@fuzzed
@given(st.sampled_from(sorted(register_map.meters())), st.lists(WORDS, min_size=8, max_size=8), WORDS, st.data())
def test_any_registers_are_a_reading_or_told_as_none(
    name: str, registers: list[int], status: int, data: st.DataObject
) -> None:
    model = register_map.meter(name)
    spec: MeterValue = model.value
    value = value_of(spec, tuple(registers[: spec.count]))
    last = data.draw(st.none() | st.floats(allow_nan=False, allow_infinity=False))
    reading = judge(model, "p", value, status, last)
    if not math.isfinite(value) or not 0 <= value <= model.maximum:
        assert not reading.ok
        assert "impossible" in reading.text
