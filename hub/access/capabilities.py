"""(P) What a device of the estate can do, as its edge announced it for the device's kind and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from device_drivers.contract.device import Capabilities, Variant, of_config

UNTOLD = Capabilities(cards=True, photos=True)
"""Of a device whose edge has not told yet what it can do."""


class _Announced(msgspec.Struct):
    capabilities: Capabilities = Capabilities()
    variants: tuple[Variant, ...] = ()
    schema: dict[str, Any] = {}


def capabilities_of(kind: str, catalogue: Sequence[Any], config: Mapping[str, Any]) -> Capabilities:
    """By its edge's catalogue (plain JSON); `UNTOLD` while the edge has not told yet, or told what nobody can read."""
    for driver in catalogue:
        if driver.get("kind") == kind:
            try:
                told = msgspec.convert(driver, _Announced)
            except msgspec.ValidationError:
                return UNTOLD
            return of_config(told.capabilities, told.variants, config, told.schema)
    return UNTOLD
