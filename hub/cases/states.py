"""(P) The states of a case. None has an effect on anybody's access, and none is more than people have said by name."""

from __future__ import annotations

from enum import StrEnum

from hub.occupancy.catalogue import SAME_QUESTION


class State(StrEnum):
    OPEN = "open"
    RECHECK_REQUESTED = "recheck_requested"
    ASKED = "asked"
    VISIT = "visit"
    INTERVIEW = "interview"
    DELIBERATION = "deliberation"
    CONCLUDED = "concluded"
    NOTICED = "noticed"
    REFERRED = "referred"
    DISMISSED = "dismissed"
    GOOD_CAUSE = "good_cause"
    CLOSED_UNPROVEN = "closed_unproven"
    RECTIFIED = "rectified"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"


STATES_ZH = {
    State.OPEN: "线索待初筛",
    State.RECHECK_REQUESTED: "数据复核中",
    State.ASKED: "待当事人说明",
    State.VISIT: "入户核查中",
    State.INTERVIEW: "约谈中",
    State.DELIBERATION: "认定会商，待第二人",
    State.CONCLUDED: "会商同意，待签发",
    State.NOTICED: "已签发，送达与陈述申辩",
    State.REFERRED: "已移送（诉讼或申请强制执行）",
    State.DISMISSED: "已排除",
    State.GOOD_CAUSE: "有正当理由",
    State.CLOSED_UNPROVEN: "未证实（已结）",
    State.RECTIFIED: "已整改或已交回",
    State.WITHDRAWN: "已撤销",
    State.ARCHIVED: "已归档",
}

INQUIRY = frozenset({State.OPEN, State.RECHECK_REQUESTED, State.ASKED, State.VISIT, State.INTERVIEW})
"""Facts are being found out: these end by themselves when nothing supports them any more."""

BEFORE_NOTICE = INQUIRY | {State.DELIBERATION, State.CONCLUDED}
LIVE = BEFORE_NOTICE | {State.NOTICED, State.REFERRED}
CLOSED = frozenset(State) - LIVE
NOTICES = {"rectify": "限期整改", "terminate": "解除租赁合同", "vacate": "限期腾退"}
"""What a notice may say, from the lightest to the heaviest."""

KINDS_ZH = {
    "vacancy": "疑似空置",
    "not_moved_in": "疑似未入住",
    "sublet": "疑似转租转借",
    "vacant_used": "空置房疑似使用",
}
OTHERS = "sublet"
WHO_LIVES_THERE = SAME_QUESTION | {OTHERS}
"""Kinds of cases that ask it."""

CASE_STAGES = ("yellow", "orange", "red")
