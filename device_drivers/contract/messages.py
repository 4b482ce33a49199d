"""Every message between hub and edge: topic, direction, QoS, retain. The wire on one page (house plan, section 4).

MQTT carries doorbells and batches of at most `MAX_PAYLOAD` bytes; lists, photos and pictures travel over HTTPS.
`EventBatch` and `DevicesDesired` payloads are zlib-compressed JSON; all others are plain JSON. Unknown fields are ignored,
new ones have defaults.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec

from device_drivers.contract.device import DeviceSet, DeviceStatus, DriverInfo
from device_drivers.contract.events import Event
from device_drivers.contract.words import CommandKind, CommandOutcome, DoorMode, FireInput, ModeCause

MAX_PAYLOAD = 65_536  # bytes: paho resends a packet above the broker's limit for ever
MAX_INFLATED = 4 * 1024 * 1024  # bytes: a batch that unpacks to more is refused
ROOT = "v1"


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all: `suffix` follows `v1/{edge}/`; `{device}` in it is filled by `topic`.

    An empty payload on the topic of a retained message says that it was cleared; receivers pass over it.
    """

    suffix: ClassVar[str] = ""
    retain: ClassVar[bool] = False
    qos: ClassVar[int] = 1
    compressed: ClassVar[bool] = False


class EdgeStatus(Message, frozen=True, omit_defaults=True):
    """Online, or offline as last will. `clock_trusted` is False after a boot without a time source.

    `authority_since`: when this box last began to decide without the hub, `offline_s`: for how long (0 while it lasts).
    `disk_writes` is False while its disk takes nothing: what it records is in memory alone.
    """

    suffix: ClassVar[str] = "up/status"
    retain: ClassVar[bool] = True
    online: bool
    epoch: str = ""
    head_seq: int = 0
    clock: datetime | None = None
    clock_trusted: bool = True
    version: str = ""
    started_at: datetime | None = None
    session: str = ""
    authority_since: datetime | None = None
    offline_s: float = 0.0
    disk_writes: bool = True


class EdgeCatalogue(Message, frozen=True, omit_defaults=True):
    """What this edge can drive."""

    suffix: ClassVar[str] = "up/catalogue"
    retain: ClassVar[bool] = True
    drivers: tuple[DriverInfo, ...]


class FoundDevice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A device nobody has configured. `config` is what is known of its settings, never a secret; `key` names it."""

    key: str
    kind: str
    title: str
    config: dict[str, Any]
    detail: str
    first_seen_at: datetime
    last_seen_at: datetime


class EdgeFound(Message, frozen=True, omit_defaults=True):
    """What hangs in an edge's network and is not configured: terminals by their beat, ONVIF devices, boards probed."""

    suffix: ClassVar[str] = "up/found"
    retain: ClassVar[bool] = True
    devices: tuple[FoundDevice, ...]


class EventBatch(Message, frozen=True, omit_defaults=True):
    """Consecutive journal rows of one epoch, `events[0].seq == first_seq`."""

    suffix: ClassVar[str] = "up/events"
    compressed: ClassVar[bool] = True
    epoch: str
    first_seq: int
    events: tuple[Event, ...]


class CredentialRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """A credential a device does not hold as wanted: `code` is ours (`photo_no_face`, `list_full` …), `text` the device's.

    `partial`: it holds the credential without the refused photo (the card opens meanwhile) or the refused card (the face does).
    `outdated`: an older entry of the same credential stands there, and opens by what it says.
    """

    token: str
    code: str
    text: str = ""
    partial: bool = False
    outdated: bool = False


class PointMode(msgspec.Struct, frozen=True, omit_defaults=True):
    """An access point that is not in its normal mode: told what, since when, until when, by which command and by whom."""

    access_point: str
    mode: DoorMode
    since: datetime
    until: datetime | None = None
    cause: ModeCause = ModeCause.COMMAND
    command: str = ""
    actor: str = ""
    reason: str = ""


