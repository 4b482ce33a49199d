"""What a terminal pushes, on its way to the journal: told once, acknowledged when it is on disk, bounded in memory."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, tzinfo

from device_drivers.contract.access import Identifier
from device_drivers.contract.events import Unreadable
from device_drivers.driver import CredentialPresented, DeviceUnreachable, DriverEvent
from device_drivers.face_terminal import codec, envelope
from device_drivers.face_terminal.channel import Channel
from device_drivers.face_terminal.gaps import Gaps

log = logging.getLogger(__name__)
MAX_WAITING = 2000  # records in memory; a terminal sends again what was not acknowledged
AT_THE_DOOR, RECORDED = 0, 1  # who stands at the door does not wait behind what was recorded for days
REMEMBERED = 5000
RAW_KEPT, RAW_S = (
    60,
    3600.0,
)  # different unreadable messages kept in so many seconds: the journal is that of all devices
SHOWN = ("QRCode", "IDCard")  # topics of what people hold before the reader: kept by shape alone
OPERATOR = {"rec": "ManualPushRecords", "snap": "ManualPushSnaps"}


class Intake:
    """`offset` tells the clock's offset at this moment. `dropped`: what found no room and cannot be sent again; `unkept`: what
    could not be read, and was too much.
    """

    def __init__(
        self,
        channel: Channel,
        zone: tzinfo,
        offset: Callable[[], float | None],
        *,
        keep_pictures: bool,
        keep_strangers: Callable[[], bool] = lambda: False,
    ) -> None:
        self.channel, self.zone, self.offset, self.keep_pictures = channel, zone, offset, keep_pictures
        self.keep_strangers = keep_strangers
        self.queue: asyncio.PriorityQueue[tuple[int, int, DriverEvent | DeviceUnreachable]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self.dropped = self.unkept = 0
        self._raw: set[str] = set()  # keys of what was kept raw since
        self._raw_since = time.monotonic()
        self.gaps = {kind: Gaps() for kind in OPERATOR}
        self._arrived: dict[str, datetime] = {}  # by key of a live record, until it is told
        self._waiting: set[str] = set()
        self._acknowledged: OrderedDict[str, None] = OrderedDict()
        self._passed_on: OrderedDict[str, None] = OrderedDict()  # keys of cards about which the edge was asked

    async def told(self) -> DriverEvent | DeviceUnreachable:
        """What is next."""
        return (await self.queue.get())[-1]

    def lost(self, why: str) -> None:
        self._add(RECORDED, DeviceUnreachable(why))

    def _add(self, rank: int, what: DriverEvent | DeviceUnreachable) -> None:
        self.queue.put_nowait((rank, next(self._order), what))

    def arrived(self, event: DriverEvent) -> datetime | None:
        """When a live record came in; asked once."""
        return self._arrived.pop(event.key, None)

    def _put(self, event: DriverEvent, rank: int = RECORDED) -> None:
        if self.queue.qsize() < (2 * MAX_WAITING if rank == AT_THE_DOOR else MAX_WAITING):
            self._add(rank, event)
        else:
            self.dropped += event.ack is None

    def unreadable(self, name: str, payload: bytes, why: envelope.CannotRead) -> None:
        """Kept raw; a record of its own is acknowledged then, so that those after it come."""
        own = name in codec.PUSHED_AT and not isinstance(why, envelope.NotItsOwn)
        number, key = envelope.number_in(payload) if own else "", envelope.unreadable_key(name, payload)
        if not number and not self._has_room(key):
            self.unkept += 1
            return
        raw = envelope.raw_without_pictures(payload, shown=name in SHOWN)

        async def acknowledge() -> None:
            self._push_ack(codec.PUSHED_AT[name], number)

        self._put(DriverEvent(Unreadable(name, raw, str(why)), key=key, ack=acknowledge if number else None))

    def _has_room(self, key: str) -> bool:
        """For another raw message; the same one again takes none."""
        if time.monotonic() - self._raw_since > RAW_S:
            self._raw, self._raw_since = set(), time.monotonic()
        if key not in self._raw and len(self._raw) >= RAW_KEPT:
            return False
        self._raw.add(key)
        return True

    def alarm(self, message: envelope.Message, payload: bytes) -> None:
        """Kept raw, acknowledged once it is on disk."""
        number = codec.alarm_number(message)

        async def acknowledge() -> None:
            self._push_ack(codec.PUSH_OTHER, number)

        body = Unreadable("Alarm", envelope.raw_without_pictures(payload), "alarms have no published content")
        at = envelope.parse_time(message.info.text("time"), self.zone)
        key = envelope.unreadable_key("Alarm", payload)
        self._put(DriverEvent(body, at, self.offset(), key=key, ack=acknowledge if number else None))

    def push(self, name: str, message: envelope.Message) -> None:
        """A record or a swipe. Raises CannotRead."""
        if presented := codec.presented(name, message):
            if presented.key:
                _remember(self._passed_on, presented.key)
            shown = CredentialPresented(codec.POINT, Identifier(presented.type, presented.value))
            at = envelope.parse_time(presented.time_text, self.zone)
            self._put(DriverEvent(shown, at, self.offset()), AT_THE_DOOR)
            return
        strangers = self.keep_pictures and self.keep_strangers()
        record = codec.record_of(message, self.zone, keep_picture=self.keep_pictures, keep_stranger=strangers)
        self._count(record)
        if record.key in self._passed_on or record.identity in self._acknowledged:
            # The edge's own decision about this card is the event; or it is on disk, and only our PushAck got lost.
            self._acknowledge(record)
        elif record.push_type == 0:
            self._put(self._event(record))
        elif record.identity not in self._waiting and len(self._waiting) < MAX_WAITING:
            self._waiting.add(record.identity)
            self._add(RECORDED, self._event(record))

    def _count(self, record: codec.Record) -> None:
        number = record.record_id
        if record.kind in self.gaps and number.isascii() and number.isdigit() and len(number) < 16:
            self.gaps[record.kind].saw(int(number), record.at)

    def _event(self, record: codec.Record) -> DriverEvent:
        async def acknowledge() -> None:
            self._acknowledge(record)

        if not record.late and len(self._arrived) < MAX_WAITING:
            self._arrived[record.key] = datetime.now(UTC)
        ack: Callable[[], Awaitable[None]] | None = acknowledge if record.push_type else None
        return DriverEvent(record.event, record.at, self.offset(), record.late, record.key, ack, record.picture)

    def _acknowledge(self, record: codec.Record) -> None:
        self._waiting.discard(record.identity)
        if record.push_type:
            _remember(self._acknowledged, record.identity)
            self._push_ack(record.push_type, record.record_id)

    def _push_ack(self, push_type: int, number: str) -> None:
        plain = number.isascii() and number.isdigit() and len(number) < 19
        self.tell("PushAck", {"PushAckType": push_type, "SnapOrRecordID": int(number) if plain else number})

    def tell(self, operator: str, info: dict[str, object]) -> None:
        """What has no answer. The terminal repeats itself where it does not arrive."""
        try:
            self.channel.send(codec.request(operator, uuid.uuid4().hex, info))
        except DeviceUnreachable as error:
            log.info("terminal %s: %s not sent: %s", self.channel.terminal, operator, error)


def _remember(known: OrderedDict[str, None], key: str) -> None:
    known[key] = None
    while len(known) > REMEMBERED:
        known.popitem(last=False)
