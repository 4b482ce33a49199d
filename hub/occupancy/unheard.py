"""(P) Days on which a door that many people use recorded nobody, or much that cannot be read: it was not observing, whatever it
says of itself. Missing records are not absence."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import median

HOMES_BEHIND = 8
"""A door of fewer homes may fall silent because its people left."""

USUAL_DAYS, USUAL_MIN = 28, 10
"""What is usual is the median of so many latest days on which anything was recorded; of fewer nothing is said."""

EXPECTED = 12.0
"""Passes that would usually have come by now: that not one of so many does is no chance (1 in 160,000 if they come singly), but
an export that lost them, a reader that sleeps, a clock that writes another day. Around festivals most doors go on."""

BUSY, FEW_SHARE = 30, 0.1
"""Of a door of so many passes a day, so small a share of what is usual is what is left of records, not of people: in the week of
Spring Festival a third goes on."""

LOST_LEAST, LOST_SHARE = 3, 0.2
"""So many records of a day, and so large a share of them, could not be read."""


NOBODYS_LEAST, NOBODYS_SHARE = 6, 0.5
"""So many passes of a day, and so large a share of what was recorded, name no person who is known and no home: whom it let in
stands nowhere. In six kinds of cities it is at most 4 % of passes (guests' codes, the service desk's PIN)."""


def unheard(
    recorded: Sequence[int], lost: Sequence[int], observing: Sequence[bool], of_nobody: Sequence[int] | None = None
) -> list[int]:
    """The days (by number) of a door that were not observed. `recorded`: readable passes a day, granted or refused; `lost`: kept
    out because they could not be read; `observing`: what the device says of itself; `of_nobody`: of those recorded let in without
    a word of who or whose. Causal: day d looks at days up to d."""
    found: list[int] = []
    usual: deque[int] = deque(maxlen=USUAL_DAYS)
    silent, heard = 0, False
    nobodys = of_nobody or [0] * len(recorded)
    for day, (count, unread, ok, of_none) in enumerate(zip(recorded, lost, observing, nobodys, strict=True)):
        heard = heard or count > 0
        expected = median(usual) if len(usual) >= USUAL_MIN else 0
        if not heard or (unread >= LOST_LEAST and unread >= LOST_SHARE * (count + unread)):
            found.append(day)  # a door that has not recorded anybody yet is not known to work
        elif of_none >= NOBODYS_LEAST and of_none >= NOBODYS_SHARE * count:
            found.append(day)
        elif count:
            silent = 0
            if ok and expected >= BUSY and count <= FEW_SHARE * expected:
                found.append(day)
            else:
                usual.append(count)
        elif ok:
            silent += 1
            if silent * expected >= EXPECTED:
                found.append(day)
    return found


def silent_days(
    kept: Mapping[date, tuple[int, bool]], counted: date, since: date, observing: Sequence[bool]
) -> set[date]:
    """The days from `since` on that were silent though the door says that it observed. `kept`: (passes, whether it was found
    silent) of the days from `counted` on. Before `since` that stands for what the door said of itself: a day that was found
    silent was."""
    before = [counted + timedelta(days=n) for n in range((since - counted).days)]
    days = before + [since + timedelta(days=n) for n in range(len(observing))]
    passes = [kept.get(day, (0, False))[0] for day in days]
    said = [kept.get(day, (0, False))[1] for day in before] + list(observing)
    found = unheard(passes, [0] * len(days), said)
    return {days[n] for n in found if days[n] >= since and said[n]}
