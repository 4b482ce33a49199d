"""What camera and door driver have in common: one session set-up, pictures, status, and events that come back when lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from device_drivers.contract.device import DeviceStatus
from device_drivers.contract.words import DeviceCondition
from device_drivers.driver import DeviceRefused, Picture
from device_drivers.onvif_device import OnvifConfig, OnvifDevice, open_device

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage

log = logging.getLogger(__name__)
LOST_S = (0.2, 1.0, 5.0, 15.0, 30.0)  # between tries for a subscription
EMPTY_S = 0.5  # a device that answers a long poll at once and empty is not asked more often
C = TypeVar("C", bound=OnvifConfig)


class OnvifDriver:
    """A connected ONVIF device. See `Driver`; camera and door add what they are there for."""

    alone_s: ClassVar[float] = 15.0  # how often a device without events is looked at
    without_events: ClassVar[str] = ""  # what that means, for a person

    def __init__(self, device_id: str, settings: OnvifConfig, device: OnvifDevice, profile: str = "") -> None:
        # zeep takes half a second to import and is needed by edges with ONVIF devices only.
        from device_drivers.onvif_media import Media
        from device_drivers.onvif_pull import PullPoint

        self.device_id, self.device = device_id, device
        self.media = Media(device.session, profile, settings.stream_host)
        self.pull_point = PullPoint(device.session, settings.pull_s)
        self.wants_events = True
        self._no_events = self._fault = ""

    async def open(self) -> None:
        """Raises DeviceUnreachable, WrongSecret, DeviceRefused."""

    async def close(self) -> None:
        await self.device.close(self.pull_point.give_back)

    async def snapshot(self) -> Picture:
        return await self.device.thread(self.media.picture)

    def details(self) -> tuple[str, ...]:
        """What else stands on the device's page."""
        return ()

    async def status(self) -> DeviceStatus:
        await self.device.look()
        told = self.device.information
        return DeviceStatus(
            DeviceCondition.FAULT if self._fault else DeviceCondition.ONLINE,
            self.device.since,
            last_seen_at=self.device.seen,
            clock_offset_s=self.device.session.clock_offset_s,
            detail="；".join(filter(None, (self._fault, self._no_events, *self.details()))),
            manufacturer=told.get("Manufacturer", ""),
            model=told.get("Model", ""),
            firmware=told.get("FirmwareVersion", ""),
            serial=told.get("SerialNumber", ""),
        )

    async def pulled(self) -> AsyncIterator[tuple[OnvifMessage, ...]]:
        """Endless. An empty one now and then where the device has no events, and at each new subscription: it must be looked
        at otherwise, for what it did before.

        Raises DeviceUnreachable. A lost subscription is taken anew.
        """
        from device_drivers.onvif_session import NoSuchCall

        lost, known = 0, None
        while True:
            if self._no_events or not self.wants_events:
                await asyncio.sleep(self.alone_s)
                yield ()
                continue
            began = time.monotonic()
            try:
                messages = await self.device.thread(self.pull_point.pull)
                lost, self._fault = 0, ""
            except NoSuchCall as error:
                self._no_events = self.without_events
                log.warning("%s has no events: %s", self.device_id, error)
                continue
            except DeviceRefused as error:
                await self._lost(lost, error)
                lost += 1
                continue
            if messages:
                yield messages
            elif time.monotonic() - began < EMPTY_S:
                await asyncio.sleep(EMPTY_S)
            if self.pull_point.subscription is not known:
                known = self.pull_point.subscription
                yield ()

    async def _lost(self, before: int, error: DeviceRefused) -> None:
        await self.device.thread(self.pull_point.give_back)
        if before == 0:
            log.info("%s: subscription lost (%s), taking a new one", self.device_id, error)
        else:
            self._fault = f"事件订阅被设备拒绝，正在重试：{error}"[:300]
        await asyncio.sleep(LOST_S[min(before, len(LOST_S) - 1)])


D = TypeVar("D", bound=OnvifDriver)


async def connected(make: Callable[[str, C, OnvifDevice], D], device_id: str, settings: C) -> D:
    """Raises WrongSecret, DeviceUnreachable, DeviceRefused."""
    driver = make(device_id, settings, await open_device(device_id, settings))
    opened = False
    try:
        await driver.open()
        opened = True
    finally:
        if not opened:  # also when cancelled
            await driver.close()
    return driver
