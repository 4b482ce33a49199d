"""An ONVIF door controller (or a device with relays) as a `Driver`: states, momentary access, lock down, cards passed on.

Without `credentials` the device holds no list of ours: cards it does not know are passed on and the edge decides. With it,
credentials are written to its credential service (`onvif_credentials`), under one access profile that is always valid.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.device import Capabilities, DeviceInventory, DeviceStatus, HeldCredential
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

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage

log = logging.getLogger(__name__)
DEFAULT_HOLD_S = CommandRequest(CommandKind.MOMENTARY_ACCESS).hold_s
LOST_S = (0.2, 1.0, 5.0, 15.0, 30.0)
ALONE_S, EMPTY_S = 5.0, 0.5


class OnvifDoorConfig(OnvifConfig, frozen=True, kw_only=True):
    """Settings of a door controller."""

    pulse_s: Annotated[float, Meta(title="开锁时长（秒）", description="Bolt release, seconds", gt=0, le=60)] = 3.0
    credentials: Annotated[
        bool,
        Meta(title="名单写入设备", description="Write cards to the device's credential service; else the edge decides"),
    ] = False


def narrow(all_can: Capabilities, config: Mapping[str, Any]) -> Capabilities:
    """A device that is given no list holds none."""
    if config.get("credentials"):
        return all_can
    return msgspec.structs.replace(
        all_can, holds_list=False, reads_back=False, validity_dates=False, batch=1, identifiers=()
    )


class OnvifDoor:
    """A connected device. See `Driver`."""

    def __init__(self, device_id: str, config: OnvifDoorConfig, device: OnvifDevice) -> None:
        from device_drivers.onvif_credentials import CredentialService
        from device_drivers.onvif_doors import DoorService
        from device_drivers.onvif_media import Media
        from device_drivers.onvif_pacs import Door
        from device_drivers.onvif_pull import PullPoint

        self.device_id, self.config, self.device = device_id, config, device
        self.service = DoorService(device.session)
        self.credentials = CredentialService(device.session)
        self.media = Media(device.session)
        self.pull_point = PullPoint(device.session, config.pull_s)
        self.doors: dict[str, Door] = {}
        self._new_door = Door
        self._no_events, self._fault = "", ""

    async def open(self) -> None:
        """Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        await self.device.thread(self.service.find)
        self.doors = {token: self._new_door(token) for token in self.service.points}
        if self.config.credentials:
            await self.device.thread(self.credentials.prepare, tuple(self.service.door_by_point))

    async def close(self) -> None:
        await self.device.close(self.pull_point.give_back)

    # List

    async def inventory(self) -> DeviceInventory:
        if not self.config.credentials:
            return DeviceInventory(held=(), read_at=datetime.now(UTC))
        tokens = await self.device.thread(self.credentials.held)
        return DeviceInventory(tuple(HeldCredential(t) for t in tokens), datetime.now(UTC))

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        results = []
        for operation in operations:
            try:
                await self._write(operation)
                results.append(Applied(operation))
            except CredentialRefused as error:
                results.append(Applied(operation, error))
        return tuple(results)

    async def _write(self, operation: Operation) -> None:
        if isinstance(operation, Upsert):
            if not self.config.credentials:
                raise CredentialRefused(operation.credential.token, "no_list", "the edge decides for this device")
            await self.device.thread(self.credentials.write, operation.credential)
        elif self.config.credentials:
            await self.device.thread(self.credentials.remove, operation.token)

    # Door

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        from device_drivers.onvif_doors import ORDERS
        from device_drivers.onvif_http import NotHere
        from device_drivers.onvif_session import NoSuchCall

        if request.kind not in (CommandKind.MOMENTARY_ACCESS, CommandKind.RELEASE, *ORDERS):
            return CommandOutcome.UNSUPPORTED, f"{request.kind}: ONVIF 门控设备没有这个命令"
        try:
            token = self.service.token(request.point)
            if request.kind is CommandKind.MOMENTARY_ACCESS:
                hold_s = self.config.pulse_s if request.hold_s == DEFAULT_HOLD_S else request.hold_s
                await self.device.thread(self.service.open_once, token, hold_s)
            else:
                await self.device.thread(self.service.order, request.kind, token)
        except NoSuchCall as error:
            return CommandOutcome.UNSUPPORTED, f"设备不支持：{error}"
        except NotHere as error:
            return CommandOutcome.UNREACHABLE, str(error)
        except DeviceUnreachable as error:
            return CommandOutcome.UNCERTAIN, f"sent once, {error}"
        except (DeviceRefused, WrongSecret) as error:
            return CommandOutcome.REFUSED, str(error)
        return CommandOutcome.DONE, ""

    async def snapshot(self) -> Picture:
        return await self.device.thread(self.media.picture)

    async def status(self) -> DeviceStatus:
        await self.device.look()
        told = self.device.information
        return DeviceStatus(
            DeviceCondition.FAULT if self._fault else DeviceCondition.ONLINE,
            self.device.since,
            last_seen_at=self.device.seen,
            clock_offset_s=self.device.session.clock_offset_s,
            detail="；".join(filter(None, (self._fault, self._no_events))),
            manufacturer=told.get("Manufacturer", ""),
            model=told.get("Model", ""),
            firmware=told.get("FirmwareVersion", ""),
            serial=told.get("SerialNumber", ""),
        )

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        """States are read first; a device without events is asked for them again and again."""
        from device_drivers.onvif_session import NoSuchCall

        lost = 0
        for event in await self._look():
            yield event
        while True:
            began = time.monotonic()
            try:
                if self._no_events:
                    await asyncio.sleep(ALONE_S)
                    for event in await self._look():
                        yield event
                    continue
                messages = await self.device.thread(self.pull_point.pull)
                lost, self._fault = 0, ""
            except NoSuchCall as error:
                self._no_events = "设备没有事件服务，门状态改为定时查询，刷卡记录不会上报"
                log.warning("%s has no events: %s", self.device_id, error)
                continue
            except DeviceRefused as error:
                self.pull_point.forget()
                if lost:
                    self._fault = f"事件订阅被设备拒绝，正在重试：{error}"[:300]
                await asyncio.sleep(LOST_S[min(lost, len(LOST_S) - 1)])
                lost += 1
                continue
            for message in messages:
                if found := self._event(message):
                    yield found
            if not messages and time.monotonic() - began < EMPTY_S:
                await asyncio.sleep(EMPTY_S)

    async def _look(self) -> list[DriverEvent]:
        """The doors' states as they are read; told where they changed."""
        if not self.service.doors:
            await self.device.thread(self.device.session.measure_clock)  # still there?
            return []
        found = []
        for token, door in self.doors.items():
            before = door.event()
            try:
                report = await self.device.thread(self.service.report, token)
            except DeviceRefused as error:
                log.info("%s: state of door %s: %s", self.device_id, token, error)
                continue
            door.state, door.mode, door.alarm = report.state, report.mode, report.alarm
            if door.event() != before:
                found.append(DriverEvent(door.event()))
        return found

    def _event(self, message: OnvifMessage) -> DriverEvent | None:
        from device_drivers.onvif_pacs import access_of, door_of, told_otherwise

        offset = self.device.session.clock_offset_s
        if told := door_of(message):
            token, state = told
            door = self.doors.get(token)
            if door is None or not door.learn(message.path, state):
                return None
            return DriverEvent(door.event(), message.at, offset, late=message.is_state)
        if message.is_state:
            return None
        access = access_of(message, self.service.door_by_point, self.credentials.ours)
        body = access or told_otherwise(message, next(iter(self.doors), ""))
        return DriverEvent(body, message.at, offset) if body else None


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> OnvifDoor:
    """Raises ConfigError, WrongSecret, DeviceUnreachable, DeviceRefused."""
    settings = read_config(config, OnvifDoorConfig)
    driver = OnvifDoor(device_id, settings, await open_device(device_id, settings))
    opened = False
    try:
        await driver.open()
        opened = True
    finally:
        if not opened:
            await driver.close()
    return driver
