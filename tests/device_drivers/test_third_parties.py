"""Stacks that are not ours: libmodbus (`mbpoll`) and our driver on one board, and an RTSP server read by OpenCV."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from device_drivers import modbus_door
from device_drivers.contract.words import CommandKind, CommandOutcome
from device_drivers.driver import CommandRequest, DeviceUnreachable
from device_drivers.onvif_media import frame_from_rtsp
from simulators.modbus_board import ModbusBoardSim


def test_libmodbus_sees_the_bolt_our_driver_released(mbpoll_path: Path) -> None:
    async def scenario() -> None:
        board = ModbusBoardSim("b", {"host": "127.0.0.1", "port": 0, "unit": 1, "board": "jy_dam"})
        await board.start()
        config = {"host": "127.0.0.1", "port": board.port, "board": "jy_dam", "pulse_s": 5.0}
        driver = await modbus_door.connect("d", config, None)  # type: ignore[arg-type]

        async def relay() -> str:
            command = [str(mbpoll_path), "-m", "tcp", "-p", str(board.port), "-a", "1", "-t", "0", "-r", "1", "-c", "1"]
            process = await asyncio.create_subprocess_exec(*command, "-1", "127.0.0.1", stdout=subprocess.PIPE)
            out, _ = await process.communicate()
            assert process.returncode == 0, out.decode()
            return next(line.split()[-1] for line in out.decode().splitlines() if line.startswith("[1]"))

        try:
            assert await relay() == "0"
            outcome, _ = await driver.command(CommandRequest(CommandKind.MOMENTARY_ACCESS, "door1", 5.5))
            assert outcome is CommandOutcome.DONE
            assert await relay() == "1", "another stack reads the relay our pulse switched"
        finally:
            await driver.close()
            await board.stop()

    asyncio.run(scenario())


def test_a_frame_of_a_third_party_stream_is_a_jpeg(rtsp_stream: Any) -> None:
    picture = frame_from_rtsp(str(rtsp_stream), timeout_s=60)
    assert picture.startswith(b"\xff\xd8")
    assert len(picture) > 1000


def test_a_stream_that_is_not_there_is_unreachable(free_port: Any) -> None:
    with pytest.raises(DeviceUnreachable, match="RTSP"):
        frame_from_rtsp(f"rtsp://127.0.0.1:{free_port()}/none", timeout_s=2)
