"""How often each pass with a count has opened each door of this box: counted before it opens, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from edge_agent.state import State

log = logging.getLogger(__name__)


class Uses:
    """`counts`, by `decide.use_of`, is read by the decision.

    Taking is immediate, so that two readers at once cannot both have the last use.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.counts: dict[str, int] = {}

    async def load(self) -> None:
        self.counts = await asyncio.to_thread(self.state.uses)

    def take(self, use: str) -> int:
        """The number of this use, from 1."""
        self.counts[use] = self.counts.get(use, 0) + 1
        return self.counts[use]

    def give_back(self, use: str) -> None:
        """The door did not open after all."""
        self.counts[use] = max(0, self.counts.get(use, 0) - 1)

    async def keep(self, use: str) -> None:
        """On disk. A full disk does not stop a visitor at the door: then the count holds until the next restart."""
        try:
            await asyncio.to_thread(self.state.set_uses, use, self.counts[use])
        except sqlite3.Error as error:
            log.error("use of a pass not kept: %s", error)
