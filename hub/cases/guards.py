"""(P) What must have happened before a step may be taken. Each says what is missing, in words for the official.

Being in hardship only ever gives a household more time; nothing here asks for a face, an age or an origin.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from hub.cases.calendar import is_workday, months_after, workdays_after
from hub.cases.record import Notice, Record
from hub.cases.states import NOTICES, State
from hub.cases.steps import Action
from hub.occupancy.contacts import CONTACT_CODES

ASK_AGAIN = timedelta(days=7)
"""No household is written to more often about a case (Civil Code 1033: no harassment by messages)."""

SCREENING_HOLDS = timedelta(days=90)
HEARING_NOTICE_WORKDAYS = 7
"""Administrative Penalty Law art. 64 with art. 85: seven working days before."""

TRIES_IN_VAIN, TRIES_OFF_HOURS = 4, 1
REMINDER_DAYS = REMINDER_WORKDAYS = 10
"""From the service of the written reminder on. Before an application for enforcement they are working days (Administrative
Compulsion Law art. 54 with art. 69)."""

ACCUSING = re.compile("违规|违法|违约|骗|黑名单|清退|腾退|收回|处罚|罚款|起诉|转租|转借|闲置|空置|限期|举报|人脸|监控")
"""A first question does not accuse, threaten or show what was recorded."""

UNANSWERED_ZH = "当事人的陈述申辩、听证或申诉尚未办结，请先办结。"
ADULT_NEEDED = frozenset({"empty", "others"})


@dataclass(frozen=True, slots=True)
class Context:
    """A case as a guard looks at it. `household`: somebody has a tenancy there; `ended`: the one of the case is over.
    `devices_reviewed`: the records' devices passed the review that Administrative Penalty Law art. 41 asks for.
    `appointments_per_month`, `idle_months`: of the place's policy; `idle_since`: the first day of the idleness in a row that the
    lead speaks of."""

    kind: str
    stage: str
    state: State
    record: Record
    actor: str
    today: date
    household: bool = True
    ended: bool = False
    devices_reviewed: bool = False
    appointments_per_month: int | None = None
    idle_since: date | None = None
    idle_months: int | None = None


Fields = Mapping[str, str]
"""What was filled in, with `reason_code` and `opinion`."""

Guard = Callable[[Context, Fields | None], str | None]
"""None: it may go on. `fields` None: the form is not filled in yet."""


def was_heard(record: Record, today: date) -> bool:
    """The household spoke; or it was asked in writing, its time is over, and it was sought on four days, once in person out of
    hours."""
    if record.heard:
        return True
    until = record.answer_until
    sought = record.tries >= TRIES_IN_VAIN and record.off_hours_tries >= TRIES_OFF_HOURS
    return record.asked_in_writing and until is not None and today > until and sought


ENDED_ZH = "本案承租家庭的租约已经结束，不能再到现住户家询问或核查；请排除线索、按约结案，或继续办理已签发的通知。"


def ask(c: Context, fields: Fields | None) -> str | None:
    if c.ended:
        return ENDED_ZH
    if not c.household:
        return "该房屋目前没有承租家庭，无需询问；请直接转入户核查。"
    if c.state is State.OPEN and c.stage != "yellow":
        return "橙色、红色线索须先“转复核”，数据复核后再请当事人说明。"
    if c.state is State.RECHECK_REQUESTED and not c.record.reviewed:
        return "请先填写“数据复核结论”，且设备正常、数据成立；数据不成立的，请排除线索。"
    if c.record.asked_on and c.today - c.record.asked_on[-1] < ASK_AGAIN:
        return "距上次联系不足7天，请勿频繁打扰；届时再发。"
    if fields is not None and (found := ACCUSING.search(fields["opinion"])):
        return f"询问须中性，不作指责。请改写含“{found.group()}”的句子，或采用所附文本。"
    return None


def visit(c: Context, fields: Fields | None) -> str | None:
    if c.ended:
        return ENDED_ZH
    if not c.household:
        return None
    if c.state is State.OPEN:
        return "请先“转复核”，数据复核后再请当事人说明、入户核查。"
    if not c.record.reviewed:
        return "请先填写“数据复核结论”，且设备正常、数据成立；数据不成立的，请排除线索。"
    return _asked_first(c)


def _asked_first(c: Context) -> str | None:
    until = c.record.answer_until
    if until is None:
        return "请先“请当事人说明”：先询问，再上门。"
    if c.record.answered_on is None and c.today <= until:
        return f"当事人的说明期至{until.isoformat()}，期满或收到说明后再进行。"
    return None


def visited(c: Context, fields: Fields | None) -> str | None:
    if fields is None:
        return None
    if fields["first_staff"] == fields["second_staff"]:
        return "入户核查须由两名不同的工作人员进行。"
    if fields["shown_id"] != "yes":
        return "未出示工作证件的核查不能记为入户核查，请用“记录”。"
    if c.record.first_asked and date.fromisoformat(fields["visited_on"]) < c.record.first_asked:
        return f"核查日期不能早于询问当事人之日（{c.record.first_asked.isoformat()}）：先询问，再上门。"
    if (fields["time"] == "weekend") == is_workday(date.fromisoformat(fields["visited_on"])):
        return "所选时段与核查日期不符：周末、节假日请选“周末或节假日”，工作日（含调休上班日）请选“工作日”。"
    if fields["result"] in ADULT_NEEDED and fields["adult_present"] != "yes":
        return "没有成年家庭成员在场不得入户，这一结果不能采用。"
    return _appointments(c, date.fromisoformat(fields["visited_on"]))


def note(c: Context, fields: Fields | None) -> str | None:
    kind = CONTACT_CODES.get(fields["reason_code"]) if fields else None
    return _appointments(c, c.today) if kind is not None and kind.in_person else None


def _appointments(c: Context, on: date) -> str | None:
    """Where the place's rule has so many visits a month, more in one month are neither arranged nor counted."""
    most = c.appointments_per_month
    if most is None or sum((day.year, day.month) == (on.year, on.month) for day in c.record.appointments) < most:
        return None
    return f"当地规定每月预约入户{most}次，{on.year}年{on.month}月已满；请改在下月进行，不要集中上门。"


