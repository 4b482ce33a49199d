"""How often each pass with a count has opened a door of this box: counted before the door opens, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from edge_agent.state import State

log = logging.getLogger(__name__)


class Uses:
    """`counts` is read by the decision. Taking is immediate, so that two readers at once cannot both have the last use."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.counts: dict[str, int] = {}

    async def load(self) -> None:
        self.counts = await asyncio.to_thread(self.state.uses)

    def take(self, token: str) -> int:
        """The number of this use, from 1."""
        self.counts[token] = self.counts.get(token, 0) + 1
        return self.counts[token]

    def give_back(self, token: str) -> None:
        """The door did not open after all."""
        self.counts[token] = max(0, self.counts.get(token, 0) - 1)

    async def keep(self, token: str) -> None:
        """On disk. A full disk does not stop a visitor at the door: then the count holds until the next restart."""
        try:
            await asyncio.to_thread(self.state.set_uses, token, self.counts[token])
        except sqlite3.Error as error:
            log.error("use of a pass not kept: %s", error)
