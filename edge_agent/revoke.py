"""Revocations jump every queue: checked, in force at once, taken off the device, read back, and answered one by one.

A token never comes back once it ended, so a repeated order does no harm and no order matters.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device_drivers.contract.events import EdgeNote
from device_drivers.contract.messages import RevocationOrder, RevocationResult, Revocations, Revoked
from edge_agent.box import Box
from edge_agent.heavy import urgent
from edge_agent.urgent import Removals

log = logging.getLogger(__name__)
REFUSALS_TOLD = 100
A_MESSAGE = 50  # with 300 Chinese characters each they still fit the broker's packet
TOGETHER_S = 0.02  # answers of so long travel in one message: a person's forty devices are done within the same moment


class OrderRefused(Exception):
    """An order that must not be followed; `what` is the note's word (`bad_signature`, `foreign_revocation` …)."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(f"{what}: {text}")
        self.what, self.text = what, text


def opened(order: RevocationOrder, key: Ed25519PublicKey, edge: str, estate: str) -> Revocations:
    """What the order says. Raises OrderRefused: not signed by the pinned key, unreadable, or for somebody else."""
    try:
        key.verify(order.signature, order.payload)
    except InvalidSignature as error:
        raise OrderRefused("bad_signature", "a revocation is not signed by the pinned key") from error
    try:
        said = msgspec.json.decode(order.payload, type=Revocations)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OrderRefused("unreadable_revocation", str(error)) from error
    if (said.edge, said.estate_id) != (edge, estate):
        text = f"a revocation of {said.edge}/{said.estate_id} came to {edge}/{estate}"
        raise OrderRefused("foreign_revocation", text)
    return said


class Revoker:
    """Where orders arrive and answers leave. `removals(device)` is None for a device this box does not drive."""

    def __init__(
        self,
        box: Box,
        key: Ed25519PublicKey,
        edge: str,
        estate: str,
        removals: Callable[[str], Removals | None],
        send: Callable[[RevocationResult], None],
    ) -> None:
        self.box, self.key, self.edge, self.estate = box, key, edge, estate
        self.removals, self.send = removals, send
        self._told: set[str] = set()
        self._keeping: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._answers: list[Revoked] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, order: RevocationOrder) -> None:
        """On the loop: the edge's own decisions change now, devices are told from now on."""
        try:
            said = opened(order, self.key, self.edge, self.estate)
        except OrderRefused as refusal:
            self._refuse(refusal)
            return
        log.info("revoked: %s", ", ".join(f"{len(i.tokens)} on {i.device}" for i in said.items) or "nobody")
        for item in said.items:
            self.box.lists.revoke(item.device, item.tokens, said.issued_at)
        keeping = self._start(self._keep([(i.device, t) for i in said.items for t in i.tokens], said.issued_at))
        for item in said.items:
            self._keeping |= {(item.device, t): keeping for t in item.tokens}
            off = (*item.tokens, *self._not_listed(item.device, item.here))
            if not off:
                continue
            if removals := self.removals(item.device):
                removals.add(off)
            else:
                text = f"本边缘机当前没有设备 {item.device}"
                self.tell(item.device, off, "pending", text)

    def _not_listed(self, device: str, tokens: tuple[str, ...]) -> set[str]:
        """Whoever stands on the list that this box has came back to this door: the order was made before."""
        held = self.box.lists.current(device) if tokens else None
        return set(tokens).difference(c.token for c in held.access_list.credentials) if held else set(tokens)

    def _refuse(self, refusal: OrderRefused) -> None:
        log.error("revocation refused: %s", refusal)
        if str(refusal) not in self._told and len(self._told) < REFUSALS_TOLD:  # once, not at every repetition
            self._told.add(str(refusal))
            self.box.record("", EdgeNote(refusal.what, refusal.text))

    async def _keep(self, items: list[tuple[str, str]], at: datetime) -> None:
        try:
            await urgent(self.box.state.revoke, items, at)
        except sqlite3.Error as error:  # in force until a restart; by then the new list is here
            log.error("revocations not kept: %s", error)
            self.box.record("", EdgeNote("disk", f"revocations not kept: {error}"))

    def tell(self, device: str, tokens: Iterable[str], state: str, text: str = "") -> None:
        """Answer the hub, but not before the revocation itself would survive a power cut."""
        now = self.box.clock.now()
        if not self._answers:
            self._start(self._tell())
        self._answers += [Revoked(device, token, state, now, text[:300]) for token in tokens]

    async def _tell(self) -> None:
        await asyncio.sleep(TOGETHER_S)
        items, self._answers = tuple(self._answers), []
        if keeping := {k for i in items if (k := self._keeping.get((i.device, i.token)))}:
            await asyncio.wait(keeping)
        for start in range(0, len(items), A_MESSAGE):
            self.send(RevocationResult(items[start : start + A_MESSAGE]))
        settled = [(i.device, i.token) for i in items if i.state != "pending"]
        if not settled:
            return
        for one in settled:
            self._keeping.pop(one, None)
        try:
            await urgent(self.box.state.settle_revoked, settled)
        except sqlite3.Error as error:  # it is answered once more after a restart
            log.error("an answered revocation is not noted: %s", error)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