def interview(c: Context, fields: Fields | None) -> str | None:
    if not c.household:
        return "该房屋目前没有承租家庭，不能约谈。"
    if c.record.visits == 0:
        return "请先入户核查至少一次。"
    return _asked_first(c)


def interviewed(c: Context, fields: Fields | None) -> str | None:
    """Who is not there before the day is not absent."""
    on = c.record.interview_on
    if fields and fields["came"] == "no" and on and date.fromisoformat(fields["held_on"]) < on:
        return f"约谈定在{on.isoformat()}，此前不能记为“未到场”。"
    since = c.record.state_since
    if fields and since and date.fromisoformat(fields["held_on"]) < since:
        return f"约谈日期不能早于转约谈之日（{since.isoformat()}）。"
    return None


def propose(c: Context, fields: Fields | None) -> str | None:
    if not c.household:
        return "该房屋目前没有承租家庭，请以“排除线索”或“认定有正当理由”结案。"
    if c.state is State.NOTICED and (problem := _again(c)):
        return problem
    if not was_heard(c.record, c.today):
        return (
            "须先听取当事人说明；或已书面询问（短信、站内消息或信函）、期满未答，"
            "并在询问后的四个不同日期联系未果（其中至少一次在夜间或周末上门）。"
        )
    if fields is None:
        return None
    if (fields["conclusion"] in NOTICES) != (fields["reason_code"] != "G_NONE"):
        return "拟定结论与认定依据不一致：整改、解除、腾退须有法定情形；“未证实”“有正当理由”请选“不成立或有正当理由”。"
    if fields["conclusion"] not in NOTICES:
        return None
    ground, electronic = fields["reason_code"], fields.get("electronic") == "yes"
    return _ground(c, ground, electronic) or _vanished(c, electronic) or _months(c, ground) or _screened(c)


def _again(c: Context) -> str | None:
    notice = c.record.notice
    if notice is None or notice.conclusion != "rectify" or c.today <= notice.until:
        return "只有限期整改期满仍未整改的，才可再次提请会商。"
    return _settled(c)


def _ground(c: Context, ground: str, electronic: bool) -> str | None:
    if c.stage == "yellow":
        return "黄色线索只能询问，不能据此作出整改、解除或腾退的结论。"
    if not electronic:
        return None
    if not c.devices_reviewed:
        return "门禁、表计的审核材料不齐，其记录不得作为认定依据（行政处罚法第四十一条）。请补齐或改选“否”。"
    if ground == "G_IDLE" and c.stage != "red":
        return "记录尚未达到当地规定的闲置期限（红色），不能以门禁、表计记录认定闲置。"
    return None


def _vanished(c: Context, electronic: bool) -> str | None:
    """Records whose facts are gone carry nothing until people have looked at them again."""
    gone = c.record.facts_gone_on
    if not electronic or gone is None or c.record.gone_reviewed:
        return None
    return f"线索事实已于{gone.isoformat()}消失，此后未经数据复核，门禁、表计记录不得作为认定依据；请改选“否”。"


