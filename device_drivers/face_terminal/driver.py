"""A face terminal as a `Driver`: set-up, list, passes with their acknowledgement, door."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from device_drivers.config import read_config
from device_drivers.contract.device import Capabilities, DeviceInventory, DeviceStatus, HeldCredential
from device_drivers.contract.events import AccessEvent
from device_drivers.contract.words import (
    AccessOutcome,
    CommandKind,
    CommandOutcome,
    DeviceCondition,
    IdentifierType,
    PictureProof,
)
from device_drivers.driver import (
    Applied,
    CommandRequest,
    ConfigError,
    CredentialPresented,
    DeviceRefused,
    DeviceUnreachable,
    DriverEvent,
    DriverServices,
    KeepsStrangers,
    Operation,
    Picture,
    Remove,
    Upsert,
)
from device_drivers.face_terminal import codec, envelope
from device_drivers.face_terminal.channel import Channel, NoAnswer, trunk
from device_drivers.face_terminal.clock import TerminalClock
from device_drivers.face_terminal.errors import Profile, meaning, profiles
from device_drivers.face_terminal.intake import OPERATOR, Intake
from device_drivers.face_terminal.roster import PhotoMode, Roster
from device_drivers.mqtt_trunk import Branch

log = logging.getLogger(__name__)
MISSED_BEATS = 2.5
REPEATED_BEATS = 1.6  # an Online this soon after the last is the same one again: its answer got lost
GAP_MAX, GAP_MARGIN = timedelta(hours=24), timedelta(minutes=2)
FLUSH_S = 5.0  # what a link held up comes within it once the terminal is heard again
_heard_last: dict[str, datetime] = {}  # by device id, over its connections


class FaceTerminalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a face terminal. The broker is the edge box's own."""

    device_id: Annotated[
        str, Meta(title="设备序列号", description="Id in the terminal's topics", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    ]
    topic_root: Annotated[
        str, Meta(title="主题前缀", description="Topic root set on the terminal", pattern=r"^[^+#]{1,200}$")
    ] = "mqtt/face"
    command_topic: Annotated[
        str,
        Meta(
            title="命令主题", description="Topic the terminal listens at; empty: prefix/id", pattern=r"^[^+#]{0,200}$"
        ),
    ] = ""
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
    stranger_upload: Annotated[
        Literal["", "0", "1"],
        Meta(title="陌生人上报值", description="StrangerUploadType; models read 0 and 1 oppositely; empty: as it is"),
    ] = ""
    keep_pictures: Annotated[
        bool,
        Meta(
            title="保留通行抓拍",
            description="Ask for pass pictures; of strangers only by the estate's policy",
        ),
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
        self.clock = TerminalClock(device, zone, self._ask)
        self.intake = Intake(
            channel,
            zone,
            lambda: self.clock.offset_s,
            keep_pictures=config.keep_pictures,
            keep_strangers=lambda: isinstance(services, KeepsStrangers) and services.keeps_strangers,
        )
        channel.on_message = self._received
        channel.on_down = self.intake.lost
        self._since = datetime.now(UTC)
        self._seen_at: datetime | None = None
        self._heard = self._online = time.monotonic()
        self._beat_s = 60.0
        self._back_at = float("-inf")  # when it was heard again after a silence: then comes what was held up
        self._ready = False
        self._detail = ""
        self._keeps_records = True
        self._gap_since: datetime | None = None  # when it was heard last, on an earlier connection
        self._doubt: asyncio.Task[None] | None = None  # it is asked whether it is there

    # Set-up

    async def open(self) -> None:
        """Raises DeviceUnreachable, WrongSecret, DeviceRefused."""
        self._gap_since = _heard_last.get(self.config.device_id)
        await self.channel.open(self.config.timeout_s)
        try:
            await self._configure_upload()
            await self.clock.check()
        except NoAnswer:  # of firmware that is silent about what it does not know
            await self.clock.check()
            if self.clock.offset_s is None:
                raise
            self._keeps_records = False
            self._detail = "the terminal does not tell its settings: whether it keeps records cannot be known"
        self._heard = self._online = time.monotonic()
        self._ready = True
        if not self._keeps_records:
            now = datetime.now(UTC)
            since = max(self._gap_since or now - GAP_MAX, now - GAP_MAX)
            for operator in OPERATOR.values():
                await self._ask_for_gap(operator, since - GAP_MARGIN, now + GAP_MARGIN)

    async def _ask_for_gap(self, operator: str, since: datetime, until: datetime) -> None:
        """What it recorded while nobody listened. What comes a second time has the key of the first and counts once."""
        times = {
            "TimeS": envelope.local_text(since, self.zone),
            "TimeE": envelope.local_text(until, self.zone),
        }
        try:
            answer = await self._ask(operator, times)
        except NoAnswer as error:
            log.info("%s: %s", self.device, error)
            return
        if not answer.ok and meaning(operator, answer.code).code != "not_held":
            log.warning("%s: %s refused: %s", self.device, operator, answer.code)

    async def _fill_gaps(self) -> None:
        """Numbers were skipped while we listened: a record got lost on the way."""
        for kind, operator in OPERATOR.items():
            if span := self.intake.gaps[kind].due(time.monotonic()):
                log.info("%s: numbers are missing, %s from %s to %s", self.device, operator, *span)
                await self._ask_for_gap(operator, *span)

    async def _ask(self, operator: str, info: object) -> envelope.Message:
        return await self.channel.ask(operator, info, timeout_s=self.config.timeout_s)

    async def _configure_upload(self) -> None:
        """Records must be kept until acknowledged; set what differs and read it back. Raises NoAnswer."""
        wanted = {
            "ResumefromBreakpoint": "1",
            "RecordUploadType": "1" if self.config.keep_pictures else "2",
            **({"StrangerUploadType": self.config.stranger_upload} if self.config.stranger_upload else {}),
        }
        settings = (await self._ask("GetMQTTconfig", {})).info
        wrong = {k: int(v) for k, v in wanted.items() if settings.text(k) != v}
        if wrong:
            answer = await self._ask("UpMQTTconfig", wrong)
            settings = (await self._ask("GetMQTTconfig", {})).info
            left = [k for k, v in wanted.items() if settings.text(k) != v]
            self._detail = f"settings not taken: {', '.join(left)} ({answer.code})" if left else ""
            self._keeps_records = "ResumefromBreakpoint" not in left
            if not self._keeps_records:
                log.warning("%s: the terminal does not keep records until acknowledged", self.device)
        self.channel.listen_shared("basic", settings.text("OnlineTopic"))
        self.channel.listen_shared("heartbeat", settings.text("HeartbeatTopic"))
        try:
            self._beat_s = min(600.0, max(0.2, float(settings.text("KeepAliveInterval"))))
        except ValueError:
            self._beat_s = 60.0

    async def close(self) -> None:
        if self._doubt:
            self._doubt.cancel()
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
        info = {"facesluiceId": self.config.device_id, **info}
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
        question = {"facesluiceId": self.config.device_id, "ImgType": 2, "ImgQuality": 75}
        answer = await self._ask("GetSceneSnap", question)
        picture = envelope.picture_bytes(answer.info.text("ImgData") or answer.top.text("ImgData"))
        if picture is None:
            raise DeviceRefused(f"GetSceneSnap: {answer.code} without a JPEG")
        return Picture(picture, asked, PictureProof.ON_DEMAND)

    async def status(self) -> DeviceStatus:
        dropped = f"{self.intake.dropped} messages found no room" if self.intake.dropped else ""
        unkept = f"{self.intake.unkept} unreadable messages were not kept" if self.intake.unkept else ""
        detail = "; ".join(filter(None, (self._detail, dropped, unkept)))
        return DeviceStatus(
            DeviceCondition.FAULT if self._detail else DeviceCondition.ONLINE,
            self._since,
            last_seen_at=self._seen_at,
            clock_offset_s=self.clock.offset_s,
            detail=detail,
            model=self.profile.title,
            serial=self.config.device_id,
        )

    # Events

    async def events(self) -> AsyncIterator[DriverEvent]:
        patience = MISSED_BEATS * self._beat_s
        while True:
            try:
                async with asyncio.timeout(min(patience, 5.0)):
                    found = await self.intake.told()
            except TimeoutError:
                if time.monotonic() - self._heard > patience:
                    raise DeviceUnreachable(f"no sign of life for {patience:.0f} s") from None
                if self.clock.due:
                    await self.clock.check()
                await self._fill_gaps()
                continue
            if isinstance(found, DeviceUnreachable):
                raise found
            yield await self._with_offset(found)
            if self.intake.queue.empty():
                await self._fill_gaps()

    async def _with_offset(self, event: DriverEvent) -> DriverEvent:
        """A live record tells the time of the terminal. What was shown long ago, and comes late, opens nothing now."""
        if isinstance(event.body, CredentialPresented):
            return await self._if_now(event, event.body)
        arrived = self.intake.arrived(event)
        if arrived is None or event.device_at is None:
            return event
        return replace(event, clock_offset_s=await self.clock.of_record(event.device_at, arrived))

    async def _if_now(self, event: DriverEvent, shown: CredentialPresented) -> DriverEvent:
        age_s: float | None = None if time.monotonic() - self._back_at < FLUSH_S else 0.0
        if event.device_at is not None:
            age_s = await self.clock.age_s(event.device_at, datetime.now(UTC))
        if age_s is not None and age_s <= 0.0:  # what comes from the future comes not late
            return replace(event, clock_offset_s=self.clock.offset_s)
        text = "it cannot be known when it was shown: the door was not opened, show it again"
        if age_s is not None:
            text = f"shown {age_s:.0f} s before it came here: the door was not opened"
        told = AccessEvent(AccessOutcome.DENIED, shown.point, identifier=shown.identifier.type, text=text)
        return replace(event, body=told, late=age_s is not None, clock_offset_s=self.clock.offset_s)

    def _received(self, name: str, payload: bytes) -> None:
        """Everything but answers, on the event loop."""
        try:
            message = envelope.parse(payload)
            shared = name in ("basic", "heartbeat")
            if shared and message.device != self.config.device_id:
                return
            if not shared and message.device not in ("", self.config.device_id):
                raise envelope.NotItsOwn(f"names another terminal: {message.device[:40]!r}")
            now = time.monotonic()
            if now - self._heard > REPEATED_BEATS * self._beat_s:
                self._back_at = now
            self._heard, self._seen_at = now, datetime.now(UTC)
            _heard_last[self.config.device_id] = self._seen_at
            if shared:
                self._life(message)
            elif name == "Alarm":
                self.intake.alarm(message, payload)
            else:
                self.intake.push(name, message)
        except envelope.CannotRead as error:
            if name not in ("basic", "heartbeat"):
                self.intake.unreadable(name, payload, error)

    def _life(self, message: envelope.Message) -> None:
        operator = message.operator.casefold()
        if operator == "offline":
            if self._doubt is None or self._doubt.done():
                self._doubt = asyncio.create_task(self._still_there(), name=f"{self.device} still there")
        elif operator == "online":
            self.intake.tell("Online-Ack", {"facesluiceId": self.config.device_id, "result": "ok", "detail": ""})
            self.channel.ask_again()
            last, self._online = self._online, time.monotonic()
            if self._ready and self._online - last > REPEATED_BEATS * self._beat_s:
                # It restarted without a will: settings and list may be gone, so begin again.
                self.intake.lost("the terminal restarted")

    async def _still_there(self) -> None:
        """Any device may say at the shared topic that this one is gone, and a will of an older connection comes late."""
        question = "GetMQTTconfig" if self.clock.offset_s is None else "GetSysTime"
        try:
            await self.channel.ask(question, {}, timeout_s=self.config.timeout_s, once=True)
        except DeviceUnreachable:
            self.intake.lost("the terminal went offline (last will)")


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
    link = Branch(trunk(services.local_broker))
    channel = Channel(settings.device_id, settings.topic_root, link, settings.command_topic)
    driver = FaceTerminal(device_id, settings, zone, services, channel)
    opened = False
    try:
        await driver.open()
        opened = True
    finally:
        if not opened:  # also when cancelled: nobody listens any more
            await driver.close()
    return driver
