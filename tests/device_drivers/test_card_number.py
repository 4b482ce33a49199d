"""Card numbers: every rendering of one card leads to the same normal form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_drivers import card_number
from device_drivers.card_number import CardNumberError, delivered, from_delivered


@pytest.mark.parametrize(
    ("text", "rendering", "expected"),
    [
        ("0012345678", "decimal", "12345678"),
        ("１２３４５６７８", "decimal", "12345678"),
        ("00BC614E", "hex", "12345678"),
        ("0xbc614e", "hex", "12345678"),
        ("4E61BC00", "hex_reversed", "12345678"),
        ("1315027968", "decimal_reversed", "12345678"),
        ("188,24910", "w26", "12345678"),
        ("188:24910", "w26", "12345678"),
        ("12345678", "w26", "12345678"),
        ("00188 24910", "w34", "12345678"),
        ("52,32", "w26", "3407904"),
    ],
)
def test_renderings_of_a_card_lead_to_its_normal_form(
    text: str, rendering: card_number.Rendering, expected: str
) -> None:
    assert card_number.normalise(text, rendering) == expected, f"{text!r} read as {rendering}"


@pytest.mark.parametrize(
    ("text", "rendering"),
    [
        ("", "decimal"),
        ("0", "decimal"),
        ("12a4", "decimal"),
        ("-5", "decimal"),
        ("²3", "decimal"),
        ("9" * 26, "decimal"),
        ("xyz", "hex"),
        ("F" * 21, "hex"),
        ("256,1", "w26"),
        ("1,65536", "w26"),
        ("16777216", "w26"),
        ("65536,1", "w34"),
    ],
)
def test_what_is_no_card_number_is_refused(text: str, rendering: card_number.Rendering) -> None:
    with pytest.raises(CardNumberError):
        card_number.normalise(text, rendering)


@given(st.integers(1, 2**24 - 1))
def test_a_w26_frame_is_read_back(number: int) -> None:
    frame = card_number.wiegand_frame(str(number), 26)
    assert len(frame) == 26
    assert card_number.from_wiegand_frame(frame) == str(number)
    facility, low = card_number.split_wiegand(str(number))
    assert card_number.wiegand(facility, low) == str(number)


@given(st.integers(1, 2**32 - 1), st.integers(0, 33))
def test_a_w34_frame_with_one_flipped_bit_is_refused(number: int, flip: int) -> None:
    frame = card_number.wiegand_frame(str(number), 34)
    assert card_number.from_wiegand_frame(frame) == str(number)
    broken = frame[:flip] + ("1" if frame[flip] == "0" else "0") + frame[flip + 1 :]
    with pytest.raises(CardNumberError, match="parity"):
        card_number.from_wiegand_frame(broken)


@given(st.integers(1, 2**32 - 1))
def test_reversing_bytes_twice_changes_nothing(number: int) -> None:
    once = card_number.reverse_bytes(number, 4)
    assert card_number.reverse_bytes(once, 4) == number
    assert card_number.normalise(card_number.to_hex(str(number)), "hex") == str(number)


@given(st.text(max_size=40), st.sampled_from(card_number.RENDERINGS))
def test_any_text_gives_a_number_or_a_clear_refusal(text: str, rendering: card_number.Rendering) -> None:
    try:
        found = card_number.normalise(text, rendering)
    except CardNumberError:
        return
    assert found.isdigit()
    assert not found.startswith("0"), f"{text!r} became {found!r}"


def test_registers_in_all_four_orders_give_the_same_bytes() -> None:
    expected = bytes.fromhex("0000000000000000BC614E"[2:])
    plain = (0, 0, 0, 0x00BC, 0x614E)
    assert card_number.from_registers(plain) == expected
    assert card_number.from_registers(plain[::-1], words_reversed=True) == expected
    swapped = tuple((r & 0xFF) << 8 | r >> 8 for r in plain)
    assert card_number.from_registers(swapped, bytes_swapped=True) == expected
    assert card_number.from_registers(swapped[::-1], words_reversed=True, bytes_swapped=True) == expected
    assert card_number.from_bytes(expected) == "12345678"


@pytest.mark.parametrize(
    ("registers", "packing", "rendering", "order"),
    [
        ((0, 0, 0x00BC, 0x614E), "two_bytes", "decimal", {}),
        ((0x614E, 0x00BC), "two_bytes", "decimal", {"words_reversed": True}),
        ((0xBC00, 0x4E61), "two_bytes", "decimal", {"bytes_swapped": True}),
        ((0x4E61, 0xBC00), "two_bytes", "hex_reversed", {}),
        ((0, 0xBC, 0x61, 0x4E), "low_byte", "decimal", {}),
        ((188, 24910), "two_bytes", "w26", {}),
        ((0x3030, 0x4243, 0x3631, 0x3445), "ascii", "hex", {}),
        ((0x3138, 0x382C, 0x3234, 0x3931, 0x3000), "ascii", "w26", {}),
        ((0x0012, 0x3456, 0x78FF), "bcd", "decimal", {}),
    ],
)
def test_one_card_in_the_registers_of_nine_readers(
    registers: tuple[int, ...], packing: Any, rendering: Any, order: dict[str, bool]
) -> None:
    assert from_delivered(delivered(registers, packing, **order), packing, rendering) == "12345678"


@pytest.mark.parametrize("packing", ["two_bytes", "low_byte", "ascii", "bcd"])
def test_empty_and_broken_registers_are_no_card(packing: Any) -> None:
    for registers in ((0, 0), (0xFFFF,) * 12, ()):
        with pytest.raises(CardNumberError):
            from_delivered(delivered(registers, packing), packing)
