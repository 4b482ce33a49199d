"""What a device was found to hold other than this box had left it, counted once it is put right and read back."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from edge_agent.box import read_kept
from edge_agent.state import State

log = logging.getLogger(__name__)


class Counted(msgspec.Struct, frozen=True):
    """Entries put right since this box began to count, and when last."""

    count: int = 0
    at: datetime | None = None


class Drift:
    """Of one device. `found` are entries off their place, `mended` those of them that were written or removed since."""

    def __init__(self, device: str, state: State) -> None:
        self.device, self.state = device, state
        self.counted = Counted()
        self.found: set[str] = set()
        self.mended: set[str] = set()

    @property
    def _key(self) -> str:
        return f"drift:{self.device}"

    def load(self) -> None:
        """Blocking."""
        self.counted = read_kept(self.state.kept(self._key), Counted, Counted())

    def see(self, tokens: Iterable[str]) -> None:
        """Found other than left, in a whole look at the device. What was mended and not yet read back stays."""
        now = set(tokens)
        if fresh := now - self.found:
            log.warning("device %s: %d entries are not as this box left them", self.device, len(fresh))
        self.found = now | self.mended

    def touch(self, tokens: Iterable[str]) -> None:
        """The device took these operations."""
        self.mended.update(t for t in tokens if t in self.found)

    def settle(self, right: Callable[[str], bool], now: datetime) -> None:
        """After a read-back. Blocking when something is counted."""
        done = {t for t in self.mended if right(t)}
        if not done:
            return
        self.found -= done
        self.mended -= done
        self.counted = Counted(self.counted.count + len(done), now)
        try:
            self.state.keep(self._key, msgspec.json.encode(self.counted).decode())
        except sqlite3.Error as error:
            log.error("device %s: drift not kept: %s", self.device, error)
