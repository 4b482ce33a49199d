"""Guessing at a keypad is held up: after wrong PINs in a row the keypad waits, and only it. Cards, phones and faces go on.

Some keypads send a PIN in the form of a card number: there a card that nobody here has may look like a guess, and more of them
are let pass.

Kept per reader, and on disk: who can switch off the box's power does not guess on from the beginning. A pause refuses the
right PIN too, or a guesser would learn from it. Whoever lives here has another way in; a visitor is told at the door's event.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

FREE = 5  # different wrong ones in a row that cost nothing: people mistype
FREE_OF_CARDS = (
    20  # where a card that nobody here has looks like a PIN: many such cards pass a gate, and one in a million fits
)
REMEMBERED = 100
PAUSE = timedelta(seconds=60)  # after that; doubled with each further wrong one
LONGEST = timedelta(hours=1)
FORGIVEN = 2  # wrong ones that a right PIN takes back: who has one must not guess others at leisure
FORGOTTEN = timedelta(hours=6)  # without a wrong one


class Tried(msgspec.Struct, omit_defaults=True):
    """Of one reader: wrong PINs in a row, when the last, and until when it waits."""

    wrong: int = 0
    last: datetime | None = None
    until: datetime | None = None


def _nowhere(_kept: str) -> None:
    """Nothing is kept."""


@dataclass(slots=True)
class Tries:
    """Of one box, by reader (device and point). `keep` is given everything after each change."""

    _readers: dict[str, Tried] = field(default_factory=dict)
    _seen: dict[str, dict[bytes, None]] = field(default_factory=dict)  # what was wrong, as hashes, in memory alone
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    keep: Callable[[str], None] = _nowhere

    def load(self, kept: dict[str, Tried]) -> None:
        self._readers = kept

    def _moved(self) -> None:
        self.keep(msgspec.json.encode({r: t for r, t in self._readers.items() if t.wrong}).decode())

    def paused_until(self, reader: str, at: datetime) -> datetime | None:
        """Until when this keypad waits, or None. A clock that jumped back does not make it wait longer than the longest pause."""
        held = self._readers.get(reader)
        if held is None or held.until is None or not at < held.until <= at + LONGEST:
            return None
        return held.until

    def wrong(self, reader: str, at: datetime, typed: str = "", *, mixed: bool = False) -> None:
        """The same once more is no further guess. `mixed`: it may have been a card."""
        free = FREE_OF_CARDS if mixed else FREE
        held = self._readers.setdefault(reader, Tried())
        if held.last and at - held.last > FORGOTTEN:
            held.wrong = 0
            self._seen.pop(reader, None)
        if typed and self._again(reader, typed):
            return
        held.wrong, held.last = held.wrong + 1, at
        if held.wrong >= free:
            held.until = at + min(LONGEST, PAUSE * 2 ** min(held.wrong - free, 10))
        self._moved()

    def _again(self, reader: str, typed: str) -> bool:
        seen = self._seen.setdefault(reader, {})
        digest = hashlib.blake2b(typed.encode(), key=self._salt, digest_size=16).digest()
        if digest in seen:
            return True
        seen[digest] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        return False

    def right(self, reader: str) -> None:
        held = self._readers.get(reader)
        if held and held.wrong:
            held.wrong = max(0, held.wrong - FORGIVEN)
            self._moved()