def _run(since: date, months: int) -> date:
    """The first day on which so many months have run, `since` being their first: their last day is over at its midnight, also
    where a month has no such day and ends before it (Civil Code art. 202)."""
    return max(months_after(since, months), months_after(since - timedelta(days=1), months) + timedelta(days=1))


def _months(c: Context, ground: str) -> str | None:
    """The law counts months, stages count days: 180 days are up to four short of six months."""
    if ground != "G_IDLE" or c.idle_since is None or c.idle_months is None:
        return None
    until = _run(c.idle_since, c.idle_months)
    if c.today >= until:
        return None
    return f"连续闲置须满{c.idle_months}个月：自{c.idle_since.isoformat()}起算，至{until.isoformat()}期满，此前不能据此作出结论。"


def _screened(c: Context) -> str | None:
    if c.record.hardship_on is None or c.record.hardship_open:
        return "请先完成“困难情况筛查”，每一项都要查明。"
    if c.today - c.record.hardship_on > SCREENING_HOLDS:
        return "困难情况筛查已超过90天，请重新了解后再办理。"
    if c.record.in_hardship and len(c.record.hardship.get("measures", "")) < 4:
        return "该家庭有困难情形，请在“困难情况筛查”中写明帮扶与缓办措施。"
    return None


def second(c: Context, fields: Fields | None) -> str | None:
    """The second of two is another person, by user id."""
    if c.record.proposal is None:
        return "没有待会商的结论，请刷新页面。"
    if c.actor == c.record.proposal.by:
        return "认定会商须由另一人作出，提请人本人不能同意或退回。"
    return None


def sign(c: Context, fields: Fields | None) -> str | None:
    proposal = c.record.proposal
    if proposal is None or proposal.agreed_by is None:
        return "须两人会商同意后才能签发。"
    if c.actor == proposal.by:
        return "通知须由提请人以外的人员签发。"
    if not was_heard(c.record, c.today):
        return "须先听取当事人说明。"
    if _unanswered(c):
        return UNANSWERED_ZH
    if problem := _ground(c, proposal.ground, proposal.electronic) or _months(c, proposal.ground) or _screened(c):
        return problem
    gone = c.record.facts_gone_on
    if proposal.electronic and gone is not None and gone >= proposal.on:
        return f"所依据的线索事实已于{gone.isoformat()}消失，请退回复核。"
    if fields is None:
        return None
    days = c.record.least_days[proposal.conclusion]
    if date.fromisoformat(fields["deadline"]) < c.today + timedelta(days=days):
        extra = "（有困难情形的家庭）" if c.record.in_hardship else ""
        return f"{NOTICES[proposal.conclusion]}的期限不得少于{days}天{extra}，请改晚。"
    return None


def served(c: Context, fields: Fields | None) -> str | None:
    notice = c.record.notice
    if notice is None or notice.served_on is not None:
        return "通知已有送达回证。"
    if fields and date.fromisoformat(fields["served_on"]) < notice.on:
        return "送达日期不能早于签发日期。"
    return None


def reply(c: Context, fields: Fields | None) -> str | None:
    if c.record.defence is None:
        return "没有待答复的陈述申辩。"
    if c.record.proposal and c.actor == c.record.proposal.by:
        return "陈述申辩须由提请人以外的人员复核。"
    return None


def after_notice(name: str) -> Guard:
    """The day in field `name` is of something said against a notice: not before that notice."""

    def guard(c: Context, fields: Fields | None) -> str | None:
        notice = c.record.notice
        if fields is None or notice is None or date.fromisoformat(fields[name]) >= notice.on:
            return None
        return f"所填日期不能早于通知签发之日（{notice.on.isoformat()}）。"

    return guard


def against_notice(name: str) -> Guard:
    """The same where the state alone does not say that a notice stands."""

    def guard(c: Context, fields: Fields | None) -> str | None:
        return "本案没有已签发的通知。" if c.record.notice is None else after_notice(name)(c, fields)

    return guard


def hearing_requested(c: Context, fields: Fields | None) -> str | None:
    if c.record.hearing is not None:
        return "已有待举行的听证。"
    first = workdays_after(c.today, HEARING_NOTICE_WORKDAYS)
    if fields and date.fromisoformat(fields["on"]) < first:
        return f"听证须提前七个工作日通知当事人，最早为{first.isoformat()}，请改晚。"
    return after_notice("asked_on")(c, fields)


def hearing_held(c: Context, fields: Fields | None) -> str | None:
    if c.record.hearing is None:
        return "没有待举行的听证。"
    on = c.record.hearing_on
    if on is not None and (c.today < on or (fields and date.fromisoformat(fields["held_on"]) < on)):
        return f"听证定在{on.isoformat()}，不能早于通知当事人的日期举行。"
    return _independent(c, "听证")


