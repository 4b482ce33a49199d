"""Cameras of other stacks than ours and our simulator's: ipycam's ONVIF, HTTP and discovery code, and odd hand-made ones."""

from __future__ import annotations

import asyncio
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from ipycam.config import CameraConfig
from ipycam.http import IPCameraHTTPHandler
from ipycam.onvif import ONVIFService
from patience import PATIENCE_S

from device_drivers import onvif_camera
from device_drivers.contract.words import DeviceCondition, PictureProof
from device_drivers.driver import DeviceRefused, WrongSecret
from device_drivers.onvif_words import DEVICE, EVENTS, MEDIA


async def until(predicate: Callable[[], object], what: str, deadline_s: float = PATIENCE_S) -> None:
    """Waits for a state; fails with `what` at the deadline."""
    end = time.monotonic() + deadline_s
    while not predicate():
        assert time.monotonic() < end, f"waited {deadline_s:g} s in vain for: {what}"
        await asyncio.sleep(0.02)


class Foreign:
    """An ipycam camera without its video: its own handlers answer, the frame is ours. It thinks it is at another address."""

    def __init__(self) -> None:
        class Handler(IPCameraHTTPHandler):  # type: ignore[misc]
            camera = self

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.config = CameraConfig(
            local_ip="192.0.2.10", onvif_port=self.port, username="admin", password="p@ss:word", rtsp_port=9
        )
        self.onvif = ONVIFService(self.config)
        self.moving = True
        self.taken = 0
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def get_snapshot_frame(self) -> Any:
        self.taken += 1
        frame = np.zeros((90, 160, 3), np.uint8)
        if self.moving:
            cv2.putText(frame, str(self.taken), (5, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255))
        return frame

    def settings(self, **other: Any) -> dict[str, Any]:
        """What an installer types."""
        told = {"host": "127.0.0.1", "port": self.port, "username": "admin", "password": "p@ss:word"}
        return {**told, "timeout_s": 20.0, **other}


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    camera = Foreign()
    yield camera
    camera.server.shutdown()
    camera.server.server_close()


async def _connect(foreign: Foreign, **other: Any) -> onvif_camera.OnvifCamera:
    return await onvif_camera.connect("cam", foreign.settings(**other), SimpleNamespace())  # type: ignore[arg-type]


def test_a_foreign_camera_is_read_though_it_names_another_address(foreign: Foreign) -> None:
    async def scenario() -> None:
        camera = await _connect(foreign)
        try:
            status = await camera.status()
            assert (status.condition, status.manufacturer) == (DeviceCondition.ONLINE, "PythonCam")
            assert status.clock_offset_s is not None
            assert abs(status.clock_offset_s) < 2
            session = camera.device.session
            assert session.has(MEDIA)
            assert not session.has(EVENTS)
            names = [str(p) for p in camera.media.profiles(MEDIA)]
            assert names == ["MainStream H264 1920×1080", "SubStream H264 640×360"]
            assert camera.media.streams()[0] == "rtsp://127.0.0.1:9/video_main", "its host is the one we reached it at"
            sub = await _connect(foreign, profile="SubStream")
            assert sub.media.streams()[0].endswith("video_sub"), "the profile may be named"
            await sub.close()
        finally:
            await camera.close()

    asyncio.run(scenario())


def test_without_events_its_pictures_still_come_and_the_page_says_why(foreign: Foreign) -> None:
    async def scenario() -> None:
        camera = await _connect(foreign)
        listening = asyncio.create_task(anext(camera.events()))
        try:
            await until(lambda: camera._no_events, "the camera says that it has no events")
            assert "没有事件服务" in (await camera.status()).detail
            assert not listening.done()
            assert (await camera.status()).condition is DeviceCondition.ONLINE
            picture = await camera.snapshot()
            assert picture.proof is PictureProof.CHANGED, "it tells no time; two answers differ"
            assert cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (90, 160, 3)
        finally:
            listening.cancel()
            await camera.close()

    asyncio.run(scenario())


def test_a_picture_that_never_changes_is_not_shown_as_new(foreign: Foreign) -> None:
    foreign.moving = False

    async def scenario() -> None:
        camera = await _connect(foreign)
        try:
            picture = await camera.snapshot()  # and no stream answers at port 9
            assert picture.proof is PictureProof.NONE
        finally:
            await camera.close()

    asyncio.run(scenario())


def test_a_wrong_password_is_told_as_that(foreign: Foreign) -> None:
    async def scenario() -> None:
        with pytest.raises(WrongSecret):
            await _connect(foreign, password="wrong")

    asyncio.run(scenario())


def test_a_fault_of_a_foreign_stack_is_a_refusal(foreign: Foreign) -> None:
    async def scenario() -> None:
        camera = await _connect(foreign)
        try:
            with pytest.raises(DeviceRefused):
                await camera.device.thread(camera.device.session.ask, DEVICE, "GetNetworkInterfaces")
        finally:
            await camera.close()

    asyncio.run(scenario())
