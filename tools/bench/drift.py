"""`reconcile.operations`, `reconcile.drift`: 10,000 people on 50 terminals, 5 % of the entries of each lost or altered.

All is repaired by what was needed and no more.

The real agent of an edge box on its own files; the terminals are twins in memory that count what they are told and can prove
what they hold. The door was never closed: no entry that was right is ever taken off or written again.
ESTATE_BENCH_DRIFT: terminals (default 50).
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
    DeviceSet,
    DeviceStatus,
    DriverInfo,
    HeldCredential,
)
from device_drivers.contract.messages import (
    DeviceReported,
    DevicesDesired,
    ListDoorbell,
    Message,
    decode,
    encode,
    topic_of,
)
from device_drivers.contract.words import CommandOutcome, DeviceCondition, HolderClass, IdentifierType
from device_drivers.driver import (
    Applied,
    CommandRequest,
    DeviceRefused,
    DriverDefinition,
    DriverEvent,
    DriverServices,
    Operation,
    Picture,
    Upsert,
)
from device_drivers.mqtt import Incoming, MemoryBroker, MemoryLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir
from tools.bench.figure import Figure

PEOPLE, SHARE, FOREIGN = 10_000, 0.05, 20
EDGE, ESTATE = "edge-bench", "E"
CAPABILITIES = Capabilities(
    holds_list=True, reads_back=True, cards=True, identifiers=("card",), batch=200, validity_dates=True
)


class Twin:
    """A terminal: token → fingerprint. `told`: the tokens of operations since the last drift."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.told: list[str] = []

    async def inventory(self) -> DeviceInventory:
        return DeviceInventory(tuple(HeldCredential(t, f) for t, f in self.held.items()), datetime.now(UTC))

    async def apply(self, operations: tuple[Operation, ...]) -> tuple[Applied, ...]:
        for one in operations:
            if isinstance(one, Upsert):
                self.held[one.credential.token] = one.fingerprint
                self.told.append(one.credential.token)
            else:
                self.held.pop(one.token, None)
                self.told.append(one.token)
        return tuple(Applied(one) for one in operations)

    async def holds(self, token: str) -> bool:
        return token in self.held

    async def events(self) -> AsyncIterator[DriverEvent]:
        await asyncio.Event().wait()
        yield DriverEvent(body=None)  # type: ignore[arg-type]  # never reached: this makes it a generator

    async def command(self, request: CommandRequest) -> tuple[CommandOutcome, str]:
        return CommandOutcome.UNSUPPORTED, ""

    async def status(self) -> DeviceStatus:
        return DeviceStatus(DeviceCondition.ONLINE, datetime.now(UTC), last_seen_at=datetime.now(UTC))

    async def snapshot(self) -> Picture:
        raise DeviceRefused("no picture")

    async def close(self) -> None:
        return None

    def drift(self, rng: random.Random, wanted: list[str]) -> set[str]:
        """Half of them lost, half altered; some strangers to us enrolled at the device. Which of ours."""
        struck = rng.sample(wanted, int(len(wanted) * SHARE))
        for token in struck[::2]:
            del self.held[token]
        for token in struck[1::2]:
            self.held[token] = "altered"
        self.held |= {f"guard-{n}": "enrolled at the device" for n in range(FOREIGN)}
        self.told.clear()
        return set(struck)


def access_list(device: str) -> AccessList:
    people = tuple(
        Credential(
            f"token{n:015d}", f"1-{n}", HolderClass.RESIDENT, (Identifier(IdentifierType.CARD, str(10**6 + n)),), ("p",)
        )
        for n in range(PEOPLE)
    )
    return AccessList(
        ESTATE, device, 1, datetime.now(UTC), people, (AccessProfile("p", (AccessPolicy((f"point.{device}",)),)),)
    )


