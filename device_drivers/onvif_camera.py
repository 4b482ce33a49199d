"""A camera as a `Driver`: events by pull point, a picture on demand, relay states. It opens nothing (`onvif_door` does)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

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
    Picture,
    Upsert,
    WrongSecret,
)
from device_drivers.onvif_device import OnvifConfig, OnvifDevice, open_device
from device_drivers.onvif_states import States

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage

log = logging.getLogger(__name__)
POINT = "camera"
LOST_S = (0.2, 1.0, 5.0, 15.0, 30.0)  # between tries for a subscription
ALONE_S = 15.0  # how often a camera without events is looked at
EMPTY_S = 0.5  # a device that answers a long poll at once and empty is not asked more often


class OnvifCameraConfig(OnvifConfig, frozen=True, kw_only=True):
    """Settings of a camera."""

    events: Annotated[bool, Meta(title="接收事件", description="Subscribe to motion, tampering, inputs")] = True
    profile: Annotated[
        str, Meta(title="画面", description="Token or name of the media profile; empty: the first with video")
    ] = ""


class OnvifCamera:
    """A connected camera. See `Driver`."""

    def __init__(self, device_id: str, config: OnvifCameraConfig, device: OnvifDevice) -> None:
        from device_drivers.onvif_media import Media
        from device_drivers.onvif_pull import PullPoint

        self.device_id, self.config, self.device = device_id, config, device
        self.media = Media(device.session, config.profile)
        self.pull_point = PullPoint(device.session, config.pull_s)
        self.states = States()
        self._no_events = ""  # why, for a person
        self._fault = ""

    async def close(self) -> None:
        await self.device.close(self.pull_point.give_back)

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
        return CommandOutcome.DONE, f"{len(picture.jpeg)} bytes"

    async def status(self) -> DeviceStatus:
        await self.device.look()
        detail = "；".join(filter(None, (self._fault, self._no_events, self.states.tampered())))
        told = self.device.information
        return DeviceStatus(
            DeviceCondition.FAULT if self._fault else DeviceCondition.ONLINE,
            self.device.since,
            last_seen_at=self.device.seen,
            clock_offset_s=self.device.session.clock_offset_s,
            detail=detail,
            manufacturer=told.get("Manufacturer", ""),
            model=told.get("Model", ""),
            firmware=told.get("FirmwareVersion", ""),
            serial=told.get("SerialNumber", ""),
        )

    async def snapshot(self) -> Picture:
        return await self.device.thread(self.media.picture)

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        """A camera whose events cannot be had stays: its pictures can. Why stands on its page."""
        from device_drivers.onvif_session import NoSuchCall

        lost = 0
        while True:
            if not self.config.events or self._no_events:
                await asyncio.sleep(ALONE_S)
                await self.device.thread(self.device.session.measure_clock)  # still there?
                continue
            began = time.monotonic()
            try:
                messages = await self.device.thread(self.pull_point.pull)
                lost, self._fault = 0, ""
            except NoSuchCall as error:
                self._no_events = "设备没有事件服务（移动、遮挡、输入不会上报），抓拍不受影响"
                log.warning("%s has no events: %s", self.device_id, error)
                continue
            except DeviceRefused as error:
                await self._lost(lost, error)
                lost += 1
                continue
            for message in messages:
                if event := self._event(message):
                    yield event
            if not messages and time.monotonic() - began < EMPTY_S:
                await asyncio.sleep(EMPTY_S)

    async def _lost(self, before: int, error: DeviceRefused) -> None:
        self.pull_point.forget()
        if before == 0:
            log.info("%s: subscription lost (%s), taking a new one", self.device_id, error)
        else:
            self._fault = f"事件订阅被设备拒绝，正在重试：{error}"[:300]
        await asyncio.sleep(LOST_S[min(before, len(LOST_S) - 1)])

    def _event(self, message: OnvifMessage) -> DriverEvent | None:
        """What happened. A state that a new subscription tells and that is another than before is told late."""
        moved = self.states.learn(message)
        if message.is_state and not moved:
            return None
        offset = self.device.session.clock_offset_s
        return DriverEvent(message.event(POINT), message.at, offset, late=message.is_state)


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> OnvifCamera:
    """Raises ConfigError, WrongSecret, DeviceUnreachable."""
    settings = read_config(config, OnvifCameraConfig)
    return OnvifCamera(device_id, settings, await open_device(device_id, settings))
