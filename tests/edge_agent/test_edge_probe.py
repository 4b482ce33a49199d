"""`estate-edge probe` against the simulators: told right, only read, and an exit status a program can use."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from edge_twins import run

from device_drivers.driver import ConfigError
from edge_agent.probe import Probed, lines, parse
from edge_agent.probe_kinds import probe
from simulators.device import DeviceSim
from simulators.face_terminal import FaceTerminalSim
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_meter import ModbusMeterSim
from simulators.onvif_device import OnvifCameraSim

ROOT = Path(__file__).parents[2]


async def look(address: str, password: str = "", timeout_s: float = 3.0) -> Probed:
    return await probe(parse(address), address, password, timeout_s)


async def command_line(*arguments: str, password: str = "") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge_agent.cli",
        "probe",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "ESTATE_EDGE_PASSWORD": password},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def with_sim(sim: DeviceSim, scenario: Callable[[Any], Awaitable[None]]) -> None:
    async def work() -> None:
        await sim.start()
        try:
            if isinstance(sim, FaceTerminalSim):
                await sim.wait_connected()  # a command that is sent before the terminal listens is lost (QoS 0)
            await scenario(sim)
        finally:
            await sim.stop()

    run(work())


def board(name: str = "inveo_rfid_ind", transport: str = "tcp", unit: int = 1) -> ModbusBoardSim:
    return ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "unit": unit, "board": name, "transport": transport})


@pytest.mark.parametrize(
    ("name", "scheme", "transport"),
    [
        ("inveo_rfid_ind", "modbus+tcp", "tcp"),
        ("jy_dam", "modbus+rtu-over-tcp", "rtu_over_tcp"),
        ("coils", "modbus+tcp", "tcp"),
        ("waveshare_relay", "modbus+tcp", "tcp"),
        ("r421a08", "modbus+tcp", "tcp"),
    ],
)
def test_a_board_named_and_unnamed(name: str, scheme: str, transport: str) -> None:
    async def scenario(sim: Any) -> None:
        address = f"{scheme}://127.0.0.1:{sim.port}"
        named = await look(f"{address}?unit=1&board={name}")
        assert (named.answered, named.kind, named.identity["板型"]) == (True, "modbus_door", name)
        assert any("远程开门一次" in one for one in named.can)
        if name != "r421a08":  # which has no inputs
            assert named.holds["door1 门磁"] in ("有效", "无效"), "the state of the door was read"
        unnamed = await look(address, timeout_s=0.5)  # much of what it asks is never answered
        assert (unnamed.answered, unnamed.kind, unnamed.clock) == (True, "modbus_door", "none")
        assert name in unnamed.identity["可能的板型"], "its own family is among those that fit"
        assert unnamed.identity["unit"] == "1"
        assert unnamed.can, "what any of them can do"
        assert not sim.pulses, "a probe opens no door"
        writes = [f.adu for f in sim.listener.frames if f.received and _function(f.adu, transport) in (5, 6, 15, 16)]
        assert writes == [], "a probe writes nothing"

    with_sim(board(name, transport), scenario)


def _function(adu: bytes, transport: str) -> int:
    return adu[7] if transport == "tcp" else adu[1]


def test_a_unit_that_nobody_named_is_found_and_a_wrong_board_is_said() -> None:
    async def scenario(sim: Any) -> None:
        found = await look(f"modbus+tcp://127.0.0.1:{sim.port}", timeout_s=0.5)
        assert (found.answered, found.identity["unit"]) == (True, "3")
        silent = await look(f"modbus+tcp://127.0.0.1:{sim.port}?unit=9", timeout_s=0.3)
        assert not silent.answered
        assert "unit 9" in silent.notes[0]
        wrong = await look(f"modbus+tcp://127.0.0.1:{sim.port}?unit=3&board=inveo_rfid_ind", timeout_s=0.5)
        assert wrong.answered
        assert any("板型可能不对" in note for note in wrong.notes)

    with_sim(board("jy_dam", unit=3), scenario)


@pytest.mark.parametrize(("asked", "transport"), [("modbus+tcp", "rtu_over_tcp"), ("modbus+rtu-over-tcp", "tcp")])
def test_who_asks_in_the_wrong_dress_is_told_the_right_one(asked: str, transport: str) -> None:
    async def scenario(sim: Any) -> None:
        found = await look(f"{asked}://127.0.0.1:{sim.port}?unit=1", timeout_s=0.5)
        assert not found.answered
        assert any(f"modbus+{transport.replace('_', '-')}://" in note for note in found.notes)

    with_sim(board("jy_dam", transport), scenario)


def test_the_unit_is_found_among_units_that_say_no() -> None:
    async def scenario(sim: Any) -> None:
        def answer(unit: int, pdu: bytes) -> bytes:
            return sim.answer(unit, pdu) if unit == 3 else bytes((pdu[0] | 0x80, 4))

        sim.listener.answer = answer
        found = await look(f"modbus+tcp://127.0.0.1:{sim.port}")
        assert (found.answered, found.identity["unit"]) == (True, "3")

    with_sim(board("jy_dam", unit=3), scenario)


def test_a_unit_far_from_the_usual_ones_is_found() -> None:
    async def scenario(sim: Any) -> None:
        found = await look(f"modbus+tcp://127.0.0.1:{sim.port}", timeout_s=0.1)
        assert (found.answered, found.identity["unit"]) == (True, "20")

    with_sim(board("coils", unit=20), scenario)


def test_a_meter_is_told_with_its_reading() -> None:
    async def scenario(sim: Any) -> None:
        sim.set_reading(5, 1234.5)
        found = await look(f"modbus+tcp://127.0.0.1:{sim.port}?unit=5")
        assert (found.answered, found.kind) == (True, "modbus_meter")
        assert any("eastron_sdm" in name and value == "1234.5" for name, value in found.holds.items())

    meters = [{"unit": 5, "model": "eastron_sdm"}]
    with_sim(ModbusMeterSim("m", {"host": "127.0.0.1", "port": 0, "transport": "tcp", "meters": meters}), scenario)


def test_a_camera_with_right_and_wrong_password_and_clock() -> None:
    async def scenario(sim: Any) -> None:
        address = f"onvif://u@127.0.0.1:{sim.port}"
        found = await look(address, "p", 10.0)
        assert (found.answered, found.kind, found.clock) == (True, "onvif_camera", "right")
        assert found.identity["Model"] == "SIM"
        assert {"事件", "抓拍"} <= set(found.can)
        refused = await look(address, "wrong", 10.0)
        assert refused.answered, "it did answer"
        assert any("密码不对" in note for note in refused.notes)
        await sim.apply_fault(Fault.CLOCK_SKEW, value=600.0)
        late = await look(address, "p", 10.0)
        assert late.clock == "wrong"
        assert late.clock_offset_s is not None
        assert abs(late.clock_offset_s - 600) < 3
        status, out, _ = await command_line("--json", address, password="p")
        told = json.loads(out)
        assert (status, told["answered"], told["clock"]) == (0, True, "wrong")

    camera = {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p", "auth": "wsse", "model": "SIM"}
    with_sim(OnvifCameraSim("c", camera), scenario)


def test_a_terminal_is_told_and_not_changed(mosquitto_factory: Any, tmp_path: Path) -> None:
    broker = mosquitto_factory("listener {port} 127.0.0.1\nallow_anonymous true\nmax_packet_size 6000000\n")
    sim = FaceTerminalSim(
        "f",
        {
            "device_id": "1306612",
            "broker_host": "127.0.0.1",
            "broker_port": broker.port,
            "username": "t",
            "password": "t",
        },
        state_dir=tmp_path,
    )

    async def scenario(sim: Any) -> None:
        sim.store.put_person("cred-7", {"name": "1-101"}, b"x", None, "2026-01-01 00:00:00")
        address = f"face-mqtt://edge@127.0.0.1:{broker.port}/1306612"
        found = await look(address, "edge", 10.0)
        assert (found.answered, found.kind, found.clock) == (True, "face_terminal", "right"), found.notes
        assert (found.holds["人数"], found.holds["编号"]) == (1, ["cred-7"])
        assert "断点续传：未开，边缘机接入时会打开" in found.can, "told as it is, not set"
        again = await look(address, "edge", 10.0)
        assert again.can == found.can, "the first look changed nothing"
        nobody = await look(address + "9", "edge", 0.3)
        assert not nobody.answered
        status, out, _ = await command_line(address, password="edge")
        assert status == 0
        assert "类型    face_terminal" in out
        assert "编号: cred-7" in out

    with_sim(sim, scenario)


def test_nobody_there_is_exit_status_one_and_a_bad_address_two() -> None:
    async def scenario(sim: Any) -> None:
        port = sim.port
        await sim.stop()
        status, out, _ = await command_line("--json", "--timeout", "0.3", f"modbus+tcp://127.0.0.1:{port}")
        assert (status, json.loads(out)["answered"]) == (1, False)
        status, _, err = await command_line("http://127.0.0.1")
        assert status == 2
        assert "modbus+tcp://" in err, "the known forms are told"

    with_sim(board(), scenario)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("modbus+tcp://", "not an address"),
        ("modbus+rtu://", "not an address"),
        ("modbus+rtu://dev/ttyS1", "three slashes"),
        ("onvif://u:secret@cam", "no password"),
        ("face-mqtt://broker:1883", "DEVICE-ID"),
        ("modbus+tcp://h:99999", "known"),
    ],
)
def test_addresses_that_cannot_be_meant(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(address)


@pytest.mark.parametrize("option", ["unit=256", "unit=x", "board=nonsense"])
def test_options_that_cannot_be_meant(option: str) -> None:
    with pytest.raises(ConfigError, match=option.split("=", maxsplit=1)[0]):
        run(look(f"modbus+tcp://127.0.0.1:1?{option}"))


@pytest.mark.parametrize("option", ["baud=9601", "parity=X", "stop=3", "unit=0"])
def test_serial_options_that_cannot_be_meant(option: str) -> None:
    with pytest.raises(ConfigError, match=option.split("=", maxsplit=1)[0]):
        run(look(f"modbus+rtu:///dev/ttyNOWHERE?{option}"))


def test_a_board_on_a_serial_line_and_a_port_that_is_not_there() -> None:
    async def scenario(sim: Any) -> None:
        path = sim.listener.serial_path
        found = await look(f"modbus+rtu://{path}?baud=115200&unit=1&board=coils")
        assert (found.answered, found.kind, found.identity["板型"]) == (True, "modbus_door", "coils")
        assert not sim.pulses
        unnamed = await look(f"modbus+rtu://{path}?baud=115200")
        assert (unnamed.answered, unnamed.identity["unit"]) == (True, "1")
        status, out, _ = await command_line("--json", "modbus+rtu:///dev/ttyNOWHERE")
        told = json.loads(out)
        assert (status, told["answered"]) == (1, False)
        assert "ttyNOWHERE" in told["notes"][0]

    with_sim(board("coils", "rtu"), scenario)


def test_what_the_technician_reads() -> None:
    found = Probed("onvif://u@cam", answered=True, kind="onvif_camera", can=["抓拍"], holds={"编号": list(range(30))})
    found.set_clock(-12.0)
    text = "\n".join(lines(found))
    assert "时钟    不准（与本机相差 -12.0 秒）" in text
    assert "共 30" in text, "a long list is cut and counted"