class _Run:
    def __init__(self, root: Path, terminals: int) -> None:
        self.key, self.broker = Ed25519PrivateKey.generate(), MemoryBroker()
        self.directory = EdgeDir(root)
        self.directory.make()
        self.directory.hub_key.write_text(base64.b64encode(self.key.public_key().public_bytes_raw()).decode())
        self.twins = {f"face-{n}": Twin() for n in range(terminals)}
        self.reports: dict[str, DeviceReported] = {}
        self.lists: dict[str, SignedAccessList] = {}
        for device in self.twins:
            payload = msgspec.json.encode(access_list(device))
            self.lists[device] = SignedAccessList(payload, self.key.sign(payload), "k")

    def agent(self) -> Agent:
        async def connect(device: str, _config: dict[str, Any], _services: DriverServices) -> Twin:
            return self.twins[device]

        async def fetch(device: str, _etag: str) -> SignedAccessList:
            return self.lists[device]

        definition = DriverDefinition(DriverInfo("twin", "Twin", {}, CAPABILITIES), connect)
        config = EdgeConfig(EDGE, ESTATE, "", 0, "http://hub.invalid", "")
        return Agent(self.directory, config, {"twin": definition}, MemoryLink(self.broker), fetch)

    def hub(self) -> None:
        """The hub's end: gives the devices and their lists, keeps the reports."""
        link = MemoryLink(self.broker)
        link.subscribe([f"v1/{EDGE}/up/#"])
        link.start(self._heard, lambda _up, _why: None)
        configs = tuple(DeviceConfig(d, "twin", d, {}, (AccessPointBinding(f"point.{d}", "main"),)) for d in self.twins)
        given: list[Message] = [DevicesDesired(DeviceSet(EDGE, ESTATE, "Asia/Shanghai", 1, configs))]
        given += [ListDoorbell(d, 1, payload_digest(one.payload), len(one.payload)) for d, one in self.lists.items()]
        for message in given:
            link.publish(topic_of(message, EDGE), encode(message), retain=True)

    def _heard(self, message: Incoming) -> None:
        if message.topic.endswith("/reported") and message.payload:
            report = decode(DeviceReported, message.payload)
            self.reports[report.device] = report

    def in_step(self) -> int:
        return sum(r.confirmed == PEOPLE and not r.pending for r in self.reports.values())


async def run(root: Path, terminals: int) -> dict[str, float]:
    """Seconds to fill and to repair, operations told and needed, entries touched that were right."""
    bench, rng, stop = _Run(root, terminals), random.Random(5), asyncio.Event()
    bench.hub()
    agent = bench.agent()
    began = time.perf_counter()
    running = asyncio.create_task(agent.run(stop))
    while bench.in_step() < terminals:
        await asyncio.sleep(0.05)
        if running.done():
            await running
    filled = time.perf_counter() - began
    wanted = [f"token{n:015d}" for n in range(PEOPLE)]
    struck = {device: twin.drift(rng, wanted) for device, twin in bench.twins.items()}
    began = time.perf_counter()
    workers = [agent.worker(device) for device in bench.twins]
    await asyncio.gather(*(worker.reconciler.read_back() for worker in workers if worker))
    repaired = time.perf_counter() - began
    told = sum(len(twin.told) for twin in bench.twins.values())
    stray = sum(token not in struck[device] for device, twin in bench.twins.items() for token in twin.told)
    lost = sum(f"guard-{n}" not in twin.held for twin in bench.twins.values() for n in range(FOREIGN))
    counted = sum(report.drift for report in bench.reports.values())
    right = sum(
        len(twin.held) == PEOPLE + FOREIGN and "altered" not in twin.held.values() for twin in bench.twins.values()
    )
    reported = sum(r.confirmed == PEOPLE and r.foreign == FOREIGN for r in bench.reports.values())
    stop.set()
    await running
    needed = sum(len(one) for one in struck.values())
    return {"filled": filled, "repaired": repaired, "told": told, "needed": needed, "stray": stray, "foreign_lost": lost,
            "counted": counted, "right": right, "reported": reported}  # fmt: skip


def measure() -> list[Figure]:
    terminals = int(os.environ.get("ESTATE_BENCH_DRIFT", "50"))
    with tempfile.TemporaryDirectory(prefix="estate-drift-") as folder:
        found = asyncio.run(run(Path(folder), terminals))
    told, needed = found["told"], found["needed"]
    good = found["right"] == found["reported"] == terminals and not found["stray"] and not found["foreign_lost"]
    told_of = (
        f"operations, {terminals} terminals × {PEOPLE:,} people, in {found['repaired']:.1f} s (first filled in "
        f"{found['filled']:.0f} s); {found['stray']:.0f} entries touched that were right, {found['foreign_lost']:.0f} foreign "
        f"lost, {found['counted']:.0f} counted as drift, {found['right']:.0f} terminals right and {found['reported']:.0f} said so"
    )
    return [
        Figure("reconcile.operations", round(told / needed, 3), "operations sent ÷ operations needed, 5 % drift",
               f"{needed:.0f} needed, {told:.0f} sent; {found['stray']:.0f} touched that were right", round(told / needed, 3),
               "1.00, no door closed", told == needed and good),
        Figure("reconcile.drift", told, told_of, f"{needed:.0f} needed", round(told / needed, 3), "1.00, no door closed",
               told == needed and good and found["counted"] == needed),
    ]  # fmt: skip
