"""An ONVIF door controller (or a device with relays) as a `Driver`: states, momentary access, lock down, cards passed on.

Without `credentials` the device holds no list of ours: cards it does not know are passed on and the edge decides. With it,
credentials are written to its credential service (`onvif_credentials`), each under a profile of its doors and, with
`schedules`, its hours. A device that asks the outside before it opens (external authorization) gets the edge's decision.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.access import Identifier
from device_drivers.contract.device import Capabilities, DeviceInventory, HeldCredential
from device_drivers.contract.words import CommandKind, CommandOutcome, IdentifierType
from device_drivers.driver import (
    Applied,
    CommandRequest,
    CredentialPresented,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverEvent,
    DriverServices,
    ListTouched,
    Operation,
    Upsert,
    WrongSecret,
)
from device_drivers.onvif_device import OnvifConfig, OnvifDevice
from device_drivers.onvif_driver import OnvifDriver, connected

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage
    from device_drivers.onvif_pacs import Request

log = logging.getLogger(__name__)
DEFAULT_HOLD_S = CommandRequest(CommandKind.MOMENTARY_ACCESS).hold_s


class OnvifDoorConfig(OnvifConfig, frozen=True, kw_only=True):
    """Settings of a door controller."""

    pulse_s: Annotated[float, Meta(title="开锁时长（秒）", description="Bolt release, seconds", gt=0, le=60)] = 3.0
    credentials: Annotated[
        bool,
        Meta(title="名单写入设备", description="Write cards to the device's credential service; else the edge decides"),
    ] = False
    schedules: Annotated[
        bool, Meta(title="时间表写入设备", description="With its list: the device keeps hours too (schedule service)")
    ] = False


def narrow(all_can: Capabilities, config: Mapping[str, Any]) -> Capabilities:
    """A device that is given no list holds none; one that is not given hours keeps none."""
    if config.get("credentials"):
        return msgspec.structs.replace(all_can, schedules=bool(config.get("schedules")))
    return msgspec.structs.replace(
        all_can, holds_list=False, reads_back=False, validity_dates=False, batch=1, identifiers=(), schedules=False
    )


class OnvifDoor(OnvifDriver):
    """A connected device. See `Driver`."""

    alone_s = 5.0
    without_events = "设备没有事件服务，门状态改为定时查询，刷卡记录不会上报"

    def __init__(self, device_id: str, settings: OnvifDoorConfig, device: OnvifDevice) -> None:
        super().__init__(device_id, settings, device)
        from device_drivers.onvif_credentials import CredentialService
        from device_drivers.onvif_doors import DoorService
        from device_drivers.onvif_pacs import Door

        self.config = settings
        self.service = DoorService(device.session)
        self.credentials = CredentialService(device.session)
        self.doors: dict[str, Door] = {}
        self._new_door = Door

    async def open(self) -> None:
        """Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        await self.device.thread(self.service.find)
        self.doors = {token: self._new_door(token) for token in self.service.points}
        if self.config.credentials:
            points = dict(self.service.door_by_point)
            await self.device.thread(self.credentials.prepare, points, self.service.token)

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
                results.append(Applied(operation, content=await self._write(operation)))
            except CredentialRefused as error:
                results.append(Applied(operation, error))
        return tuple(results)

    async def _write(self, operation: Operation) -> str:
        """What the entry says then; nothing of one that is taken off."""
        if isinstance(operation, Upsert):
            if not self.config.credentials:
                raise CredentialRefused(operation.credential.token, "no_list", "the edge decides for this device")
            return await self.device.thread(self.credentials.write, operation.credential, operation.rules)
        if self.config.credentials:
            await self.device.thread(self.credentials.remove, operation.token)
        return ""

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

    # Events

    def details(self) -> tuple[str, ...]:
        return (self.credentials.states.told(),)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """States are read first; a device without events is asked for them again and again."""
        for event in await self._look():
            yield event
        async for messages in self.pulled():
            if not messages:
                for event in await self._look():
                    yield event
            for message in messages:
                if self.credentials.states.learn(message, self.credentials.ours):
                    yield DriverEvent(ListTouched())
                if found := await self._event(message):
                    yield found

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

    async def _event(self, message: OnvifMessage) -> DriverEvent | None:
        from device_drivers.onvif_pacs import access_of, door_of, request_of, told_otherwise

        offset = self.device.session.clock_offset_s
        if told := door_of(message):
            token, state = told
            door = self.doors.get(token)
            if door is None or not door.learn(message.path, state):
                return None
            return DriverEvent(door.event(), message.at, offset, late=message.is_state)
        if message.is_state:
            return None
        if asked := request_of(message):
            return DriverEvent(await self._asked(asked), message.at, offset)
        access = access_of(message, self.service.door_by_point, self.credentials.ours)
        body = access or told_otherwise(message, next(iter(self.doors), ""))
        return DriverEvent(body, message.at, offset) if body else None

    async def _asked(self, request: Request) -> CredentialPresented:
        """The device waits for an answer (some seconds, then it refuses by itself). A card nobody knows is nobody's."""
        card = request.card
        if request.credential:
            try:
                card = await self.device.thread(self.credentials.card_of, request.credential)
            except DeviceRefused as error:
                log.info("%s: card of %s: %s", self.device_id, request.credential, error)

        async def answer(granted: bool, reason: str) -> tuple[CommandOutcome, str]:
            told = (request.access_point, request.credential, granted, reason)
            try:
                await self.device.thread(self.service.authorise, *told)
            except DeviceUnreachable as error:
                return CommandOutcome.UNCERTAIN, f"answered once, {error}"
            except (DeviceRefused, WrongSecret) as error:
                return CommandOutcome.REFUSED, str(error)
            return CommandOutcome.DONE, ""

        point = self.service.door_by_point.get(request.access_point, request.access_point)
        return CredentialPresented(point, Identifier(IdentifierType.CARD, card), answer=answer)


class OnvifDoorWithList(OnvifDoor):
    """A device that is given its list. See `ReadsContents`."""

    async def contents(self) -> AsyncIterator[Mapping[str, str]]:
        """Raises DeviceUnreachable, DeviceRefused."""
        pages = self.credentials.contents()
        while (page := await self.device.thread(next, pages, None)) is not None:
            yield page


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> OnvifDoor:
    """Raises ConfigError, WrongSecret, DeviceUnreachable, DeviceRefused."""
    settings = read_config(config, OnvifDoorConfig)
    return await connected(OnvifDoorWithList if settings.credentials else OnvifDoor, device_id, settings)
