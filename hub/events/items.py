"""An event as the console shows it: names and labels, never a person's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from hub.english.own_words import FACE_ZH, NOTES_ZH, REASONS_ZH, both, topic_zh
from hub.english.phrases import english

STALE_S = 30.0  # a picture this far from its event is not shown as one of it


class EventItem(BaseModel):
    """`id` is edge/epoch/seq. `at` is the best time; `device_at`, `received_at` and the offset stay as they were.

    `snapshot_taken_at`: when the picture was taken, by the edge's clock; `snapshot_proof`: by what that is known (none: by
    nothing); `snapshot_stale`: it is of another time than its event. `face`: what a look at the face said (`face_zh`).
    `text`: as the box or the device said it; beside it, as beside `topic` of what a box says of itself, the words to show.
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
    reason_en: str | None = None
    direction: str | None = None
    door_state: str | None = None
    door_alarm: str | None = None
    quantity: str | None = None
    value: float | None = None
    topic: str | None = None
    topic_zh: str | None = None
    topic_en: str | None = None
    text: str | None = None
    text_zh: str | None = None
    text_en: str | None = None
    snapshot: str | None = None
    snapshot_taken_at: datetime | None = None
    snapshot_proof: str | None = None
    snapshot_stale: bool = False
    face: str | None = None
    face_zh: str | None = None
    face_en: str | None = None


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
        **_text(body.get("text") or body.get("error")),
        **_picture(names.pictures.get(key), row["received_at"]),
        **_face(names.faces.get(key)),
    }
    if kind == "access":
        item |= {"outcome": row["outcome"], "direction": body.get("direction"), "reason": reason}
        item["reason_zh"] = REASONS_ZH.get(reason or "", reason)
        item["reason_en"] = english(item["reason_zh"] or "") or None
    elif kind == "door":
        item |= {"door_state": row["outcome"] or "unknown", "door_alarm": reason or "normal"}
    elif kind == "meter":
        item |= {"quantity": reason, "value": body.get("value")}
    elif kind == "camera":
        told = topic_zh(body.get("topic") or "")
        item |= {"topic": body.get("topic"), "topic_zh": told, "topic_en": english(told) if told else None}
    elif kind == "observation":
        item |= {"outcome": row["outcome"], "reason": reason, **both("reason", reason)}
    elif kind == "edge":
        what = body.get("what", "")
        told = NOTES_ZH.get(what, what)
        item |= {"topic": what, "topic_zh": told, "topic_en": english(told)}
    elif kind == "snapshot":
        taken = body.get("taken_at")
        at = datetime.fromisoformat(taken) if taken else None
        item |= _picture(Shot(body.get("sha256", ""), at, body.get("proof", "none")), row["received_at"])
    elif kind == "face_check":
        item |= {**_face((row["outcome"] or "", body.get("text", ""))), "outcome": row["outcome"]}
    return item


def _text(text: str | None) -> dict[str, Any]:
    return {"text": text, **both("text", text)} if text else {"text": None}


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
    if not text:
        return {"face": outcome, "face_zh": said, "face_en": english(said)}
    return {"face": outcome, "face_zh": f"{said}（{text}）", "face_en": f"{english(said)} ({english(text)})"}
