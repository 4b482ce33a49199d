"""A number in registers: its type, its byte and word order, its scale. Pure."""

from __future__ import annotations

import math
import struct
from typing import Literal

import msgspec

from device_drivers.register_action import Address

RegisterTable = Literal["holding", "input"]


class RegisterValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The raw number times `scale`.

    Words and bytes are most significant first unless said otherwise. `invalid`: the raw number by which the device says that it
    has none. `bcd` has four decimal digits a register.
    """

    table: RegisterTable
    address: Address
    type: Literal["u16", "s16", "u32", "s32", "u48", "u64", "s64", "f32", "f64", "bcd16", "bcd32", "bcd48"]
    scale: float = 1.0
    words_reversed: bool = False
    bytes_swapped: bool = False
    invalid: int | None = None

    @property
    def count(self) -> int:
        return int(self.type.lstrip("usfbcd")) // 16


def value_of(spec: RegisterValue, registers: tuple[int, ...]) -> float:
    """The number in its unit from its registers; not a number where they hold none."""
    ordered = registers[::-1] if spec.words_reversed else registers
    raw = b"".join(r.to_bytes(2, "little" if spec.bytes_swapped else "big") for r in ordered)
    if spec.invalid is not None and int.from_bytes(raw, "big") == spec.invalid:
        return math.nan
    number = _number(spec, raw)
    return round(number * spec.scale, 6) if math.isfinite(number) else number


def _number(spec: RegisterValue, raw: bytes) -> float:
    if spec.type in ("f32", "f64"):
        return float(struct.unpack(">f" if spec.type == "f32" else ">d", raw)[0])
    if spec.type.startswith("bcd"):
        digits = raw.hex()
        return float(digits) if digits.isdecimal() else math.nan
    return float(int.from_bytes(raw, "big", signed=spec.type.startswith("s")))
