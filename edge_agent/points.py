"""What the device's own numbers of doors and meters stand for in the estate."""

from __future__ import annotations

import msgspec

from device_drivers.contract.device import AccessPointBinding, DeviceConfig
from device_drivers.contract.events import AccessEvent, CameraEvent, DoorEvent, EventBody, MeterReading
from device_drivers.contract.words import Direction


class Points:
    """Of one device."""

    def __init__(self, config: DeviceConfig) -> None:
        self._points = {b.point: b for b in config.access_points}
        self._meters = {m.point: m for m in config.meters}

    @property
    def first(self) -> AccessPointBinding | None:
        return next(iter(self._points.values()), None)

    def binding(self, point: str) -> AccessPointBinding | None:
        if point in self._points:
            return self._points[point]
        # A terminal with one door does not number it.
        return self.first if not point and len(self._points) == 1 else None

    def mapped(self, body: EventBody) -> EventBody:
        """The driver's `point` becomes the estate's access point or meter."""
        if isinstance(body, MeterReading):
            meter = self._meters.get(body.point)
            return msgspec.structs.replace(body, meter=meter.meter) if meter else body
        if not isinstance(body, AccessEvent | DoorEvent | CameraEvent):
            return body
        binding = self.binding(body.point)
        if binding is None:
            return body
        if isinstance(body, AccessEvent) and body.direction is Direction.UNKNOWN:
            body = msgspec.structs.replace(body, direction=binding.direction)
        return msgspec.structs.replace(body, point=binding.point, access_point=binding.access_point)
