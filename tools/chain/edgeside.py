"""The real agent of an edge box on its own files, with twins of the network and of its devices."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

from device_drivers.contract.access import SignedAccessList
from device_drivers.mqtt import MemoryBroker, MemoryLink
from edge_agent.agent import Agent
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.uplink import offline_will
from tools.chain.terminal import MODELS, Terminal, definition

FETCH_S = 0.05
Serve = Callable[[str, str, str], SignedAccessList | None]


class EdgeProcess:
    """`start` may follow `kill`; the directory is what a power cut leaves."""

    def __init__(
        self, edge: str, estate: str, root: Path, broker: MemoryBroker, hub_key: bytes, terminals: dict[str, Terminal]
    ) -> None:
        self.edge, self.broker, self.terminals = edge, broker, terminals
        self.directory = EdgeDir(root)
        self.directory.make()
        self.directory.hub_key.write_text(base64.b64encode(hub_key).decode())
        self.config = EdgeConfig(edge, estate, "", 0, "http://hub.invalid", "")
        self.link: MemoryLink | None = None
        self.link_up = True
        self.https_up = True
        self.task: asyncio.Task[None] | None = None
        self.agent: Agent | None = None
        self.rng = random.Random(0)
        self.spoil, self.spoiled = 0, ""
        self._served: dict[str, list[SignedAccessList]] = {}

    @property
    def running(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def connected(self) -> bool:
        return self.link is not None and self.link.connected

    def start(self, serve: Serve) -> None:
        link = self.link = MemoryLink(self.broker, offline_will(self.edge))
        definitions = {m.kind: definition(m, self.terminals) for m in MODELS}
        self.agent = Agent(self.directory, self.config, definitions, link, self._fetcher(serve))
        self.task = asyncio.get_running_loop().create_task(self.agent.run(asyncio.Event()), name="edge")

    def _fetcher(self, serve: Serve) -> Callable[[str, str], Awaitable[SignedAccessList | None]]:
        async def fetch(device: str, etag: str) -> SignedAccessList | None:
            await asyncio.sleep(FETCH_S * self.rng.random())
            if not self.https_up:
                raise aiohttp.ClientConnectionError("the network is cut")
            answer = self._on_its_way(device, serve(self.edge, device, etag))
            await asyncio.sleep(FETCH_S * self.rng.random())
            if not self.https_up:
                raise aiohttp.ClientConnectionError("cut while it came")
            return answer

        return fetch

    def _on_its_way(self, device: str, answer: SignedAccessList | None) -> SignedAccessList | None:
        """As it arrives. Raises aiohttp.ClientError where what arrives is no list."""
        if answer is None:
            return None
        before = self._served.setdefault(device, [])
        before.append(answer)
        if self.spoil <= 0:
            return answer
        self.spoil -= 1
        if self.spoiled == "old":
            return before[0]
        if self.spoiled == "cut":
            raise aiohttp.ClientPayloadError("not all of it came")
        payload = bytearray(answer.payload)
        payload[self.rng.randrange(len(payload))] ^= 1 << self.rng.randrange(8)
        return msgspec.structs.replace(answer, payload=bytes(payload))

    async def kill(self) -> None:
        """Everything in memory is gone; the broker sends the last will."""
        if self.task is None:
            return
        if self.link:
            self.link.cut()
            if self.link in self.broker.links:
                self.broker.links.remove(self.link)
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.task, self.link, self.agent = None, None, None

    def cut(self) -> None:
        if self.link:
            self.link.cut()

    def mend(self) -> None:
        if self.link and not self.link.connected:
            self.link.restore()

    # --- its disk ------------------------------------------------------------------------------------------------------
    @property
    def _backup(self) -> Path:
        return self.directory.root.with_name("edge-of-before")

    @property
    def has_backup(self) -> bool:
        return self._backup.exists()

    def back_up(self) -> None:
        shutil.rmtree(self._backup, ignore_errors=True)
        shutil.copytree(self.directory.root, self._backup, ignore=shutil.ignore_patterns("*.sock"))

    def restore(self, *, lists_only: bool) -> None:
        """Of a killed box."""
        mine, theirs = (
            (self.directory.lists, self._backup / self.directory.lists.name)
            if lists_only
            else (self.directory.root, self._backup)
        )
        shutil.rmtree(mine)
        shutil.copytree(theirs, mine)

    def new_disk(self) -> None:
        """Of a killed box: only its enrolment is put back."""
        key = self.directory.hub_key.read_text()
        shutil.rmtree(self.directory.root)
        self.directory.root.mkdir()
        self.directory.make()
        self.directory.hub_key.write_text(key)

    def forget_state(self) -> None:
        """Of a killed box: what it wrote to its devices, and what they refused, is lost."""
        for suffix in ("", "-wal", "-shm"):
            self.directory.state.with_name(self.directory.state.name + suffix).unlink(missing_ok=True)
