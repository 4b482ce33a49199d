"""What the parts of an agent share."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import msgspec

from device_drivers.contract.device import DeviceSet, EdgePolicy
from device_drivers.contract.events import CameraEvent, Event, EventBody
from device_drivers.contract.messages import DeviceReported
from device_drivers.contract.words import IdentifierType
from device_drivers.driver import DriverServices
from edge_agent.clock import Clock
from edge_agent.fire import Contact, FireAlarms
from edge_agent.keypad import Tried, Tries
from edge_agent.lists import ListKeeper
from edge_agent.qr import Codes
from edge_agent.state import State
from edge_agent.store import Journal, JournalFull, Row
from edge_agent.uses import Uses

log = logging.getLogger(__name__)
T = TypeVar("T")


def read_kept(kept: str | None, kind: type[T], otherwise: T) -> T:
    """What the state kept under a key; what cannot be read is as if it had never been kept."""
    if kept is None:
        return otherwise
    try:
        return msgspec.json.decode(kept, type=kind)
    except ValueError as error:
        log.error("kept %s is not readable, started anew: %s", kind, error)
        return otherwise


@dataclass(frozen=True, slots=True)
class Pass:
    """An access event that is on disk: what a picture may be taken for.

    `picture` came with it from the device, `taken_at` by our clock where the device's is measured.
    """

    seq: int
    device: str
    access_point: str
    camera: str | None
    known: bool
    picture: bytes | None
    granted: bool = False
    credential: str | None = None
    identifier: IdentifierType | None = None
    taken_at: datetime | None = None


@dataclass(slots=True)
class Box:
    journal: Journal
    state: State
    clock: Clock
    lists: ListKeeper
    services: DriverServices
    report: Callable[[DeviceReported], None]
    tell_revoked: Callable[[str, Iterable[str], str, str], None] = lambda *_: None
    on_pass: Callable[[Pass], None] = lambda _: None
    on_camera: Callable[[str, int, CameraEvent], None] = lambda _device, _seq, _event: None
    devices: DeviceSet | None = None
    policy: EdgePolicy = field(default_factory=EdgePolicy)
    fire: FireAlarms = field(default_factory=FireAlarms)
    uses: Uses = field(init=False)
    codes: Codes = field(init=False)
    tries: Tries = field(default_factory=Tries)
    _pending: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.uses = Uses(self.state)
        self.codes = Codes(self.lists.files.key, self.lists.files.estate, self.clock.now())

    async def load(self) -> None:
        """What stood when the box went down: uses of passes, wrong PINs, and a fire until its contact is read again."""
        await self.uses.load()
        self.fire.contacts = read_kept(await asyncio.to_thread(self.state.kept, "fire"), dict[str, Contact], {})
        self.tries.load(read_kept(await asyncio.to_thread(self.state.kept, "tries"), dict[str, Tried], {}))
        self.tries.keep = lambda kept: self.later(self.state.keep, "tries", kept)

    def event(self, device: str, body: EventBody, at: datetime | None = None, *, late: bool = False) -> Event:
        """Received now; `at` is the device time where it differs."""
        return Event(0, device, self.clock.now(), body, device_at=at, late=late)

    def record(
        self,
        device: str,
        body: EventBody,
        at: datetime | None = None,
        *,
        late: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        """In the journal's queue on return, in order; never waits for the disk (a full one must not stop a door).

        `then` runs in a thread once the event is on disk.
        """
        self.keep(Row(self.event(device, body, at, late=late)), then=then)

    def keep(self, *rows: Row, then: Callable[[], None] | None = None) -> None:
        """As `record`, of events that are made already."""
        if not rows:
            return
        task = asyncio.create_task(self._settle(rows, then))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _settle(self, rows: tuple[Row, ...], then: Callable[[], None] | None) -> None:
        try:
            await self.journal.submit(rows)
            if then:
                await asyncio.to_thread(then)
        except (JournalFull, sqlite3.Error) as error:
            log.error("%d events of %s not stored: %s", len(rows), rows[0].event.device or "this box", error)

    def later(self, call: Callable[..., None], *values: object) -> None:
        """A write to the state in a thread of its own, for who cannot wait."""
        task = asyncio.create_task(self._write_later(call, values))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _write_later(self, call: Callable[..., None], values: tuple[object, ...]) -> None:
        try:
            await asyncio.to_thread(call, *values)
        except sqlite3.Error as error:
            log.error("not kept: %s", error)

    async def settled(self, timeout_s: float = 5.0) -> None:
        """Wait until what was recorded is on disk, at most `timeout_s`."""
        if self._pending:
            await asyncio.wait(set(self._pending), timeout=timeout_s)
