"""A camera as a `Driver`: events by pull point, a picture on demand. Blocking calls run in threads, here only."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.device import DeviceInventory, DeviceStatus
from device_drivers.contract.words import CommandKind, CommandOutcome, DeviceCondition
from device_drivers.driver import (
    Applied,
    CommandRequest,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverEvent,
    DriverServices,
    Operation,
    Upsert,
    WrongSecret,
)
from device_drivers.onvif_events import OnvifMessage, Subscription, is_true, parse_messages, parse_subscription

if TYPE_CHECKING:
    from device_drivers.onvif_session import OnvifSession

log = logging.getLogger(__name__)
T = TypeVar("T")
SUBSCRIBE_S = 60
RESUBSCRIBE_TRIES = 3
STALE_S = 30.0
MAX_SNAPSHOT = 5 * 1024 * 1024
POINT = "camera"


class OnvifCameraConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a camera."""

    host: Annotated[str, Meta(title="主机", description="IP address or name of the camera", min_length=1)]
    port: Annotated[int, Meta(title="端口", description="HTTP port of the ONVIF service", ge=1, le=65535)] = 80
    username: Annotated[str, Meta(title="用户名", description="ONVIF user", min_length=1)]
    password: Annotated[
        str,
        Meta(
            title="密码",
            description="ONVIF password",
            extra_json_schema={"format": "password", "writeOnly": True},
        ),
    ]
    timeout_s: Annotated[float, Meta(title="超时（秒）", description="Wait for an answer, seconds", gt=0, le=30)] = 5.0
    pull_s: Annotated[
        int, Meta(title="事件等待（秒）", description="Length of one long poll, seconds", ge=1, le=60)
    ] = 5
    events: Annotated[bool, Meta(title="接收事件", description="Subscribe to motion, tampering, inputs")] = True


class OnvifCamera:
    """A connected camera. See `Driver`."""

    def __init__(self, device_id: str, config: OnvifCameraConfig, session: OnvifSession) -> None:
        self.device_id, self.config, self.session = device_id, config, session
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None
        self._information: dict[str, str] = {}
        self._subscription: Subscription | None = None
        self._renew_at = 0.0
        self._profile = ""
        self._snapshot_uri = ""
        self._closed = False
        self.states: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, str]] = {}

    async def _thread(self, call: Callable[..., T], *values: Any, **named: Any) -> T:
        found = await asyncio.to_thread(call, *values, **named)
        self._seen = datetime.now(UTC)
        return found

    async def open(self) -> None:
        """Clock, services, identity. Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        await self._thread(self.session.measure_clock)
        await self._thread(self.session.find_services)
        self._information = await self._thread(self.session.device_information)

    async def close(self) -> None:
        """Gives the subscription back: cameras allow few."""
        self._closed = True
        subscription, self._subscription = self._subscription, None
        if subscription:
            try:
                await asyncio.to_thread(self._unsubscribe, subscription)
            except (DeviceUnreachable, DeviceRefused, WrongSecret) as error:
                log.info("%s: subscription not given back: %s", self.device_id, error)
        await asyncio.to_thread(self.session.close)

    async def inventory(self) -> DeviceInventory:
        return DeviceInventory(held=(), read_at=datetime.now(UTC))

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        return tuple(
            Applied(o, CredentialRefused(o.credential.token, "no_list", "a camera holds no credentials"))
            if isinstance(o, Upsert)
            else Applied(o)
            for o in operations
        )

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        if request.kind != CommandKind.SNAPSHOT:
            return CommandOutcome.UNSUPPORTED, f"{request.kind}: 摄像机不能开门，只能抓拍"
        try:
            picture = await self.snapshot()
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        except (DeviceRefused, WrongSecret) as error:
            return CommandOutcome.REFUSED, str(error)
        return CommandOutcome.DONE, f"{len(picture)} bytes"

    async def status(self) -> DeviceStatus:
        tampered = [topic for (topic, _), data in self.states.items() if "Tamper" in topic and _any_true(data)]
        return DeviceStatus(
            DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._seen,
            clock_offset_s=self.session.clock_offset_s,
            detail="; ".join(tampered),
            manufacturer=self._information.get("Manufacturer", ""),
            model=self._information.get("Model", ""),
            firmware=self._information.get("FirmwareVersion", ""),
            serial=self._information.get("SerialNumber", ""),
        )

    # Pictures

    async def snapshot(self) -> bytes:
        """A JPEG taken now; from the RTSP stream where the camera has no snapshot address."""
        try:
            return await self._thread(self._http_snapshot)
        except DeviceRefused as error:
            refusal = error
        if self._snapshot_uri:
            raise refusal  # it has an address and refused: not a case for the stream
        url = await self._thread(self.session.stream_uri, await self._first_profile())
        return await frame_from_rtsp(with_credentials(url, self.config.username, self.config.password))

    async def _first_profile(self) -> str:
        if not self._profile:
            self._profile = await self._thread(self.session.first_profile)
        return self._profile

    def _http_snapshot(self) -> bytes:
        if not self._snapshot_uri:
            self._profile = self._profile or self.session.first_profile()
            self._snapshot_uri = self.session.snapshot_uri(self._profile)
        response = self.session.get(self._snapshot_uri)
        picture = response.content
        if not picture.startswith(b"\xff\xd8") or not picture.rstrip(b"\0\r\n").endswith(b"\xff\xd9"):
            raise DeviceRefused(
                f"snapshot: no whole JPEG ({response.headers.get('Content-Type')}, {len(picture)} bytes)"
            )
        if len(picture) > MAX_SNAPSHOT:
            raise DeviceRefused(f"snapshot: {len(picture)} bytes")
        age = _age(response.headers.get("Last-Modified"), response.headers.get("Date"))
        if age is not None and age > STALE_S:
            raise DeviceRefused(f"snapshot: the picture is {age:.0f} s old")
        return picture

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        lost = 0
        while True:
            if not self.config.events:
                await asyncio.sleep(30)
                await self._thread(self.session.measure_clock)  # still there?
                continue
            try:
                messages = await self._pull()
                lost = 0
            except DeviceRefused as error:
                lost += 1
                self._subscription = None
                if lost >= RESUBSCRIBE_TRIES:
                    raise DeviceUnreachable(f"subscription lost {lost} times: {error}") from error
                log.info("%s: subscription lost (%s), taking a new one", self.device_id, error)
                await asyncio.sleep(0.2 * lost)
                continue
            for message in messages:
                if event := self._event(message):
                    yield event

    async def _pull(self) -> tuple[OnvifMessage, ...]:
        if self._subscription is None:
            self._subscription = await self._thread(self._subscribe)
            self._plan_renewal(self._subscription.lasts_s)
        elif time.monotonic() >= self._renew_at:
            await self._thread(self._renew, self._subscription)
            self._plan_renewal(SUBSCRIBE_S)
        return await self._thread(self._pull_once, self._subscription)

    def _plan_renewal(self, lasts_s: float | None) -> None:
        self._renew_at = time.monotonic() + max(1.0, (lasts_s or SUBSCRIBE_S) / 2)

    def _event(self, message: OnvifMessage) -> DriverEvent | None:
        self.states[(message.topic, tuple(sorted(message.source.items())))] = message.data
        if message.is_state:
            return None
        return DriverEvent(message.event(POINT), message.at, self.session.clock_offset_s)

    def _subscribe(self) -> Subscription:
        from device_drivers.onvif_session import EVENTS

        raw = self.session.call(
            "events",
            "CreatePullPointSubscription",
            self.session.address(EVENTS),
            {"InitialTerminationTime": f"PT{SUBSCRIBE_S}S"},
            raw=True,
        )
        found = parse_subscription(raw)
        return Subscription(self.session.rewrite(found.address), found.lasts_s, found.reference)

    def _pull_once(self, subscription: Subscription) -> tuple[OnvifMessage, ...]:
        raw = self.session.call(
            "pullpoint",
            "PullMessages",
            subscription.address,
            {"Timeout": timedelta(seconds=self.config.pull_s), "MessageLimit": 100},
            raw=True,
            wait_s=self.config.pull_s,
            headers=subscription.reference,
        )
        return parse_messages(raw)

    def _renew(self, subscription: Subscription) -> None:
        self.session.call(
            "subscription",
            "Renew",
            subscription.address,
            {"TerminationTime": f"PT{SUBSCRIBE_S}S"},
            raw=True,
            headers=subscription.reference,
        )

    def _unsubscribe(self, subscription: Subscription) -> None:
        self.session.call("subscription", "Unsubscribe", subscription.address, raw=True, headers=subscription.reference)


def _any_true(data: dict[str, str]) -> bool:
    return any(is_true(v) for v in data.values())


def _age(modified: str | None, now: str | None) -> float | None:
    """Seconds between Last-Modified and Date, both by the camera's clock; None where it does not tell."""
    try:
        return (parsedate_to_datetime(now or "") - parsedate_to_datetime(modified or "")).total_seconds()
    except (ValueError, TypeError):
        return None


