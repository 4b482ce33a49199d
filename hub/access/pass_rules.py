"""(P) What a pass may be: kinds, how long, which doors, and the words for it. No pass ever needs or keeps a face."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from device_drivers.contract.words import HolderClass

MAX_USES = 200
AHEAD = timedelta(days=90)  # how long before its beginning a pass may be issued


@dataclass(frozen=True, slots=True)
class PassKind:
    """`longest`: from begin to end. `renewable`: may be prolonged, each time up to `longest` from that day."""

    title_zh: str
    longest: timedelta
    holder_class: HolderClass
    renewable: bool = False
    needs_host: bool = True


KINDS: dict[str, PassKind] = {
    "visitor": PassKind("访客", timedelta(days=7), HolderClass.VISITOR),
    "repair": PassKind("维修", timedelta(days=7), HolderClass.CONTRACTOR, needs_host=False),
    "viewing": PassKind("看房", timedelta(days=1), HolderClass.VISITOR),
    "carer": PassKind("护理", timedelta(days=90), HolderClass.VISITOR, renewable=True),
    "regular_visitor": PassKind("常访", timedelta(days=90), HolderClass.VISITOR, renewable=True),
}
"""law_and_practice.md 4.1 P: regular visitors and carers up to 90 days, renewable; the short limits are the house's default."""

PROBLEMS_ZH: dict[str, str] = {
    "times_reversed": "结束时间须晚于开始时间。",
    "already_over": "结束时间已过，请重新选择。",
    "too_long": "超过该类通行证的最长期限：访客、维修7天，看房1天，护理、常访90天（可续期）。",
    "too_early": "开始时间太远，最多提前90天办理。",
    "host_missing": "请选择接待的房屋。",
    "order_missing": "维修通行证须填写报修单号。",
    "order_unwanted": "报修单号只用于维修通行证。",
    "doors_missing": "请至少选择一扇门；该范围内没有可用的门。",
    "door_elsewhere": "所选的门不在此通行证允许的范围内（小区大门、公共设施、所访楼栋单元门、所访房屋）。",
    "home_door": "住户自家房门只能由住户本人同意后开放，请勾选“住户已同意”。",
    "not_vacant": "该房屋已分配或有在租住户，不能办理看房通行证。",
    "no_household": "该房屋没有在租住户，请改办看房或维修通行证。",
    "hours_unwanted": "按时段通行只用于护理和常访通行证。",
    "not_renewable": "只有护理和常访通行证可以续期，其他请重新办理。",
}


@dataclass(frozen=True, slots=True)
class PassRequest:
    """What somebody asks for. `doors` empty: the usual way to the host (gates and the block's entrances).

    `schedule`: hours of the day, by its id (carers and regular visitors).
    """

    kind: str
    valid_from: datetime
    valid_to: datetime
    host: str | None = None
    doors: tuple[str, ...] = ()
    repair_order: str = ""
    host_agreed: bool = False
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class DoorPlace:
    door: str
    scope: str
    block: str | None
    dwelling: str | None


def time_problem(kind: str, valid_from: datetime, valid_to: datetime, now: datetime) -> str:
    """A code of PROBLEMS_ZH, or nothing."""
    if valid_to <= valid_from:
        return "times_reversed"
    if valid_to <= now:
        return "already_over"
    if valid_to - max(valid_from, now) > KINDS[kind].longest:
        return "too_long"
    return "too_early" if valid_from - now > AHEAD else ""


def problem(request: PassRequest, now: datetime, *, let: bool, promised: bool = False) -> str:
    """What stands against it before doors are looked at.

    `let`: the host dwelling has a live tenancy; `promised`: it is allocated to a household that has not moved in.
    """
    kind = KINDS[request.kind]
    if found := time_problem(request.kind, request.valid_from, request.valid_to, now):
        return found
    if request.kind == "repair" and not request.repair_order:
        return "order_missing"
    if request.kind != "repair" and request.repair_order:
        return "order_unwanted"
    if request.schedule and not kind.renewable:
        return "hours_unwanted"
    if request.host is None:
        return "host_missing" if kind.needs_host else ""
    if request.kind == "viewing":
        return "not_vacant" if let or promised else ""
    return "no_household" if not let and request.kind != "repair" else ""


def doors_of(
    request: PassRequest, places: Collection[DoorPlace], block: str | None, *, let: bool
) -> tuple[tuple[str, ...], str]:
    """(door ids, problem code). Only doors on the way to the host, and amenities by name; without a host any but a dwelling's.

    A let dwelling's own door opens to nobody without its household's word.
    """
    own = {p.door for p in places if p.scope == "dwelling" and p.dwelling == request.host and request.host}
    way = {
        p.door
        for p in places
        if p.scope == "estate" or (p.scope == "block" and (request.host is None or p.block == block))
    }
    if not request.doors:
        usual = way | (own if request.kind == "viewing" else set())
        if request.host is None:
            usual = {p.door for p in places if p.scope == "estate"}
        return tuple(sorted(usual)), "" if usual else "doors_missing"
    wanted = set(request.doors)
    amenities = {p.door for p in places if p.scope == "amenity" and p.block in (None, block)}
    if not wanted <= way | own | amenities:
        return (), "door_elsewhere"
    if wanted & own and let and not request.host_agreed:
        return (), "home_door"
    return tuple(sorted(wanted)), ""


def label_for(kind: str, block_name: str, number: str) -> str:
    """What a terminal may show: the kind and the host's house number, never a name."""
    shown = number.zfill(4) if number.isdigit() else number
    return f"{KINDS[kind].title_zh} · {block_name}-{shown}" if number else KINDS[kind].title_zh


def because_of(kind: str, dwelling_code: str, repair_order: str) -> str:
    """The reason of a pass's entitlement, as `explain` shows it."""
    order = f"，报修单 {repair_order}" if repair_order else ""
    host = f"，接待房屋 {dwelling_code}" if dwelling_code else ""
    return f"{KINDS[kind].title_zh}通行证{order}{host}"
