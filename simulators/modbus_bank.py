"""Modbus application layer of a simulated unit: tables with holes, PDUs in and out.

Written from the Modbus Application Protocol V1.1b3 and not on pymodbus, which our driver uses: a wrong reading must not
be made twice, and boards accept what pymodbus' server cannot (FC05 values other than FF00/0000).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

V = TypeVar("V", bool, int)

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4
GATEWAY_NO_RESPONSE: Final = 0x0B


class ModbusRefusal(Exception):
    """The request is answered with this exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def exception_pdu(function: int, code: int) -> bytes:
    """The error answer to a function."""
    return bytes([function | 0x80, code])


@dataclass(slots=True)
class RegisterBank:
    """The four tables of one unit: address -> value. An address that is not a key does not exist.

    ``write_coil(address, raw)`` sees each FC05 with its raw 16-bit value (also 0xFF00/0) and each bit of an FC0F before
    it is stored and returns whether it took care of it; ``wrote_registers(address, values)`` the same for FC06/FC10.
    ``functions`` limits what the unit answers.
    """

    coils: dict[int, bool] = field(default_factory=dict)
    discrete_inputs: dict[int, bool] = field(default_factory=dict)
    holding: dict[int, int] = field(default_factory=dict)
    inputs: dict[int, int] = field(default_factory=dict)
    read_only_coils: frozenset[int] = frozenset()
    write_coil: Callable[[int, int], bool] = lambda address, raw: False
    wrote_registers: Callable[[int, list[int]], bool] = lambda address, values: False
    functions: frozenset[int] = frozenset({1, 2, 3, 4, 5, 6, 15, 16})

    def answer(self, pdu: bytes) -> bytes:
        """The answer to one request PDU (function code and data), an exception PDU where it is refused."""
        function = pdu[0]
        try:
            if function not in self.functions:
                raise ModbusRefusal(ILLEGAL_FUNCTION)
            if function in (1, 2):
                return self._read_bits(pdu, self.coils if function == 1 else self.discrete_inputs)
            if function in (3, 4):
                return self._read_registers(pdu, self.holding if function == 3 else self.inputs)
            return {5: self._fc05, 6: self._fc06, 15: self._fc15, 16: self._fc16}[function](pdu)
        except ModbusRefusal as refusal:
            return exception_pdu(function, refusal.code)

    def _read_bits(self, pdu: bytes, table: dict[int, bool]) -> bytes:
        address, count = _two_words(pdu, 5)
        if not 1 <= count <= 2000:
            raise ModbusRefusal(ILLEGAL_VALUE)
        bits = _lookup(table, address, count)
        packed = bytearray((count + 7) // 8)
        for index, bit in enumerate(bits):
            packed[index // 8] |= bit << (index % 8)
        return bytes([pdu[0], len(packed)]) + bytes(packed)

    def _read_registers(self, pdu: bytes, table: dict[int, int]) -> bytes:
        address, count = _two_words(pdu, 5)
        if not 1 <= count <= 125:
            raise ModbusRefusal(ILLEGAL_VALUE)
        words = _lookup(table, address, count)
        return bytes([pdu[0], 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)

    def _fc05(self, pdu: bytes) -> bytes:
        address, raw = _two_words(pdu, 5)
        if not self.write_coil(address, raw):
            if raw not in (0x0000, 0xFF00):
                raise ModbusRefusal(ILLEGAL_VALUE)
            self._store_coil(address, raw == 0xFF00)
        return pdu

    def _fc06(self, pdu: bytes) -> bytes:
        address, value = _two_words(pdu, 5)
        if not self.wrote_registers(address, [value]):
            _lookup(self.holding, address, 1)
            self.holding[address] = value
        return pdu

    def _fc15(self, pdu: bytes) -> bytes:
        address, count = _two_words(pdu, 6)
        data = pdu[6:]
        if not 1 <= count <= 1968 or pdu[5] != len(data) or len(data) != (count + 7) // 8:
            raise ModbusRefusal(ILLEGAL_VALUE)
        _lookup(self.coils, address, count)
        for index in range(count):
            bit = bool(data[index // 8] >> (index % 8) & 1)
            if not self.write_coil(address + index, 0xFF00 if bit else 0):
                self._store_coil(address + index, bit)
        return pdu[:5]

    def _fc16(self, pdu: bytes) -> bytes:
        address, count = _two_words(pdu, 6)
        data = pdu[6:]
        if not 1 <= count <= 123 or pdu[5] != len(data) or len(data) != 2 * count:
            raise ModbusRefusal(ILLEGAL_VALUE)
        values = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        if not self.wrote_registers(address, values):
            _lookup(self.holding, address, count)
            self.holding.update(enumerate(values, start=address))
        return pdu[:5]

    def _store_coil(self, address: int, bit: bool) -> None:
        if address not in self.coils or address in self.read_only_coils:
            raise ModbusRefusal(ILLEGAL_ADDRESS)
        self.coils[address] = bit


def _two_words(pdu: bytes, least: int) -> tuple[int, int]:
    if len(pdu) < least or (least == 5 and len(pdu) != 5):
        raise ModbusRefusal(ILLEGAL_VALUE)
    return int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")


def _lookup(table: dict[int, V], address: int, count: int) -> list[V]:
    wanted = range(address, address + count)
    if any(key not in table for key in wanted):
        raise ModbusRefusal(ILLEGAL_ADDRESS)
    return [table[key] for key in wanted]


def addresses(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """All addresses of ``(first, count)`` ranges."""
    return [address for first, count in ranges for address in range(first, first + count)]
