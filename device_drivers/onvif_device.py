"""What camera and door driver share: settings of an ONVIF device, threads of its own, and its clock and identity."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, ParamSpec, TypeVar

import msgspec
from msgspec import Meta

from device_drivers.driver import DeviceRefused, DeviceUnreachable, WrongSecret

if TYPE_CHECKING:
    from device_drivers.onvif_session import OnvifSession

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4  # a long poll, a picture, a command, an upkeep
CLOCK_EVERY_S = 60.0


class OnvifConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where an ONVIF device is and who we are to it."""

    host: Annotated[str, Meta(title="主机", description="IP address or name of the device", min_length=1)]
    port: Annotated[int, Meta(title="端口", description="HTTP port of the ONVIF service", ge=1, le=65535)] = 80
    username: Annotated[str, Meta(title="用户名", description="ONVIF user; empty: none is asked for")] = ""
    password: Annotated[
        str,
        Meta(
            title="密码",
            description="ONVIF password",
            extra_json_schema={"format": "password", "writeOnly": True},
        ),
    ] = ""
    path: Annotated[
        str, Meta(title="服务路径", description="Path of the device service", pattern=r"^/[!-~]{0,199}$")
    ] = "/onvif/device_service"
    tls: Annotated[bool, Meta(title="HTTPS", description="HTTPS; the device's own certificate is taken")] = False
    stream_host: Annotated[
        str,
        Meta(
            title="视频流主机",
            description="Another host that streams come from (a recorder); empty: whatever the device says, only its own",
            pattern=r"^[A-Za-z0-9.:-]{0,253}$",
        ),
    ] = ""
    timeout_s: Annotated[float, Meta(title="超时（秒）", description="Wait for an answer, seconds", gt=0, le=30)] = 5.0
    pull_s: Annotated[
        int, Meta(title="事件等待（秒）", description="Length of one long poll, seconds", ge=1, le=60)
    ] = 5


class OnvifDevice:
    """A session with threads of its own: a device that hangs takes them from nobody else."""

    def __init__(self, name: str, session: OnvifSession) -> None:
        self.session = session
        self.since = datetime.now(UTC)
        self.seen: datetime | None = None
        self.information: dict[str, str] = {}
        self._clock_at = 0.0
        self._pool = ThreadPoolExecutor(THREADS, f"onvif {name}")

    async def thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`call` beside the loop. What the device refused it was there for as well."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._pool, partial(call, *args, **kwargs))
        except DeviceRefused:
            self.seen = datetime.now(UTC)
            raise
        self.seen = datetime.now(UTC)
        return found

    async def open(self) -> None:
        """Clock, services, identity. Raises DeviceUnreachable, WrongSecret."""
        try:
            await self.thread(self.session.measure_clock)
            await self.thread(self.session.find_services)
            self.information = await self.thread(self.session.device_information)
        except DeviceRefused as error:
            raise DeviceUnreachable(f"not an ONVIF device we can talk to: {error}") from error
        self._clock_at = time.monotonic()

    async def look(self) -> None:
        """Measures the clock again when it was not looked at for a while. Raises DeviceUnreachable."""
        if time.monotonic() - self._clock_at < CLOCK_EVERY_S:
            return
        self._clock_at = time.monotonic()
        try:
            await self.thread(self.session.measure_clock)
        except (DeviceRefused, WrongSecret):
            return

    async def close(self, last: Callable[[], None] = lambda: None) -> None:
        """`last` is called before, in a thread."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, last)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self.session.close()


async def open_device(name: str, config: OnvifConfig) -> OnvifDevice:
    """Raises WrongSecret, DeviceUnreachable."""
    # zeep takes half a second to import and is needed by edges with ONVIF devices only.
    session_type = await asyncio.to_thread(_session_type)
    session = session_type(
        config.host, config.port, config.username, config.password, config.timeout_s, path=config.path, tls=config.tls
    )
    device = OnvifDevice(name, session)
    opened = False
    try:
        await device.open()
        opened = True
    finally:
        if not opened:
            await device.close()
    return device


def _session_type() -> type[OnvifSession]:
    from device_drivers.onvif_session import OnvifSession
    from device_drivers.onvif_soap import document

    for name in ("media.wsdl", "events.wsdl"):  # now, once: the first picture must not wait for it
        document(name)
    return OnvifSession
