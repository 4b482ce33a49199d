"""How the properties of an ONVIF device stand (motion, tamper, inputs, relays), learnt from its events. Pure.

`Initialized` tells how things stand; nothing happened, unless it stood otherwise before: then a change went unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_drivers.onvif_events import OnvifMessage

MAX_STATES = 1000  # a device that makes up sources without end is not remembered without end
TRUE = frozenset({"true", "1", "active", "on", "yes"})
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class States:
    """By topic path (without prefixes) and source."""

    held: dict[Key, dict[str, str]] = field(default_factory=dict)

    def learn(self, message: OnvifMessage) -> bool:
        """True when a property that was known before stands otherwise now."""
        key = (message.path, tuple(sorted(message.source.items())))
        if message.operation == "Deleted":
            self.held.pop(key, None)
            return False
        before = self.held.get(key)
        if before is None and len(self.held) >= MAX_STATES:
            return False
        self.held[key] = message.data
        return before is not None and _plain(before) != _plain(message.data)

    def tampered(self) -> str:
        """For the device's page: the tamper alarms that stand."""
        topics = {path for (path, _), data in self.held.items() if "tamper" in path.casefold() and any(_on(data))}
        return f"遮挡或移动报警：{'、'.join(sorted(topics))}" if topics else ""


def _on(data: dict[str, str]) -> list[bool]:
    return [value.strip().casefold() in TRUE for value in data.values()]


def _plain(data: dict[str, str]) -> dict[str, str]:
    """Words for on are one word: a device may say 1 at first and true later."""
    return {k: "true" if v.strip().casefold() in TRUE else v.strip().casefold() for k, v in data.items()}
