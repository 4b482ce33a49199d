"""The mode each door is in, as its devices report it: the intent that stands, with who gave it, why, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.access.states import in_force
from hub.estate.commands import allowed, catalogues
from hub.estate.order_rules import GRAVE
from hub.tables import AccessPoint, Device, ReportedList

RANK = (
    "locked_open",
    "locked_down",
    "blocked",
)  # of two readers of one door, what matters most to who stands before it


@dataclass(frozen=True, slots=True)
class Mode:
    """`mode`: normal, locked_down, locked_open, blocked …; `unknown` where no device can tell. `cause`: command, fire …"""

    mode: str = "unknown"
    since: datetime | None = None
    until: datetime | None = None
    by: str = ""
    reason: str = ""
    cause: str = ""


def door_modes(session: Session, estate_id: str, at: datetime) -> dict[str, Mode]:
    """Door id → its mode."""
    rows = session.execute(
        select(AccessPoint.id, AccessPoint.door_id, Device.kind, Device.edge_id, ReportedList.modes)
        .join(Device, Device.id == AccessPoint.device_id)
        .outerjoin(ReportedList, ReportedList.device_id == Device.id)
        .where(AccessPoint.estate_id == estate_id, Device.removed_at.is_(None))
    )
    announced = catalogues(session, estate_id)
    found: dict[str, Mode] = {}
    for point, door, kind, edge, told in rows:
        can = (allowed(kind, announced[edge]) or frozenset()) & GRAVE
        here = [_read(one) for one in in_force(told, at) if one.get("access_point") in (point, "")]
        now = here[0] if here else Mode("normal") if can and told is not None else Mode()
        if door not in found or _rank(now) < _rank(found[door]):
            found[door] = now
    return found


def _rank(mode: Mode) -> int:
    return RANK.index(mode.mode) if mode.mode in RANK else len(RANK) + (mode.mode == "unknown")


def _read(told: Mapping[str, Any]) -> Mode:
    return Mode(
        mode=str(told.get("mode", "unknown")),
        since=_time(told.get("since")),
        until=_time(told.get("until")),
        by=str(told.get("actor", "")),
        reason=str(told.get("reason", "")),
        cause=str(told.get("cause", "command")),
    )


def _time(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def mode_item(mode: Mode) -> dict[str, Any]:
    """As a door's line shows it."""
    return {
        "mode": mode.mode,
        "mode_since": mode.since,
        "mode_until": mode.until,
        "mode_by": mode.by,
        "mode_reason": mode.reason,
        "mode_cause": mode.cause,
    }
