"""The HTTP control of the devices: what it shows, what it moves, and how it says no."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from simulators.control import ControlServer
from simulators.face_terminal import FaceTerminalSim
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_meter import ModbusMeterSim
from simulators.onvif_device import OnvifCameraSim

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


def with_control(scenario: Callable[[ControlServer, Call], Awaitable[None]]) -> None:
    async def run() -> None:
        place = {"host": "127.0.0.1", "port": 0}
        broker = {"broker_host": "127.0.0.1", "broker_port": 9, "username": "u", "password": "p"}
        devices = [
            ModbusBoardSim("door", {**place, "unit": 1, "board": "inveo_rfid_ind"}),
            ModbusMeterSim("meters", {**place, "meters": [{"unit": 6, "model": "pulse_water"}]}),
            OnvifCameraSim("cam", {**place, "username": "u", "password": "p"}),
            FaceTerminalSim("face", {"device_id": "1", **broker}),
        ]
        control = ControlServer(devices)
        for device in devices:
            await device.start()
        await control.start()
        try:
            async with aiohttp.ClientSession() as http:

                async def call(path: str, body: Any = None, *, raw: bytes | None = None) -> tuple[int, dict[str, Any]]:
                    url = f"{control.url}/devices{path}"
                    sent = {"json": body} if raw is None else {"data": raw}
                    ask = http.get(url) if body is None and raw is None else http.post(url, **sent)
                    async with ask as response:
                        return response.status, await response.json()

                await scenario(control, call)
        finally:
            await control.stop()
            for device in devices:
                await device.stop()

    asyncio.run(run())


def test_every_device_shows_its_state_and_can_be_driven() -> None:
    async def scenario(control: ControlServer, call: Call) -> None:
        _, listing = await call("")
        assert [one["kind"] for one in listing["devices"]] == [
            "modbus_board",
            "modbus_meter",
            "onvif_camera",
            "face_terminal",
        ]
        assert all(one["supported_faults"] for one in listing["devices"])
        assert await call("/door/present", {"card": "0003456789"}) == (200, {"read": True, "card": 3456789})
        assert await call("/door/door", {"open": True}) == (200, {"door_open": True})
        assert (await call("/door/exit", {}))[1] == {"exit_presses": 1}
        state = (await call("/door"))[1]
        assert (state["door_open"], state["last_card"], state["counters"]["forced"]) == (True, 3456789, 1)
        assert (await call("/meters/reading", {"unit": 6, "value": 12.5}))[1] == {"unit": 6, "shown": 12.5}
        assert (await call("/meters"))[1]["meters"][0]["values"]["volume_m3"] == 12.5
        status, answer = await call("/cam/event", {"kind": "motion", "state": True})
        assert (status, answer["changed"], answer["states"]["motion"]) == (200, True, True)
        status, answer = await call("/face/present", {"stranger": True})
        assert (status, answer["decision"]) == (200, "stranger")
        state = (await call("/face"))[1]
        assert (state["connected"], state["persons"], state["records"]["total"]) == (False, [], 1)

    with_control(scenario)


def test_faults_begin_and_end() -> None:
    async def scenario(control: ControlServer, call: Call) -> None:
        _, answer = await call("/door/fault", {"fault": "silent", "seconds": 10})
        assert [(one["fault"], one["seconds_left"] > 9) for one in answer["faults"]] == [("silent", True)]
        _, answer = await call("/door/fault", {"fault": "slow", "seconds": None, "value": 2})
        assert {one["fault"]: one["seconds_left"] is None for one in answer["faults"]} == {
            "silent": False,
            "slow": True,
        }
        _, answer = await call("/door/fault", {"fault": "silent", "clear": True})
        assert [one["fault"] for one in answer["faults"]] == ["slow"]
        assert (await call("/door/fault", {"fault": "none"}))[1] == {"faults": []}
        _, answer = await call("/meters/fault", {"fault": "backwards", "unit": 6})
        assert answer["faults"][0]["unit"] == 6

    with_control(scenario)


REFUSALS: list[tuple[str, Any, int, str]] = [
    ("/nobody", None, 404, "no device 'nobody'"),
    ("/door/present", {"face": "a", "card": "1"}, 400, "exactly one"),
    ("/door/present", {"card": 5}, 400, "card must be of type str"),
    ("/door/present", {"card": "five"}, 400, "not a card number"),
    ("/door/present", {"face": "C1"}, 409, "reads cards only"),
    ("/cam/present", {"card": "1"}, 409, "has no reader"),
    ("/meters/door", {"open": True}, 409, "no door magnet"),
    ("/door/door", {"open": "yes"}, 400, "open must be of type bool"),
    ("/door/door", {}, 400, "open must be true or false"),
    ("/door/fault", {"fault": "explode"}, 400, "no fault 'explode'"),
    ("/door/fault", {"fault": "http_500"}, 409, "cannot have the fault"),
    ("/door/fault", {"fault": "silent", "seconds": -1}, 400, "more than 0"),
    ("/cam/event", {"kind": "earthquake"}, 400, "no event 'earthquake'"),
    ("/face/event", {"kind": "motion"}, 409, "raises no events"),
    ("/meters/reading", {"unit": 7, "value": 1}, 400, "no unit 7"),
    ("/door/present", [1], 400, "must be a JSON object"),
]


def test_it_says_no_clearly() -> None:
    async def scenario(control: ControlServer, call: Call) -> None:
        for path, body, status, words in REFUSALS:
            got, answer = await call(path, body)
            assert got == status, f"{path} {body}: {answer}"
            assert words in answer["error"], f"{path} {body}"

    with_control(scenario)


def test_a_body_that_is_no_json() -> None:
    async def scenario(control: ControlServer, call: Call) -> None:
        assert await call("/door/door", raw=b"{open") == (400, {"error": "the body is not JSON"})

    with_control(scenario)


def test_it_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        ControlServer([], host="0.0.0.0")
