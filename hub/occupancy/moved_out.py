"""(P) When a household that ended was gone: the lease system's completed move-out, not the day on which the hub heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

COMPLETED_ON = "move_out_completed_on"
"""In a tenancy's `end_decision`."""


def left_on(decision: Mapping[str, Any] | None, ended_at: datetime | None, zone: ZoneInfo) -> date | None:
    """The day on which the move-out was completed, as the decision says; without one the day the hub heard of the end."""
    told = str((decision or {}).get(COMPLETED_ON) or "")
    if told:
        return date.fromisoformat(told)
    return None if ended_at is None else ended_at.astimezone(zone).date()
