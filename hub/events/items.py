"""An event as the console shows it: names and labels, never a person's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

REASONS_ZH = {
    "unknown_credential": "未登记的卡或人脸",
    "not_yet_valid": "尚未到生效时间",
    "expired": "已过有效期",
    "out_of_schedule": "不在允许的时段",
    "wrong_access_point": "无权通行此门",
    "blocked": "凭证已停用",
    "locked_down": "门已封闭",
    "no_list": "边缘机尚未收到名单",
    "clock_unsure": "断电后时间未校准，访客暂不放行",
    "used_up": "通行证的次数已用完",
    "code_expired": "手机二维码已过期，请在页面上刷新后再试",
    "code_used": "这个二维码已在此门用过，请等页面换新码",
    "too_many_tries": "键盘连续输错，暂停输入密码；刷卡、扫码、刷脸不受影响",
    "not_taken": "已放行但未通过",
}


class EventItem(BaseModel):
    """`id` is edge/epoch/seq. `at` is the best time; `device_at`, `received_at` and the offset stay as they were.

    `holder` is the credential's label ("1号楼-0101 · 成员2"). `late`: replayed or imported, not seen live.
    """

    id: str
    kind: str
    at: datetime
    device_at: datetime | None = None
    received_at: datetime
    clock_offset_s: float | None = None
    late: bool = False
    device_id: str = ""
    device_name: str = ""
    access_point_id: str | None = None
    access_point_name: str | None = None
    dwelling_id: str | None = None
    dwelling_number: str | None = None
    holder: str | None = None
    holder_class: str | None = None
    identifier: str | None = None
    outcome: str | None = None
    reason: str | None = None
    reason_zh: str | None = None
    direction: str | None = None
    door_state: str | None = None
    door_alarm: str | None = None
    quantity: str | None = None
    value: float | None = None
    topic: str | None = None
    text: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called; holders: token → (label, class)."""

    devices: Mapping[str, str] = field(default_factory=dict)
    access_points: Mapping[str, str] = field(default_factory=dict)
    dwellings: Mapping[str, str] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    pictures: Mapping[tuple[str, str, int], str] = field(default_factory=dict)


def to_item(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """`row` has the columns of `event`. A plain dictionary of EventItem's shape: live and search build the same."""
    body = msgspec.json.decode(row["data"])
    kind, reason = row["kind"], row["reason"]
    label, holder_class = names.holders.get(row["credential"] or "", (None, None))
    item = {
        "id": f"{row['edge_id']}/{row['epoch']}/{row['seq']}",
        "kind": kind,
        "at": row["at"],
        "device_at": row["device_at"],
        "received_at": row["received_at"],
        "clock_offset_s": row["clock_offset_s"],
        "late": row["late"],
        "device_id": row["device_id"],
        "device_name": names.devices.get(row["device_id"], row["device_id"]),
        "access_point_id": row["access_point_id"],
        "access_point_name": names.access_points.get(row["access_point_id"] or ""),
        "dwelling_id": row["dwelling_id"],
        "dwelling_number": names.dwellings.get(row["dwelling_id"] or ""),
        "holder": label,
        "holder_class": holder_class,
        "identifier": row["identifier"],
        "text": body.get("text") or body.get("error") or None,
        "snapshot": names.pictures.get((row["edge_id"], row["epoch"], row["seq"])),
    }
    if kind == "access":
        item |= {"outcome": row["outcome"], "direction": body.get("direction"), "reason": reason}
        item["reason_zh"] = REASONS_ZH.get(reason or "", reason)
    elif kind == "door":
        item |= {"door_state": row["outcome"] or "unknown", "door_alarm": reason or "normal"}
    elif kind == "meter":
        item |= {"quantity": reason, "value": body.get("value")}
    elif kind == "camera":
        item["topic"] = body.get("topic")
    elif kind == "observation":
        item |= {"outcome": row["outcome"], "reason": reason}
    elif kind == "edge":
        item["topic"] = body.get("what")
    elif kind == "snapshot":
        item["snapshot"] = body.get("sha256")
    return item
