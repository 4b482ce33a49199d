"""What changes on the screen, as it happens: batched, encoded once a role class, fanned out to every open console.

`emit` is called on any thread, after the database has the change. Everything after it runs on the server's event loop: this
and the stream endpoint are the only async code of the hub. Nothing here is the truth: a console that lost events is told
`gap` and reads its snapshots again.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from hub.ids import random_text

BATCH_S = 0.2
PING_S = 15.0
ASK_S = 5.0  # between two looks whether the session behind a stream still lives
CLIENT_QUEUE = 64  # encoded batches a slow console may lie behind before it is told to start again
APPEND = frozenset({"passes"})  # topics whose items are all kept; of the others only the newest state of an id counts
MAX_ITEMS = 500  # of one topic in one batch; more of a kind is a catch-up, which the console reads from its snapshot
CASE_TOPICS = frozenset({"cases"})
PLAIN = "plain"  # key of an item: what replaces it for those who may not see cases; None: nothing is sent to them

_encoder = msgspec.json.Encoder()


def frame(event: str, data: dict[str, Any]) -> bytes:
    """One server-sent event. JSON has no raw line break, so one `data:` line is enough."""
    return b"event: " + event.encode() + b"\ndata: " + _encoder.encode(data) + b"\n\n"


@dataclass(eq=False)
class Client:
    """One open stream. `hidden`: the topics its role must not see."""

    estate_id: str
    hidden: frozenset[str]
    frames: deque[bytes] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    def offer(self, encoded: bytes) -> None:
        """A console that does not read costs its own queue and nothing else."""
        if len(self.frames) >= CLIENT_QUEUE:
            self.frames.clear()
            self.frames.append(frame("gap", {"reason": "slow"}))
        self.frames.append(encoded)
        self.ready.set()


class Live:
    """`server_id` changes with every start: a console that sees another one reads its snapshots again."""

    def __init__(self) -> None:
        self.server_id = random_text(12)
        self._lock = threading.Lock()
        self._pending: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._clients: set[Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._seq = 0
        self._stopped = False
        self.ask_s = ASK_S

    @property
    def clients(self) -> int:
        return len(self._clients)

    def emit(self, estate_id: str, topic: str, item: dict[str, Any]) -> None:
        """`topic` is a key of the batch (passes, doors, devices, edges, dwellings, cases, commands, sync). Never blocks."""
        with self._lock:
            topics = self._pending.setdefault(estate_id, {})
            items = topics.setdefault(topic, [])
            items.append(item)
            if len(items) > MAX_ITEMS and topic in APPEND:
                del items[0]
            loop, wake = self._loop, self._wake
        if loop and wake and not loop.is_closed():
            loop.call_soon_threadsafe(wake.set)

    async def run(self) -> None:
        """Until cancelled: send what is pending, then rest 200 ms. The first change after a rest leaves at once."""
        wake = asyncio.Event()
        with self._lock:
            self._loop, self._wake, self._stopped = asyncio.get_running_loop(), wake, False
        try:
            while True:
                await wake.wait()
                wake.clear()
                self.flush()
                await asyncio.sleep(BATCH_S)
        finally:
            self.stop()

    def stop(self) -> None:
        """Tell every console that the server stops, and end their streams. On the event loop only."""
        with self._lock:
            self._loop = self._wake = None
        self._stopped = True
        for client in self._clients:
            client.offer(frame("gap", {"reason": "server_stop"}))
            client.closed = True
            client.ready.set()

    def flush(self) -> None:
        """Encode each estate's batch once a role class and hand it to its clients."""
        with self._lock:
            pending, self._pending = self._pending, {}
        for estate_id, topics in pending.items():
            clients = [client for client in self._clients if client.estate_id == estate_id]
            self._seq += 1
            encoded: dict[frozenset[str], bytes | None] = {}
            for client in clients:
                if client.hidden not in encoded:
                    encoded[client.hidden] = self._batch(topics, client.hidden)
                if batch := encoded[client.hidden]:
                    client.offer(batch)

    def _batch(self, topics: dict[str, list[dict[str, Any]]], hidden: frozenset[str]) -> bytes | None:
        allowed = {
            topic: [i for item in items if (i := _for_role(item, hidden)) is not None]
            for topic, items in topics.items()
            if topic not in hidden
        }
        shown = {topic: _newest(topic, items) for topic, items in allowed.items() if items}
        if not shown:
            return None
        return frame("batch", {"seq": self._seq, "at": datetime.now(UTC), **shown})

    async def stream(
        self, estate_id: str, hidden: frozenset[str], still: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """Encoded frames for one console until it goes, the server stops, or `still` (asked every 5 s on a thread) denies."""
        client = Client(estate_id, hidden)
        self._clients.add(client)
        loop = asyncio.get_running_loop()
        asked = said = loop.time()
        try:
            yield frame("hello", {"server_id": self.server_id, "estate_id": estate_id, "at": datetime.now(UTC)})
            while not (client.closed or self._stopped) or client.frames:
                if loop.time() - asked >= self.ask_s:
                    asked = loop.time()
                    if not await asyncio.to_thread(still):
                        yield frame("gap", {"reason": "session_ended"})
                        return
                while client.frames:
                    said = loop.time()
                    yield client.frames.popleft()
                if client.closed or self._stopped:
                    return
                client.ready.clear()
                try:
                    await asyncio.wait_for(client.ready.wait(), max(0.01, asked + self.ask_s - loop.time()))
                except TimeoutError:
                    if loop.time() - said >= PING_S:
                        said = loop.time()
                        yield b": ping\n\n"
        finally:
            self._clients.discard(client)


def _for_role(item: dict[str, Any], hidden: frozenset[str]) -> dict[str, Any] | None:
    """The item as this role may see it; None: not at all, for its coming alone would tell."""
    if PLAIN not in item:
        return item
    rest = {key: value for key, value in item.items() if key != PLAIN}
    if not hidden & CASE_TOPICS:
        return rest
    plain = item[PLAIN]
    return None if plain is None else {**rest, **plain}


def _newest(topic: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if topic in APPEND:
        return items
    merged: dict[Any, dict[str, Any]] = {}
    for item in items:
        key = item.get("id", item.get("device_id"))
        merged[key] = {**merged.get(key, {}), **item}
    return list(merged.values())
