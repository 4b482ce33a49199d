"""One bench a driver kind: its simulator on a real socket, and how to make the outside world do things to it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web
from patience import PATIENCE_S
from PIL import Image, ImageDraw

from device_drivers.catalogue import definition
from device_drivers.contract.access import Credential, Identifier, PhotoRef
from device_drivers.contract.words import HolderClass, IdentifierType
from device_drivers.driver import BrokerAddress, DeviceUnreachable, Driver, DriverEvent
from simulators.device import DeviceSim
from simulators.face_terminal import FaceTerminalSim
from simulators.faults import Fault
from simulators.modbus_board import ModbusBoardSim
from simulators.modbus_meter import ModbusMeterSim
from simulators.onvif_device import OnvifCameraSim
from simulators.onvif_door import OnvifDoorSim

DEADLINE_S = PATIENCE_S


async def until(predicate: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Waits for a state; fails with `what` at the deadline."""
    end = time.monotonic() + deadline_s
    while not predicate():
        assert time.monotonic() < end, f"waited {deadline_s:g} s in vain for: {what}"
        await asyncio.sleep(0.02)


def jpeg(seed: int, *, face: bool = True) -> bytes:
    """A picture of more than 1000 bytes; without `face` it is one grey plane (in which no terminal finds a face)."""
    image = Image.new("RGB", (240, 320), (200, 200, 200))
    if face:
        draw, chance = ImageDraw.Draw(image), random.Random(seed)
        for _ in range(60):
            x, y, r = chance.randint(0, 240), chance.randint(0, 320), chance.randint(10, 60)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randint(0, 255) for _ in range(3)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


@dataclass
class Services:
    """What the edge lends a driver: photos from a dict, files served on loopback, the broker."""

    local_broker: BrokerAddress | None = None
    photos: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    _runner: web.AppRunner | None = None
    _port: int = 0

    async def start(self) -> None:
        async def serve(request: web.Request) -> web.Response:
            return web.Response(body=self.files[request.match_info["name"]], content_type="image/jpeg")

        app = web.Application()
        app.router.add_get("/files/{name}", serve)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def photo(self, url: str, sha256: str) -> bytes:
        if url not in self.photos:
            raise DeviceUnreachable(f"{url}: 404")
        assert hashlib.sha256(self.photos[url]).hexdigest() == sha256
        return self.photos[url]

    def publish_file(self, content: bytes, content_type: str) -> str:
        assert content_type == "image/jpeg"
        name = hashlib.sha256(content).hexdigest()
        self.files[name] = content
        return f"http://127.0.0.1:{self._port}/files/{name}"

    def add_photo(self, url: str, content: bytes) -> PhotoRef:
        self.photos[url] = content
        return PhotoRef(url, hashlib.sha256(content).hexdigest())


@dataclass
class Proxy:
    """Between a driver and its device (or broker): passes bytes on, and tears both sides after so many when armed."""

    host: str
    port_behind: int
    port: int = 0
    passed: int = 0
    tears: int = 0
    left: int | None = None
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        self._tear()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def arm(self, after: int | None) -> None:
        """Once, after so many bytes in either direction from now on; None: never."""
        self.left, self.passed = after, 0

    def _tear(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, into = await asyncio.open_connection(self.host, self.port_behind)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, into}
        await asyncio.gather(self._pump(reader, into), self._pump(behind, writer))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(4096):
                if self.left is not None and len(data) >= self.left:
                    sink.write(data[: self.left])
                    await sink.drain()
                    self.left = None
                    self.tears += 1
                    self._tear()
                    return
                self.left = None if self.left is None else self.left - len(data)
                self.passed += len(data)
                sink.write(data)
        if not sink.transport.is_closing():
            sink.transport.abort()


