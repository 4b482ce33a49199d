"""What the edge lends its drivers: photographs, files served under unguessable paths, the local broker."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from device_drivers.driver import BrokerAddress, DriverServices
from edge_agent.face_desk import FaceDesk
from edge_agent.photos import PhotoCache

log = logging.getLogger(__name__)
SERVED_S = 600.0
RETRY_S = 5.0
MAX_SERVED = 64 << 20  # bytes held at once; the oldest go first


@dataclass(frozen=True, slots=True)
class _Served:
    content: bytes
    mark: tuple[int, int, str]  # length, checksum, content type
    until: float


class FileServer:
    """A small HTTP server on the box's LAN address: only who was told a path (256 random bits) gets its file."""

    def __init__(self, host: str, port: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.host, self.port, self._clock = host, port, clock
        self._files: OrderedDict[str, _Served] = OrderedDict()  # the soonest to end first
        self._names: dict[tuple[int, int, str], str] = {}
        self._size = 0
        self._runner: web.AppRunner | None = None

    async def run(self) -> None:
        """Listens as soon as it can: after a power cut the network may come minutes after the box. Doors do not wait for it."""
        failed = ""
        while self._runner is None:
            try:
                await self.start()
            except OSError as error:
                if str(error) != failed:
                    log.error("pictures cannot be served on %s:%d, trying on: %s", self.host, self.port, error)
                failed = str(error)
                await asyncio.sleep(RETRY_S)

    async def start(self) -> None:
        """Raises OSError: the address is not there yet, or its port is taken."""
        app = web.Application()
        app.router.add_get("/f/{name}", self._get)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self.port = runner, runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def publish(self, content: bytes, content_type: str) -> str:
        """The same content has one path, for however many terminals, and is held once."""
        now = self._clock()
        mark = (len(content), zlib.adler32(content), content_type)
        name = self._names.get(mark, "")
        known = self._files.get(name)
        if known is None or known.content != content:
            name = secrets.token_urlsafe(32)
            self._names[mark] = name
            self._size += len(content)
        self._files[name] = _Served(content, mark, now + SERVED_S)
        self._files.move_to_end(name)
        while len(self._files) > 1 and (self._size > MAX_SERVED or next(iter(self._files.values())).until <= now):
            self._drop_oldest()
        # Terminals want a name that ends like a picture.
        return f"http://{self.host}:{self.port}/f/{name}{'.jpg' if content_type == 'image/jpeg' else ''}"

    def _drop_oldest(self) -> None:
        name, served = self._files.popitem(last=False)
        self._size -= len(served.content)
        if self._names.get(served.mark) == name:
            del self._names[served.mark]

    async def _get(self, request: web.Request) -> web.Response:
        served = self._files.get(request.match_info["name"].removesuffix(".jpg"))
        if served is None or served.until <= self._clock():
            raise web.HTTPNotFound
        return web.Response(body=served.content, content_type=served.mark[2])


class Services(DriverServices):
    def __init__(
        self,
        photos: PhotoCache,
        files: FileServer,
        broker: BrokerAddress | None,
        faces: FaceDesk | None = None,
        stranger_hours: Callable[[], int] = lambda: 0,
    ) -> None:
        self.photos, self.files, self._broker, self.faces = photos, files, broker, faces
        self._stranger_hours = stranger_hours

    @property
    def keeps_strangers(self) -> bool:
        return self._stranger_hours() > 0

    async def examine(self, token: str, photo: bytes, sha256: str) -> None:
        if self.faces is not None:
            await self.faces.examine(token, photo, sha256)

    async def photo(self, url: str, sha256: str) -> bytes:
        return await self.photos.get(url, sha256)

    def publish_file(self, content: bytes, content_type: str) -> str:
        return self.files.publish(content, content_type)

    @property
    def local_broker(self) -> BrokerAddress | None:
        return self._broker