class DeviceReported(Message, frozen=True, omit_defaults=True):
    """What a device holds, honestly: `confirmed` was read back, `assumed` was written and never read back.

    `wanted` = `confirmed` + `assumed` + `pending` + `refused`, but for removals, which wait in `pending` too, and while
    a list is being written. `refused` is cut to 200: what does not fit is counted in `pending`, never as held.
    `generation`/`digest` name the list that was worked on. `foreign`: credentials that are not ours, left alone.
    `strays`: of the foreign ones those that look like a hub's tokens, cut to 200: a box that lost its memory cannot tell
    whose they are, the hub can. Other foreign ids may say who somebody is and stay at the box. `pending_tokens` is cut to
    50. `drift`: entries found other than the box had left them and put right, since it began to count; `drift_at`: when
    last. `modes`: access points that are not in their normal mode. `fire`: the board's fire contact.
    """

    suffix: ClassVar[str] = "up/device/{device}/reported"
    retain: ClassVar[bool] = True
    device: str
    generation: int
    digest: str
    status: DeviceStatus
    wanted: int = 0
    confirmed: int = 0
    assumed: int = 0
    pending: int = 0
    foreign: int = 0
    refused: tuple[CredentialRefusal, ...] = ()
    pending_tokens: tuple[str, ...] = ()
    decided_at_edge: bool = False
    read_back_at: datetime | None = None
    reported_at: datetime | None = None
    drift: int = 0
    drift_at: datetime | None = None
    strays: tuple[str, ...] = ()
    modes: tuple[PointMode, ...] = ()
    fire: FireInput = FireInput.NONE


class Revoked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one revoked credential on one device.

    `gone`: read back and not there (or the edge decides itself). `assumed`: deleted with the device's yes, not readable.
    `pending`: not yet (`text` says why).
    """

    device: str
    token: str
    state: str
    at: datetime
    text: str = ""


class RevocationResult(Message, frozen=True, omit_defaults=True):
    """Answer to a `RevocationOrder`, one by one as they are known. The device's report says the same later, in whole."""

    suffix: ClassVar[str] = "up/revoked"
    items: tuple[Revoked, ...]


class CommandResult(Message, frozen=True, omit_defaults=True):
    suffix: ClassVar[str] = "up/result"
    command: str
    outcome: CommandOutcome
    at: datetime
    text: str = ""


class DevicesDesired(Message, frozen=True, omit_defaults=True):
    """The device set of an edge. Compressed: some 500 meters are 64 KiB of plain JSON, 3,000 are 30 KiB compressed."""

    suffix: ClassVar[str] = "down/devices"
    retain: ClassVar[bool] = True
    compressed: ClassVar[bool] = True
    devices: DeviceSet


class ListDoorbell(Message, frozen=True, omit_defaults=True):
    """A new access list stands ready at `GET /edge/v1/devices/{device}/list`."""

    suffix: ClassVar[str] = "down/device/{device}/desired"
    retain: ClassVar[bool] = True
    device: str
    generation: int
    digest: str
    size: int = 0


class RevokedOn(msgspec.Struct, frozen=True, omit_defaults=True):
    """`tokens` ended for good; `here` go on elsewhere, and stand on this device though no list of it names them."""

    device: str
    tokens: tuple[str, ...]
    here: tuple[str, ...] = ()


class Revocations(msgspec.Struct, frozen=True):
    """What a `RevocationOrder` says."""

    edge: str
    estate_id: str
    issued_at: datetime
    items: tuple[RevokedOn, ...]


class RevocationOrder(Message, frozen=True, omit_defaults=True):
    """Revocations jump every queue: taken off at once, before the whole list is composed, fetched and applied.

    `payload` is the JSON of `Revocations`, `signature` the hub's Ed25519 over it. A token never comes back once it ended, so
    a repetition does no harm and no order matters; a lost one is made good by the next list.
    """

    suffix: ClassVar[str] = "down/revoke"
    payload: bytes
    signature: bytes
    key_id: str


