"""The real agent of an edge box on its own files, with twins of the network and of its devices."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

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
            answer = serve(self.edge, device, etag)
            await asyncio.sleep(FETCH_S * self.rng.random())
            if not self.https_up:
                raise aiohttp.ClientConnectionError("cut while it came")
            return answer

        return fetch

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

    def forget_state(self) -> None:
        """Of a killed box: what it wrote to its devices, and what they refused, is lost."""
        for suffix in ("", "-wal", "-shm"):
            self.directory.state.with_name(self.directory.state.name + suffix).unlink(missing_ok=True)
