"""What every driver promises, and how it fails. One driver is one file or folder, one definition, one simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from device_drivers.contract.access import Credential, Identifier, Schedule
from device_drivers.contract.device import Capabilities, DeviceInventory, DeviceStatus, DriverInfo
from device_drivers.contract.events import EventBody
from device_drivers.contract.words import CommandKind, CommandOutcome, FireInput, PictureProof


class DriverError(Exception):
    """Base of what a driver raises. Library errors are wrapped where the library is called."""


class DeviceUnreachable(DriverError):
    """No answer, connection lost, timeout. The loop retries with back-off."""


class DeviceRefused(DriverError):
    """The device answered no to a whole request. Report it, go on with other work."""


class CredentialRefused(DriverError):
    """The device refused one credential. Report that one, go on with the rest. `code` is ours, `text` the device's.

    `retry`: the same write may succeed later without anybody changing anything (storage, download); else a person must act.
    Codes that begin with `photo_` are about the picture alone, with `card_` about cards: the rest of the credential may still be
    written.
    """

    def __init__(self, token: str, code: str, text: str = "", *, retry: bool = False) -> None:
        super().__init__(f"{token}: {code} {text}".rstrip())
        self.token, self.code, self.text, self.retry = token, code, text, retry

    @property
    def of_photo(self) -> bool:
        """Only the picture was refused."""
        return self.code.startswith("photo_")

    @property
    def of_card(self) -> bool:
        """Only a card was refused: the face may still be written."""
        return self.code.startswith("card_")


class WrongSecret(DriverError):
    """The device does not accept our credentials. Stop and tell a person."""


class ConfigError(DriverError):
    """The configuration cannot be right (unknown board, bad port). Stop and tell a person, with the field's name."""


@dataclass(frozen=True, slots=True)
class CredentialPresented:
    """A reader without a list of its own saw this. Never stored: the edge decides, and stores the decision.

    `otherwise`: what the same signal is if it is not that (a keypad's number that looks like a card's). `answer`: the device
    itself waits for the decision, and opens by it: it is told, and gets no pulse.
    """

    point: str
    identifier: Identifier
    otherwise: Identifier | None = None
    answer: Callable[[bool, str], Awaitable[tuple[CommandOutcome, str]]] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FireContact:
    """What a board's fire contact says, when it changes and at the first look. The edge acts, and stores what it did.

    `text` says why it is unknown.
    """

    state: FireInput
    text: str = ""


@dataclass(frozen=True, slots=True)
class ListTouched:
    """Somebody changed an entry of ours at the device. Never stored: the edge looks now, not when the next look is due."""