def with_credentials(url: str, username: str, password: str) -> str:
    """An RTSP address with user and password, percent-encoded."""
    parts = urlsplit(url)
    secret = f"{quote(username, safe='')}:{quote(password, safe='')}@"
    return urlunsplit((parts.scheme, secret + parts.netloc.rsplit("@", 1)[-1], parts.path, parts.query, ""))


async def frame_from_rtsp(url: str, timeout_s: float = 5.0) -> bytes:
    """One frame of an RTSP stream (over TCP) as JPEG. Raises DeviceUnreachable."""
    return await asyncio.to_thread(_frame, url, timeout_s)


def _frame(url: str, timeout_s: float) -> bytes:
    import os

    import cv2

    # Read by OpenCV when a stream is opened; UDP would need open ports and loses packets.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    milliseconds = int(timeout_s * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    place = urlsplit(url).hostname
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    try:
        if not capture.isOpened():
            raise DeviceUnreachable(f"RTSP at {place}: cannot be opened")
        got, frame = capture.read()
        if not got:
            raise DeviceUnreachable(f"RTSP at {place}: no frame")
        done, encoded = cv2.imencode(".jpg", frame)
    except cv2.error as error:
        raise DeviceUnreachable(f"RTSP at {place}: {error}") from error
    finally:
        capture.release()
    if not done:
        raise DeviceUnreachable(f"RTSP at {place}: frame cannot be encoded")
    return bytes(encoded)


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> OnvifCamera:
    """Raises ConfigError, WrongSecret, DeviceUnreachable."""
    settings = read_config(config, OnvifCameraConfig)
    # zeep takes half a second to import and is needed by edges with cameras only.
    session_module = await asyncio.to_thread(_session_module)
    session = session_module(settings.host, settings.port, settings.username, settings.password, settings.timeout_s)
    camera = OnvifCamera(device_id, settings, session)
    opened = False
    try:
        await camera.open()
        opened = True
    except DeviceRefused as error:
        raise DeviceUnreachable(f"not an ONVIF device we can talk to: {error}") from error
    finally:
        if not opened:
            await camera.close()
    return camera


def _session_module() -> type[OnvifSession]:
    from device_drivers.onvif_session import OnvifSession

    return OnvifSession