class EventAck(Message, frozen=True, omit_defaults=True):
    """The hub's database has every event of `epoch` up to `up_to_seq`. Only this moves the edge's cursor.

    `rewind`: the answer to an edge's online status. The edge sets its cursor to exactly this, backwards too: a hub that
    was restored from a backup gets again what it lost. `at`: the hub's time, on that answer; a box that booted without a
    clock of its own compares.
    """

    suffix: ClassVar[str] = "down/ack"
    retain: ClassVar[bool] = True
    epoch: str
    up_to_seq: int
    rewind: bool = False
    at: datetime | None = None


class Command(Message, frozen=True, omit_defaults=True):
    """Never retained, always expires: an unlock must not happen an hour late.

    `until`: when a lock-down, lock-open or block ends by itself; None: after the estate's `mode_default_s`. An empty
    `access_point` means every access point of the device, for the commands that set a mode or release it.

    `proof` is the JSON of `CommandProof`, `signature` the hub's Ed25519 over it: what counts for an edge is what was signed,
    whatever else the message says. An edge of an older release reads the plain fields and does not look at the proof; one of
    this release does nothing that is not signed. A hub is therefore brought to this release before its edges.
    """

    suffix: ClassVar[str] = "down/command"
    id: str
    kind: CommandKind
    device: str
    issued_at: datetime
    expires_at: datetime
    access_point: str = ""
    actor: str = ""
    reason: str = ""
    until: datetime | None = None
    proof: bytes = b""
    signature: bytes = b""
    key_id: str = ""


class CommandProof(msgspec.Struct, frozen=True):
    """What the hub signed: this command, for this edge and no other."""

    edge: str
    command: Command


UP: tuple[type[Message], ...] = (
    EdgeStatus,
    EdgeCatalogue,
    EdgeFound,
    EventBatch,
    DeviceReported,
    RevocationResult,
    CommandResult,
)
DOWN: tuple[type[Message], ...] = (DevicesDesired, ListDoorbell, RevocationOrder, EventAck, Command)
M = TypeVar("M", bound=Message)
_encoder = msgspec.json.Encoder()


class WireError(ValueError):
    """A payload that is not the message its topic promises: too large, not JSON, wrong types."""


def topic(message: type[Message], edge: str, device: str = "") -> str:
    return f"{ROOT}/{edge}/{message.suffix.replace('{device}', device)}"


def topic_of(message: Message, edge: str) -> str:
    return topic(type(message), edge, getattr(message, "device", ""))


def encode(message: Message) -> bytes:
    payload = _encoder.encode(message)
    return zlib.compress(payload, 1) if message.compressed else payload


def decode(kind: type[M], payload: bytes) -> M:
    """Raises WireError with a text that names what is wrong.

    A compressed message is read plain as well: one retained by an older release still stands on the broker.
    """
    if len(payload) > MAX_PAYLOAD:
        raise WireError(f"{kind.__name__}: {len(payload)} bytes, more than {MAX_PAYLOAD}")
    try:
        return msgspec.json.decode(_inflate(payload) if kind.compressed and payload[:1] != b"{" else payload, type=kind)
    except (msgspec.MsgspecError, zlib.error, UnicodeDecodeError, RecursionError, WireError) as error:
        raise WireError(f"{kind.__name__}: {error}") from error


def _inflate(payload: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(payload, MAX_INFLATED)
    if unpacker.unconsumed_tail:
        raise WireError(f"unpacks to more than {MAX_INFLATED} bytes")
    if not unpacker.eof:
        raise WireError("compressed data is cut short")
    return plain


class Address(msgspec.Struct, frozen=True):
    """A topic taken apart: which edge, which message, which device."""

    edge: str
    message: type[Message]
    device: str = ""


def parse_topic(text: str, among: tuple[type[Message], ...] = UP + DOWN) -> Address | None:
    """None for a topic that is not on this page."""
    parts = text.split("/")
    if len(parts) < 4 or parts[0] != ROOT:
        return None
    edge, rest = parts[1], parts[2:]
    for message in among:
        pattern = message.suffix.split("/")
        if len(pattern) == len(rest) and all(p in (r, "{device}") for p, r in zip(pattern, rest, strict=True)):
            return Address(edge, message, rest[pattern.index("{device}")] if "{device}" in pattern else "")
    return None
