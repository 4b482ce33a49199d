"""Card numbers as readers render them, brought to one form: decimal text without leading zeros. Pure.

The same card is `0012345678` on its face, `00BC614E` at a hex reader, `188,24910` (facility, number) at a Wiegand-26
panel and `4E61BC00` where a board swaps bytes. The hub and the edge compare only the normal form.
W26 carries 24 bits (8 facility + 16 number), W34 carries 32 (16 + 16); both between two parity bits.
"""

from __future__ import annotations

import re
from typing import Literal

Rendering = Literal["decimal", "hex", "hex_reversed", "decimal_reversed", "w26", "w34"]
RENDERINGS: tuple[Rendering, ...] = ("decimal", "hex", "hex_reversed", "decimal_reversed", "w26", "w34")
Packing = Literal["two_bytes", "low_byte", "ascii", "bcd"]
MAX_BITS = 80  # ten bytes: the longest identifier a supported board delivers
_PAIR = re.compile(r"^\s*(\d{1,5})\s*[,;:/\s-]\s*(\d{1,5})\s*$")
_HEX = re.compile(r"^(?:0x)?([0-9a-f]+)$", re.IGNORECASE)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９，：", "0123456789,:")


class CardNumberError(ValueError):
    """A text that is no card number in the stated rendering; the message says why."""


def normalise(text: str, rendering: Rendering = "decimal") -> str:
    """The normal form of `text` as written in `rendering`. Raises CardNumberError.

    `w26`/`w34` accept "facility,number" as well as the single decimal number of the same bits. Full-width digits and
    blanks (typed lists) are accepted.
    """
    plain = text.translate(_FULL_WIDTH).strip()
    if rendering in ("w26", "w34"):
        return _from_wiegand_text(plain, rendering)
    if rendering.startswith("hex"):
        number = _hex(plain)
        width = (len(plain.lower().removeprefix("0x").replace(" ", "")) + 1) // 2
    else:
        number = _decimal(plain)
        width = max(4, (number.bit_length() + 7) // 8)
    return _checked(reverse_bytes(number, width) if rendering.endswith("_reversed") else number)


def from_bytes(raw: bytes, *, reverse: bool = False) -> str:
    """The normal form of a number delivered as bytes, most significant first unless `reverse`."""
    return _checked(int.from_bytes(raw, "little" if reverse else "big"))


def from_registers(registers: tuple[int, ...], *, words_reversed: bool = False, bytes_swapped: bool = False) -> bytes:
    """16-bit registers as bytes, most significant first after undoing word and byte order."""
    ordered = registers[::-1] if words_reversed else registers
    return b"".join((r & 0xFFFF).to_bytes(2, "little" if bytes_swapped else "big") for r in ordered)


def delivered(registers: tuple[int, ...], packing: Packing, **order: bool) -> bytes:
    """The bytes that a reader left in its registers. `order`: as `from_registers`.

    `two_bytes`: the number's bytes, two a register; `low_byte`: one a register; `ascii`: its digits as text;
    `bcd`: four decimal digits a register.
    """
    return bytes(r & 0xFF for r in registers) if packing == "low_byte" else from_registers(registers, **order)


def from_delivered(raw: bytes, packing: Packing, rendering: Rendering = "decimal") -> str:
    """The normal form of what a reader delivered; `rendering` is of its text or bytes. Raises CardNumberError."""
    if packing == "ascii":
        text = raw.strip(b"\0 \r\n")
        if not text.isascii():
            raise CardNumberError(f"not a text of digits: {raw.hex()}")
        return normalise(text.decode("ascii"), rendering)
    if packing == "bcd":
        return normalise(raw.hex().rstrip("f").lstrip("0") or "0", "decimal")
    return from_bytes(raw.lstrip(b"\0"), reverse=rendering.endswith("_reversed"))


def reverse_bytes(number: int, width: int) -> int:
    """`number` with its `width` bytes in the other order. Raises CardNumberError when it does not fit."""
    try:
        return int.from_bytes(number.to_bytes(width, "big"), "little")
    except OverflowError as error:
        raise CardNumberError(f"{number} does not fit into {width} bytes") from error


def wiegand(facility: int, number: int, rendering: Literal["w26", "w34"] = "w26") -> str:
    """The normal form of a facility code and a number. Raises CardNumberError out of range."""
    facility_bits = 8 if rendering == "w26" else 16
    if not 0 <= facility < 1 << facility_bits:
        raise CardNumberError(f"facility {facility} does not fit {facility_bits} bits ({rendering})")
    if not 0 <= number < 1 << 16:
        raise CardNumberError(f"number {number} does not fit 16 bits ({rendering})")
    return _checked(facility << 16 | number)


def split_wiegand(normal: str, rendering: Literal["w26", "w34"] = "w26") -> tuple[int, int]:
    """(facility, number) of a normal form; W26 keeps the low 24 bits, as a panel on a W26 cable does."""
    value = int(normal)
    return (value >> 16) & (0xFF if rendering == "w26" else 0xFFFF), value & 0xFFFF


def from_wiegand_frame(bits: str) -> str:
    """The normal form of a raw frame of 26 or 34 binary digits, both parities checked. Raises CardNumberError."""
    if len(bits) not in (26, 34) or set(bits) - {"0", "1"}:
        raise CardNumberError(f"not a Wiegand frame of 26 or 34 bits: {bits!r}")
    half = len(bits) // 2
    if bits[:half].count("1") % 2 != 0 or bits[half:].count("1") % 2 != 1:
        raise CardNumberError(f"parity does not fit: {bits}")
    return _checked(int(bits[1:-1], 2))


def wiegand_frame(normal: str, length: Literal[26, 34] = 26) -> str:
    """The frame (binary digits) that a reader would send for a normal form. Raises CardNumberError when too big."""
    value, width = int(normal), length - 2
    if value >= 1 << width:
        raise CardNumberError(f"{normal} does not fit {width} bits")
    data = f"{value:0{width}b}"
    even = data[: width // 2].count("1") % 2
    odd = 1 - data[width // 2 :].count("1") % 2
    return f"{even}{data}{odd}"


def to_hex(normal: str, digits: int = 8) -> str:
    """Upper-case hex with at least `digits` digits."""
    return f"{int(normal):0{digits}X}"


def _from_wiegand_text(text: str, rendering: Literal["w26", "w34"]) -> str:
    if pair := _PAIR.match(text):
        return wiegand(int(pair[1]), int(pair[2]), rendering)
    number, width = _decimal(text), 24 if rendering == "w26" else 32
    if number >= 1 << width:
        raise CardNumberError(f"{text} does not fit {width} bits ({rendering})")
    return _checked(number)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise CardNumberError(f"not a decimal card number: {text[:40]!r}")
    if len(text) > 25:
        raise CardNumberError(f"too long for a card number: {len(text)} digits")
    return int(text)


def _hex(text: str) -> int:
    found = _HEX.match(text.replace(" ", ""))
    if not found or len(found[1]) > 20:
        raise CardNumberError(f"not a hex card number: {text[:40]!r}")
    return int(found[1], 16)


def _checked(number: int) -> str:
    if number == 0:
        raise CardNumberError("0 is no card number (an empty reading)")
    if number.bit_length() > MAX_BITS:
        raise CardNumberError(f"{number.bit_length()} bits, more than {MAX_BITS}")
    return str(number)