class Bench:
    """Base: `exempt` names what this kind need not do, with the reason."""

    kind: ClassVar[str]
    exempt: ClassVar[dict[str, str]] = {}
    silence: ClassVar[Fault] = Fault.SILENT
    cuts: ClassVar[int] = 1000
    """At how many places an exchange is cut, at most: every byte where that is quick."""
    tells_at_once: ClassVar[bool] = False
    """Its first event needs nothing to happen, and asks the device."""
    asks_again: ClassVar[bool] = False
    """A read that was cut is asked once more on a new connection: one cut is not noticed."""

    limit_s: float = 20.0
    """How long a driver waits for an answer that comes by way of a thread or another process."""

    def __init__(self, services: Services, directory: Path) -> None:
        self.services, self.directory = services, directory
        self.sim: Any = None

    def expect_silence(self) -> None:
        """From now on drivers are made that wait in vain no longer than this."""
        self.limit_s = 1.0

    def make(self) -> DeviceSim:
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        raise NotImplementedError

    async def start(self) -> None:
        self.sim = self.make()
        await self.sim.start()

    async def connect(self) -> Driver:
        return await definition(self.kind).connect("device-1", self.config(), self.services)

    def behind(self) -> tuple[str, int]:
        """Where the driver connects to."""
        return "127.0.0.1", self.sim.port

    async def connect_through(self, port: int) -> Driver:
        """As `connect`, by way of a proxy."""
        return await definition(self.kind).connect("device-1", self.config() | {"port": port}, self.services)

    async def happen(self) -> None:
        """Something an event must tell."""
        raise NotImplementedError

    async def happen_unheard(self) -> None:
        """The same, told to nobody: it is over, or lost on its way, before the driver can hear it."""
        raise NotImplementedError

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        """Whether `event` tells what `happen` did."""
        raise NotImplementedError

    def credential(self, n: int, *, good: bool = True) -> Credential:
        photo = self.services.add_photo(f"photo-{n}-{good}", jpeg(n, face=good))
        identifiers = (
            Identifier(IdentifierType.FACE, photo=photo),
            Identifier(IdentifierType.CARD, str(7_000_000 + n)),
        )
        return Credential(f"cred-{n:04d}", f"1-{n:04d}", HolderClass.RESIDENT, identifiers, ("p",))


class FaceBench(Bench):
    kind = "face_terminal"
    cuts = 5
    profile = "access_terminal"
    capacity = 5

    def make(self) -> DeviceSim:
        broker = self.services.local_broker
        assert broker
        return FaceTerminalSim(
            "face-1",
            {
                "device_id": "1306612",
                "broker_host": broker.host,
                "broker_port": broker.port,
                "username": "terminal",
                "password": "terminal",
                "profile": self.profile,
                "capacity": self.capacity,
                "resend_s": 0.3,
                "restart_s": 0.2,
            },
            state_dir=self.directory,
        )

    def config(self) -> dict[str, Any]:
        return {
            "device_id": "1306612",
            "profile": self.profile,
            "timeout_s": self.limit_s,
            "list_timeout_s": 2 * self.limit_s,
        }

    def behind(self) -> tuple[str, int]:
        assert self.services.local_broker
        return self.services.local_broker.host, self.services.local_broker.port

    async def connect_through(self, port: int) -> Driver:
        broker = self.services.local_broker
        assert broker
        self.services.local_broker = BrokerAddress("127.0.0.1", port, broker.username, broker.password)
        try:
            return await self.connect()
        finally:
            self.services.local_broker = broker

    async def happen(self) -> None:
        self.sim.passes.stranger()

    async def happen_unheard(self) -> None:
        await self.sim.apply_fault(Fault.LOSES_RECORD)
        self.sim.passes.stranger()
        self.sim.clear_faults()

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        return event.key.startswith("snap:")


class CameraFaceBench(FaceBench):
    profile = "camera"
    exempt: ClassVar[dict[str, str]] = {
        "pulse": "the camera branch has no door command",
        "card_only": "the camera branch knows no cards: who has no photo cannot be entered",
    }


class BoardBench(Bench):
    kind = "modbus_door"
    board = "inveo_rfid_ind"
    transport = "tcp"
    asks_again = True
    exempt: ClassVar[dict[str, str]] = {
        "list": "a board holds no list; the edge decides",
        "replay": "a board keeps no events: what nobody polled is lost, and the edge declares the hole",
        "history": "a board keeps no events",
    }

    def make(self) -> DeviceSim:
        return ModbusBoardSim(
            "board-1", {"host": "127.0.0.1", "port": 0, "unit": 1, "board": self.board, "transport": self.transport}
        )

    def config(self) -> dict[str, Any]:
        serial = {"host": self.sim.listener.serial_path, "baud": 115200}
        return {
            **(serial if self.transport == "rtu" else {"host": "127.0.0.1", "port": self.sim.port}),
            "board": self.board,
            "transport": self.transport,
            "pulse_s": 0.3,
            "timeout_s": 0.3,
            "quiet_s": 0.1,
            "poll_ms": 30,
        }

    async def happen(self) -> None:
        await self.sim.set_door(is_open=not self.sim.door_is_open)

    async def happen_unheard(self) -> None:
        for is_open in (True, False):
            await self.sim.set_door(is_open=is_open)

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        return getattr(event.body, "state", None) == "open"


class RtuBoardBench(BoardBench):
    board, transport = "jy_dam", "rtu_over_tcp"


class WaveshareBench(BoardBench):
    board = "waveshare_relay"


