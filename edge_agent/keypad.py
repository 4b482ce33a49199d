"""Guessing at a keypad is held up: after wrong PINs in a row the keypad waits, and only it. Cards, phones and faces go on.

Kept per reader and in memory: a restart of the box starts anew, which nobody at the door can bring about. A pause refuses the
right PIN too, or a guesser would learn from it. Whoever lives here has another way in; a visitor is told at the door's event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

FREE = 5  # wrong ones in a row that cost nothing: people mistype
PAUSE = timedelta(seconds=60)  # after that; doubled with each further wrong one
LONGEST = timedelta(hours=1)
FORGIVEN = 2  # wrong ones that a right PIN takes back: who has one must not guess others at leisure
FORGOTTEN = timedelta(hours=6)  # without a wrong one


@dataclass(slots=True)
class _Reader:
    wrong: int = 0
    last: datetime | None = None
    until: datetime | None = None


@dataclass(slots=True)
class Tries:
    """Of one box, by reader (device and point)."""

    _readers: dict[str, _Reader] = field(default_factory=dict)

    def paused_until(self, reader: str, at: datetime) -> datetime | None:
        """Until when this keypad waits, or None. A clock that jumped back does not make it wait longer than the longest pause."""
        held = self._readers.get(reader)
        if held is None or held.until is None or not at < held.until <= at + LONGEST:
            return None
        return held.until

    def wrong(self, reader: str, at: datetime) -> None:
        held = self._readers.setdefault(reader, _Reader())
        if held.last and at - held.last > FORGOTTEN:
            held.wrong = 0
        held.wrong, held.last = held.wrong + 1, at
        if held.wrong >= FREE:
            held.until = at + min(LONGEST, PAUSE * 2 ** min(held.wrong - FREE, 10))

    def right(self, reader: str) -> None:
        if held := self._readers.get(reader):
            held.wrong = max(0, held.wrong - FORGIVEN)
