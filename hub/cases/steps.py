"""(P) The steps of a case as data: in which states, to which state, with which form. What is not here cannot be done in a case.

No step has a field for access, credentials, services, publication or anybody outside the case, and none ever gets one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.cases import reasons
from hub.cases.forms import Field, choice, day, text, yes_no
from hub.cases.states import BEFORE_NOTICE, INQUIRY, LIVE, NOTICES, State

DECIDE = "case.decide"
S = State


class Action(StrEnum):
    RECHECK = "recheck"
    REVIEWED = "reviewed"
    ASK = "ask"
    ANSWER = "answer"
    VISIT = "visit"
    VISITED = "visited"
    INTERVIEW = "interview"
    INTERVIEWED = "interviewed"
    HARDSHIP = "hardship"
    PROPOSE = "propose"
    AGREE = "agree"
    DISAGREE = "disagree"
    SIGN = "sign"
    SERVED = "served"
    DEFENCE = "defence"
    REPLY = "reply"
    HEARING_REQUESTED = "hearing_requested"
    HEARING_HELD = "hearing_held"
    APPEAL = "appeal"
    APPEAL_DECIDED = "appeal_decided"
    COMPLIED = "complied"
    REFER = "refer"
    OBJECTION = "objection"
    GOOD_CAUSE = "good_cause"
    DISMISS = "dismiss"
    WITHDRAW = "withdraw"
    NOTE = "note"
    ARCHIVE = "archive"


class Step(StrEnum):
    """The rungs of the ladder (catalogue 4.0) on which an action stands."""

    RECORD = "A0"
    MESSAGE = "A1"
    VISIT = "A3"
    INTERVIEW = "A4"
    NOTICE = "A5"
    FILE = "A6"


@dataclass(frozen=True, slots=True)
class ActionRule:
    """`to` None: the state stays. `ends`: the case is closed by it; asked twice on the screen. `evidence`: new facts, so the time
    after which a case ends by itself starts anew. `opinion_zh`: what the written part is.
    """

    label_zh: str
    allowed_in: frozenset[State]
    to: State | None = None
    reason_codes: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    opinion_zh: str = "书面意见"
    ends: bool = False
    evidence: bool = False
    feed: str | None = None
    step: Step = Step.RECORD
    permission: str = DECIDE


AGAINST_NOTICE = frozenset({S.NOTICED, S.DELIBERATION, S.CONCLUDED})
"""A notice may stand in these: also while two people consider a heavier one the household speaks against it and is answered."""

KEPT = {"upheld": "维持", "withdrawn": "撤销"}
HARDSHIP = {
    "lone_elderly": "是否独居或孤寡老人",
    "disabled": "是否有残疾人",
    "minors": "是否有未成年人",
    "illness": "是否有重病、精神障碍或孕产期人员",
    "victim": "是否可能受他人控制、胁迫或遭受家庭暴力",
}
SCREEN_CHOICES = {"no": "没有", "yes": "有", "unknown": "尚未查明"}
CHANNELS = {"phone": "电话", "message": "短信或站内消息", "letter": "书面信函", "in_person": "当面"}
WRITTEN = frozenset({"message", "letter"})
"""Channels of what is asked in writing."""

SERVICE = {"direct": "直接送达", "post": "邮寄送达", "left": "留置送达（有见证人）", "electronic": "经同意的电子送达"}
ROUTES = {"civil": "向法院起诉（合同解除、到期）", "enforcement": "申请法院强制执行（行政决定）"}
VISIT_TIME = {"workday": "工作日白天", "evening": "工作日夜间", "weekend": "周末或节假日"}
VISIT_RESULTS = {
    "lives_here": "本户实际居住",
    "nobody": "无人应门",
    "not_admitted": "未同意入户",
    "empty": "成年家庭成员在场，屋内无居住迹象",
    "others": "成年家庭成员在场，另有他人居住",
}
CONCLUSIONS = {**NOTICES, "good_cause": "有正当理由", "unproven": "未证实"}

ACTIONS: dict[Action, ActionRule] = {
    Action.RECHECK: ActionRule(
        "转复核", frozenset({S.OPEN}), S.RECHECK_REQUESTED, reasons.RECHECK, feed="case.recheck_requested"
    ),
    Action.REVIEWED: ActionRule(
        "数据复核结论",
        frozenset({S.RECHECK_REQUESTED, S.ASKED}),
        fields=(
            yes_no("devices_sound", "期间门禁和表计设备正常、时钟准确"),
            yes_no("register_current", "承租人、共住人和出入凭证登记无误"),
            yes_no("absence_checked", "已查离家报备、住院和调换办理记录"),
            yes_no("signals_hold", "线索所依据的数据成立"),
        ),
        opinion_zh="复核情况",
    ),
    Action.ASK: ActionRule(
        "请当事人说明",
        frozenset({S.OPEN, S.RECHECK_REQUESTED, S.ASKED}),
        S.ASKED,
        fields=(choice("channel", "联系方式", CHANNELS),),
        opinion_zh="发出的内容（中性询问，不作指责）",
        feed="case.asked",
        step=Step.MESSAGE,
    ),
    Action.ANSWER: ActionRule(
        "记录当事人说明",
        LIVE,
        reason_codes=reasons.ANSWER,
        fields=(
            choice("said_by", "说明人", {"lessee": "承租人", "member": "家庭成员", "agent": "代理人"}),
            choice("channel", "方式", CHANNELS),
            day("said_on", "说明日期", "past"),
            day("away_from", "自述离家起始", required=False, help_zh="说明了离家的，填写后记为报备，报备期内不计天数"),
            day("away_until", "自述返回", required=False),
        ),
        opinion_zh="当事人原话",
        evidence=True,
        feed="case.answered",
    ),
    Action.VISIT: ActionRule(
        "转入户核查", INQUIRY - {S.VISIT, S.INTERVIEW}, S.VISIT, feed="case.visit", step=Step.VISIT
    ),
    Action.VISITED: ActionRule(
        "入户核查记录",
        frozenset({S.VISIT, S.INTERVIEW}),
        fields=(
            day("visited_on", "核查日期", "past"),
            choice("time", "时段", VISIT_TIME),
            text("first_staff", "核查人员一", most=40),
            text("second_staff", "核查人员二", most=40),
            yes_no("shown_id", "已出示工作证件"),
            yes_no("adult_present", "有成年家庭成员在场"),
            choice("result", "结果", VISIT_RESULTS),
        ),
        opinion_zh="核查情况（不拍摄住宅内部）",
        evidence=True,
        step=Step.VISIT,
    ),
    Action.INTERVIEW: ActionRule(
        "转约谈",
        frozenset({S.VISIT, S.ASKED}),
        S.INTERVIEW,
        fields=(day("on", "约谈日期", "future"), text("place", "约谈地点", most=100)),
        feed="case.interview",
        step=Step.INTERVIEW,
    ),
    Action.INTERVIEWED: ActionRule(
        "约谈记录",
        frozenset({S.INTERVIEW}),
        fields=(
            day("held_on", "约谈日期", "past"),
            choice("came", "当事人是否到场", {"yes": "到场", "agent": "代理人到场", "no": "未到场"}),
        ),
        opinion_zh="约谈笔录",
        evidence=True,
        step=Step.INTERVIEW,
    ),
    Action.HARDSHIP: ActionRule(
        "困难情况筛查",
        LIVE,
        fields=(
            *(choice(name, label, SCREEN_CHOICES) for name, label in HARDSHIP.items()),
            text("measures", "帮扶与缓办措施", required=False, help_zh="有任何一项为“有”时必填"),
        ),
        opinion_zh="了解的方式和情况",
    ),
    Action.PROPOSE: ActionRule(
        "提请认定会商",
        frozenset({S.VISIT, S.INTERVIEW, S.NOTICED}),
        S.DELIBERATION,
        reason_codes=reasons.GROUNDS,
        fields=(
            choice("conclusion", "拟定结论", CONCLUSIONS),
            text("facts", "认定的事实", most=2000),
            text("against", "对当事人有利的情况及其考虑", most=2000),
            yes_no("electronic", "以门禁、表计记录作为认定依据", help_zh="须设备审核材料齐备（行政处罚法第四十一条）"),
        ),
    ),
    Action.AGREE: ActionRule("会商同意", frozenset({S.DELIBERATION}), S.CONCLUDED, opinion_zh="会商意见"),
    Action.DISAGREE: ActionRule(
        "不同意，退回复核", frozenset({S.DELIBERATION, S.CONCLUDED}), S.RECHECK_REQUESTED, opinion_zh="会商意见"
    ),
    Action.SIGN: ActionRule(
        "签发通知",
        frozenset({S.CONCLUDED}),
        S.NOTICED,
        fields=(
            text("number", "文号", most=60),
            text("signer", "签发人姓名、职务", most=60),
            day("deadline", "期限届满日", "future"),
        ),
        opinion_zh="通知要点（事实、理由、依据、陈述申辩和申诉的权利）",
        feed="case.noticed",
        step=Step.NOTICE,
    ),
    Action.SERVED: ActionRule(
        "送达回证",
        frozenset({S.NOTICED}),
        fields=(
            day("served_on", "送达日期", "past"),
            choice("method", "送达方式", SERVICE),
            text("receiver", "签收人", most=40),
        ),
        opinion_zh="送达情况",
        feed="case.served",
        step=Step.NOTICE,
    ),
    Action.DEFENCE: ActionRule(
        "记录陈述申辩",
        AGAINST_NOTICE,
        fields=(day("said_on", "陈述日期", "past"),),
        opinion_zh="陈述申辩内容",
        evidence=True,
        feed="case.defence",
    ),
    Action.REPLY: ActionRule(
        "复核陈述申辩并答复",
        AGAINST_NOTICE,
        fields=(choice("outcome", "答复", {**KEPT, "lighter": "改为限期整改"}),),
        opinion_zh="复核意见和答复",
        feed="case.replied",
    ),
    Action.HEARING_REQUESTED: ActionRule(
        "当事人要求听证",
        frozenset({S.NOTICED}),
        fields=(
            day("asked_on", "提出日期", "past"),
            day("on", "听证日期", "future", help_zh="须提前七个工作日通知当事人"),
        ),
        opinion_zh="要求与安排",
        feed="case.hearing",
    ),
    Action.HEARING_HELD: ActionRule(
        "听证笔录与结果",
        frozenset({S.NOTICED}),
        fields=(
            day("held_on", "听证日期", "past"),
            text("chair", "主持人（非本案人员）", most=40),
            choice("outcome", "结果", KEPT),
        ),
        opinion_zh="听证笔录",
        evidence=True,
        feed="case.hearing",
    ),
    Action.APPEAL: ActionRule(
        "记录当事人申诉",
        AGAINST_NOTICE | {S.REFERRED, S.RECTIFIED},
        fields=(day("appealed_on", "申诉日期", "past"),),
        opinion_zh="申诉内容",
        evidence=True,
        feed="case.appeal",
    ),
    Action.APPEAL_DECIDED: ActionRule(
        "申诉复核结果",
        frozenset(State) - {S.ARCHIVED},
        fields=(choice("outcome", "结果", KEPT),),
        opinion_zh="申诉复核意见",
        feed="case.appeal",
    ),
    Action.COMPLIED: ActionRule(
        "已整改或已交回",
        frozenset({S.NOTICED, S.REFERRED}),
        S.RECTIFIED,
        fields=(day("done_on", "完成日期", "past"),),
        ends=True,
        feed="case.rectified",
    ),
    Action.REFER: ActionRule(
        "移送诉讼或申请强制执行",
        frozenset({S.NOTICED}),
        S.REFERRED,
        fields=(
            choice("route", "途径", ROUTES),
            text("reminder_number", "催告书文号", most=60),
            day("reminded_on", "催告书送达日期", "past"),
        ),
        feed="case.referred",
        step=Step.FILE,
    ),
    Action.OBJECTION: ActionRule(
        "书面异议",
        LIVE,
        fields=(
            choice("article", "依据", {"718": "民法典第718条（转租异议）", "734": "民法典第734条（到期异议）"}),
            text("number", "文号", most=60),
            day("sent_on", "发出日期", "past"),
        ),
        opinion_zh="异议内容",
        feed="case.objection",
    ),
    Action.GOOD_CAUSE: ActionRule(
        "认定有正当理由",
        BEFORE_NOTICE - {S.DELIBERATION},
        S.GOOD_CAUSE,
        reasons.GOOD_CAUSE,
        ends=True,
        feed="case.good_cause",
    ),
    Action.DISMISS: ActionRule(
        "排除线索", BEFORE_NOTICE - {S.DELIBERATION}, S.DISMISSED, reasons.DISMISS, ends=True, feed="case.dismissed"
    ),
    Action.WITHDRAW: ActionRule(
        "撤销通知", frozenset({S.NOTICED, S.REFERRED}), S.WITHDRAWN, ends=True, feed="case.withdrawn"
    ),
    Action.NOTE: ActionRule("记录", LIVE, reason_codes=reasons.NOTE, opinion_zh="记录内容"),
    Action.ARCHIVE: ActionRule(
        "归档",
        frozenset({S.DISMISSED, S.GOOD_CAUSE, S.CLOSED_UNPROVEN, S.RECTIFIED, S.WITHDRAWN, S.REFERRED}),
        S.ARCHIVED,
        fields=(text("archive_number", "档案号", most=60),),
        opinion_zh="归档说明",
        feed="case.archived",
    ),
}

ACTIONS_ZH = {
    **{action.value: rule.label_zh for action, rule in ACTIONS.items()},
    "opened": "立案（系统线索）",
    "stage_changed": "线索等级变化",
    "kind_changed": "并入另一类线索，案件类别随之变化",
    "facts_gone": "线索事实消失",
    "facts_back": "线索事实再次出现",
    "closed_unproven": "结案：未证实",
    "lease_decision": "租赁系统回传",
    "household_statement": "当事人在线说明（租赁系统转来）",
    "household_appeal": "当事人在线申诉（租赁系统转来）",
    "reminder": "期限提醒",
    "pack_made": "生成证据包",
}
