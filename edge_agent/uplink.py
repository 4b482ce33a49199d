"""The link to the hub. One loop sends live events and catches up; only the hub's EventAck moves the cursor.

Go-back-N: batches are sent from the cursor, at most `window` unacknowledged; no progress within the timeout sends them
again from the cursor, one batch at a time until the hub answers. The receiver keys by (epoch, seq), so repeats are harmless.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import msgspec

from device_drivers.contract.device import DeviceSet
from device_drivers.contract.messages import (
    DOWN,
    Command,
    CommandResult,
    DeviceReported,
    DevicesDesired,
    EdgeCatalogue,
    EdgeFound,
    EdgeStatus,
    EventAck,
    EventBatch,
    ListDoorbell,
    Message,
    RevocationOrder,
    RevocationResult,
    Revoked,
    WireError,
    decode,
    encode,
    parse_topic,
    topic,
    topic_of,
)
from device_drivers.mqtt import Incoming, Link, MessageTooLarge, Will
from edge_agent.clock import wait_event
from edge_agent.store import Journal

log = logging.getLogger(__name__)
BATCH_EVENTS = 500
BATCH_BYTES = 64_000  # compressed; below the broker's limit with room for the header
INFLATED = 1 << 20
WINDOW = 32
ACK_TIMEOUT_S = 10.0
ACK_TIMEOUT_CAP_S = 60.0
RESULTS_KEPT = 200
REVOKED_KEPT, REVOKED_AT_ONCE = 20_000, 200  # answers that wait for the link; of them in one message


@dataclass(frozen=True, slots=True)
class Handlers:
    """Called on the loop; must not block."""

    devices: Callable[[DeviceSet], None]
    doorbell: Callable[[ListDoorbell], None]
    command: Callable[[Command], None]
    revoke: Callable[[RevocationOrder], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class _InFlight:
    last: int
    sent_at: float


def offline_will(edge: str) -> Will:
    return Will(topic(EdgeStatus, edge), encode(EdgeStatus(online=False)), retain=True)


def pack(epoch: str, first_seq: int, bodies: Sequence[bytes]) -> tuple[bytes, int]:
    """An `EventBatch` payload made of journal rows as they stand, and how many rows went in. Halved until it fits."""
    count = len(bodies)
    while True:
        head = f'{{"epoch":"{epoch}","first_seq":{first_seq},"events":['.encode()
        payload = zlib.compress(head + b",".join(bodies[:count]) + b"]}", 1)
        if len(payload) <= BATCH_BYTES or count == 1:
            return payload, count
        count = max(1, min(count - 1, count * BATCH_BYTES // len(payload)))


class Uplink:
    """`run()` is the one task; everything else may be called on the loop at any time, link up or down."""

    def __init__(
        self,
        link: Link,
        edge: str,
        journal: Journal,
        status: Callable[[], EdgeStatus],
        catalogue: EdgeCatalogue,
        handlers: Handlers,
        *,
        ack_timeout_s: float = ACK_TIMEOUT_S,
        window: int = WINDOW,
        progress: Callable[[], None] = lambda: None,
        heard: Callable[[datetime | None], None] = lambda _: None,
    ) -> None:
        self.link, self.edge, self.journal, self.status = link, edge, journal, status
        self.catalogue, self.handlers = catalogue, handlers
        self.ack_timeout_s, self.window, self.progress = ack_timeout_s, window, progress
        self.heard = heard
        self._reports: dict[str, DeviceReported] = {}
        self._cleared: set[str] = set()  # removed devices whose retained report may still lie at the broker
        self._results: deque[CommandResult] = deque(maxlen=RESULTS_KEPT)
        self._found: EdgeFound | None = None
        self._revoked: dict[tuple[str, str], Revoked] = {}  # not sent yet, the newest answer of each
        self._flight: deque[_InFlight] = deque()
        self._wake = asyncio.Event()
        self._sent_to = 0
        self._turn = 0  # moves whenever sending must start again elsewhere
        self._silent = 0  # timeouts since the last ack
        self._progress_at = 0.0
        self._epoch_break: tuple[str, int, str] | None = None  # epoch to leave, after which seq, why
        self._events_topic = topic(EventBatch, edge)

    # --- the link --------------------------------------------------------------------------------------------------
    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._restart_from_cursor()
        self.journal.on_append = self._wake.set
        self.link.subscribe([f"v1/{self.edge}/down/#"])
        self.link.start(
            lambda message: self._post(self._incoming, message),
            lambda up, _why: self._post(self._state, up),
        )

    def _post(self, call: Callable[..., None], value: object) -> None:
        # Link callbacks come on the network thread (or on ours, with the in-memory twin).
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, value)

    def _state(self, up: bool) -> None:
        if up:
            self._send(self.status())
            self._send(self.catalogue)
            if self._found is not None:
                self._send(self._found)
            for report in self._reports.values():
                self._send(report)
            self._clear()
            while self._results and self._send(self._results[0]):
                self._results.popleft()
            self._send_revoked()
            self._silent = 0
            self._restart_from_cursor()

    def _send(self, message: Message) -> bool:
        try:
            return self.link.publish(
                topic_of(message, self.edge), encode(message), qos=message.qos, retain=message.retain
            )
        except MessageTooLarge:
            log.exception("uplink: a %s is too large and stays here", type(message).__name__)
            return True

    def announce(self) -> None:
        """Publish the status again (clock, epoch changed)."""
        self._send(self.status())

    def report(self, reported: DeviceReported) -> None:
        """Kept, and published now and at every connect."""
        self._reports[reported.device] = reported
        self._cleared.discard(reported.device)
        self._send(reported)

    def forget(self, device: str) -> None:
        """The device is no longer ours: its retained report is cleared, now or at the next connect."""
        self._reports.pop(device, None)
        self._cleared.add(device)
        self._clear()

    def _clear(self) -> None:
        """MQTT clears a retained message by an empty one."""
        for device in sorted(self._cleared):
            if self.link.publish(topic(DeviceReported, self.edge, device), b"", qos=1, retain=True):
                self._cleared.discard(device)

    @property
    def reports(self) -> dict[str, DeviceReported]:
        return self._reports

    def found(self, found: EdgeFound) -> None:
        """The newest counts; it is said again at every connect."""
        self._found = found
        self._send(found)

    def result(self, result: CommandResult) -> None:
        if not self._send(result):
            self._results.append(result)

    def revoked(self, result: RevocationResult) -> None:
        """Sent now, or at the next connect; what is too much by then is said by the devices' reports."""
        for item in result.items:
            self._revoked.pop((item.device, item.token), None)
            self._revoked[item.device, item.token] = item
        self._send_revoked()
        while len(self._revoked) > REVOKED_KEPT:
            self._revoked.pop(next(iter(self._revoked)))

    def _send_revoked(self) -> None:
        while self._revoked:
            keys = list(islice(self._revoked, REVOKED_AT_ONCE))
            if not self._send(RevocationResult(tuple(self._revoked[k] for k in keys))):
                return
            for key in keys:
                del self._revoked[key]

    async def stop(self) -> None:
        """Says offline itself: a clean stop has no last will."""
        self._send(EdgeStatus(online=False, epoch=self.journal.epoch, head_seq=self.journal.head))
        await asyncio.to_thread(self.link.stop)

    # --- from the hub ----------------------------------------------------------------------------------------------
    def _incoming(self, message: Incoming) -> None:
        address = parse_topic(message.topic, DOWN)
        if address is None or address.edge != self.edge:
            log.warning("uplink: nothing known of topic %s", message.topic)
            return
        if address.message.retain and not message.payload:
            return  # cleared
        try:
            said = decode(address.message, message.payload)
            if not message.retain:  # what the broker kept proves nothing
                self.heard(said.at if isinstance(said, EventAck) else None)
            self._dispatch(said, address.device, message.retain)
        except WireError as error:
            log.error("uplink: %s: %s", message.topic, error)

    def _dispatch(self, message: Message, device: str, retained: bool) -> None:
        match message:
            case EventAck():
                # What the broker kept may be weeks old (it was set back to a backup): it never takes the cursor back.
                self._ack(msgspec.structs.replace(message, rewind=False) if retained else message)
            case DevicesDesired():
                self.handlers.devices(message.devices)
            case ListDoorbell():
                if message.device == device:
                    self.handlers.doorbell(message)
                else:
                    log.error("uplink: doorbell of %s came on the topic of %s", message.device, device)
            case RevocationOrder():
                self.handlers.revoke(message)
            case Command():
                if retained:  # an unlock must not happen an hour late
                    log.error("uplink: retained command %s ignored", message.id)
                else:
                    self.handlers.command(message)

    def _ack(self, ack: EventAck) -> None:
        journal = self.journal
        if ack.epoch != journal.epoch:
            return
        up_to = max(0, ack.up_to_seq)
        if up_to > journal.head:
            text = f"the hub has {up_to} events of epoch {journal.epoch}, this disk {journal.head}: it is an old copy"
            self._epoch_break = (journal.epoch, journal.head_at_open, text)
        elif ack.rewind:
            self._progress_at, self._silent = time.monotonic(), 0
            if up_to != journal.cursor:
                journal.move_cursor(up_to)
            self._restart_from_cursor()
        elif up_to > journal.cursor:
            self._progress_at, self._silent = time.monotonic(), 0
            journal.move_cursor(up_to)
            self._sent_to = max(self._sent_to, up_to)
            while self._flight and self._flight[0].last <= up_to:
                self._flight.popleft()
        self._wake.set()

    def _restart_from_cursor(self) -> None:
        self._turn += 1
        self._sent_to = self.journal.cursor
        self._flight.clear()
        self._epoch = self.journal.epoch
        self._look_for_pruned = True
        self._wake.set()

    # --- sending ---------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        while True:
            self._wake.clear()
            self.progress()
            if not await self._step():
                await wait_event(self._wake, self._pause())

    def _pause(self) -> float:
        """Seconds until something is due by itself: an ack that stays out, else a look around."""
        if not self._flight or not self.link.connected:
            return 2.0
        return min(2.0, max(0.01, self._due() - time.monotonic()))

    def _due(self) -> float:
        backed_off = self.ack_timeout_s * float(1 << min(self._silent, 6))
        timeout = min(backed_off, max(ACK_TIMEOUT_CAP_S, self.ack_timeout_s))
        return max(self._flight[0].sent_at, self._progress_at) + timeout

    async def _step(self) -> bool:
        """One batch at most; False when there is nothing to do now."""
        if self._epoch_break:
            (epoch, after, why), self._epoch_break = self._epoch_break, None
            if epoch == self.journal.epoch:  # a second ack of the old epoch may have come meanwhile
                await self.journal.new_epoch(after, why)
        if self._epoch != self.journal.epoch:
            self._restart_from_cursor()
            self.announce()
        if not self.link.connected:
            return False
        if self._flight and time.monotonic() >= self._due():
            if not self._silent:
                log.warning("uplink: no ack since seq %d, sending again from there", self.journal.cursor)
            self._silent += 1
            self._restart_from_cursor()
        window = self.window if not self._silent else 1
        if len(self._flight) >= window or self.journal.head <= self._sent_to:
            return False
        return await self._send_batch()

    async def _send_batch(self) -> bool:
        first, turn, epoch = self._sent_to + 1, self._turn, self.journal.epoch
        if self._look_for_pruned:
            self._look_for_pruned = False
            if (oldest := await self.journal.oldest()) > first:
                self._epoch_break = (epoch, oldest - 1, f"the hub asks from {first}, the oldest row kept is {oldest}")
                return True
        bodies = await self.journal.read(first, BATCH_EVENTS, INFLATED)
        if not bodies:
            return False
        small = len(bodies) < 50  # a live event does not travel through another thread
        payload, count = pack(epoch, first, bodies) if small else await asyncio.to_thread(pack, epoch, first, bodies)
        if turn != self._turn or epoch != self.journal.epoch:
            return True  # the hub rewound while we read
        if not self.link.publish(self._events_topic, payload):
            return False
        self._sent_to = first + count - 1
        self._flight.append(_InFlight(self._sent_to, time.monotonic()))
        return True
