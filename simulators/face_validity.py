"""Whether an entry of the terminal's list opens the door now: the terminal decides alone, by its own clock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
UNLIMITED = 0xFFFF


class Verdict(StrEnum):
    """What the entry says: allow, not now (outside its hours or not begun), over (expired or used up), blocked."""

    ALLOW = "allow"
    NOT_NOW = "not_now"
    OVER = "over"
    BLOCKED = "blocked"


def parse_local(text: object) -> datetime | None:
    """Device local time, with a space or a T; None for "", zeros and nonsense."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.strptime(text.strip().replace("T", " "), TIME_FORMAT)  # noqa: DTZ007 - local by definition
    except ValueError:
        return None


def as_int(value: object, default: int) -> int:
    """Numbers arrive as numbers or as strings; anything else is the default."""
    try:
        return int(str(value))
    except ValueError:
        return default


def judge(fields: Mapping[str, Any], profile: str, now: datetime) -> Verdict:
    """``now`` is the device's naive local time; ``profile`` "camera" or "access_terminal" chooses the field names."""
    if as_int(fields.get("personType"), 0) == 1:
        return Verdict.BLOCKED
    if profile == "camera":
        return _judge_camera(fields, now)
    return _judge_terminal(fields, now)


def _judge_camera(fields: Mapping[str, Any], now: datetime) -> Verdict:
    if as_int(fields.get("tempValid"), 0) == 0:
        return Verdict.ALLOW
    if as_int(fields.get("effectNumber"), UNLIMITED) <= 0:
        return Verdict.OVER
    return _in_period(parse_local(fields.get("validBegin")), parse_local(fields.get("validEnd")), now)


def _judge_terminal(fields: Mapping[str, Any], now: datetime) -> Verdict:
    kind = as_int(fields.get("tempCardType"), 0)
    begin, end = parse_local(fields.get("cardValidBegin")), parse_local(fields.get("cardValidEnd"))
    if kind in (3, 4) and as_int(fields.get("EffectNumber"), 0) <= 0:
        return Verdict.OVER
    if kind == 1:
        return _in_period(begin, end, now)
    if kind in (2, 4):
        return _in_daily_period(begin, end, now)
    return Verdict.ALLOW


def _in_period(begin: datetime | None, end: datetime | None, now: datetime) -> Verdict:
    if end is not None and now > end:
        return Verdict.OVER
    if begin is not None and now < begin:
        return Verdict.NOT_NOW
    return Verdict.ALLOW


def _in_daily_period(begin: datetime | None, end: datetime | None, now: datetime) -> Verdict:
    if begin is None or end is None:
        return Verdict.ALLOW
    overnight = begin.time() > end.time()
    if now.date() > end.date() or (now.date() == end.date() and now > end):
        return Verdict.OVER
    if now < begin:
        return Verdict.NOT_NOW
    clock = now.time()
    inside = clock >= begin.time() or clock <= end.time() if overnight else begin.time() <= clock <= end.time()
    return Verdict.ALLOW if inside else Verdict.NOT_NOW


def use_once(fields: Mapping[str, Any], profile: str) -> dict[str, Any] | None:
    """The entry after one use when uses are counted, else None."""
    counted = (
        as_int(fields.get("tempValid"), 0) == 1
        if profile == "camera"
        else str(fields.get("tempCardType", 0)) in ("3", "4")
    )
    key = "effectNumber" if profile == "camera" else "EffectNumber"
    left = as_int(fields.get(key), UNLIMITED)
    if not counted or left >= UNLIMITED:
        return None
    return {**fields, key: left - 1}
