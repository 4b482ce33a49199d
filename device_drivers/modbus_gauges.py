"""What a door board measures besides its doors, seldom asked, for the device's page: a number out of its bounds is a fault."""

from __future__ import annotations

import contextlib
import math

from device_drivers import modbus_frames as frames
from device_drivers.modbus_watch import UnitWatch
from device_drivers.register_map import Gauge
from device_drivers.register_value import value_of


class Gauges:
    def __init__(self, unit: int, gauges: tuple[Gauge, ...]) -> None:
        self.unit, self.gauges = unit, gauges
        self._values: dict[str, float] = {}

    def watch(self, watch: UnitWatch) -> None:
        for gauge in self.gauges:
            request = frames.read_registers(self.unit, 3 if gauge.table == "holding" else 4, gauge.address, gauge.count)
            watch.also(request, gauge.every_s, lambda pdu, _, gauge=gauge: self._take(gauge, pdu))  # type: ignore[misc]

    def _take(self, gauge: Gauge, pdu: bytes) -> None:
        number = math.nan
        if frames.exception_code(pdu) is None:
            with contextlib.suppress(frames.BadAnswer):
                number = value_of(gauge, frames.registers_of(pdu, gauge.count))
        self._values[gauge.title] = number

    def _known(self) -> list[tuple[Gauge, float]]:
        return [(gauge, self._values[gauge.title]) for gauge in self.gauges if gauge.title in self._values]

    @property
    def shown(self) -> list[str]:
        return [_said(gauge, number) for gauge, number in self._known() if not _wrong(gauge, number)]

    @property
    def problems(self) -> list[str]:
        return [_said(gauge, number) for gauge, number in self._known() if _wrong(gauge, number)]


def _wrong(gauge: Gauge, number: float) -> bool:
    return math.isnan(number) or not gauge.minimum <= number <= gauge.maximum


def _said(gauge: Gauge, number: float) -> str:
    if math.isnan(number):
        return f"{gauge.title} 读不到"
    out = "（超出范围）" if _wrong(gauge, number) else ""
    return f"{gauge.title} {number:g} {gauge.unit}".rstrip() + out
