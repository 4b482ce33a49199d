"""What the edge lends its drivers: photographs, files served under unguessable paths, the local broker."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from aiohttp import web

from device_drivers.driver import BrokerAddress, DriverServices
from edge_agent.photos import PhotoCache

SERVED_S = 600.0
MAX_SERVED = 64 << 20  # bytes held at once; the oldest go first


@dataclass(frozen=True, slots=True)
class _Served:
    content: bytes
    content_type: str
    until: float


class FileServer:
    """A small HTTP server on the box's LAN address: only who was told a path (256 random bits) gets its file."""

    def __init__(self, host: str, port: int = 0) -> None:
        self.host, self.port = host, port
        self._files: dict[str, _Served] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/f/{name}", self._get)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def publish(self, content: bytes, content_type: str) -> str:
        now = time.monotonic()
        self._files = {n: f for n, f in self._files.items() if f.until > now}
        while self._files and sum(len(f.content) for f in self._files.values()) + len(content) > MAX_SERVED:
            del self._files[next(iter(self._files))]
        name = secrets.token_urlsafe(32)
        self._files[name] = _Served(content, content_type, now + SERVED_S)
        # Terminals want a name that ends like a picture.
        return f"http://{self.host}:{self.port}/f/{name}{'.jpg' if content_type == 'image/jpeg' else ''}"

    async def _get(self, request: web.Request) -> web.Response:
        served = self._files.get(request.match_info["name"].removesuffix(".jpg"))
        if served is None or served.until <= time.monotonic():
            raise web.HTTPNotFound
        return web.Response(body=served.content, content_type=served.content_type)


class Services(DriverServices):
    def __init__(self, photos: PhotoCache, files: FileServer, broker: BrokerAddress | None) -> None:
        self.photos, self.files, self._broker = photos, files, broker

    async def photo(self, url: str, sha256: str) -> bytes:
        return await self.photos.get(url, sha256)

    def publish_file(self, content: bytes, content_type: str) -> str:
        return self.files.publish(content, content_type)

    @property
    def local_broker(self) -> BrokerAddress | None:
        return self._broker