@dataclass(frozen=True, slots=True)
class DriverEvent:
    """One thing that happened. `ack` is awaited only after the event is on disk (a face terminal's PushAck).

    `key` identifies the record at the device for de-duplication, empty where the device has none.
    """

    body: EventBody | CredentialPresented | FireContact | ListTouched
    device_at: datetime | None = None
    clock_offset_s: float | None = None
    late: bool = False
    key: str = ""
    ack: Callable[[], Awaitable[None]] | None = None
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, when it was taken (by the edge's clock), and by what that is known. An old picture is never shown as new."""

    jpeg: bytes
    taken_at: datetime
    proof: PictureProof = PictureProof.NONE


@dataclass(frozen=True, slots=True)
class Rule:
    """Points of a device (in the driver's words) and the hours at which they may be passed; None: always."""

    points: tuple[str, ...]
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Upsert:
    """Write this credential. `fingerprint` is remembered as applied.

    `partial`: the photo was refused, so `credential` comes without its face (`plan.without`); the card still opens.
    `rules`: where and when, for devices that keep that; none: everywhere, always.
    """

    credential: Credential
    fingerprint: str
    partial: bool = False
    rules: tuple[Rule, ...] = field(default=(), compare=False)

    def of(self, credential: Credential) -> Upsert:
        """The same operation, with the credential as it is to be written."""
        return replace(self, credential=credential)


@dataclass(frozen=True, slots=True)
class Remove:
    """`outdated`: wanted, but what stands there is no longer so, and what should stand was refused."""

    token: str
    foreign: bool = False
    outdated: bool = False


Operation = Upsert | Remove


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of one operation; `error` is None when the device took it.

    `content`: what a read-back of the entry will say of it (`ReadsContents`); empty where the driver does not know.
    """

    operation: Operation
    error: CredentialRefused | None = None
    content: str = ""


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """What the worker asks of a device: `point` in the driver's words, `hold_s` for momentary access."""

    kind: CommandKind
    point: str = ""
    hold_s: float = 3.0
    text: str = ""


class DriverServices(Protocol):
    """What the edge lends a driver: photographs by reference, the local broker, and a place to serve files from."""

    async def photo(self, url: str, sha256: str) -> bytes:
        """The JPEG, checked against its digest. Raises CredentialRefused-free DeviceUnreachable when it cannot be had."""
        ...

    def publish_file(self, content: bytes, content_type: str) -> str:
        """Serve `content` on the edge's local port for some minutes; returns the URL a terminal can fetch."""
        ...

    @property
    def local_broker(self) -> BrokerAddress | None: ...


@runtime_checkable
class ExaminesPhotos(Protocol):
    """What an edge may add to its services: a face engine that looks at a photograph before a device gets it."""

    async def examine(self, token: str, photo: bytes, sha256: str) -> None:
        """Raises CredentialRefused with what a clerk can do; nothing where the engine is off."""
        ...


@runtime_checkable
class KeepsStrangers(Protocol):
    """What an edge may add to its services: whether a picture of somebody unknown may leave the driver at all."""

    @property
    def keeps_strangers(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    host: str
    port: int
    username: str
    password: str


class Driver(Protocol):
    """A connected device. One worker task uses it; `events` runs beside the other calls."""

    async def inventory(self) -> DeviceInventory:
        """Read back what the device holds. Raises DeviceUnreachable, DeviceRefused."""
        ...

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        """At most `capabilities.batch` operations of one kind. One refused credential never fails the others."""
        ...

    def events(self) -> AsyncIterator[DriverEvent]:
        """Endless. Raises DeviceUnreachable when the link is lost; the worker reconnects."""
        ...

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        """A pulse is sent at most once: silence is `UNCERTAIN`, never a retry.

        LOCK_OPEN holds the relay until RELEASE, also after the link was lost and is back; both may be sent again.
        """
        ...

    async def status(self) -> DeviceStatus: ...

    async def snapshot(self) -> Picture:
        """A picture taken now. Raises DeviceRefused where the device has none, or only an old one."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class RevokesSingly(Protocol):
    """What a driver may add: one credential taken off and looked for by itself, ahead of what else is under way.

    Both may be called beside the other calls, but not while this very token is being written.
    """

    async def revoke(self, token: str) -> Applied:
        """Remove one credential; one that is not there is fine. Raises DeviceUnreachable, DeviceRefused."""
        ...

    async def holds(self, token: str) -> bool:
        """Read back one credential. Raises DeviceUnreachable, DeviceRefused where the device does not tell."""
        ...


@runtime_checkable
class ReadsContents(Protocol):
    """What a driver may add: not only which entries a device holds, but whether they say what was written."""

    def contents(self) -> AsyncIterator[Mapping[str, str]]:
        """Page by page: token → content. Raises DeviceUnreachable, DeviceRefused.

        A content is lines of `key=value`. It is compared with `Applied.content` by `same_content`.
        """
        ...


def same_content(one: str, other: str) -> bool:
    """Whether they say the same as far as both say it."""
    return not other_keys(one, other)


def other_keys(one: str, other: str) -> frozenset[str]:
    """In what two contents differ. A key that one side does not name is not compared: devices leave out what they do not
    keep."""
    if one == other:
        return frozenset()
    a, b = (dict(line.partition("=")[::2] for line in text.splitlines()) for text in (one, other))
    return frozenset(key for key in a.keys() & b.keys() if a[key] != b[key])


Connect = Callable[[str, dict[str, Any], DriverServices], Awaitable[Driver]]


@dataclass(frozen=True, slots=True)
class DriverDefinition:
    """One kind of device. `connect(device_id, config, services)` raises ConfigError, WrongSecret, DeviceUnreachable.

    `narrow`: what of the kind's capabilities a device with these settings has.
    """

    info: DriverInfo
    connect: Connect
    narrow: Callable[[Capabilities, Mapping[str, Any]], Capabilities] = lambda all_can, _config: all_can

    @property
    def kind(self) -> str:
        return self.info.kind

    @property
    def capabilities(self) -> Capabilities:
        return self.info.capabilities

    def capabilities_of(self, config: Mapping[str, Any]) -> Capabilities:
        """Of one device."""
        return self.narrow(self.capabilities, config)
