"""Fire contacts of this box's boards: what each says, and for whose doors it stands.

What was a fire stays one until its contact says that it is over: an input that falls silent in a fire is no all-clear.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from device_drivers.contract.words import FireInput


class Contact(msgspec.Struct, frozen=True):
    """One board's contact. `since`: when the present fire began, None where none stands; `everywhere`: for all doors here."""

    state: FireInput
    since: datetime | None = None
    everywhere: bool = False


class FireAlarms:
    """All contacts of a box. `listeners` are called, on the loop, whenever something changed."""

    def __init__(self) -> None:
        self.contacts: dict[str, Contact] = {}
        self.listeners: dict[str, Callable[[], None]] = {}

    def tell(
        self, device: str, state: FireInput, now: datetime, *, everywhere: bool = False
    ) -> tuple[Contact, Contact]:
        """(before, after)."""
        before = self.contacts.get(device, Contact(FireInput.NONE))
        since = before.since if state is not FireInput.FIRE else before.since or now
        if state in (FireInput.QUIET, FireInput.NONE):
            since = None
        after = Contact(state, since, everywhere)
        if after != before:
            self.contacts[device] = after
            for listener in tuple(self.listeners.values()):
                listener()
        return before, after

    def forget(self, device: str, now: datetime) -> None:
        """The device is no longer ours."""
        self.tell(device, FireInput.NONE, now)
        self.contacts.pop(device, None)

    def state(self, device: str) -> FireInput:
        return self.contacts[device].state if device in self.contacts else FireInput.NONE

    def since(self, device: str) -> datetime | None:
        """When the oldest fire began that stands for this device's doors; None when none does."""
        found = [c.since for name, c in self.contacts.items() if c.since and (c.everywhere or name == device)]
        return min(found, default=None)

    def dump(self) -> str:
        return msgspec.json.encode(self.contacts).decode()
