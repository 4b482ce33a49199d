"""Since when is the hub away? The doors go on by the signed lists; here it is only counted, told and kept across restarts.

Away is: no link for a minute, or a link over which nobody has answered for five. What counts as an answer is a message that
the hub sent just now, or a list it served; what the broker kept for us proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

NO_LINK = timedelta(seconds=60)
SILENT = timedelta(minutes=5)
ASK_AFTER = timedelta(minutes=4)  # then the hub is asked for a word


class Absence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept. `since`: the present absence; `before`, `before_s`: the one before it, and how long it lasted."""

    heard_at: datetime | None = None
    since: datetime | None = None
    before: datetime | None = None
    before_s: float = 0.0


@dataclass(slots=True)
class Authority:
    """`kept` as the last run left it; `started_at` stands in for a contact on a box that never had one."""

    started_at: datetime
    kept: Absence = field(default_factory=Absence)

    @property
    def since(self) -> datetime | None:
        """Since when this box decides without the hub; None while the hub is there."""
        return self.kept.since

    @property
    def told(self) -> tuple[datetime | None, float]:
        """For the hub: when the last absence began, and its seconds (0 while it lasts)."""
        return (self.kept.since, 0.0) if self.kept.since else (self.kept.before, self.kept.before_s)

    def heard(self, now: datetime) -> float | None:
        """The hub was heard. Seconds of the absence that ends here; None when there was none."""
        since = self.kept.since
        if since is None:
            self.kept = msgspec.structs.replace(self.kept, heard_at=now)
            return None
        self.kept = Absence(now, None, since, max(0.0, (now - since).total_seconds()))
        return self.kept.before_s

    def look(self, now: datetime, *, linked: bool) -> bool:
        """True when an absence begins to count now; it began with the last word of the hub."""
        last = self.kept.heard_at or self.started_at
        if self.kept.since is not None or now - last < (SILENT if linked else NO_LINK):
            return False
        self.kept = msgspec.structs.replace(self.kept, since=last)
        return True

    def should_ask(self, now: datetime) -> bool:
        return now - (self.kept.heard_at or self.started_at) >= ASK_AFTER


def lasted(seconds: float) -> str:
    """53 h, 12 min or 40 s."""
    if seconds >= 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
