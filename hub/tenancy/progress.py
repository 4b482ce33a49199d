"""How far a long upload is. In memory only: it is for whoever waits, and is gone with the process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

KEEP = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """`name`: reading, checking, comparing, writing, done or failed. `done` of `total` rows; `total` 0: not known yet."""

    name: str
    done: int = 0
    total: int = 0


class Board:
    """Stages by ticket; the oldest go first. Safe on every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: OrderedDict[str, Stage] = OrderedDict()

    def put(self, ticket: str, stage: Stage) -> None:
        """Nothing is kept without a ticket."""
        if not ticket:
            return
        with self._lock:
            self._stages[ticket] = stage
            self._stages.move_to_end(ticket)
            while len(self._stages) > KEEP:
                self._stages.popitem(last=False)

    def get(self, ticket: str) -> Stage | None:
        with self._lock:
            return self._stages.get(ticket)


@dataclass(slots=True)
class Meter:
    """What one upload tells the board."""

    board: Board
    ticket: str
    stage: Stage = Stage("reading")

    def at(self, name: str, done: int = 0, total: int = 0) -> None:
        self.stage = Stage(name, done, total)
        self.board.put(self.ticket, self.stage)

    def step(self, done: int) -> None:
        """Every so often is enough."""
        if done % 200 == 0:
            self.stage = replace(self.stage, done=done)
            self.board.put(self.ticket, self.stage)


BOARD = Board()
