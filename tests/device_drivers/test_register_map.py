"""All register maps fit the schema, name their source, and mean what they say."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import msgspec
import pytest

from device_drivers import register_map
from device_drivers.driver import ConfigError
from device_drivers.modbus_meter import judge
from device_drivers.modbus_scan import blocks
from device_drivers.register_action import Pulse, Raw, Write, request_of
from device_drivers.register_map import MeterValue
from device_drivers.register_value import value_of

BOARD_FILES = sorted((register_map.ROOT / "boards").glob("*.json"))
METER_FILES = sorted((register_map.ROOT / "meters").glob("*.json"))


def test_the_promised_families_are_there() -> None:
    assert {"inveo_rfid_ind", "jy_dam", "waveshare_relay", "r421a08", "coils"} <= set(register_map.boards())
    assert {"eastron_sdm", "chint_dtsu666", "pulse_water"} <= set(register_map.meters())


@pytest.mark.parametrize("path", BOARD_FILES, ids=lambda p: p.stem)
def test_a_board_file_is_sound(path: Path) -> None:
    board = register_map.board(path.stem)
    assert board.source.strip(), f"{path.name} names no source"
    last = board.channels - 1
    for step in (*board.pulse.opening, *board.pulse.closing):
        if isinstance(step, Write | Raw):
            request = request_of(step, 1, last, board.pulse.ticks(3.0))
            assert 0 < len(request.pdu) <= 253, f"{path.name}: pulse of the last channel"
    assert board.pulse.read_back, f"{path.name}: a pulse without an answer cannot be looked for"
    for point in (board.magnet, board.exit):
        if point:
            assert point.at(last) <= 65535, f"{path.name}: input of the last channel"
    if board.magnet and board.exit:
        magnets = {(board.magnet.table, board.magnet.at(n)) for n in range(board.channels)}
        exits = {(board.exit.table, board.exit.at(n)) for n in range(board.channels)}
        assert not magnets & exits, f"{path.name}: a magnet and an exit button share an input"
    assert 1 <= board.pulse.ticks(3.0) <= board.pulse.max_ticks
    assert board.pulse.ticks(1e9) == board.pulse.max_ticks, "a huge pulse must be cut, not wrapped"


@pytest.mark.parametrize(
    ("board", "seconds", "channel", "pdu"),
    [
        ("jy_dam", 3.0, 2, "10000d0002040004001e"),
        ("waveshare_relay", 0.5, 1, "0502010005"),
        ("r421a08", 4.0, 7, "0600080604"),
        ("inveo_rfid_ind", 3.0, 0, "0503f2ff00"),
        ("coils", 3.0, 3, "050003ff00"),
    ],
)
def test_a_pulse_is_the_frame_of_the_boards_manual(board: str, seconds: float, channel: int, pdu: str) -> None:
    pulse = register_map.board(board).pulse
    (step,) = pulse.opening
    assert isinstance(step, Write)
    assert request_of(step, 1, channel, pulse.ticks(seconds)).pdu.hex() == pdu


def test_a_raw_step_says_channel_and_ticks() -> None:
    step = Raw("41{channel:02x}{ticks:04x}", answer=2)
    assert request_of(step, 9, 3, 30).pdu.hex() == "4103001e"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('[{"do": "write", "function": 5, "address": 0, "values": [65280], "retry": "until_said"}]', "never"),
        ('[{"do": "read_back", "table": "coil", "address": 0}]', "at least one write"),
        (
            '[{"do": "write", "function": 5, "address": 0, "values": [65280]}, {"do": "wait", "seconds": "pulse"},'
            ' {"do": "write", "function": 5, "address": 0, "values": [0]}]',
            "until_said",
        ),
        ('[{"do": "write", "function": 5, "address": 0, "values": [65280], "retry": "twice"}]', "retry"),
    ],
)
def test_no_data_file_can_have_an_opening_repeated(steps: str, said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        msgspec.json.decode(f'{{"steps": {steps}}}', type=Pulse)


@pytest.mark.parametrize("path", METER_FILES, ids=lambda p: p.stem)
def test_a_meter_file_is_sound(path: Path) -> None:
    meter = register_map.meter(path.stem)
    assert meter.source.strip()
    assert meter.maximum > 0
    for bit in (*meter.status.faults, *meter.status.notes) if meter.status else ():
        assert 0 <= int(bit) <= 15, f"{path.name}: status bit {bit}"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="jy_dam"):
        register_map.board("no_such_board")
    with pytest.raises(ConfigError, match="eastron_sdm"):
        register_map.meter("no_such_meter")


def test_a_broken_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "bad.json").write_text('{"board": "bad", "titel": "typo"}', encoding="utf-8")
    monkeypatch.setattr(register_map, "ROOT", tmp_path)
    with pytest.raises(ConfigError, match=r"bad\.json"):
        register_map.boards.__wrapped__()


@pytest.mark.parametrize("number", [0.0, 1234.5, 99999.99])
def test_floats_are_read_in_every_order(number: float) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", number))
    swap = [int.from_bytes(r.to_bytes(2, "big"), "little") for r in (high, low)]
    orders = {
        (False, False): (high, low),
        (True, False): (low, high),
        (False, True): (swap[0], swap[1]),
        (True, True): (swap[1], swap[0]),
    }
    for (words, swapped), registers in orders.items():
        spec = MeterValue("input", 0, "f32", words_reversed=words, bytes_swapped=swapped)
        assert value_of(spec, registers) == pytest.approx(number, rel=1e-6), (words, swapped)


def test_integers_are_scaled() -> None:
    assert value_of(MeterValue("holding", 0, "u32", scale=0.001), (0, 12345)) == 12.345
    assert value_of(MeterValue("holding", 0, "u48", scale=0.01), (1, 0, 2)) == pytest.approx((2**32 + 2) / 100)


@pytest.mark.parametrize(
    ("kind", "registers", "value"),
    [
        ("u16", (65535,), 65535),
        ("s16", (65535,), -1),
        ("s32", (65535, 65534), -2),
        ("u64", (0, 1, 0, 0), 2**32),
        ("s64", (65535,) * 4, -1),
        ("f64", (0x4093, 0x4A00, 0, 0), 1234.5),
        ("bcd16", (0x1234,), 1234),
        ("bcd32", (0x0012, 0x3456), 123456),
        ("bcd48", (0, 0x0012, 0x3456), 123456),
    ],
)
def test_every_type_is_read(kind: Any, registers: tuple[int, ...], value: float) -> None:
    spec = MeterValue("holding", 0, kind)
    assert spec.count == len(registers)
    assert value_of(spec, registers) == value


def test_what_is_no_number_is_none() -> None:
    assert math.isnan(value_of(MeterValue("holding", 0, "bcd16"), (0x12AB,)))
    assert math.isnan(value_of(MeterValue("holding", 0, "u32", invalid=0xFFFFFFFF), (0xFFFF, 0xFFFF)))


def test_a_sites_own_file_goes_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boards").mkdir()
    ours = json.loads((register_map.ROOT / "boards/coils.json").read_text())
    (tmp_path / "boards/coils.json").write_text(json.dumps(ours | {"title": "as wired here"}), encoding="utf-8")
    monkeypatch.setenv("ESTATE_EDGE_REGISTERS", str(tmp_path))
    boards = register_map.boards.__wrapped__()
    assert boards["coils"].title == "as wired here"
    assert "jy_dam" in boards


@pytest.mark.parametrize(
    ("value", "status", "last", "ok", "text"),
    [
        (5.0, 0, 4.0, True, ""),
        (5.0, 1, 4.0, True, "leak"),
        (5.0, 2, 4.0, False, "fault"),
        (3.0, 0, 4.0, False, "went backwards from 4"),
        (-1.0, 0, None, False, "impossible value -1"),
        (1e9, 0, None, False, "impossible value 1e+09"),
        (math.nan, 0, None, False, "impossible value nan"),
    ],
)
def test_a_reading_is_judged(value: float, status: int, last: float | None, ok: bool, text: str) -> None:
    reading = judge(register_map.meter("pulse_water"), "u6", value, status, last)
    assert (reading.ok, reading.text) == (ok, text)
    assert reading.value == (value if math.isfinite(value) else None)


def test_bits_are_asked_in_few_requests() -> None:
    assert blocks([]) == ()
    assert blocks([("coil", 1001), ("coil", 1002), ("coil", 1004), ("coil", 1005)]) == (("coil", 1001, 5),)
    assert blocks([("discrete", 0), ("coil", 0)]) == (("coil", 0, 1), ("discrete", 0, 1))
    assert blocks([("coil", 0), ("coil", 100)]) == (("coil", 0, 1), ("coil", 100, 1)), "a big hole is not read"
