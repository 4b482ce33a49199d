"""A face terminal as a `Driver`: set-up, list, passes with their acknowledgement, door."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.access import Identifier
from device_drivers.contract.device import Capabilities, DeviceInventory, DeviceStatus, HeldCredential
from device_drivers.contract.events import Unreadable
from device_drivers.contract.words import CommandKind, CommandOutcome, DeviceCondition, IdentifierType, PictureProof
from device_drivers.driver import (
    Applied,
    CommandRequest,
    ConfigError,
    CredentialPresented,
    DeviceRefused,
    DeviceUnreachable,
    DriverEvent,
    DriverServices,
    Operation,
    Picture,
    Remove,
    Upsert,
)
from device_drivers.face_terminal import codec
from device_drivers.face_terminal.channel import Channel, NoAnswer, mqtt_link
from device_drivers.face_terminal.errors import Profile, meaning, profiles
from device_drivers.face_terminal.roster import PhotoMode, Roster

log = logging.getLogger(__name__)
CLOCK_TOLERANCE_S = 5.0
CLOCK_CHECK_S = 86_400.0
DOUBT_S = 30.0  # a live record this far from our time: the terminal's clock is looked at
DOUBT_EVERY_S = 60.0  # a record that was merely slow does not cost a question each
MISSED_BEATS = 2.5
MAX_WAITING = 2000  # records in memory; a terminal sends again what was not acknowledged
REMEMBERED = 5000
GAP_MAX, GAP_MARGIN = timedelta(hours=24), timedelta(minutes=2)
_heard_last: dict[str, datetime] = {}  # by device id, over its connections


class FaceTerminalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a face terminal. The broker is the edge box's own."""

    device_id: Annotated[
        str, Meta(title="设备序列号", description="Id in the terminal's topics", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    ]
    topic_root: Annotated[
        str, Meta(title="主题前缀", description="Topic root set on the terminal", pattern=r"^[^+#]{1,200}$")
    ] = "mqtt/face"
    profile: Annotated[
        Literal["access_terminal", "camera"], Meta(title="机型", description="Branch of the protocol")
    ] = "access_terminal"
    time_zone: Annotated[str, Meta(title="时区", description="IANA zone of the terminal's clock")] = "Asia/Shanghai"
    photo_mode: Annotated[
        PhotoMode, Meta(title="照片下发方式", description="uri: the terminal downloads from the edge; inline: base64")
    ] = "uri"
    timeout_s: Annotated[float, Meta(title="超时（秒）", description="Wait for an answer, seconds", gt=0, le=60)] = 5.0
    list_timeout_s: Annotated[
        float, Meta(title="读名单超时（秒）", description="Wait for the whole list, seconds", gt=0, le=120)
    ] = 25.0
    unlock_operator: Annotated[
        Literal["", "Unlock", "OpenDoor"], Meta(title="开门命令", description="Empty: as the model has it")
    ] = ""
    keep_pictures: Annotated[
        bool, Meta(title="保留通行抓拍", description="Ask for pass pictures of known holders; never of strangers")
    ] = False


class FaceTerminal:
    """See `Driver`. Constructed by `connect`."""

    def __init__(
        self, device: str, config: FaceTerminalConfig, zone: ZoneInfo, services: DriverServices, channel: Channel
    ) -> None:
        self.device, self.config, self.zone, self.channel = device, config, zone, channel
        self.profile: Profile = profiles()[config.profile]
        self.roster = Roster(
            channel, self.profile, zone, services, config.timeout_s, config.photo_mode, config.list_timeout_s
        )
        channel.on_message = self._received
        channel.on_down = self._lost
        self._events: asyncio.Queue[DriverEvent | DeviceUnreachable] = asyncio.Queue()
        self._arrived: dict[str, datetime] = {}  # by key of a live record, until it is told
        self._waiting: set[str] = set()
        self._acknowledged: OrderedDict[str, None] = OrderedDict()
        self._passed_on: OrderedDict[str, None] = OrderedDict()  # keys of cards about which the edge was asked
        self._since = datetime.now(UTC)
        self._seen_at: datetime | None = None
        self._heard = time.monotonic()
        self._beat_s = 60.0
        self._ready_at = 0.0
        self._clock_offset: float | None = None
        self._clock_before: float | None = None  # the offset before the clock was last set: records may carry it yet
        self._clock_checked = 0.0
        self._doubted_at = -DOUBT_EVERY_S
        self._detail = ""
        self._keeps_records = True
        self._gap_since: datetime | None = None  # when it was heard last, on an earlier connection

    # Set-up

    async def open(self) -> None:
        """Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        self._gap_since = _heard_last.get(self.config.device_id)
        await self.channel.open(self.config.timeout_s)
        await self._configure_upload()
        await self._set_clock()
        self._ready_at = self._heard = time.monotonic()
        if not self._keeps_records:
            await self._ask_for_gap()

    async def _ask_for_gap(self) -> None:
        """A terminal that keeps nothing until acknowledged is asked for what it recorded while nobody listened.

        What comes a second time has the key of the first and counts once.
        """
        now = datetime.now(UTC)
        since = self._gap_since or now - GAP_MAX
        info = {
            "TimeS": codec.local_text(max(since, now - GAP_MAX) - GAP_MARGIN, self.zone),
            "TimeE": codec.local_text(now + GAP_MARGIN, self.zone),
        }
        for operator in ("ManualPushRecords", "ManualPushSnaps"):
            try:
                answer = await self._ask(operator, info)
            except NoAnswer as error:
                log.info("%s: %s", self.device, error)
                continue
            if not answer.ok and meaning(operator, answer.code).code != "not_held":
                log.warning("%s: %s refused: %s", self.device, operator, answer.code)

    async def _ask(self, operator: str, info: object) -> codec.Message:
        return await self.channel.ask(operator, info, timeout_s=self.config.timeout_s)

    async def _configure_upload(self) -> None:
        """Records must be kept until acknowledged; set what differs and read it back."""
        settings = (await self._ask("GetMQTTconfig", {})).info
        wanted = {
            "ResumefromBreakpoint": "1",
            "RecordUploadType": "1" if self.config.keep_pictures else "2",
        }
        wrong = {k: int(v) for k, v in wanted.items() if settings.text(k) != v}
        if wrong:
            answer = await self._ask("UpMQTTconfig", wrong)
            settings = (await self._ask("GetMQTTconfig", {})).info
            left = [k for k, v in wanted.items() if settings.text(k) != v]
            self._detail = f"settings not taken: {', '.join(left)} ({answer.code})" if left else ""
            self._keeps_records = "ResumefromBreakpoint" not in left
            if not self._keeps_records:
                log.warning("%s: the terminal does not keep records until acknowledged", self.device)
        try:
            self._beat_s = max(0.2, float(settings.text("KeepAliveInterval")))
        except ValueError:
            self._beat_s = 60.0

    async def _set_clock(self) -> None:
        self._clock_checked = time.monotonic()
        offset = await self._measure_clock()
        if offset is not None and abs(offset) > CLOCK_TOLERANCE_S:
            log.info("%s: clock is %.0f s off, set", self.device, offset)
            await self._ask("SetSysTime", {"SysTime": codec.local_text(datetime.now(UTC), self.zone)})
            self._clock_before = offset
            offset = await self._measure_clock()
        self._clock_offset = offset

    async def _measure_clock(self) -> float | None:
        """Device minus edge in seconds, to the second the protocol gives; None when the terminal does not tell."""
        before = datetime.now(UTC)
        answer = await self._ask("GetSysTime", {})
        at = codec.parse_time(answer.info.text("SysTime"), self.zone)
        middle = before + (datetime.now(UTC) - before) / 2
        return None if at is None else round((at - middle).total_seconds() + 0.5, 1)

    async def close(self) -> None:
        await self.channel.close()

    # List

    async def inventory(self) -> DeviceInventory:
        ids, complete = await self.roster.held()
        return DeviceInventory(tuple(HeldCredential(i) for i in dict.fromkeys(ids)), datetime.now(UTC), complete)

    def contents(self) -> AsyncIterator[Mapping[str, str]]:
        return self.roster.contents()

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        removed = await self.roster.remove([o for o in operations if isinstance(o, Remove)])
        written = await self.roster.write([o for o in operations if isinstance(o, Upsert)])
        results = {id(a.operation): a for a in (*removed, *written)}
        return tuple(results[id(o)] for o in operations)

    async def revoke(self, token: str) -> Applied:
        return await self.roster.remove_now(token)

    async def holds(self, token: str) -> bool:
        return await self.roster.has(token)

    # Door

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        if request.kind != CommandKind.MOMENTARY_ACCESS or self.profile.unlock is None:
            return (
                CommandOutcome.UNSUPPORTED,
                f"{request.kind}: {self.profile.title}不支持{'' if self.profile.unlock else '远程开门等'}该命令",
            )
        if request.point not in ("", codec.POINT):
            return CommandOutcome.REFUSED, f"no point {request.point!r}; a terminal has {codec.POINT}"
        unlock = self.profile.unlock
        operator = self.config.unlock_operator or unlock.operator
        info = {k: v.format(device=self.config.device_id, text=request.text) for k, v in unlock.info.items()}
        try:
            answer = await self.channel.ask(operator, info, timeout_s=self.config.timeout_s, once=True)
        except NoAnswer as error:
            return CommandOutcome.UNCERTAIN, f"pulse sent once, {error}"
        except DeviceUnreachable as error:
            return CommandOutcome.UNREACHABLE, str(error)
        if answer.ok:
            return CommandOutcome.DONE, ""
        return CommandOutcome.REFUSED, f"{operator}: {answer.code} {answer.info.text('detail')}".strip()

    async def snapshot(self) -> Picture:
        asked = datetime.now(UTC)
        answer = await self._ask("GetSceneSnap", {"ImgType": 2, "ImgQuality": 75})
        picture = codec.picture_bytes(answer.info.text("ImgData") or answer.top.text("ImgData"))
        if picture is None:
            raise DeviceRefused(f"GetSceneSnap: {answer.code} without a JPEG")
        return Picture(picture, asked, PictureProof.ON_DEMAND)

    async def status(self) -> DeviceStatus:
        return DeviceStatus(
            DeviceCondition.FAULT if self._detail else DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._seen_at,
            clock_offset_s=self._clock_offset,
            detail=self._detail,
            model=self.profile.title,
            serial=self.config.device_id,
        )

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        patience = MISSED_BEATS * self._beat_s
        while True:
            try:
                async with asyncio.timeout(min(patience, 5.0)):
                    found = await self._events.get()
            except TimeoutError:
                if time.monotonic() - self._heard > patience:
                    raise DeviceUnreachable(f"no sign of life for {patience:.0f} s") from None
                if time.monotonic() - self._clock_checked > CLOCK_CHECK_S:
                    await self._set_clock()
                continue
            if isinstance(found, DeviceUnreachable):
                raise found
            yield await self._with_offset(found)

    async def _with_offset(self, event: DriverEvent) -> DriverEvent:
        """A live record tells the time of the terminal: if it does not fit ours, the clock is measured and set now."""
        arrived = self._arrived.pop(event.key, None)
        if arrived is None or event.device_at is None:
            return event
        off = (event.device_at - arrived).total_seconds()
        fits = self._fitting(off)
        if fits is None and time.monotonic() - self._doubted_at >= DOUBT_EVERY_S:
            self._doubted_at = time.monotonic()
            try:
                await self._set_clock()
            except (DeviceUnreachable, DeviceRefused) as error:  # the record is worth more than its second
                log.warning("%s: a record is %+.0f s off and the clock cannot be read: %s", self.device, off, error)
            fits = self._fitting(off)
        return replace(event, clock_offset_s=self._clock_offset if fits is None else fits)

    def _fitting(self, off: float) -> float | None:
        """The measured offset a live record was made with, if it is one we know."""
        known = [o for o in (self._clock_offset, self._clock_before) if o is not None and abs(off - o) <= DOUBT_S]
        return min(known, key=lambda o: abs(off - o), default=None)

    def _lost(self, why: str) -> None:
        self._events.put_nowait(DeviceUnreachable(why))

    def _received(self, name: str, payload: bytes) -> None:
        """Everything but answers, on the event loop."""
        try:
            message = codec.parse(payload)
            shared = name in ("basic", "heartbeat")
            if shared and message.device != self.config.device_id:
                return
            if not shared and message.device not in ("", self.config.device_id):
                raise codec.CannotRead(f"names another terminal: {message.device[:40]!r}")
            self._heard, self._seen_at = time.monotonic(), datetime.now(UTC)
            _heard_last[self.config.device_id] = self._seen_at
            if shared:
                self._life(message)
            elif name == "Alarm":
                self._alarm(message, payload)
            else:
                self._push(name, message)
        except codec.CannotRead as error:
            if name not in ("basic", "heartbeat") and self._events.qsize() < MAX_WAITING:
                raw = codec.raw_without_pictures(payload)
                key = codec.unreadable_key(name, payload)
                self._events.put_nowait(DriverEvent(Unreadable(name, raw, str(error)), key=key))

    def _life(self, message: codec.Message) -> None:
        operator = message.operator.casefold()
        if operator == "offline":
            self._lost("the terminal went offline (last will)")
        elif operator == "online":
            self._send("Online-Ack", {"facesluiceId": self.config.device_id, "result": "ok", "detail": ""})
            self.channel.ask_again()
            if self._ready_at and time.monotonic() - self._ready_at > 1.5 * self._beat_s:
                # It restarted without a will: settings and list may be gone, so begin again.
                self._lost("the terminal restarted")

    def _send(self, operator: str, info: dict[str, Any]) -> None:
        try:
            self.channel.send(codec.request(operator, uuid.uuid4().hex, info))
        except DeviceUnreachable as error:
            log.info("%s: %s not sent: %s", self.device, operator, error)  # the terminal repeats itself

    def _alarm(self, message: codec.Message, payload: bytes) -> None:
        """Kept raw, acknowledged once it is on disk."""
        number = codec.alarm_number(message)

        async def acknowledge() -> None:
            self._send_push_ack(codec.PUSH_OTHER, number)

        if self._events.qsize() < MAX_WAITING:
            body = Unreadable("Alarm", codec.raw_without_pictures(payload), "alarms have no published content")
            at = codec.parse_time(message.info.text("time"), self.zone)
            key = codec.unreadable_key("Alarm", payload)
            ack = acknowledge if number else None
            self._events.put_nowait(DriverEvent(body, at, self._clock_offset, key=key, ack=ack))

    def _push(self, name: str, message: codec.Message) -> None:
        if presented := codec.presented(name, message):
            if presented.key:
                _remember(self._passed_on, presented.key)
            shown = CredentialPresented(codec.POINT, Identifier(presented.type, presented.value))
            self._events.put_nowait(DriverEvent(shown, clock_offset_s=self._clock_offset))
            return
        record = codec.record_of(message, self.zone, keep_picture=self.config.keep_pictures)
        if record.key in self._passed_on:
            self._acknowledge(record)  # the edge's own decision about this card is the event
        elif record.push_type == 0:
            self._events.put_nowait(self._event(record))
        elif record.identity in self._acknowledged:
            self._acknowledge(record)  # it is on disk, only our PushAck got lost
        elif record.identity not in self._waiting and len(self._waiting) < MAX_WAITING:
            self._waiting.add(record.identity)
            self._events.put_nowait(self._event(record))

    def _event(self, record: codec.Record) -> DriverEvent:
        async def acknowledge() -> None:
            self._acknowledge(record)

        if not record.late:
            self._arrived[record.key] = datetime.now(UTC)
        return DriverEvent(
            record.event,
            record.at,
            self._clock_offset,
            record.late,
            record.key,
            acknowledge if record.push_type else None,
            record.picture,
        )

    def _acknowledge(self, record: codec.Record) -> None:
        self._waiting.discard(record.identity)
        _remember(self._acknowledged, record.identity)
        self._send_push_ack(record.push_type, record.record_id)

    def _send_push_ack(self, push_type: int, number: str) -> None:
        plain = number.isascii() and number.isdigit()
        self._send("PushAck", {"PushAckType": push_type, "SnapOrRecordID": int(number) if plain else number})


def _remember(known: OrderedDict[str, None], key: str) -> None:
    known[key] = None
    while len(known) > REMEMBERED:
        known.popitem(last=False)


def narrow(kind: Capabilities, config: Mapping[str, Any]) -> Capabilities:
    """The camera branch knows faces alone, and has no command that opens a door for the edge."""
    profile = profiles().get(str(config.get("profile", "access_terminal")))
    if profile is None or (profile.cards and profile.unlock):
        return kind
    own = tuple(t for t in kind.identifiers if profile.cards or t != IdentifierType.CARD)
    passed_on = kind.edge_identifiers if profile.unlock else ()
    commands = kind.commands if profile.unlock else ()
    return msgspec.structs.replace(
        kind, cards=profile.cards, identifiers=own, edge_identifiers=passed_on, commands=commands
    )


async def connect(device_id: str, config: dict[str, Any], services: DriverServices) -> FaceTerminal:
    """Raises ConfigError, WrongSecret, DeviceUnreachable."""
    settings = read_config(config, FaceTerminalConfig)
    try:
        zone = ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"time_zone: {settings.time_zone!r} is not known") from error
    if services.local_broker is None:
        raise ConfigError("this edge has no local broker for terminals")
    link = mqtt_link(services.local_broker, f"edge-{settings.device_id}-{uuid.uuid4().hex[:8]}")
    driver = FaceTerminal(device_id, settings, zone, services, Channel(settings.device_id, settings.topic_root, link))
    opened = False
    try:
        await driver.open()
        opened = True
    finally:
        if not opened:  # also when cancelled: the link's thread must not stay
            await driver.close()
    return driver