def appeal_decided(c: Context, fields: Fields | None) -> str | None:
    if c.record.appeal is None:
        return "没有待复核的申诉。"
    if fields and fields["outcome"] == "withdrawn" and c.record.notice is None:
        return "本案没有通知可以撤销；请选“维持”，在意见中写明处理，线索不成立的另行排除。"
    return _independent(c, "申诉")


def _independent(c: Context, what: str) -> str | None:
    return f"{what}须由未参与提请、会商和签发的人员办理。" if c.actor in c.record.deciders else None


def _settled(c: Context) -> str | None:
    """Nothing the household said is left unanswered, and its time to speak is over."""
    notice = c.record.notice
    until = notice.defence_until if notice else None
    if until is None:
        return "通知尚未送达，请先填写“送达回证”。"
    if c.today <= until:
        return f"陈述申辩期至{until.isoformat()}，期满后再办理。"
    return UNANSWERED_ZH if _unanswered(c) else None


def _unanswered(c: Context) -> bool:
    return bool(c.record.defence or c.record.hearing or c.record.appeal)


def refer(c: Context, fields: Fields | None) -> str | None:
    notice = c.record.notice
    if problem := _settled(c):
        return problem
    if notice is None or notice.conclusion == "rectify":
        return "限期整改不能直接移送；期满未整改的，请再次提请会商。"
    if c.today <= notice.until + timedelta(days=REMINDER_DAYS):
        return f"期限至{notice.until.isoformat()}，期满并书面催告满{REMINDER_DAYS}日后才能移送。"
    if c.actor == notice.by:
        return "移送须由签发人以外的人员决定。"
    if fields is None:
        return None
    reminded = date.fromisoformat(fields["reminded_on"])
    if reminded <= notice.until or c.today < reminded + timedelta(days=REMINDER_DAYS):
        return f"催告书须在期限（{notice.until.isoformat()}）届满后送达，且送达已满{REMINDER_DAYS}日（行政强制法第五十四条）。"
    return _enforceable(c, notice, reminded) if fields["route"] == "enforcement" else None


def _enforceable(c: Context, notice: Notice, reminded: date) -> str | None:
    """The court enforces a decision that can no longer be attacked, and only after ten working days of a reminder have passed."""
    if notice.sue_until is None or c.today <= notice.sue_until:
        until = notice.sue_until.isoformat() if notice.sue_until else ""
        return f"当事人可起诉至{until}（行政诉讼法第四十六条），此后才能申请强制执行（行政强制法第五十三条）。"
    over, days = workdays_after(reminded, REMINDER_WORKDAYS), REMINDER_WORKDAYS
    if c.today <= over:
        return f"申请强制执行前的催告以工作日计（行政强制法第六十九条）：至{over.isoformat()}满{days}日，此后才能申请。"
    return None


def objection(c: Context, fields: Fields | None) -> str | None:
    if fields and fields["article"] == "718" and c.kind != "sublet":
        return "民法典第718条的异议只针对转租；请核对依据。"
    return None


def archive(c: Context, fields: Fields | None) -> str | None:
    if c.record.appeal or c.record.hearing:
        return "当事人的申诉或听证尚未办结，请先办结。"
    if c.state is State.REFERRED and not c.record.returned:
        return "已移送的案件须待租赁系统回传结果后归档。"
    return None


GUARDS: dict[Action, Guard] = {
    Action.ASK: ask,
    Action.VISIT: visit,
    Action.VISITED: visited,
    Action.INTERVIEW: interview,
    Action.INTERVIEWED: interviewed,
    Action.PROPOSE: propose,
    Action.AGREE: second,
    Action.DISAGREE: second,
    Action.SIGN: sign,
    Action.SERVED: served,
    Action.DEFENCE: against_notice("said_on"),
    Action.REPLY: reply,
    Action.HEARING_REQUESTED: hearing_requested,
    Action.HEARING_HELD: hearing_held,
    Action.APPEAL: against_notice("appealed_on"),
    Action.APPEAL_DECIDED: appeal_decided,
    Action.COMPLIED: after_notice("done_on"),
    Action.REFER: refer,
    Action.OBJECTION: objection,
    Action.NOTE: note,
    Action.ARCHIVE: archive,
}

ABOUT: dict[Action, Callable[[Record], object | None]] = {
    Action.DEFENCE: lambda record: record.notice,
    Action.REPLY: lambda record: record.notice,
    Action.APPEAL: lambda record: record.notice,
    Action.APPEAL_DECIDED: lambda record: record.appeal,
}
"""What must stand for a step to be shown at all: these are allowed in states in which mostly nothing of the kind does."""
