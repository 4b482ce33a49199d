"""A camera as a `Driver`: events by pull point, a picture on demand, relay states. It opens nothing (`onvif_door` does)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.device import DeviceInventory
from device_drivers.contract.words import CommandKind, CommandOutcome
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
from device_drivers.onvif_device import OnvifConfig, OnvifDevice
from device_drivers.onvif_driver import OnvifDriver, connected
from device_drivers.onvif_states import States

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage

POINT = "camera"


class OnvifCameraConfig(OnvifConfig, frozen=True, kw_only=True):
    """Settings of a camera."""

    events: Annotated[bool, Meta(title="接收事件", description="Subscribe to motion, tampering, inputs")] = True
    profile: Annotated[
        str, Meta(title="画面", description="Token or name of the media profile; empty: the first with video")
    ] = ""


class OnvifCamera(OnvifDriver):
    """A connected camera. See `Driver`."""

    without_events = "设备没有事件服务（移动、遮挡、输入不会上报），抓拍不受影响"

    def __init__(self, device_id: str, settings: OnvifCameraConfig, device: OnvifDevice) -> None:
        super().__init__(device_id, settings, device, settings.profile)
        self.wants_events = settings.events
        self.states = States()

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

    def details(self) -> tuple[str, ...]:
        return (self.states.tampered(),)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """A camera whose events cannot be had stays: its pictures can. Why stands on its page."""
        async for messages in self.pulled():
            if not messages:
                await self.device.thread(self.device.session.measure_clock)  # still there?
            for message in messages:
                if event := self._event(message):
                    yield event

    def _event(self, message: OnvifMessage) -> DriverEvent | None:
        """What happened. A state that a new subscription tells and that is another than before is told late."""
        moved = self.states.learn(message)
        if message.is_state and not moved:
            return None
        offset = self.device.session.clock_offset_s
        return DriverEvent(message.event(POINT), message.at, offset, late=message.is_state)


async def connect(device_id: str, config: dict[str, Any], _services: DriverServices) -> OnvifCamera:
    """Raises ConfigError, WrongSecret, DeviceUnreachable."""
    return await connected(OnvifCamera, device_id, read_config(config, OnvifCameraConfig))
