"""(P) From when until when a person's consents to one purpose count.

A record may bring back with its old date what was taken back since. The days between were days without it: no record that comes
later makes them agreed to. So such a consent counts from the moment when it came back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

Span = tuple[datetime, datetime | None]
"""From, and until (exclusive; None: it goes on)."""


class Given(NamedTuple):
    """One row of the ledger. `recorded_at`: when it came here, None where nobody knows (rows before release 0.1)."""

    granted_at: datetime
    withdrawn_at: datetime | None = None
    recorded_at: datetime | None = None


def spans(given: Iterable[Given]) -> list[Span]:
    """Of one person and purpose, in the order of `given`."""
    rows = list(given)
    ends = [row.withdrawn_at for row in rows if row.withdrawn_at is not None]
    return [(_since(row, ends), row.withdrawn_at) for row in rows]


def _since(row: Given, ends: Iterable[datetime]) -> datetime:
    back = row.recorded_at
    if back is not None and any(row.granted_at < end <= back for end in ends):
        return back
    return row.granted_at
