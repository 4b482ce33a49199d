"""(P) What a command makes of a door's mode, what is in force, and what is refused.

A lock-down is an emergency measure of people: it has an author and a reason, it ends by itself, and it never holds anybody
in. Nothing here sets one by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from device_drivers.contract.device import AccessPointBinding, EdgePolicy
from device_drivers.contract.messages import PointMode
from device_drivers.contract.words import CommandKind, Direction, DoorMode, ModeCause

SETS = {
    CommandKind.LOCK_DOWN: DoorMode.LOCKED_DOWN,
    CommandKind.LOCK_OPEN: DoorMode.LOCKED_OPEN,
    CommandKind.BLOCK: DoorMode.BLOCKED,
}
CLOSING = frozenset({CommandKind.LOCK_DOWN, CommandKind.BLOCK})
MODE_KINDS = frozenset({*SETS, CommandKind.RELEASE})
NAMES = {
    DoorMode.LOCKED: "正常",
    DoorMode.LOCKED_DOWN: "封锁",
    DoorMode.LOCKED_OPEN: "常开",
    DoorMode.BLOCKED: "停用读卡",
}


def in_force(access_point: str, kept: PointMode | None, fire_since: datetime | None, at: datetime) -> PointMode | None:
    """None is the normal mode. A fire overrules everything; what has reached its end no longer counts."""
    if fire_since is not None:
        return PointMode(access_point, DoorMode.LOCKED_OPEN, fire_since, cause=ModeCause.FIRE)
    if kept is not None and (kept.until is None or at < kept.until):
        return kept
    return None


def mode_of(held: PointMode | None) -> DoorMode:
    return held.mode if held else DoorMode.LOCKED


def refusal(kind: CommandKind, binding: AccessPointBinding, held: PointMode | None) -> str:
    """Why this command is not done at this access point now; "" when it may be."""
    if held and held.cause is ModeCause.FIRE and kind in (*CLOSING, CommandKind.RELEASE):
        return "消防联动中，门保持开放，不能关闭；火警解除后门自动恢复原来的状态"
    if kind in CLOSING and binding.direction is Direction.OUT:
        return "这是出口，出门必须始终畅通，不能封锁或停用；请对入口一侧操作"
    shut = held is not None and held.mode is DoorMode.LOCKED_DOWN and binding.direction is not Direction.OUT
    if kind is CommandKind.MOMENTARY_ACCESS and held and shut:
        return f"门处于封锁（{held.actor}：{held.reason}）；请先“恢复正常”，再开门"
    return ""


def end_of(until: datetime | None, at: datetime, policy: EdgePolicy) -> datetime:
    """No mode lasts for ever: what names no end gets the estate's, what names one too far is cut to the longest."""
    if until is None:
        return at + timedelta(seconds=policy.mode_default_s)
    return min(until, at + timedelta(seconds=policy.mode_max_s))


def said(held: PointMode | None, before: PointMode | None) -> str:
    """One line for the door's event: what it is now and because of what."""
    if held is None:
        if before and before.cause is ModeCause.FIRE:
            return "消防联动解除，恢复正常"
        return f"“{NAMES[mode_of(before)]}”结束，恢复正常"
    if held.cause is ModeCause.FIRE:
        return "消防联动：门保持开放"
    back = "消防联动解除，恢复为" if before and before.cause is ModeCause.FIRE else ""
    return f"{back}{NAMES[held.mode]}：{held.actor}，{held.reason}"
