"""Access lists come to this box: fetched over HTTPS at the doorbell, taken by `accept`, kept as files (`held_list`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import aiohttp
import msgspec

from device_drivers.contract.access import (
    Acceptance,
    AccessList,
    Credential,
    Held,
    Identifier,
    SignedAccessList,
    accept,
)
from device_drivers.contract.edge_http import LIST_PATH
from device_drivers.contract.events import EdgeNote
from device_drivers.contract.messages import ListDoorbell
from edge_agent.clock import wait_event
from edge_agent.heavy import heavy
from edge_agent.held_list import HeldList, ListFiles, ListRefused, Mark, Marks, verify

log = logging.getLogger(__name__)
MAX_LIST = 64 * 1024 * 1024  # bytes, unpacked
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


Note = Callable[[EdgeNote, str], Awaitable[None]]
Fetch = Callable[[str, str], Awaitable[SignedAccessList | None]]


def fetcher(session: aiohttp.ClientSession, base_url: str, secret: str) -> Fetch:
    """`fetch(device, etag)` → the signed list, or None when the ETag still fits. Raises aiohttp.ClientError, TimeoutError."""

    async def fetch(device: str, etag: str) -> SignedAccessList | None:
        headers = {"Authorization": f"Bearer {secret}"} | ({"If-None-Match": f'"{etag}"'} if etag else {})
        url = base_url.rstrip("/") + LIST_PATH.format(device=quote(device, safe=""))
        async with session.get(url, headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as reply:
            if reply.status == 304:
                return None
            reply.raise_for_status()
            body = bytearray()
            async for chunk in reply.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > MAX_LIST:
                    raise aiohttp.ClientPayloadError(f"list of {device} is larger than {MAX_LIST} bytes")
        try:
            return msgspec.json.decode(bytes(body), type=SignedAccessList)
        except (ValueError, RecursionError) as error:
            raise aiohttp.ClientPayloadError(f"list of {device}: {error}") from error

    return fetch


@dataclass(slots=True)
class _Desk:
    """One device's place here."""

    current: HeldList | None = None
    tokens: frozenset[str] = frozenset()
    revoked: dict[str, datetime] = field(default_factory=dict)
    decides: bool = False
    unkept: tuple[SignedAccessList, AccessList] | None = None  # in force, and not on the disk yet
    rung: asyncio.Event = field(default_factory=asyncio.Event)
    doorbell: ListDoorbell | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)


