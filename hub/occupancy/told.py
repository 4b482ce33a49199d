"""(P) A lead in words: what was seen, what speaks against it, what would refute it. Only signs that carry the lead are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import exp

from hub.occupancy.absence_signs import ABSENCE_COLUMN
from hub.occupancy.course import GONE, JOINED, OTHERWISE, Now, absent_days
from hub.occupancy.finding import (
    DIGITS,
    Evidence,
    Finding,
    Kind,
    Stage,
    inputs_hash,
    policy_version,
    window_coverage,
)
from hub.occupancy.likely import CLEARED_DAYS, Likely, Model
from hub.occupancy.outcomes import FAMILY
from hub.occupancy.pack import PolicyPack
from hub.occupancy.runs import looks_like_leak, observability
from hub.occupancy.signs import COLUMN
from hub.occupancy.vacancy import ASK_FIRST, missing_contacts
from hub.occupancy.vacancy import REFUTED_BY as IF_THERE
from hub.occupancy.values import DwellingRecord, Household, PresenceDay
from hub.occupancy.windows import RECENT

REFUTED_BY = (
    "任一登记人员本人到场核验（不以刷脸为唯一方式）。",
    "更新人脸底片后登记人员恢复被识别（IE21）。",
    "使用人经核实为应登记的家庭成员、护理人员或已报备的临时同住人（IE13、IE14、IE27）。",
    "入户核查确认登记人员实际居住。",
)
NOT_ENOUGH = "观测数据不足：不推进任何阶段，缺失的数据不视为无人，也不视为他人居住。"
SHOWN = 20
AWAY_BEFORE = 20
CHANGED = 0.3
"""Log of recent over usual electricity from which on it is told."""


@dataclass(frozen=True, slots=True)
class _Told:
    because: tuple[str, ...]
    against: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    observed: str
    threshold: str


def others_finding(
    record: DwellingRecord, household: Household, of: Likely, i: int, now: Now, pack: PolicyPack, model: Model
) -> Finding:
    """The lead of day `i` of the tenancy that others live there."""
    window = of.days[max(0, i + 1 - RECENT) : i + 1]
    at = {name: float(of.signs[i, number]) for name, number in COLUMN.items()}
    at |= {"joined_recent": float(of.joined_recent[i]), "before_recent": float(of.before_recent[i])}
    told = _others(record, household, window, at, float(of.others[i]), model)
    return _finding(record, of, i, now, pack, Kind.SUBLET, window, told, REFUTED_BY, float(of.others[i]), model)


def vacancy_finding(
    record: DwellingRecord, household: Household, of: Likely, i: int, now: Now, pack: PolicyPack, model: Model
) -> Finding:
    """The lead of day `i` that nobody lives there, or that nobody ever moved in. Where people keep a record of
    contacts, red needs their failed ones."""
    window = of.days[int(of.away_from[i]) : i + 1]
    at = {name: float(of.absence[i, number]) for name, number in ABSENCE_COLUMN.items()}
    days = int(absent_days(of)[i])
    missing = None
    if now.stage is Stage.RED and record.contacts_kept:
        missing = missing_contacts(household.contacts, window, pack.vacancy)
        if missing:
            now = Now(Stage.ORANGE, now.rule, now.since, now.families)
    told = _vacancy(record, household, of, i, at, days, pack, missing)
    kind = Kind.NOT_MOVED_IN if now.rule == "V6" else Kind.VACANCY
    return _finding(record, of, i, now, pack, kind, window, told, IF_THERE, float(of.vacancy[i]), model)


def _finding(
    record: DwellingRecord,
    of: Likely,
    i: int,
    now: Now,
    pack: PolicyPack,
    kind: Kind,
    window: tuple[PresenceDay, ...],
    told: _Told,
    refuted_by: tuple[str, ...],
    chance: float,
    model: Model,
) -> Finding:
    coverage, worst = window_coverage(window, record.points)
    blind = (f"设备 {worst} 在窗口内有漏观测时段。",) if worst else ()
    device = (Evidence("device", worst, "窗口内漏观测最多的设备。"),) if worst else ()
    doubt = (NOT_ENOUGH,) if now.stage is Stage.INSUFFICIENT_DATA else ()
    return Finding(
        dwelling_id=record.dwelling_id,
        kind=kind,
        rule=now.rule,
        policy_version=policy_version(pack),
        stage=now.stage,
        families=now.families,
        window_from=window[0].day,
        window_to=window[-1].day,
        coverage=coverage,
        because=(
            *told.because,
            f"综合可能性约{chance:.0%}（模型 {model.version}，由模拟城市拟合，供排序用，不是结论）。",
            *doubt,
        ),
        against=(*_cleared(record.household, FAMILY[kind], window[-1].day), *told.against, *blind),
        refuted_by=refuted_by,
        evidence=(*told.evidence, *device),
        observed=told.observed,
        threshold=told.threshold,
        inputs_hash=inputs_hash(pack, record, of.days[: i + 1]),
        chance=round(chance, DIGITS),
    )


def _cleared(household: Household | None, family: str, day: date) -> list[str]:
    """What people found out before, and that it counts for the household."""
    known = [one for one in household.cleared if one.family == family and one.on <= day] if household else []
    if not known or (day - known[-1].on).days >= CLEARED_DAYS:
        return []
    one, result = known[-1], "有正当理由" if known[-1].good_cause else "线索不成立"
    if one.case:
        return [
            f"{one.on:%Y-%m-%d}已查过本户的同类线索（案件{one.case}），结论为{result}：可能性已据此下调，两年内逐步恢复。"
        ]
    return [f"{one.on:%Y-%m-%d}已查过本户的同类线索，结论为{result}：可能性已据此下调，两年内逐步恢复。"]


def _others(
    record: DwellingRecord,
    household: Household,
    window: tuple[PresenceDay, ...],
    at: Mapping[str, float],
    chance: float,
    model: Model,
) -> _Told:
    because, evidence = [], list[Evidence]()
    first, last, n = window[0].day, window[-1].day, len(window)
    if at["gone_faces"] or at["never_recognised"]:
        who = (
            f"{at['gone_faces']:.0f}名平时可识别的登记人员"
            if at["gone_faces"]
            else f"{at['never_recognised']:.0f}名应可识别的登记人员"
        )
        because.append(
            f"{who}已有{at['unseen_face']:.0f}个可观测日未被识别到（平时{at['face_usual']:.0%}的日子可识别到本户）。"
        )
    elif at["unseen_own"] >= RECENT / 2:
        because.append(
            f"登记人员本人的凭证已有{at['unseen_own']:.0f}个可观测日未使用（平时{at['own_usual']:.0%}的日子使用）。"
        )
    if because:
        evidence.append(Evidence("days", f"{first}/{last}", because[0], first))
    if at["newcomer_only"] >= 0.3:
        because.append(f"近{n}日中{at['newcomer_only']:.0%}的日子只识别到新登记人员。可能为家庭变动，须先询问。")
    late = [day for day in window if day.late_others]
    used = [day for day in window if day.others]
    if at["visitors_recent"] >= 0.2:
        because.append(
            f"近{n}日中有{len(used)}日使用访客凭证，其中{len(late)}日为夜间归来或清晨离开（平时{at['visitors_usual']:.0%}的日子）。"
        )
        evidence += [Evidence("day", str(d.day), "访客凭证夜间归来或清晨离开。", d.day) for d in late[-SHOWN:]]
    if at["unidentified_recent"] >= 0.3:
        cards = sorted({token for day in window for token in day.cards_of})
        because.append(
            f"近{n}日中{at['unidentified_recent']:.0%}的日子有通行而未核验到登记人员本人（平时{at['unidentified_usual']:.0%}）。"
        )
        evidence += [Evidence("credential", token, "窗口内被使用而未核验到持有人。") for token in cards[:SHOWN]]
    if at["night_unseen"] >= 0.3:
        because.append(
            f"近{n}日中{at['night_unseen']:.0%}的日子有人夜间归来或清晨离开，而当日未识别到登记人员本人（平时{at['night_usual']:.0%}的日子有夜间通行）。"
        )
    if at["new_token"] >= 0.2:
        because.append("出现此前未使用过的本户凭证。")
    if max(at["hours_change"], at["run_hours"]) >= 0.25 or at["shift_hours"] >= OTHERWISE:
        changed = max(at["hours_change"], at["run_hours"])
        because.append(f"出入时段与平时明显不同（差异{changed:.0%}；平时波动{at['hours_usual']:.0%}）。")
    water, against = _meter_text(record, window, at)
    because += water
    evidence += [Evidence("meter", record.meters["water"], text) for text in water if "water" in record.meters]
    if power := _power_text(len(window), at):
        because.append(power)
        evidence += [Evidence("meter", record.meters["electricity"], power)] if "electricity" in record.meters else []
    against = [*against, *_against_others(household, at)]
    return _Told(
        tuple(because),
        tuple(against),
        tuple(evidence),
        f"近{n}日：可能性{chance:.0%}",
        f"询问{model.others_tiers.yellow:.0%}、核查{model.others_tiers.orange:.0%}、成卷{model.others_tiers.red:.0%}",
    )


def _meter_text(
    record: DwellingRecord, window: tuple[PresenceDay, ...], at: Mapping[str, float]
) -> tuple[list[str], list[str]]:
    values = [day.water for day in window if day.water is not None]
    if not values or "water" not in record.meters:
        return [], ["没有可比的水表数据，无法从用水佐证。"]
    mean = sum(values) / len(values)
    leak = "用量每日几乎相同，更像渗漏（IE25）。" if looks_like_leak(values) else ""
    if at["has_water"]:
        text = f"近{len(window)}日日均用水{mean:.3f}立方米，为平时的{exp(at['water_change']):.0%}。"
    else:
        text = (
            f"近{len(window)}日日均用水{mean:.3f}立方米，与有人居住相符。"
            if mean >= 0.03
            else f"近{len(window)}日日均用水{mean:.3f}立方米。"
        )
    return ([], [text + leak]) if leak or mean < 0.01 else ([text], [])


def _power_text(days: int, at: Mapping[str, float]) -> str:
    """What a lead may rest on is named: electricity where it changed, or where no water meter tells."""
    changed = abs(at["power_change"]) >= CHANGED or (at["shift_meter"] >= OTHERWISE and not at["has_water"])
    return f"近{days}日日均用电为平时的{exp(at['power_change']):.0%}。" if at["has_power"] and changed else ""


def _against_others(household: Household, at: Mapping[str, float]) -> list[str]:
    found = ["登记人员可能改用刷卡、戴口罩或底片过期而未被识别（IE20、IE21），也可能家庭内部互借卡片（IE22）。"]
    if household.unnamed:
        found.append(f"本户核定人数中有{household.unnamed}人从未登记：使用人可能就是这些家庭成员，仅询问（IE27）。")
    silent = len(household.members) - int(at["known_faces"])
    if silent > 0:
        found.append(f"有{silent}名登记人员无法被识别（未同意用于核查或未录入），可能正在居住（IE27、IE29）。")
    if at["declared"]:
        found.append("本户已报备离家，期间可能由亲属、护理人员或保洁照看（IE13至IE16）。")
    if at["joined_recent"] >= JOINED and at["before_recent"] <= GONE:
        found.append(
            "近来通行的是新登记人员本人，此前登记的人员基本未见：可能为子女接住、结婚或互换后登记未及时更新，仅询问（IE27）。"
        )
    if at["own_recent"] >= 0.2:
        found.append("登记人员仍有通行，可能只是亲友、护理人员或保姆同住（IE13、IE14）。")
    found.append(
        "使用人可能是护理人员、月嫂、亲友，或未及时登记的家庭成员（IE13至IE15、IE27）；也可能本户受他人胁迫（IE30）。"
    )
    return found


def _vacancy(
    record: DwellingRecord,
    household: Household,
    of: Likely,
    i: int,
    at: Mapping[str, float],
    days: int,
    pack: PolicyPack,
    missing: str | None,
) -> _Told:
    begin = int(of.away_from[i])
    window = of.days[begin : i + 1]
    first, end = window[0].day, window[-1].day
    last = f"最后一个有人居住的日期为{of.days[begin - 1].day:%Y-%m-%d}" if begin else "记录期内没有居住迹象"
    because = [
        f"自{first:%Y-%m-%d}起{at['away']:.0f}日无人居住，其中{days}日可计入（{last}；"
        f"另有{at['unknown']:.0f}日无法观测、{at['paused']:.0f}日在春节期间）。"
    ]
    evidence = [Evidence("days", f"{first}/{end}", because[0], first)]
    if begin:
        evidence.append(
            Evidence("day", str(of.days[begin - 1].day), "此前最后一个有人居住的日期。", of.days[begin - 1].day)
        )
    against: list[str] = []
    for quantity, name in (("water", "用水"), ("power", "用电")):
        if not at[f"has_{quantity}"]:
            continue
        text = f"同期{name}为平时的{at[quantity]:.0%}，{at[f'{quantity}_low']:.0%}的日子近零。"
        (because if at[f"{quantity}_low"] >= 0.6 else against).append(text)
        meter = record.meters.get("water" if quantity == "water" else "electricity")
        evidence += [Evidence("meter", meter, text)] if meter else []
    if not at["has_water"] and not at["has_power"]:
        against.append("没有可用的水电表数据，无法从用水用电佐证（单一信号，至多为黄色）。")
    if at["visits"]:
        against.append(f"期间有{at['visits']:.0f}日有人到访（可能是照看房屋，不视为居住）。")
    if at["unknown"]:
        against.append(f"窗口内有{at['unknown']:.0f}日无法观测（设备离线、门常开或时钟异常，IE23），未计入。")
    if at["declared"]:
        against.append("本户已报备离家，报备期内不计。")
    if at["longest_before"] >= AWAY_BEFORE:
        against.append(f"本户以前也曾离家{at['longest_before']:.0f}日后返回。")
    share = observability(of.days[: i + 1])
    if share is not None and share < 0.5:
        against.append(f"本户平时只有{share:.0%}的居住日留下通行记录（尾随、他人开门，IE17）。")
    silent = sum(not member.credentials for member in household.members if member.adult)
    if silent:
        against.append(f"有{silent}名成年登记人员没有通行凭证，其出入不会留下记录（IE20、IE27、IE29）。")
    if days >= pack.vacancy.red_days and not record.contacts_kept:
        because.append("历史数据没有联系记录：据以处理前须先完成人工联系并听取说明。")
    return _Told(
        (*because, *((missing,) if missing else ())),
        (*against, ASK_FIRST),
        (
            *evidence,
            *(
                Evidence("contact", c.id, "已联系上。" if c.reached else "联系未果。", c.day)
                for c in household.contacts
                if c.day >= first
            ),
        ),
        f"{days}日",
        f"{pack.vacancy.red_days}日",
    )
