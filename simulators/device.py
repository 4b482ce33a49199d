"""What every simulated device has in common: a code, a config, a life, a state to look at, and handles to drive it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from simulators.faults import DESCRIPTIONS, MOMENTARY, Fault, FaultBook


class NotSupported(Exception):
    """This device has no such thing (a camera has no card reader); the control page answers 409."""


class BadRequest(ValueError):
    """The caller asked for something meaningless; the control page answers 400 with the text."""


class DeviceSim(ABC):
    """One simulated device: ``start``, ``stop``, ``state`` and the ways to drive it.

    ``code`` is the device's code on the site, ``config`` the simulator's settings (each class lists its own), ``seed``
    makes chance repeatable, ``state_dir`` keeps what a real device keeps over a power loss (None: memory only).
    """

    kind: ClassVar[str]
    supported_faults: ClassVar[frozenset[Fault]]

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        self.code = code
        self.config = dict(config)
        self.seed = seed
        self.state_dir = state_dir
        self.faults = FaultBook()

    @abstractmethod
    async def start(self) -> None:
        """Begin to live on the network; returns when the sockets listen."""

    @abstractmethod
    async def stop(self) -> None:
        """Leave the network and end every task; may be called twice."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything worth seeing, as JSON-able values."""

    async def present(
        self,
        *,
        face: str | None = None,
        card: str | None = None,
        stranger: bool = False,
        qr: str | None = None,
        id_card: str | None = None,
        pin: str | None = None,
    ) -> dict[str, Any]:
        """Hold a face (by customId), a card (number), an unknown face, a QR text or an identity card before it, or type a PIN."""
        raise NotSupported(f"{self.kind} {self.code} has no reader")

    async def set_door(self, *, is_open: bool) -> dict[str, Any]:
        """Move the physical door, whatever the lock says."""
        raise NotSupported(f"{self.kind} {self.code} has no door magnet")

    async def raise_event(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Let the device notice something (cameras)."""
        raise NotSupported(f"{self.kind} {self.code} raises no events on request")

    async def apply_fault(
        self, fault: Fault, seconds: float | None = None, *, value: float | None = None, unit: int | None = None
    ) -> None:
        """Begin to misbehave. ``seconds`` None: until cleared; momentary faults take effect at once and leave no trace.

        Raises NotSupported for a fault this device cannot have, BadRequest for a senseless duration.
        """
        if fault not in self.supported_faults:
            known = ", ".join(sorted(self.supported_faults))
            raise NotSupported(f"{self.kind} {self.code} cannot have the fault {fault.value!r}; it knows: {known}")
        if seconds is not None and seconds <= 0:
            raise BadRequest("seconds must be more than 0, or null for 'until cleared'")
        if fault not in MOMENTARY:
            self.faults.begin(fault, seconds, value, unit)
        await self.on_fault(fault)

    def clear_faults(self, fault: Fault | None = None) -> None:
        """Behave again: end one fault, or all."""
        self.faults.clear(fault)

    async def on_fault(self, fault: Fault) -> None:  # noqa: B027 - most devices need nothing but the book
        """Do what a fault does at its beginning (tear connections, forget); the default does nothing."""

    def summary(self) -> dict[str, Any]:
        """One line for the list of devices."""
        return {
            "code": self.code,
            "kind": self.kind,
            "faults": self.faults.listing(),
            "supported_faults": {fault.value: DESCRIPTIONS[fault] for fault in sorted(self.supported_faults)},
        }