class ListKeeper:
    """One task a device (`run(device)`); `ring` wakes it, a slow poll repairs what a lost doorbell left undone."""

    def __init__(
        self, files: ListFiles, fetch: Fetch, note: Note, poll_s: float = 600.0, marks: Marks | None = None
    ) -> None:
        self.files, self.fetch, self.note, self.poll_s, self.marks = files, fetch, note, poll_s, marks
        self._desks: dict[str, _Desk] = {}
        self._told: dict[str, str] = {}
        self._shared: dict[str, Credential] = {}

    def _desk(self, device: str) -> _Desk:
        return self._desks.setdefault(device, _Desk())

    async def load(self, device: str) -> None:
        desk = self._desk(device)
        if desk.current is None:
            held, tokens = await heavy(self.files.load, device, self._shared)
            desk.tokens = self._like_others(tokens)
            mark = await asyncio.to_thread(self._mark, device)
            if held and mark and mark.is_newer(held.access_list):
                held.newer, number = mark, held.access_list.generation
                text = f"list of {device}: generation {number} lies here, {mark.generation} was taken before"
                await self._refuse(device, ListRefused("old_list", text))
            self._take(desk, held)

    def _like_others(self, tokens: frozenset[str]) -> frozenset[str]:
        """The same set as another device's, where it is equal: every gate knows the same people."""
        return next((desk.tokens for desk in self._desks.values() if desk.tokens == tokens), tokens)

    def current(self, device: str) -> HeldList | None:
        return self._desk(device).current

    def knows(self, identifier: Identifier) -> bool:
        """Whether it is somebody's at any door about which this box decides."""
        held = (desk.current for desk in self._desks.values())
        return any(one.built.holders(identifier) for one in held if one and one.built)

    def tokens(self, device: str) -> frozenset[str]:
        """Every token of the last lists: ours, whatever else was forgotten."""
        return self._desk(device).tokens

    def revoke(self, device: str, tokens: Iterable[str], at: datetime) -> None:
        """In force from here on: the edge's own decisions do not know these credentials any more."""
        self._desk(device).revoked.update(dict.fromkeys(tokens, at))

    def revoked(self, device: str) -> frozenset[str]:
        """Not wanted whatever the list says."""
        return frozenset(self._desk(device).revoked)

    def ended_here(self, device: str) -> tuple[str, ...]:
        """Revoked, yet on the list: it was made before the order, or by a hub that forgot it (a restored backup). They open
        nothing, and the hub is told of each: it alone knows which of them it ended itself."""
        desk = self._desk(device)
        if desk.current is None or not desk.revoked or desk.revoked.keys().isdisjoint(desk.tokens):
            return ()
        return tuple([c.token for c in desk.current.access_list.credentials if c.token in desk.revoked])

    def past(self, device: str) -> set[str]:
        """Of the revoked, those that no list can bring back: the newest was made after, and no kept one names them."""
        desk = self._desk(device)
        if desk.current is None or not desk.revoked:
            return set()
        made = desk.current.access_list.issued_at
        return {t for t, at in desk.revoked.items() if at < made and t not in desk.tokens}

    def forget_revoked(self, device: str, tokens: Iterable[str]) -> None:
        desk = self._desk(device)
        for token in tokens:
            desk.revoked.pop(token, None)

    def _mark(self, device: str) -> Mark | None:
        kept = self.marks.kept(f"newest:{device}") if self.marks is not None else None
        try:
            return msgspec.json.decode(kept, type=Mark) if kept else None
        except ValueError as error:
            log.error("what was kept of the list of %s is not readable: %s", device, error)
            return None

    def _set_mark(self, device: str, taken: AccessList) -> None:
        if self.marks is not None:
            mark = Mark(taken.generation, taken.issued_at)
            self.marks.keep(f"newest:{device}", msgspec.json.encode(mark).decode())

    @staticmethod
    def _take(desk: _Desk, held: HeldList | None) -> None:
        if held:
            held.revoked = desk.revoked
        desk.current = held

    async def decides(self, device: str) -> None:
        """The edge decides for this device: nobody at its door waits until an index is built."""
        desk = self._desk(device)
        desk.decides = True
        if desk.current:
            await heavy(getattr, desk.current, "index")

    def listen(self, device: str, on_change: Callable[[], None]) -> None:
        self._desk(device).listeners[:] = [on_change]

    def ring(self, doorbell: ListDoorbell) -> None:
        desk = self._desk(doorbell.device)
        desk.doorbell = doorbell
        held = desk.current.held if desk.current else None
        if held is None or held != Held(doorbell.generation, doorbell.digest):
            desk.rung.set()

    async def run(self, device: str) -> None:
        """Fetch at each ring, and every `poll_s` as repair; a failed fetch is repeated with back-off."""
        desk = self._desk(device)
        failures = 0
        desk.rung.set()  # a list may have changed while this box was off
        while True:
            await wait_event(desk.rung, RETRY_S[min(failures, 7) - 1] if failures else self.poll_s)
            desk.rung.clear()
            try:
                await self.update(device)
                if failures:
                    log.info("list of %s: the hub answers again", device)
                failures = 0
            except (aiohttp.ClientError, TimeoutError, OSError, sqlite3.Error) as error:
                missing = isinstance(error, aiohttp.ClientResponseError) and error.status == 404
                if not failures and not missing:
                    log.warning("list of %s cannot be fetched or kept: %s", device, error)
                failures = 0 if missing else min(failures + 1, len(RETRY_S))
            except ListRefused as refusal:
                failures = 0
                await self._refuse(device, refusal)

    async def _refuse(self, device: str, refusal: ListRefused) -> None:
        if self._told.get(device) != str(refusal):  # once, not at every poll
            self._told[device] = str(refusal)
            log.error("list of %s refused: %s", device, refusal)
            await self.note(EdgeNote(refusal.what, refusal.text), device)

    async def update(self, device: str) -> Acceptance:
        """Fetch once. Raises ListRefused, aiohttp.ClientError, TimeoutError; OSError or sqlite3.Error where a list that is in
        force could not be kept: the next call tries that again, whether the hub is there or not."""
        try:
            return await self._fetch_and_take(device)
        finally:
            await self._keep(device)

    async def _keep(self, device: str) -> None:
        desk = self._desk(device)
        if (unkept := desk.unkept) is None:
            return
        signed, taken = unkept
        await asyncio.to_thread(self.files.save, device, signed)
        await asyncio.to_thread(self._set_mark, device, taken)
        if desk.unkept is unkept:
            desk.unkept = None

    async def _fetch_and_take(self, device: str) -> Acceptance:
        desk = self._desk(device)
        current = desk.current
        announced = desk.doorbell.generation if desk.doorbell else 0
        # The ETag is the content's digest. When only the generation moved (a hub restored from backup), ask for all of it.
        same = current is not None and not current.behind and announced <= current.access_list.generation
        signed = await self.fetch(device, current.digest if current and same else "")
        if signed is None:
            return Acceptance.SAME
        files = self.files
        incoming = await heavy(verify, signed, files.key, files.estate, device, current, self._shared)
        verdict = accept(current.held if current else None, incoming.held)
        number = incoming.access_list.generation
        mark = await asyncio.to_thread(self._mark, device) if current is None or current.behind else None
        if mark and mark.is_newer(incoming.access_list):
            raise ListRefused("stale", f"list of {device}: generation {number}, {mark.generation} was taken before")
        if current and current.behind and verdict is not Acceptance.APPLY:
            return Acceptance.SAME  # the hub stands there as well: it is told by the report
        if verdict is Acceptance.STALE:
            raise ListRefused("stale", f"list of {device}: generation {number} is older than what is held")
        if verdict is Acceptance.CONFLICT:
            raise ListRefused("conflict", f"list of {device}: generation {number} came with two contents")
        if verdict is Acceptance.APPLY:
            desk.unkept = signed, incoming.access_list
            with contextlib.suppress(OSError, sqlite3.Error):  # nobody stands outside, or gets in, for a full disk
                await self._keep(device)
            if desk.decides and incoming.built is None:
                await heavy(getattr, incoming, "index")
            before = {c.token for c in current.access_list.credentials} if current else set()
            desk.tokens = self._like_others(frozenset(before | {c.token for c in incoming.access_list.credentials}))
            self._take(desk, incoming)
            self._told.pop(device, None)
            log.info("list of %s: generation %d, %d credentials", device, number, len(incoming.access_list.credentials))
            for listener in desk.listeners:
                listener()
        if number < announced:
            raise aiohttp.ClientPayloadError(f"list of {device}: generation {announced} announced, {number} served")
        return verdict
