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


FACE_ZH = {
    "same": "人脸与持卡人一致",
    "different": "人脸与持卡人可能不一致（仅供核实，不影响通行）",
    "known": "按键求助者可能是已登记住户，请核实后由人决定是否开门",
    "unknown": "按键求助者不在同意人脸识别的住户中",
    "unseen": "人脸未能比对",
}
STALE_S = 30.0  # a picture this far from its event is not shown as one of it


class EventItem(BaseModel):
    """`id` is edge/epoch/seq. `at` is the best time; `device_at`, `received_at` and the offset stay as they were.

    `snapshot_taken_at`: when the picture was taken, by the edge's clock; `snapshot_proof`: by what that is known (none: by
    nothing); `snapshot_stale`: it is of another time than its event. `face`: what a look at the face said (`face_zh`).
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
    snapshot_taken_at: datetime | None = None
    snapshot_proof: str | None = None
    snapshot_stale: bool = False
    face: str | None = None
    face_zh: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as it is told: never without when it was taken and by what that is known."""

    sha256: str
    taken_at: datetime | None
    proof: str


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called; holders: token → (label, class)."""

    devices: Mapping[str, str] = field(default_factory=dict)
    access_points: Mapping[str, str] = field(default_factory=dict)
    dwellings: Mapping[str, str] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    pictures: Mapping[tuple[str, str, int], Shot] = field(default_factory=dict)
    faces: Mapping[tuple[str, str, int], tuple[str, str]] = field(default_factory=dict)


def to_item(row: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """`row` has the columns of `event`. A plain dictionary of EventItem's shape: live and search build the same."""
    body = msgspec.json.decode(row["data"])
    kind, reason = row["kind"], row["reason"]
    key = row["edge_id"], row["epoch"], row["seq"]
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
        **_picture(names.pictures.get(key), row["received_at"]),
        **_face(names.faces.get(key)),
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
        taken = body.get("taken_at")
        at = datetime.fromisoformat(taken) if taken else None
        item |= _picture(Shot(body.get("sha256", ""), at, body.get("proof", "none")), row["received_at"])
    elif kind == "face_check":
        item |= {**_face((row["outcome"] or "", body.get("text", ""))), "outcome": row["outcome"]}
    return item


def _picture(shot: Shot | None, event_at: datetime) -> dict[str, Any]:
    """By the edge's clock, as the picture's time is: a device's own time says nothing of how old a picture is."""
    if shot is None:
        return {"snapshot": None}
    stale = shot.taken_at is not None and abs((shot.taken_at - event_at).total_seconds()) > STALE_S
    return {
        "snapshot": shot.sha256,
        "snapshot_taken_at": shot.taken_at,
        "snapshot_proof": shot.proof,
        "snapshot_stale": stale,
    }


def _face(look: tuple[str, str] | None) -> dict[str, Any]:
    if look is None:
        return {"face": None}
    outcome, text = look
    said = FACE_ZH.get(outcome, outcome)
    return {"face": outcome, "face_zh": f"{said}（{text}）" if text else said}
