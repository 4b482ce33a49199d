"""Numbers that a terminal's records skipped while it was connected: what it recorded there is asked for. Pure.

Asking is bounded in time and rare: where it brings nothing (a firmware that counts other things with the same numbers),
the pause doubles up to a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONGEST = timedelta(hours=24)
MARGIN = timedelta(minutes=2)
PAUSE_S, MAX_PAUSE_S = 60.0, 86_400.0
MAX_MISSING = 1000  # a larger leap is another counter, not a loss


@dataclass(slots=True)
class Gaps:
    """Of one kind of record. Times are the terminal's own."""

    last: int | None = None
    last_at: datetime | None = None
    missing: dict[int, None] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    found: int = 0  # missing numbers that came after all
    _asked_at: float | None = None
    _found_before: int = 0
    _pause_s: float = PAUSE_S

    def saw(self, number: int, at: datetime | None) -> None:
        """A record came, live, late or as an answer."""
        if number in self.missing:
            del self.missing[number]
            self.found += 1
            return
        before, since = self.last, self.last_at
        if before is not None and before - MAX_MISSING < number <= before:
            return  # one that came before, or reordered
        self.last, self.last_at = number, at or since
        if before is None or number < before or not 1 < number - before <= MAX_MISSING:
            return  # the first, a counter that began anew, the next one, or a leap
        room = MAX_MISSING - len(self.missing)
        self.missing.update(dict.fromkeys(range(max(before + 1, number - room), number)))
        if since is not None and at is not None:
            self.since = min(filter(None, (self.since, since)))
            self.until = max(filter(None, (self.until, at)))

    def due(self, clock_s: float) -> tuple[datetime, datetime] | None:
        """The time to ask for, if it is time to ask; asking is noted. `clock_s`: monotonic seconds."""
        if not self.missing or self.since is None or self.until is None:
            return None
        if self._asked_at is not None:
            if clock_s - self._asked_at < self._pause_s:
                return None
            brought = self.found > self._found_before
            self._pause_s = PAUSE_S if brought else min(2 * self._pause_s, MAX_PAUSE_S)
        self._asked_at, self._found_before = clock_s, self.found
        span = max(self.since, self.until - LONGEST) - MARGIN, self.until + MARGIN
        if self._pause_s > PAUSE_S:  # asked before, in vain: it does not have them
            self.missing.clear()
            self.since = self.until = None
        return span
