"""What came in on a line and was no answer: late replies, noise, other protocols. The newest is kept raw."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

ODD_SHOWN_S = 3600.0
RAW_KEPT = 48  # bytes of an unreadable frame that are shown


@dataclass(slots=True)
class Oddities:
    count: int = 0
    last: bytes = b""
    at: float = float("-inf")
    kinds: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, raw: bytes) -> None:
        self.count += 1
        self.at = time.monotonic()
        self.kinds[kind] += 1
        self.last = raw[:RAW_KEPT]

    def __str__(self) -> str:
        """For a device's page; what is older than an hour is history."""
        if time.monotonic() - self.at > ODD_SHOWN_S:
            return ""
        kinds = "、".join(f"{kind} {n}" for kind, n in sorted(self.kinds.items()))
        return f"线路上收到 {self.count} 次无法归属的数据（{kinds}），最近一次：{self.last.hex(' ')}"
