"""Pictures of people who are nobody's resident: dropped, unless the estate's policy keeps them for some hours on this box.

They stay on the box: they are not uploaded, not compared with anybody or with each other, and on no list. That somebody
unknown was refused is an event and is kept in any case. Whether the law allows hours at all the hub decides
(`hub.estate.stranger_pictures`); without its word, or after it took it back, what lies here is deleted.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edge_agent.config import write_atomic
from edge_agent.photos import expire, trim

log = logging.getLogger(__name__)
LIMIT = 50 << 20  # bytes on the box
LONGEST_H = 72
_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


class StrangerPictures:
    """`hours` says how long they may lie here now: 0 drops. Calls are short and blocking."""

    def __init__(self, folder: Path, hours: Callable[[], int]) -> None:
        self.folder, self._hours = folder, hours

    @property
    def hours(self) -> int:
        return max(0, min(self._hours(), LONGEST_H))

    def keep(self, picture: bytes, access_point: str, at: datetime) -> bool:
        """False where it was dropped."""
        if not self.hours or not picture.startswith(b"\xff\xd8"):
            return False
        self.folder.mkdir(mode=0o700, exist_ok=True)
        trim(self.folder, LIMIT - len(picture))
        name = f"{at:%Y%m%dT%H%M%S%f}-{_PLAIN.sub('_', access_point)[:60]}.jpg"
        write_atomic(self.folder / name, picture)
        return True

    def expire(self) -> None:
        """What has had its hours goes; everything where there are none."""
        expire(self.folder, self.hours * 3600.0)
