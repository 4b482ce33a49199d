"""(P) What the lease system is told: one JSON message a fact or decision, with an id that is the same on every delivery."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

SCHEMA = 1

KINDS_ZH = {
    "case.opened": "线索立案",
    "case.recheck_requested": "请求资格复核",
    "case.asked": "已请当事人说明",
    "case.answered": "当事人已说明",
    "case.visit": "转入户核查",
    "case.interview": "转约谈",
    "case.concluded": "认定会商同意",
    "case.noticed": "通知已签发",
    "case.served": "通知已送达",
    "case.defence": "当事人陈述申辩",
    "case.replied": "陈述申辩已答复",
    "case.hearing": "听证",
    "case.appeal": "当事人申诉",
    "case.referred": "已移送诉讼或申请强制执行",
    "case.rectified": "已整改或已交回",
    "case.withdrawn": "通知已撤销",
    "case.objection": "书面异议",
    "case.deadline": "案件期限提醒",
    "case.archived": "案件归档",
    "case.dismissed": "线索排除",
    "case.good_cause": "有正当理由",
    "case.closed_unproven": "未证实结案",
    "dwelling.handed_over": "已交付使用",
    "dwelling.moved_in": "已入住",
    "dwelling.moved_out": "已搬离",
    "dwelling.ready_to_relet": "可再次配租",
    "care.asked": "请求关怀探访",
    "care.answered": "关怀探访已答复",
    "dwelling.vacant_used": "空置房疑似使用",
    "lease.end_reminder": "租期届满提醒",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a message is about, in words the lease system knows: codes and its own tenancy number; never a name."""

    dwelling_id: str
    dwelling_code: str
    estate_code: str
    tenancy_source_id: str | None


@dataclass(frozen=True, slots=True)
class FeedMessage:
    """`id` is the idempotency key (8 to 200 characters); `body` canonical JSON, exactly the bytes that are signed."""

    id: str
    kind: str
    subject: str
    body: str


def message(kind: str, key: str, subject: Subject, at: datetime, content: Mapping[str, Any]) -> FeedMessage:
    """A message of `kind`; `key` makes it unique within its kind. `content` holds JSON values, dates and datetimes."""
    if kind not in KINDS_ZH:
        raise ValueError(f"unknown feed message {kind!r}")
    id = f"{kind}:{key}"
    body = {
        "schema": SCHEMA,
        "id": id,
        "kind": kind,
        "at": at,
        "estate_code": subject.estate_code,
        "dwelling_code": subject.dwelling_code,
        "tenancy_id": subject.tenancy_source_id,
        **content,
    }
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_text)
    return FeedMessage(id, kind, subject.dwelling_id, text)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not travel in the feed")
