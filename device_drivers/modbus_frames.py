"""Modbus frames: a request in either dress, and its answer found in whatever came in. Pure.

The answer is looked for by everything that is known of it (transaction, unit, function, length, echoed address, CRC), so that a
late reply to an older question, our own echo on a two-wire adapter, or noise before the frame is never taken for it.
Source: Modbus Application Protocol V1.1b3, Modbus over Serial Line V1.02, Modbus Messaging on TCP/IP V1.0b.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Framing = Literal["tcp", "rtu"]
READS = frozenset({1, 2, 3, 4})
BUFFER_MAX = 1024  # bytes kept while an answer is looked for; a frame has at most 260
_HEAD = 7  # MBAP: transaction 2, protocol 2, length 2, unit 1


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a unit. `body` is the answer's length after its function code, as the standard has it."""

    unit: int
    pdu: bytes
    body: int

    @property
    def function(self) -> int:
        return self.pdu[0]

    @property
    def writes(self) -> bool:
        return self.pdu[0] not in READS


@dataclass(frozen=True, slots=True)
class Found:
    """What a buffer held: the answer's PDU or None, and what is left of the buffer to look at with more bytes.

    `odd` is what was passed over (a late reply, noise). `lenient`: the device does not give transactions back, so that its
    late replies cannot be told by them.
    """

    pdu: bytes | None
    rest: bytes = b""
    odd: bytes = b""
    lenient: bool = False


class BadAnswer(ValueError):
    """The answer is of the right kind and says nothing that fits."""


def read_bits(unit: int, function: Literal[1, 2], address: int, count: int) -> Request:
    return Request(unit, struct.pack(">BHH", function, address, count), 1 + (count + 7) // 8)


def read_registers(unit: int, function: Literal[3, 4], address: int, count: int) -> Request:
    return Request(unit, struct.pack(">BHH", function, address, count), 1 + 2 * count)


def write_coil(unit: int, address: int, value: int) -> Request:
    """FC05 with its raw 16-bit value: FF00 on, 0 off, anything else as flash-on boards want it."""
    return Request(unit, struct.pack(">BHH", 5, address, value), 4)


def write_register(unit: int, address: int, value: int) -> Request:
    return Request(unit, struct.pack(">BHH", 6, address, value), 4)


def write_registers(unit: int, address: int, values: Sequence[int]) -> Request:
    head = struct.pack(">BHHB", 16, address, len(values), 2 * len(values))
    return Request(unit, head + struct.pack(f">{len(values)}H", *values), 4)


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        rows.append(crc)
    return tuple(rows)


_CRC = _table()


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first as on the wire."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def wrap(framing: Framing, request: Request, transaction: int) -> bytes:
    """The whole frame. `transaction` is only said on TCP."""
    if framing == "tcp":
        return struct.pack(">HHHB", transaction, 0, len(request.pdu) + 1, request.unit) + request.pdu
    frame = bytes((request.unit,)) + request.pdu
    return frame + crc16(frame)


def find(framing: Framing, request: Request, transaction: int, data: bytes) -> Found:
    """The answer to `request` in `data`, all bytes that came since it was sent."""
    return _find_tcp(request, transaction, data) if framing == "tcp" else _find_rtu(request, data)


def _find_tcp(request: Request, transaction: int, data: bytes) -> Found:
    start = 0
    while len(data) - start >= _HEAD + 1:
        told, protocol, length = struct.unpack_from(">HHH", data, start)
        if protocol or not 3 <= length <= 260:
            return Found(None, b"", data[start:])  # not Modbus TCP: nothing says where the next frame begins
        end = start + 6 + length
        if end > len(data):
            break
        pdu = data[start + _HEAD : end]
        exact = data[start + 6] == request.unit and fits(request, pdu)
        if (told == transaction and pdu[0] & 0x7F == request.function) or (told == 0 and exact):
            return Found(pdu, data[end:], data[:start], lenient=told != transaction)
        start = end
    return Found(None, data[start:], data[:start])


def _find_rtu(request: Request, data: bytes) -> Found:
    at = data.find(request.unit)
    waiting = -1  # a frame that may still grow to be the answer
    while at >= 0:
        length = _rtu_length(request, data, at)
        if length and at + length > len(data):
            waiting = at if waiting < 0 else waiting
        elif length and crc16(data[at : at + length - 2]) == data[at + length - 2 : at + length]:
            pdu = data[at + 1 : at + length - 2]
            if pdu[0] & 0x80 or fits(request, pdu):
                return Found(pdu, data[at + length :], data[:at])
        at = data.find(request.unit, at + 1)
    keep = waiting if waiting >= 0 else len(data)
    return Found(None, data[keep:], data[:keep])


def _rtu_length(request: Request, data: bytes, at: int) -> int:
    """How long the frame at `at` is if it is the answer; 0 when it cannot be."""
    if at + 1 >= len(data):
        return 4
    function = data[at + 1]
    if function == request.function | 0x80:
        return 5
    if function != request.function:
        return 0
    if not request.writes and at + 2 < len(data) and data[at + 2] != request.body - 1:
        return 0
    return 1 + 1 + request.body + 2


def fits(request: Request, pdu: bytes) -> bool:
    """Whether `pdu` is an answer to this very request, by function, length and (for writes) the echoed address."""
    if len(pdu) == 2 and pdu[0] == request.function | 0x80:
        return True
    if pdu[:1] != request.pdu[:1] or len(pdu) != 1 + request.body:
        return False
    return pdu[1:3] == request.pdu[1:3] if request.writes else pdu[1] == request.body - 1


def exception_code(pdu: bytes) -> int | None:
    """The code of an exception answer (0 where the device forgot to name one), None for any other answer."""
    if not pdu or not pdu[0] & 0x80:
        return None
    return pdu[1] if len(pdu) > 1 else 0


def bits_of(pdu: bytes, count: int) -> tuple[bool, ...]:
    """Raises BadAnswer. A device may pad with more bytes than asked, or miscount them."""
    data = pdu[2:]
    if len(data) * 8 < count:
        raise BadAnswer(f"{len(data)} bytes for {count} bits")
    number = int.from_bytes(data, "little")
    return tuple([bool(number >> n & 1) for n in range(count)])


def registers_of(pdu: bytes, count: int) -> tuple[int, ...]:
    """Raises BadAnswer."""
    data = pdu[2:]
    if len(data) < 2 * count:
        raise BadAnswer(f"{len(data)} bytes for {count} registers")
    return struct.unpack(f">{count}H", data[: 2 * count])


def wrote(request: Request, pdu: bytes) -> None:
    """Raises BadAnswer when the answer is about another address. Devices that answer with less than the echo are believed."""
    echoed = pdu[1:3]
    if len(echoed) == 2 and echoed != request.pdu[1:3]:
        raise BadAnswer(f"answer is about address {int.from_bytes(echoed, 'big')}")
