"""In-memory twins for the edge's tests: a device, a hub, a box."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from patience import PATIENCE_S

from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Credential,
    Identifier,
    SignedAccessList,
    payload_digest,
)
from device_drivers.contract.device import (
    AccessPointBinding,
    Capabilities,
    DeviceConfig,
    DeviceInventory,
    DeviceStatus,
    DriverInfo,
    HeldCredential,
)
from device_drivers.contract.events import Event
from device_drivers.contract.messages import (
    Command,
    CommandProof,
    DeviceReported,
    EdgeStatus,
    EventAck,
    EventBatch,
    ListDoorbell,
    RevocationOrder,
    RevocationResult,
    Revocations,
    RevokedOn,
    decode,
    encode,
    topic,
)
from device_drivers.contract.words import (
    CommandKind,
    CommandOutcome,
    DeviceCondition,
    Direction,
    HolderClass,
    IdentifierType,
    PictureProof,
)
from device_drivers.driver import (
    Applied,
    BrokerAddress,
    CommandRequest,
    CredentialPresented,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverDefinition,
    DriverEvent,
    DriverServices,
    Operation,
    Picture,
    Remove,
    Upsert,
)
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from device_drivers.plan import photo_of
from edge_agent.box import Box
from edge_agent.held_list import ListFiles
from edge_agent.lists import ListKeeper
from edge_agent.revoke import Revoker
from edge_agent.state import State
from edge_agent.store import Journal
from edge_agent.worker import Worker

RETRIED = ("busy", "photo_unreachable")
EDGE, ESTATE = "edge-test", "estate-1"
T0 = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
R = TypeVar("R")


def run(work: Coroutine[Any, Any, R], timeout_s: float = 2 * PATIENCE_S) -> R:
    async def bounded() -> R:
        async with asyncio.timeout(timeout_s):
            return await work

    return asyncio.run(bounded())


async def until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a state, with a deadline that says what was waited for."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"not reached in {timeout_s} s: {what}"
        await asyncio.sleep(0.005)


class FakeClock:
    def __init__(self, at: datetime = T0) -> None:
        self.at, self.trusted = at, True

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


# --- lists -----------------------------------------------------------------------------------------------------------
def credential(token: str, card: str = "", *, version: int = 0, **fields: Any) -> Credential:
    identifiers = (Identifier(IdentifierType.CARD, card or str(abs(hash(token)) % 10**9 + 1)),)
    fields = {"holder_class": HolderClass.RESIDENT, "profiles": ("p",), "identifiers": identifiers} | fields
    return Credential(token=token, label=f"{token} v{version}", **fields)


def access_list(
    generation: int,
    *credentials: Credential,
    device: str = "d1",
    points: tuple[str, ...] = ("ap1",),
    estate: str = ESTATE,
) -> AccessList:
    profiles = (AccessProfile("p", (AccessPolicy(points),)),)
    return AccessList(estate, device, generation, T0 + timedelta(seconds=generation), credentials, profiles)


@dataclass
class Signer:
    """The hub's signing key, and the lists it serves."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    served: dict[str, SignedAccessList] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    fetched: list[tuple[str, str]] = field(default_factory=list)

    @property
    def public(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def sign(self, wanted: AccessList) -> SignedAccessList:
        payload = msgspec.json.encode(wanted)
        return SignedAccessList(payload, self.key.sign(payload), "k1")

    def command(self, command: Command, edge: str = EDGE) -> Command:
        """As the hub sends it: signed, for one edge."""
        proof = msgspec.json.encode(CommandProof(edge, command))
        return msgspec.structs.replace(command, proof=proof, signature=self.key.sign(proof), key_id="k1")

    def order(
        self,
        *items: tuple[str, str],
        here: tuple[tuple[str, str], ...] = (),
        edge: str = EDGE,
        estate: str = ESTATE,
        after: int = 1,
    ) -> RevocationOrder:
        """Of (device, token) pairs, made after the list of generation `after`; those of `here` did not end."""

        def of(device: str, pairs: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
            return tuple(t for d, t in pairs if d == device)

        devices = dict.fromkeys(device for device, _ in (*items, *here))
        on = tuple(RevokedOn(d, of(d, items), of(d, here)) for d in devices)
        at = T0 + timedelta(seconds=after + 0.5)
        payload = msgspec.json.encode(Revocations(edge, estate, at, on))
        return RevocationOrder(payload, self.key.sign(payload), "k1")

    def serve(self, wanted: AccessList) -> AccessList:
        self.served[wanted.device_id] = self.sign(wanted)
        self.etags[wanted.device_id] = payload_digest(msgspec.json.encode(wanted))
        return wanted

    async def fetch(self, device: str, etag: str) -> SignedAccessList | None:
        self.fetched.append((device, etag))
        if device not in self.served:
            raise TimeoutError("nothing served")
        return None if etag and etag == self.etags[device] else self.served[device]


# --- a device --------------------------------------------------------------------------------------------------------
@dataclass
class TwinDevice:
    """The device itself: what it holds survives the driver's connection."""

    held: dict[str, Credential] = field(default_factory=dict)
    up: bool = True
    refuse: dict[str, str] = field(default_factory=dict)
    refuse_photos: dict[str, str] = field(default_factory=dict)  # SHA-256 of the photo -> code
    needs_photo: bool = False
    forget: set[str] = field(default_factory=set)  # says yes and does not keep it
    commands: list[CommandRequest] = field(default_factory=list)
    applied: list[tuple[Operation, ...]] = field(default_factory=list)
    answers: dict[CommandKind, tuple[CommandOutcome, str]] = field(default_factory=dict)
    before_answer: Callable[[CommandRequest], Awaitable[None]] | None = None
    acked: list[str] = field(default_factory=list)
    offset_s: float | None = 0.0
    before_apply: Callable[[tuple[Operation, ...]], Awaitable[None]] | None = None
    queue: asyncio.Queue[DriverEvent | None] = field(default_factory=asyncio.Queue)
    connects: int = 0
    asked: list[str] = field(default_factory=list)  # what was done singly: "revoke a", "holds a"
    refuse_single: str = ""  # "revoke" or "holds": answered by DeviceRefused
    garbled: dict[str, str] = field(default_factory=dict)  # tokens whose entry always says this
    sticky: set[str] = field(default_factory=set)  # a removal of these is answered yes and not done
    picture: bytes = b"\xff\xd8 twin"
    fault: str = ""
    observing: bool = True
    firmware: str = ""

    def put(self, event: DriverEvent) -> None:
        self.queue.put_nowait(event)

    def cut(self) -> None:
        self.up = False
        self.queue.put_nowait(None)


class TwinDriver:
    def __init__(self, device: TwinDevice) -> None:
        self.device = device

    def _check(self) -> None:
        if not self.device.up:
            raise DeviceUnreachable("twin is cut")

    async def inventory(self) -> DeviceInventory:
        self._check()
        return DeviceInventory(tuple(HeldCredential(t) for t in self.device.held), T0)

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        """Each entry on the device says what was written: `Applied.content`."""
        self._check()
        device = self.device
        if device.before_apply:
            await device.before_apply(operations)
        device.applied.append(operations)
        results = []
        for op in operations:
            token = op.credential.token if isinstance(op, Upsert) else op.token
            if isinstance(op, Upsert) and (code := device.refuse.get(token) or self._photo_code(op)):
                results.append(Applied(op, CredentialRefused(token, code, "by the twin", retry=code in RETRIED)))
                continue
            if isinstance(op, Upsert) and token not in device.forget:
                device.held[token] = op.credential
            elif not isinstance(op, Upsert) and token not in device.sticky:
                device.held.pop(token, None)
            results.append(Applied(op, content=said(op.credential) if isinstance(op, Upsert) else ""))
        return tuple(results)

    def _photo_code(self, op: Upsert) -> str:
        photo = photo_of(op.credential)
        return self.device.refuse_photos.get(photo, "") if photo else "photo_missing" if self.device.needs_photo else ""

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            event = await self.device.queue.get()
            if event is None:
                raise DeviceUnreachable("twin is cut")
            yield event

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        self._check()
        self.device.commands.append(request)
        if self.device.before_answer:
            await self.device.before_answer(request)
        return self.device.answers.get(request.kind, (CommandOutcome.DONE, ""))

    async def status(self) -> DeviceStatus:
        self._check()
        device = self.device
        condition = DeviceCondition.FAULT if device.fault else DeviceCondition.ONLINE
        return DeviceStatus(
            condition,
            T0,
            clock_offset_s=device.offset_s,
            detail=device.fault,
            observing=device.observing,
            firmware=device.firmware,
        )

    async def snapshot(self) -> Picture:
        self._check()
        return Picture(self.device.picture, datetime.now(UTC), PictureProof.ON_DEMAND)

    async def close(self) -> None:
        return None


def said(held: Credential) -> str:
    """What an entry of a twin says when it is read."""
    return f"label={held.label}\ncard={[i.value for i in held.identifiers]}"


class TellingDriver(TwinDriver):
    """A driver that reads what each entry says, two to a page."""

    async def contents(self) -> AsyncIterator[Mapping[str, str]]:
        held = sorted(self.device.held)
        for start in range(0, len(held), 2):
            self._check()
            self.device.asked.append("page")
            page = [t for t in held[start : start + 2] if t in self.device.held]
            yield {t: self.device.garbled.get(t) or said(self.device.held[t]) for t in page}


class SinglyDriver(TwinDriver):
    """A driver that can take off and look for one credential beside its other calls, as a face terminal's can."""

    async def revoke(self, token: str) -> Applied:
        self._single("revoke", token)
        if token not in self.device.sticky:
            self.device.held.pop(token, None)
        return Applied(Remove(token))

    async def holds(self, token: str) -> bool:
        self._single("holds", token)
        return token in self.device.held

    def _single(self, what: str, token: str) -> None:
        self._check()
        if self.device.refuse_single == what:
            raise DeviceRefused(f"{what}: busy")
        self.device.asked.append(f"{what} {token}")


def shown_event(card: str, point: str = "door1") -> DriverEvent:
    return DriverEvent(CredentialPresented(point, Identifier(IdentifierType.CARD, card)))


TERMINAL = Capabilities(holds_list=True, reads_back=True, cards=True, replays_events=True, batch=1)
READER = Capabilities(cards=True, commands=("momentary_access",))
DOOR = Capabilities(cards=True, commands=("momentary_access", "lock_down", "lock_open", "block", "release"))


def definition(
    device: TwinDevice,
    capabilities: Capabilities = TERMINAL,
    kind: str = "twin",
    driver: type[TwinDriver] = TwinDriver,
) -> DriverDefinition:
    async def connect(_id: str, _config: dict[str, Any], _services: DriverServices) -> TwinDriver:
        if not device.up:
            raise DeviceUnreachable("twin is off")
        device.connects += 1
        return driver(device)

    return DriverDefinition(DriverInfo(kind, "Twin", {}, capabilities), connect)


def device_config(device: str = "d1", kind: str = "twin", **fields: Any) -> DeviceConfig:
    binding = AccessPointBinding("ap1", "door1", Direction.IN)
    return DeviceConfig(device, kind, "Twin", **({"config": {}, "access_points": (binding,)} | fields))


# --- a box -----------------------------------------------------------------------------------------------------------
class NoServices:
    local_broker: BrokerAddress | None = None

    async def photo(self, url: str, sha256: str) -> bytes:
        raise DeviceUnreachable("no photographs here")

    def publish_file(self, content: bytes, content_type: str) -> str:
        raise AssertionError("no files here")


@dataclass
class TestBox:
    __test__ = False
    box: Box
    signer: Signer
    clock: FakeClock
    reports: list[DeviceReported]
    notes: list[Any]
    answers: list[RevocationResult] = field(default_factory=list)

    def revoker(self, *workers: Worker) -> Revoker:
        """The desk of orders for these devices."""
        removals = {w.device: w.reconciler.removals for w in workers}
        key = self.signer.key.public_key()
        made = Revoker(self.box, key, EDGE, ESTATE, removals.get, self.answers.append)
        self.box.tell_revoked = made.tell
        return made

    def answered(self, *states: str) -> list[tuple[str, str, str]]:
        """(device, token, state) as told, of these states."""
        items = [(i.device, i.token, i.state) for answer in self.answers for i in answer.items]
        return [i for i in items if not states or i[2] in states]

    async def events(self, from_seq: int = 1) -> list[Event]:
        await self.box.settled()
        return [msgspec.json.decode(b, type=Event) for b in await self.box.journal.read(from_seq, 10_000, 1 << 30)]

    @property
    def last(self) -> DeviceReported:
        return self.reports[-1]


@asynccontextmanager
async def open_box(root: Path, signer: Signer | None = None, clock: FakeClock | None = None) -> AsyncIterator[TestBox]:
    signer, clock = signer or Signer(), clock or FakeClock()
    (root / "lists").mkdir(exist_ok=True, parents=True)
    state, journal = State(root / "state.db"), Journal(root / "journal.db", clock)
    state.open()
    journal.open()
    notes: list[Any] = []
    reports: list[DeviceReported] = []

    async def note(what: Any, device: str) -> None:
        notes.append((what, device))

    files = ListFiles(root / "lists", signer.key.public_key(), ESTATE)
    lists = ListKeeper(files, signer.fetch, note, poll_s=3600)
    box = Box(journal, state, clock, lists, NoServices(), reports.append)
    await box.load()
    try:
        yield TestBox(box, signer, clock, reports, notes)
    finally:
        await box.settled()
        journal.close()
        state.close()


# --- a hub -----------------------------------------------------------------------------------------------------------
@dataclass
class HubTwin:
    """Keeps rows by (epoch, seq), answers like the hub; `drop_acks` and `drop_batches` lose so many messages."""

    broker: MemoryBroker
    rows: dict[tuple[str, int], Event] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    drop_acks: int = 0
    drop_batches: int = 0
    duplicates: int = 0
    deaf: bool = False
    batches: int = 0

    def __post_init__(self) -> None:
        self.link = MemoryLink(self.broker)
        self.link.subscribe([topic(EventBatch, EDGE), topic(EdgeStatus, EDGE)])
        self.link.start(self.receive, lambda _up, _why: None)

    def receive(self, message: Incoming) -> None:
        if self.deaf:
            return
        if message.topic == topic(EdgeStatus, EDGE):
            status = decode(EdgeStatus, message.payload)
            if status.online:
                self.ack(status.epoch, rewind=True)
            return
        self.batches += 1
        if self.drop_batches > 0:
            self.drop_batches -= 1
            return
        batch = decode(EventBatch, message.payload)
        for place, event in enumerate(batch.events):
            assert event.seq == batch.first_seq + place, "a batch must be consecutive"
            known = self.rows.setdefault((batch.epoch, event.seq), event)
            assert known == event, f"seq {event.seq} of epoch {batch.epoch} came with two contents"
            self.duplicates += known is not event
        self.ack(batch.epoch)

    def ack(self, epoch: str, rewind: bool = False) -> None:
        mark = self.marks.get(epoch, 0)
        while (epoch, mark + 1) in self.rows:
            mark += 1
        self.marks[epoch] = mark
        if self.drop_acks > 0 and not rewind:
            self.drop_acks -= 1
            return
        message = EventAck(epoch=epoch, up_to_seq=mark, rewind=rewind)
        self.link.publish(topic(EventAck, EDGE), encode(message), retain=True)


@asynccontextmanager
async def working(
    box: TestBox,
    device: TwinDevice,
    capabilities: Capabilities = TERMINAL,
    *,
    name: str = "d1",
    config: DeviceConfig | None = None,
    made: DriverDefinition | None = None,
    driver: type[TwinDriver] = TwinDriver,
) -> AsyncIterator[Worker]:
    """The device's worker, running."""
    config = config or device_config(name)
    made = made or definition(device, capabilities, driver=driver)
    await box.box.lists.load(config.device)
    worker = Worker(config, made, box.box, upkeep_s=0.02)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def publish(box: TestBox, wanted: AccessList) -> None:
    """The hub has a new list, and rings."""
    box.signer.serve(wanted)
    box.box.lists.ring(ListDoorbell(wanted.device_id, wanted.generation, box.signer.etags[wanted.device_id]))