class CoilsBench(BoardBench):
    board, transport = "coils", "rtu_over_tcp"


NO_STREAM = {"cut": "a serial line is no stream that breaks: bytes that are lost are tried in test_modbus_bus"}


class SerialBoardBench(BoardBench):
    board, transport = "coils", "rtu"
    exempt: ClassVar[dict[str, str]] = BoardBench.exempt | NO_STREAM


class R421A08Bench(BoardBench):
    board, transport = "r421a08", "rtu"
    exempt: ClassVar[dict[str, str]] = (
        BoardBench.exempt
        | NO_STREAM
        | {"events": "the board has no inputs: a door's state stays unknown, and nothing happens that it could tell"}
    )


class MeterBench(Bench):
    kind = "modbus_meter"
    tells_at_once = True
    asks_again = True
    exempt: ClassVar[dict[str, str]] = {
        "list": "meters hold no credentials",
        "pulse": "meters open nothing",
        "replay": "a counter is cumulative: the next reading holds what was missed",
        "history": "a counter says how much, never when",
    }

    transport = "tcp"

    def make(self) -> DeviceSim:
        meters = [{"unit": 5, "model": "eastron_sdm"}, {"unit": 6, "model": "pulse_water"}]
        settings = {"host": "127.0.0.1", "port": 0, "transport": self.transport, "meters": meters}
        return ModbusMeterSim("meters-1", settings)

    def config(self) -> dict[str, Any]:
        meters = [
            {"point": "unit-5", "unit": 5, "model": "eastron_sdm"},
            {"point": "unit-6", "unit": 6, "model": "pulse_water"},
        ]
        place: dict[str, Any] = {"host": "127.0.0.1", "port": self.sim.port}
        if self.transport == "rtu":
            place = {"host": self.sim.listener.serial_path, "transport": "rtu", "baud": 115200}
        return place | {"poll_s": 0.05, "timeout_s": 0.3, "quiet_s": 0.1, "meters": meters}

    async def happen(self) -> None:
        self.sim.set_reading(6, 12.345)

    async def happen_unheard(self) -> None:
        self.sim.set_reading(6, 12.345)
        self.sim.set_reading(6, 20.0)

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        return getattr(event.body, "value", None) == 12.345


class SerialMeterBench(MeterBench):
    transport = "rtu"
    exempt: ClassVar[dict[str, str]] = MeterBench.exempt | NO_STREAM


class CameraBench(Bench):
    kind = "onvif_camera"
    silence = Fault.HANG
    cuts = 12
    exempt: ClassVar[dict[str, str]] = {
        "list": "a camera holds no credentials",
        "pulse": "a camera opens nothing",
        "replay": "pull points keep nothing over a power loss",
        "history": "what was over before a pull point stood is told by nobody",
    }

    def make(self) -> DeviceSim:
        return OnvifCameraSim(
            "cam-1", {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p", "auth": "wsse", "model": "SIM"}
        )

    def config(self) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": self.sim.port,
            "username": "u",
            "password": "p",
            "timeout_s": self.limit_s,
            "pull_s": 1,
        }

    async def happen(self) -> None:
        await self.sim.raise_event({"kind": "motion"})

    async def happen_unheard(self) -> None:
        for active in (True, False):
            await self.sim.raise_event({"kind": "motion", "active": active})

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        return "Motion" in getattr(event.body, "topic", "")


class OnvifDoorBench(CameraBench):
    kind = "onvif_door"
    exempt: ClassVar[dict[str, str]] = {
        "list": "its credential service knows cards only; test_onvif_door proves its list",
        "lock_down": "a door controller locks down itself",
        "replay": "pull points keep nothing over a power loss",
        "history": "what was over before a pull point stood is told by nobody",
    }

    def make(self) -> DeviceSim:
        config = {"host": "127.0.0.1", "port": 0, "username": "u", "password": "p", "model": "SIM", "capacity": 5}
        return OnvifDoorSim("door-1", config, state_dir=self.directory)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "credentials": True, "pulse_s": 0.3}

    async def happen(self) -> None:
        await self.sim.set_door(is_open=True)

    async def happen_unheard(self) -> None:
        for is_open in (True, False):
            await self.sim.set_door(is_open=is_open)

    @staticmethod
    def is_it(event: DriverEvent) -> bool:
        return getattr(event.body, "state", None) == "open"


BENCHES: tuple[type[Bench], ...] = (
    FaceBench,
    CameraFaceBench,
    BoardBench,
    RtuBoardBench,
    WaveshareBench,
    CoilsBench,
    SerialBoardBench,
    R421A08Bench,
    MeterBench,
    SerialMeterBench,
    CameraBench,
    OnvifDoorBench,
)
