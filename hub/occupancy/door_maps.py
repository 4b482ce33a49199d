"""(P) A door that is mapped to the wrong block: those who use it live elsewhere, and those of its block do not use it.

It lowers what is known of that block, and never makes a lead: whom it did not see at "their" door was at another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

RECENT_DAYS, LOOK_BACK_DAYS = 7, 60
FEWEST = 40
"""Attempts by residents in RECENT_DAYS, below which nothing is said."""

OWN_SHARE, OTHER_SHARE, RIGHT_SHARE = 0.1, 0.6, 0.5
"""At most this share by the block's own people and at least that by one other block's: wrong. From this own share on: right."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Since `since` a door is used by the people of `seen` (a block): so many `attempts` lately, `own` of them by its own."""

    since: date
    seen: str
    attempts: int
    own: int


def doubt(place: str, days: Mapping[date, Mapping[str, int]], last: date) -> Doubt | None:
    """`place`: the block that the door is mapped to. `days`: residents' attempts at it, granted or not, by day and by the
    block in which they live."""
    recent = _sum([days.get(last - timedelta(days=n), {}) for n in range(RECENT_DAYS)])
    total, own = sum(recent.values()), recent[place]
    others = [(count, block) for block, count in recent.items() if block != place]
    if total < FEWEST or own > OWN_SHARE * total or not others or max(others)[0] < OTHER_SHARE * total:
        return None
    since = last - timedelta(days=RECENT_DAYS - 1)
    for back in range(RECENT_DAYS, LOOK_BACK_DAYS):
        day = days.get(last - timedelta(days=back), {})
        if day.get(place, 0) > OWN_SHARE * sum(day.values()):
            break
        if day:
            since = last - timedelta(days=back)
    return Doubt(since, max(others)[1], total, own)


def right_again(place: str, days: Mapping[date, Mapping[str, int]], last: date) -> bool:
    """Whether the last days speak for the map. Silence does not."""
    recent = _sum([days.get(last - timedelta(days=n), {}) for n in range(RECENT_DAYS)])
    return sum(recent.values()) >= FEWEST and recent[place] >= RIGHT_SHARE * sum(recent.values())


def _sum(days: Sequence[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for day in days:
        total.update(day)
    return total
