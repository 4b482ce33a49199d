"""(P) What a role may be and open. Never a dwelling's door: a home opens by its household's word alone (visitor's pass)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from device_drivers.contract.words import HolderClass
from hub.access.pass_rules import DoorPlace

SCOPES = ("estate", "block", "amenity")
CLASSES = (HolderClass.STAFF.value, HolderClass.CONTRACTOR.value)
CONTRACTOR_LONGEST = timedelta(days=366)
AHEAD = timedelta(days=90)
PROBLEMS_ZH: dict[str, str] = {
    "doors_missing": "请为该岗位选择至少一种门（小区大门、单元门、公共设施）。",
    "door_elsewhere": "所选的门不在本小区，请重新选择。",
    "home_door": "岗位不能开启住户房门：入户须由住户同意，请办理维修或访客通行证。",
    "block_elsewhere": "所选的楼栋不在本小区，请重新选择。",
    "times_reversed": "结束时间须晚于开始时间。",
    "already_over": "结束时间已过，请重新选择。",
    "too_early": "开始时间太远，最多提前90天办理。",
    "end_missing": "外来服务人员（承包商）须填写合同结束时间，最长一年，到期可续办。",
    "too_long": "外来服务人员最长一年，到期请续办。",
}


def role_problem(
    scopes: Collection[str], blocks: Collection[str], doors: Collection[str], places: Collection[DoorPlace]
) -> str:
    """A code of PROBLEMS_ZH, or nothing. `places`: all doors of the estate."""
    known = {p.door: p for p in places}
    if not scopes and not doors:
        return "doors_missing"
    if not set(doors) <= known.keys():
        return "door_elsewhere"
    if any(known[d].scope == "dwelling" for d in doors) or "dwelling" in scopes:
        return "home_door"
    return "" if set(blocks) <= {p.block for p in places if p.block} else "block_elsewhere"


def doors_of(
    scopes: Iterable[str], blocks: Collection[str], doors: Iterable[str], places: Iterable[DoorPlace]
) -> tuple[str, ...]:
    """The doors a role opens today, sorted: doors added to the estate later are among them."""
    scopes, doors = set(scopes), set(doors)
    return tuple(
        sorted(
            p.door
            for p in places
            if p.scope in SCOPES
            and (p.door in doors or (p.scope in scopes and (p.block is None or not blocks or p.block in blocks)))
        )
    )


def assignment_problem(holder_class: str, valid_from: datetime, valid_to: datetime | None, now: datetime) -> str:
    """A code of PROBLEMS_ZH, or nothing. Own staff may be without an end; a contractor's contract has one."""
    if valid_from - now > AHEAD:
        return "too_early"
    if valid_to is None:
        return "end_missing" if holder_class == HolderClass.CONTRACTOR else ""
    if valid_to <= valid_from:
        return "times_reversed"
    if valid_to <= now:
        return "already_over"
    too_long = holder_class == HolderClass.CONTRACTOR and valid_to - max(valid_from, now) > CONTRACTOR_LONGEST
    return "too_long" if too_long else ""


def label_for(name: str) -> str:
    """What a terminal may show: the role, never the name."""
    return f"工作人员 · {name}"


def because_of(name: str, organisation: str, since: datetime, zone: str) -> str:
    """岗位 保洁（物业公司甲），2026-01-01 起."""
    employer = f"（{organisation}）" if organisation else ""
    return f"岗位 {name}{employer}，{since.astimezone(ZoneInfo(zone)).date().isoformat()} 起"
