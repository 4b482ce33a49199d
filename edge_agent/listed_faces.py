"""Whose face stands on a current list of this box: the only faces that may be kept here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from device_drivers.contract.words import IdentifierType
from edge_agent.held_list import HeldList
from edge_agent.lists import ListKeeper
from edge_agent.worker import Worker


class ListedFaces:
    def __init__(self, lists: ListKeeper, workers: Mapping[str, tuple[Worker, asyncio.Task[None]]]) -> None:
        self.lists, self.workers = lists, workers
        self._known: dict[str, tuple[HeldList, frozenset[str]]] = {}

    def tokens(self) -> frozenset[str] | None:
        """Less those taken off at once; None until every list is here."""
        found: set[str] = set()
        for device, (worker, _) in tuple(self.workers.items()):
            held = self.lists.current(device)
            if held is not None:
                found |= self._on(device, held) - self.lists.revoked(device)
            elif worker.capabilities.holds_list or worker.capabilities.cards:
                return None
        return frozenset(found)

    def _on(self, device: str, held: HeldList) -> frozenset[str]:
        """Read once a list: it may name ten thousand."""
        known = self._known.get(device)
        if known is None or known[0] is not held:
            tokens = frozenset(
                c.token
                for c in held.access_list.credentials
                if not c.blocked and any(i.type == IdentifierType.FACE for i in c.identifiers)
            )
            known = self._known[device] = (held, tokens)
        return known[1]
