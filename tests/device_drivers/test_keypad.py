"""Keys become a PIN: with # and in time, never half of one, and never a card."""

from __future__ import annotations

import pytest

from device_drivers.catalogue import DEFINITIONS, definition
from device_drivers.config import read_config
from device_drivers.contract.device import of_config
from device_drivers.driver import ConfigError
from device_drivers.keypad import GAP_S, Delivery, Keypad, key_of
from device_drivers.modbus_door_config import ModbusDoorConfig, check_keypad
from device_drivers.register_map import board


def typed(pad: Keypad, keys: str, at: float = 0.0) -> list[str]:
    """The PINs that come out of typing these."""
    found = []
    for key in keys:
        number = "0123456789*#".index(key)
        if pad.delivery == "keys8":
            number |= (~number & 0x0F) << 4
        was_key, pin = pad.feed(number, at)
        assert was_key
        found += [pin] if pin else []
    return found


@pytest.mark.parametrize("delivery", ["keys4", "keys8"])
def test_a_pin_is_what_stands_before_the_hash(delivery: Delivery) -> None:
    pad = Keypad(delivery)
    assert typed(pad, "1204567#") == ["1204567"]
    assert typed(pad, "99*1204567#") == ["1204567"], "* begins anew"
    assert typed(pad, "#") == [], "nothing typed is no PIN"
    assert typed(pad, "1" * 13 + "#") == [], "too long is no PIN, and not its first digits"
    assert typed(pad, "007#") == ["007"]


def test_what_was_left_half_typed_is_forgotten() -> None:
    pad = Keypad("keys4")
    assert typed(pad, "120", at=0.0) == []
    assert typed(pad, "4567#", at=GAP_S + 1) == ["4567"], "the next person does not complete it"
    assert typed(pad, "12", at=20.0) == []
    assert pad.feed(12_345_678, 21.0) == (False, ""), "a card"
    assert typed(pad, "4567#", at=22.0) == ["4567"], "a card in between ends it"


def test_a_card_is_no_key_and_without_a_keypad_nothing_is() -> None:
    assert key_of(0xF0, "keys8") == 0
    assert key_of(0x4B, "keys8") == 11
    assert [n for n in range(256) if key_of(n, "keys8") is not None] == [
        0x4B, 0x5A, 0x69, 0x78, 0x87, 0x96, 0xA5, 0xB4, 0xC3, 0xD2, 0xE1, 0xF0,
    ]  # fmt: skip
    assert key_of(12, "keys4") is None
    assert key_of(5, "none") is None
    assert key_of(5, "frame") is None


def test_a_pin_is_announced_only_where_a_keypad_is_configured() -> None:
    kind = definition("modbus_door")
    assert "pin" not in kind.capabilities_of({}).accepted
    assert "pin" not in kind.capabilities_of({"keypad": "none"}).accepted
    for delivery in ("keys4", "keys8", "frame"):
        wired = {"board": "inveo_rfid_ind", "keypad": delivery}
        assert kind.capabilities_of(wired).accepted == {"card", "pin"}
        assert of_config(kind.capabilities, kind.info.variants, wired, kind.info.schema).accepted == {"card", "pin"}
        assert "pin" not in kind.capabilities_of({"board": "coils", "keypad": delivery}).accepted, "it has no reader"
    for profile in ("access_terminal", "camera"):
        assert "pin" not in definition("face_terminal").capabilities_of({"profile": profile}).accepted


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"board": "coils", "keypad": "keys4"}, "no reader input"),
        ({"board": "inveo_rfid_ind", "keypad": "keys4", "poll_ms": 500}, "poll_ms"),
    ],
)
def test_a_keypad_that_could_not_work_is_said_at_once(settings: dict[str, object], said: str) -> None:
    config = read_config({"host": "x", **settings}, ModbusDoorConfig)
    with pytest.raises(ConfigError, match=said):
        check_keypad(config, board(config.board))


def test_the_hub_is_told_of_each_device_what_the_edge_knows_of_it() -> None:
    """By the settings that were announced, with the defaults of the form."""
    for kind in DEFINITIONS:
        for variant in kind.info.variants:
            told = of_config(kind.capabilities, kind.info.variants, variant.settings, kind.info.schema)
            assert told == kind.capabilities_of(variant.settings), (kind.kind, variant.settings)
    door = definition("onvif_door")
    assert not of_config(door.capabilities, door.info.variants, {}, door.info.schema).holds_list
